/** The state of a gate that a sub-problem leaves open. */
export const OPEN = -1;

/**
 * A part of the domain not yet searched: the state of every gate, `OPEN` where it is not decided. Plain data; the cells of
 * a sub-problem are those that agree with it.
 */
export type SubProblem = readonly number[];
