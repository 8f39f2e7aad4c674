/**
 * A PwlNet flattened for walks over its cells: per layer the constant part, weights by source, and, for every argument,
 * a proven bound on the error of its affine map whatever the cell. Built once per enumeration; plain data.
 */

import { gamma, SLACK, UNDERFLOW } from "../../exact/rounding.js";
import { toDense } from "../../pwl/blocks.js";
import type { Affine, GateLayer, PwlNet } from "../../pwl/net.js";
import { gateCount } from "../../pwl/net.js";
import { type PatternLayout, patternLayout } from "../../pwl/pattern.js";

/** At most this many rank-one updates of a layer's map before it is computed afresh; the error bound counts them. */
export const MOST_UPDATES = 32;

/** The weights of one layer on one source, source-major: entry (j, i) at `j · size + i`. */
export interface PlanTerm {
  /** 0: the input; k: the gates of layer k - 1. */
  readonly source: number;
  readonly columns: number;
  readonly transposed: Float64Array;
}

/**
 * The arguments of one layer as `constant + Σ weights · slope · (argument - threshold)`. Thresholds are folded in: a
 * hinge's argument is held minus its threshold, so its state is a sign, and its output is `t + slope · held`, whose
 * constant `t` does not depend on the state and has moved to the next layer's constant.
 */
export interface PlanLayer {
  readonly affine: Affine;
  /** The gates; undefined for the net's output. */
  readonly gates: GateLayer | undefined;
  readonly gateCount: number;
  /** Arguments. */
  readonly size: number;
  readonly constant: Float64Array;
  readonly terms: readonly PlanTerm[];
  /** Per argument: at least |computed f(x) - exact f(x)| for every point of the box and every cell. */
  readonly error: Float64Array;
  /** Per argument: at least Σ|a_j x_j| + |b| over the box, for every cell. */
  readonly magnitude: Float64Array;
}

/** A net and a box, made ready. */
export interface Plan {
  readonly net: PwlNet;
  readonly dimension: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly layout: PatternLayout;
  /** The gate layers and, last, the output. */
  readonly layers: readonly PlanLayer[];
}

/** Flattens a net over a box. Costs one pass over the weights written out dense. */
export function buildPlan(net: PwlNet, lower: Float64Array, upper: Float64Array): Plan {
  const dimension = net.inputSize;
  // source 0: the inputs themselves, exact, at most the box's largest coordinate
  const magnitudes: Float64Array[] = [lower.map((low, j) => Math.max(Math.abs(low), Math.abs(upper[j])))];
  const errors: Float64Array[] = [new Float64Array(dimension)];
  const layers: PlanLayer[] = [];
  const all: { affine: Affine; gates: GateLayer | undefined }[] = net.layers.map((gates) => ({
    affine: gates.argument,
    gates,
  }));
  all.push({ affine: net.output, gates: undefined });
  for (const { affine, gates } of all) {
    const layer = planLayer(net, affine, gates, magnitudes, errors, dimension);
    layers.push(layer);
    if (gates === undefined) break;
    const source = gateBounds(gates, layer);
    magnitudes.push(source.magnitude);
    errors.push(source.error);
  }
  return { net, dimension, lower, upper, layout: patternLayout(net), layers };
}

function planLayer(
  net: PwlNet,
  affine: Affine,
  gates: GateLayer | undefined,
  magnitudes: readonly Float64Array[],
  errors: readonly Float64Array[],
  dimension: number,
): PlanLayer {
  const { size } = affine;
  const constant = affine.bias.slice();
  const magnitude = affine.bias.map(Math.abs);
  const inherited = new Float64Array(size);
  let operations = 2;
  if (gates?.kind === "hinge") {
    for (let i = 0; i < size; i++) {
      constant[i] -= gates.threshold[i];
      magnitude[i] += Math.abs(gates.threshold[i]);
    }
  }
  const terms = affine.terms.map(({ source, block }): PlanTerm => {
    const dense = toDense(block);
    const { columns } = block;
    const transposed = new Float64Array(columns * size);
    const before = source > 0 ? net.layers[source - 1] : undefined;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < columns; j++) {
        const weight = dense[i * columns + j];
        transposed[j * size + i] = weight;
        magnitude[i] += Math.abs(weight) * magnitudes[source][j];
        inherited[i] += Math.abs(weight) * errors[source][j];
        if (before?.kind === "hinge") constant[i] += weight * before.threshold[j];
      }
    }
    operations += 2 * columns;
    return { source, columns, transposed };
  });
  // every update subtracts an old contribution and adds a new one: each within the magnitude, each a product and a sum
  const rounding = gamma(operations + 6 * MOST_UPDATES + 2 * dimension + 8);
  const error = magnitude.map(
    (m, i) => (inherited[i] + 3 * rounding * m * SLACK) * SLACK + UNDERFLOW * (1 + operations),
  );
  return {
    affine,
    gates,
    gateCount: gates === undefined ? 0 : gateCount(gates),
    size,
    constant,
    terms,
    error,
    magnitude: magnitude.map((m) => m * SLACK),
  };
}

/** Magnitude and error of a layer's gates, without their thresholds' constants. */
function gateBounds(
  gates: GateLayer,
  { error, magnitude }: PlanLayer,
): { magnitude: Float64Array; error: Float64Array } {
  const count = gateCount(gates);
  const out = { magnitude: new Float64Array(count), error: new Float64Array(count) };
  for (let g = 0; g < count; g++) {
    if (gates.kind === "hinge") {
      const slope = Math.max(Math.abs(gates.lo[g]), Math.abs(gates.hi[g]));
      // the product with a slope other than 0 and 1 rounds once more
      out.error[g] = slope * (error[g] + gamma(2) * magnitude[g]) * SLACK;
      out.magnitude[g] = (slope * magnitude[g] + Math.abs(gates.threshold[g])) * SLACK;
    } else {
      for (let i = gates.starts[g]; i < gates.starts[g + 1]; i++) {
        out.error[g] = Math.max(out.error[g], error[i]);
        out.magnitude[g] = Math.max(out.magnitude[g], magnitude[i]);
      }
    }
  }
  return out;
}
