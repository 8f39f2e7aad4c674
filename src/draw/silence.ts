import type { Graph, GraphNode } from "../graph/trace.js";
import type { GateReading } from "./gates.js";

/** What inactive gates cut off: through which edges and nodes a small change of the input reaches no output. */
export interface Silence {
  isSilent(node: GraphNode): boolean;
  /** The edge from `node.inputs[index]` to `node`. */
  isSilentEdge(node: GraphNode, index: number): boolean;
}

/**
 * Follows the graph once forwards and once backwards. An edge into a gate is cut when no unit passes it on; a node is
 * silent when each of its ways to the outputs, or each way from the inputs to it, has a cut edge.
 */
export function silenceOf(graph: Graph, readings: ReadonlyMap<GraphNode, GateReading>): Silence {
  const { nodes } = graph;
  const place = new Map(nodes.map((node, i) => [node, i]));
  const passes = (node: GraphNode, index: number): boolean => readings.get(node)?.passes[index] ?? true;
  const sourceRole = graph.inputs.length > 0 ? "input" : "parameter";
  /** Whether it depends on a source at all, and whether it does through no cut edge. */
  const depends = new Uint8Array(nodes.length);
  const carries = new Uint8Array(nodes.length);
  nodes.forEach((node, i) => {
    if (node.role === sourceRole) depends[i] = carries[i] = 1;
    node.inputs.forEach((input, index) => {
      const from = place.get(input) as number;
      if (depends[from] === 1) depends[i] = 1;
      if (carries[from] === 1 && passes(node, index)) carries[i] = 1;
    });
  });
  const reaches = new Uint8Array(nodes.length);
  for (const output of graph.outputs) reaches[place.get(output) as number] = 1;
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (reaches[i] === 0) continue;
    nodes[i].inputs.forEach((input, index) => {
      if (passes(nodes[i], index)) reaches[place.get(input) as number] = 1;
    });
  }
  const frozen = (i: number): boolean => depends[i] === 1 && carries[i] === 0;
  return {
    isSilent: (node) => {
      const i = place.get(node) as number;
      return reaches[i] === 0 || frozen(i);
    },
    isSilentEdge: (node, index) => {
      const i = place.get(node) as number;
      return !passes(node, index) || reaches[i] === 0 || frozen(place.get(node.inputs[index]) as number);
    },
  };
}
