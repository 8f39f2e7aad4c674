/**
 * Polytopes as lists of half-spaces, with points known to lie inside. Whether a hyperplane cuts is asked of linear
 * programs, and only where no two inner points already lie on different sides.
 *
 * Proofs in floating point: "does not cut" by weak duality (`LinearProgram.upperBound`), "cuts" by a point that is
 * strictly inside every half-space, and on the other side, by more than the functions' error. What neither proves is
 * decided in integers (`maximumSign`).
 */

import { type InnerPoint, LinearProgram, OPTIMAL, REACHED, STOPPED } from "../../exact/linear-program.js";
import { kernelsFor, type Products } from "../../exact/linear-program-kernels.js";
import type { Candidate, Path } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import {
  CUTS,
  NEGATIVE,
  POSITIVE,
  type Polytopes,
  type Side,
  type SignStatistics,
  TOUCHES_NEGATIVE,
  TOUCHES_POSITIVE,
  ZERO,
} from "../cell-tree/polytopes.js";
import { largestSignOver, outsideSign } from "./exact-programs.js";
import { HalfSpaceList } from "./half-space-list.js";
import { InnerPoints, SEEN_NEGATIVE, SEEN_POSITIVE } from "./inner-points.js";

/** The representation by half-spaces. The box of the plan bounds every polytope and stands in no list. */
export class ProgramPolytopes implements Polytopes {
  readonly statistics: SignStatistics = { exact: 0, programs: 0 };
  hyperplanes: Int32Array;
  signs: Int8Array;
  readonly point: Float64Array;

  /** The current polytope: its half-spaces, and inner points. */
  private readonly list: HalfSpaceList;
  private readonly points: InnerPoints;
  /** The row, or box side (2j lower, 2j + 1 upper), that a facet test does without; -1 for none. */
  private relaxedRow = -1;
  private relaxedSide = -1;

  /** Pending polytopes. Rows before `first` are still in place when a polytope is popped; the rest is kept here. */
  depth = 0;
  private readonly frames: Frame[] = [];

  private readonly program: LinearProgram;
  private readonly far: Float64Array;
  private inner: InnerPoint | undefined;
  private slacks = new Float64Array(64);
  private slopes = new Float64Array(64);
  private readonly products: Products;
  private readonly dimension: number;
  private readonly width: number;

  constructor(
    private readonly plan: Plan,
    private readonly path: Path,
  ) {
    const d = plan.dimension;
    this.dimension = d;
    this.width = d + 1;
    this.products = kernelsFor(d).products;
    this.program = new LinearProgram(d, plan.lower.slice(), plan.upper.slice());
    this.list = new HalfSpaceList(path);
    this.hyperplanes = new Int32Array(64);
    this.signs = new Int8Array(64);
    this.points = new InnerPoints(d);
    this.point = new Float64Array(d);
    this.far = new Float64Array(d);
    for (let j = 0; j < d; j++) this.point[j] = plan.lower[j] + 0.5 * (plan.upper[j] - plan.lower[j]);
    if (this.strictlyInside(this.point)) this.points.add(this.point, 0);
  }

  classify(candidate: Candidate): Side {
    const { rows, offset, error } = candidate;
    const seen = this.points.evaluate(rows, offset, error);
    if (seen === (SEEN_POSITIVE | SEEN_NEGATIVE)) return CUTS;
    if (seen !== 0) {
      const positive = seen === SEEN_POSITIVE;
      const sign = positive ? -1 : 1; // the side not yet seen
      if (this.shoot(rows, offset, sign, error)) return CUTS;
      const reached = this.largestSign(rows, offset, sign, error, candidate, this.inner);
      if (reached > 0) return CUTS;
      if (reached < 0) return positive ? POSITIVE : NEGATIVE;
      return positive ? TOUCHES_POSITIVE : TOUCHES_NEGATIVE;
    }
    const above = this.largestSign(rows, offset, 1, error, candidate);
    const below = this.largestSign(rows, offset, -1, error, candidate);
    if (above > 0) return below > 0 ? CUTS : below < 0 ? POSITIVE : TOUCHES_POSITIVE;
    if (below > 0) return above < 0 ? NEGATIVE : TOUCHES_NEGATIVE;
    return ZERO;
  }

  remoteness({ rows, offset }: Candidate): number {
    const { dimension: d, points } = this;
    points.evaluate(rows, offset, 0);
    let sum = 0;
    for (let p = 0; p < points.count; p++) sum += points.values[p];
    let square = 0;
    for (let j = 0; j < d; j++) square += rows[offset + j] * rows[offset + j];
    return points.count === 0 ? 0 : (sum / points.count) ** 2 / square;
  }

  /**
   * From the inner point nearest to the hyperplane straight towards it: if the ray meets it inside the polytope, a point
   * beyond it is found for a fraction of a linear program.
   */
  private shoot(rows: Float64Array, offset: number, sign: number, error: number): boolean {
    const { dimension: d, far, program, products, width } = this;
    const { count, rows: bounds } = this.list;
    const { coordinates: points, values } = this.points;
    const from = this.points.top(sign);
    const at = from * d;
    if (count > this.slacks.length) {
      this.slacks = new Float64Array(2 * count);
      this.slopes = new Float64Array(2 * count);
    }
    const { slacks, slopes } = this;
    products(bounds, width, count, points, at, true, slacks);
    products(bounds, width, count, rows, offset, false, slopes);
    let most = Number.POSITIVE_INFINITY;
    for (let r = 0; r < count; r++) {
      const slope = sign * slopes[r];
      if (slope < 0 && r !== this.relaxedRow) {
        const reach = -slacks[r] / slope;
        if (reach < most) most = reach;
      }
    }
    let square = 0;
    for (let j = 0; j < d; j++) {
      const step = sign * rows[offset + j];
      square += step * step;
      const room = step > 0 ? program.upper[j] - points[at + j] : points[at + j] - program.lower[j];
      const reach = room / Math.abs(step);
      if (reach < most) most = reach;
    }
    this.inner = { points, at, slacks, value: sign * values[from] };
    const crossing = (-sign * values[from]) / square;
    if (!(crossing < 0.98 * most)) return false;
    const step = 0.5 * (crossing + most);
    let reached = sign * rows[offset + d];
    for (let j = 0; j < d; j++) {
      far[j] = points[at + j] + step * sign * rows[offset + j];
      reached += sign * rows[offset + j] * far[j];
    }
    if (!(reached > 3 * error && this.strictlyInside(far))) return false;
    this.keepFar(sign * reached);
    return true;
  }

  /**
   * The sign of the largest value of `sign · f` over the current polytope. Where it is positive and proven by a point,
   * that point joins the inner points (unless a row is relaxed: then it lies outside of it).
   */
  private largestSign(
    rows: Float64Array,
    offset: number,
    sign: number,
    error: number,
    candidate: Candidate | undefined,
    inner?: InnerPoint,
  ): number {
    const { program, relaxedRow } = this;
    const { rows: bounds, count, errors } = this.list;
    this.statistics.programs++;
    const limit = -16 * error;
    let outcome = program.maximize(bounds, count, errors, rows, offset, sign, limit, relaxedRow, inner);
    if (outcome === REACHED) {
      if (this.reachAlong(inner!, rows, offset, sign, error)) return 1;
      outcome = program.maximize(bounds, count, errors, rows, offset, sign, limit, relaxedRow);
    }
    if (outcome === STOPPED || (outcome === OPTIMAL && program.value < 0)) {
      // a moved box side widens the box, and with it every error, threefold at most: its range is at most twice the
      // largest coordinate
      const factor = this.relaxedSide < 0 ? 3 : 9;
      if (program.upperBound(bounds, errors, rows, offset, sign, error, factor) < 0) return -1;
    } else if (outcome === OPTIMAL && program.value > 2 * error) {
      if (this.reachFar(rows, offset, sign, error)) return 1;
    }
    this.statistics.exact++;
    return this.largestSignExactly(sign, candidate);
  }

  /** The middle of the part of the program's ray that lies inside and on the far side, if that is proven. */
  private reachAlong(
    { points, at }: InnerPoint,
    rows: Float64Array,
    offset: number,
    sign: number,
    error: number,
  ): boolean {
    const { dimension: d, far, program } = this;
    const step = 0.5 * (program.crossing + program.reach);
    let reached = sign * rows[offset + d];
    for (let j = 0; j < d; j++) {
      far[j] = points[at + j] + step * (program.x[j] - points[at + j]);
      reached += sign * rows[offset + j] * far[j];
    }
    if (!(reached > 3 * error && this.strictlyInside(far))) return false;
    this.keepFar(sign * reached);
    return true;
  }

  /** Moves from the program's optimum towards an inner point until strictly inside every row, still on the far side. */
  private reachFar(rows: Float64Array, offset: number, sign: number, error: number): boolean {
    const { dimension: d, far, program } = this;
    const { x, value: top } = program;
    if (this.points.count === 0) return false;
    const { coordinates: points, values } = this.points;
    // from the inner point that is deepest on the near side
    const from = this.points.top(-sign);
    const least = sign * values[from];
    const crossing = least < 0 ? -least / (top - least) : 0;
    for (const share of [0.5, 0.125, 0.875]) {
      const step = crossing + share * (1 - crossing);
      let reached = sign * rows[offset + d];
      for (let j = 0; j < d; j++) {
        far[j] = points[from * d + j] + step * (x[j] - points[from * d + j]);
        reached += sign * rows[offset + j] * far[j];
      }
      if (reached > 3 * error && this.strictlyInside(far)) {
        this.keepFar(sign * reached);
        return true;
      }
    }
    return false;
  }

  /** Whether a point satisfies every row, and the box, by more than the rows' errors; the relaxed row is not asked. */
  private strictlyInside(x: Float64Array): boolean {
    const { lower, upper } = this.program;
    for (let j = 0; j < this.dimension; j++) if (!(x[j] > lower[j] && x[j] < upper[j])) return false;
    return this.list.holds(x, this.relaxedRow);
  }

  /** A point found on the far side joins the inner points, unless a row was relaxed: then it lies outside. */
  private keepFar(value: number): void {
    if (this.relaxedRow < 0 && this.relaxedSide < 0) this.points.add(this.far, value);
  }

  private largestSignExactly(sign: number, candidate: Candidate | undefined): number {
    const { list, relaxedRow, relaxedSide } = this;
    const { basis } = this.program;
    if (candidate === undefined) return outsideSign(list, relaxedRow, relaxedSide, basis);
    return largestSignOver(list, candidate, sign, basis);
  }

  facets(): number {
    const { dimension: d, list, program, plan, path, width } = this;
    if (list.count + 2 * d > this.signs.length) {
      this.hyperplanes = new Int32Array(2 * (list.count + 2 * d));
      this.signs = new Int8Array(2 * (list.count + 2 * d));
    }
    let found = 0;
    for (let side = 0; side < 2 * d; side++) {
      const j = side >> 1;
      const range = plan.upper[j] - plan.lower[j];
      this.relaxedSide = side;
      if ((side & 1) === 0) program.lower[j] -= range;
      else program.upper[j] += range;
      if (this.reachesOutside(path.rows, side * width, path.error[side])) {
        this.hyperplanes[found] = side;
        this.signs[found++] = 1;
      }
      program.lower[j] = plan.lower[j];
      program.upper[j] = plan.upper[j];
    }
    this.relaxedSide = -1;
    for (let r = 0; r < list.count; r++) {
      this.relaxedRow = r;
      if (this.reachesOutside(list.rows, r * width, list.errors[r])) {
        this.hyperplanes[found] = list.names[r];
        this.signs[found++] = list.signs[r];
      }
    }
    this.relaxedRow = -1;
    return found;
  }

  /** Whether the current polytope, without the relaxed row, reaches to where that row's function is negative. */
  private reachesOutside(rows: Float64Array, offset: number, error: number): boolean {
    if (this.points.count === 0) return this.largestSign(rows, offset, -1, error, undefined) > 0;
    this.points.evaluate(rows, offset, error);
    if (this.shoot(rows, offset, -1, error)) return true;
    return this.largestSign(rows, offset, -1, error, undefined, this.inner) > 0;
  }

  witness(): boolean {
    const { dimension: d, point, points } = this;
    if (points.count === 0) this.seekPoint();
    if (points.count === 0) return false;
    points.mean(point);
    if (this.strictlyInside(point)) return true;
    for (let j = 0; j < d; j++) point[j] = points.coordinates[j];
    return true;
  }

  /**
   * Looks for an inner point where cuts were decided in integers and no point is known: the mean of the outermost
   * points along every axis. Leaves it in `point`; adds it if it is proven to lie inside.
   */
  private seekPoint(): void {
    const { dimension: d, list, point, program } = this;
    const axis = new Float64Array(d + 1);
    point.fill(0);
    for (let k = 0; k < 2 * d; k++) {
      axis.fill(0);
      axis[k >> 1] = (k & 1) === 0 ? 1 : -1;
      program.maximize(list.rows, list.count, list.errors, axis, 0, 1, Number.NEGATIVE_INFINITY);
      for (let j = 0; j < d; j++) point[j] += program.x[j] / (2 * d);
    }
    if (this.strictlyInside(point)) this.points.add(point, 0);
  }

  split(hyperplane: number): void {
    const error = this.evaluateAt(hyperplane);
    const frame = this.pushFrame();
    frame.count = this.list.count + 1;
    frame.first = this.list.count;
    frame.tailNames[0] = hyperplane;
    frame.tailSigns[0] = 1;
    frame.points.takePart(this.points, 1, error);
    this.points.takePart(this.points, -1, error);
    this.list.append(hyperplane, -1);
  }

  clip(hyperplane: number, sign: number): void {
    const error = this.evaluateAt(hyperplane);
    this.points.takePart(this.points, sign, error);
    this.list.append(hyperplane, sign);
  }

  /** Evaluates a hyperplane of the path at the inner points; gives its error. */
  private evaluateAt(hyperplane: number): number {
    const { path, width } = this;
    const error = path.error[hyperplane];
    this.points.evaluate(path.rows, hyperplane * width, error);
    return error;
  }

  push(): void {
    const { count, names, signs } = this.list;
    const frame = this.pushFrame();
    frame.count = count;
    frame.first = 0;
    for (let r = 0; r < count; r++) {
      frame.tailNames[r] = names[r];
      frame.tailSigns[r] = signs[r];
    }
    frame.points.copy(this.points);
  }

  pop(): void {
    this.restore(this.frames[--this.depth]);
  }

  peek(index: number): void {
    this.restore(this.frames[index]);
  }

  private restore(frame: Frame): void {
    this.list.count = frame.first;
    for (let r = frame.first; r < frame.count; r++) {
      this.list.append(frame.tailNames[r - frame.first], frame.tailSigns[r - frame.first]);
    }
    this.points.copy(frame.points);
  }

  private pushFrame(): Frame {
    let frame = this.frames[this.depth];
    if (frame === undefined) {
      frame = {
        count: 0,
        first: 0,
        tailNames: [],
        tailSigns: [],
        points: new InnerPoints(this.dimension),
      };
      this.frames.push(frame);
    }
    this.depth++;
    return frame;
  }
}

/** A pending polytope: the rows from `first` on, and its inner points. */
interface Frame {
  count: number;
  first: number;
  readonly tailNames: number[];
  readonly tailSigns: number[];
  readonly points: InnerPoints;
}
