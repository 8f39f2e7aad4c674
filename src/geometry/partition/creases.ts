/** The creases of a partition: where a gate changes its state, as polylines through the complex's vertices. */

import { forEachDifference, type Gate, type PartitionData, requireGate } from "./data.js";

/** The crease of one gate inside the box. */
export interface Crease extends Gate {
  /** Polylines as numbers of vertices in the complex; closed ones repeat their first. In one dimension one vertex each. */
  readonly polylines: readonly Int32Array[];
  /** The same as coordinates: s, t, s, t, ...; in one dimension s of each point. */
  readonly coordinates: readonly Float64Array[];
}

const caches = new WeakMap<PartitionData, Map<string, number[]>>();

/** The edges on which each gate changes, by "layer/unit": edges between two found cells that differ in it. */
function edgesByGate(data: PartitionData): Map<string, number[]> {
  let known = caches.get(data);
  if (known === undefined) {
    const edges = (known = new Map<string, number[]>());
    const { edgeLeft, edgeRight, edgeCount } = data.complex;
    for (let edge = 0; edge < edgeCount; edge++) {
      if (edgeLeft[edge] < 0 || edgeRight[edge] < 0) continue;
      forEachDifference(data, edgeLeft[edge], edgeRight[edge], (layer, unit) => {
        const key = `${layer}/${unit}`;
        const list = edges.get(key);
        if (list === undefined) edges.set(key, [edge]);
        else list.push(edge);
      });
    }
    caches.set(data, known);
  }
  return known;
}

/** The crease of one gate; no polylines if it has none in the box. */
export function crease(data: PartitionData, gate: Gate): Crease {
  requireGate(data, gate);
  const { layer, unit } = gate;
  const edges = edgesByGate(data).get(`${layer}/${unit}`) ?? [];
  const { complex, slice } = data;
  const polylines =
    slice.dimension === 1 ? edges.map((edge) => Int32Array.of(complex.edgeFrom[edge])) : chain(data, edges);
  const coordinates = polylines.map((vertices) =>
    Float64Array.from(
      Array.from(vertices, (v) => [complex.vertexS[v], complex.vertexT[v]].slice(0, slice.dimension)).flat(),
    ),
  );
  return { layer, unit, polylines, coordinates };
}

/** All creases that are not empty, in the net's order. */
export function creases(data: PartitionData): Crease[] {
  const gates = [...edgesByGate(data).keys()].map((key): Gate => {
    const [layer, unit] = key.split("/").map(Number);
    return { layer, unit };
  });
  gates.sort((p, q) => p.layer - q.layer || p.unit - q.unit);
  return gates.map((gate) => crease(data, gate));
}

/** Edges joined at every vertex where exactly two of them meet. */
function chain({ complex }: PartitionData, edges: readonly number[]): Int32Array[] {
  const { edgeFrom, edgeTo } = complex;
  const at = new Map<number, number[]>();
  for (const edge of edges) {
    for (const vertex of [edgeFrom[edge], edgeTo[edge]]) {
      const list = at.get(vertex);
      if (list === undefined) at.set(vertex, [edge]);
      else list.push(edge);
    }
  }
  const used = new Set<number>();
  const polylines: Int32Array[] = [];
  const follow = (first: number, edge: number | undefined) => {
    const vertices = [first];
    let vertex = first;
    while (edge !== undefined) {
      used.add(edge);
      vertex = edgeFrom[edge] === vertex ? edgeTo[edge] : edgeFrom[edge];
      vertices.push(vertex);
      const here = at.get(vertex)!;
      edge = here.length === 2 ? here.find((other) => !used.has(other)) : undefined;
    }
    polylines.push(Int32Array.from(vertices));
  };
  // open polylines from their ends and junctions first; what is left is closed
  for (const [vertex, here] of at) {
    if (here.length !== 2) for (const edge of here) if (!used.has(edge)) follow(vertex, edge);
  }
  for (const edge of edges) if (!used.has(edge)) follow(edgeFrom[edge], edge);
  return polylines;
}
