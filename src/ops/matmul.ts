import { multiplyInto } from "../array/kernels.js";
import { broadcastShapes, formatShape, type Shape, sizeOf } from "../array/shape.js";
import { ShapeError } from "../base/errors.js";
import { copyOf } from "../graph/new-tensor.js";
import { type Binary, defineOp, type OpFunction } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";
import { checkOptions } from "./create.js";
import { reshape, squeeze, transpose, unsqueeze } from "./reshape.js";

interface Transposes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The attributes of `product` for each choice, made once. */
export const AB: Transposes = Object.freeze({ transposeA: false, transposeB: false });
export const ATB: Transposes = Object.freeze({ transposeA: true, transposeB: false });
export const ABT: Transposes = Object.freeze({ transposeA: false, transposeB: true });
export const ATBT: Transposes = Object.freeze({ transposeA: true, transposeB: true });

function transposes(transposeA: boolean, transposeB: boolean): Transposes {
  return transposeA ? (transposeB ? ATBT : ATB) : transposeB ? ABT : AB;
}

function productShape(a: Shape, b: Shape, { transposeA, transposeB }: Transposes): Shape {
  const rows = a[a.length - (transposeA ? 1 : 2)];
  const inner = a[a.length - (transposeA ? 2 : 1)];
  const other = b[b.length - (transposeB ? 1 : 2)];
  const columns = b[b.length - (transposeB ? 2 : 1)];
  if (inner !== other) {
    throw new ShapeError(
      `matmul: ${formatShape(a)}${transposeA ? " transposed" : ""} has ${inner} columns, ${formatShape(b)}${transposeB ? " transposed" : ""} has ${other} rows; they must be equal`,
    );
  }
  if (a.length === 2 && b.length === 2) return [rows, columns];
  return [...broadcastShapes(a.slice(0, -2), b.slice(0, -2), "matmul"), rows, columns];
}

/** The transposes are attributes, so that neither the product nor its gradients ever copy a transposed matrix. */
export const product: OpFunction<Binary, Transposes> = defineOp<Binary, Transposes>({
  name: "matmul",
  doc: "op(A) · op(B) over the last two axes, op being the identity or the transpose; other axes broadcast",
  kind: "bilinear",
  broadcasts: true,
  shape: ([a, b], attrs) => productShape(a, b, attrs),
  overwrites: true,
  forward: (out, [a, b], { transposeA, transposeB }) => multiplyInto(out, a, b, transposeA, transposeB),
  block: (index, inputs, attrs) => {
    // a row times a matrix, or a matrix times a column: the other factor is the map, or its transpose
    const vector = inputs[index];
    const factor = inputs[1 - index];
    const { transposeA, transposeB } = attrs;
    const outer = (index === 0 ? !transposeA : transposeB) ? vector.shape[0] : vector.shape[1];
    if (vector.ndim !== 2 || factor.ndim !== 2 || outer !== 1) return null;
    const map = (index === 0 ? !transposeB : transposeA) ? transpose(factor) : factor;
    return { kind: "dense", rows: map.shape[0], columns: map.shape[1], values: Float64Array.from(copyOf(map)) };
  },
  vjp: [
    (dy, _a, b, _y, { transposeA, transposeB }) =>
      transposeA ? product(b, dy, transposes(transposeB, true)) : product(dy, b, transposes(false, !transposeB)),
    (dy, a, _b, _y, { transposeA, transposeB }) =>
      transposeB ? product(dy, a, transposes(true, transposeA)) : product(a, dy, transposes(!transposeA, false)),
  ],
  samples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attrs: { transposeA: false, transposeB: false },
    },
    {
      inputs: [
        [3, 2],
        [3, 4],
      ],
      attrs: { transposeA: true, transposeB: false },
    },
    {
      inputs: [
        [2, 3],
        [4, 3],
      ],
      attrs: { transposeA: false, transposeB: true },
    },
    {
      inputs: [
        [3, 2],
        [4, 3],
      ],
      attrs: { transposeA: true, transposeB: true },
    },
    {
      inputs: [
        [2, 1, 2, 3],
        [3, 3, 1],
      ],
      attrs: { transposeA: false, transposeB: false },
    },
    {
      inputs: [
        [2, 0],
        [0, 3],
      ],
      attrs: { transposeA: false, transposeB: false },
    },
  ],
});

export interface MatmulOptions {
  /** Swap the last two axes of a, or of b, without a copy. */
  transposeA?: boolean;
  transposeB?: boolean;
}

const OPTIONS = ["transposeA", "transposeB"];

/** The matrix product by NumPy's rule: vectors are rows on the left, columns on the right; other axes broadcast. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = AB): Tensor {
  checkOptions(options, OPTIONS, "matmul");
  const { transposeA = false, transposeB = false } = options;
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `matmul: shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}; a scalar has no rows: use mul`,
    );
  }
  if (a.ndim === 1) return squeeze(matmul(unsqueeze(a, 0), b, { transposeB }), b.ndim === 1 ? 0 : -2);
  if (b.ndim === 1) return squeeze(matmul(a, unsqueeze(b, 1), { transposeA }), -1);
  if (a.ndim > 2 && b.ndim === 2 && !transposeA) {
    // One matrix for a whole batch: the batch is more rows of a.
    productShape(a.shape, b.shape, { transposeA, transposeB });
    const rows = reshape(a, [sizeOf(a.shape.slice(0, -1)), a.shape[a.ndim - 1]]);
    const flat = product(rows, b, transposes(false, transposeB));
    return reshape(flat, [...a.shape.slice(0, -1), flat.shape[1]]);
  }
  return product(a, b, transposes(transposeA, transposeB));
}

/** Every record of this file, for the table-driven tests. */
export const matmulOps = [product.op];
