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

/** How a solve ended. */
export const STOPPED = 0; // the bound fell below the limit
export const OPTIMAL = 1;
export const INFEASIBLE = 2;
export const UNDECIDED = 3; // too many pivots, or a pivot too small to trust

/** A solver for one box; its buffers are reused by every solve. */
export class LinearProgram {
  /** The last basis' point, its multipliers, and its rows: r >= 0 is a row, -1 - 2j the lower, -2 - 2j the upper side. */
  readonly x: Float64Array;
  readonly multipliers: Float64Array;
  readonly basis: Int32Array;
  /** The objective at x. */
  value = 0;
  /** Pivots since the solver was made. */
  pivots = 0;
  /** inverse[i·d + j]: moving along direction i raises the slack of basis row i at rate 1, and no other's. */
  private readonly inverse: Float64Array;
  private readonly rates: Float64Array;

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
  }

  /**
   * Maximizes `sign · objective` over the box and `count` rows `a · x + b >= 0`, each `dimension + 1` numbers in `rows`.
   *
   * @param tolerance per row, the violation that is let pass.
   * @param limit stop once the value is certainly, up to rounding, below this.
   * @param relaxed a row that is ignored (or -1).
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
  ): number {
    const { dimension: d, lower, upper, x, multipliers, basis, inverse, rates } = this;
    const width = d + 1;
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
      let entering = -1;
      let found = false;
      for (let r = 0, at = 0; r < count; r++, at += width) {
        let slack = rows[at + d];
        for (let j = 0; j < d; j++) slack += rows[at + j] * x[j];
        if (slack < worst && slack < -tolerance[r] && r !== relaxed) {
          worst = slack;
          entering = r;
          found = true;
        }
      }
      for (let j = 0; j < d; j++) {
        const range = 1e-13 * (upper[j] - lower[j]);
        const above = upper[j] - x[j];
        if (above < worst && above < -range) {
          worst = above;
          entering = -2 - 2 * j;
          found = true;
        }
        const below = x[j] - lower[j];
        if (below < worst && below < -range) {
          worst = below;
          entering = -1 - 2 * j;
          found = true;
        }
      }
      if (!found) return OPTIMAL;
      this.pivots++;
      // 2. how fast each basis direction raises its slack; the smallest ratio of multiplier to rate leaves
      let largest = 0;
      for (let i = 0; i < d; i++) {
        let rate: number;
        if (entering >= 0) {
          rate = 0;
          const at = entering * width;
          for (let j = 0; j < d; j++) rate += rows[at + j] * inverse[i * d + j];
        } else {
          const j = (-1 - entering) >> 1;
          rate = (entering & 1) === 0 ? -inverse[i * d + j] : inverse[i * d + j];
        }
        rates[i] = rate;
        if (rate > largest) largest = rate;
      }
      let leaving = -1;
      let step = Number.POSITIVE_INFINITY;
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
      // 3. exchange
      const move = -worst / rates[leaving];
      value -= multipliers[leaving] * move;
      const first = leaving * d;
      const scale = 1 / rates[leaving];
      for (let j = 0; j < d; j++) {
        x[j] += move * inverse[first + j];
        inverse[first + j] *= scale;
      }
      for (let i = 0; i < d; i++) {
        if (i === leaving) continue;
        const rate = rates[i];
        if (rate === 0) continue;
        const at = i * d;
        for (let j = 0; j < d; j++) inverse[at + j] -= rate * inverse[first + j];
        multipliers[i] -= rate * step;
        if (multipliers[i] < 0) multipliers[i] = 0;
      }
      multipliers[leaving] = step;
      basis[leaving] = entering;
    }
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
