import { concat, type data, type Generator, matmul, nn, noGrad, type Tensor, tensor, zeros } from "crease";
import { axisNames, controlNames, type Flight, stateNames } from "./helicopter.js";

/** How many samples of state and controls a model sees: the present one and those before it. */
export const LAGS = 10;

const CHANNELS = stateNames.length + controlNames.length;
const WINDOW = LAGS * CHANNELS;
const AXES = axisNames.length;

/** Where a channel of a lag stands in a window: the present sample comes first, states before controls. */
export function place(channel: (typeof stateNames)[number] | (typeof controlNames)[number], lag: number): number {
  return lag * CHANNELS + [...stateNames, ...controlNames].indexOf(channel);
}

/** Inputs [n, WINDOW]: states and controls up to a sample; labels [n, AXES]: the accelerations measured there. */
export function windows(flights: readonly Flight[]): data.Dataset {
  const parts = flights.map(({ states, controls, accelerations }) => {
    const samples = tensor(states.map((state, i) => [...state, ...controls[i]]));
    const lagged = Array.from({ length: LAGS }, (_, lag) => samples.slice([[LAGS - 1 - lag, states.length - lag]]));
    return { inputs: concat(lagged, 1), labels: tensor(accelerations.slice(LAGS - 1)) };
  });
  return {
    inputs: concat(parts.map(({ inputs }) => inputs)),
    labels: concat(parts.map(({ labels }) => labels)),
  };
}

/** Accelerations as an affine function of the window, by least squares. */
export class LinearModel extends nn.Module {
  /** Of each number of the window over the training data, so that all are of one size. */
  private readonly mean: Tensor;
  private readonly spread: Tensor;
  readonly affine: nn.Linear;

  constructor({ inputs, labels }: data.Dataset, generator: Generator) {
    super();
    this.mean = nn.buffer(inputs.mean(0));
    this.spread = nn.buffer(inputs.std(0));
    this.affine = new nn.Linear(WINDOW, AXES, { generator });
    const offset = labels.mean(0);
    this.affine.weight.assign_(leastSquares(this.normalize(inputs), labels.sub(offset)).transpose(0, 1));
    this.affine.bias?.assign_(offset);
  }

  protected normalize(window: Tensor): Tensor {
    return window.sub(this.mean).div(this.spread);
  }

  forward(window: Tensor): Tensor {
    return this.affine.forward(this.normalize(window));
  }
}

/**
 * The linear model plus what ReLU features of the same window add to it, as in Punjani and Abbeel, "Deep Learning
 * Helicopter Dynamics Models" (ICRA 2015). It starts as the linear model: features add nothing yet, and the crease of
 * each runs through an example drawn at random, so that it parts the data.
 */
export class ReluNetworkModel extends LinearModel {
  readonly features: nn.Linear;
  readonly added: nn.Linear;

  constructor(training: data.Dataset, units: number, generator: Generator) {
    super(training, generator);
    this.features = new nn.Linear(WINDOW, units, { generator });
    this.added = new nn.Linear(units, AXES, { bias: false, generator });
    noGrad(() => {
      const drawn = tensor(
        Array.from({ length: units }, () => generator.integer(training.inputs.shape[0])),
        { dtype: "int32" },
      );
      const examples = this.normalize(training.inputs.indexSelect(0, drawn));
      this.features.bias?.assign_(this.features.weight.mul(examples).sum(1).neg());
      this.added.weight.assign_(zeros(this.added.weight.shape));
    });
  }

  override forward(window: Tensor): Tensor {
    const z = this.normalize(window);
    return this.affine.forward(z).add(this.added.forward(this.features.forward(z).relu()));
  }
}

/** The W [in, out] that makes |X W − Y|² least, X being [n, in] and Y [n, out], by the normal equations. */
function leastSquares(X: Tensor, Y: Tensor): Tensor {
  const [rows, size] = X.shape;
  const wide = X.to("float64");
  const G = matmul(wide, wide, { transposeA: true }).toArray() as number[][];
  const W = matmul(wide, Y.to("float64"), { transposeA: true }).toArray() as number[][];
  // a little is added to the diagonal, as neighbouring samples are almost the same
  for (let i = 0; i < size; i++) G[i][i] += 1e-6 * rows;
  const subtract = (from: number[], what: readonly number[], factor: number): void => {
    for (let j = 0; j < from.length; j++) from[j] -= factor * what[j];
  };
  for (let pivot = 0; pivot < size; pivot++) {
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue;
      const factor = G[i][pivot] / G[pivot][pivot];
      subtract(G[i], G[pivot], factor);
      subtract(W[i], W[pivot], factor);
    }
  }
  return tensor(W.map((row, i) => row.map((one) => one / G[i][i])));
}
