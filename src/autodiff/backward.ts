import { evaluateElementwise } from "../array/elementwise.js";
import { formatShape, sameShape } from "../array/shape.js";
import { GradientError, ShapeError } from "../base/errors.js";
import { withMode } from "../graph/modes.js";
import { type GradientRule, newTensor, type Op, RELEASED, scalarTensor, type Tensor } from "../graph/tensor.js";
import { add } from "../ops/arithmetic.js";
import { convert } from "../ops/cast.js";
import { checkOptions, ones, zeros } from "../ops/create.js";
import { sumTo } from "../ops/reduce.js";
import { elementwiseRule, mayFuse } from "./elementwise-rule.js";

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

let walk = 0;
let walking = false;

/** The node whose rule is running now; what detectAnomaly names. */
export let differentiating: Tensor | null = null;

/** Accumulates the gradient of `output` into `.grad` of every leaf that requires one. */
export function backward(output: Tensor, options: BackwardOptions = {}): void {
  checkOptions(options, ["seed", "retainGraph", "createGraph"], "backward");
  const { createGraph = false, retainGraph = createGraph } = options;
  const seed = checkSeed(output, options.seed, "backward");
  propagate(output, seed, createGraph, !retainGraph, null, (leaf, gradient) => {
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
  if (output.inputs === RELEASED) throw released(output, where);
  if (seed === undefined) {
    if (output.size !== 1) {
      throw new GradientError(
        `${where}: the output has shape ${formatShape(output.shape)}; only a scalar has a gradient without a seed: reduce it (sum, mean), or pass { seed } of that shape`,
      );
    }
    return output.ndim === 0 ? scalarTensor(1, output.dtype) : ones(output.shape, { dtype: output.dtype });
  }
  if (!sameShape(seed.shape, output.shape)) {
    throw new ShapeError(
      `${where}: the seed has shape ${formatShape(seed.shape)}, the output ${formatShape(output.shape)}; they must be equal`,
    );
  }
  return convert(seed, output.dtype);
}

function released(node: Tensor, where: string): GradientError {
  return new GradientError(
    `${where}: the graph behind ${node.name || `a tensor of shape ${formatShape(node.shape)}`} was released by an earlier backward; keep it with backward({ retainGraph: true }), or compute the output again`,
  );
}

/** A walk by counts of edges: a node is handled when all its users are. `targets` null means all leaves. */
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
  const nodes = countEdges(output);
  try {
    withMode({ gradients: createGraph }, () => {
      if (targets !== null) limitTo(nodes, targets);
      output.adjoint = seed;
      const ready: Tensor[] = [output];
      while (ready.length > 0) {
        const node = ready.pop() as Tensor;
        let gradient = node.adjoint;
        if (gradient !== null && node.hooks !== null) gradient = runHooks(node, gradient);
        if (gradient !== null && (targets === null ? node.op === null : targets.has(node))) collect(node, gradient);
        if (node.op !== null) {
          differentiate(node, gradient, ready);
          if (release) {
            node.op = null;
            node.inputs = RELEASED;
          }
        }
        node.adjoint = null;
      }
    });
  } finally {
    differentiating = null;
    walking = false;
    for (const node of nodes) node.adjoint = null;
  }
}

/** Finds the nodes that take part, and how many edges lead to each. */
function countEdges(output: Tensor): Tensor[] {
  const epoch = ++walk;
  output.mark = epoch;
  output.waiting = 0;
  const nodes: Tensor[] = [output];
  for (let next = 0; next < nodes.length; next++) {
    const { inputs } = nodes[next];
    if (inputs === RELEASED) throw released(nodes[next], "backward");
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      if (!input.requiresGrad) continue;
      if (input.mark !== epoch) {
        input.mark = epoch;
        input.waiting = 0;
        input.adjoint = null;
        nodes.push(input);
      }
      input.waiting++;
    }
  }
  return nodes;
}

/** Takes out of the walk what does not lead to a target, by giving it no gradient rule to run. */
function limitTo(nodes: Tensor[], targets: ReadonlySet<Tensor>): void {
  const epoch = ++walk;
  nodes.sort((a, b) => a.id - b.id);
  for (const node of nodes) {
    let leads = targets.has(node);
    for (const input of node.inputs) if (input.requiresGrad && input.mark === epoch) leads = true;
    if (leads) node.mark = epoch;
  }
}

/** Sends a node's gradient to its inputs. */
function differentiate(node: Tensor, gradient: Tensor | null, ready: Tensor[]): void {
  const { inputs } = node;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (!input.requiresGrad) continue;
    if (gradient !== null && input.mark === walk) {
      const contribution = inputGradient(node, gradient, i);
      if (contribution !== null) {
        input.adjoint = input.adjoint === null ? contribution : add(input.adjoint, contribution);
      }
    }
    if (--input.waiting === 0) ready.push(input);
  }
}

/** The gradient that flows to one input, in that input's shape; null where the op has no rule for it. */
function inputGradient(node: Tensor, dy: Tensor, index: number): Tensor | null {
  const op = node.op as Op;
  const rule = typeof op.rules === "function" ? op.rules(index) : op.rules[index];
  if (rule === null) return null;
  const input = node.inputs[index];
  differentiating = node;
  if (op.scalar !== null && mayFuse()) {
    const fused = elementwiseRule(node, index);
    if (fused !== null) {
      const { reads } = fused;
      for (let i = 0; i < node.inputs.length; i++) if (reads[i]) checkUnwritten(node.inputs[i], node);
      if (fused.passes) return sumTo(dy, input.shape);
      const out = newTensor(dy.dtype, dy.shape, dy.size);
      if (dy.shape.length === 0) {
        const values = fused.program.inputs;
        values[0] = dy.buffer[dy.offset];
        let at = 1;
        for (const one of node.inputs) values[at++] = one.buffer[one.offset];
        values[at] = node.buffer[node.offset];
        out.buffer[out.offset] = fused.program.run();
        return out;
      }
      evaluateElementwise(fused.expression, out, [dy, ...node.inputs, node]);
      return sumTo(out, input.shape);
    }
  }
  for (let i = 0; i < node.inputs.length; i++) {
    if (op.kind !== "affine" && !(op.kind === "bilinear" && i === index)) checkUnwritten(node.inputs[i], node);
  }
  const apply = rule as GradientRule as unknown as (...args: unknown[]) => Tensor;
  const result = apply(dy, ...node.inputs, node, node.attrs);
  if (op.broadcasts) return sumTo(result, input.shape);
  if (!sameShape(result.shape, input.shape)) {
    throw new ShapeError(
      `${op.name}: its gradient rule returned shape ${formatShape(result.shape)} for an input of shape ${formatShape(input.shape)}; a rule returns the input's shape`,
    );
  }
  return result;
}

/** A value that the rule reads must be the one that was recorded. */
function checkUnwritten(value: Tensor, node: Tensor): void {
  if (value.written > node.id) {
    throw new GradientError(
      `backward: ${value.name || `a tensor of shape ${formatShape(value.shape)}`} was overwritten (assign_ at time ${value.written}) after ${(node.op as Op).name} recorded it (time ${node.id}), and its old value is needed; run backward before assigning, or compute the output again`,
    );
  }
}

function runHooks(node: Tensor, gradient: Tensor): Tensor {
  for (const hook of node.hooks ?? []) {
    const replaced = hook(gradient);
    if (replaced === undefined) continue;
    if (!sameShape(replaced.shape, node.shape)) {
      throw new ShapeError(
        `gradient hook: returned shape ${formatShape(replaced.shape)} for a tensor of shape ${formatShape(node.shape)}; return a gradient of the same shape, or nothing`,
      );
    }
    gradient = replaced;
  }
  return gradient;
}
