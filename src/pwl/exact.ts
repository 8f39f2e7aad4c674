/**
 * A net's pre-activations at one point, and their gradients there, exactly: every double is a dyadic rational, so sums
 * and products are exact in BigInt. Only what is asked for is computed, and kept: one unit needs the units that reach it
 * through gates with a nonzero slope.
 */

import {
  EXACT_ZERO,
  type ExactNumber,
  exact,
  exactDifference,
  exactProduct,
  exactSign,
  exactSum,
} from "../exact/number.js";
import { row } from "./blocks.js";
import { hingeSlope } from "./evaluate.js";
import type { Affine, PwlNet } from "./net.js";

/** An argument of a gate layer (both counted from 0), with its factor in a combination of arguments. */
export interface WeightedArgument {
  readonly layer: number;
  readonly unit: number;
  readonly factor: 1 | -1;
}

/**
 * Exact values at x. `states` holds the states of the layers decided so far and grows with the caller; a layer's
 * arguments may be asked for once all earlier layers are decided.
 */
export class ExactPoint {
  /** Arguments already known, per layer. */
  readonly #known: (ExactNumber | undefined)[][];

  constructor(
    readonly net: PwlNet,
    readonly x: Float64Array,
    readonly states: readonly Int32Array[],
  ) {
    this.#known = net.layers.map(() => []);
  }

  /** The exact value of one argument of a layer. Works upward through the layers, without recursion. */
  argument(layer: number, unit: number): ExactNumber {
    const needed: Set<number>[] = Array.from({ length: layer + 1 }, () => new Set());
    needed[layer].add(unit);
    for (let l = layer; l >= 0; l--) {
      for (const i of needed[l]) {
        if (this.#known[l][i] !== undefined) continue;
        forEachEntry(this.net.layers[l].argument, i, (source, column) => {
          if (source === 0) return;
          const through = this.#through(source - 1, column);
          if (through.slope !== 0) needed[source - 1].add(through.argument);
        });
      }
    }
    for (let l = 0; l <= layer; l++) {
      for (const i of needed[l]) this.#known[l][i] ??= this.#affine(this.net.layers[l].argument, i);
    }
    return this.#known[layer][unit] as ExactNumber;
  }

  /**
   * Whether a combination of arguments has gradient exactly zero at x's pattern: it is then constant around x, so a
   * value at its threshold is no crease.
   */
  isFlat(combination: readonly WeightedArgument[]): boolean {
    const adjoints: Map<number, ExactNumber>[] = this.net.layers.map(() => new Map());
    const input = new Map<number, ExactNumber>();
    let top = 0;
    for (const { layer, unit, factor } of combination) {
      accumulate(adjoints[layer], unit, exact(factor));
      top = Math.max(top, layer);
    }
    for (let l = top; l >= 0; l--) {
      for (const [unit, adjoint] of adjoints[l]) {
        if (adjoint.integer === 0n) continue;
        forEachEntry(this.net.layers[l].argument, unit, (source, column, weight) => {
          if (source === 0) return accumulate(input, column, exactProduct(adjoint, exact(weight)));
          const { argument, slope } = this.#through(source - 1, column);
          if (slope === 0) return;
          accumulate(adjoints[source - 1], argument, exactProduct(adjoint, exactProduct(exact(weight), exact(slope))));
        });
      }
    }
    for (const adjoint of input.values()) if (exactSign(adjoint) !== 0) return false;
    return true;
  }

  /** The argument that gate `gate` of layer `layer` passes on in its state, and its slope. */
  #through(layer: number, gate: number): { argument: number; slope: number } {
    const gates = this.net.layers[layer];
    const state = this.states[layer][gate];
    if (gates.kind === "hinge") return { argument: gate, slope: hingeSlope(gates, gate, state) };
    return { argument: gates.starts[gate] + state, slope: 1 };
  }

  #affine(affine: Affine, i: number): ExactNumber {
    let sum = exact(affine.bias[i]);
    forEachEntry(affine, i, (source, column, weight) => {
      const value = source === 0 ? exact(this.x[column]) : this.#gate(source - 1, column);
      sum = exactSum(sum, exactProduct(exact(weight), value));
    });
    return sum;
  }

  /** A gate's value, `t + slope · (a - t)`; its argument must be known unless the slope is zero. */
  #gate(layer: number, gate: number): ExactNumber {
    const gates = this.net.layers[layer];
    const { argument, slope } = this.#through(layer, gate);
    const threshold = gates.kind === "hinge" ? exact(gates.threshold[gate]) : EXACT_ZERO;
    if (slope === 0) return threshold;
    const value = this.#known[layer][argument] as ExactNumber;
    if (slope === 1) return value;
    return exactSum(threshold, exactProduct(exact(slope), exactDifference(value, threshold)));
  }
}

function accumulate(sums: Map<number, ExactNumber>, key: number, value: ExactNumber): void {
  const before = sums.get(key);
  sums.set(key, before === undefined ? value : exactSum(before, value));
}

/** Calls `visit` for every nonzero entry of row i of an affine map. */
function forEachEntry(
  affine: Affine,
  i: number,
  visit: (source: number, column: number, weight: number) => void,
): void {
  for (const { source, block } of affine.terms) {
    const { indices, values } = row(block, i);
    for (let at = 0; at < indices.length; at++) if (values[at] !== 0) visit(source, indices[at], values[at]);
  }
}
