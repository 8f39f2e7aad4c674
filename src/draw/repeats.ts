import { attributeValue } from "../graph/text.js";
import type { GraphNode } from "../graph/trace.js";
import { commonPath, type Drawing, type Frame, isOperation, typeText, type Vertex } from "./drawing.js";

/**
 * Blocks of the same steps one after the other (layers of a deep net, steps of a recurrence, terms of a long sum) are
 * drawn once, framed and marked × n. Two steps are the same when op, attributes, type and the places that their operands
 * come from, counted backwards, are the same: the chain between the copies is then the same, too.
 */

/** Fewer copies than this are drawn one by one. */
const LEAST_COPIES = 3;
/** Steps in the longest block that is looked for. */
const LONGEST_BLOCK = 64;

/** `count` copies of `length` steps, from operation number `start` on. */
interface Run {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/** Folds repeated blocks of a drawing. Operations × 64 comparisons at most, as each run is skipped once it is found. */
export function foldRepeats(drawing: Drawing): Drawing {
  const operations = drawing.vertices.filter(isOperation);
  const place = new Map(operations.map((vertex, i) => [vertex, i]));
  const steps = stepsOf(operations, place);
  const users = usersOf(drawing);
  const replacement = new Map<Vertex, Vertex>();
  let taken = 0;
  for (const found of findRuns(tokensOf(steps), operations)) {
    const longer = withFirst(found, steps, operations, taken);
    const run = [longer, found].find((one) => isChain(one, operations, place, users));
    if (run === undefined) continue;
    foldRun(run, operations, users, replacement);
    taken = run.start + run.length * run.count;
  }
  if (replacement.size === 0) return drawing;
  const kept = drawing.vertices.filter((vertex) => !replacement.has(vertex));
  const outputs = drawing.outputs.map((vertex) => replacement.get(vertex) ?? vertex);
  const read = new Set<Vertex>(outputs);
  for (const vertex of kept) {
    for (const operand of vertex.operands) {
      operand.from = replacement.get(operand.from) ?? operand.from;
      read.add(operand.from);
    }
  }
  // leaves that only folded copies read are gone with them
  const vertices = kept.filter((vertex) => isOperation(vertex) || vertex.role === "input" || read.has(vertex));
  vertices.forEach((vertex, id) => {
    vertex.id = id;
  });
  return { vertices, outputs };
}

/** A step as text, and the places that its operands come from. */
interface Step {
  readonly text: string;
  readonly operands: readonly string[];
}

function stepsOf(operations: readonly Vertex[], place: ReadonlyMap<Vertex, number>): readonly Step[] {
  return operations.map((vertex, i) => {
    const attributes = vertex.members.length > 1 ? vertex.members.length : attributeValue(vertex.result.attrs);
    const operands = vertex.operands.map(({ from }) => {
      const at = place.get(from);
      if (at !== undefined) return `-${i - at}`;
      if (from.role === "input") return `input ${from.id}`;
      const { value } = from.result;
      const number = from.role === "constant" && value.size === 1 ? value.buffer[value.offset] : "";
      return `${from.role} ${typeText(from.result)} ${number}`;
    });
    return { text: `${vertex.title}|${attributes}|${typeText(vertex.result)}`, operands };
  });
}

/** One number per step; equal numbers mean the same step. */
function tokensOf(steps: readonly Step[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(steps, ({ text, operands }) => {
    const key = `${text}|${operands.join("|")}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(key, number);
    }
    return number;
  });
}

/**
 * Adds the block before a run, where it is the same but for what it starts from: the chain's first step reads an input
 * or a constant, where the others read the step before.
 */
function withFirst(run: Run, steps: readonly Step[], operations: readonly Vertex[], taken: number): Run {
  const { start, length, count } = run;
  if (start - length < taken) return run;
  for (let k = 0; k < length; k++) {
    const first = steps[start - length + k];
    const second = steps[start + k];
    if (first.text !== second.text || first.operands.length !== second.operands.length) return run;
    for (const [i, operand] of second.operands.entries()) {
      if (operand === first.operands[i]) continue;
      const fromCopyBefore = operand.startsWith("-") && Number(operand.slice(1)) > k;
      const type = (at: number): string => typeText(operations[at + k].operands[i].from.result);
      if (!fromCopyBefore || type(start - length) !== type(start)) return run;
    }
  }
  return { start: start - length, length, count: count + 1 };
}

/** The runs that cover most, from the left; of equal ones the shortest block. */
function findRuns(tokens: Int32Array, operations: readonly Vertex[]): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < tokens.length; ) {
    let best: Run | null = null;
    let matched = 0;
    for (let length = 1; length <= LONGEST_BLOCK && start + length * LEAST_COPIES <= tokens.length; length++) {
      let same = 0;
      while (start + same + length < tokens.length && tokens[start + same] === tokens[start + same + length]) same++;
      const count = Math.floor(same / length) + 1;
      if (count >= LEAST_COPIES && (best === null || count * length > best.count * best.length)) {
        best = { start, length, count };
        matched = same + length;
      }
    }
    if (best === null) start++;
    else {
      runs.push(aligned(best, matched, operations));
      start += matched;
    }
  }
  return runs;
}

/** Shifts a run, where there is room, so that its blocks begin with a module and end with a non-linearity. */
function aligned(run: Run, matched: number, operations: readonly Vertex[]): Run {
  let best = run.start;
  let bestScore = -1;
  for (let start = run.start; start + run.count * run.length <= run.start + matched; start++) {
    const first = operations[start];
    const last = operations[start + run.length - 1];
    const before = start === 0 ? null : operations[start - 1];
    const begins = before === null || moduleOf(before) !== moduleOf(first);
    const score = (begins ? 1 : 0) + (last.members.some(bends) ? 1 : 0);
    if (score > bestScore) {
      bestScore = score;
      best = start;
    }
  }
  return { ...run, start: best };
}

const bends = ({ op }: GraphNode): boolean => op?.kind === "gate" || op?.kind === "smooth";

const moduleOf = (vertex: Vertex): Frame | string => vertex.path[vertex.path.length - 1] ?? vertex.caption;

/** Whether each copy reads only itself, the one before and what lies outside, and only the last one is read from outside. */
function isChain(
  { start, length, count }: Run,
  operations: readonly Vertex[],
  place: ReadonlyMap<Vertex, number>,
  users: ReadonlyMap<Vertex, readonly (Vertex | null)[]>,
): boolean {
  const end = start + length * count;
  for (let i = start; i < end - length; i++) {
    const copy = Math.floor((i - start) / length);
    for (const user of users.get(operations[i]) ?? []) {
      const at = user === null ? undefined : place.get(user);
      if (at === undefined || Math.floor((at - start) / length) > copy + 1 || at >= end) return false;
    }
  }
  return true;
}

/** Who reads a vertex; null stands for "it is an output". */
function usersOf(drawing: Drawing): ReadonlyMap<Vertex, readonly (Vertex | null)[]> {
  const users = new Map<Vertex, (Vertex | null)[]>();
  const add = (vertex: Vertex, user: Vertex | null): void => {
    const list = users.get(vertex);
    if (list === undefined) users.set(vertex, [user]);
    else list.push(user);
  };
  for (const vertex of drawing.vertices) for (const { from } of vertex.operands) add(from, vertex);
  for (const vertex of drawing.outputs) add(vertex, null);
  return users;
}

function foldRun(
  { start, length, count }: Run,
  operations: readonly Vertex[],
  users: ReadonlyMap<Vertex, readonly (Vertex | null)[]>,
  replacement: Map<Vertex, Vertex>,
): void {
  const block = operations.slice(start, start + length);
  const end = start + length * count;
  const inRun = new Set<Vertex | null>(operations.slice(start, end));
  const replace = (copy: Vertex, first: Vertex): void => {
    if (copy === first || replacement.has(copy)) return;
    replacement.set(copy, first);
    first.copies.push(copy);
  };
  const ownLeaf = (leaf: Vertex): boolean =>
    !isOperation(leaf) && leaf.role !== "input" && (users.get(leaf) ?? []).every((user) => inRun.has(user));
  const leaves = new Set<Vertex>();
  block.forEach((first, k) => {
    first.operands.forEach(({ from }, i) => {
      const leafOf = (copy: number): Vertex => operations[start + copy * length + k].operands[i].from;
      const distinct = new Set(Array.from({ length: count }, (_, copy) => leafOf(copy)));
      if (distinct.size !== count || ![...distinct].every(ownLeaf)) return;
      leaves.add(from);
      for (let copy = 1; copy < count; copy++) replace(leafOf(copy), from);
    });
    for (let copy = 1; copy < count; copy++) replace(operations[start + copy * length + k], first);
  });
  const common = block.map((vertex) => vertex.path).reduce(commonPath);
  const frame: Frame = { kind: "repeat", label: `× ${count}`, count };
  for (const vertex of [...block, ...leaves]) {
    vertex.path = [...common, frame, ...vertex.path.slice(common.length)];
  }
}
