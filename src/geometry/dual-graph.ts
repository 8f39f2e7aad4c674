/** The dual graph of a partition or an enumeration: cells are nodes, facets between two cells are edges. */

import { GeometryError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { shown } from "../base/shown.js";
import { gateCount } from "../pwl/net.js";
import { crossing, EnumeratedCells, requireEnumeration } from "./enumerate/cells.js";
import type { Enumeration } from "./enumerate/enumerate.js";
import { readState } from "./enumerate/neighbours.js";
import { gateOfLine } from "./partition/data.js";
import { Partition } from "./partition/partition.js";

/** Plain data. */
export interface DualGraph {
  readonly nodes: number;
  readonly edges: number;
  /** Edge e joins cells `ends[2e]` < `ends[2e + 1]`. */
  readonly ends: Int32Array;
  /** Per edge, the gate whose crease the facet is, counted through all layers. */
  readonly gates: Int32Array;
}

/**
 * The dual graph of a partition, of an enumeration with neighbours, or of its cells. Of an incomplete one it has the
 * edges among the cells found.
 *
 * @throws GeometryError when neighbours were not wanted, or there are no cells.
 */
export function dualGraph(of: Partition | EnumeratedCells | Enumeration): DualGraph {
  if (of instanceof Partition) return ofPartition(of);
  return ofCells(of instanceof EnumeratedCells ? of : requireEnumeration(of, "dualGraph", ", or pass a partition"));
}

function ofCells(cells: EnumeratedCells): DualGraph {
  if (!cells.want.has("neighbours")) {
    throw new GeometryError('a dual graph needs neighbours: enumerate with want: ["neighbours"]');
  }
  const { facetStarts, facets, neighbours } = cells.arrays;
  const edges = new Edges();
  for (let i = 0; i < cells.length; i++) {
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) {
      if (neighbours[at] <= i) continue; // outside, not found, or listed from the other cell
      const { gate } = crossing(cells.net, cells.layout, cells.pool, facets[at], (one) => readState(cells, i, one));
      edges.add(i, neighbours[at], gate);
    }
  }
  return edges.graph(cells.length);
}

/** Two cells of a partition share one facet, which vertices of other cells may divide into several edges. */
function ofPartition(partition: Partition): DualGraph {
  const { complex, net } = partition;
  const firstGates = [0];
  for (const layer of net.layers) firstGates.push(firstGates[firstGates.length - 1] + gateCount(layer));
  const joined = new Set<number>();
  const edges = new Edges();
  for (let edge = 0; edge < complex.edgeCount; edge++) {
    const [one, other] = [complex.edgeLeft[edge], complex.edgeRight[edge]];
    if (one < 0 || other < 0) continue;
    const pair = Math.min(one, other) * complex.cellCount + Math.max(one, other);
    if (joined.has(pair)) continue;
    joined.add(pair);
    const { layer, unit } = gateOfLine(partition, complex.edgeLine[edge]);
    edges.add(Math.min(one, other), Math.max(one, other), firstGates[layer] + unit);
  }
  return edges.graph(complex.cellCount);
}

class Edges {
  private readonly ends: number[] = [];
  private readonly gates: number[] = [];

  add(lower: number, higher: number, gate: number): void {
    this.ends.push(lower, higher);
    this.gates.push(gate);
  }

  graph(nodes: number): DualGraph {
    const { ends, gates } = this;
    return { nodes, edges: gates.length, ends: Int32Array.from(ends), gates: Int32Array.from(gates) };
  }
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
