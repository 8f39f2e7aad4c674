import type { Tensor } from "crease";
import fc from "fast-check";

/**
 * Naive arrays: what the kernels are compared with. Every operation says which element of the input each element of
 * the output is, by index lists, and shares no code with src/array.
 */
export interface Naive {
  readonly shape: readonly number[];
  readonly at: (index: readonly number[]) => number;
}

/** All index lists of a shape, row-major. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, length) => all.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );
}

export function naive(x: Tensor): Naive {
  const data = x.data;
  const { shape } = x;
  return {
    shape,
    at: (index) => data[index.reduce((place, i, axis) => place * shape[axis] + i, 0)],
  };
}

export function build(shape: readonly number[], at: (index: readonly number[]) => number): Naive {
  return { shape, at };
}

/** Values in row-major order. */
export function valuesOf({ shape, at }: Naive): number[] {
  return indicesOf(shape).map(at);
}

/** A tensor as plain data, for comparison with `plain` of an oracle. */
export function plain(x: Tensor | Naive): { shape: number[]; values: number[] } {
  const array = "at" in x ? x : naive(x);
  return { shape: [...array.shape], values: valuesOf(array).map((value) => value + 0) };
}

/** NumPy's broadcasting, read backwards from the last axis; null where shapes do not fit. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const out: number[] = [];
  for (let axis = 1; axis <= rank; axis++) {
    const lengths = new Set(shapes.map((shape) => shape[shape.length - axis] ?? 1));
    lengths.delete(1);
    if (lengths.size > 1) return null;
    out.unshift([...lengths][0] ?? 1);
  }
  return out;
}

/** Reads an array as if it had been broadcast to `shape`. */
export function spread(x: Naive, shape: readonly number[]): Naive {
  const lead = shape.length - x.shape.length;
  return build(shape, (index) => x.at(x.shape.map((length, axis) => (length === 1 ? 0 : index[axis + lead]))));
}

/** Folds over axes; gives what is left, with length 1 where `keepdims`. */
export function reduceOver(
  x: Naive,
  axes: readonly number[],
  keepdims: boolean,
  fold: (values: number[]) => number,
): Naive {
  const shape = x.shape.flatMap((length, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [length]));
  return build(shape, (index) => {
    const places = indicesOf(axes.map((axis) => x.shape[axis]));
    return fold(
      places.map((place) => {
        let next = 0;
        return x.at(
          x.shape.map((_, axis) => {
            const reduced = axes.indexOf(axis);
            if (reduced >= 0) {
              if (keepdims) next++;
              return place[reduced];
            }
            return index[next++];
          }),
        );
      }),
    );
  });
}

/** Short axes, with 0 and 1 often among them. */
export const axisLength = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 8, arbitrary: fc.integer({ min: 2, max: 4 }) },
);

export const anyShape = fc.array(axisLength, { maxLength: 4 });

/** Shapes without an empty axis. */
export const filledShape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

/** A shape with at least one axis, and one of its axes, written from either end. */
export const shapeAndAxis = fc
  .array(axisLength, { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    fc.record({ shape: fc.constant(shape), axis: fc.integer({ min: -shape.length, max: shape.length - 1 }) }),
  );

/** Shapes that broadcast together: axes of one shape set to 1 or left out. */
export function broadcastable(count: number): fc.Arbitrary<number[][]> {
  return anyShape.chain((full) =>
    fc.tuple(
      ...Array.from({ length: count }, () =>
        fc
          .tuple(
            fc.nat({ max: full.length }),
            fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
          )
          .map(([drop, ones]) => full.map((length, axis) => (ones[axis] ? 1 : length)).slice(drop)),
      ),
    ),
  );
}
