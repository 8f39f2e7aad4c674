import { type DataArray, type DType, newArray } from "../array/dtype.js";
import { isInNursery, nursery } from "../array/nursery.js";
import { SCALAR, type Shape, sizeOf } from "../array/shape.js";
import { type ArrayView, arena } from "../array/storage.js";
import { LEAF, type Making, ofDtype } from "./making.js";
import { type Extras, Tensor, tick } from "./tensor.js";

/** The two kinds of tensors, and how to make them. */

/** A tensor whose values are in an array. */
class ArrayTensor extends Tensor {
  slot: number;
  making: Making;
  first: Tensor | null = null;
  second: Tensor | null = null;
  others: readonly Tensor[] | null = null;
  protected extras: Extras | null = null;
  readonly id = tick();
  buffer: DataArray;
  offset: number;
  readonly size: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Whether only what is computed from it can reach it, and whether it has no use any more. */
  isInner = false;
  isForgotten = false;

  constructor(dtype: DType, shape: Shape, size: number, buffer: DataArray, offset: number, requiresGrad: boolean) {
    super();
    this.slot = requiresGrad ? 0 : -1;
    this.making = ofDtype(LEAF, dtype);
    this.buffer = buffer;
    this.offset = offset;
    this.size = size;
    this.shape = shape;
    this.dtype = dtype;
  }

  get value(): number {
    return this.buffer[this.offset];
  }

  moveTo(buffer: DataArray, offset: number, resident: boolean): void {
    this.buffer = buffer;
    this.offset = offset;
    if (isInNursery(buffer)) nursery().add(this);
    this.noteResident(resident);
  }

  override release(): void {
    super.release();
    if (this.isInner) this.isForgotten = true;
  }

  override handOut(): void {
    this.isInner = false;
  }

  override keepInside(): void {
    this.isInner = true;
  }

  override forget(): void {
    if (this.isInner && this.op === null) this.isForgotten = true;
  }
}

/**
 * @internal One number that is a leaf, or made by elementwise ops of such numbers alone, so that all gradients behind
 * it are numbers, too. There are tens of thousands of them in a graph, so it has no array until one is asked for.
 */
export class Scalar extends Tensor {
  slot = -1;
  making: Making;
  first: Tensor | null = null;
  second: Tensor | null = null;
  protected extras: Extras | null = null;
  readonly id = tick();
  private held: number | { readonly buffer: DataArray; readonly offset: number };

  /** `value` is a number of that dtype. */
  constructor(dtype: DType, value: number) {
    super();
    this.making = ofDtype(LEAF, dtype);
    this.held = value;
  }

  get size(): number {
    return 1;
  }

  get shape(): Shape {
    return SCALAR;
  }

  get dtype(): DType {
    return this.making.dtype;
  }

  get others(): readonly Tensor[] | null {
    return this.extras === null ? null : this.extras.others;
  }

  set others(others: readonly Tensor[] | null) {
    this.extend().others = others;
  }

  get value(): number {
    const { held } = this;
    return typeof held === "number" ? held : held.buffer[held.offset];
  }

  get buffer(): DataArray {
    const { held } = this;
    if (typeof held !== "number") return held.buffer;
    const buffer = newArray(this.dtype, 1);
    buffer[0] = held;
    this.held = { buffer, offset: 0 };
    return buffer;
  }

  get offset(): number {
    const { held } = this;
    return typeof held === "number" ? 0 : held.offset;
  }

  moveTo(buffer: DataArray, offset: number, resident: boolean): void {
    this.held = { buffer, offset };
    this.noteResident(resident);
  }
}

// To users there is one class.
for (const one of [ArrayTensor, Scalar]) Object.defineProperty(one, "name", { value: Tensor.name });

/** A new tensor of zeros that nothing else shares, to be filled by the caller. */
export function newTensor(dtype: DType, shape: Shape, size: number, requiresGrad = false): Tensor {
  const from = arena(dtype);
  const buffer = from.allocate(size);
  const made = new ArrayTensor(dtype, shape, size, buffer, from.offset, requiresGrad);
  if (from.inNursery) nursery().add(made);
  return made;
}

/** A new tensor for the result of an op, which overwrites all of it: its values may be anything. */
export function newResult(dtype: DType, shape: Shape, size: number): Tensor {
  const from = arena(dtype);
  const buffer = from.allocateResult(size);
  const made = new ArrayTensor(dtype, shape, size, buffer, from.offset, false);
  if (from.inNursery) nursery().add(made);
  return made;
}

/** A tensor over a typed array that the caller gives away. */
export function fromArray(buffer: DataArray, dtype: DType, shape: Shape): Tensor {
  return new ArrayTensor(dtype, shape, sizeOf(shape), buffer, 0, false);
}

/** A Scalar, its value rounded as an array of that dtype would. */
export function scalarTensor(value: number, dtype: DType): Tensor {
  return new Scalar(dtype, dtype === "float64" ? value : dtype === "float32" ? Math.fround(value) : value | 0);
}

/** A 0-d tensor of the kind of `other`: a Scalar, or an array that kernels read like others. */
export function numberBeside(value: number, other: Tensor): Tensor {
  if (other.shape.length === 0 && other instanceof Scalar) return scalarTensor(value, other.dtype);
  const made = newTensor(other.dtype, SCALAR, 1);
  made.buffer[made.offset] = value;
  return made;
}

/** The same values under another shape, sharing memory where it is never overwritten: nobody can tell. */
export function sharedView(source: Tensor, shape: Shape): Tensor {
  if (shape.length === 0 && source instanceof Scalar) return new Scalar(source.dtype, source.value);
  if (source.isResident) return fromArray(copyOf(source), source.dtype, shape);
  // Who holds the view holds the values.
  source.handOut();
  const view = new ArrayTensor(source.dtype, shape, source.size, source.buffer, source.offset, false);
  if (isInNursery(source.buffer)) nursery().add(view);
  return view;
}

/** Moves values to where they stay, for a user who looks at their array and then applies ops. */
export function settle(x: Tensor): void {
  if (x.size > 1 && isInNursery(x.buffer)) x.moveTo(copyOf(x), 0, false);
}

/** Values as a tensor, in a buffer of their own. */
export function copyOf(source: ArrayView): DataArray {
  const copy = newArray(source.dtype, source.size);
  copy.set(source.buffer.subarray(source.offset, source.offset + source.size));
  return copy;
}
