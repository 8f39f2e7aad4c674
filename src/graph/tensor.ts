import type { AffineBlock, Competition } from "../array/affine-block.js";
import { type DataArray, type DType, newArray } from "../array/dtype.js";
import type { Expression, Scalars } from "../array/expression.js";
import { isInNursery, nursery } from "../array/nursery.js";
import { formatShape, SCALAR, type Shape, sizeOf, stridesOf } from "../array/shape.js";
import { type ArrayView, arena } from "../array/storage.js";
import { ValueError } from "../base/errors.js";
import { mode } from "./modes.js";

/** Named constants of one application of an op, such as `{ axis: 1 }`; plain data. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * How an op depends on its inputs, read after constants are folded:
 * - affine: affine in all inputs together (sum, reshape, add);
 * - bilinear: affine in each input while the others are constant (mul, matmul, conv2d);
 * - gate: piecewise linear with a kink (relu, max);
 * - step: piecewise constant (sign, argmax, comparisons);
 * - random: drawn anew at every call;
 * - smooth: anything else.
 */
export type Kind = "affine" | "bilinear" | "gate" | "step" | "random" | "smooth";

/** An example on which the table-driven tests run an op: shapes of random inputs, or tensors, and attributes. */
export interface OpSample {
  readonly inputs: readonly (Shape | (() => Tensor))[];
  readonly attrs?: Attributes;
  /** Where random inputs are drawn from; default [-2, 2]. */
  readonly range?: readonly [number, number];
}

/** A gradient rule of one argument: gets the incoming gradient, the inputs, the output and the attributes. */
export type GradientRule = (dy: Tensor, ...rest: never[]) => Tensor;

/** Where the gradient of input `index` is to be written, in the input's shape; null where it is not wanted. */
export type GradientTarget = (index: number) => Tensor | null;

/** What the engine knows of an op: the record given to `defineOp`, with what is derived from it. */
export interface Op {
  readonly name: string;
  readonly doc: string;
  readonly kind: Kind;
  /** Elementwise ops only. */
  readonly scalar: ((e: Scalars<unknown>, ...rest: unknown[]) => unknown) | null;
  readonly shape: ((shapes: readonly Shape[], attrs: Attributes) => Shape) | null;
  readonly dtype: ((inputs: readonly Tensor[], attrs: Attributes) => DType) | null;
  readonly forward: ((out: ArrayView, inputs: readonly Tensor[], attrs: Attributes) => void) | null;
  readonly overwrites: boolean;
  readonly block: ((index: number, inputs: readonly Tensor[], attrs: Attributes) => AffineBlock | null) | null;
  readonly competition: ((shape: Shape, attrs: Attributes) => Competition) | null;
  /** One rule per input, or one function of the input's number for ops of any number of inputs. */
  readonly rules: readonly (GradientRule | null)[] | ((index: number) => GradientRule);
  /** All gradients at once, where that is faster than the rules one by one; null without. */
  readonly pullback: ((dy: Tensor, node: Tensor, target: GradientTarget) => void) | null;
  /** What it is short for, applied in its place where somebody watches; null for most. */
  readonly expansion: ((...inputs: Tensor[]) => Tensor) | null;
  /** Whether inputs broadcast, so that the engine sums their gradients back to their shapes. */
  readonly broadcasts: boolean;
  readonly samples: readonly OpSample[];
  readonly record: unknown;
  /** Whether a user defined it, whose rules may keep the gradients that they see. */
  foreign: boolean;
  /** The last expression made for it, and the attributes that it was made for. */
  expression: Expression | null;
  expressionAttrs: Attributes;
  /** Expressions made for other attributes. */
  expressions: Map<string, Expression>;
  /** What autodiff/ derived from the gradient rules, kept here because a look-up per edge would cost more. */
  derived: object | null;
}

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

export const NO_ATTRIBUTES: Attributes = Object.freeze({});

/** Attributes of a tensor whose graph was released after backward. */
const RELEASED: Attributes = Object.freeze({ released: true });
/** Those of a result that the graph alone holds, and of one whose graph was released: nobody can ask for its values. */
const INNER: Attributes = Object.freeze({});
const FORGOTTEN: Attributes = Object.freeze({ released: true });

export type GradientHook = (gradient: Tensor) => Tensor | undefined;

/** What few tensors have, kept apart so that the many others are small. */
interface Extras {
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
 * Fields are few and the inputs are no array, because graphs of scalars consist of nothing else: the collector's time
 * is half of theirs, and it goes with the number of objects and bytes. What backward reads stands first, together.
 */
export class Tensor implements ArrayView {
  /** @internal What `requiresGrad` is, for those whom nobody watches. */
  tracked: boolean;
  /** @internal Its place in the lists of the walk that last met it, counted over all walks. */
  slot = 0;
  /** @internal The op that made it, or null. */
  op: Op | null = null;
  /** @internal What it was made of: the first input, the second, and the others. */
  first: Tensor | null = null;
  /** @internal */
  second: Tensor | null = null;
  /** @internal */
  others: readonly Tensor[] | null = null;
  /** @internal */
  attrs: Attributes = NO_ATTRIBUTES;
  private extras: Extras | null = null;
  /** @internal Values are `buffer[offset]` to `buffer[offset + size - 1]`, row-major; other tensors may share them. */
  buffer: DataArray;
  /** @internal */
  offset: number;
  /** Number of elements. */
  readonly size: number;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly id: number;

  /** @internal Use `tensor(...)`. */
  constructor(dtype: DType, shape: Shape, size: number, buffer: DataArray, offset: number, requiresGrad: boolean) {
    this.tracked = requiresGrad;
    this.buffer = buffer;
    this.offset = offset;
    this.size = size;
    this.shape = shape;
    this.dtype = dtype;
    this.id = ++clock;
  }

  private extend(): Extras {
    this.extras ??= { grad: null, name: "", written: 0, hooks: null, resident: false };
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

  /** @internal Moves the values to memory that others may (or, `resident`, may not) share. */
  moveTo(buffer: DataArray, offset: number, resident: boolean): void {
    this.buffer = buffer;
    this.offset = offset;
    if (isInNursery(buffer)) nursery().add(this);
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
      if (input.attrs === INNER) input.attrs = NO_ATTRIBUTES;
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
    return this.others === null ? 2 : this.others.length + 2;
  }

  /** @internal Notes how it was made. */
  record(op: Op, inputs: readonly Tensor[], attrs: Attributes): void {
    this.op = op;
    this.attrs = attrs;
    if (inputs.length > 0) this.first = inputs[0];
    if (inputs.length > 1) this.second = inputs[1];
    if (inputs.length > 2) this.others = inputs.slice(2);
  }

  /** @internal Forgets how it was made, so that what made it can be collected. */
  release(): void {
    this.op = null;
    this.first = null;
    this.second = null;
    this.others = null;
    this.attrs = this.attrs === INNER ? FORGOTTEN : RELEASED;
  }

  /** @internal */
  get isReleased(): boolean {
    return this.attrs === RELEASED || this.attrs === FORGOTTEN;
  }

  /**
   * @internal Says that nobody but what is computed from it next holds it, so that its values need not outlive its
   * graph; `inputs` takes that back. Only for results of ops without attributes.
   */
  keepInside(): void {
    if (this.attrs === NO_ATTRIBUTES) this.attrs = INNER;
  }

  /** @internal Says the same once what is computed from it is there: without a graph, its values have no use. */
  forget(): void {
    if (this.op === null && this.attrs === INNER) this.attrs = FORGOTTEN;
  }

  /** @internal Whether its values have no use any more. */
  get isForgotten(): boolean {
    return this.attrs === FORGOTTEN;
  }

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
    return this.buffer[this.offset];
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

/** A new tensor of zeros that nothing else shares, to be filled by the caller. */
export function newTensor(dtype: DType, shape: Shape, size: number, requiresGrad = false): Tensor {
  const from = arena(dtype);
  const buffer = from.allocate(size);
  const made = new Tensor(dtype, shape, size, buffer, from.offset, requiresGrad);
  if (from.inNursery) nursery().add(made);
  return made;
}

/** A new tensor for the result of an op, which overwrites all of it: its values may be anything. */
export function newResult(dtype: DType, shape: Shape, size: number): Tensor {
  const from = arena(dtype);
  const buffer = from.allocateResult(size);
  const made = new Tensor(dtype, shape, size, buffer, from.offset, false);
  if (from.inNursery) nursery().add(made);
  return made;
}

/** A tensor over a typed array that the caller gives away. */
export function fromArray(buffer: DataArray, dtype: DType, shape: Shape): Tensor {
  return new Tensor(dtype, shape, sizeOf(shape), buffer, 0, false);
}

/** A 0-d tensor. */
export function scalarTensor(value: number, dtype: DType): Tensor {
  const tensor = newTensor(dtype, SCALAR, 1);
  tensor.buffer[tensor.offset] = value;
  return tensor;
}

/** The same values under another shape, sharing memory where it is never overwritten: nobody can tell. */
export function sharedView(source: Tensor, shape: Shape): Tensor {
  if (source.isResident) return fromArray(copyOf(source), source.dtype, shape);
  const view = new Tensor(source.dtype, shape, source.size, source.buffer, source.offset, false);
  if (isInNursery(source.buffer)) nursery().add(view);
  return view;
}

/** Values as a tensor, in a buffer of their own. */
export function copyOf(source: ArrayView): DataArray {
  const copy = newArray(source.dtype, source.size);
  copy.set(source.buffer.subarray(source.offset, source.offset + source.size));
  return copy;
}
