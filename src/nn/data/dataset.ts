import type { DType } from "../../array/dtype.js";
import { formatShape } from "../../array/shape.js";
import { OptionError, ShapeError } from "../../base/errors.js";
import { defaultGenerator, Generator } from "../../base/random.js";
import { noGrad } from "../../graph/modes.js";
import { fromArray } from "../../graph/new-tensor.js";
import { checkOptions } from "../../ops/create.js";
import { indexSelect } from "../../ops/gather.js";
import { slice } from "../../ops/slice.js";
import { Tensor } from "../../tensor/tensor.js";

/** Examples: row i of `inputs` belongs to row i of `labels`. */
export interface Dataset {
  /** [n, ...]. */
  readonly inputs: Tensor;
  /** Class numbers [n] as int32, or numbers to fit, [n, ...]. */
  readonly labels: Tensor;
}

/** Where random numbers come from: a generator, or a seed for a new one; else the stream of `manualSeed`. */
export interface RandomSource {
  generator?: Generator;
  seed?: number;
}

export function generatorOf({ generator, seed }: RandomSource, where: string): Generator {
  if (generator !== undefined && seed !== undefined) {
    throw new OptionError(`${where}: give a generator or a seed, not both`);
  }
  return generator ?? (seed === undefined ? defaultGenerator : new Generator(seed));
}

/** How many examples a data set has. */
export function exampleCount({ inputs, labels }: Dataset, where: string): number {
  if (!(inputs instanceof Tensor && labels instanceof Tensor)) {
    throw new OptionError(`${where}: data is { inputs, labels }, both tensors; make them with tensor(...)`);
  }
  if (inputs.ndim === 0 || labels.ndim === 0 || inputs.shape[0] !== labels.shape[0]) {
    throw new ShapeError(
      `${where}: inputs ${formatShape(inputs.shape)} and labels ${formatShape(labels.shape)} must have equally many rows`,
    );
  }
  return inputs.shape[0];
}

/** The examples of these numbers, in this order. */
function takeRows({ inputs, labels }: Dataset, rows: Int32Array): Dataset {
  return noGrad(() => {
    const index = fromArray(rows, "int32", [rows.length]);
    return { inputs: indexSelect(inputs, 0, index), labels: indexSelect(labels, 0, index) };
  });
}

/** Examples `from` to `to`, the latter excluded. */
function takeRange({ inputs, labels }: Dataset, from: number, to: number): Dataset {
  return noGrad(() => ({ inputs: slice(inputs, [[from, to, 1]]), labels: slice(labels, [[from, to, 1]]) }));
}

export interface SplitOptions extends RandomSource {
  /** Draw the examples at random; default true. */
  shuffle?: boolean;
}

/** Two data sets without common examples: `train` has this fraction of them (rounded), `test` the others. */
export function split(data: Dataset, fraction: number, options: SplitOptions = {}): { train: Dataset; test: Dataset } {
  checkOptions(options, ["shuffle", "generator", "seed"], "split");
  const count = exampleCount(data, "split");
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new OptionError(`split: the fraction is a number from 0 to 1, got ${String(fraction)}`);
  }
  const order =
    (options.shuffle ?? true)
      ? generatorOf(options, "split").permutation(count)
      : Int32Array.from({ length: count }, (_, i) => i);
  const first = Math.round(fraction * count);
  return { train: takeRows(data, order.slice(0, first)), test: takeRows(data, order.slice(first)) };
}

export interface BatchOptions extends RandomSource {
  /** Visit the examples in random order; default false. */
  shuffle?: boolean;
  /** Leave out the last batch where it is smaller; default false. */
  dropLast?: boolean;
}

/** The data set in batches of `size` examples; the last may be smaller. */
export function* batches(data: Dataset, size: number, options: BatchOptions = {}): globalThis.Generator<Dataset> {
  checkOptions(options, ["shuffle", "dropLast", "generator", "seed"], "batches");
  const count = exampleCount(data, "batches");
  if (!Number.isInteger(size) || size < 1) {
    throw new OptionError(`batches: the size is an integer of at least 1, got ${String(size)}`);
  }
  const order = options.shuffle ? generatorOf(options, "batches").permutation(count) : null;
  for (let from = 0; from < count; from += size) {
    const to = Math.min(from + size, count);
    if (options.dropLast && to - from < size) return;
    yield order === null ? takeRange(data, from, to) : takeRows(data, order.slice(from, to));
  }
}

/** How many batches `batches` gives. */
export function batchCount(count: number, size: number, dropLast = false): number {
  return dropLast ? Math.floor(count / size) : Math.ceil(count / size);
}

export interface SampleOptions extends RandomSource {
  /** How many examples. */
  samples?: number;
  /** Standard deviation of the normal noise that is added to each coordinate; default 0. */
  noise?: number;
  dtype?: DType;
}
