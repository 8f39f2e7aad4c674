import type { DType } from "../array/dtype.js";
import { type Shape, sameShape } from "../array/shape.js";
import { mode } from "../graph/modes.js";
import { type Tensor, tick } from "../graph/tensor.js";
import { type Place, type Switch, tensorAt } from "./program.js";

/** A gradient that a function found at its start: whether there was one decides what it does. */
export interface GradientGuard {
  readonly leaf: Place;
  readonly present: boolean;
  /** Which argument is that gradient; -1 for none. */
  readonly argument: number;
}

/** What an argument was like before the call. */
export interface ArgumentForm {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly requiresGrad: boolean;
  /** The first argument that is the same tensor. */
  readonly first: number;
}

export function formsOf(inputs: readonly Tensor[]): ArgumentForm[] {
  return inputs.map((input) => ({
    dtype: input.dtype,
    shape: input.shape,
    requiresGrad: input.tracked,
    first: inputs.indexOf(input),
  }));
}

/**
 * What decided the course of a captured call; the program does what the function would wherever all of it is the same.
 *
 * A tensor that is an argument may be one that the function also reaches by itself, such as a parameter, and one call
 * does not tell which of its uses are which. So a program stands for calls with the very tensors of its own, until a
 * call with others shows that the function, left to itself, does not reach for the earlier ones.
 */
export class Conditions {
  /** The tensor that an argument has to be; null for any that the function does not reach by itself. */
  private readonly bound: (Tensor | null)[];
  /** No tensor that was made after the call was touched by it. */
  private readonly end = tick();
  private readonly records = mode.gradients;

  /**
   * @param switches as it found them
   * @param touched the tensors from before the call that it read or changed
   */
  constructor(
    inputs: readonly Tensor[],
    private readonly forms: readonly ArgumentForm[],
    private readonly gradients: readonly GradientGuard[],
    private readonly switches: readonly Switch[],
    private readonly touched: Set<Tensor>,
  ) {
    this.bound = [...inputs];
    for (const input of inputs) touched.add(input);
  }

  /** Whether a call with these arguments would take the same course, now. */
  hold(inputs: readonly Tensor[]): boolean {
    return this.areAlike(inputs) && this.admit(inputs);
  }

  /** The same, whichever tensors the arguments are. */
  areAlike(inputs: readonly Tensor[]): boolean {
    const { forms, gradients, switches } = this;
    if (inputs.length !== forms.length || mode.gradients !== this.records) return false;
    for (let i = 0; i < forms.length; i++) {
      const input = inputs[i];
      const { dtype, shape, requiresGrad, first } = forms[i];
      if (input.dtype !== dtype || input.tracked !== requiresGrad || !sameShape(input.shape, shape)) return false;
      if (i > 0 && inputs.indexOf(input) !== first) return false;
    }
    for (const { leaf, present, argument } of gradients) {
      const tensor = tensorAt(leaf, inputs);
      if (tensor === null || tensor.hasGradient !== present) return false;
      if (present && inputs.indexOf(tensor.madeGradient as Tensor) !== argument) return false;
    }
    for (const one of switches) {
      const on = one.kind === "training" ? one.module.training : tensorAt(one.place, inputs)?.tracked;
      if (on !== one.on) return false;
    }
    return true;
  }

  private admit(inputs: readonly Tensor[]): boolean {
    const { bound, touched, end } = this;
    for (let i = 0; i < bound.length; i++) {
      const input = inputs[i];
      // A look-up costs a fresh tensor more than all the rest.
      if (bound[i] === null ? input.id < end && touched.has(input) : bound[i] !== input) return false;
    }
    return true;
  }

  /**
   * Frees the arguments of two calls, alike but for their tensors, that the function did not reach for in the other.
   * @returns whether both now stand for the same calls
   */
  compare(other: Conditions): boolean {
    const [own, others] = [this.separable(other), other.separable(this)];
    this.free(own);
    other.free(others);
    return this.bound.every((tensor, i) => tensor === other.bound[i]);
  }

  private separable({ bound, touched }: Conditions): number[] {
    const places = this.bound.map((_, i) => i);
    return places.filter((i) => {
      const tensor = this.bound[i];
      return tensor !== null && tensor !== bound[i] && !touched.has(tensor);
    });
  }

  private free(places: readonly number[]): void {
    for (const i of places) {
      this.touched.delete(this.bound[i] as Tensor);
      this.bound[i] = null;
    }
  }
}
