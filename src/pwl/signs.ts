/**
 * The state of every gate at one point, decided exactly: by float where a bound on its error allows, else in exact
 * arithmetic. The bound is a running one (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sec. 3.3):
 * a row of k products is off by at most gamma(k + 2) times the sum of their absolute values, plus what its inputs are off.
 */

import { exactDifference, exactSign, exactToNumber, exact as toExact } from "../exact/number.js";
import { gamma, SLACK, UNIT_ROUNDOFF } from "../exact/rounding.js";
import { applyAbsolute, applyAffine, longestRow } from "./blocks.js";
import { gateStates, gateValues, hingeSlope, inputVector } from "./evaluate.js";
import { ExactPoint, type WeightedArgument } from "./exact.js";
import type { Affine, HingeLayer, MaxLayer, PwlNet } from "./net.js";

/** A crease on which the point lies exactly; `rival` is the other argument (index in its group) of a maximum's tie. */
export interface CreaseAt {
  readonly layer: number;
  readonly unit: number;
  readonly rival?: number;
}

/** An exact tie: a crease, unless the difference of its two sides is constant around the point. */
interface Tie {
  readonly crease: CreaseAt;
  readonly difference: readonly WeightedArgument[];
}

/** What holds at a point, with certainty. */
export class Decision {
  #creases: readonly CreaseAt[] | undefined;
  #onCrease: boolean | undefined;

  constructor(
    /** Each layer's states: 1 iff active of a hinge, the winner's index in its group of a maximum. */
    readonly states: readonly Int32Array[],
    /** Each layer's arguments to double precision; where float could not tell their side, the exact value rounded. */
    readonly preactivations: readonly Float64Array[],
    /** sources[0] is the point, sources[k] the output of layers[k - 1], to double precision. */
    readonly sources: readonly Float64Array[],
    /** Whether double-precision evaluation saw every gate in the state that it is in. */
    readonly floatAgrees: boolean,
    private readonly ties: readonly Tie[],
    private readonly exact: ExactPoint,
  ) {}

  /** Whether the point lies exactly on a crease. */
  get onCrease(): boolean {
    if (this.#onCrease === undefined) this.#onCrease = this.ties.some((tie) => !this.exact.isFlat(tie.difference));
    return this.#onCrease;
  }

  /** The creases on which the point lies exactly. A unit that is constant around the point makes none. */
  get creases(): readonly CreaseAt[] {
    if (this.#creases === undefined) {
      const real = this.ties.filter((tie) => !this.exact.isFlat(tie.difference));
      this.#creases = real.map(({ crease }) => crease);
    }
    return this.#creases;
  }
}

/**
 * Decides every gate's state at x. One evaluation and one of absolute values; exact arithmetic only for gates that float
 * leaves open.
 */
export function decideStates(net: PwlNet, x: ArrayLike<number>): Decision {
  const point = inputVector(net, x);
  return new Decider(net, point).run();
}

class Decider {
  readonly states: Int32Array[] = [];
  readonly preactivations: Float64Array[] = [];
  readonly sources: Float64Array[];
  /** For each source, a bound on the absolute error of its numbers. */
  readonly errors: Float64Array[];
  readonly ties: Tie[] = [];
  readonly exact: ExactPoint;
  floatAgrees = true;

  constructor(
    readonly net: PwlNet,
    x: Float64Array,
  ) {
    this.sources = [x];
    this.errors = [new Float64Array(x.length)];
    this.exact = new ExactPoint(net, x, this.states);
  }

  run(): Decision {
    this.net.layers.forEach((layer, l) => {
      const argument = applyAffine(layer.argument, this.sources);
      const error = errorBounds(layer.argument, this.sources, this.errors);
      const states = gateStates(layer, argument);
      if (layer.kind === "hinge") this.#decideHinges(layer, l, argument, error, states);
      else this.#decideMaxima(layer, l, argument, error, states);
      this.states.push(states);
      this.preactivations.push(argument);
      this.sources.push(gateValues(layer, argument, states));
      this.errors.push(
        layer.kind === "hinge" ? hingeErrors(layer, argument, error, states) : winners(layer, error, states),
      );
    });
    return new Decision(this.states, this.preactivations, this.sources, this.floatAgrees, this.ties, this.exact);
  }

  #decideHinges(layer: HingeLayer, l: number, argument: Float64Array, error: Float64Array, states: Int32Array): void {
    for (let unit = 0; unit < argument.length; unit++) {
      const threshold = layer.threshold[unit];
      if (isCertain(argument[unit], threshold, error[unit])) continue;
      let side = 0;
      if (error[unit] !== 0 || argument[unit] !== threshold) {
        const value = this.exact.argument(l, unit);
        side = exactSign(exactDifference(value, toExact(threshold)));
        argument[unit] = exactToNumber(value);
        error[unit] = 2 * UNIT_ROUNDOFF * Math.abs(argument[unit]);
      }
      const state = side > 0 ? 1 : 0;
      if (state !== states[unit]) this.floatAgrees = false;
      states[unit] = state;
      if (side === 0) {
        this.ties.push({ crease: { layer: l, unit }, difference: [{ layer: l, unit, factor: 1 }] });
      }
    }
  }

  #decideMaxima(layer: MaxLayer, l: number, argument: Float64Array, error: Float64Array, states: Int32Array): void {
    for (let unit = 0; unit < states.length; unit++) {
      const first = layer.starts[unit];
      const end = layer.starts[unit + 1];
      const seen = first + states[unit];
      const open: number[] = [];
      for (let at = first; at < end; at++) {
        if (at !== seen && !isCertain(argument[seen], argument[at], error[seen] + error[at])) open.push(at);
      }
      if (open.length === 0) continue;
      const ties = this.#exactWinners(
        l,
        argument,
        error,
        [seen, ...open].sort((a, b) => a - b),
      );
      const winner = ties[0];
      if (winner !== seen) this.floatAgrees = false;
      states[unit] = winner - first;
      for (const at of ties.slice(1)) {
        const difference = [
          { layer: l, unit: winner, factor: 1 },
          { layer: l, unit: at, factor: -1 },
        ] as const;
        this.ties.push({ crease: { layer: l, unit, rival: at - first }, difference });
      }
    }
  }

  /** Which of the candidates (ascending) are largest, exactly. */
  #exactWinners(layer: number, argument: Float64Array, error: Float64Array, candidates: readonly number[]): number[] {
    if (candidates.every((at) => error[at] === 0)) {
      const largest = Math.max(...candidates.map((at) => argument[at]));
      return candidates.filter((at) => argument[at] === largest);
    }
    let ties: number[] = [];
    for (const at of candidates) {
      const value = this.exact.argument(layer, at);
      argument[at] = exactToNumber(value);
      error[at] = 2 * UNIT_ROUNDOFF * Math.abs(argument[at]);
      const side = ties.length === 0 ? 1 : exactSign(exactDifference(value, this.exact.argument(layer, ties[0])));
      if (side > 0) ties = [at];
      else if (side === 0) ties.push(at);
    }
    return ties;
  }
}

/** Whether a computed value within `error` of the true one is surely on its side of `other`. NaN is never certain. */
function isCertain(value: number, other: number, error: number): boolean {
  return Math.abs(value - other) > error * SLACK;
}

/** A bound on the error of every row of an affine map, its sources being off by `errors`. */
function errorBounds(affine: Affine, sources: readonly Float64Array[], errors: readonly Float64Array[]): Float64Array {
  const products = affine.terms.reduce((sum, { block }) => sum + longestRow(block), 0);
  const relative = gamma(products + 2);
  const underflow = (products + 2) * Number.MIN_VALUE;
  const bounds = affine.bias.map((value) => (value === 0 ? 0 : relative * Math.abs(value) + Number.MIN_VALUE));
  for (const { source, block } of affine.terms) {
    const error = errors[source];
    const charged = sources[source].map((value, j) =>
      value === 0 && error[j] === 0 ? 0 : relative * Math.abs(value) + error[j] + Number.MIN_VALUE,
    );
    applyAbsolute(block, charged, bounds);
  }
  for (let i = 0; i < bounds.length; i++) if (bounds[i] !== 0) bounds[i] = bounds[i] * SLACK + underflow;
  copiedRows(affine, errors, bounds);
  return bounds;
}

/** Rows that only copy a number, or its negative, add no rounding: pooling windows and skip connections have them. */
function copiedRows({ terms, bias }: Affine, errors: readonly Float64Array[], bounds: Float64Array): void {
  if (terms.length !== 1 || terms[0].block.kind !== "csr") return;
  const { source, block } = terms[0];
  for (let i = 0; i < block.rows; i++) {
    const at = block.starts[i];
    if (bias[i] === 0 && block.starts[i + 1] === at + 1 && Math.abs(block.values[at]) === 1) {
      bounds[i] = errors[source][block.indices[at]];
    }
  }
}

/** Errors of hinge values `t + slope · (a - t)`; slopes 0 and 1 select, and round nothing. */
function hingeErrors(layer: HingeLayer, argument: Float64Array, error: Float64Array, states: Int32Array): Float64Array {
  return error.map((bound, unit) => {
    const slope = hingeSlope(layer, unit, states[unit]);
    if (slope === 0) return 0;
    if (slope === 1) return bound;
    const threshold = Math.abs(layer.threshold[unit]);
    if (slope === -1 && threshold === 0) return bound;
    const size = threshold + Math.abs(slope) * (Math.abs(argument[unit]) + threshold);
    return (Math.abs(slope) * bound + 4 * UNIT_ROUNDOFF * size) * SLACK + 4 * Number.MIN_VALUE;
  });
}

function winners({ starts }: MaxLayer, error: Float64Array, states: Int32Array): Float64Array {
  return Float64Array.from(states, (state, group) => error[starts[group] + state]);
}
