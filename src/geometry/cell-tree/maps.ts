/**
 * The affine maps of a net along a depth-first walk over its cells: for every layer, its arguments as functions of the
 * input under the current states of the layers before it. Between leaves of one parent only a few states differ, so a
 * map is brought up to date by rank-one terms, and computed afresh after `MOST_UPDATES` of them.
 */

import type { HingeLayer, MaxLayer } from "../../pwl/net.js";
import { MOST_UPDATES, type Plan, type PlanLayer } from "./plan.js";

/** The state of every gate along the current path: read by the maps, written by the walk. */
export type States = readonly Int32Array[];

/** One layer's map: `size` rows of `dimension + 1` numbers, coefficients and then the constant. */
export class LayerMap {
  readonly rows: Float64Array;
  /** Counts every change, so that what was derived from an older map is recognized. */
  epoch = 0;
  /** The states of the layer before, as they stand in `rows`. */
  private readonly applied: Int32Array;
  private previousEpoch = -1;
  private updates = 0;
  private readonly size: number;
  private readonly width: number;
  /** The weights on the layer before, if it is read at all. */
  private readonly transposed: Float64Array | undefined;

  constructor(
    private readonly plan: Plan,
    private readonly index: number,
  ) {
    const layer = plan.layers[index];
    this.size = layer.size;
    this.width = plan.dimension + 1;
    this.rows = new Float64Array(layer.size * this.width);
    this.transposed = index > 0 ? layer.terms.find(({ source }) => source === index)?.transposed : undefined;
    this.applied = new Int32Array(index > 0 ? plan.layers[index - 1].gateCount : 0);
  }

  /**
   * Brings the map up to date. `undecided` lists the gates of the layer before that may differ between leaves of the
   * current parent (its first `undecidedCount` entries): only those are compared.
   */
  enter(maps: readonly LayerMap[], states: States, undecided: Int32Array, undecidedCount: number): void {
    const { index } = this;
    if (index === 0) {
      if (this.previousEpoch !== 0) this.compute(maps, states);
      this.previousEpoch = 0;
      return;
    }
    const before = maps[index - 1];
    if (this.previousEpoch !== before.epoch) {
      this.compute(maps, states);
      this.previousEpoch = before.epoch;
      this.applied.set(states[index - 1]);
      return;
    }
    const now = states[index - 1];
    const { applied } = this;
    let changed = 0;
    for (let at = 0; at < undecidedCount; at++) {
      if (applied[undecided[at]] !== now[undecided[at]]) changed++;
    }
    if (changed === 0) return;
    this.updates += changed;
    if (this.updates > MOST_UPDATES) {
      this.compute(maps, states);
    } else {
      this.epoch++;
      this.update(before, now, undecided, undecidedCount);
    }
    for (let at = 0; at < undecidedCount; at++) applied[undecided[at]] = now[undecided[at]];
  }

  private update(before: LayerMap, now: Int32Array, undecided: Int32Array, undecidedCount: number): void {
    const { transposed } = this;
    if (transposed === undefined) return;
    const gates = this.plan.layers[this.index - 1].gates!;
    const { applied, width } = this;
    for (let at = 0; at < undecidedCount; at++) {
      const j = undecided[at];
      if (applied[j] === now[j]) continue;
      if (gates.kind === "hinge") {
        this.addOuter(transposed, j, slope(gates, j, now[j]) - slope(gates, j, applied[j]), before.rows, j * width);
      } else {
        this.addOuter(transposed, j, -1, before.rows, (gates.starts[j] + applied[j]) * width);
        this.addOuter(transposed, j, 1, before.rows, (gates.starts[j] + now[j]) * width);
      }
    }
  }

  private compute(maps: readonly LayerMap[], states: States): void {
    this.epoch++;
    this.updates = 0;
    const { rows, width, size } = this;
    const layer: PlanLayer = this.plan.layers[this.index];
    rows.fill(0);
    for (let i = 0; i < size; i++) rows[i * width + width - 1] = layer.constant[i];
    for (const { source, columns, transposed } of layer.terms) {
      if (source === 0) {
        for (let j = 0; j < columns; j++) {
          for (let i = 0; i < size; i++) rows[i * width + j] += transposed[j * size + i];
        }
        continue;
      }
      const gates: HingeLayer | MaxLayer = this.plan.layers[source - 1].gates!;
      const state = states[source - 1];
      const from = maps[source - 1].rows;
      for (let j = 0; j < columns; j++) {
        if (gates.kind === "hinge") this.addOuter(transposed, j, slope(gates, j, state[j]), from, j * width);
        else this.addOuter(transposed, j, 1, from, (gates.starts[j] + state[j]) * width);
      }
    }
  }

  /** rows += scale · (column j of the weights) ⊗ (the function at `offset` of `from`). */
  private addOuter(transposed: Float64Array, j: number, scale: number, from: Float64Array, offset: number): void {
    if (scale === 0) return;
    const { rows, width, size } = this;
    const first = j * size;
    if (width === 4) {
      const a0 = scale * from[offset];
      const a1 = scale * from[offset + 1];
      const a2 = scale * from[offset + 2];
      const a3 = scale * from[offset + 3];
      for (let i = 0, at = 0; i < size; i++, at += 4) {
        const weight = transposed[first + i];
        rows[at] += weight * a0;
        rows[at + 1] += weight * a1;
        rows[at + 2] += weight * a2;
        rows[at + 3] += weight * a3;
      }
      return;
    }
    for (let i = 0, at = 0; i < size; i++) {
      const weight = scale * transposed[first + i];
      for (let c = 0; c < width; c++, at++) rows[at] += weight * from[offset + c];
    }
  }
}

/** The slope of hinge j in a state. */
function slope(gates: HingeLayer, j: number, state: number): number {
  return state === 1 ? gates.hi[j] : gates.lo[j];
}
