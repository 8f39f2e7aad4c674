import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/base/errors.js";
import type { Tensor } from "../../src/graph/tensor.js";
import * as nn from "../../src/nn/index.js";
import { assign } from "../../src/ops/assign.js";
import { mul, tensor } from "../../src/ops/index.js";
import { activationPatterns } from "../../src/pwl/activation-patterns.js";
import { linearize, linearizeAll } from "../../src/pwl/linearize.js";
import { reluNet } from "../../src/pwl/net.js";
import { lower } from "../../src/pwl/read.js";
import { stream, vector } from "./nets.js";

/** Units: x > 0, y > 0, x + y > 1; never active on the square: x > 5; always: x > -5. */
const net = reluNet(
  [
    [
      [1, 0],
      [0, 1],
      [1, 1],
      [1, 0],
      [1, 0],
    ],
    [[1, 1, 1, 1, 1]],
  ],
  [[0, 0, -1, -5, 5], [0]],
);
const data = [
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
  [0.25, 0.25],
  [0.2, 0.3],
  [1, 0.5],
];

describe("the activation patterns of a data set", () => {
  const patterns = activationPatterns(net, data);

  test("are those of each row, with distinct ones counted and rows grouped by cell", () => {
    expect([...patterns].map(String)).toEqual(["00001", "10001", "01001", "11101", "11001", "11001", "11101"]);
    expect(patterns.distinct).toBe(5);
    expect(Array.from(patterns.cells)).toEqual([0, 1, 2, 3, 4, 4, 3]);
    expect(patterns.groups()).toEqual([[0], [1], [2], [3, 6], [4, 5]]);
  });

  test("tell dead units, units that are always active, and how often each is", () => {
    expect(patterns.dead()).toEqual([{ gate: 3, layer: 0, unit: 3, name: "relu 1" }]);
    expect(patterns.alwaysActive().map(({ unit }) => unit)).toEqual([4]);
    expect(patterns.activity()[0]).toBeCloseTo(5 / 7, 14);
  });

  test("tell which units differ between two rows", () => {
    expect(patterns.differences(0, 3).map(({ gate }) => gate)).toEqual([0, 1, 2]);
    expect(patterns.differences(4, 5)).toEqual([]);
  });

  test("mark rows that lie on a crease", () => {
    expect(
      Array.from(
        activationPatterns(net, [
          [0, 3],
          [1, 3],
        ]).onCrease,
      ),
    ).toEqual([1, 0]);
  });

  test("of a module are those of linearize, row by row", () => {
    const module = nn.mlp([3, 8, 8, 2]);
    const X = tensor(vector(stream(3), 60), { shape: [20, 3] });
    const ofData = activationPatterns(module, X);
    const all = linearizeAll(module, X);
    expect(all.length).toBe(20);
    for (let i = 0; i < 20; i++) {
      expect(ofData.at(i).equals(all.at(i).pattern)).toBe(true);
      const row = tensor((X.toArray() as number[][])[i]);
      expect(all.at(i).A.toArray()).toEqual(linearize(module, row).A.toArray());
    }
  });

  test("an input of another shape is refused", () => {
    expect(() => activationPatterns(net, [[1, 2, 3]])).toThrow(ShapeError);
    expect(() => activationPatterns(net, [[1, 2, 3]])).toThrow(/reads one input of shape \[2\], got \[3\]/);
    expect(() => activationPatterns(net, tensor(1))).toThrow(/at least one row along its first axis/);
  });
});

describe("linearize of a function", () => {
  test("takes tensors, numbers and typed arrays, for functions and for nets", () => {
    const module = nn.mlp([2, 4, 3]);
    const pwl = lower(module, { shape: [2] });
    const x = [0.5, -0.25];
    const expected = linearize(module, tensor(x)).A.toArray();
    for (const A of [
      linearize(module, x),
      linearize(pwl, x),
      linearize(pwl, Float64Array.from(x)),
      linearize(pwl, tensor(x)),
    ].map(({ A }) => A)) {
      expect(A.shape).toEqual([3, 2]);
      expect(A.toArray()).toEqual(expected);
    }
  });

  test("is on a crease where float32 saw another sign than the weights have: 0.3 - 0.1 - 0.2", () => {
    const first = nn.mlpFromWeights([[[-0.1, -0.2]], [[1]]], [[0.3], [0]]);
    const here = linearize(first, [1, 1]);
    expect(String(here.pattern)).toBe("1"); // exactly 2^-27, rounded to 0 by float32
    expect(here.creases).toEqual([]);
    expect(here.onCrease).toBe(true);
    expect(linearize(first, [1, 0.5]).onCrease).toBe(false);
  });

  test("follows a module whose parameters or mode change between two questions", () => {
    const module = nn.mlp([2, 3, 1]);
    const x = [0.5, 0.25];
    linearize(module, x);
    const [weight] = module.parameters();
    assign(weight, mul(weight, -2));
    const fresh = lower(module, { shape: [2] });
    expect(linearize(module, x).A.toArray()).toEqual(linearize(fresh, x).A.toArray());
    let factor = 1;
    const fn = (one: Tensor) => mul(one, factor);
    expect(linearize(fn, [1]).A.toArray()).toEqual([[1]]);
    factor = 3;
    expect(linearize(fn, [1]).A.toArray()).toEqual([[3]]);
  });

  test("a batch is of one state of the module: parameters that change in between are noticed", () => {
    const module = nn.mlp([2, 3, 1]);
    const all = linearizeAll(module, data);
    all.at(0);
    const [weight] = module.parameters();
    assign(weight, mul(weight, 2));
    expect(() => all.at(1)).toThrow(/two runs of the function differ: a parameter has other values/);
  });

  test("refuses points that are no numbers", () => {
    expect(() => linearize(net, [Number.NaN, 0])).toThrow(/element 0 is NaN/);
    expect(() => linearize(nn.mlp([2, 2]), [0, Number.POSITIVE_INFINITY])).toThrow(/element 1 is Infinity/);
  });
});
