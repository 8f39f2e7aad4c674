/**
 * What a walk over cells needs of a representation of polytopes. There are two in `../polytopes`: by vertices and edges
 * (`vertex-polytopes.ts`), and by half-spaces with linear programs (`program-polytopes.ts`). Either holds one current
 * polytope and a stack of pending ones.
 */

import type { Candidate } from "./path.js";

/** Where an affine function lies over the current polytope, decided as exact arithmetic would. */
export const ZERO = 0; // zero everywhere
export const POSITIVE = 1; // positive everywhere
export const NEGATIVE = -1;
export const CUTS = 2; // both signs occur
export const TOUCHES_POSITIVE = 3; // never negative, zero on a part of the boundary
export const TOUCHES_NEGATIVE = -3; // never positive, zero on a part of the boundary

/** One of the constants above. */
export type Side = number;

/** How signs were decided; counts since the walk began. */
export interface SignStatistics {
  /** Decisions by exact integers. */
  exact: number;
  /** Linear programs solved. */
  programs: number;
}

/** A stack of polytopes, the current one on top of it and apart. */
export interface Polytopes {
  readonly statistics: SignStatistics;
  /** Pending polytopes. */
  readonly depth: number;
  /** The side of a function over the current polytope. */
  classify(candidate: Candidate): Side;
  /** About the squared distance of a hyperplane from the middle of the current polytope; any number will do. */
  remoteness(candidate: Candidate): number;
  /**
   * After `classify` gave CUTS for the same function, which is now this hyperplane of the path: pushes the positive part,
   * keeps the negative one.
   */
  split(hyperplane: number): void;
  /** After `classify` gave CUTS: keeps the part of the given sign. */
  clip(hyperplane: number, sign: number): void;
  /** Pushes a copy of the current polytope. */
  push(): void;
  /** Makes the last pushed polytope the current one and takes it off the stack. */
  pop(): void;
  /** Makes a pending polytope the current one and leaves it on the stack; index from the bottom. */
  peek(index: number): void;
  /** Hyperplanes that bound the current polytope, without redundant ones: fills `hyperplanes` and `signs`, gives their number. */
  facets(): number;
  readonly hyperplanes: Int32Array;
  readonly signs: Int8Array;
  /**
   * A point inside the current polytope, into `point`: true if it is proven to lie strictly inside in doubles; false
   * where the polytope is too thin for that (the point is then the nearest doubles to an inner point).
   */
  witness(): boolean;
  readonly point: Float64Array;
}
