/** The cells that an enumeration found, as structs of arrays with a readable view per cell. */

import { GeometryError } from "../../base/errors.js";
import { checkIndex } from "../../base/options.js";
import { counted, INSPECT, listed, printing, shortList, shortNumber, shown } from "../../base/shown.js";
import type { PwlNet } from "../../pwl/net.js";
import { ActivationPattern, gatePosition, type PatternLayout } from "../../pwl/pattern.js";
import { DOMAIN, type HyperplanePool } from "../cell-tree/path.js";

/** A neighbour that is the world outside the domain. */
export const OUTSIDE = -1;
/** A neighbour that is not among the cells found, because the enumeration was not complete. */
export const NOT_FOUND = -2;

/** One facet of a cell. */
export interface Facet {
  /** Whose crease it is; undefined on the boundary of the domain. */
  readonly gate: { readonly gate: number; readonly layer: number; readonly unit: number } | undefined;
  /** On the boundary of the domain: 2j and 2j + 1 for the lower and upper side of the box, then the half-spaces. */
  readonly boundary: number | undefined;
  /** The gate's state on the other side. */
  readonly otherState: number | undefined;
  /** The cell's side is `normal · x <= offset`. */
  readonly normal: Float64Array;
  readonly offset: number;
  /** The index of the cell across, `OUTSIDE` or `NOT_FOUND`; undefined if neighbours were not wanted. */
  readonly neighbour: number | undefined;
}

/** One cell. What was not wanted is undefined. */
export interface EnumeratedCell {
  readonly index: number;
  readonly pattern: ActivationPattern;
  /** A point inside. */
  readonly witness: Float64Array | undefined;
  /** Whether the witness is proven to lie strictly inside; false where the cell is too thin for doubles. */
  readonly strict: boolean | undefined;
  /**
   * The output there is `A x + b`. A is outputs × inputs in one flat array, row by row, not a Tensor as that of `linearize`
   * and no rows of arrays: output k's coefficient of input j is `A[k * inputs + j]`, and `A[k][j]` is undefined.
   */
  readonly A: Float64Array | undefined;
  readonly b: Float64Array | undefined;
  readonly facets: readonly Facet[] | undefined;
  /** The largest inscribed ball. */
  readonly ball: { readonly centre: Float64Array; readonly radius: number } | undefined;
  /** One row per vertex. */
  readonly vertices: readonly Float64Array[] | undefined;
  /**
   * From the vertices in up to 7 dimensions, and beyond where they are known: exact up to rounding, and `volumeError` bounds
   * that. Else an estimate from some thousand directions: unbiased, and `volumeError` is one standard error.
   */
  readonly volume: number | undefined;
  readonly volumeError: number | undefined;
}

/** Gives a cell its text. */
export const printsAsCell = printing((cell: EnumeratedCell): string => {
  const { pattern, witness, strict, A, b, facets, ball, vertices, volume } = cell;
  const parts = [`pattern ${pattern.summary()}`];
  if (witness !== undefined) parts.push(`${strict ? "witness" : "rounded witness"} ${shortList(witness, 4)}`);
  if (A !== undefined && b !== undefined) {
    const inputs = A.length / b.length;
    const rows = Array.from({ length: Math.min(b.length, 3) }, (_, k) =>
      shortList(A.subarray(k * inputs, (k + 1) * inputs), 4),
    );
    parts.push(`A [${rows.join(", ")}${b.length > 3 ? ", …" : ""}]`, `b ${shortList(b, 4)}`);
  }
  if (facets !== undefined) parts.push(counted(facets.length, "facet"));
  if (ball !== undefined) parts.push(`inscribed ball of radius ${shortNumber(ball.radius)}`);
  if (vertices !== undefined) parts.push(`${vertices.length} vertices`);
  if (volume !== undefined) parts.push(`volume ${shortNumber(volume)}`);
  return `EnumeratedCell ${cell.index} { ${parts.join(", ")} }`;
});

/** The arrays behind `EnumeratedCells`; what was not wanted is empty. */
export interface CellArrays {
  length: number;
  /** `layout.words` words per cell. */
  patterns: Uint32Array;
  /** d numbers per cell. */
  witnesses: Float64Array;
  strict: Uint8Array;
  /** outputs × (d + 1) numbers per cell: coefficients, then the constant. */
  maps: Float64Array;
  /** Facets of cell i are entries `facetStarts[i]` to `facetStarts[i + 1]`. */
  facetStarts: Uint32Array;
  /** A hyperplane of the pool, h: the cell is on its positive side; -1 - h: on its negative side. */
  facets: Int32Array;
  /** Per facet, the cell across; OUTSIDE or NOT_FOUND. */
  neighbours: Int32Array;
  /** d + 1 numbers per cell: centre and radius. */
  balls: Float64Array;
  /** Vertices of cell i are rows `vertexStarts[i]` to `vertexStarts[i + 1]`, d numbers each. */
  vertexStarts: Uint32Array;
  vertices: Float64Array;
  volumes: Float64Array;
  volumeErrors: Float64Array;
}

/** What may be asked per cell. */
export type Want = "witness" | "map" | "facets" | "neighbours" | "chebyshev" | "vertices" | "volume";

/** Cells of one enumeration. */
export class EnumeratedCells {
  constructor(
    readonly net: PwlNet,
    readonly layout: PatternLayout,
    /** The arrays themselves, for those who want no object per cell. */
    readonly arrays: CellArrays,
    /** The hyperplanes that facets refer to. */
    readonly pool: HyperplanePool,
    readonly want: ReadonlySet<Want>,
    /** The box of the domain. */
    readonly lower: Float64Array,
    readonly upper: Float64Array,
  ) {}

  get length(): number {
    return this.arrays.length;
  }

  /** The packed pattern of cell i, a view; i is not checked. */
  words(i: number): Uint32Array {
    const { words } = this.layout;
    return this.arrays.patterns.subarray(i * words, (i + 1) * words);
  }

  /** Cell number i as an object, from 0 to length - 1; AxisError outside. */
  at(i: number): EnumeratedCell {
    checkIndex(i, this.length, "cell");
    const { arrays, want } = this;
    const d = this.net.inputSize;
    const outputs = this.net.output.size;
    const map = want.has("map") ? arrays.maps.subarray(i * outputs * (d + 1), (i + 1) * outputs * (d + 1)) : undefined;
    const pattern = new ActivationPattern(this.layout, this.words(i));
    return printsAsCell({
      index: i,
      pattern,
      witness: want.has("witness") ? arrays.witnesses.subarray(i * d, (i + 1) * d) : undefined,
      strict: want.has("witness") ? arrays.strict[i] === 1 : undefined,
      A: map?.filter((_, at) => at % (d + 1) < d),
      b: map?.filter((_, at) => at % (d + 1) === d),
      facets: want.has("facets") ? this.facetsOf(i, pattern) : undefined,
      ball: want.has("chebyshev")
        ? {
            centre: arrays.balls.subarray(i * (d + 1), i * (d + 1) + d),
            radius: arrays.balls[i * (d + 1) + d],
          }
        : undefined,
      vertices: want.has("vertices")
        ? Array.from({ length: arrays.vertexStarts[i + 1] - arrays.vertexStarts[i] }, (_, v) =>
            arrays.vertices.subarray((arrays.vertexStarts[i] + v) * d, (arrays.vertexStarts[i] + v + 1) * d),
          )
        : undefined,
      volume: want.has("volume") ? arrays.volumes[i] : undefined,
      volumeError: want.has("volume") ? arrays.volumeErrors[i] : undefined,
    });
  }

  private facetsOf(i: number, pattern: ActivationPattern): Facet[] {
    const { facetStarts } = this.arrays;
    const facets: Facet[] = [];
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) facets.push(this.facetAt(at, pattern));
    return facets;
  }

  private facetAt(at: number, pattern: ActivationPattern): Facet {
    const { arrays, pool, layout, net } = this;
    const d = net.inputSize;
    const code = arrays.facets[at];
    const h = code < 0 ? -1 - code : code;
    const sign = code < 0 ? 1 : -1; // inside, the function is positive: -a·x <= b
    const first = h * (d + 1);
    const normal = pool.rows.slice(first, first + d);
    for (let j = 0; j < d; j++) normal[j] *= sign;
    const neighbour = this.want.has("neighbours") ? arrays.neighbours[at] : undefined;
    const offset = -sign * pool.rows[first + d];
    const layer = pool.layer[h];
    if (layer === DOMAIN) {
      return { gate: undefined, boundary: pool.unit[h], otherState: undefined, normal, offset, neighbour };
    }
    const { gate, state } = crossing(net, layout, pool, code, (g) => pattern.at(g));
    return {
      gate: { gate, ...gatePosition(layout, gate) },
      boundary: undefined,
      otherState: state,
      normal,
      offset,
      neighbour,
    };
  }

  toString(): string {
    const of = counted(this.net.inputSize, "dimension");
    const known = this.want.size === 0 ? "" : `, with ${[...this.want].join(", ")}`;
    return `EnumeratedCells { ${listed(this.length, "cell")}, in ${of}${known} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  *[Symbol.iterator](): IterableIterator<EnumeratedCell> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

/** The gate that changes state across a facet, and its state on the other side. */
export function crossing(
  net: PwlNet,
  layout: PatternLayout,
  pool: HyperplanePool,
  code: number,
  stateOf: (gate: number) => number,
): { gate: number; state: number } {
  const h = code < 0 ? -1 - code : code;
  const layer = pool.layer[h];
  const gates = net.layers[layer];
  if (gates.kind === "hinge") {
    const gate = layout.layerStarts[layer] + pool.unit[h];
    return { gate, state: 1 - stateOf(gate) };
  }
  // the function is argument `unit` minus argument `other`, of one group
  const loser = code < 0 ? pool.unit[h] : pool.other[h];
  let group = 0;
  while (gates.starts[group + 1] <= loser) group++;
  return { gate: layout.layerStarts[layer] + group, state: loser - gates.starts[group] };
}

/** The cells of an enumeration; raises where `given` is none: a partition, a promise, its cells alone. */
export function requireEnumeration(given: unknown, where: string, more = ""): EnumeratedCells {
  const cells = (given as { readonly cells?: unknown } | null | undefined)?.cells;
  if (cells instanceof EnumeratedCells) return cells;
  const hint =
    given instanceof Promise
      ? ": await it first"
      : given instanceof EnumeratedCells
        ? ": pass the enumeration that has them"
        : "";
  throw new GeometryError(`${where}: expected what enumerate gave, got ${shown(given)}${hint}${more}`);
}
