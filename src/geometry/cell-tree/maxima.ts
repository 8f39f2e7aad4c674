/** The rules for maxima on the polytopes of a walk: which argument of a group wins where. */

import type { MaxLayer } from "../../pwl/net.js";
import type { CellTree } from "./cell-tree.js";
import type { Candidate } from "./path.js";
import { CUTS, NEGATIVE, POSITIVE, TOUCHES_NEGATIVE, TOUCHES_POSITIVE, ZERO } from "./polytopes.js";

/** Decides maxima over the current polytope of a walk, whose `touches` it counts. */
export class Maxima {
  private readonly difference: Float64Array;
  private readonly candidate: Candidate;

  constructor(private readonly tree: CellTree) {
    this.difference = new Float64Array(tree.plan.dimension + 1);
    this.candidate = { rows: this.difference, offset: 0, error: 0, layer: 0, unit: 0, other: -1 };
  }

  /** The winner of a group over the whole current polytope, as an index in the group, or -1. */
  soleWinner(layer: number, { starts }: MaxLayer, group: number): number {
    const { tree, candidate } = this;
    let best = starts[group];
    for (let other = best + 1; other < starts[group + 1]; other++) {
      this.aimAtDifference(layer, other, best);
      const side = tree.polytopes.classify(candidate);
      if (side === CUTS) return -1;
      if (side !== POSITIVE && side !== NEGATIVE) tree.touches++;
      if (side === POSITIVE || side === TOUCHES_POSITIVE) best = other;
    }
    return best - starts[group];
  }

  /** Restricts the current polytope to where one argument wins; false if that has no interior. */
  clipToWinner(layer: number, { starts }: MaxLayer, group: number, winner: number): boolean {
    const { tree, candidate } = this;
    const unit = starts[group] + winner;
    for (let other = starts[group]; other < starts[group + 1]; other++) {
      if (other === unit) continue;
      this.aimAtDifference(layer, unit, other);
      const side = tree.polytopes.classify(candidate);
      if (side === CUTS) {
        tree.polytopes.clip(tree.path.push(candidate), 1);
        continue;
      }
      if (side === NEGATIVE || side === TOUCHES_NEGATIVE) return false;
      if (side === ZERO && other < unit) return false; // of equal arguments the first wins
      if (side !== POSITIVE) tree.touches++;
    }
    return true;
  }

  /**
   * Pushes the current polytope, and then for each possible winner, from the last to the first, the part where it wins;
   * `pending` is told of each before.
   */
  branch(layer: number, gates: MaxLayer, group: number, pending: (winner: number) => void): void {
    const { tree } = this;
    const { touches, polytopes } = tree;
    polytopes.push();
    const base = polytopes.depth - 1;
    for (let winner = gates.starts[group + 1] - gates.starts[group] - 1; winner >= 0; winner--) {
      tree.touches = touches;
      polytopes.peek(base);
      if (!this.clipToWinner(layer, gates, group, winner)) continue;
      pending(winner);
      polytopes.push();
    }
  }

  private aimAtDifference(layer: number, unit: number, other: number): void {
    const { tree, candidate, difference } = this;
    const { rows } = tree.maps[layer];
    const { error, magnitude } = tree.plan.layers[layer];
    const width = difference.length;
    for (let c = 0; c < width; c++) difference[c] = rows[unit * width + c] - rows[other * width + c];
    candidate.error = (error[unit] + error[other] + 2 ** -51 * (magnitude[unit] + magnitude[other])) * (1 + 2 ** -20);
    candidate.layer = layer;
    candidate.unit = unit;
    candidate.other = other;
  }
}
