import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { identityBlock } from "../../src/array/affine-block.js";
import { exact, exactDifference, exactProduct, exactSum, exactToNumber } from "../../src/exact/number.js";
import { toDense } from "../../src/pwl/blocks.js";
import { addAffine, composeAffine, isIdentity, multiplyBlocks, Roundings, selection } from "../../src/pwl/compose.js";
import type { Affine, AffineBlock, ConvBlock } from "../../src/pwl/net.js";
import { anyBlock, convBlock, csrBlock, denseBlock, distance, integer, stream, vector } from "./nets.js";

/** left · right by definition. */
function product(left: AffineBlock, right: AffineBlock): Float64Array {
  const [a, b] = [toDense(left), toDense(right)];
  const out = new Float64Array(left.rows * right.columns);
  for (let i = 0; i < left.rows; i++) {
    for (let k = 0; k < left.columns; k++) {
      for (let j = 0; j < right.columns; j++) {
        out[i * right.columns + j] += a[i * left.columns + k] * b[k * right.columns + j];
      }
    }
  }
  return out;
}

/** A convolution of the output images of another. */
function convAfter(next: () => number, right: ConvBlock): ConvBlock | null {
  const [channels, ...size] = right.outputShape;
  const pair = (low: number, high: number): [number, number] => [integer(next, low, high), integer(next, low, high)];
  const [kernel, stride, padding, dilation] = [pair(1, 3), pair(1, 2), pair(0, 2), pair(1, 2)];
  const out = size.map((n, axis) => {
    return Math.floor((n + 2 * padding[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1;
  });
  if (out.some((one) => one < 1)) return null;
  const groups = channels % 2 === 0 ? integer(next, 1, 2) : 1;
  const outputs = 2;
  return {
    kind: "conv",
    rows: outputs * out[0] * out[1],
    columns: right.rows,
    inputShape: right.outputShape,
    outputShape: [outputs, out[0], out[1]],
    kernel,
    stride,
    padding,
    dilation,
    groups,
    values: vector(next, (outputs * channels * kernel[0] * kernel[1]) / groups),
  };
}

describe("products of blocks", () => {
  test("are the products of their matrices, whatever the kinds", () => {
    fc.assert(
      fc.property(anyBlock, fc.integer(), (right, seed) => {
        const next = stream(seed);
        const make = next() < 0.5 ? denseBlock : csrBlock;
        const left = make(next, integer(next, 0, 5), right.rows);
        const both = multiplyBlocks(left, right, new Roundings());
        expect([both.rows, both.columns]).toEqual([left.rows, right.columns]);
        expect(distance(toDense(both), product(left, right))).toBeLessThan(1e-12);
      }),
    );
  });

  test("of two convolutions are right, and one convolution wherever padding allows", () => {
    const kinds = new Map<string, number>();
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const next = stream(seed);
        const right = convBlock(next);
        const left = convAfter(next, right);
        if (left === null) return;
        const both = multiplyBlocks(left, right, new Roundings());
        kinds.set(both.kind, (kinds.get(both.kind) ?? 0) + 1);
        expect(distance(toDense(both), product(left, right))).toBeLessThan(1e-12);
        if (left.padding.every((one) => one === 0)) expect(both.kind).toBe("conv");
      }),
      { numRuns: 500 },
    );
    expect(kinds.get("conv")).toBeGreaterThan(20);
    expect((kinds.get("csr") ?? 0) + (kinds.get("dense") ?? 0)).toBeGreaterThan(20);
  });

  test("of an average pool and a padded convolution stay one convolution", () => {
    const pool: ConvBlock = {
      kind: "conv",
      rows: 8,
      columns: 32,
      inputShape: [2, 4, 4],
      outputShape: [2, 2, 2],
      kernel: [2, 2],
      stride: [2, 2],
      padding: [0, 0],
      dilation: [1, 1],
      groups: 2,
      values: new Float64Array(8).fill(0.25),
    };
    const conv: ConvBlock = {
      ...pool,
      rows: 12,
      columns: 8,
      inputShape: [2, 2, 2],
      outputShape: [3, 2, 2],
      kernel: [3, 3],
      stride: [1, 1],
      padding: [1, 1],
      groups: 1,
      values: vector(stream(1), 54),
    };
    const both = multiplyBlocks(conv, pool, new Roundings());
    expect(both).toMatchObject({ kind: "conv", kernel: [6, 6], stride: [2, 2], padding: [2, 2] });
    expect(distance(toDense(both), product(conv, pool))).toBeLessThan(1e-14);
  });

  test("with the identity change nothing, not even the object", () => {
    const block = convBlock(stream(2));
    expect(multiplyBlocks(identityBlock(block.rows), block, new Roundings())).toBe(block);
    expect(multiplyBlocks(block, identityBlock(block.columns), new Roundings())).toBe(block);
    expect(isIdentity(selection([0, 1], 2))).toBe(true);
    expect(isIdentity(selection([1, 0], 2))).toBe(false);
    expect(isIdentity(selection([0, 1], 3))).toBe(false);
    expect(isIdentity(selection([0, 1], 2, [1, -1]))).toBe(false);
  });
});

describe("what is counted as rounded", () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 });

  test("is every sum and product that is not exact, by its exact error", () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const sum = new Roundings();
        const error = exactToNumber(exactDifference(exactSum(exact(a), exact(b)), exact(sum.add(a, b))));
        expect(sum.largest).toBe(Math.abs(error));
        const times = new Roundings();
        const value = times.multiply(a, b);
        const lost = Math.abs(exactToNumber(exactDifference(exactProduct(exact(a), exact(b)), exact(value))));
        expect(times.largest).toBeGreaterThanOrEqual(lost);
        expect(times.numbers === 0).toBe(times.largest === 0);
        if (Math.abs(value) > 1e-200) expect(times.largest).toBe(lost);
      }),
    );
  });

  test("counts quotients: by powers of two none, by three all", () => {
    const roundings = new Roundings();
    roundings.divide(0.7, 4);
    expect(roundings.numbers).toBe(0);
    roundings.divide(1, 3);
    expect(roundings).toMatchObject({ numbers: 1, largest: 2 ** -53 / 3 + Number.MIN_VALUE });
  });

  test("is nothing in products of small integers, and every entry of generic ones", () => {
    const integers: AffineBlock = { kind: "dense", rows: 2, columns: 2, values: Float64Array.of(1, 2, 3, 4) };
    const none = new Roundings();
    multiplyBlocks(integers, integers, none);
    expect(none.numbers).toBe(0);
    const all = new Roundings();
    multiplyBlocks(denseBlock(stream(1), 2, 3), denseBlock(stream(2), 3, 2), all);
    expect(all.numbers).toBe(4);
    expect(all.largest).toBeLessThan(1e-14);
  });
});

describe("affine maps", () => {
  test("add up by source, and terms that cancel vanish", () => {
    const block = denseBlock(stream(3), 2, 2);
    const a: Affine = { size: 2, terms: [{ source: 1, block }], bias: Float64Array.of(1, 2) };
    const minus = composeAffine(selection([0, 1], 2, [-1, -1]), a, new Float64Array(2), new Roundings());
    const sum = addAffine(a, minus, new Roundings());
    expect(sum.terms).toEqual([]);
    expect(Array.from(sum.bias)).toEqual([0, 0]);
    const other: Affine = { size: 2, terms: [{ source: 0, block }], bias: Float64Array.of(1, 2) };
    expect(addAffine(a, other, new Roundings()).terms.map(({ source }) => source)).toEqual([0, 1]);
  });
});
