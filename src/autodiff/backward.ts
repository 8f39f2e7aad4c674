import { elementwiseInto } from "../array/kernels.js";
import { formatShape, sameShape } from "../array/shape.js";
import { endRecycling, isRecycled, setRecycling } from "../array/storage.js";
import { DtypeError, GradientError, ShapeError, ValueError } from "../base/errors.js";
import type { GradientRule, Op } from "../graph/making.js";
import { mode, withMode } from "../graph/modes.js";
import { newResult, newTensor, numberBeside, Scalar, scalarTensor, settle, sharedView } from "../graph/new-tensor.js";
import { Tensor } from "../graph/tensor.js";
import { isTracing } from "../graph/trace.js";
import { add } from "../ops/arithmetic.js";
import { convert, detach } from "../ops/cast.js";
import { checkOptions, ones, zeros } from "../ops/create.js";
import { sumTo } from "../ops/reduce.js";
import { type ElementwiseRule, elementwiseRule, mayFuse } from "./elementwise-rule.js";
import { propagateScalars } from "./propagate-scalars.js";
import { checkUnwritten, released, slots } from "./recorded.js";

/**
 * Reverse mode: walks the recorded graph from a result towards the leaves, each node once, after all that use it.
 * Griewank and Walther, "Evaluating Derivatives", 2nd ed., section 3.2 (incremental reverse), with gradients that are
 * themselves recorded on demand.
 */

export interface BackwardOptions {
  /** The gradient of what is differentiated with respect to this output, in its shape; needed unless it is a scalar. */
  seed?: Tensor;
  /** Keep the graph for another backward; default false. */
  retainGraph?: boolean;
  /** Record the gradients themselves, so that they can be differentiated; default false. Keeps the graph, too. */
  createGraph?: boolean;
}

/** Slots below this belong to earlier walks. */
let firstSlot = 1;
let walking = false;

/** The node whose rule is running now; what detectAnomaly names. */
export let differentiating: Tensor | null = null;

/** Accumulates the gradient of `output` into `.grad` of every leaf that requires one. */
export function backward(output: Tensor, options: BackwardOptions = {}): void {
  checkOptions(options, ["seed", "retainGraph", "createGraph"], "backward");
  const { createGraph = false, retainGraph = createGraph } = options;
  const seed = checkSeed(output, options.seed, "backward");
  // A trace keeps the graph: it is about to read it.
  propagate(output, seed, createGraph, !retainGraph && !isTracing(), null, (leaf, gradient) => {
    leaf.grad = leaf.grad === null ? gradient : add(leaf.grad, gradient);
  });
}

/**
 * The gradients of `output` with respect to each of `inputs`, which may be any recorded tensors; zeros for one that
 * does not influence it. Touches no `.grad` and keeps the graph.
 */
export function gradients(
  output: Tensor,
  inputs: readonly Tensor[],
  options: { seed?: Tensor; createGraph?: boolean } = {},
): Tensor[] {
  checkOptions(options, ["seed", "createGraph"], "gradients");
  const seed = checkSeed(output, options.seed, "gradients");
  inputs.forEach((input, i) => {
    if (!input.requiresGrad) {
      throw new GradientError(
        `gradients: inputs[${i}]${input.name ? ` (${input.name})` : ""} does not require a gradient; create it with { requiresGrad: true }`,
      );
    }
  });
  const found = new Map<Tensor, Tensor>();
  propagate(output, seed, options.createGraph ?? false, false, new Set(inputs), (input, gradient) => {
    found.set(input, gradient);
  });
  return inputs.map((input) => found.get(input) ?? zeros(input.shape, { dtype: input.dtype }));
}

function checkSeed(output: Tensor, seed: Tensor | undefined, where: string): Tensor {
  if (!output.requiresGrad) {
    throw new GradientError(
      `${where}: the output does not depend on anything that requires a gradient${output.dtype === "int32" ? " (int32 never does)" : ""}; create the inputs with { requiresGrad: true }, and compute it outside noGrad`,
    );
  }
  if (output.isReleased) throw released(output, where);
  if (seed === undefined) {
    if (output.size !== 1) {
      throw new GradientError(
        `${where}: the output has shape ${formatShape(output.shape)}; only a scalar has a gradient without a seed: reduce it (sum, mean), or pass { seed } of that shape`,
      );
    }
    return output.ndim === 0 ? numberBeside(1, output) : ones(output.shape, { dtype: output.dtype });
  }
  if (!sameShape(seed.shape, output.shape)) {
    throw new ShapeError(
      `${where}: the seed has shape ${formatShape(seed.shape)}, the output ${formatShape(output.shape)}; they must be equal`,
    );
  }
  return convert(seed, output.dtype);
}

/** What takes part in one walk; `node.slot - firstSlot` is a node's place in each list. */
interface Walk {
  readonly nodes: Tensor[];
  /** Edges to each node that were not followed yet: a node is handled when all its users are. */
  readonly waiting: number[];
  /** Whether some node has hooks, which may keep the gradients that they see. */
  readonly hooked: boolean;
}

/** `targets` null means all leaves. */
function propagate(
  output: Tensor,
  seed: Tensor,
  createGraph: boolean,
  release: boolean,
  targets: ReadonlySet<Tensor> | null,
  collect: (node: Tensor, gradient: Tensor) => void,
): void {
  if (walking) {
    throw new GradientError(
      "backward: called from a gradient hook or rule while another backward is under way; return instead, and differentiate afterwards",
    );
  }
  walking = true;
  if (!createGraph && seed.requiresGrad) seed = detach(seed);
  try {
    withMode({ gradients: createGraph }, () => {
      if (output instanceof Scalar && targets === null && mayFuse()) {
        propagateScalars(output, seed.value, release, ruleOfNumbers, hooksOfNumbers, collect);
      } else propagateTensors(countEdges(output), seed, release, targets, collect);
    });
  } finally {
    endRecycling();
    differentiating = null;
    walking = false;
  }
}

/** Finds the nodes that take part, the output first, and how many edges lead to each. */
function countEdges(output: Tensor): Walk {
  firstSlot = slots.next;
  // Gradients that are recorded refer to what they were made of.
  const handsOut = mode.gradients;
  output.slot = slots.next++;
  const nodes: Tensor[] = [output];
  const waiting: number[] = [0];
  let hooked = false;
  const stack: Tensor[] = [output];
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    if (node.isReleased) throw released(node, "backward");
    if (node.hooks !== null) hooked = true;
    if (handsOut) node.handOut();
    const { first, second, others } = node;
    if (first !== null) meet(first);
    if (second !== null) meet(second);
    if (others !== null) others.forEach(meet);
  }
  return { nodes, waiting, hooked };

  function meet(input: Tensor): void {
    if (!input.tracked) return;
    if (input.slot < firstSlot) {
      input.slot = slots.next++;
      nodes.push(input);
      waiting.push(1);
      stack.push(input);
    } else waiting[input.slot - firstSlot]++;
  }
}

/** Which nodes lead to a target; others take part without their rules being run. */
function leadingTo(nodes: readonly Tensor[], targets: ReadonlySet<Tensor>): Uint8Array {
  const leads = new Uint8Array(nodes.length);
  for (const node of [...nodes].sort((a, b) => a.id - b.id)) {
    if (targets.has(node) || node.inputs.some((input) => input.tracked && leads[input.slot - firstSlot] === 1)) {
      leads[node.slot - firstSlot] = 1;
    }
  }
  return leads;
}

function propagateTensors(
  { nodes, waiting, hooked }: Walk,
  seed: Tensor,
  release: boolean,
  targets: ReadonlySet<Tensor> | null,
  collect: (node: Tensor, gradient: Tensor) => void,
): void {
  const adjoints: (Tensor | null)[] = new Array(nodes.length).fill(null);
  const wanted = targets === null ? null : leadingTo(nodes, targets);
  adjoints[0] = seed;
  const ready: Tensor[] = [nodes[0]];
  // Gradients of intermediates that only this walk sees are in memory that the next walk uses again.
  const recycles = !hooked && mayFuse();
  while (ready.length > 0) {
    const node = ready.pop() as Tensor;
    const place = node.slot - firstSlot;
    let gradient = adjoints[place];
    adjoints[place] = null;
    if (gradient !== null && node.hooks !== null) gradient = runHooks(node, gradient);
    if (gradient !== null && (targets === null ? node.op === null : targets.has(node))) collect(node, owned(gradient));
    if (node.op === null) continue;
    const { foreign } = node.op;
    const count = node.inputCount;
    if (foreign && gradient !== null) {
      if (isRecycled(gradient)) gradient = owned(gradient);
      settle(gradient);
      settle(node);
      for (let i = 0; i < count; i++) settle(node.inputAt(i));
    }
    const together = recycles && gradient !== null && wanted === null ? pullBack(node, gradient) : null;
    for (let i = 0; i < count; i++) {
      const input = node.inputAt(i);
      const slot = input.slot - firstSlot;
      if (slot < 0) continue;
      if (together !== null && input.op === null && waiting[slot] === 1 && adjoints[slot] === null) {
        // All that this leaf gets, and made for it alone.
        const whole = together[i];
        if (whole !== null && input.hooks === null) {
          waiting[slot] = 0;
          collect(input, whole);
          continue;
        }
      }
      if (gradient !== null && (wanted === null || wanted[slot] === 1)) {
        setRecycling(recycles && input.op !== null && !foreign);
        const contribution = together === null ? inputGradient(node, gradient, i) : together[i];
        const sum = adjoints[slot];
        if (contribution !== null) adjoints[slot] = sum === null ? contribution : add(sum, contribution);
        setRecycling(false);
      }
      if (--waiting[slot] === 0) ready.push(input);
    }
    if (release) node.release();
  }
}

/** A tensor of its own for each who receives a gradient: add hands one to both inputs, and assign_ may write to it. */
function owned(gradient: Tensor): Tensor {
  if (isRecycled(gradient)) {
    const { dtype, shape, size, buffer, offset } = gradient;
    const copy = newResult(dtype, shape, size);
    copy.buffer.set(buffer.subarray(offset, offset + size), copy.offset);
    return copy;
  }
  return mode.gradients || isTracing() ? gradient : sharedView(gradient, gradient.shape);
}

/** What a rule, which is there, makes of a gradient that is a number. */
function ruleOfNumbers(node: Tensor, gradient: number, index: number): number {
  return (inputGradient(node, scalarTensor(gradient, node.dtype), index) as Tensor).value;
}

function hooksOfNumbers(node: Tensor, gradient: number): number {
  return runHooks(node, scalarTensor(gradient, node.dtype)).value;
}

/** The gradient that flows to one input, in that input's shape; null where the op has no rule for it. */
function inputGradient(node: Tensor, dy: Tensor, index: number): Tensor | null {
  const op = node.op as Op;
  const rule = ruleOf(op, index);
  if (rule === null) return null;
  const input = node.inputAt(index);
  differentiating = node;
  if (op.scalar !== null && mayFuse()) {
    const fused = elementwiseRule(node, index);
    if (fused !== null) return sumTo(fusedGradient(fused, node, dy), input.shape);
  }
  checkReads(node, rule, index);
  const result = callRule(rule, dy, node);
  if (result.dtype !== input.dtype) {
    throw new DtypeError(
      `${op.name}: its gradient rule returned ${result.dtype} for a ${input.dtype} input; a rule returns the input's dtype`,
    );
  }
  if (op.broadcasts) return sumTo(result, input.shape);
  if (!sameShape(result.shape, input.shape)) {
    throw new ShapeError(
      `${op.name}: its gradient rule returned shape ${formatShape(result.shape)} for an input of shape ${formatShape(input.shape)}; a rule returns the input's shape`,
    );
  }
  return result;
}

function ruleOf({ rules }: Op, index: number): GradientRule | null {
  return typeof rules === "function" ? rules(index) : rules[index];
}

/** What a rule reads of the inputs must be what was recorded. */
function checkReads(node: Tensor, rule: GradientRule, index: number): void {
  const { kind, foreign } = node.op as Op;
  for (let i = 0; i < node.inputCount; i++) {
    // A rule of ours reads no input that it does not name.
    const unnamed = !foreign && i + 1 >= rule.length;
    const unread = unnamed || kind === "affine" || (kind === "bilinear" && i === index);
    const input = node.inputAt(i);
    if (!unread || input.dtype === "int32") checkUnwritten(input, node);
  }
}

/** The gradients of all inputs at once; null where the rules are to be run one by one. */
function pullBack(node: Tensor, dy: Tensor): readonly (Tensor | null)[] | null {
  const op = node.op as Op;
  if (op.pullback === null) return null;
  for (let i = 0; i < node.inputCount; i++) {
    if (node.inputAt(i).written > node.id) checkAllReads(node, op);
  }
  differentiating = node;
  const gradients: (Tensor | null)[] = [null, null, null];
  // What it makes for itself, nobody sees afterwards, but for a user, who also may apply ops before writing.
  const recycles = !op.foreign;
  setRecycling(recycles);
  op.pullback(dy, node, (index) => {
    const input = node.inputAt(index);
    if (!input.tracked) return null;
    setRecycling(recycles && input.op !== null);
    const target = (recycles ? newResult : newTensor)(input.dtype, input.shape, input.size);
    setRecycling(recycles);
    gradients[index] = target;
    return target;
  });
  setRecycling(false);
  return gradients;
}

function checkAllReads(node: Tensor, op: Op): void {
  for (let i = 0; i < node.inputCount; i++) {
    const rule = ruleOf(op, i);
    if (rule !== null && node.inputAt(i).tracked) checkReads(node, rule, i);
  }
}

/** A rule that is one expression, in the output's shape. */
function fusedGradient({ passes, reads, expression, program }: ElementwiseRule, node: Tensor, dy: Tensor): Tensor {
  const operands: Tensor[] = [dy];
  for (let i = 0; i < node.inputCount; i++) {
    const operand = node.inputAt(i);
    if (reads[i]) checkUnwritten(operand, node);
    operands.push(operand);
  }
  operands.push(node);
  if (passes) return dy;
  const out = newResult(dy.dtype, dy.shape, dy.size);
  if (dy.shape.length > 0) elementwiseInto(expression, out, operands);
  else {
    for (let i = 0; i < operands.length; i++) program.registers[i] = operands[i].buffer[operands[i].offset];
    out.buffer[out.offset] = program.run();
  }
  return out;
}

/** `rule(dy, ...inputs, y, attrs)`, without making lists for the usual numbers of inputs. */
function callRule(rule: GradientRule, dy: Tensor, node: Tensor): Tensor {
  const apply = rule as unknown as (...args: unknown[]) => Tensor;
  const { first, second, others, attrs } = node;
  if (second === null) return apply(dy, first, node, attrs);
  if (others === null) return apply(dy, first, second, node, attrs);
  return apply(dy, first, second, ...others, node, attrs);
}

function runHooks(node: Tensor, gradient: Tensor): Tensor {
  for (const hook of node.hooks ?? []) {
    const replaced = hook(gradient);
    if (replaced === undefined) continue;
    if (!(replaced instanceof Tensor)) {
      throw new ValueError(`gradient hook: returned ${String(replaced)}; return a gradient (a tensor), or nothing`);
    }
    if (replaced.dtype !== node.dtype) {
      throw new DtypeError(
        `gradient hook: returned ${replaced.dtype} for a ${node.dtype} tensor; return a gradient of the same dtype, or nothing`,
      );
    }
    if (!sameShape(replaced.shape, node.shape)) {
      throw new ShapeError(
        `gradient hook: returned shape ${formatShape(replaced.shape)} for a tensor of shape ${formatShape(node.shape)}; return a gradient of the same shape, or nothing`,
      );
    }
    gradient = replaced;
  }
  return gradient;
}
