/**
 * The Lipschitz constant of a net on a partition's box: the largest spectral norm of a cell's map.
 *
 * With M the outputs' slopes on a cell along the slice's directions (one row (a, b) per output), P = MᵀM, and G the Gram
 * matrix of the directions, the squared norm is the larger root of det(P - λ·G) = 0,
 *
 *     λ = (T + √D) / (2·det G),   T = p11·g22 - 2·p12·g12 + p22·g11,   D = T² - 4·det P·det G,
 *
 * where P and G are integers (up to one power of two for all cells) and so T and D are too. Hence cells are compared
 * exactly; floats with a proven bound only leave out the cells that cannot be the largest.
 */

import { gamma, SLACK } from "../../exact/rounding.js";
import { compareRootSums, integerSquareRoot, ROOT_ERROR, rootOfRatio } from "../../exact/square-root.js";
import { requireFinite } from "../overflow.js";
import type { Slice } from "../plane/slice.js";
import { type PartitionData, requireComplete } from "./data.js";
import { exactOutput, outputMaps } from "./output-maps.js";

/** A Lipschitz constant, and a cell where it is attained. */
export interface Lipschitz {
  /** The true constant differs by at most `error`: two units in the last place. */
  readonly value: number;
  readonly error: number;
  /** The first cell whose map has the largest norm; decided exactly. */
  readonly cell: number;
}

/** The Gram matrix of the slice's directions in integers, times 2^(2·exponent of the slice); for a line g22 is 1. */
interface Gram {
  readonly g11: bigint;
  readonly g12: bigint;
  readonly g22: bigint;
  readonly determinant: bigint;
}

/** An absolute error above all that underflowing squares can do to a norm, if the net has fewer than 2^60 outputs. */
const SQUARES_UNDERFLOW = 2 ** -500;

/**
 * The least L with `|f(x) - f(y)| <= L |x - y|` for all x, y of the box, in the Euclidean norms of the outputs and of the
 * input space (for a slice: of the points `origin + s·u + t·v`).
 *
 * @throws GeometryError when the partition is incomplete, or the constant is beyond the range of doubles.
 */
export function lipschitz(data: PartitionData): Lipschitz {
  requireComplete(data, "Lipschitz constant");
  const { exact, net, slice } = data;
  const gram = gramOf(slice);
  let best = { cell: -1, trace: 0n, root: 0n };
  for (const cell of candidates(data, gram)) {
    const [trace, root] = exactNorm(data, gram, cell);
    if (best.cell < 0 || compareRootSums(trace, root, best.trace, best.root) > 0) best = { cell, trace, root };
  }
  // 64 more bits than the integers have: what the root of D loses below them is far below a double's rounding
  const sum = (best.trace << 64n) + integerSquareRoot(best.root << 128n);
  const exponent = exact.maps.exponentOf(net.layers.length) - slice.exponent;
  const value = rootOfRatio(sum, (2n * gram.determinant) << 64n, exponent);
  requireFinite([value], "the Lipschitz constant");
  return { value, error: value * ROOT_ERROR, cell: best.cell };
}

function gramOf({ exact, dimension }: Slice): Gram {
  let [g11, g12, g22] = [0n, 0n, 0n];
  for (const [u, v] of exact) {
    g11 += u * u;
    g12 += u * v;
    g22 += v * v;
  }
  if (dimension === 1) [g12, g22] = [0n, 1n];
  return { g11, g12, g22, determinant: g11 * g22 - g12 * g12 };
}

/** T and D of a cell. */
function exactNorm(data: PartitionData, { g11, g12, g22, determinant }: Gram, cell: number): [bigint, bigint] {
  let [p11, p12, p22] = [0n, 0n, 0n];
  for (let output = 0; output < data.net.output.size; output++) {
    const [a, b] = exactOutput(data, cell, output);
    p11 += a * a;
    p12 += a * b;
    p22 += b * b;
  }
  const trace = p11 * g22 - 2n * p12 * g12 + p22 * g11;
  return [trace, trace * trace - 4n * (p11 * p22 - p12 * p12) * determinant];
}

/**
 * The cells that may have the largest norm, by floats. With R the Cholesky factor of G, the norm is that of N = M·R⁻¹.
 * Its float value is off by at most the Frobenius norms of three errors (Weyl): that of the outputs' maps, which is
 * `error / max|s|` in a slope along s, since the map is off by at most `error` anywhere in the box; that of the entries of
 * N, sums of two products of rounded factors; and the relative one of the sums of squares and the eigenvalue's formula,
 * which adds non-negative numbers only, but for p12, whose error is one of the trace.
 */
function candidates(data: PartitionData, { g11, g12, determinant }: Gram): number[] {
  const { complex, slice, net } = data;
  // the entries of R⁻¹, each within `ROOT_ERROR`
  const r11 = rootOfRatio(1n, g11, -slice.exponent);
  const r12 = (g12 > 0n ? -1 : 1) * rootOfRatio(g12 * g12, g11 * determinant, -slice.exponent);
  // on a line, where nothing depends on t, 0
  const r22 = slice.dimension === 1 ? 0 : rootOfRatio(g11, determinant, -slice.exponent);
  const sMost = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
  const tMost = Math.max(Math.abs(slice.t[0]), Math.abs(slice.t[1]));
  const maps = Array.from({ length: net.output.size }, (_, output) => outputMaps(data, output));
  const relative = gamma(4 * maps.length + 64);
  const upper = new Float64Array(complex.cellCount);
  let most = Number.NEGATIVE_INFINITY;
  for (let cell = 0; cell < complex.cellCount; cell++) {
    let [n11, n12, n22] = [0, 0, 0];
    let absolute = 0;
    let errors = 0;
    for (const { a, b, error } of maps) {
      const first = a[cell] * r11;
      const second = a[cell] * r12 + b[cell] * r22;
      n11 += first * first;
      n12 += first * second;
      n22 += second * second;
      const size = Math.abs(a[cell] * r11) + Math.abs(a[cell] * r12) + Math.abs(b[cell] * r22);
      absolute += size * size;
      const [da, db] = [error[cell] / sMost, error[cell] / tMost];
      const off = da * r11 + Math.abs(da * r12) + db * r22;
      errors += off * off;
    }
    const norm = Math.sqrt((n11 + n22) / 2 + Math.hypot((n11 - n22) / 2, n12));
    const bound = SLACK * (Math.sqrt(errors) + relative * (Math.sqrt(absolute) + norm)) + SQUARES_UNDERFLOW;
    upper[cell] = norm + bound;
    if (norm - bound > most) most = norm - bound;
  }
  const open: number[] = [];
  // what is not a number, having overflowed, is never left out
  for (let cell = 0; cell < upper.length; cell++) if (!(upper[cell] < most)) open.push(cell);
  return open;
}
