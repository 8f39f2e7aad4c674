/**
 * Products and sums of affine maps, for lowering: structure is kept where it can be (a convolution stays one under a
 * scale per channel, the identity leaves everything as it is), and every rounding is counted.
 *
 * Roundings are measured, not estimated: each sum and product is an error-free transformation (Dekker 1971, Knuth TAOCP
 * vol. 2, sec. 4.2.2), whose error terms are exact. An exact result is therefore known to be one.
 */

import { identityBlock } from "../array/affine-block.js";
import { row, toDense } from "./blocks.js";
import { multiplyConvolutions, type ProductAccumulator } from "./compose-convolution.js";
import type { Affine, AffineBlock, AffineTerm, ConvBlock, CsrBlock } from "./net.js";

/** How many numbers an operation rounded, and by how much at most. */
export class Roundings {
  numbers = 0;
  /** The largest absolute error of one number. */
  largest = 0;

  note(error: number): void {
    if (error === 0) return;
    this.numbers++;
    this.largest = Math.max(this.largest, Math.abs(error));
  }

  add(a: number, b: number): number {
    const sum = a + b;
    this.note(sumError(a, b, sum));
    return sum;
  }

  multiply(a: number, b: number): number {
    const product = a * b;
    this.note(productError(a, b, product));
    return product;
  }

  divide(a: number, b: number): number {
    const quotient = a / b;
    // exact iff quotient · b is a; the error of a rounded quotient is at most half a unit in its last place
    const remainder = a - quotient * b - productError(quotient, b, quotient * b);
    if (remainder !== 0) this.note(Math.abs(quotient) * 2 ** -53 + Number.MIN_VALUE);
    return quotient;
  }
}

/** The exact a + b - sum, for sum = fl(a + b). */
function sumError(a: number, b: number, sum: number): number {
  if (a === 0 || b === 0 || !Number.isFinite(sum)) return 0;
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

const SPLIT = 2 ** 27 + 1;

/** The exact a · b - product, for product = fl(a · b); a safe bound where the product nears under- or overflow. */
function productError(a: number, b: number, product: number): number {
  if (a === 0 || b === 0 || Math.abs(a) === 1 || Math.abs(b) === 1 || !Number.isFinite(product)) return 0;
  const size = Math.abs(product);
  if (size < 2 ** -960 || size > 2 ** 960 || Math.abs(a) > 2 ** 960 || Math.abs(b) > 2 ** 960) {
    return size * 2 ** -53 + Number.MIN_VALUE;
  }
  const aHigh = SPLIT * a - (SPLIT * a - a);
  const bHigh = SPLIT * b - (SPLIT * b - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

// --- blocks that select --------------------------------------------------------------------------------------------

/** Row i is `scale[i]` times entry `index[i]` of the source, or zero where the index is -1. */
export function selection(index: ArrayLike<number>, columns: number, scale?: ArrayLike<number>): CsrBlock {
  const rows = index.length;
  const starts = new Int32Array(rows + 1);
  const kept: number[] = [];
  for (let i = 0; i < rows; i++) {
    if (index[i] >= 0 && (scale === undefined || scale[i] !== 0)) kept.push(i);
    starts[i + 1] = kept.length;
  }
  return {
    kind: "csr",
    rows,
    columns,
    starts,
    indices: Int32Array.from(kept, (i) => index[i]),
    values: Float64Array.from(kept, (i) => (scale === undefined ? 1 : scale[i])),
  };
}

/** Whether a block leaves its source as it is. */
export function isIdentity(block: AffineBlock): boolean {
  if (block.kind !== "csr" || block.rows !== block.columns || block.values.length !== block.rows) return false;
  for (let i = 0; i < block.rows; i++) {
    if (block.starts[i] !== i || block.indices[i] !== i || block.values[i] !== 1) return false;
  }
  return true;
}

/** The factors of a diagonal block, or null. */
function diagonalOf(block: AffineBlock): Float64Array | null {
  if (block.kind !== "csr" || block.rows !== block.columns) return null;
  const factors = new Float64Array(block.rows);
  for (let i = 0; i < block.rows; i++) {
    const at = block.starts[i];
    if (block.starts[i + 1] > at + 1 || (block.starts[i + 1] === at + 1 && block.indices[at] !== i)) return null;
    if (block.starts[i + 1] === at + 1) factors[i] = block.values[at];
  }
  return factors;
}

// --- products and sums of blocks -----------------------------------------------------------------------------------

/** The block `left · right`. */
export function multiplyBlocks(left: AffineBlock, right: AffineBlock, roundings: Roundings): AffineBlock {
  if (isIdentity(right)) return left;
  if (isIdentity(left)) return right;
  if (right.kind === "conv") {
    const composed =
      left.kind === "conv"
        ? multiplyConvolutions(left, right, (places) => new ProductSums(places, roundings))
        : scaleChannels(left, right, roundings);
    if (composed !== null) return composed;
  }
  const sums = new RowSums(right.columns, roundings);
  return sums.collect(left.rows, (i) => {
    const { indices, values } = row(left, i);
    for (let at = 0; at < indices.length; at++) {
      if (values[at] !== 0) sums.addScaled(values[at], right, indices[at]);
    }
  });
}

/** `left + right`, of the same rows and columns. */
function addBlocks(left: AffineBlock, right: AffineBlock, roundings: Roundings): AffineBlock {
  const sums = new RowSums(left.columns, roundings);
  return sums.collect(left.rows, (i) => {
    sums.addScaled(1, left, i);
    sums.addScaled(1, right, i);
  });
}

/** A diagonal times a convolution, where the diagonal is constant in each output channel: a convolution again. */
function scaleChannels(left: AffineBlock, conv: ConvBlock, roundings: Roundings): ConvBlock | null {
  const factors = diagonalOf(left);
  if (factors === null) return null;
  const [channels, height, width] = conv.outputShape;
  const plane = height * width;
  const weights = conv.values.length / channels;
  const values = new Float64Array(conv.values.length);
  for (let o = 0; o < channels; o++) {
    const factor = factors[o * plane];
    for (let i = 0; i < plane; i++) if (factors[o * plane + i] !== factor) return null;
    for (let k = 0; k < weights; k++) {
      values[o * weights + k] = roundings.multiply(factor, conv.values[o * weights + k]);
    }
  }
  return { ...conv, values };
}

/** Numbered sums of products, with the exact error of each. */
class ProductSums implements ProductAccumulator {
  readonly #sums: Float64Array;
  readonly #errors: Float64Array;

  constructor(
    places: number,
    readonly roundings: Roundings,
  ) {
    this.#sums = new Float64Array(places);
    this.#errors = new Float64Array(places);
  }

  addProduct(place: number, a: number, b: number): void {
    const product = a * b;
    const sum = this.#sums[place] + product;
    this.#errors[place] += Math.abs(productError(a, b, product)) + Math.abs(sumError(this.#sums[place], product, sum));
    this.#sums[place] = sum;
  }

  finish(): Float64Array {
    for (const error of this.#errors) this.roundings.note(error);
    return this.#sums;
  }
}

/** Sums of scaled rows, one result row at a time, with the exact error of every entry. */
class RowSums {
  readonly #sums: Float64Array;
  readonly #errors: Float64Array;
  readonly #isTouched: Uint8Array;
  #touched: number[] = [];

  constructor(
    readonly columns: number,
    readonly roundings: Roundings,
  ) {
    this.#sums = new Float64Array(columns);
    this.#errors = new Float64Array(columns);
    this.#isTouched = new Uint8Array(columns);
  }

  /** Adds `factor · row i of block` to the row under way. */
  addScaled(factor: number, block: AffineBlock, i: number): void {
    const { indices, values } = row(block, i);
    for (let at = 0; at < indices.length; at++) {
      if (values[at] === 0) continue;
      const column = indices[at];
      const product = factor * values[at];
      const sum = this.#sums[column] + product;
      this.#errors[column] +=
        Math.abs(productError(factor, values[at], product)) + Math.abs(sumError(this.#sums[column], product, sum));
      this.#sums[column] = sum;
      if (this.#isTouched[column] === 0) {
        this.#isTouched[column] = 1;
        this.#touched.push(column);
      }
    }
  }

  /** The block whose row i is what `fill(i)` adds: dense where more than half of its entries are stored, else sparse. */
  collect(rows: number, fill: (i: number) => void): AffineBlock {
    const starts = new Int32Array(rows + 1);
    const indices: number[] = [];
    const values: number[] = [];
    for (let i = 0; i < rows; i++) {
      fill(i);
      for (const column of this.#touched.sort((a, b) => a - b)) {
        this.roundings.note(this.#errors[column]);
        if (this.#sums[column] !== 0) {
          indices.push(column);
          values.push(this.#sums[column]);
        }
        this.#sums[column] = 0;
        this.#errors[column] = 0;
        this.#isTouched[column] = 0;
      }
      this.#touched = [];
      starts[i + 1] = indices.length;
    }
    return sparseOrDense({
      kind: "csr",
      rows,
      columns: this.columns,
      starts,
      indices: Int32Array.from(indices),
      values: Float64Array.from(values),
    });
  }
}

/** A sparse block as it is, or dense where more than half of its entries are stored and a row has several. */
export function sparseOrDense(block: CsrBlock): AffineBlock {
  const { rows, columns, values } = block;
  if (values.length <= rows || values.length * 2 <= rows * columns) return block;
  return { kind: "dense", rows, columns, values: toDense(block) };
}

// --- affine maps ---------------------------------------------------------------------------------------------------

/** Source `source` itself, of `size` numbers. */
export function sourceAffine(source: number, size: number): Affine {
  return { size, terms: [{ source, block: identityBlock(size) }], bias: new Float64Array(size) };
}

export function constantAffine(values: ArrayLike<number>): Affine {
  return { size: values.length, terms: [], bias: Float64Array.from(values) };
}

/** `block · affine + bias`. */
export function composeAffine(block: AffineBlock, affine: Affine, bias: Float64Array, roundings: Roundings): Affine {
  const terms = affine.terms.flatMap(({ source, block: inner }): AffineTerm[] => {
    const product = multiplyBlocks(block, inner, roundings);
    return isZero(product) ? [] : [{ source, block: product }];
  });
  if (affine.bias.every((value) => value === 0)) return { size: block.rows, terms, bias };
  const sum = bias.slice();
  for (let i = 0; i < block.rows; i++) {
    const { indices, values } = row(block, i);
    let error = 0;
    for (let at = 0; at < indices.length; at++) {
      const product = values[at] === 0 ? 0 : values[at] * affine.bias[indices[at]];
      const next = sum[i] + product;
      error += Math.abs(productError(values[at], affine.bias[indices[at]], product));
      error += Math.abs(sumError(sum[i], product, next));
      sum[i] = next;
    }
    roundings.note(error);
  }
  return { size: block.rows, terms, bias: sum };
}

/** `a + b`, of the same size. */
export function addAffine(a: Affine, b: Affine, roundings: Roundings): Affine {
  const terms = new Map(a.terms.map(({ source, block }) => [source, block]));
  for (const { source, block } of b.terms) {
    const other = terms.get(source);
    terms.set(source, other === undefined ? block : addBlocks(other, block, roundings));
  }
  return {
    size: a.size,
    terms: [...terms]
      .filter(([, block]) => !isZero(block))
      .sort(([first], [second]) => first - second)
      .map(([source, block]) => ({ source, block })),
    bias: a.bias.map((value, i) => roundings.add(value, b.bias[i])),
  };
}

function isZero(block: AffineBlock): boolean {
  return block.kind === "csr" && block.values.length === 0;
}
