/** Random nets with small integer weights, where ties, copies, parallel and concurrent creases abound. */

import fc from "fast-check";
import { checkNet } from "../../src/pwl/check.js";
import type { Affine, AffineBlock, CsrBlock, GateLayer, PwlNet } from "../../src/pwl/net.js";

/** What a random layer may be. */
export type LayerKind = "relu" | "leaky" | "abs" | "clamp" | "max";

export interface NetShape {
  readonly inputs: number;
  readonly kinds: readonly LayerKind[];
  readonly units: readonly number[];
  /** Layers that also read the layer before the last, or the input. */
  readonly skips: readonly boolean[];
  readonly outputs: number;
  readonly sparse: boolean;
}

/** Shapes of up to three layers of up to five units. */
export function netShapes(inputs: number, kinds: readonly LayerKind[]): fc.Arbitrary<NetShape> {
  return fc.integer({ min: 1, max: 3 }).chain((depth) =>
    fc.record({
      inputs: fc.constant(inputs),
      kinds: fc.array(fc.constantFrom(...kinds), { minLength: depth, maxLength: depth }),
      units: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: depth, maxLength: depth }),
      skips: fc.array(fc.boolean(), { minLength: depth + 1, maxLength: depth + 1 }),
      outputs: fc.integer({ min: 1, max: 3 }),
      sparse: fc.boolean(),
    }),
  );
}

/** A net of a shape: weights from `next` (integers of -3 to 3), some rows copies or multiples of the row before. */
export function integerNet(shape: NetShape, next: () => number): PwlNet {
  const sizes = [shape.inputs];
  const affine = (rows: number, skip: boolean): Affine => {
    const last = sizes.length - 1;
    const sources = skip && last > 0 ? [last, last - 1] : [last];
    const factors = Array.from({ length: rows }, () => [1, 2, -1, 0, 0, 0, 0][Math.abs(next() * 3 + next()) % 7]);
    const copied = (values: number[][]): number[][] => {
      for (let i = 1; i < rows; i++) if (factors[i] !== 0) values[i] = values[i - 1].map((x) => factors[i] * x);
      return values;
    };
    const matrix = (columns: number) =>
      copied(Array.from({ length: rows }, () => Array.from({ length: columns }, () => next())));
    const bias = copied(Array.from({ length: rows }, () => [next()])).flat();
    const terms = sources.map((source) => ({
      source,
      block: block(matrix(sizes[source]), sizes[source], shape.sparse),
    }));
    return { size: rows, terms, bias: Float64Array.from(bias) };
  };
  const layers = shape.kinds.map((kind, l): GateLayer => {
    const units = shape.units[l];
    sizes.push(units);
    const own = sizes.pop()!;
    let layer: GateLayer;
    if (kind === "max") {
      const lengths = Array.from({ length: own }, () => 1 + (Math.abs(next()) % 4));
      const starts = Int32Array.from({ length: own + 1 }, (_, g) => lengths.slice(0, g).reduce((a, b) => a + b, 0));
      layer = { kind: "max", name: "max", argument: affine(starts[own], shape.skips[l]), starts };
    } else {
      const [threshold, lo, hi] = { relu: [0, 0, 1], leaky: [0, 0.25, 1], abs: [0, -1, 1], clamp: [1, 1, 0] }[kind];
      const filled = (x: number) => new Float64Array(own).fill(x);
      layer = {
        kind: "hinge",
        name: kind,
        argument: affine(own, shape.skips[l]),
        threshold: filled(threshold),
        lo: filled(lo),
        hi: filled(hi),
      };
    }
    sizes.push(own);
    return layer;
  });
  const output = affine(shape.outputs, shape.skips[layers.length]);
  return checkNet({
    inputs: [{ name: "x", shape: [shape.inputs] }],
    inputSize: shape.inputs,
    layers,
    output,
    outputShape: [shape.outputs],
    rounded: [],
  });
}

function block(matrix: readonly (readonly number[])[], columns: number, sparse: boolean): AffineBlock {
  const rows = matrix.length;
  if (!sparse) return { kind: "dense", rows, columns, values: Float64Array.from(matrix.flat()) };
  const entries = matrix.map((row) => row.flatMap((value, j) => (value === 0 ? [] : [[j, value]])));
  const csr: CsrBlock = {
    kind: "csr",
    rows,
    columns,
    starts: Int32Array.from({ length: rows + 1 }, (_, i) => entries.slice(0, i).flat().length),
    indices: Int32Array.from(entries.flat(), ([j]) => j),
    values: Float64Array.from(entries.flat(), ([, value]) => value),
  };
  return csr;
}

/** Random nets of the given kinds of layers. */
export function integerNets(inputs: number, kinds: readonly LayerKind[]): fc.Arbitrary<PwlNet> {
  return fc
    .tuple(netShapes(inputs, kinds), fc.infiniteStream(fc.integer({ min: -3, max: 3 })))
    .map(([shape, stream]) => integerNet(shape, () => stream.next().value as number));
}

/** The same function of inputs that are `factor` times as large: first weights divided, biases kept. */
export function rescaled(net: PwlNet, factor: number): PwlNet {
  const scaleAffine = (affine: Affine): Affine => ({
    ...affine,
    terms: affine.terms.map((term) =>
      term.source > 0
        ? term
        : { source: 0, block: { ...term.block, values: term.block.values.map((x) => x / factor) } as AffineBlock },
    ),
  });
  return {
    ...net,
    layers: net.layers.map((layer) => ({ ...layer, argument: scaleAffine(layer.argument) })),
    output: scaleAffine(net.output),
  };
}
