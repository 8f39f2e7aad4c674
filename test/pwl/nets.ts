/** Generators of random blocks and nets, for property tests of everything that reads a PwlNet. */

import fc from "fast-check";
import type { Affine, AffineBlock, ConvBlock, CsrBlock, DenseBlock, GateLayer, PwlNet } from "../../src/pwl/net.js";

/** A repeatable stream of numbers in [0, 1) (mulberry32), so that a net is one integer to fast-check. */
export function stream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

type Next = () => number;
export const integer = (next: Next, low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
export const normal = (next: Next): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
export const vector = (next: Next, size: number, scale = 1): Float64Array =>
  Float64Array.from({ length: size }, () => scale * normal(next));

export function denseBlock(next: Next, rows: number, columns: number): DenseBlock {
  return { kind: "dense", rows, columns, values: vector(next, rows * columns) };
}

export function csrBlock(next: Next, rows: number, columns: number, density = 0.4): CsrBlock {
  const starts = new Int32Array(rows + 1);
  const indices: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let column = 0; column < columns; column++) if (next() < density) indices.push(column);
    starts[i + 1] = indices.length;
  }
  return {
    kind: "csr",
    rows,
    columns,
    starts,
    indices: Int32Array.from(indices),
    values: vector(next, indices.length),
  };
}

export function convBlock(next: Next): ConvBlock {
  const groups = integer(next, 1, 2);
  const channels = groups * integer(next, 1, 2);
  const outputs = groups * integer(next, 1, 2);
  const pair = (low: number, high: number): [number, number] => [integer(next, low, high), integer(next, low, high)];
  const kernel = pair(1, 3);
  const stride = pair(1, 3);
  const padding = pair(0, 3);
  const dilation = pair(1, 2);
  const size = kernel.map((k, axis) =>
    integer(next, Math.max(1, (k - 1) * dilation[axis] + 1 - 2 * padding[axis]), 7),
  ) as [number, number];
  const out = size.map(
    (n, axis) => Math.floor((n + 2 * padding[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1,
  );
  const inputShape = [channels, ...size] as const;
  const outputShape = [outputs, out[0], out[1]] as const;
  return {
    kind: "conv",
    rows: outputs * out[0] * out[1],
    columns: channels * size[0] * size[1],
    inputShape,
    outputShape,
    kernel,
    stride,
    padding,
    dilation,
    groups,
    values: vector(next, (outputs * channels * kernel[0] * kernel[1]) / groups),
  };
}

export const anyBlock = fc.integer().map((seed): AffineBlock => {
  const next = stream(seed);
  const kind = integer(next, 0, 2);
  if (kind === 2) return convBlock(next);
  return (kind === 0 ? denseBlock : csrBlock)(next, integer(next, 0, 6), integer(next, 0, 6));
});

/** An affine map that reads the previous source and, sometimes, earlier ones: residual and dense connections. */
function affine(next: Next, size: number, sizes: readonly number[]): Affine {
  const last = sizes.length - 1;
  const terms = sizes.flatMap((columns, source) =>
    source === last || next() < 0.3
      ? [{ source, block: next() < 0.5 ? denseBlock(next, size, columns) : csrBlock(next, size, columns) }]
      : [],
  );
  return { size, terms, bias: vector(next, size) };
}

function gateLayer(next: Next, name: string, sizes: readonly number[]): GateLayer {
  if (next() < 0.3) {
    const groups = Array.from({ length: integer(next, 1, 3) }, () => integer(next, 1, 4));
    const starts = Int32Array.from([0, ...groups]);
    for (let g = 1; g < starts.length; g++) starts[g] += starts[g - 1];
    return { kind: "max", name, argument: affine(next, starts[groups.length], sizes), starts };
  }
  const argument = affine(next, integer(next, 1, 6), sizes);
  const pick = (values: readonly number[]) =>
    Float64Array.from({ length: argument.size }, () => values[integer(next, 0, values.length - 1)]);
  const hinge = integer(next, 0, 2); // relu; leaky and abs; halves of clamps
  if (hinge === 0) return { kind: "hinge", name, argument, threshold: pick([0]), lo: pick([0]), hi: pick([1]) };
  if (hinge === 1) {
    return { kind: "hinge", name, argument, threshold: pick([0]), lo: pick([0.1, -1, 0.25]), hi: pick([1]) };
  }
  return { kind: "hinge", name, argument, threshold: pick([-0.5, 1, 6]), lo: pick([1]), hi: pick([0]) };
}

/** A random net with up to 4 gate layers, hinges and maxima, with skip connections. */
export function randomNet(seed: number): PwlNet {
  const next = stream(seed);
  const inputSize = integer(next, 1, 4);
  const sizes = [inputSize];
  const layers = Array.from({ length: integer(next, 0, 4) }, (_, l) => {
    const layer = gateLayer(next, `layer ${l + 1}`, sizes);
    sizes.push(layer.kind === "hinge" ? layer.argument.size : layer.starts.length - 1);
    return layer;
  });
  const output = affine(next, integer(next, 1, 3), sizes);
  return {
    inputs: [{ name: "x", shape: [inputSize] }],
    inputSize,
    layers,
    output,
    outputShape: [output.size],
    rounded: [],
  };
}

/** The largest |a - b|. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
