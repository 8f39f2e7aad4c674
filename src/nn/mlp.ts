import type { DType } from "../array/dtype.js";
import { formatShape } from "../array/shape.js";
import { OptionError, ShapeError } from "../base/errors.js";
import { Generator } from "../base/random.js";
import { shown } from "../base/shown.js";
import { checkOptions, tensor } from "../ops/create.js";
import { checkCount } from "./checks.js";
import { ELU, GELU, Hardtanh, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Softplus, Tanh } from "./layers/activation.js";
import { Linear } from "./layers/linear.js";
import { Sequential } from "./layers/sequential.js";
import type { Layer } from "./module.js";

const activations = {
  none: null,
  relu: () => new ReLU(),
  leakyRelu: () => new LeakyReLU(),
  relu6: () => new ReLU6(),
  hardtanh: () => new Hardtanh(),
  elu: () => new ELU(),
  tanh: () => new Tanh(),
  sigmoid: () => new Sigmoid(),
  gelu: () => new GELU(),
  silu: () => new SiLU(),
  softplus: () => new Softplus(),
} satisfies Record<string, (() => Layer) | null>;

/** The name of an activation ("none" for a linear-only net), or a function that makes one. */
export type Activation = keyof typeof activations | (() => Layer);

export interface MlpOptions {
  /** Between two Linear layers, not after the last; default "relu". */
  activation?: Activation;
  dtype?: DType;
  /** Where the initial values come from; default: the stream that `manualSeed` restarts. */
  generator?: Generator;
}

function makerOf(activation: Activation, where: string): (() => Layer) | null {
  if (typeof activation === "function") return activation;
  if (!Object.hasOwn(activations, activation)) {
    throw new OptionError(
      `${where}: unknown activation ${JSON.stringify(activation)}; use one of ${Object.keys(activations).join(", ")}, or a function that makes a module`,
    );
  }
  return activations[activation];
}

function alternate(linears: readonly Linear[], make: (() => Layer) | null): Sequential {
  return new Sequential(...linears.flatMap((linear, i) => (i === 0 || make === null ? [linear] : [make(), linear])));
}

/** A multi-layer perceptron: `mlp([2, 16, 1])` is Linear(2, 16), ReLU, Linear(16, 1). */
export function mlp(widths: readonly number[], options: MlpOptions = {}): Sequential {
  if (!Array.isArray(widths)) {
    throw new OptionError(`mlp: the widths are one list, such as mlp([2, 16, 1]), got ${shown(widths)}`);
  }
  const where = `mlp(${formatShape(widths)})`;
  checkOptions(options, ["activation", "dtype", "generator"], where);
  if (widths.length < 2) {
    throw new OptionError(`${where}: give at least two widths, the input's and the output's, such as [2, 16, 1]`);
  }
  widths.forEach((width, i) => {
    checkCount(width, `width ${i}`, where);
  });
  const { activation = "relu", ...linear } = options;
  const make = makerOf(activation, where);
  return alternate(
    widths.slice(1).map((width, i) => new Linear(widths[i], width, linear)),
    make,
  );
}

/** One layer's weights: rows of numbers, out x in. */
export type WeightRows = readonly ArrayLike<number>[];

/**
 * The multi-layer perceptron with these weights (row-major, out x in) and biases, one of each per layer.
 * @throws ShapeError that lists every layer that does not fit.
 */
export function mlpFromWeights(
  weights: readonly WeightRows[],
  biases: readonly ArrayLike<number>[],
  options: Omit<MlpOptions, "generator"> = {},
): Sequential {
  checkOptions(options, ["activation", "dtype"], "mlpFromWeights");
  const { activation = "relu", dtype = "float32" } = options;
  const make = makerOf(activation, "mlpFromWeights");
  const problems = weightProblems(weights, biases);
  if (problems.length > 0) {
    throw new ShapeError(
      `mlpFromWeights: ${problems.length === 1 ? "a layer does" : "layers do"} not fit:${problems.map((one) => `\n  ${one}`).join("")}`,
    );
  }
  // The drawn values are replaced at once: a generator of their own keeps the default stream as it is.
  const generator = new Generator(0);
  const linears = weights.map((rows, i) => {
    const linear = new Linear(rows[0].length, rows.length, { dtype, generator });
    linear.weight.assign_(
      tensor(
        rows.map((row) => Array.from(row)),
        { dtype },
      ),
    );
    linear.bias?.assign_(tensor(Array.from(biases[i]), { dtype }));
    return linear;
  });
  return alternate(linears, make);
}

function weightProblems(weights: readonly WeightRows[], biases: readonly ArrayLike<number>[]): string[] {
  const problems: string[] = [];
  if (weights.length === 0) problems.push("weights are empty; give at least one layer");
  if (weights.length !== biases.length) {
    problems.push(`${weights.length} layers of weights, but ${biases.length} of biases`);
  }
  weights.forEach((rows, i) => {
    const width = rows[0]?.length ?? 0;
    if (width === 0) {
      problems.push(`layer ${i}: the weights are empty; give out rows of in numbers`);
      return;
    }
    const ragged = Array.from(rows).findIndex((row) => row.length !== width);
    if (ragged >= 0) {
      problems.push(`layer ${i}: row ${ragged} has ${rows[ragged].length} weights, row 0 has ${width}`);
    }
    const before = i === 0 ? width : weights[i - 1].length;
    if (width !== before) {
      problems.push(`layer ${i}: its rows have ${width} weights, but layer ${i - 1} has ${before} outputs`);
    }
    if (i < biases.length && biases[i].length !== rows.length) {
      problems.push(`layer ${i}: ${rows.length} rows of weights, but ${biases[i].length} biases`);
    }
  });
  return problems;
}
