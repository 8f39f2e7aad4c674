/** What an enumeration is to find, as plain data: the same for every thread that searches. */

import type { PwlNet } from "../../pwl/net.js";
import type { HalfSpaces } from "../cell-tree/path.js";
import { buildPlan, type Plan } from "../cell-tree/plan.js";
import type { Want } from "./cells.js";

/** Which representation of polytopes the walk uses. */
export type EnumerationMethod = "vertices" | "linear-programs";

/**
 * Vertices per cell grow like 2^d: up to so many dimensions they describe cells no slower than linear programs do, and give
 * their volumes exactly.
 */
export const MOST_DIMENSIONS_BY_VERTICES = 7;

export interface EnumerationJob {
  readonly net: PwlNet;
  /** The box. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly polytope: HalfSpaces | undefined;
  readonly method: EnumerationMethod;
  readonly want: ReadonlySet<Want>;
  readonly countOnly: boolean;
  /** Whether no sign is taken from floating point. */
  readonly exact: boolean;
}

/** The job's net, flattened for walks. */
export function planOf({ net, lower, upper, exact }: EnumerationJob): Plan {
  const plan = buildPlan(net, lower, upper);
  if (exact) for (const { error } of plan.layers) error.fill(Number.POSITIVE_INFINITY);
  return plan;
}
