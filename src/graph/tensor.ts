import type { DataArray, DType } from "../array/dtype.js";
import { formatShape, type Shape, stridesOf } from "../array/shape.js";
import type { ArrayView } from "../array/storage.js";
import { ValueError } from "../base/errors.js";
import { type Attributes, type Making, type Op, ofDtype, RELEASED } from "./making.js";
import { mode } from "./modes.js";

/** Ids and write times come from one clock, so that "written after it was recorded" is a comparison. */
let clock = 0;

export function tick(): number {
  return ++clock;
}

/** Called before user code reads values; reading an input-dependent value stops `lower` with an error. */
let readObserver: ((tensor: Tensor) => void) | null = null;

export function observeReads(observer: ((tensor: Tensor) => void) | null): ((tensor: Tensor) => void) | null {
  const previous = readObserver;
  readObserver = observer;
  return previous;
}

/** Tells who watches reads that values are read, by whatever turns them into something other than tensors. */
export function noteRead(tensor: Tensor): void {
  if (readObserver !== null) readObserver(tensor);
}

export type GradientHook = (gradient: Tensor) => Tensor | undefined;

/** What few tensors have, kept apart so that the many others are small. */
export interface Extras {
  /** The inputs of a Scalar after the second. */
  others: readonly Tensor[] | null;
  /** The gradient, or a function that makes it when it is asked for (a compiled step leaves it in its own memory). */
  grad: Tensor | (() => Tensor) | null;
  name: string;
  written: number;
  hooks: GradientHook[] | null;
  /** Whether a compiled program may overwrite the values in memory, so that nobody may share them. */
  resident: boolean;
}

/**
 * An array of numbers that remembers how it was made. Values never change, but for the explicit `assign_`; nobody
 * frees a tensor, and one that is held stays readable. Its ops are methods, declared in tensor/tensor.ts.
 *
 * Fields are few and the inputs are no array, because graphs of scalars consist of nothing else: their time is that of
 * the memory that they take, the collector's included. What backward reads stands first, together.
 */
export abstract class Tensor implements ArrayView {
  // The fields are each class's own: an object whose fields are set by two constructors costs twice as much.

  /** @internal Its place in the lists of the walk that last met it, counted over all walks; -1 where none is to. */
  abstract slot: number;
  /** @internal How it was made. */
  abstract making: Making;
  /** @internal What it was made of: the first input, the second, and the others. */
  abstract first: Tensor | null;
  /** @internal */
  abstract second: Tensor | null;
  /** @internal */
  abstract others: readonly Tensor[] | null;
  protected abstract extras: Extras | null;
  abstract readonly id: number;

  /** Number of elements. */
  abstract readonly size: number;
  abstract readonly shape: Shape;
  abstract readonly dtype: DType;

  /** @internal Values are `buffer[offset]` to `buffer[offset + size - 1]`, row-major; other tensors may share them. */
  abstract get buffer(): DataArray;
  /** @internal */
  abstract get offset(): number;

  /** @internal The first value. */
  abstract get value(): number;

  /** @internal Moves the values to memory that others may (or, `resident`, may not) share. */
  abstract moveTo(buffer: DataArray, offset: number, resident: boolean): void;

  /** @internal The op that made it, or null. */
  get op(): Op | null {
    return this.making.op;
  }

  /** @internal */
  get attrs(): Attributes {
    return this.making.attrs;
  }

  /** @internal What `requiresGrad` is, for those whom nobody watches. */
  get tracked(): boolean {
    return this.slot >= 0;
  }

  set tracked(tracked: boolean) {
    if (tracked !== this.slot >= 0) this.slot = tracked ? 0 : -1;
  }

  protected extend(): Extras {
    this.extras ??= { others: null, grad: null, name: "", written: 0, hooks: null, resident: false };
    return this.extras;
  }

  /** Whether `backward` computes a gradient for it. */
  get requiresGrad(): boolean {
    mode.observer?.requiresGradRead?.(this);
    return this.tracked;
  }

  set requiresGrad(requiresGrad: boolean) {
    this.tracked = requiresGrad;
    mode.observer?.requiresGradSet?.(this);
  }

  /** The gradient that `backward` accumulated, for leaves that require one. */
  get grad(): Tensor | null {
    mode.observer?.gradientRead?.(this);
    if (this.extras === null) return null;
    if (typeof this.extras.grad === "function") this.extras.grad = this.extras.grad();
    return this.extras.grad;
  }

  set grad(gradient: Tensor | null) {
    if (gradient !== null || this.extras !== null) this.extend().grad = gradient;
    mode.observer?.gradientSet?.(this, gradient);
  }

  /** @internal Whether there is a gradient, without making it. */
  get hasGradient(): boolean {
    return this.extras !== null && this.extras.grad !== null;
  }

  /** @internal The gradient; null where there is none or it is still to be made. */
  get madeGradient(): Tensor | null {
    const gradient = this.extras === null ? null : this.extras.grad;
    return typeof gradient === "function" ? null : gradient;
  }

  /** @internal Leaves the making of the gradient to the first who asks. */
  setGradientSource(source: () => Tensor): void {
    this.extend().grad = source;
  }

  /** @internal Whether its values may be overwritten in memory by a compiled program: to be copied, not shared. */
  get isResident(): boolean {
    return this.extras?.resident ?? false;
  }

  protected noteResident(resident: boolean): void {
    if (resident || this.extras !== null) this.extend().resident = resident;
  }

  /** Shown in drawings, text and errors. */
  get name(): string {
    return this.extras === null ? "" : this.extras.name;
  }

  set name(name: string) {
    if (name !== "" || this.extras !== null) this.extend().name = name;
  }

  /** @internal When `assign_` last wrote, 0 for never; see `tick`. */
  get written(): number {
    return this.extras === null ? 0 : this.extras.written;
  }

  set written(time: number) {
    this.extend().written = time;
  }

  /** @internal */
  get hooks(): GradientHook[] | null {
    return this.extras === null ? null : this.extras.hooks;
  }

  set hooks(hooks: GradientHook[] | null) {
    this.extend().hooks = hooks;
  }

  /** The tensors that its op was applied to, in order; empty for leaves. */
  get inputs(): readonly Tensor[] {
    const inputs: Tensor[] = [];
    for (let place = 0; place < this.inputCount; place++) {
      const input = this.inputAt(place);
      input.handOut();
      inputs.push(input);
    }
    return inputs;
  }

  /** @internal The input at a place below `inputCount`. */
  inputAt(place: number): Tensor {
    return (
      place === 0 ? this.first : place === 1 ? this.second : (this.others as readonly Tensor[])[place - 2]
    ) as Tensor;
  }

  /** @internal */
  get inputCount(): number {
    if (this.second === null) return this.first === null ? 0 : 1;
    const { others } = this;
    return others === null ? 2 : others.length + 2;
  }

  /** @internal Notes how it was made. */
  record(making: Making, inputs: readonly Tensor[]): void {
    this.making = making;
    if (inputs.length > 0) this.first = inputs[0];
    if (inputs.length > 1) this.second = inputs[1];
    if (inputs.length > 2) this.others = inputs.slice(2);
  }

  /** @internal Forgets how it was made, so that what made it can be collected. */
  release(): void {
    this.making = ofDtype(RELEASED, this.making.dtype);
    this.first = null;
    this.second = null;
    if (this.others !== null) this.others = null;
  }

  /** @internal */
  get isReleased(): boolean {
    return this.making === ofDtype(RELEASED, this.making.dtype);
  }

  /**
   * @internal Says that nobody but what is computed from it next holds it, so that its values need not outlive its
   * graph; `handOut` takes that back.
   */
  keepInside(): void {}

  /** @internal Says that somebody got hold of it, who may keep it. */
  handOut(): void {}

  /** @internal Says the same once what is computed from it is there: without a graph, its values have no use. */
  forget(): void {}

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Whether no op made it: it is a parameter, an input or a constant. */
  get isLeaf(): boolean {
    return this.op === null && !this.isReleased;
  }

  /** The one number of a tensor of one element. */
  item(): number {
    if (this.size !== 1) {
      throw new ValueError(
        `item() reads a tensor of one element, this one has shape ${formatShape(this.shape)}; use toArray() or data`,
      );
    }
    noteRead(this);
    return this.value;
  }

  /** A copy of the values, row-major. */
  get data(): DataArray {
    noteRead(this);
    return this.buffer.slice(this.offset, this.offset + this.size);
  }

  /** A copy as nested arrays; a number for a scalar. */
  toArray(): NestedArray {
    noteRead(this);
    if (this.shape.length === 0) return this.buffer[this.offset];
    const strides = stridesOf(this.shape);
    const build = (axis: number, from: number): NestedArray[] =>
      Array.from({ length: this.shape[axis] }, (_, i) => {
        const place = from + i * strides[axis];
        return axis === this.shape.length - 1 ? this.buffer[place] : build(axis + 1, place);
      });
    return build(0, this.offset);
  }
}

/** Numbers in nested arrays of any depth. */
export type NestedArray = number | readonly NestedArray[];
