/**
 * The rounding model behind every float filter of Crease.
 *
 * Model (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 2 and 3): each of + - * / on doubles gives
 * `exact · (1 + d)` with |d| <= u = 2^-53, unless it underflows; n such factors multiply to `1 + t` with
 * |t| <= gamma(n) = n·u / (1 - n·u). A sum of k products, in any order, is therefore off by at most
 * gamma(k) · Σ |product|. Underflow adds at most 2^-1074 per operation: `UNDERFLOW` is charged to every bound, and callers
 * use a filter only where that covers all operations times all later factors (see `filterApplies`).
 *
 * The running bound. A vector of affine functions f over a domain D is held as rounded coefficients with a magnitude m
 * each, such that m >= the sum of the absolute values of all products that ever entered f, each taken at its largest over
 * D. If every input of f is off by at most e·m(input), and f has taken part in at most k additions since it was last
 * computed afresh, then f is off by at most (e + gamma(k + 2)) · m anywhere in D. So one relative error per layer and one
 * magnitude per function bound all errors; `m` itself is a sum of non-negative numbers, low by at most gamma(k + 2)
 * relative, which `SLACK` covers.
 */

/** Unit roundoff of doubles, 2^-53. */
export const UNIT_ROUNDOFF = 2 ** -53;

/** Covers the rounding of the bounds themselves: sums of up to 2^30 non-negative terms. */
export const SLACK = 1 + 2 ** -20;

/** An absolute error above that of any number of underflows in a filter that `filterApplies` admits. */
export const UNDERFLOW = 2 ** -700;

/** Higham's gamma(n) = n·u / (1 - n·u), for n·u < 1. */
export function gamma(operations: number): number {
  const error = operations * UNIT_ROUNDOFF;
  return error / (1 - error);
}

/**
 * Whether `UNDERFLOW` covers every underflow of a computation: each is at most 2^-1074, there are fewer than 2^40 of them
 * per value, and what they touch is later multiplied by at most `amplification`.
 */
export function filterApplies(amplification: number): boolean {
  return amplification <= 2 ** 330;
}
