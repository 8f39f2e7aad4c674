/**
 * Linear regions of an enumerated net: cells merged across shared facets wherever their affine maps are exactly equal, and
 * the number of different maps. Doubles tell most maps apart; the rest is compared in integers.
 */

import { GeometryError } from "../../base/errors.js";
import { ExactRows } from "../cell-tree/exact-rows.js";
import { buildPlan } from "../cell-tree/plan.js";
import { type EnumeratedCells, requireEnumeration } from "./cells.js";
import type { Enumeration } from "./enumerate.js";
import { readState } from "./neighbours.js";

/** The pieces of an enumeration. */
export interface EnumeratedPieces {
  readonly length: number;
  /** The piece of every cell; pieces are numbered by their first cell. */
  readonly ofCell: Int32Array;
  /** The number of different affine maps: pieces that do not touch may share one. */
  readonly distinctMaps: number;
}

/**
 * The linear regions of a complete enumeration, whose cells have maps and neighbours. Maps are compared exactly.
 *
 * @throws GeometryError when cells are missing, or maps or neighbours were not wanted.
 */
export function enumeratedPieces(enumeration: Enumeration): EnumeratedPieces {
  requireEnumeration(enumeration, "enumeratedPieces", "; a partition has pieces of its own");
  const { cells, complete, count } = enumeration;
  if (!complete)
    throw new GeometryError("pieces of an incomplete enumeration would be parts of pieces: finish it first");
  if (cells.length !== count || !cells.want.has("map") || !cells.want.has("neighbours")) {
    throw new GeometryError('pieces need cells with maps and neighbours: enumerate with want: ["map", "neighbours"]');
  }
  const comparison = new MapComparison(cells);
  const parents = Int32Array.from({ length: cells.length }, (_, i) => i);
  const find = (cell: number): number => {
    while (parents[cell] !== cell) cell = parents[cell] = parents[parents[cell]];
    return cell;
  };
  const { facetStarts, neighbours } = cells.arrays;
  for (let i = 0; i < cells.length; i++) {
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) {
      if (neighbours[at] <= i) continue; // outside, or met before
      const a = find(i);
      const b = find(neighbours[at]);
      if (a !== b && comparison.same(i, neighbours[at])) parents[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const ofCell = new Int32Array(cells.length);
  const firsts: number[] = [];
  for (let i = 0; i < cells.length; i++) {
    const root = find(i);
    if (root === i) firsts.push(i);
    ofCell[i] = root === i ? firsts.length - 1 : ofCell[root];
  }
  return { length: firsts.length, ofCell, distinctMaps: comparison.distinct(firsts) };
}

/** Compares the output maps of cells. */
class MapComparison {
  /** The first output's value at one point of the box, per cell, and how far it may be off. */
  private readonly values: Float64Array;
  private readonly error: number;
  private readonly states: Int32Array[];
  private readonly maps: ExactRows;
  private readonly epochs: Int32Array;
  private readonly keys = new Map<number, string>();

  constructor(private readonly cells: EnumeratedCells) {
    const { net, arrays, lower, upper } = cells;
    const d = net.inputSize;
    const size = net.output.size * (d + 1);
    this.values = new Float64Array(cells.length);
    // a point with nothing special about it: the golden ratio's multiples along the sides
    const point = lower.map((low, j) => low + (((j + 1) * 0.6180339887498949) % 1) * (upper[j] - low));
    for (let i = 0; i < cells.length; i++) {
      let value = arrays.maps[i * size + d];
      for (let j = 0; j < d; j++) value += arrays.maps[i * size + j] * point[j];
      this.values[i] = value;
    }
    const plan = buildPlan(net, lower, upper);
    this.error = plan.layers[net.layers.length].error[0] ?? Number.POSITIVE_INFINITY;
    this.states = net.layers.map(
      (_, l) => new Int32Array(cells.layout.layerStarts[l + 1] - cells.layout.layerStarts[l]),
    );
    this.maps = new ExactRows(net, this.states);
    this.epochs = new Int32Array(net.layers.length + 1);
  }

  same(i: number, k: number): boolean {
    if (Math.abs(this.values[i] - this.values[k]) > 2 * this.error) return false;
    return this.key(i) === this.key(k);
  }

  /** How many of the given cells' maps are different: only runs of values that may be equal need integers. */
  distinct(chosen: readonly number[]): number {
    const { values, error } = this;
    const sorted = [...chosen].sort((a, b) => values[a] - values[b]);
    let distinct = 0;
    for (let first = 0; first < sorted.length; ) {
      let end = first + 1;
      while (end < sorted.length && values[sorted[end]] - values[sorted[end - 1]] <= 2 * error) end++;
      distinct += end - first === 1 ? 1 : new Set(sorted.slice(first, end).map((i) => this.key(i))).size;
      first = end;
    }
    return distinct;
  }

  /** A cell's output map in integers, as a text. */
  private key(i: number): string {
    const kept = this.keys.get(i);
    if (kept !== undefined) return kept;
    const { cells, states, epochs, maps } = this;
    const { net, layout } = cells;
    let changed = false;
    for (let l = 0; l < states.length; l++) {
      maps.validate(l, epochs[l]);
      for (let unit = 0; unit < states[l].length; unit++) {
        const state = readState(cells, i, layout.layerStarts[l] + unit);
        if (state !== states[l][unit]) changed = true;
        states[l][unit] = state;
      }
      if (changed) epochs[l + 1]++;
    }
    maps.validate(states.length, epochs[states.length]);
    const rows = Array.from({ length: net.output.size }, (_, o) => maps.row(states.length, o).join());
    const key = rows.join(";");
    this.keys.set(i, key);
    return key;
  }
}
