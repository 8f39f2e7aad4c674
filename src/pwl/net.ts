import type { AffineBlock } from "../array/affine-block.js";
import { ShapeError } from "../base/errors.js";
import { counted, printsAs, shown } from "../base/shown.js";

export type { AffineBlock, ConvBlock, CsrBlock, DenseBlock } from "../array/affine-block.js";

/**
 * The canonical form of a piecewise-linear function, plain data: what all geometry, bounds and pictures stand on.
 *
 * A net is an ordered list of gate layers. Each layer's arguments are affine in the input and in the outputs of earlier
 * layers, so residual, dense, multi-branch and weight-shared nets are ordinary. All numbers are doubles; exactness in
 * Crease is relative to them.
 */

/** One linear block on one source. Source 0 is the input; source k is the output of `layers[k - 1]`. */
export interface AffineTerm {
  readonly source: number;
  readonly block: AffineBlock;
}

/** `bias + Σ block · source`, a vector of `size` numbers. A source stands in at most one term; no terms: a constant. */
export interface Affine {
  readonly size: number;
  readonly terms: readonly AffineTerm[];
  readonly bias: Float64Array;
}

/**
 * One hinge per argument a: `h(a) = t` at the threshold t, slope `lo` below it and `hi` above it. A unit is active
 * iff `a > t`. relu: (t 0, lo 0, hi 1); leaky: (0, s, 1); abs: (0, -1, 1); the upper half of a clamp: (max, 1, 0).
 * The value selects (slope 1 gives a itself, slope 0 gives t itself), so that nothing is lost to rounding.
 */
export interface HingeLayer {
  readonly kind: "hinge";
  /** Where the layer comes from, for people: the module path or the op's name. Not unique. */
  readonly name: string;
  readonly argument: Affine;
  readonly threshold: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}

/**
 * One maximum per group of arguments: group g holds arguments `starts[g]` to `starts[g + 1]`, at least one; the first
 * of equal largest ones wins. The layer's output has one number per group; its state is the winner's index in the group.
 */
export interface MaxLayer {
  readonly kind: "max";
  readonly name: string;
  readonly argument: Affine;
  readonly starts: Int32Array;
}

export type GateLayer = HingeLayer | MaxLayer;

/** One declared input of the function; the net's input vector is all of them, flattened and in order. */
export interface PwlInput {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A piecewise-linear function as data. */
export interface PwlNet {
  readonly inputs: readonly PwlInput[];
  /** Numbers in the input vector: the sum of the inputs' sizes. */
  readonly inputSize: number;
  readonly layers: readonly GateLayer[];
  readonly output: Affine;
  readonly outputShape: readonly number[];
  /** What lowering had to round, one line each; empty when every number is a recorded one. */
  readonly rounded: readonly string[];
}

/** The number of gates of a layer: its units, or its groups. */
export function gateCount(layer: GateLayer): number {
  return layer.kind === "hinge" ? layer.argument.size : layer.starts.length - 1;
}

/**
 * A plain ReLU network `W_L relu(… relu(W_1 x + b_1) …) + b_L` as a PwlNet, without recording: weights row-major,
 * out × in.
 *
 * @throws ShapeError where rows are ragged, or layers and biases do not fit together. Numbers are checked by what reads the net.
 */
export function reluNet(
  weights: readonly (readonly (readonly number[])[])[],
  biases: readonly (readonly number[])[],
): PwlNet {
  checkWeights(weights, biases);
  const affine = (layer: number): Affine => {
    const rows = weights[layer];
    const block: AffineBlock = {
      kind: "dense",
      rows: rows.length,
      columns: rows[0].length,
      values: Float64Array.from(rows.flat()),
    };
    return { size: rows.length, terms: [{ source: layer, block }], bias: Float64Array.from(biases[layer]) };
  };
  const depth = weights.length - 1;
  const layers = Array.from({ length: depth }, (_, layer): HingeLayer => {
    const argument = affine(layer);
    return {
      kind: "hinge",
      name: `relu ${layer + 1}`,
      argument,
      threshold: new Float64Array(argument.size),
      lo: new Float64Array(argument.size),
      hi: new Float64Array(argument.size).fill(1),
    };
  });
  const inputSize = weights[0][0].length;
  const output = affine(depth);
  return printsAsNet({
    inputs: [{ name: "x", shape: [inputSize] }],
    inputSize,
    layers,
    output,
    outputShape: [output.size],
    rounded: [],
  });
}

/** Lets a net print itself in one line. */
export function printsAsNet(net: PwlNet): PwlNet {
  return printsAs(net, (one) => {
    const inputs = one.inputs.map(({ name, shape }) => `${name}[${shape.join(", ")}]`).join(", ");
    return `PwlNet { ${inputs} → [${one.outputShape.join(", ")}], ${gatesInLayers(one)}; formatNet(net) shows its maps }`;
  });
}

/** "12 gates in 2 layers". */
export function gatesInLayers({ layers }: PwlNet): string {
  const gates = layers.reduce((sum, layer) => sum + gateCount(layer), 0);
  return `${counted(gates, "gate")} in ${counted(layers.length, "layer")}`;
}

function checkWeights(
  weights: readonly (readonly (readonly number[])[])[],
  biases: readonly (readonly number[])[],
): void {
  const fail = (what: string): never => {
    throw new ShapeError(`reluNet: ${what}; pass one matrix, out × in, and one list of biases per layer`);
  };
  if (!Array.isArray(weights) || !Array.isArray(biases)) {
    fail(`expected lists of weights and of biases, got ${shown(weights)} and ${shown(biases)}`);
  }
  if (weights.length === 0 || weights.length !== biases.length) {
    fail(`there are ${weights.length} matrices and ${biases.length} lists of biases`);
  }
  weights.forEach((rows, layer) => {
    const columns = layer === 0 ? rows?.[0]?.length : weights[layer - 1].length;
    if (!Array.isArray(rows) || rows.length === 0) fail(`matrix ${layer} is ${shown(rows)}`);
    rows.forEach((row, i) => {
      if (row?.length !== columns)
        fail(`row ${i} of matrix ${layer} has ${row?.length} numbers, the layer reads ${columns}`);
    });
    if (biases[layer]?.length !== rows.length) {
      fail(`layer ${layer} has ${rows.length} rows and ${biases[layer]?.length} biases`);
    }
  });
}
