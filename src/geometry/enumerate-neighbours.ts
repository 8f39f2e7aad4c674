/**
 * Which cell lies across each facet. Cells meet facet to facet, and across a facet only gates that are zero on all of it
 * change state: normally the facet's own gate alone, and the neighbour is found by its pattern. Where other gates touch
 * the cell, the neighbour's pattern is worked out in integers, layer by layer.
 */

import { meetsAcross } from "./enumerate-across.js";
import { crossing, type EnumeratedCells, NOT_FOUND, OUTSIDE } from "./enumerate-cells.js";

/** Cells by pattern: open addressing over the packed words. */
export class PatternIndex {
  private readonly slots: Int32Array;
  private readonly mask: number;

  constructor(
    private readonly patterns: Uint32Array,
    private readonly words: number,
    count: number,
  ) {
    let size = 16;
    while (size < 2 * count) size *= 2;
    this.slots = new Int32Array(size).fill(-1);
    this.mask = size - 1;
    for (let i = 0; i < count; i++) {
      let slot = hash(patterns, i * words, words) & this.mask;
      while (this.slots[slot] >= 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = i;
    }
  }

  /** The cell with these words, or -1. */
  find(wanted: Uint32Array): number {
    const { words, patterns, slots, mask } = this;
    let slot = hash(wanted, 0, words) & mask;
    for (;;) {
      const i = slots[slot];
      if (i < 0) return -1;
      let w = 0;
      while (w < words && patterns[i * words + w] === wanted[w]) w++;
      if (w === words) return i;
      slot = (slot + 1) & mask;
    }
  }
}

function hash(from: Uint32Array, first: number, words: number): number {
  let h = 0x9e3779b9;
  for (let w = 0; w < words; w++) {
    h = Math.imul(h ^ from[first + w], 0x85ebca6b);
    h ^= h >>> 15;
  }
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Fills `neighbours` of cells whose facets are known. `touched[i]` is 1 where flipping one gate may not be enough. */
export function findNeighbours(cells: EnumeratedCells, touched: Uint8Array): void {
  const { arrays, layout, net, pool } = cells;
  const { words } = layout;
  const index = new PatternIndex(arrays.patterns, words, arrays.length);
  const wanted = new Uint32Array(words);
  const { facetStarts, facets, neighbours } = arrays;
  const onlyHinges = net.layers.every(({ kind }) => kind === "hinge");
  for (let i = 0; i < arrays.length; i++) {
    const first = i * words;
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) {
      if (neighbours[at] === OUTSIDE) continue;
      if (touched[i] === 1) {
        const found = index.find(meetsAcross(cells, i, facets[at]));
        neighbours[at] = found < 0 ? NOT_FOUND : found;
        continue;
      }
      for (let w = 0; w < words; w++) wanted[w] = arrays.patterns[first + w];
      const code = facets[at];
      if (onlyHinges) {
        const h = code < 0 ? -1 - code : code;
        const gate = layout.layerStarts[pool.layer[h]] + pool.unit[h];
        wanted[gate >> 5] ^= 1 << (gate & 31);
      } else {
        const { gate, state } = crossing(net, layout, pool, code, (g) => readState(cells, i, g));
        const bit = layout.offsets[gate];
        wanted[bit >> 5] ^= (readState(cells, i, gate) ^ state) << (bit & 31);
      }
      const found = index.find(wanted);
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
