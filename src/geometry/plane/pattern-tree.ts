/**
 * The activation patterns of all cells as a tree: a node of layer l is a cell of the first l + 1 gate layers, and its
 * parent the cell of the first l layers that holds it. A node stores the states of its own layer only, packed; a leaf's
 * pattern is the path to the root.
 */

import { type GateLayer, gateCount, type PwlNet } from "../../pwl/net.js";
import { ActivationPattern, packPattern, patternLayout } from "../../pwl/pattern.js";
import { growInts } from "../growable.js";

/** How one layer's states are packed: each gate `width` bits (a power of two), none straddling a word. */
export interface StatePacking {
  readonly gates: number;
  readonly width: number;
  readonly words: number;
}

/** One bit per hinge; for maxima the least power of two of bits that holds the largest winner. */
function statePacking(layer: GateLayer): StatePacking {
  const gates = gateCount(layer);
  let width = 1;
  if (layer.kind === "max") {
    for (let g = 0; g < gates; g++) {
      while (layer.starts[g + 1] - layer.starts[g] - 1 >= 2 ** width) width *= 2;
    }
  }
  return { gates, width, words: Math.ceil((gates * width) / 32) };
}

/** The state of a gate in packed words that begin at `start`. */
export function readState(packing: StatePacking, words: Int32Array, start: number, gate: number): number {
  const bit = gate * packing.width;
  const shifted = words[start + (bit >> 5)] >>> (bit & 31);
  return packing.width === 32 ? shifted : shifted & ((1 << packing.width) - 1);
}

/** Writes the state of a gate whose bits are 0. */
export function writeState(packing: StatePacking, words: Int32Array, start: number, gate: number, state: number): void {
  const bit = gate * packing.width;
  words[start + (bit >> 5)] |= state << (bit & 31);
}

/** The nodes of one layer. */
class TreeLayer {
  count = 0;
  parents: Int32Array = new Int32Array(64);
  words: Int32Array;

  constructor(readonly packing: StatePacking) {
    this.words = new Int32Array(64 * Math.max(1, packing.words));
  }
}

export class PatternTree {
  readonly layers: readonly TreeLayer[];

  constructor(readonly net: PwlNet) {
    this.layers = net.layers.map((layer) => new TreeLayer(statePacking(layer)));
  }

  /** Adds a node with the states in `words` (from 0 on) under node `parent` of the layer before; gives its index. */
  add(layer: number, parent: number, words: Int32Array): number {
    const nodes = this.layers[layer];
    const index = nodes.count++;
    const size = nodes.packing.words;
    if (nodes.count > nodes.parents.length) {
      nodes.parents = growInts(nodes.parents, nodes.count);
      nodes.words = growInts(nodes.words, nodes.parents.length * size);
    }
    nodes.parents[index] = parent;
    for (let k = 0; k < size; k++) nodes.words[index * size + k] = words[k];
    return index;
  }

  /** The ancestor in layer `to` of node `index` of layer `from`; the node itself for to = from. */
  ancestor(from: number, index: number, to: number): number {
    for (let layer = from; layer > to; layer--) index = this.layers[layer].parents[index];
    return index;
  }

  /** The state of a gate at a node of its own layer. */
  state(layer: number, index: number, gate: number): number {
    const { packing, words } = this.layers[layer];
    return readState(packing, words, index * packing.words, gate);
  }

  /** The states of every layer at a leaf, one number per gate. */
  states(leaf: number): Int32Array[] {
    const depth = this.layers.length;
    return this.layers.map(({ packing }, layer) => {
      const index = this.ancestor(depth - 1, leaf, layer);
      return Int32Array.from({ length: packing.gates }, (_, gate) => this.state(layer, index, gate));
    });
  }

  /** The activation pattern of a leaf. */
  pattern(leaf: number): ActivationPattern {
    const layout = patternLayout(this.net);
    return new ActivationPattern(layout, packPattern(layout, this.states(leaf)));
  }

  /** Bytes held. */
  get byteLength(): number {
    return this.layers.reduce((sum, { parents, words }) => sum + parents.byteLength + words.byteLength, 0);
  }
}
