/**
 * The arguments of a net in integers, as affine functions of its whole input, for walks over n-dimensional cells: exact up
 * to a positive factor that is the same for all rows of a layer. They are those of one current pattern, which the caller
 * changes as it goes; rows are computed when asked for and kept until their layer's map changes. (`plane/exact-maps.ts` is
 * the counterpart for slices: functions of two coordinates, kept for every node of a pattern tree.)
 */

import { commonExponent, lowestExponent, NO_EXPONENT, toInteger } from "../../exact/dyadic.js";
import { toDense } from "../../pwl/blocks.js";
import { gateCount, type PwlNet } from "../../pwl/net.js";
import type { States } from "./maps.js";

/** An affine function times a positive factor: coefficients, then the constant. */
export type ExactRow = readonly bigint[];

interface ExactTerm {
  readonly source: number;
  readonly columns: number;
  /** size × columns, row-major, brought to the layer's exponent. */
  readonly weights: readonly bigint[];
}

interface ExactLayer {
  readonly terms: readonly ExactTerm[];
  readonly constant: readonly bigint[];
  /** Slopes below and above the threshold, over a common exponent; empty for a max layer. */
  readonly lo: readonly bigint[];
  readonly hi: readonly bigint[];
  readonly starts: Int32Array | undefined;
  /** True values are the integers times 2^this. */
  readonly exponent: number;
}

/** The integer data of a net; computed once per net, on the first undecided sign. */
const prepared = new WeakMap<PwlNet, readonly ExactLayer[]>();

/** Exact rows under the states that the caller keeps up to date. */
export class ExactRows {
  private readonly layers: readonly ExactLayer[];
  private readonly rows: (ExactRow | undefined)[][];
  private readonly epochs: Int32Array;
  private readonly dimension: number;

  constructor(
    net: PwlNet,
    private readonly states: States,
  ) {
    let layers = prepared.get(net);
    if (layers === undefined) {
      layers = prepareLayers(net);
      prepared.set(net, layers);
    }
    this.layers = layers;
    this.dimension = net.inputSize;
    this.rows = layers.map(() => []);
    this.epochs = new Int32Array(layers.length).fill(-1);
  }

  /** Forgets a layer's rows, and what its gates give, if they belong to another epoch of its map. */
  validate(layer: number, epoch: number): void {
    if (this.epochs[layer] === epoch) return;
    this.epochs[layer] = epoch;
    this.rows[layer].length = 0;
  }

  /** True values of a layer's rows are the integers times 2^exponent. */
  exponent(layer: number): number {
    return this.layers[layer].exponent;
  }

  /**
   * Argument i of a layer (minus its threshold, for a hinge). Reads the current states of the layers before; all rows of
   * those layers are computed on the way. The last layer is the net's output.
   */
  row(layer: number, i: number): ExactRow {
    const kept = this.rows[layer][i];
    if (kept !== undefined) return kept;
    const { terms, constant } = this.layers[layer];
    const { dimension } = this;
    const out: bigint[] = new Array(dimension + 1).fill(0n);
    out[dimension] = constant[i];
    for (const { source, columns, weights } of terms) {
      for (let j = 0; j < columns; j++) {
        const weight = weights[i * columns + j];
        if (weight === 0n) continue;
        if (source === 0) {
          out[j] += weight;
          continue;
        }
        const from = this.gateRow(source - 1, j);
        if (from === null) continue;
        for (let c = 0; c <= dimension; c++) out[c] += weight * from[c];
      }
    }
    this.rows[layer][i] = out;
    return out;
  }

  /** What gate j of a layer gives in its current state, without its threshold; null where its slope is 0. */
  private gateRow(layer: number, j: number): ExactRow | null {
    const { lo, hi, starts } = this.layers[layer];
    const state = this.states[layer][j];
    if (starts !== undefined) return this.row(layer, starts[j] + state);
    const slope = state === 1 ? hi[j] : lo[j];
    if (slope === 0n) return null;
    const row = this.row(layer, j);
    return slope === 1n ? row : row.map((x) => x * slope);
  }
}

/** A linear function of a double's value: an array of doubles as integers over one exponent. */
function toIntegers(values: ArrayLike<number>): { integers: bigint[]; exponent: number } {
  const least = commonExponent(values);
  const exponent = least === NO_EXPONENT ? 0 : least;
  return { integers: Array.from(values, (x) => toInteger(x, exponent)), exponent };
}

/** An affine function in doubles as integers, up to a positive factor. */
export function exactRow(row: ArrayLike<number>): ExactRow {
  return toIntegers(row).integers;
}

function prepareLayers(net: PwlNet): ExactLayer[] {
  const layers: ExactLayer[] = [];
  /** Exponents of the sources' integers; the input's coordinates are the unit functions. */
  const sourceExponents = [0];
  const affines = [...net.layers.map((layer) => layer.argument), net.output];
  affines.forEach((affine, l) => {
    const gates = l < net.layers.length ? net.layers[l] : undefined;
    const blocks = affine.terms.map(({ source, block }) => {
      const dense = toDense(block);
      return { source, columns: block.columns, dense, ...toIntegers(dense) };
    });
    // the constant: bias - threshold + Σ weight · threshold of the source's hinges
    const constants: { value: bigint; exponent: number }[][] = Array.from(affine.bias, (bias, i) => {
      const summands = [exactDouble(bias)];
      if (gates?.kind === "hinge") summands.push(exactDouble(-gates.threshold[i]));
      for (const { source, columns, dense } of blocks) {
        const before = source > 0 ? net.layers[source - 1] : undefined;
        if (before?.kind !== "hinge") continue;
        for (let j = 0; j < columns; j++) {
          if (before.threshold[j] === 0) continue;
          const weight = exactDouble(dense[i * columns + j]);
          const threshold = exactDouble(before.threshold[j]);
          summands.push({ value: weight.value * threshold.value, exponent: weight.exponent + threshold.exponent });
        }
      }
      return summands;
    });
    let exponent = 0;
    for (const block of blocks) exponent = Math.min(exponent, block.exponent + sourceExponents[block.source]);
    for (const summands of constants) for (const summand of summands) exponent = Math.min(exponent, summand.exponent);
    const slopes = gates?.kind === "hinge" ? toIntegers([...gates.lo, ...gates.hi]) : { integers: [], exponent: 0 };
    layers.push({
      terms: blocks.map(({ source, columns, integers, exponent: own }) => {
        const shift = BigInt(own + sourceExponents[source] - exponent);
        return { source, columns, weights: integers.map((x) => x << shift) };
      }),
      constant: constants.map((summands) =>
        summands.reduce((sum, summand) => sum + (summand.value << BigInt(summand.exponent - exponent)), 0n),
      ),
      lo: slopes.integers.slice(0, gates === undefined ? 0 : gateCount(gates)),
      hi: slopes.integers.slice(gates === undefined ? 0 : gateCount(gates)),
      starts: gates?.kind === "max" ? gates.starts : undefined,
      exponent,
    });
    sourceExponents.push(exponent + slopes.exponent);
  });
  return layers;
}

function exactDouble(x: number): { value: bigint; exponent: number } {
  if (x === 0) return { value: 0n, exponent: 0 };
  const exponent = lowestExponent(x);
  return { value: toInteger(x, exponent), exponent };
}
