import type { Tensor } from "../graph/tensor.js";
import { attributeValue } from "../graph/text.js";
import type { GraphNode } from "../graph/trace.js";
import { isOperation, typeText, type Vertex } from "./drawing.js";
import { plainText } from "./escape.js";

/** The lines of a vertex's label, first the title. */
export function vertexLines(vertex: Vertex, mostValues: number): string[] {
  const { result } = vertex;
  const lines = [plainText(titleOf(vertex))];
  if (isOperation(vertex)) {
    if (vertex.caption !== "") lines.push(plainText(captionOf(vertex)));
    if (result.name !== "") lines.push(plainText(result.name));
    if (vertex.members.length === 1) lines.push(...attributeLines(result));
    else lines.push(...contentLines(vertex));
  }
  if (!isNumber(vertex)) lines.push(typeText(result));
  // The copies of a repeated step have other values than the one that is drawn.
  if (vertex.copies.length === 0 && !isNumber(vertex)) lines.push(...valueLines(result, mostValues));
  return lines;
}

/** A constant of one element is written as its number alone. */
const isNumber = ({ role, result }: Vertex): boolean =>
  role === "constant" && result.value.size === 1 && result.name === "";

function titleOf(vertex: Vertex): string {
  if (isOperation(vertex)) return range([vertex, ...vertex.copies].map(({ title }) => title));
  if (isNumber(vertex)) return formatNumber(elementsOf(vertex.result.value, 1)[0]);
  return range([vertex, ...vertex.copies].map(({ result }) => result.name || result.role));
}

const captionOf = (vertex: Vertex): string => range([vertex, ...vertex.copies].map(({ caption }) => caption));

/** The first and the last of the copies' names, where these differ. */
function range(names: readonly string[]): string {
  const last = names[names.length - 1];
  return names[0] === last ? last : `${names[0]} … ${last}`;
}

function attributeLines({ attrs }: GraphNode): string[] {
  const text = Object.entries(attrs)
    .filter(([, value]) => value !== null && value !== false)
    .map(([name, value]) => `${name}: ${attributeValue(value)}`);
  const lines: string[] = [];
  for (const one of text) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + one.length < 30) lines[lines.length - 1] = `${last}, ${one}`;
    else lines.push(one);
  }
  return lines.map((line) => plainText(line));
}

/** What a folded call is made of: its parameters, or the number of its ops. */
function contentLines({ members }: Vertex): string[] {
  const parameters = members.filter(({ role }) => role === "parameter");
  if (parameters.length > 0) {
    return parameters.map(({ name, shape }) => plainText(`${name || "parameter"} [${shape.join(", ")}]`));
  }
  const ops = members.filter((node) => node.op !== null).length;
  return ops > 1 ? [`${ops} ops`] : attributeLines(members[members.length - 1]);
}

/** Value and gradient, where they have few elements. */
function valueLines({ value, gradient, role }: GraphNode, most: number): string[] {
  const lines: string[] = [];
  if (value.size > 0 && value.size <= most) lines.push(`${role === "op" ? "= " : ""}${valueText(value)}`);
  if (gradient !== null && gradient.size > 0 && gradient.size <= most) lines.push(`gradient ${valueText(gradient)}`);
  return lines;
}

function valueText(tensor: Tensor): string {
  const numbers = elementsOf(tensor, tensor.size).map(formatNumber).join(", ");
  return tensor.ndim === 0 ? numbers : `[${numbers}]`;
}

/** Elements read past `data`, which tells `lower` that user code looked. */
function elementsOf({ buffer, offset }: Tensor, count: number): number[] {
  return Array.from(buffer.subarray(offset, offset + count));
}

/** At most four significant digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    return Math.abs(value) < 1e7 || !Number.isFinite(value) ? String(value) : value.toExponential(3);
  }
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
