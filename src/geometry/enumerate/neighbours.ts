/**
 * Which cell lies across each facet. Cells meet facet to facet, and across a facet only gates that are zero on all of it
 * change state: normally the facet's own gate alone, and the neighbour is found by its pattern. Where other gates touch
 * the cell, the neighbour's pattern is worked out in integers, layer by layer.
 */

import { meetsAcross } from "./across.js";
import { crossing, type EnumeratedCells, NOT_FOUND, OUTSIDE } from "./cells.js";

/** Cells by pattern: open addressing over the packed words, under hashes that one flipped bit updates. */
class PatternIndex {
  private readonly slots: Int32Array;
  private readonly mask: number;
  /** Per bit of a pattern, what it contributes to the hash (exclusive or). */
  private readonly shares: Int32Array;
  private readonly hashes: Int32Array;

  constructor(
    private readonly patterns: Uint32Array,
    private readonly words: number,
    count: number,
  ) {
    let size = 16;
    while (size < 2 * count) size *= 2;
    this.slots = new Int32Array(size).fill(-1);
    this.mask = size - 1;
    this.shares = Int32Array.from({ length: 32 * words }, (_, bit) => mix(bit + 1));
    this.hashes = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const hash = this.hashOf(patterns, i * words);
      this.hashes[i] = hash;
      let slot = hash & this.mask;
      while (this.slots[slot] >= 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = i;
    }
  }

  private hashOf(from: Uint32Array, first: number): number {
    let hash = 0;
    for (let w = 0; w < this.words; w++) {
      for (let bits = from[first + w] | 0; bits !== 0; bits &= bits - 1) {
        hash ^= this.shares[32 * w + 31 - Math.clz32(bits & -bits)];
      }
    }
    return hash;
  }

  /** The cell with these words, or -1. */
  find(wanted: Uint32Array): number {
    const { words, patterns, slots, mask } = this;
    for (let slot = this.hashOf(wanted, 0) & mask; ; slot = (slot + 1) & mask) {
      const i = slots[slot];
      if (i < 0) return -1;
      let w = 0;
      while (w < words && patterns[i * words + w] === wanted[w]) w++;
      if (w === words) return i;
    }
  }

  /** The cell whose pattern is that of cell i but for one bit, or -1. */
  findFlipped(i: number, bit: number): number {
    const { words, patterns, slots, mask, hashes } = this;
    const hash = hashes[i] ^ this.shares[bit];
    const word = bit >> 5;
    const flip = 1 << (bit & 31);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const k = slots[slot];
      if (k < 0) return -1;
      if (hashes[k] !== hash) continue;
      let w = 0;
      while (w < words && (patterns[k * words + w] ^ patterns[i * words + w]) === (w === word ? flip : 0)) w++;
      if (w === words) return k;
    }
  }
}

/** A well-mixed 32-bit word of a small number (the finalizer of MurmurHash3). */
function mix(x: number): number {
  let h = Math.imul(x, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Fills `neighbours` of cells whose facets are known. `touched[i]` is 1 where flipping one gate may not be enough. */
export function findNeighbours(cells: EnumeratedCells, touched: Uint8Array): void {
  const { arrays, layout, net, pool } = cells;
  const { words } = layout;
  const { facetStarts, facets, neighbours } = arrays;
  const index = new PatternIndex(arrays.patterns, words, arrays.length);
  const onlyHinges = net.layers.every(({ kind }) => kind === "hinge");
  // in a net of hinges alone, gate g is bit g: per hyperplane of the pool, its gate
  const gates = new Int32Array(onlyHinges ? pool.count : 0);
  for (let h = 0; h < gates.length; h++) {
    gates[h] = pool.layer[h] < 0 ? -1 : layout.layerStarts[pool.layer[h]] + pool.unit[h];
  }
  const wanted = new Uint32Array(words);
  for (let i = 0; i < arrays.length; i++) {
    const end = facetStarts[i + 1];
    for (let at = facetStarts[i]; at < end; at++) {
      if (neighbours[at] === OUTSIDE) continue;
      const code = facets[at];
      let found: number;
      if (touched[i] === 1) {
        found = index.find(meetsAcross(cells, i, code));
      } else if (onlyHinges) {
        found = index.findFlipped(i, gates[code < 0 ? -1 - code : code]);
      } else {
        const { gate, state } = crossing(net, layout, pool, code, (g) => readState(cells, i, g));
        wanted.set(cells.words(i));
        const bit = layout.offsets[gate];
        wanted[bit >> 5] ^= (readState(cells, i, gate) ^ state) << (bit & 31);
        found = index.find(wanted);
      }
      neighbours[at] = found < 0 ? NOT_FOUND : found;
    }
  }
}

/** The state of a gate in cell i. */
export function readState({ arrays, layout }: EnumeratedCells, i: number, gate: number): number {
  const bit = layout.offsets[gate];
  const width = layout.widths[gate];
  return width === 0 ? 0 : (arrays.patterns[i * layout.words + (bit >> 5)] >>> (bit & 31)) & (2 ** width - 1);
}
