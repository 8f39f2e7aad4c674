/** A network without gates is one affine map, however deep: this computes it, shows the steps, and checks it. */

import { sizeOf } from "../array/shape.js";
import { PiecewiseLinearError, ShapeError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { gamma } from "../exact/rounding.js";
import { copyOf, fromArray } from "../graph/new-tensor.js";
import { Tensor } from "../graph/tensor.js";
import type { GraphNode } from "../graph/trace.js";
import { applyAbsolute, applyAffine, longestRow, toDense } from "./blocks.js";
import { requireLegal } from "./check.js";
import { type AffineStep, type LoweringObserver, lowerGraph } from "./lower.js";
import type { Affine, PwlNet } from "./net.js";
import { flattened } from "./point.js";
import {
  examples,
  type InputSpec,
  isGraph,
  isPwlNet,
  type Readable,
  readFunction,
  requireReadable,
  type TensorFunction,
} from "./read.js";

export interface CollapseOptions {
  /** The input; a module of one vector needs none: its first parameter tells. A list for several inputs. */
  readonly input?: InputSpec | readonly InputSpec[];
  /** Short for `input: { shape }`. */
  readonly shape?: readonly number[];
  /** Keep the map after each layer. */
  readonly steps?: boolean;
}

/** The map from the input to what one layer gives. */
export interface CollapseStep {
  /** The module, or the op where there is none. */
  readonly name: string;
  /** Shape [...layer's output, ...in]. float64. */
  readonly A: Tensor;
  /** Shape of the layer's output. float64. */
  readonly b: Tensor;
}

/** `A x + b`. */
export interface Collapsed {
  /** Shape [...out, ...in]; several inputs are one vector. float64. */
  readonly A: Tensor;
  readonly b: Tensor;
  /** The product after each layer, in order; empty unless asked for. */
  readonly steps: readonly CollapseStep[];
  /** The largest difference between `A x + b` and the forward pass on the probes. */
  readonly difference: number;
  /** How large rounding in the forward pass can make that difference: a proven bound on these probes. */
  readonly bound: number;
  /** What was rounded in making A and b, one line each. */
  readonly rounded: readonly string[];
}

/**
 * The one affine map of a function without gates, of any depth and shape: Linear, convolution, average pooling, reshape,
 * residual sums, batch norm in inference.
 *
 * @throws PiecewiseLinearError naming the first gate, if there is one.
 */
export function collapse(f: Readable, options: CollapseOptions = {}): Collapsed {
  checkOptions(options, { input: "anything", shape: "an array", steps: "true or false" }, "collapse");
  requireReadable(f, "collapse");
  if (isPwlNet(f)) return collapseNet(requireLegal(f, "collapse"));
  const observer = new StepObserver();
  if (isGraph(f)) {
    const { net } = lowerGraph(f, false, observer);
    const inputs = f.inputs.map(({ value }) => value);
    return observer.finish(net, options, inputs, [[flattened(inputs), Float64Array.from(copyOf(f.outputs[0].value))]]);
  }
  const inputs = exampleInputs(f, options);
  const reading = readFunction(f, inputs, { observer });
  const probes = Array.from({ length: PROBES }, (_, k) => inputs.map((input) => probe(input, k)));
  const pairs = probes.map((point): [Float64Array, Float64Array] => [
    flattened(point),
    Float64Array.from(copyOf(reading.traceAgain(point).outputs[0].value)),
  ]);
  return observer.finish(reading.lowered.net, options, probes.flat(), pairs);
}

const PROBES = 8;

function collapseNet(net: PwlNet): Collapsed {
  if (net.layers.length > 0) refuse(`layer 1 "${net.layers[0].name}"`);
  return { ...mapOf(net, net.output, net.outputShape), steps: [], difference: 0, bound: 0, rounded: net.rounded };
}

function refuse(gate: string): never {
  throw new PiecewiseLinearError(
    `collapse: the function is not one affine map: it bends at ${gate}; use linearize for the map around one input`,
  );
}

/** Follows the walk through the graph: maps after each layer, and how far rounding can take the forward pass. */
class StepObserver implements LoweringObserver {
  readonly #steps: AffineStep[] = [];

  gate(node: string): never {
    return refuse(node);
  }

  affine(step: AffineStep): void {
    this.#steps.push(step);
  }

  finish(
    net: PwlNet,
    options: CollapseOptions,
    probes: readonly Tensor[],
    pairs: readonly (readonly [x: Float64Array, y: Float64Array])[],
  ): Collapsed {
    let difference = 0;
    for (const [x, y] of pairs) {
      const value = applyAffine(net.output, [x]);
      for (let i = 0; i < y.length; i++) difference = Math.max(difference, Math.abs(y[i] - value[i]));
    }
    const steps = options.steps ? lastOfEachLayer(this.#steps).map((step) => stepOf(net, step)) : [];
    const bound = this.#bound(probes);
    return { ...mapOf(net, net.output, net.outputShape), steps, difference, bound, rounded: net.rounded };
  }

  /**
   * A running error bound of the forward pass in its own precision (see signs.ts), for inputs of at most the probes'
   * magnitudes, plus what A and b themselves were rounded by.
   */
  #bound(probes: readonly Tensor[]): number {
    const largest = probes.reduce((most, { buffer, offset, size }) => {
      for (let i = 0; i < size; i++) most = Math.max(most, Math.abs(buffer[offset + i]));
      return most;
    }, 0);
    const known = new Map<GraphNode, { magnitude: Float64Array; error: Float64Array }>();
    let bound = 0;
    for (const { node, parts, offset } of this.#steps) {
      const unit = node.dtype === "float64" ? 1 : 2 ** 29; // roundoff 2^-53, or 2^-24
      const magnitude = offset.map(Math.abs);
      const error = new Float64Array(offset.length);
      let products = 2;
      for (const { input, block } of parts) {
        const from = known.get(input);
        applyAbsolute(block, from?.magnitude ?? new Float64Array(block.columns).fill(largest), magnitude);
        if (from !== undefined) applyAbsolute(block, from.error, error);
        products += longestRow(block);
      }
      // the forward pass's own rounding, and the double rounding of the block that stands for it
      const relative = gamma(products * unit) + gamma(products);
      for (let i = 0; i < error.length; i++) error[i] = (error[i] + relative * magnitude[i]) * (1 + 2 ** -20);
      known.set(node, { magnitude, error });
      bound = Math.max(...error);
    }
    return bound;
  }
}

/** The last op of each module, or every op where no module is around it; reshapes alone are no layers. */
function lastOfEachLayer(steps: readonly AffineStep[]): AffineStep[] {
  return steps.filter(({ node }, i) => {
    const next = steps[i + 1]?.node;
    return next === undefined || node.scope.length === 0 || node.scope.join("/") !== next.scope.join("/");
  });
}

function stepOf(net: PwlNet, { node, value }: AffineStep): CollapseStep {
  const name = node.scope.length > 0 ? node.scope.join(" / ") : (node.op?.name ?? node.role);
  return { name, ...mapOf(net, value, node.shape) };
}

/** An affine map of the input as two tensors. */
function mapOf(net: PwlNet, { size, terms, bias }: Affine, shape: readonly number[]): { A: Tensor; b: Tensor } {
  const A = terms.length === 0 ? new Float64Array(size * net.inputSize) : toDense(terms[0].block);
  const inputShape = net.inputs.length === 1 ? net.inputs[0].shape : [net.inputSize];
  return { A: fromArray(A, "float64", [...shape, ...inputShape]), b: fromArray(bias.slice(), "float64", shape) };
}

function exampleInputs(f: TensorFunction, { input, shape }: CollapseOptions): readonly Tensor[] {
  if (input !== undefined) return examples(input);
  if (shape !== undefined) return examples({ shape });
  // a module of one vector: the length is one of the lengths of its first parameter
  if ("parameters" in f && typeof f.parameters === "function") {
    const first: unknown = (f.parameters() as unknown[])[0];
    if (first instanceof Tensor) {
      for (const length of new Set([...first.shape].reverse())) {
        const inputs = examples({ shape: [length], dtype: first.dtype });
        if (takes(f, inputs)) return inputs;
      }
    }
  }
  throw new PiecewiseLinearError(
    "collapse: the input's shape is not known: pass it, such as collapse(net, { shape: [2] })",
  );
}

function takes(f: TensorFunction, inputs: readonly Tensor[]): boolean {
  try {
    if (typeof f === "function") f(...inputs);
    else f.forward(...inputs);
    return true;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

/** Repeatable points with values from -1 to 1. */
function probe({ shape, dtype, name }: Tensor, k: number): Tensor {
  const values = Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * (k + 1)));
  const point = fromArray(dtype === "float32" ? Float32Array.from(values) : values, dtype, shape);
  point.name = name;
  return point;
}
