/**
 * Small dense linear programs: the largest value of an affine function over a box cut by half-spaces.
 *
 * Dual simplex with an explicit d × d inverse, started from the corner of the box that is best for the objective (always
 * dual feasible), so there is no phase one. Every basis gives an upper bound of the objective, so the solver may stop as
 * soon as that falls below a limit. Answers are floating point; `upperBound` turns the multipliers into a proven bound:
 * any non-negative multipliers give one (weak duality), the residual is charged to the box.
 *
 * Lemke, "The dual method of solving the linear programming problem" (1954); the bound as in Neumaier and Shcherbina,
 * "Safe bounds in linear and mixed-integer linear programming", Math. Programming 99 (2004), section 3.
 */

import { type Elimination, kernelsFor, type Products } from "./linear-program-kernels.js";

/** How a solve ended. */
export const STOPPED = 0; // the bound fell below the limit
export const OPTIMAL = 1;
export const INFEASIBLE = 2;
export const UNDECIDED = 3; // too many pivots, or a pivot too small to trust
export const REACHED = 4; // a ray from the inner point attains a positive value within the rows

/**
 * A point inside all rows, from which a solve looks towards every basis' point on its way: it may stop as soon as the
 * objective is positive on a part of that ray that lies inside.
 */
export interface InnerPoint {
  readonly points: Float64Array;
  /** Its first coordinate in `points`. */
  readonly at: number;
  /** Its slack in every row. */
  readonly slacks: Float64Array;
  /** The objective there, negative. */
  readonly value: number;
}

/** The part of a ray beyond the objective's zero must be at least this share of all that lies inside. */
const LEAST_SHARE = 0.02;

/** A solver for one box; its buffers are reused by every solve. */
export class LinearProgram {
  /** The last basis' point, its multipliers, and its rows: r >= 0 is a row, -1 - 2j the lower, -2 - 2j the upper side. */
  readonly x: Float64Array;
  readonly multipliers: Float64Array;
  readonly basis: Int32Array;
  /** The objective at x. */
  value = 0;
  /** After REACHED: from the inner point to x, the share where the objective is 0, and the share where the rows end. */
  crossing = 0;
  reach = 0;
  /** Pivots since the solver was made. */
  pivots = 0;
  /** inverse[i·d + j]: moving along direction i raises the slack of basis row i at rate 1, and no other's. */
  private readonly inverse: Float64Array;
  private readonly rates: Float64Array;
  private slacks = new Float64Array(64);
  private readonly products: Products;
  private readonly eliminate: Elimination;

  constructor(
    readonly dimension: number,
    readonly lower: Float64Array,
    readonly upper: Float64Array,
  ) {
    this.x = new Float64Array(dimension);
    this.multipliers = new Float64Array(dimension);
    this.basis = new Int32Array(dimension);
    this.inverse = new Float64Array(dimension * dimension);
    this.rates = new Float64Array(dimension);
    const { products, eliminate } = kernelsFor(dimension);
    this.products = products;
    this.eliminate = eliminate;
  }

  /**
   * Maximizes `sign · objective` over the box and `count` rows `a · x + b >= 0`, each `dimension + 1` numbers in `rows`.
   *
   * @param tolerance per row, the violation that is let pass.
   * @param limit stop once the value is certainly, up to rounding, below this.
   * @param relaxed a row that is ignored (or -1).
   * @param inner lets the solve end with REACHED.
   */
  maximize(
    rows: Float64Array,
    count: number,
    tolerance: Float64Array,
    objective: Float64Array,
    offset: number,
    sign: number,
    limit: number,
    relaxed = -1,
    inner?: InnerPoint,
  ): number {
    const { dimension: d, lower, upper, x, multipliers, basis, inverse, rates } = this;
    const width = d + 1;
    if (count > this.slacks.length) this.slacks = new Float64Array(2 * count);
    const { slacks } = this;
    let value = sign * objective[offset + d];
    inverse.fill(0);
    for (let j = 0; j < d; j++) {
      const c = sign * objective[offset + j];
      if (c >= 0) {
        x[j] = upper[j];
        basis[j] = -2 - 2 * j;
        inverse[j * d + j] = -1;
        multipliers[j] = c;
      } else {
        x[j] = lower[j];
        basis[j] = -1 - 2 * j;
        inverse[j * d + j] = 1;
        multipliers[j] = -c;
      }
      value += c * x[j];
    }
    const most = 20 + 4 * (count + 2 * d);
    for (let pivot = 0; ; pivot++) {
      this.value = value;
      if (value < limit) return STOPPED;
      if (pivot > most) return UNDECIDED;
      // 1. the most violated row enters
      let worst = 0;
      let entering = 0;
      let found = false;
      this.products(rows, width, count, x, 0, true, slacks);
      for (let r = 0; r < count; r++) {
        const slack = slacks[r];
        if (slack < worst && slack < -tolerance[r] && r !== relaxed) {
          worst = slack;
          entering = r;
          found = true;
        }
      }
      for (let j = 0; j < d; j++) {
        const coordinate = x[j];
        const above = upper[j] - coordinate;
        const below = coordinate - lower[j];
        if (above >= worst && below >= worst) continue;
        const range = -1e-13 * (upper[j] - lower[j]);
        if (above < worst && above < range) {
          worst = above;
          entering = -2 - 2 * j;
          found = true;
        }
        if (below < worst && below < range) {
          worst = below;
          entering = -1 - 2 * j;
          found = true;
        }
      }
      if (!found) return OPTIMAL;
      if (inner !== undefined && this.looksAcross(inner, count, relaxed)) return REACHED;
      this.pivots++;
      // 2. how fast each basis direction raises its slack; the smallest ratio of multiplier to rate leaves
      if (entering >= 0) {
        this.products(inverse, d, d, rows, entering * width, false, rates);
      } else {
        const j = (-1 - entering) >> 1;
        const sign = (entering & 1) === 0 ? -1 : 1;
        for (let i = 0; i < d; i++) rates[i] = sign * inverse[i * d + j];
      }
      let largest = 0;
      for (let i = 0; i < d; i++) if (rates[i] > largest) largest = rates[i];
      // as long as the row stays violated when that is a box side and x goes on to the opposite one, x does, and the next
      // ratio is looked for: one pivot where several would follow
      let leaving: number;
      let step: number;
      let slack = worst;
      for (;;) {
        leaving = -1;
        step = Number.POSITIVE_INFINITY;
        for (let i = 0; i < d; i++) {
          if (rates[i] > 1e-11 * largest) {
            const ratio = multipliers[i] / rates[i];
            if (ratio < step || (ratio === step && rates[i] > rates[leaving])) {
              step = ratio;
              leaving = i;
            }
          }
        }
        if (leaving < 0) return INFEASIBLE;
        const side = basis[leaving];
        if (side >= 0) break;
        const j = (-1 - side) >> 1;
        const range = upper[j] - lower[j];
        const raised = slack + rates[leaving] * range;
        if (!(raised < 0)) break;
        slack = raised;
        value -= multipliers[leaving] * range;
        for (let k = 0, at = leaving * d; k < d; k++, at++) {
          x[k] += range * inverse[at];
          inverse[at] = -inverse[at];
        }
        rates[leaving] = -rates[leaving];
        multipliers[leaving] = -multipliers[leaving];
        basis[leaving] = (side & 1) === 0 ? side + 1 : side - 1;
      }
      // 3. exchange
      const move = -slack / rates[leaving];
      value -= multipliers[leaving] * move;
      const first = leaving * d;
      const scale = 1 / rates[leaving];
      for (let j = 0; j < d; j++) {
        x[j] += move * inverse[first + j];
        inverse[first + j] *= scale;
      }
      this.eliminate(inverse, rates, leaving);
      for (let i = 0; i < d; i++) {
        const reduced = multipliers[i] - rates[i] * step;
        multipliers[i] = Math.max(reduced, 0);
      }
      multipliers[leaving] = step;
      basis[leaving] = entering;
    }
  }

  /** How far the ray from the inner point to x stays inside, and whether the objective turns positive before. */
  private looksAcross(
    { points, at, slacks: inside, value: start }: InnerPoint,
    count: number,
    relaxed: number,
  ): boolean {
    const { dimension: d, slacks, x, lower, upper, value } = this;
    const crossing = -start / (value - start);
    const needed = crossing / (1 - LEAST_SHARE);
    let reach = 1;
    for (let r = 0; r < count; r++) {
      const outside = slacks[r];
      if (outside < 0 && r !== relaxed) {
        const share = inside[r] / (inside[r] - outside);
        if (share < reach) {
          if (share < needed) return false;
          reach = share;
        }
      }
    }
    for (let j = 0; j < d; j++) {
      const from = points[at + j];
      const to = x[j];
      const wall = Math.min(Math.max(to, lower[j]), upper[j]);
      if (wall !== to) reach = Math.min(reach, (wall - from) / (to - from));
    }
    this.crossing = crossing;
    this.reach = reach;
    return reach > needed;
  }

  /**
   * A proven upper bound of the last objective over the box and the rows, from the last multipliers:
   * `c·x + c0 <= Σ y_r b_r + c0 + max over the box of (c + Σ y_r a_r)·x`, because every `y_r (a_r·x + b_r)` is at least
   * `-y_r e_r`. `error` per row, and `objectiveError`, bound the difference of a computed value and the exact function's
   * anywhere in the box, and are at least `gamma(2d + 4)` of the function's magnitude there: so thrice them (`factor`)
   * covers the rounding of this computation too.
   */
  upperBound(
    rows: Float64Array,
    error: Float64Array,
    objective: Float64Array,
    offset: number,
    sign: number,
    objectiveError: number,
    factor = 3,
  ): number {
    const { dimension: d, lower, upper, multipliers, basis, rates } = this;
    const width = d + 1;
    let bound = sign * objective[offset + d];
    let charged = objectiveError;
    for (let j = 0; j < d; j++) rates[j] = sign * objective[offset + j];
    for (let i = 0; i < d; i++) {
      const r = basis[i];
      const y = multipliers[i];
      if (r < 0 || y === 0) continue;
      const at = r * width;
      for (let j = 0; j < d; j++) rates[j] += y * rows[at + j];
      bound += y * rows[at + d];
      charged += y * error[r];
    }
    for (let j = 0; j < d; j++) bound += rates[j] >= 0 ? rates[j] * upper[j] : rates[j] * lower[j];
    return bound + factor * charged;
  }
}
