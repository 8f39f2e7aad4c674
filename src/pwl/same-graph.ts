/** Whether a function does the same on another run: the same ops, wired alike, on the same constants. */

import type { DataArray } from "../array/dtype.js";
import { isInNursery } from "../array/nursery.js";
import { sameShape } from "../array/shape.js";
import { copyOf } from "../graph/new-tensor.js";
import type { Tensor } from "../graph/tensor.js";
import type { Graph, GraphNode } from "../graph/trace.js";

/** A constant's values as they were when the graph was traced; a parameter may be assigned others later. */
interface Snapshot {
  readonly buffer: DataArray;
  readonly offset: number;
  readonly written: number;
}

/** How another run differs, and at which node. */
export interface GraphDifference {
  readonly what: string;
  readonly node: GraphNode | null;
}

/** What a function did on one run, to compare other runs with. */
export class GraphRecord {
  readonly #snapshots = new Map<GraphNode, Snapshot>();

  constructor(readonly graph: Graph) {
    for (const node of graph.nodes) {
      if (isConstant(node)) this.#snapshots.set(node, snapshotOf(node.value));
    }
  }

  /** The first difference of another run, or null: what is random, reads its input behind the trace, or has changed. */
  difference(other: Graph): GraphDifference | null {
    const [nodes, others] = [this.graph.nodes, other.nodes];
    for (let i = 0; i < Math.max(nodes.length, others.length); i++) {
      const what = this.#differenceAt(nodes[i], others[i]);
      if (what === null) continue;
      const node = nodes[i] ?? others[i];
      // a constant has no line of its own: its reader's
      const reader = node.op === null ? nodes.find(({ inputs }) => inputs.includes(node)) : node;
      return { what, node: reader ?? null };
    }
    return null;
  }

  #differenceAt(a: GraphNode | undefined, b: GraphNode | undefined): string | null {
    if (a === undefined || b === undefined) return "one has more steps than the other";
    if (a.op !== b.op || a.role !== b.role) return `step ${a.id} is ${nameOf(a)} in one and ${nameOf(b)} in the other`;
    const isWired = a.inputs.length === b.inputs.length && a.inputs.every((input, k) => input.id === b.inputs[k].id);
    if (!isWired || !sameShape(a.shape, b.shape) || a.dtype !== b.dtype) {
      return `step ${a.id}, ${nameOf(a)}, has other inputs or another shape`;
    }
    if (!isSame(a.attrs, b.attrs)) return `step ${a.id}, ${nameOf(a)}, has other options`;
    const snapshot = this.#snapshots.get(a);
    if (snapshot !== undefined && !holds(b, snapshot)) return `a ${a.role} has other values`;
    return null;
  }
}

/** Values stay where they are, but for those in the nursery. */
function snapshotOf(value: Tensor): Snapshot {
  const { buffer, offset, written } = value;
  return isInNursery(buffer) ? { buffer: copyOf(value), offset: 0, written } : { buffer, offset, written };
}

const nameOf = (node: GraphNode): string => node.op?.name ?? node.role;

const isConstant = (node: GraphNode): boolean => node.op === null && node.role !== "input";

/** Whether a node's value is what the snapshot holds. */
function holds({ value }: GraphNode, { buffer, offset, written }: Snapshot): boolean {
  if (value.buffer === buffer && value.offset === offset) return value.written === written;
  for (let i = 0; i < value.size; i++) {
    if (!Object.is(value.buffer[value.offset + i], buffer[offset + i])) return false;
  }
  return true;
}

/** Whether two plain values are equal, at any depth. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
