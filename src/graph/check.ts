import { formatShape, sameShape } from "../array/shape.js";
import { TraceError } from "../base/errors.js";
import type { Graph, GraphNode } from "./trace.js";

/**
 * What a legal graph is; tests run it after every pass. Nodes stand after their inputs, ids are places, roles fit,
 * shapes and dtypes are those that the op gives for its inputs, inputs and outputs are nodes of the graph.
 * @throws TraceError that lists every violation.
 */
export function checkGraph(graph: Graph): void {
  const problems: string[] = [];
  const place = new Map<GraphNode, number>();
  graph.nodes.forEach((node, i) => {
    const where = `node %${node.id} (${node.op?.name ?? node.role})`;
    if (node.id !== i) problems.push(`${where} stands at place ${i}`);
    if (place.has(node)) problems.push(`${where} is listed twice`);
    for (const input of node.inputs) {
      if (!place.has(input)) problems.push(`${where} uses %${input.id}, which does not come before it`);
    }
    place.set(node, i);
    if ((node.op !== null) !== (node.role === "op")) problems.push(`${where} has role ${node.role}`);
    if (node.op === null && node.inputs.length > 0) problems.push(`${where} has inputs but no op`);
    checkType(node, where, problems);
  });
  for (const [list, nodes] of [
    ["inputs", graph.inputs],
    ["parameters", graph.parameters],
    ["outputs", graph.outputs],
  ] as const) {
    for (const node of nodes) if (!place.has(node)) problems.push(`%${node.id} of ${list} is not in the graph`);
  }
  for (const node of graph.inputs) if (node.role !== "input") problems.push(`input %${node.id} has role ${node.role}`);
  if (problems.length > 0) throw new TraceError(`illegal graph:\n  ${problems.join("\n  ")}`);
}

function checkType(node: GraphNode, where: string, problems: string[]): void {
  if (node.value.dtype !== node.dtype || !sameShape(node.value.shape, node.shape)) {
    problems.push(
      `${where} says ${node.dtype}${formatShape(node.shape)}, its value is ${node.value.dtype}${formatShape(node.value.shape)}`,
    );
  }
  if (node.op?.shape) {
    const shape = node.op.shape(
      node.inputs.map((input) => input.shape),
      node.attrs,
    );
    if (!sameShape(shape, node.shape)) {
      problems.push(`${where} has shape ${formatShape(node.shape)}, its op gives ${formatShape(shape)}`);
    }
  }
}
