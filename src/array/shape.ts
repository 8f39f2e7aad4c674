import { AxisError, ShapeError } from "../base/errors.js";

/** Lengths of the axes, outermost first; `[]` is a scalar. Arrays are always contiguous and row-major. */
export type Shape = readonly number[];

/** The one shape of all scalars. */
export const SCALAR: Shape = Object.freeze([]);

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis];
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** Whether `inner` is the last axes of `outer`, but for axes of length 1 before them: it then repeats as a whole. */
export function isSuffix(inner: Shape, outer: Shape): boolean {
  let first = 0;
  while (first < inner.length && inner[first] === 1) first++;
  const lead = outer.length - inner.length;
  for (let axis = first; axis < inner.length; axis++) if (inner[axis] !== outer[axis + lead]) return false;
  return true;
}

/** `[2, 3]`, as messages and text forms show a shape. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Elements between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function checkShape(shape: Shape, where: string): Shape {
  if (!Array.isArray(shape)) {
    throw new ShapeError(`${where}: a shape is a list of non-negative integers such as [2, 3], got ${String(shape)}`);
  }
  for (const length of shape) {
    if (!Number.isInteger(length) || length < 0) {
      throw new ShapeError(
        `${where}: a shape is a list of non-negative integers, got ${formatShape(shape)}; ${length} is not one`,
      );
    }
  }
  return shape;
}

/** NumPy's rule: align at the last axis; lengths must be equal or one of them 1. */
export function broadcastShapes(a: Shape, b: Shape, where: string): Shape {
  if (sameShape(a, b)) return a;
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let axis = 1; axis <= rank; axis++) {
    const m = axis <= a.length ? a[a.length - axis] : 1;
    const n = axis <= b.length ? b[b.length - axis] : 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new ShapeError(
        `${where}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: axis -${axis} is ${m} and ${n}; make them equal or one of them 1`,
      );
    }
    shape[rank - axis] = m === 1 ? n : m;
  }
  return shape;
}

/** A non-negative axis below `rank`; -1 is the last. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    const range = rank === 0 ? "a scalar has no axes" : `axes of a ${rank}-d tensor are ${-rank} to ${rank - 1}`;
    throw new AxisError(`${where}: axis ${axis} is out of range; ${range}`);
  }
  return normal;
}

/** Ascending non-negative axes without repeats; null means all. */
export function normalizeAxes(axis: number | readonly number[] | null, rank: number, where: string): readonly number[] {
  if (axis === null) return Array.from({ length: rank }, (_, index) => index);
  if (typeof axis === "number") return [normalizeAxis(axis, rank, where)];
  if (!Array.isArray(axis)) {
    throw new AxisError(`${where}: an axis is a number or a list of numbers, got ${JSON.stringify(axis)}`);
  }
  const axes = axis.map((one: number) => normalizeAxis(one, rank, where)).sort((a, b) => a - b);
  for (let i = 1; i < axes.length; i++) {
    if (axes[i] === axes[i - 1]) {
      throw new AxisError(`${where}: axis ${axes[i]} is named twice in ${formatShape(axis)}; name each axis once`);
    }
  }
  return axes;
}

/** The shape after reducing `axes` (normalized). */
export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  if (!keepdims && axes.length === shape.length) return SCALAR;
  const reduced: number[] = [];
  for (let axis = 0, next = 0; axis < shape.length; axis++) {
    if (axes[next] !== axis) reduced.push(shape[axis]);
    else {
      next++;
      if (keepdims) reduced.push(1);
    }
  }
  return reduced;
}
