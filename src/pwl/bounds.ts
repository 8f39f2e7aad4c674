/**
 * Interval bounds of every pre-activation over a box, rounded outwards: proofs that a unit never changes state there.
 * (Interval bound propagation: Gowal et al., "On the effectiveness of interval bound propagation for training verifiably
 * robust models", 2018, section 3; the rounding as in exact/rounding.ts.)
 */

import { checkOptions } from "../base/options.js";
import { gamma, SLACK, UNDERFLOW } from "../exact/rounding.js";
import { row } from "./blocks.js";
import { type Box, checkBox } from "./box.js";
import { checkNet, requireNet } from "./check.js";
import type { Affine, GateLayer, HingeLayer, MaxLayer, PwlNet } from "./net.js";

/** Lower and upper bounds, one pair per number. */
export interface Intervals {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** What holds of a layer everywhere in the box. */
export interface LayerBounds extends Intervals {
  readonly name: string;
  /** Hinges that are active everywhere, and inactive everywhere, by number. A max group stands in neither. */
  readonly alwaysOn: readonly number[];
  readonly alwaysOff: readonly number[];
  /** Per gate, the states that are not ruled out: of a hinge 0 and 1, of a maximum the arguments that may win. */
  readonly possible: readonly (readonly number[])[];
}

/** Bounds of a whole net. */
export interface NetBounds {
  /** Per layer, of its arguments. */
  readonly layers: readonly LayerBounds[];
  readonly output: Intervals;
  /** Gates that are in one state everywhere, over all layers. */
  readonly fixed: number;
}

/**
 * Bounds a net over a box: one sweep, each layer from the intervals of the layers before. Sound, not tight: a unit that
 * no list names may still never change.
 *
 * @throws GeometryError for a box of another width, inverted, or not finite. PiecewiseLinearError for an illegal net.
 */
export function bounds(net: PwlNet, options: { readonly box: Box }): NetBounds {
  requireNet(net, "bounds");
  checkOptions(options, ["box"], "bounds");
  checkNet(net);
  const box = checkBox(options.box, { where: "bounds", dimension: net.inputSize, flat: true });
  const sources: Intervals[] = [
    { lower: Float64Array.from(box, ([low]) => low), upper: Float64Array.from(box, ([, high]) => high) },
  ];
  let fixed = 0;
  const layers = net.layers.map((layer): LayerBounds => {
    const argument = boundAffine(layer.argument, sources);
    const possible = layer.kind === "hinge" ? hingeStates(layer, argument) : winners(layer, argument);
    sources.push(boundGates(layer, argument, possible));
    const only = (state: number): number[] =>
      layer.kind === "max"
        ? []
        : possible.flatMap((states, i) => (states.length === 1 && states[0] === state ? [i] : []));
    for (const states of possible) if (states.length === 1) fixed++;
    return { ...argument, name: layer.name, alwaysOn: only(1), alwaysOff: only(0), possible };
  });
  return { layers, output: boundAffine(net.output, sources), fixed };
}

/** The intervals of an affine map's rows: every product at its least and largest, sums widened by their rounding. */
function boundAffine({ size, terms, bias }: Affine, sources: readonly Intervals[]): Intervals {
  const lower = bias.slice();
  const upper = bias.slice();
  for (let i = 0; i < size; i++) {
    let magnitude = Math.abs(bias[i]);
    let products = 1;
    for (const { source, block } of terms) {
      const { lower: low, upper: high } = sources[source];
      const { indices, values } = row(block, i);
      products += indices.length;
      for (let at = 0; at < indices.length; at++) {
        const weight = values[at];
        if (weight === 0) continue;
        const a = weight * low[indices[at]];
        const b = weight * high[indices[at]];
        lower[i] += Math.min(a, b);
        upper[i] += Math.max(a, b);
        magnitude += Math.max(Math.abs(a), Math.abs(b));
      }
    }
    const rounding = gamma(products + 2) * magnitude * SLACK + products * UNDERFLOW;
    lower[i] -= rounding;
    upper[i] += rounding;
    // beyond the range of doubles nothing is known
    if (Number.isNaN(lower[i])) lower[i] = Number.NEGATIVE_INFINITY;
    if (Number.isNaN(upper[i])) upper[i] = Number.POSITIVE_INFINITY;
  }
  return { lower, upper };
}

function hingeStates({ threshold }: HingeLayer, { lower, upper }: Intervals): number[][] {
  return Array.from(threshold, (t, i) => (lower[i] > t ? [1] : upper[i] <= t ? [0] : [0, 1]));
}

/** The arguments that may win: none is surely below another; of equal constants the first wins. */
function winners({ starts }: MaxLayer, { lower, upper }: Intervals): number[][] {
  return Array.from({ length: starts.length - 1 }, (_, group) => {
    const first = starts[group];
    let best = first;
    for (let i = first + 1; i < starts[group + 1]; i++) if (lower[i] > lower[best]) best = i;
    const possible: number[] = [];
    for (let i = first; i < starts[group + 1]; i++) {
      if (upper[i] > lower[best] || (upper[i] === lower[best] && i <= best) || i === best) possible.push(i - first);
    }
    return possible;
  });
}

function boundGates(
  layer: GateLayer,
  { lower, upper }: Intervals,
  possible: readonly (readonly number[])[],
): Intervals {
  const out = { lower: new Float64Array(possible.length), upper: new Float64Array(possible.length) };
  for (let g = 0; g < possible.length; g++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    if (layer.kind === "max") {
      low = Number.NEGATIVE_INFINITY;
      for (const state of possible[g]) {
        low = Math.max(low, lower[layer.starts[g] + state]);
        high = Math.max(high, upper[layer.starts[g] + state]);
      }
    } else {
      const t = layer.threshold[g];
      for (const state of possible[g]) {
        const slope = state === 1 ? layer.hi[g] : layer.lo[g];
        const ends = state === 1 ? [Math.max(lower[g], t), upper[g]] : [lower[g], Math.min(upper[g], t)];
        for (const a of ends) {
          // t + slope (a - t): exact for slopes 0 and 1, else three roundings
          const value = slope === 1 ? a : slope === 0 ? t : t + slope * (a - t);
          const exact = slope === 1 || slope === 0;
          const size = Math.abs(t) + Math.abs(slope) * (Math.abs(a) + Math.abs(t));
          const rounding = exact ? 0 : gamma(4) * size * SLACK + UNDERFLOW;
          low = Math.min(low, value - rounding);
          high = Math.max(high, value + rounding);
        }
      }
    }
    out.lower[g] = Number.isNaN(low) ? Number.NEGATIVE_INFINITY : low;
    out.upper[g] = Number.isNaN(high) ? Number.POSITIVE_INFINITY : high;
  }
  return out;
}
