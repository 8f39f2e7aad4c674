/** The dual graph of an enumeration: cells are nodes, facets between two cells are edges. */

import { GeometryError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { shown } from "../base/shown.js";
import type { Enumeration } from "./enumerate.js";
import { crossing, EnumeratedCells, requireEnumeration } from "./enumerate-cells.js";
import { readState } from "./enumerate-neighbours.js";

/** Plain data. */
export interface DualGraph {
  readonly nodes: number;
  readonly edges: number;
  /** Edge e joins cells `ends[2e]` < `ends[2e + 1]`. */
  readonly ends: Int32Array;
  /** Per edge, the gate whose crease the facet is. */
  readonly gates: Int32Array;
}

/**
 * The dual graph of an enumeration, or of its cells, with neighbours. Of an incomplete enumeration it has the edges among the cells found.
 *
 * @throws GeometryError when neighbours were not wanted, or there are no cells.
 */
export function dualGraph(of: EnumeratedCells | Enumeration): DualGraph {
  const cells =
    of instanceof EnumeratedCells
      ? of
      : requireEnumeration(of, "dualGraph", "; of a partition's cells take neighbours");
  if (!cells.want.has("neighbours")) {
    throw new GeometryError('a dual graph needs neighbours: enumerate with want: ["neighbours"]');
  }
  const { facetStarts, facets, neighbours } = cells.arrays;
  const ends: number[] = [];
  const gates: number[] = [];
  for (let i = 0; i < cells.length; i++) {
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) {
      if (neighbours[at] <= i) continue; // outside, not found, or listed from the other cell
      ends.push(i, neighbours[at]);
      gates.push(crossing(cells.net, cells.layout, cells.pool, facets[at], (gate) => readState(cells, i, gate)).gate);
    }
  }
  return { nodes: cells.length, edges: gates.length, ends: Int32Array.from(ends), gates: Int32Array.from(gates) };
}

/** How a dual graph is written. */
export interface DualGraphDotOptions {
  /** The text of a cell; its number by default. */
  readonly label?: (cell: number) => string;
  /** The text of an edge; none by default. */
  readonly edgeLabel?: (gate: number) => string;
}

/** A dual graph in Graphviz' language. */
export function dualGraphToDot(graph: DualGraph, options: DualGraphDotOptions = {}): string {
  checkOptions(options, { label: "a function", edgeLabel: "a function" }, "dualGraphToDot");
  if (!(graph?.ends instanceof Int32Array && graph.gates instanceof Int32Array)) {
    throw new GeometryError(`dualGraphToDot: expected what dualGraph gave, got ${shown(graph)}`);
  }
  const { label, edgeLabel } = options;
  const lines = ["graph cells {", "  node [shape=circle];"];
  for (let i = 0; i < graph.nodes; i++)
    lines.push(`  c${i} [label=${quoted(label === undefined ? `${i}` : label(i))}];`);
  for (let e = 0; e < graph.edges; e++) {
    const text = edgeLabel === undefined ? "" : ` [label=${quoted(edgeLabel(graph.gates[e]))}]`;
    lines.push(`  c${graph.ends[2 * e]} -- c${graph.ends[2 * e + 1]}${text};`);
  }
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function quoted(text: unknown): string {
  return `"${String(text).replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}
