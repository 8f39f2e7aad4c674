/** The cell of a point: its gates' states, decided exactly layer by layer, looked up in the tree of patterns. */

import { commonExponent, signOf, toInteger } from "../../exact/dyadic.js";
import type { ExactLine, ExactPoint } from "../../exact/homogeneous.js";
import { AffineCursor } from "../plane/affine-cursor.js";
import { errorOf } from "../plane/affine-rows.js";
import { writeState } from "../plane/pattern-tree.js";
import type { PartitionData } from "./data.js";

/** Two steps of infinitesimal size, the second infinitely smaller: how zeros are told apart. */
type Direction = readonly [s: number, t: number];

/** Finds cells by points; keeps a table of the tree's nodes, built at the first question. */
export class Locator {
  readonly #cursor: AffineCursor;
  /** One open-addressing table per layer: node + 1, or 0 for free. */
  readonly #tables: readonly Int32Array[];
  readonly #words: readonly Int32Array[];

  constructor(readonly data: PartitionData) {
    const { net, slice, tree } = data;
    this.#cursor = new AffineCursor(net, slice, tree, true);
    this.#words = tree.layers.map(({ packing }) => new Int32Array(packing.words));
    this.#tables = tree.layers.map(({ count, packing, parents, words }) => {
      const table = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
      for (let node = 0; node < count; node++) {
        let slot = hash(parents[node], words, node * packing.words, packing.words) & (table.length - 1);
        while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1);
        table[slot] = node + 1;
      }
      return table;
    });
  }

  /**
   * The cell that holds (s, t), undefined outside the box or where an incomplete partition found none. On a crease: the
   * cell whose pattern is the point's own (hinges at their threshold inactive, of equal arguments the first), if such a
   * cell has an interior; else the one into which an infinitesimal step along s, and a smaller one along t, leads.
   */
  find(s: number, t: number): number | undefined {
    const { slice } = this.data;
    const inside = s >= slice.s[0] && s <= slice.s[1] && t >= slice.t[0] && t <= slice.t[1];
    if (!inside) return undefined;
    const direction: Direction = [s < slice.s[1] ? 1 : -1, t < slice.t[1] ? 1 : -1];
    return this.#descend(s, t, undefined) ?? this.#descend(s, t, direction);
  }

  #descend(s: number, t: number, direction: Direction | undefined): number | undefined {
    const { net, tree } = this.data;
    let node = 0;
    for (let layer = 0; layer < tree.layers.length; layer++) {
      const { packing } = tree.layers[layer];
      const words = this.#words[layer].fill(0);
      this.#cursor.sync(layer);
      for (let gate = 0; gate < packing.gates; gate++) {
        const gates = net.layers[layer];
        if (gates.kind === "hinge") {
          if (this.#sign(layer, node, gate, -1, s, t, direction) > 0) writeState(packing, words, 0, gate, 1);
          continue;
        }
        let best = gates.starts[gate];
        for (let row = best + 1; row < gates.starts[gate + 1]; row++) {
          if (this.#sign(layer, node, row, best, s, t, direction) > 0) best = row;
        }
        writeState(packing, words, 0, gate, best - gates.starts[gate]);
      }
      const child = this.#child(layer, node, words);
      if (child === undefined) return undefined;
      this.#cursor.words[layer].set(words);
      node = child;
    }
    return node < this.data.complex.cellCount ? node : undefined;
  }

  /** The sign of a hinge's argument less its threshold, or of one row less another, at a point or just beside it. */
  #sign(
    layer: number,
    node: number,
    row: number,
    other: number,
    s: number,
    t: number,
    direction: Direction | undefined,
  ): number {
    const { net, exact } = this.data;
    const { a, b, c, m, relativeError } = this.#cursor.rows(layer);
    const gates = net.layers[layer];
    const level = gates.kind === "hinge" ? gates.threshold[row] : c[other];
    const value =
      other < 0
        ? a[row] * s + b[row] * t + (c[row] - level)
        : (a[row] - a[other]) * s + (b[row] - b[other]) * t + (c[row] - level);
    const bound = errorOf(relativeError, m[row] + (other < 0 ? Math.abs(level) : m[other]));
    if (value > bound) return 1;
    if (value < -bound) return -1;
    const line: ExactLine = exact.cut(layer, node, row, other);
    const point = exactPoint(s, t);
    const sign = signOf(line[0] * point[0] + line[1] * point[1] + line[2] * point[2]);
    if (sign !== 0 || direction === undefined) return sign;
    return signOf(line[0]) * direction[0] || signOf(line[1]) * direction[1];
  }

  #child(layer: number, parent: number, own: Int32Array): number | undefined {
    const { packing, parents, words } = this.data.tree.layers[layer];
    const table = this.#tables[layer];
    const size = packing.words;
    let slot = hash(parent, own, 0, size) & (table.length - 1);
    for (; table[slot] !== 0; slot = (slot + 1) & (table.length - 1)) {
      const node = table[slot] - 1;
      let same = parents[node] === parent;
      for (let k = 0; same && k < size; k++) same = words[node * size + k] === own[k];
      if (same) return node;
    }
    return undefined;
  }
}

/** A point of doubles in homogeneous integers. */
function exactPoint(s: number, t: number): ExactPoint {
  const exponent = Math.min(0, commonExponent([s, t]));
  return [toInteger(s, exponent), toInteger(t, exponent), 1n << BigInt(-exponent)];
}

/** FNV-1a over words, finished by a multiplication that brings high bits down. */
function hash(seed: number, words: Int32Array, start: number, count: number): number {
  let h = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  for (let k = 0; k < count; k++) {
    h = Math.imul(h ^ words[start + k], 0x01000193);
    h ^= h >>> 15;
  }
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
