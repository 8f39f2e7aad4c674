/** The questions that linear programs answer of a polytope, in integers: asked where floating point proves nothing. */

import { maximumSign } from "../../exact/linear-program-exact.js";
import type { ExactRow } from "../cell-tree/exact-rows.js";
import type { Candidate, Path } from "../cell-tree/path.js";
import type { HalfSpaceList } from "./half-space-list.js";

/** The sign of the largest value of `sign · f`. A basis as `LinearProgram` has it is tried first. */
export function largestSignOver(
  polytope: HalfSpaceList,
  candidate: Candidate,
  sign: number,
  basis: Int32Array,
): number {
  const { path } = polytope;
  const rows = exactRows(polytope);
  const exact = path.exactCandidate(candidate);
  return maximumSign(rows, sign > 0 ? exact : negated(exact), startOf(basis, path, -1));
}

/**
 * The sign of how far the polytope reaches beyond one of its half-spaces once that is relaxed: positive iff it is a facet.
 * Either a row is dropped, or (row < 0) a box side (2j lower, 2j + 1 upper) moves out by 1.
 */
export function outsideSign(polytope: HalfSpaceList, row: number, side: number, basis: Int32Array): number {
  const { path } = polytope;
  const dimension = path.width - 1;
  const rows = exactRows(polytope);
  const index = row < 0 ? side : 2 * dimension + row;
  const objective = negated(rows[index]);
  if (row >= 0) {
    rows.splice(index, 1);
  } else {
    // the only coefficient's absolute value moves an axis-parallel row by 1 along its axis
    let unit = 0n;
    for (let j = 0; j < dimension; j++) unit += rows[index][j] < 0n ? -rows[index][j] : rows[index][j];
    rows[index] = rows[index].map((x, c) => (c < dimension ? x : x + unit));
  }
  return maximumSign(rows, objective, startOf(basis, path, row));
}

/** The rows of the box, as `maximumSign` wants them first, and of the polytope. */
function exactRows({ path, count, names, signs }: HalfSpaceList): ExactRow[] {
  const out: ExactRow[] = [];
  for (let k = 0; k < 2 * (path.width - 1); k++) out.push(path.exact(k));
  for (let r = 0; r < count; r++) out.push(signs[r] > 0 ? path.exact(names[r]) : negated(path.exact(names[r])));
  return out;
}

/** A solver's basis in the numbering of `exactRows`, of which one row may be missing. */
function startOf(basis: Int32Array, path: Path, dropped: number): number[] {
  const box = 2 * (path.width - 1);
  return Array.from(basis, (row) => (row < 0 ? -1 - row : box + (dropped >= 0 && row > dropped ? row - 1 : row)));
}

const negated = (row: ExactRow): ExactRow => row.map((x) => -x);
