import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { arange, full, ones, tensor, zeros } from "crease";
import { describe, expect, test } from "vitest";
import type { DType } from "../../src/array/dtype.js";
import { formatValues } from "../../src/array/print.js";

interface Printed {
  dtype: DType;
  shape: number[];
  /** Numbers; "NaN", "Infinity" and "-Infinity" as text. */
  data: (number | string)[];
  text: string;
}

/** np.array2string(x, separator=", ", prefix="tensor(") under np.printoptions(precision=4), NumPy 2.4. */
const cases: Printed[] = JSON.parse(readFileSync(new URL("numpy-prints.json", import.meta.url), "utf8"));

describe("values print as in NumPy", () => {
  test.each(cases.map((one) => [`${one.dtype} [${one.shape}] ${one.data.slice(0, 4)}`, one] as const))(
    "%s",
    (_, one) => {
      const x = tensor(Float64Array.from(one.data, Number), { dtype: "float64", shape: one.shape }).to(one.dtype);
      expect(formatValues(x, " ".repeat(7))).toBe(one.text);
    },
  );

  test("more than a thousand are shortened to three at each end of an axis", () => {
    expect(formatValues(arange(1001, undefined, 1, { dtype: "int32" }))).toBe(
      "[   0,    1,    2, ...,  998,  999, 1000]",
    );
    expect(formatValues(arange(1200, undefined, 1, { dtype: "int32" }).reshape([30, 40]))).toBe(
      [
        "[[   0,    1,    2, ...,   37,   38,   39],",
        " [  40,   41,   42, ...,   77,   78,   79],",
        " [  80,   81,   82, ...,  117,  118,  119],",
        " ...,",
        " [1080, 1081, 1082, ..., 1117, 1118, 1119],",
        " [1120, 1121, 1122, ..., 1157, 1158, 1159],",
        " [1160, 1161, 1162, ..., 1197, 1198, 1199]]",
      ].join("\n"),
    );
    expect(formatValues(zeros([2, 600]))).toBe("[[0., 0., 0., ..., 0., 0., 0.],\n [0., 0., 0., ..., 0., 0., 0.]]");
  });

  test("only the shown ones decide the layout", () => {
    const values = new Float64Array(1001);
    values[500] = 1e12;
    expect(formatValues(tensor(values))).toBe("[0., 0., 0., ..., 0., 0., 0.]");
  });

  test("seventeen axes of length two are not too many", () => {
    const text = formatValues(ones(new Array(17).fill(2)));
    expect(text.match(/1\./g)?.length).toBe(2 ** 17);
  });
});

describe("a tensor prints", () => {
  test.each([
    [tensor(2), "tensor(2.)"],
    [tensor([1, 2.5]), "tensor([1. , 2.5])"],
    [tensor([1, 2], { dtype: "float64" }), "tensor([1., 2.], float64)"],
    [tensor([3, -1], { dtype: "int32" }), "tensor([ 3, -1], int32)"],
    [tensor([1], { requiresGrad: true, name: 'a"b' }), 'tensor([1.], requiresGrad, name "a\\"b")'],
    [tensor([1], { requiresGrad: true }).mul(2), "tensor([2.], by mul)"],
    [tensor([]), "tensor([])"],
    [zeros([0, 3]), "tensor([], shape [0, 3])"],
    [full([2, 2], Number.NaN), "tensor([[nan, nan],\n        [nan, nan]])"],
  ])("as %s", (x, text) => {
    expect(x.toString()).toBe(text);
    expect(String(x)).toBe(text);
    expect(inspect(x)).toBe(text);
  });
});
