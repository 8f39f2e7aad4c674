import { formatShape } from "../array/shape.js";
import type { Graph, GraphNode } from "./trace.js";

/** One line per node, for people and for tests: the same graph gives the same bytes. */
export function* graphLines(graph: Graph): Generator<string> {
  const outputs = new Map<GraphNode, number[]>();
  graph.outputs.forEach((node, i) => {
    outputs.set(node, [...(outputs.get(node) ?? []), i]);
  });
  for (const node of graph.nodes) {
    const places = outputs.get(node);
    yield nodeLine(node) + (places === undefined ? "" : `  → output ${places.join(", ")}`);
  }
}

/** The whole text form; for very large graphs iterate over `graphLines`. */
export function graphText(graph: Graph): string {
  return `${[...graphLines(graph)].join("\n")}\n`;
}

function nodeLine(node: GraphNode): string {
  const type = `${node.dtype}${formatShape(node.shape)}`;
  const name = node.name === "" ? "" : ` ${JSON.stringify(node.name)}`;
  const scope = node.scope.length === 0 ? "" : `  # ${node.scope.join(" / ")}`;
  if (node.op === null) {
    const value = node.role === "constant" && node.value.size === 1 ? ` = ${node.value.buffer[node.value.offset]}` : "";
    return `%${node.id} ${node.role}${name}${value} : ${type}`;
  }
  const inputs = node.inputs.map((input) => `%${input.id}`).join(", ");
  return `%${node.id} = ${node.op.name}(${inputs}${attributeText(node)})${name} : ${type}${scope}`;
}

function attributeText(node: GraphNode): string {
  return Object.entries(node.attrs)
    .map(([key, value]) => `, ${key}: ${attributeValue(value)}`)
    .join("");
}

/** An attribute as text: compact, and faithful for infinities. */
export function attributeValue(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(attributeValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, one]) => `${key}: ${attributeValue(one)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value) ?? String(value);
}
