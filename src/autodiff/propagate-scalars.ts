import type { Op } from "../graph/making.js";
import { scalarTensor } from "../graph/new-tensor.js";
import type { Tensor } from "../graph/tensor.js";
import { elementwiseRule } from "./elementwise-rule.js";
import { checkUnwritten, released, slots } from "./recorded.js";

/**
 * Reverse mode where every value is one number: gradients are numbers too, rounded as tensors of their dtype would be,
 * and added up in the same order.
 *
 * With tens of thousands of nodes a walk waits for memory and for little else. So each node is visited once: what its
 * gradients need is copied into flat arrays, and the gradients then flow along those.
 */

/** What becomes of a gradient on its way along an edge: it passes, is multiplied, or the rule is run. */
const PASSES = 0;
const FACTOR = 1;
const RULE = 2;
/** Added where gradients are rounded to float32. */
const SINGLE = 4;
/** Without a rule there is no edge. */
const NONE = 8;

/** What one making means for the edges to the first input, the second, and so on. */
interface Plan {
  readonly codes: number[];
  /** For a FACTOR the number of the input that it is, -1 for the output. */
  readonly factors: number[];
}

/** Runs what is no expression: a rule that a user wrote. */
export type RunRule = (node: Tensor, gradient: number, index: number) => number;
export type RunHooks = (node: Tensor, gradient: number) => number;
export type Collect = (leaf: Tensor, gradient: Tensor) => void;

/** Arrays of more nodes than this, 14 MB, are not kept for the next walk. */
const KEPT_NODES = 262_144;

/** Of each node: the range of its edges, its place among `kept` counted from 1, or 0, edges to it, its gradient. */
let nodeRoom = 0;
let nodeCount = 0;
let edgesFrom = new Int32Array(0);
let edgesTo = new Int32Array(0);
let keptAt = new Int32Array(0);
let waiting = new Int32Array(0);
let ready = new Int32Array(0);
let adjoints = new Float64Array(0);

/** Of each edge: the node that it leads to, what happens on it, and the factor, or the number of the input. */
let edgeRoom = 0;
let edgeCount = 0;
let target = new Int32Array(0);
let code = new Uint8Array(0);
let factor = new Float64Array(0);

let firstSlot = 0;
/** Nodes that were met and not yet visited. */
let stack: Tensor[] = [];
/** Nodes that the second part looks at again: leaves, those with hooks, and those whose rules are run. */
let kept: Tensor[] = [];

/** Collects the gradient of every leaf behind `output`, a Scalar. */
export function propagateScalars(
  output: Tensor,
  seed: number,
  release: boolean,
  runRule: RunRule,
  runHooks: RunHooks,
  collect: Collect,
): void {
  try {
    gather(output, release);
    follow(seed, runRule, runHooks, collect);
    if (release) for (const node of kept) if (node.op !== null) node.release();
  } finally {
    stack = [];
    kept = [];
    if (nodeRoom > KEPT_NODES) {
      growNodes(0);
      growEdges(0);
    }
  }
}

/** Visits every node and releases it, if that is wanted and nobody looks at it again. */
function gather(output: Tensor, release: boolean): void {
  firstSlot = slots.next;
  nodeCount = 0;
  edgeCount = 0;
  waiting[enter(output)] = 0;
  // Last met, first visited: much as they were made, backwards, which is how they lie in memory.
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    const { making, first, second, others } = node;
    const place = node.slot - firstSlot;
    edgesFrom[place] = edgeCount;
    let keeps = true;
    if (making.op === null) {
      if (node.isReleased) throw released(node, "backward");
    } else {
      let plan = making.plan as Plan | null;
      // An op of any number of inputs was perhaps met with fewer.
      if (plan === null || (others !== null && plan.codes.length < others.length + 2))
        making.plan = plan = planOf(node);
      keeps = node.hooks !== null;
      if (first !== null && first.slot >= 0 && meet(node, plan, first, 0) === RULE) keeps = true;
      if (second !== null && second.slot >= 0 && meet(node, plan, second, 1) === RULE) keeps = true;
      if (others !== null) {
        for (let i = 0; i < others.length; i++) {
          if (others[i].slot >= 0 && meet(node, plan, others[i], i + 2) === RULE) keeps = true;
        }
      }
    }
    edgesTo[place] = edgeCount;
    if (keeps) keptAt[place] = kept.push(node);
    else {
      keptAt[place] = 0;
      if (release) node.release();
    }
  }
}

/** Gives a node its place. */
function enter(node: Tensor): number {
  if (nodeCount === nodeRoom) growNodes(Math.max(1024, 2 * nodeRoom));
  node.slot = slots.next++;
  waiting[nodeCount] = 1;
  adjoints[nodeCount] = 0;
  stack.push(node);
  return nodeCount++;
}

/** Notes an edge; what happens on it. */
function meet(node: Tensor, { codes, factors }: Plan, input: Tensor, index: number): number {
  const how = codes[index];
  if (how === NONE) return 0;
  let place = input.slot - firstSlot;
  if (place < 0) place = enter(input);
  else waiting[place]++;
  if (edgeCount === edgeRoom) growEdges(Math.max(2048, 2 * edgeRoom));
  const edge = edgeCount++;
  target[edge] = place;
  code[edge] = how;
  if ((how & FACTOR) !== 0) {
    const operand = factors[index] < 0 ? node : node.inputAt(factors[index]);
    if (operand.written > node.id) checkUnwritten(operand, node);
    factor[edge] = operand.value;
  } else factor[edge] = index;
  return how & RULE;
}

function planOf(node: Tensor): Plan {
  const { inputCount, dtype } = node;
  const { rules } = node.op as Op;
  const plan: Plan = { codes: [], factors: [] };
  for (let i = 0; i < inputCount; i++) {
    if (typeof rules !== "function" && rules[i] === null) {
      plan.codes.push(NONE);
      plan.factors.push(-1);
      continue;
    }
    const rule = elementwiseRule(node, i);
    const by = rule === null ? null : rule.factor;
    const how = rule?.passes ? PASSES : by !== null ? FACTOR : RULE;
    plan.codes.push(dtype === "float32" ? how | SINGLE : how);
    plan.factors.push(by === null || by === inputCount ? -1 : by);
  }
  return plan;
}

/** Lets the gradient flow: a node is handled when all its users are, the last that became ready first. */
function follow(seed: number, runRule: RunRule, runHooks: RunHooks, collect: Collect): void {
  adjoints[0] = seed;
  ready[0] = 0;
  let count = 1;
  while (count > 0) {
    const place = ready[--count];
    const end = edgesTo[place];
    const at = keptAt[place];
    let gradient = adjoints[place];
    if (at > 0) {
      const node = kept[at - 1];
      if (node.hooks !== null) gradient = runHooks(node, gradient);
      if (node.op === null) collect(node, scalarTensor(gradient, node.dtype));
    }
    for (let edge = edgesFrom[place]; edge < end; edge++) {
      const to = target[edge];
      switch (code[edge]) {
        case PASSES:
          adjoints[to] += gradient;
          break;
        case FACTOR:
          adjoints[to] += gradient * factor[edge];
          break;
        case PASSES | SINGLE:
          adjoints[to] = Math.fround(adjoints[to] + gradient);
          break;
        case FACTOR | SINGLE:
          adjoints[to] = Math.fround(adjoints[to] + Math.fround(gradient * factor[edge]));
          break;
        default: {
          const node = kept[at - 1];
          const sum = adjoints[to] + byRule(node, gradient, factor[edge], runRule);
          adjoints[to] = node.dtype === "float32" ? Math.fround(sum) : sum;
        }
      }
      if (--waiting[to] === 0) ready[count++] = to;
    }
  }
}

/** What a rule that is no mere factor makes of the gradient. */
function byRule(node: Tensor, gradient: number, index: number, runRule: RunRule): number {
  const rule = elementwiseRule(node, index);
  if (rule === null) return runRule(node, gradient, index);
  const { inputCount } = node;
  const { reads, program } = rule;
  const values = program.registers;
  values[0] = gradient;
  for (let k = 0; k < inputCount; k++) {
    if (!reads[k]) continue;
    const operand = node.inputAt(k);
    if (operand.written > node.id) checkUnwritten(operand, node);
    values[k + 1] = operand.value;
  }
  values[inputCount + 1] = node.value;
  const contribution = program.run();
  return node.dtype === "float32" ? Math.fround(contribution) : contribution;
}

function growNodes(room: number): void {
  nodeRoom = room;
  edgesFrom = resized(edgesFrom, room);
  edgesTo = resized(edgesTo, room);
  keptAt = resized(keptAt, room);
  waiting = resized(waiting, room);
  ready = resized(ready, room);
  adjoints = resized(adjoints, room);
}

function growEdges(room: number): void {
  edgeRoom = room;
  target = resized(target, room);
  code = resized(code, room);
  factor = resized(factor, room);
}

function resized<A extends Int32Array | Float64Array | Uint8Array>(array: A, room: number): A {
  const other = new (array.constructor as new (length: number) => A)(room);
  other.set(array.subarray(0, room) as A & Float64Array);
  return other;
}
