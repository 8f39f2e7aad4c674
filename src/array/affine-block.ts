/** Linear maps as plain data: how an op says that it is linear, and what a PwlNet is made of. */

/** Which elements of an input compete for each output of a maximum: output g takes one of `indices[starts[g]]` to
 * `indices[starts[g + 1] - 1]`, the first of equal largest ones. */
export interface Competition {
  readonly starts: Int32Array;
  readonly indices: Int32Array;
}

/** Rows by columns, row-major. */
export interface DenseBlock {
  readonly kind: "dense";
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** Compressed sparse rows: row i holds entries `starts[i]` to `starts[i + 1]`; columns ascend within a row. */
export interface CsrBlock {
  readonly kind: "csr";
  readonly rows: number;
  readonly columns: number;
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** A 2-D convolution of one image: columns = C·H·W of the input, rows = O·H'·W' of the output, kernels OIHW. */
export interface ConvBlock {
  readonly kind: "conv";
  readonly rows: number;
  readonly columns: number;
  readonly inputShape: readonly [channels: number, height: number, width: number];
  readonly outputShape: readonly [channels: number, height: number, width: number];
  /** Height and width of a kernel. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  /** O × (C / groups) × kernel height × kernel width. */
  readonly values: Float64Array;
}

/** A linear map from `columns` numbers to `rows` numbers. Each kind has apply, applyT and row(i) in pwl/blocks.ts. */
export type AffineBlock = DenseBlock | CsrBlock | ConvBlock;

/** The map that leaves its numbers as they are. */
export function identityBlock(size: number): CsrBlock {
  const starts = new Int32Array(size + 1);
  for (let i = 0; i <= size; i++) starts[i] = i;
  return {
    kind: "csr",
    rows: size,
    columns: size,
    starts,
    indices: starts.subarray(0, size),
    values: new Float64Array(size).fill(1),
  };
}
