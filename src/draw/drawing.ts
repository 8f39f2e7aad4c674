import type { Shape } from "../array/shape.js";
import type { Graph, GraphNode, Role, ScopeCall } from "../graph/trace.js";

/** What is drawn of a graph: vertices that stand for one node or for a folded call, each within its modules. */
export interface Vertex {
  /** Number in the drawing; the same graph and options give the same numbers. */
  id: number;
  readonly role: Role;
  readonly title: string;
  /** The nodes that it stands for, in order; one unless it is a folded call. */
  readonly members: readonly GraphNode[];
  /** What it shows the shape and value of: the last member whose value is used outside. */
  readonly result: GraphNode;
  /** In operand order; the same vertex twice for x · x. */
  readonly operands: Operand[];
  /** The frames around it, outermost first. */
  path: readonly Frame[];
  /** Labels of module calls that hold this vertex alone and are therefore not framed. */
  caption: string;
  /** The same step in the other copies of a repeated block. */
  copies: Vertex[];
}

/** One edge into a vertex. */
export interface Operand {
  from: Vertex;
  /** The edges of the graph that it stands for: `node.inputs[index]`. */
  readonly edges: readonly { readonly node: GraphNode; readonly index: number }[];
}

/** A box around vertices: one call of a module, or a repeated block. */
export type Frame = ScopeCall | RepeatFrame;

export interface RepeatFrame {
  readonly kind: "repeat";
  readonly label: string;
  readonly count: number;
}

export interface Drawing {
  readonly vertices: readonly Vertex[];
  readonly outputs: readonly Vertex[];
}

export interface FoldOptions {
  readonly composed: "fold" | "unfold";
  readonly modules: "frame" | "fold";
}

/** Folds calls of composed ops (and of innermost modules, if asked) into one vertex each; everything else stays itself. */
export function drawingOf(graph: Graph, options: FoldOptions): Drawing {
  const folded = foldedCalls(graph, options);
  const callOf = (node: GraphNode): ScopeCall | null => node.calls.find((call) => folded.has(call)) ?? null;
  const groups = new Map<ScopeCall, GraphNode[]>();
  const groupOf = new Map<GraphNode, ScopeCall>();
  for (const node of graph.nodes) {
    const call = node.op === null ? null : callOf(node);
    if (call === null) continue;
    groupOf.set(node, call);
    const group = groups.get(call);
    if (group === undefined) groups.set(call, [node]);
    else group.push(node);
  }
  absorbLeaves(graph, groupOf, groups);

  const vertices: Vertex[] = [];
  const vertexOf = new Map<GraphNode, Vertex>();
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) {
    if (vertexOf.has(node)) continue;
    const call = groupOf.get(node);
    const members = call === undefined ? [node] : (groups.get(call) as GraphNode[]);
    // a group appears at the place of its last member, so that everything it reads has come before
    if (node !== members[members.length - 1]) continue;
    const vertex: Vertex = {
      id: vertices.length,
      role: node.role,
      title: call === undefined ? (node.op?.name ?? "") : call.label,
      members,
      result: resultOf(members, users, outputs),
      operands: [],
      path: framesAround(node, call ?? null),
      caption: "",
      copies: [],
    };
    for (const member of members) vertexOf.set(member, vertex);
    addOperands(vertex, vertexOf);
    vertices.push(vertex);
  }
  placeLeaves(vertices);
  captionLonely(vertices);
  return { vertices: inReadingOrder(vertices), outputs: graph.outputs.map((node) => vertexOf.get(node) as Vertex) };
}

/** The calls drawn as one vertex: outermost composed ops; and modules that call no other module, if asked. */
function foldedCalls(graph: Graph, options: FoldOptions): ReadonlySet<ScopeCall> {
  const folded = new Set<ScopeCall>();
  const outer = new Set<ScopeCall>();
  for (const { calls } of graph.nodes) {
    let innermost: ScopeCall | null = null;
    for (const call of calls) {
      if (call.kind !== "module") continue;
      if (innermost !== null) outer.add(innermost);
      innermost = call;
    }
  }
  for (const { calls } of graph.nodes) {
    for (const call of calls) {
      if (call.kind === "composed" ? options.composed === "fold" : options.modules === "fold" && !outer.has(call)) {
        folded.add(call);
        break;
      }
    }
  }
  return folded;
}

/** Constants that only one folded call uses are part of it; so are the parameters of a folded module. */
function absorbLeaves(
  graph: Graph,
  groupOf: Map<GraphNode, ScopeCall>,
  groups: ReadonlyMap<ScopeCall, GraphNode[]>,
): void {
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) {
    if ((node.role !== "constant" && node.role !== "parameter") || outputs.has(node)) continue;
    const calls = new Set((users.get(node) ?? []).map((user) => groupOf.get(user)));
    const [call] = calls;
    if (calls.size !== 1 || call === undefined || (node.role === "parameter" && call.kind !== "module")) continue;
    groupOf.set(node, call);
    groups.get(call)?.push(node);
  }
  // leaves before the ops, each in the graph's order
  for (const group of groups.values())
    group.sort((a, b) => Number(a.op !== null) - Number(b.op !== null) || a.id - b.id);
}

function usersOf(graph: Graph): ReadonlyMap<GraphNode, GraphNode[]> {
  const users = new Map<GraphNode, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const list = users.get(input);
      if (list === undefined) users.set(input, [node]);
      else list.push(node);
    }
  }
  return users;
}

function resultOf(
  members: readonly GraphNode[],
  users: ReadonlyMap<GraphNode, GraphNode[]>,
  outputs: ReadonlySet<GraphNode>,
): GraphNode {
  const last = members[members.length - 1];
  if (members.length === 1) return last;
  const inside = new Set(members);
  for (let i = members.length - 1; i >= 0; i--) {
    const node = members[i];
    if (outputs.has(node) || (users.get(node) ?? []).some((user) => !inside.has(user))) return node;
  }
  return last;
}

function framesAround(node: GraphNode, folded: ScopeCall | null): readonly Frame[] {
  const end = folded === null ? node.calls.length : node.calls.indexOf(folded);
  return node.calls.slice(0, end);
}

/** One operand per input of a single node; one per outside source of a folded call, in the order of their first use. */
function addOperands(vertex: Vertex, vertexOf: ReadonlyMap<GraphNode, Vertex>): void {
  const [first] = vertex.members;
  if (vertex.members.length === 1) {
    first.inputs.forEach((input, index) => {
      vertex.operands.push({ from: vertexOf.get(input) as Vertex, edges: [{ node: first, index }] });
    });
    return;
  }
  const bySource = new Map<Vertex, { node: GraphNode; index: number }[]>();
  for (const node of vertex.members) {
    node.inputs.forEach((input, index) => {
      const from = vertexOf.get(input) as Vertex;
      if (from === vertex) return;
      const edges = bySource.get(from);
      if (edges === undefined) bySource.set(from, [{ node, index }]);
      else edges.push({ node, index });
    });
  }
  for (const [from, edges] of bySource) vertex.operands.push({ from, edges });
}

/** Inputs first, then each operation after the parameters and constants that it is the first to use; renumbered. */
function inReadingOrder(vertices: readonly Vertex[]): readonly Vertex[] {
  const ordered = new Set(vertices.filter(({ role }) => role === "input"));
  for (const vertex of vertices) {
    if (!isOperation(vertex)) continue;
    for (const { from } of vertex.operands) ordered.add(from);
    ordered.add(vertex);
  }
  for (const vertex of vertices) ordered.add(vertex);
  const result = [...ordered];
  result.forEach((vertex, id) => {
    vertex.id = id;
  });
  return result;
}

/** Parameters and constants stand in the innermost frame that holds all who use them. */
function placeLeaves(vertices: readonly Vertex[]): void {
  const paths = new Map<Vertex, readonly Frame[]>();
  for (const vertex of vertices) {
    for (const { from } of vertex.operands) {
      if (from.role !== "parameter" && from.role !== "constant") continue;
      const path = paths.get(from);
      paths.set(from, path === undefined ? vertex.path : commonPath(path, vertex.path));
    }
  }
  for (const [vertex, path] of paths) vertex.path = path;
}

/** What two paths share, from the outside. */
export function commonPath(a: readonly Frame[], b: readonly Frame[]): readonly Frame[] {
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared++;
  return a.slice(0, shared);
}

/** A module's frame around one vertex only becomes the vertex's caption. */
function captionLonely(vertices: readonly Vertex[]): void {
  const inside = new Map<Frame, number>();
  for (const { path } of vertices) for (const frame of path) inside.set(frame, (inside.get(frame) ?? 0) + 1);
  for (const vertex of vertices) {
    let { path } = vertex;
    while (path.length > 0 && inside.get(path[path.length - 1]) === 1) {
      if (vertex.caption === "") vertex.caption = path[path.length - 1].label;
      path = path.slice(0, -1);
    }
    vertex.path = path;
  }
}

export const isOperation = (vertex: Vertex): boolean => vertex.role === "op";

/** Shape and dtype as one text, `float32 [1, 16]`. */
export function typeText(node: { readonly dtype: string; readonly shape: Shape }): string {
  return `${node.dtype} [${node.shape.join(", ")}]`;
}
