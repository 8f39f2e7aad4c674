import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkDtype, type DType, dtypeOf, newArray, promote } from "../../src/array/dtype.js";
import { arena, zerosView } from "../../src/array/storage.js";
import { DtypeError } from "../../src/base/errors.js";

describe("an arena", () => {
  test("gives zeros that no other tensor shares, whatever sizes are asked in whatever order", () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 6000 })), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.constantFrom<DType>("float32", "float64", "int32"), (wanted, dtype) => {
        const given = wanted.map((size, i) => {
          const from = arena(dtype);
          const buffer = from.allocate(size);
          const { offset } = from;
          const values = buffer.subarray(offset, offset + size);
          expect(values.length).toBe(size);
          expect(values.every((value) => value === 0)).toBe(true);
          values.fill(i + 1);
          return values;
        });
        given.forEach((values, i) => {
          expect(values.every((value) => value === i + 1)).toBe(true);
        });
      }),
      { numRuns: 40 },
    );
  });

  test("serves views of a dtype and shape", () => {
    const view = zerosView("int32", [2, 3]);
    expect([view.dtype, view.size, dtypeOf(view.buffer)]).toEqual(["int32", 6, "int32"]);
  });
});

describe("dtypes", () => {
  test("promote to float64 where either is", () => {
    expect(promote("float32", "float32", "add")).toBe("float32");
    expect(promote("float32", "float64", "add")).toBe("float64");
    expect(promote("float64", "float32", "add")).toBe("float64");
    for (const other of ["float32", "float64", "int32"] as const) {
      expect(() => promote("int32", other, "add")).toThrow(DtypeError);
      expect(() => promote(other, "int32", "add")).toThrow(/add: got .*int32.*convert with \.to\("float32"\)/);
    }
  });

  test.each(["float16", "Float32", "", "toString"])("%j is none", (name) => {
    expect(() => checkDtype(name, "zeros")).toThrow(DtypeError);
    expect(() => checkDtype(name, "zeros")).toThrow(`unknown dtype "${name}"; use one of float32, float64, int32`);
  });

  test("are those of their typed arrays", () => {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      expect(dtypeOf(newArray(dtype, 3))).toBe(dtype);
      expect(newArray(dtype, 3).length).toBe(3);
    }
  });
});
