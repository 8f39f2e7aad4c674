import { formatShape, sameShape, sizeOf } from "../array/shape.js";
import { DtypeError, GradientError, ShapeError } from "../base/errors.js";
import { checkFunction, mode, synchronous } from "../graph/modes.js";
import { sharedView } from "../graph/new-tensor.js";
import { Tensor } from "../graph/tensor.js";
import { isTracing } from "../graph/trace.js";
import { add } from "../ops/arithmetic.js";
import { convert, detach } from "../ops/cast.js";
import { zeros } from "../ops/create.js";
import { reshape } from "../ops/reshape.js";
import { stack } from "../ops/slice.js";
import { gradients } from "./backward.js";

/**
 * Derivatives of functions, any of which may be nested. A function's arguments are made fresh variables; where the
 * caller is itself being differentiated, they stay connected to it.
 */

type TensorFunction = (...inputs: Tensor[]) => Tensor;

function variables(inputs: readonly Tensor[], where: string): Tensor[] {
  return inputs.map((input, i) => {
    if (!(input instanceof Tensor)) {
      throw new GradientError(
        `${where}: argument ${i} is ${String(input)}; derivatives are taken with respect to tensors`,
      );
    }
    if (input.dtype === "int32") {
      throw new DtypeError(
        `${where}: argument ${i} is int32; derivatives are taken with respect to float32 and float64 tensors`,
      );
    }
    if (input.requiresGrad && mode.gradients) {
      // A copy of the node, so that uses of the same tensor outside of the function are not counted.
      return reshape(input, input.shape);
    }
    // Where everything is recorded, the variable must be seen to come from the input.
    const variable = isTracing() ? reshape(input, input.shape) : sharedView(input, input.shape);
    variable.name = input.name;
    variable.requiresGrad = true;
    return variable;
  });
}

/** Whether `result` is connected to anything that requires a gradient beside `fresh`. */
function dependsOnOthers(result: Tensor, fresh: readonly Tensor[]): boolean {
  const own = new Set(fresh.filter((variable) => variable.op === null));
  const seen = new Set<Tensor>([result]);
  for (const node of seen) {
    if (node.op === null && node.requiresGrad && !own.has(node)) return true;
    for (const input of node.inputs) if (input.requiresGrad) seen.add(input);
  }
  return false;
}

/** Lets go of the graph where nobody outside can differentiate it. */
function release(result: Tensor, fresh: readonly Tensor[]): Tensor {
  if (!result.requiresGrad || dependsOnOthers(result, fresh)) return result;
  return detach(result);
}

function evaluate(fn: TensorFunction, inputs: readonly Tensor[], where: string): Tensor {
  const value = synchronous(fn(...inputs), where);
  if (!(value instanceof Tensor)) {
    throw new GradientError(`${where}: the function returned ${String(value)}; return one tensor`);
  }
  return value;
}

function withGradients<T>(fn: () => T): T {
  const previous = mode.gradients;
  mode.gradients = true;
  try {
    return fn();
  } finally {
    mode.gradients = previous;
  }
}

/** Gradients of a scalar function: the value with one gradient per argument. */
function differentiate(fn: TensorFunction, inputs: readonly Tensor[], where: string): [Tensor, Tensor[]] {
  const fresh = variables(inputs, where);
  return withGradients(() => {
    const value = evaluate(fn, fresh, where);
    if (value.size !== 1) {
      throw new GradientError(
        `${where}: the function returned shape ${formatShape(value.shape)}, a gradient needs one number; reduce it (sum, mean) or use jacobian`,
      );
    }
    const found = value.requiresGrad
      ? gradients(value, fresh, { createGraph: true })
      : fresh.map((x) => zeros(x.shape, { dtype: x.dtype }));
    return [release(value, fresh), found.map((gradient) => release(gradient, fresh))];
  });
}

/** One gradient for a function of one tensor, a list for a function of several. */
export type GradientOf<Inputs extends readonly Tensor[]> = Inputs extends readonly [Tensor] ? Tensor : Tensor[];

/** The function that gives the gradient of a scalar function. */
export function grad<Inputs extends Tensor[]>(
  fn: (...inputs: Inputs) => Tensor,
): (...inputs: Inputs) => GradientOf<Inputs> {
  checkFunction(fn, "grad");
  return (...inputs) => {
    const [, found] = differentiate(fn as TensorFunction, inputs, "grad");
    return (found.length === 1 ? found[0] : found) as GradientOf<Inputs>;
  };
}

/** As `grad`, giving the value as well: `[value, gradient]`. */
export function valueAndGrad<Inputs extends Tensor[]>(
  fn: (...inputs: Inputs) => Tensor,
): (...inputs: Inputs) => [Tensor, GradientOf<Inputs>] {
  checkFunction(fn, "valueAndGrad");
  return (...inputs) => {
    const [value, found] = differentiate(fn as TensorFunction, inputs, "valueAndGrad");
    return [value, (found.length === 1 ? found[0] : found) as GradientOf<Inputs>];
  };
}

/** The value of `fn`, and the function that takes dy to dyᵀ · ∂y/∂x for each input x. */
export function vjp(fn: TensorFunction, ...inputs: Tensor[]): [Tensor, (dy: Tensor) => Tensor[]] {
  checkFunction(fn, "vjp");
  const fresh = variables(inputs, "vjp");
  const value = withGradients(() => evaluate(fn, fresh, "vjp"));
  const pull = (dy: Tensor): Tensor[] =>
    withGradients(() => {
      if (!value.requiresGrad) return fresh.map((x) => zeros(x.shape, { dtype: x.dtype }));
      return gradients(value, fresh, { seed: dy, createGraph: true }).map((gradient) => release(gradient, fresh));
    });
  return [release(value, fresh), pull];
}

/**
 * The value of `fn` at `inputs` and its derivative in the direction `tangents`: `[y, Σ ∂y/∂x · tangent]`.
 * Found as the transpose of the transpose: dyᵀ · ∂y/∂x is linear in dy, and its own gradient is the derivative sought.
 */
export function jvp(fn: TensorFunction, inputs: readonly Tensor[], tangents: readonly Tensor[]): [Tensor, Tensor] {
  checkFunction(fn, "jvp");
  if (!Array.isArray(inputs) || !Array.isArray(tangents)) {
    throw new GradientError("jvp: inputs and tangents are lists of tensors, such as jvp(fn, [x], [dx])");
  }
  if (inputs.length !== tangents.length) {
    throw new GradientError(`jvp: ${inputs.length} inputs and ${tangents.length} tangents; give one tangent per input`);
  }
  inputs.forEach((input, i) => {
    if (!sameShape(input.shape, tangents[i].shape)) {
      throw new ShapeError(
        `jvp: tangent ${i} has shape ${formatShape(tangents[i].shape)}, its input ${formatShape(input.shape)}; they must be equal`,
      );
    }
  });
  const fresh = variables(inputs, "jvp");
  return withGradients(() => {
    const value = evaluate(fn, fresh, "jvp");
    const none = (): Tensor => zeros(value.shape, { dtype: value.dtype });
    if (!value.requiresGrad) return [value, none()];
    const dy = zeros(value.shape, { dtype: value.dtype, requiresGrad: true });
    const pulled = gradients(value, fresh, { seed: dy, createGraph: true });
    let total: Tensor | null = null;
    pulled.forEach((gradient, i) => {
      if (!gradient.requiresGrad) return;
      const [part] = gradients(gradient, [dy], { seed: convert(tangents[i], gradient.dtype), createGraph: true });
      total = total === null ? part : add(total, part);
    });
    const own = [...fresh, dy];
    return [release(value, own), release(total ?? none(), own)];
  });
}

/** All partial derivatives of `fn` at x, in shape [...shape of the output, ...shape of x]. */
export function jacobian(fn: (x: Tensor) => Tensor, x: Tensor): Tensor {
  checkFunction(fn, "jacobian");
  const fresh = variables([x], "jacobian");
  return withGradients(() => {
    const value = evaluate(fn as TensorFunction, fresh, "jacobian");
    const shape = [...value.shape, ...x.shape];
    if (!value.requiresGrad || sizeOf(shape) === 0) return zeros(shape, { dtype: x.dtype });
    const rows: Tensor[] = [];
    for (let i = 0; i < value.size; i++) {
      const seed = zeros(value.shape, { dtype: value.dtype });
      seed.buffer[seed.offset + i] = 1;
      rows.push(gradients(value, fresh, { seed, createGraph: true })[0]);
    }
    return release(reshape(stack(rows), shape), fresh);
  });
}

/** All second derivatives of a scalar function at x, in shape [...shape of x, ...shape of x]. */
export function hessian(fn: (x: Tensor) => Tensor, x: Tensor): Tensor {
  checkFunction(fn, "hessian");
  return jacobian((y) => differentiate(fn as TensorFunction, [y], "hessian")[1][0], x);
}
