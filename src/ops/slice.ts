import { concatInto, embedInto, type SliceRange, sliceInto } from "../array/move.js";
import { formatShape, normalizeAxis, type Shape } from "../array/shape.js";
import { AxisError, OptionError, ShapeError } from "../base/errors.js";
import { apply } from "../graph/apply.js";
import { defineOp, type OpFunction, type Unary, type Variadic } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";
import { checkOptions } from "./create.js";
import { broadcastTo } from "./reduce.js";
import { reshape, unsqueeze } from "./reshape.js";

/** Parts of tensors, and tensors of parts: slice and embed are each other's adjoints. */

const sliced: OpFunction<Unary, { ranges: readonly SliceRange[] }> = defineOp<Unary, { ranges: readonly SliceRange[] }>(
  {
    name: "slice",
    doc: "the elements start, start + step, … of each axis",
    kind: "affine",
    shape: (_, { ranges }) => ranges.map(({ length }) => length),
    dtype: ([x]) => x.dtype,
    forward: (out, [x], { ranges }) => sliceInto(out, x, ranges),
    vjp: [(dy, x, _y, { ranges }) => embedded(dy, { shape: x.shape, ranges, value: 0 })],
    samples: [
      {
        inputs: [[4, 3]],
        attrs: {
          ranges: [
            { start: 3, step: -2, length: 2 },
            { start: 1, step: 1, length: 2 },
          ],
        },
      },
      { inputs: [[3]], attrs: { ranges: [{ start: 0, step: 1, length: 0 }] } },
      { inputs: [[]], attrs: { ranges: [] } },
    ],
  },
);

const embedded: OpFunction<Unary, { shape: Shape; ranges: readonly SliceRange[]; value: number }> = defineOp<
  Unary,
  { shape: Shape; ranges: readonly SliceRange[]; value: number }
>({
  name: "embed",
  doc: "x at the named elements of a tensor that holds one value elsewhere",
  kind: "affine",
  shape: (_, { shape }) => shape,
  dtype: ([x]) => x.dtype,
  forward: (out, [x], { ranges, value }) => {
    if (value !== 0) out.buffer.fill(value, out.offset, out.offset + out.size);
    embedInto(out, x, ranges);
  },
  vjp: [(dy, _x, _y, { ranges }) => sliced(dy, { ranges })],
  samples: [
    {
      inputs: [[2, 2]],
      attrs: {
        shape: [3, 5],
        ranges: [
          { start: 2, step: -2, length: 2 },
          { start: 1, step: 2, length: 2 },
        ],
        value: 1.5,
      },
    },
  ],
});

/** One axis of a slice as users write it: `[start, stop, step]`, null for open, negative from the end. */
export type Range = readonly [start?: number | null, stop?: number | null, step?: number | null];

/** Python's rule for `start:stop:step` on an axis of `length`. */
function resolveRange(range: Range, length: number, axis: number): SliceRange {
  const [start = null, stop = null, step = null] = range;
  const by = step ?? 1;
  if (by === 0 || [start, stop, by].some((value) => value !== null && !Number.isInteger(value))) {
    throw new OptionError(`slice: range [${range.join(", ")}] of axis ${axis} needs integers and a step other than 0`);
  }
  const clip = (value: number, low: number, high: number) =>
    Math.min(Math.max(value < 0 ? value + length : value, low), high);
  if (by > 0) {
    const from = start === null ? 0 : clip(start, 0, length);
    const to = stop === null ? length : clip(stop, 0, length);
    return { start: from, step: by, length: Math.max(0, Math.ceil((to - from) / by)) };
  }
  const from = start === null ? length - 1 : clip(start, -1, length - 1);
  const to = stop === null ? -1 : clip(stop, -1, length - 1);
  return { start: from, step: by, length: Math.max(0, Math.ceil((to - from) / by)) };
}

const WHOLE: Range = [null, null, null];

/** The part of x that one `[start, stop, step]` per axis names; axes not named are whole. */
export function slice(x: Tensor, ranges: readonly (Range | null)[]): Tensor {
  if (!Array.isArray(ranges) || !ranges.every((range) => range === null || Array.isArray(range))) {
    throw new OptionError(
      `slice: got ${JSON.stringify(ranges)}; give a list with one [start, stop, step], or null for all, per axis, such as [[0, 2], null]`,
    );
  }
  if (ranges.length > x.ndim) {
    throw new AxisError(
      `slice: ${ranges.length} ranges for ${formatShape(x.shape)}, which has ${x.ndim} axes; give at most one per axis`,
    );
  }
  return sliced(x, {
    ranges: x.shape.map((length, axis) => resolveRange(ranges[axis] ?? WHOLE, length, axis)),
  });
}

/** Consecutive parts of x along `axis`: equal ones of `size` (the last may be shorter), or of the sizes listed. */
export function split(x: Tensor, size: number | readonly number[], axis = 0): Tensor[] {
  const along = normalizeAxis(axis, x.ndim, "split");
  const length = x.shape[along];
  let sizes: readonly number[];
  if (typeof size === "number") {
    if (!Number.isInteger(size) || size < 1)
      throw new OptionError(`split: size is an integer of at least 1, got ${size}`);
    sizes = Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size));
  } else sizes = size;
  const total = sizes.reduce((sum, one) => sum + one, 0);
  if (sizes.some((one) => !Number.isInteger(one) || one < 0)) {
    throw new OptionError(`split: sizes are non-negative integers, got ${formatShape(sizes)}`);
  }
  if (total !== length) {
    throw new ShapeError(
      `split: sizes ${formatShape(sizes)} add up to ${total}, axis ${along} of ${formatShape(x.shape)} has length ${length}`,
    );
  }
  let start = 0;
  return sizes.map((one) => {
    const ranges = x.shape.map((_, k): Range => (k === along ? [start, start + one] : WHOLE));
    start += one;
    return slice(x, ranges);
  });
}

/** x with `before` and `after` elements of `value` added to each axis. */
export function pad(x: Tensor, pads: readonly (readonly [number, number])[], value = 0): Tensor {
  if (pads.length !== x.ndim) {
    throw new AxisError(`pad: ${pads.length} pairs for ${formatShape(x.shape)}; give one [before, after] per axis`);
  }
  for (const [before, after] of pads) {
    if (!Number.isInteger(before) || !Number.isInteger(after) || before < 0 || after < 0) {
      throw new OptionError(`pad: [${before}, ${after}] must be non-negative integers; to cut, use slice`);
    }
  }
  return embedded(x, {
    shape: x.shape.map((length, axis) => length + pads[axis][0] + pads[axis][1]),
    ranges: x.shape.map((length, axis) => ({ start: pads[axis][0], step: 1, length })),
    value,
  });
}

const concatenated: OpFunction<Variadic, { axis: number }> = defineOp<Variadic, { axis: number }>({
  name: "concat",
  doc: "tensors joined along an axis",
  kind: "affine",
  shape: (shapes, { axis }) => {
    const [first] = shapes;
    for (const shape of shapes) {
      if (shape.length !== first.length || shape.some((length, k) => k !== axis && length !== first[k])) {
        throw new ShapeError(
          `concat: shapes ${formatShape(first)} and ${formatShape(shape)} must agree except along axis ${axis}`,
        );
      }
    }
    return first.map((length, k) => (k === axis ? shapes.reduce((sum, shape) => sum + shape[axis], 0) : length));
  },
  forward: (out, inputs, { axis }) => concatInto(out, inputs, axis),
  vjp:
    (index) =>
    (dy, ...rest) => {
      const { axis } = rest[rest.length - 1] as unknown as { axis: number };
      const inputs = rest.slice(0, -2) as Tensor[];
      let start = 0;
      for (let i = 0; i < index; i++) start += inputs[i].shape[axis];
      return slice(
        dy,
        inputs[index].shape.map((length, k): Range => (k === axis ? [start, start + length] : WHOLE)),
      );
    },
  samples: [
    {
      inputs: [
        [2, 1],
        [2, 3],
        [2, 2],
      ],
      attrs: { axis: 1 },
    },
    { inputs: [[0], [2]], attrs: { axis: 0 } },
  ],
});

function joiningAxis(tensors: readonly Tensor[], axis: number | { axis?: number }, where: string): number {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new ShapeError(
      `${where}: got ${Array.isArray(tensors) ? "no tensors" : "no list"}; give a list of at least one`,
    );
  }
  if (typeof axis === "number") return axis;
  checkOptions(axis, ["axis"], where);
  return axis.axis ?? 0;
}

/** Tensors joined along an axis that exists. */
export function concat(tensors: readonly Tensor[], axis: number | { axis?: number } = 0): Tensor {
  const along = joiningAxis(tensors, axis, "concat");
  return apply(concatenated.op, tensors, { axis: normalizeAxis(along, tensors[0].ndim, "concat") });
}

/** Tensors of one shape joined along a new axis. */
export function stack(tensors: readonly Tensor[], axis: number | { axis?: number } = 0): Tensor {
  const along = normalizeAxis(joiningAxis(tensors, axis, "stack"), tensors[0].ndim + 1, "stack");
  return concat(
    tensors.map((one) => unsqueeze(one, along)),
    along,
  );
}

/** x repeated `counts[axis]` times along each axis. */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  if (counts.length !== x.ndim || counts.some((count) => !Number.isInteger(count) || count < 0)) {
    throw new OptionError(
      `tile: counts ${formatShape(counts)} for ${formatShape(x.shape)}; give one non-negative integer per axis`,
    );
  }
  const spread = reshape(
    x,
    x.shape.flatMap((length) => [1, length]),
  );
  const repeated = broadcastTo(
    spread,
    x.shape.flatMap((length, axis) => [counts[axis], length]),
  );
  return reshape(
    repeated,
    x.shape.map((length, axis) => length * counts[axis]),
  );
}

/** Every record of this file, for the table-driven tests. */
export const sliceOps = [sliced.op, embedded.op, concatenated.op];
