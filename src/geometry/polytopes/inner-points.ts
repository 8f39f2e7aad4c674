/** Points known to lie strictly inside a polytope: two of them on different sides of a hyperplane prove that it cuts. */

/** Inner points kept per polytope. */
const MOST = 12;

/** What `InnerPoints.evaluate` saw, as bits. */
export const SEEN_POSITIVE = 1;
export const SEEN_NEGATIVE = 2;

/** A few points, and the values there of the function asked for last. */
export class InnerPoints {
  count = 0;
  /** d numbers per point. */
  readonly coordinates: Float64Array;
  readonly values = new Float64Array(MOST);

  constructor(private readonly dimension: number) {
    this.coordinates = new Float64Array(MOST * dimension);
  }

  /** Evaluates an affine function at all points; bits tell which signs occur by more than the error. */
  evaluate(rows: Float64Array, offset: number, error: number): number {
    const { dimension: d, coordinates, values } = this;
    let seen = 0;
    for (let p = 0, at = 0; p < this.count; p++, at += d) {
      let value = rows[offset + d];
      for (let j = 0; j < d; j++) value += rows[offset + j] * coordinates[at + j];
      values[p] = value;
      if (value > error) seen |= SEEN_POSITIVE;
      else if (value < -error) seen |= SEEN_NEGATIVE;
    }
    return seen;
  }

  /** The point at which `sign · value` is largest. */
  top(sign: number): number {
    const { values } = this;
    let best = 0;
    for (let p = 1; p < this.count; p++) if (sign * values[p] > sign * values[best]) best = p;
    return best;
  }

  /** Adds a point with its value; where all places are taken, in the place of the last. */
  add(x: Float64Array, value: number): void {
    const { dimension: d, coordinates } = this;
    const at = this.count < MOST ? this.count++ : MOST - 1;
    for (let j = 0; j < d; j++) coordinates[at * d + j] = x[j];
    this.values[at] = value;
  }

  /** Makes this the points of another at which `sign · value` is above the error; the other may be this itself. */
  takePart(from: InnerPoints, sign: number, error: number): void {
    const { dimension: d, coordinates } = this;
    let kept = 0;
    for (let p = 0; p < from.count; p++) {
      if (!(sign * from.values[p] > error)) continue;
      for (let j = 0; j < d; j++) coordinates[kept * d + j] = from.coordinates[p * d + j];
      kept++;
    }
    this.count = kept;
  }

  copy({ count, coordinates }: InnerPoints): void {
    this.count = count;
    for (let k = 0; k < count * this.dimension; k++) this.coordinates[k] = coordinates[k];
  }

  /** The mean of all points. */
  mean(out: Float64Array): void {
    const { dimension: d, coordinates, count } = this;
    out.fill(0);
    for (let p = 0; p < count; p++) for (let j = 0; j < d; j++) out[j] += coordinates[p * d + j] / count;
  }
}
