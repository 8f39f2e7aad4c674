/** Writes the cells that a walk visits into arrays that double when full. */

import type { CellTree } from "../cell-tree/cell-tree.js";
import type { HyperplanePool } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import { enlarged } from "../growable.js";
import { requireFinite } from "../overflow.js";
import { type CellArrays, NOT_FOUND, OUTSIDE, type Want } from "./cells.js";
import { CellMeasures } from "./measures.js";

const OVERFLOWN = 'a coefficient of a cell\'s map (leave "map" out of want to find the cells without it)';

/** A collector for one enumeration; `visit` is the walk's visitor. */
export class CellCollector {
  readonly arrays: CellArrays;
  private capacity = 256;
  /** 1 per cell that some gate touches: its neighbours need more than the flip of one gate. */
  touched = new Uint8Array(256);
  readonly dimension: number;
  readonly outputs: number;
  readonly words: number;
  private readonly measures: CellMeasures | undefined;
  private readonly wantMap: boolean;
  private readonly wantWitness: boolean;
  private readonly wantFacets: boolean;
  private readonly wantNeighbours: boolean;

  constructor(
    plan: Plan,
    readonly pool: HyperplanePool,
    private readonly want: ReadonlySet<Want>,
  ) {
    this.dimension = plan.dimension;
    this.outputs = plan.net.output.size;
    this.words = plan.layout.words;
    this.wantMap = want.has("map");
    this.wantWitness = want.has("witness");
    this.wantFacets = want.has("facets");
    this.wantNeighbours = want.has("neighbours");
    const measured = want.has("chebyshev") || want.has("vertices") || want.has("volume");
    this.measures = measured ? new CellMeasures(plan, want) : undefined;
    const { capacity, dimension: d } = this;
    const sized = (wanted: boolean, perCell: number): Float64Array => new Float64Array(wanted ? capacity * perCell : 0);
    this.arrays = {
      length: 0,
      patterns: new Uint32Array(capacity * this.words),
      witnesses: sized(want.has("witness"), d),
      strict: new Uint8Array(want.has("witness") ? capacity : 0),
      maps: sized(want.has("map"), this.outputs * (d + 1)),
      facetStarts: new Uint32Array(want.has("facets") ? capacity + 1 : 1),
      facets: new Int32Array(want.has("facets") ? 8 * capacity : 0),
      neighbours: new Int32Array(want.has("neighbours") ? 8 * capacity : 0),
      balls: sized(want.has("chebyshev"), d + 1),
      vertexStarts: new Uint32Array(want.has("vertices") ? capacity + 1 : 1),
      vertices: sized(want.has("vertices"), 8 * d),
      volumes: sized(want.has("volume"), 1),
      volumeErrors: sized(want.has("volume"), 1),
    };
  }

  /** Adds the walk's current cell. */
  visit(tree: CellTree): void {
    const { arrays, words, dimension: d } = this;
    this.reserve(arrays.length + 1);
    const i = arrays.length++;
    for (let w = 0; w < words; w++) arrays.patterns[i * words + w] = tree.words[w];
    if (this.wantMap) {
      const { rows } = tree.outputMap();
      const size = this.outputs * (d + 1);
      const first = i * size;
      for (let k = 0; k < size; k++) {
        if (!Number.isFinite(rows[k])) requireFinite([rows[k]], OVERFLOWN);
        arrays.maps[first + k] = rows[k];
      }
    }
    const { polytopes } = tree;
    if (this.wantWitness) {
      arrays.strict[i] = polytopes.witness() ? 1 : 0;
      for (let j = 0; j < d; j++) arrays.witnesses[i * d + j] = polytopes.point[j];
    }
    if (this.wantFacets) this.addFacets(tree, i);
    if (this.measures !== undefined) this.addMeasures(tree, i);
  }

  private addFacets(tree: CellTree, i: number): void {
    const { arrays } = this;
    const { polytopes, path } = tree;
    const found = polytopes.facets();
    const { hyperplanes, signs } = polytopes;
    let at = arrays.facetStarts[i];
    this.reserveFacets(at + found);
    const neighbours = this.wantNeighbours;
    for (let f = 0; f < found; f++, at++) {
      const hyperplane = hyperplanes[f];
      const named = path.poolIndex[hyperplane];
      arrays.facets[at] = signs[f] > 0 ? named : -1 - named;
      if (neighbours) arrays.neighbours[at] = hyperplane < path.domainCount ? OUTSIDE : NOT_FOUND;
    }
    arrays.facetStarts[i + 1] = at;
    this.touched[i] = tree.touches > 0 ? 1 : 0;
  }

  private addMeasures(tree: CellTree, i: number): void {
    const { arrays, want, dimension: d } = this;
    const measures = this.measures!;
    measures.read(tree);
    if (want.has("chebyshev")) {
      arrays.balls.set(measures.centre, i * (d + 1));
      arrays.balls[i * (d + 1) + d] = measures.radius;
    }
    if (want.has("vertices")) {
      const { count, ids, pool } = measures.vertices!;
      const first = arrays.vertexStarts[i];
      this.reserveVertices(first + count);
      for (let k = 0; k < count; k++) {
        for (let j = 0; j < d; j++) arrays.vertices[(first + k) * d + j] = pool.x[ids[k] * d + j];
      }
      arrays.vertexStarts[i + 1] = first + count;
    }
    if (want.has("volume")) {
      arrays.volumes[i] = measures.volume;
      arrays.volumeErrors[i] = measures.volumeError;
    }
  }

  /** Makes room for so many facets of all cells. */
  reserveFacets(count: number): void {
    const { arrays } = this;
    if (count <= arrays.facets.length) return;
    const capacity = Math.max(2 * arrays.facets.length, count);
    arrays.facets = enlarged(arrays.facets, new Int32Array(capacity));
    if (this.wantNeighbours) arrays.neighbours = enlarged(arrays.neighbours, new Int32Array(capacity));
  }

  /** Makes room for so many vertices of all cells. */
  reserveVertices(count: number): void {
    const { arrays, dimension: d } = this;
    if (count * d <= arrays.vertices.length) return;
    const capacity = Math.max(2 * arrays.vertices.length, count * d);
    arrays.vertices = enlarged(arrays.vertices, new Float64Array(capacity));
  }

  /** Makes room for so many cells. */
  reserve(cells: number): void {
    if (cells <= this.capacity) return;
    const { arrays, dimension: d, words, want, outputs } = this;
    this.capacity = Math.max(2 * this.capacity, cells);
    const { capacity } = this;
    arrays.patterns = enlarged(arrays.patterns, new Uint32Array(capacity * words));
    if (want.has("witness")) {
      arrays.witnesses = enlarged(arrays.witnesses, new Float64Array(capacity * d));
      arrays.strict = enlarged(arrays.strict, new Uint8Array(capacity));
    }
    if (want.has("map")) arrays.maps = enlarged(arrays.maps, new Float64Array(capacity * outputs * (d + 1)));
    if (want.has("facets")) {
      arrays.facetStarts = enlarged(arrays.facetStarts, new Uint32Array(capacity + 1));
      this.touched = enlarged(this.touched, new Uint8Array(capacity));
    }
    if (want.has("chebyshev")) arrays.balls = enlarged(arrays.balls, new Float64Array(capacity * (d + 1)));
    if (want.has("vertices")) arrays.vertexStarts = enlarged(arrays.vertexStarts, new Uint32Array(capacity + 1));
    if (want.has("volume")) {
      arrays.volumes = enlarged(arrays.volumes, new Float64Array(capacity));
      arrays.volumeErrors = enlarged(arrays.volumeErrors, new Float64Array(capacity));
    }
  }
}
