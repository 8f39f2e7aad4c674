/**
 * Affine blocks by columns. When one gate changes its state, the maps of the next layer change by one column of weights
 * times one affine function; row-major blocks would be strided there.
 */

import { row } from "../../pwl/blocks.js";
import type { AffineBlock } from "../../pwl/net.js";

/** A block whose columns are contiguous and whole. */
export interface DenseColumns {
  readonly kind: "dense";
  readonly rows: number;
  readonly columns: number;
  /** Column j holds values j · rows to (j + 1) · rows. */
  readonly values: Float64Array;
}

/** A block whose columns are contiguous: column j holds entries starts[j] to starts[j + 1], rows ascending. */
export interface SparseColumns {
  readonly kind: "sparse";
  readonly rows: number;
  readonly columns: number;
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

export type Columns = DenseColumns | SparseColumns;

/** A block rearranged by columns; once per net. */
export function columnsOf(block: AffineBlock): Columns {
  const { rows, columns } = block;
  if (block.kind === "dense") {
    const values = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) values[j * rows + i] = block.values[i * columns + j];
    }
    return { kind: "dense", rows, columns, values };
  }
  // count the entries of each column, then fill row by row, so that the rows of a column ascend
  const starts = new Int32Array(columns + 1);
  for (let i = 0; i < rows; i++) for (const j of row(block, i).indices) starts[j + 1]++;
  for (let j = 0; j < columns; j++) starts[j + 1] += starts[j];
  const indices = new Int32Array(starts[columns]);
  const values = new Float64Array(starts[columns]);
  const next = starts.slice(0, columns);
  for (let i = 0; i < rows; i++) {
    const entries = row(block, i);
    entries.indices.forEach((j, at) => {
      indices[next[j]] = i;
      values[next[j]++] = entries.values[at];
    });
  }
  return { kind: "sparse", rows, columns, starts, indices, values };
}
