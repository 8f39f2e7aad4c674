/** The largest ball in a polytope, by one linear program in d + 1 unknowns (Boyd and Vandenberghe, section 4.3.1). */

import { LinearProgram } from "../../exact/linear-program.js";

/** Finds inscribed balls of polytopes in one box. */
export class ChebyshevBalls {
  /** The last ball's centre, and its radius: every point of that ball lies in the polytope, up to rounding of the distance. */
  readonly centre: Float64Array;
  radius = 0;

  private readonly program: LinearProgram;
  private rows = new Float64Array(0);
  private norms = new Float64Array(0);
  private tolerance = new Float64Array(0);
  private readonly objective: Float64Array;
  private readonly dimension: number;

  constructor(
    private readonly lower: Float64Array,
    private readonly upper: Float64Array,
  ) {
    const d = lower.length;
    this.dimension = d;
    this.centre = new Float64Array(d);
    this.objective = new Float64Array(d + 2);
    this.objective[d] = 1;
    let range = 0;
    for (let j = 0; j < d; j++) range = Math.max(range, upper[j] - lower[j]);
    this.program = new LinearProgram(d + 1, Float64Array.from([...lower, 0]), Float64Array.from([...upper, range]));
  }

  /**
   * The largest ball within `count` rows `a · x + b >= 0` (each `d + 1` numbers), which must bound the polytope.
   *
   * @param inside a point of the polytope: the centre if the program is too ill-conditioned to better it.
   * @returns the radius.
   */
  solve(rows: Float64Array, count: number, inside: Float64Array): number {
    const { dimension: d, program, centre } = this;
    this.reserve(count);
    for (let r = 0; r < count; r++) {
      let square = 0;
      for (let j = 0; j < d; j++) square += rows[r * (d + 1) + j] ** 2;
      const norm = Math.sqrt(square);
      this.norms[r] = norm;
      // divided by the norm, slacks are distances
      for (let j = 0; j < d; j++) this.rows[r * (d + 2) + j] = rows[r * (d + 1) + j] / norm;
      this.rows[r * (d + 2) + d] = -1;
      this.rows[r * (d + 2) + d + 1] = rows[r * (d + 1) + d] / norm;
    }
    program.maximize(this.rows, count, this.tolerance, this.objective, 0, 1, Number.NEGATIVE_INFINITY);
    for (let j = 0; j < d; j++) centre[j] = Math.min(Math.max(program.x[j], this.lower[j]), this.upper[j]);
    this.radius = this.distance(centre, count);
    const fallback = this.distance(inside, count);
    if (!(this.radius >= fallback)) {
      centre.set(inside);
      this.radius = Math.max(fallback, 0);
    }
    return this.radius;
  }

  /** The distance from a point to the nearest row; negative outside. */
  private distance(x: Float64Array, count: number): number {
    const { dimension: d, rows } = this;
    let least = Number.POSITIVE_INFINITY;
    for (let r = 0; r < count; r++) {
      let slack = rows[r * (d + 2) + d + 1];
      for (let j = 0; j < d; j++) slack += rows[r * (d + 2) + j] * x[j];
      if (slack < least) least = slack;
    }
    return least;
  }

  private reserve(count: number): void {
    if (count <= this.norms.length) return;
    const capacity = Math.max(16, 2 * count);
    this.rows = new Float64Array(capacity * (this.dimension + 2));
    this.norms = new Float64Array(capacity);
    this.tolerance = new Float64Array(capacity).fill(1e-14);
  }
}
