import { formatShape } from "../array/shape.js";
import { AnomalyError, OptionError, ShapeError } from "../base/errors.js";
import { compileWhereItCan } from "../compile/index.js";
import { noGrad } from "../graph/modes.js";
import { checkCount } from "../nn/checks.js";
import { batchCount, batches, type Dataset, exampleCount, generatorOf, type RandomSource } from "../nn/data/dataset.js";
import { bceWithLogits, crossEntropy, mseLoss } from "../nn/losses.js";
import type { Layer } from "../nn/module.js";
import { Adam } from "../nn/optim/adam.js";
import type { Optimizer } from "../nn/optim/optimizer.js";
import { convert } from "../ops/cast.js";
import { checkOptions } from "../ops/create.js";
import { reshape } from "../ops/reshape.js";
import type { Tensor } from "../tensor/tensor.js";

/** A scalar from a batch's predictions and labels. */
export type Loss = (prediction: Tensor, labels: Tensor) => Tensor;

export interface Score {
  /** Mean over the examples. */
  readonly loss: number;
  /** Share of examples whose class is right; null where labels are not classes (int32). */
  readonly accuracy: number | null;
}

/** One pass over the data. */
export interface EpochRecord extends Score {
  /** From 1. */
  readonly epoch: number;
  readonly learningRate: number;
  /** After the epoch, on the validation data; null without. */
  readonly validation: Score | null;
}

export interface FitProgress extends Score {
  /** The epoch under way, from 1, of `epochs`. */
  readonly epoch: number;
  readonly epochs: number;
  /** How many of the epoch's `batches` are done. */
  readonly batch: number;
  readonly batches: number;
  /** Set at the end of an epoch; loss and accuracy are those of the epoch so far. */
  readonly record: EpochRecord | null;
}

export interface FitOptions extends RandomSource {
  /** Passes over the data; default 100. */
  epochs?: number;
  /** Default 32. */
  batchSize?: number;
  /** Default: see `defaultLoss`. */
  loss?: Loss;
  /** Default: Adam with learning rate 0.01. */
  optimizer?: Optimizer;
  /** Something whose `step()` is called after each epoch, such as a schedule of the learning rate. */
  schedule?: { step(): void };
  /** Data to score after each epoch. */
  validation?: Dataset;
  /** Visit the examples in a new random order each epoch; default true. */
  shuffle?: boolean;
  /** Leave out the last batch of an epoch where it is smaller, as batch norm may want; default false. */
  dropLast?: boolean;
  /**
   * Replay steps by `compile`; default true. Steps of a net or loss that reads values run as they are anyway. Say false
   * where numbers or other variables of the program, not tensors, decide what a step does and change while training.
   */
  compile?: boolean;
  /** Called after each epoch, and about every 30 ms between; awaited where it returns a promise. */
  onProgress?: (progress: FitProgress) => void | Promise<void>;
  /** Stops the training after the batch under way; an AbortSignal, or anything with `aborted`. */
  signal?: { readonly aborted: boolean };
}

export interface FitResult {
  readonly history: readonly EpochRecord[];
  /** Whether `signal` ended it early; an unfinished epoch is not in the history. */
  readonly stopped: boolean;
}

const FIT_OPTIONS = [
  "epochs",
  "batchSize",
  "loss",
  "optimizer",
  "schedule",
  "validation",
  "shuffle",
  "dropLast",
  "compile",
  "onProgress",
  "signal",
  "generator",
  "seed",
];

/** How long training may hold the event loop, so that a page stays alive. */
const TURN_MILLISECONDS = 30;

/**
 * Trains `net` on `data`. Loss and accuracy of an epoch are means over its batches, each taken before its update.
 * Gives way to the event loop about every 30 ms. Leaves the net in inference mode (`eval()`), however it ends.
 * @throws AnomalyError where the loss is not finite; a compiled step has then changed the parameters already.
 */
export async function fit(net: Layer, data: Dataset, options: FitOptions = {}): Promise<FitResult> {
  checkOptions(options, FIT_OPTIONS, "fit");
  const { loss = defaultLoss, schedule, validation, shuffle = true, dropLast = false, onProgress, signal } = options;
  const epochs = checkCount(options.epochs ?? 100, "epochs", "fit");
  const batchSize = checkCount(options.batchSize ?? 32, "batchSize", "fit");
  const count = exampleCount(data, "fit");
  if (count === 0) throw new OptionError("fit: the data has no examples");
  const optimizer = options.optimizer ?? new Adam(net.parameters(), { learningRate: 0.01 });
  checkOptimizer(optimizer, net);
  const generator = generatorOf(options, "fit");
  const perEpoch = batchCount(count, batchSize, dropLast);
  if (perEpoch === 0) {
    throw new OptionError(`fit: ${count} examples fill no batch of ${batchSize}, and dropLast leaves out smaller ones`);
  }
  const takeStep = stepOf(net, loss, optimizer, options.compile ?? true);
  const history: EpochRecord[] = [];
  let turnEnds = performance.now() + TURN_MILLISECONDS;
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const running = new RunningScore();
      const { learningRate } = optimizer;
      let batch = 0;
      net.train();
      for (const part of batches(data, batchSize, { shuffle, generator, dropLast })) {
        if (signal?.aborted) return { history, stopped: true };
        takeStep(part.inputs, part.labels, (value, prediction) => {
          running.add(finite(value, part, `epoch ${epoch}, batch ${batch}`), prediction, part.labels);
        });
        batch++;
        if (performance.now() >= turnEnds) {
          if (batch < perEpoch) {
            await onProgress?.({ epoch, epochs, batch, batches: perEpoch, ...running.score(), record: null });
          }
          await new Promise((resolve) => setTimeout(resolve, 0));
          // What ran meanwhile may have used the net for inference.
          net.train();
          turnEnds = performance.now() + TURN_MILLISECONDS;
        }
      }
      const scored = validation === undefined ? null : evaluate(net, validation, { loss });
      const record: EpochRecord = { epoch, learningRate, ...running.score(), validation: scored };
      history.push(record);
      schedule?.step();
      await onProgress?.({ epoch, epochs, batch, batches: perEpoch, ...running.score(), record });
    }
    return { history, stopped: false };
  } finally {
    net.eval();
  }
}

/** Takes a step, and tells the loss and the prediction: before the update where nothing is compiled. */
type Step = (inputs: Tensor, labels: Tensor, tell: (loss: Tensor, prediction: Tensor) => void) => void;

function stepOf(net: Layer, loss: Loss, optimizer: Optimizer, compiled: boolean): Step {
  const step = (inputs: Tensor, labels: Tensor, tell: (loss: Tensor, prediction: Tensor) => void): void => {
    optimizer.zeroGrad();
    const prediction = net.forward(inputs);
    const value = loss(prediction, labels);
    tell(value, prediction);
    value.backward();
    optimizer.step();
  };
  if (!compiled) return step;
  const replay = compileWhereItCan((inputs: Tensor, labels: Tensor) => {
    let results: [loss: Tensor, prediction: Tensor] | null = null;
    step(inputs, labels, (value, prediction) => {
      results = [value, prediction];
    });
    return results as unknown as [loss: Tensor, prediction: Tensor];
  });
  return (inputs, labels, tell) => tell(...replay(inputs, labels));
}

export interface EvaluateOptions {
  loss?: Loss;
  /** How many examples at a time; default 1024. */
  batchSize?: number;
}

/** Loss and accuracy in inference mode, without gradients. Leaves the modes of the net as they were. */
export function evaluate(net: Layer, data: Dataset, options: EvaluateOptions = {}): Score {
  checkOptions(options, ["loss", "batchSize"], "evaluate");
  const { loss = defaultLoss, batchSize = 1024 } = options;
  if (exampleCount(data, "evaluate") === 0) throw new OptionError("evaluate: the data has no examples");
  const inTraining = net.namedModules().filter(([, module]) => module.training);
  net.eval();
  try {
    return noGrad(() => {
      const running = new RunningScore();
      for (const part of batches(data, batchSize)) {
        const prediction = net.forward(part.inputs);
        running.add(loss(prediction, part.labels).item(), prediction, part.labels);
      }
      return running.score();
    });
  } finally {
    for (const [, module] of inTraining) module.training = true;
  }
}

/**
 * The loss that the shapes suggest. Labels that are classes (int32 [n]): cross-entropy of predictions [n, classes];
 * binary cross-entropy of a single logit, [n, 1] or [n]. Labels that are numbers: mean squared error.
 */
export function defaultLoss(prediction: Tensor, labels: Tensor): Tensor {
  if (labels.dtype !== "int32") {
    if (labels.ndim === 1 && !isSingleLogit(prediction)) {
      throw new ShapeError(
        `the labels are ${labels.dtype}${formatShape(labels.shape)}, one number for each example, and the prediction is ${formatShape(prediction.shape)}: pass classes as int32, or numbers in the prediction's shape`,
      );
    }
    return mseLoss(prediction, labels);
  }
  if (!isSingleLogit(prediction)) return crossEntropy(prediction, labels);
  return bceWithLogits(reshape(prediction, [prediction.shape[0]]), convert(labels, prediction.dtype));
}

function isSingleLogit(prediction: Tensor): boolean {
  return prediction.ndim === 1 || (prediction.ndim === 2 && prediction.shape[1] === 1);
}

/**
 * Share of right classes: the first largest of predictions [n, classes], or 1 where a single logit ([n, 1] or [n]) is
 * above 0. Labels are int32 [n].
 */
export function accuracy(prediction: Tensor, labels: Tensor): number {
  return labels.size === 0 ? Number.NaN : countRight(prediction, labels) / labels.size;
}

function countRight(prediction: Tensor, labels: Tensor): number {
  const single = isSingleLogit(prediction);
  if (labels.ndim !== 1 || prediction.shape[0] !== labels.size || !(single || prediction.ndim === 2)) {
    throw new ShapeError(
      `accuracy: prediction ${formatShape(prediction.shape)} must be [n, classes], [n, 1] or [n], and labels ${formatShape(labels.shape)} [n]`,
    );
  }
  const classes = single ? 1 : prediction.shape[1];
  const values = prediction.data;
  const expected = labels.data;
  let right = 0;
  for (let i = 0; i < expected.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (values[i * classes + k] > values[i * classes + best]) best = k;
    if (single) best = values[i] > 0 ? 1 : 0;
    if (best === expected[i]) right++;
  }
  return right;
}

/** Means over the examples seen so far. */
class RunningScore {
  private examples = 0;
  private loss = 0;
  private right = 0;
  private classes = true;

  add(loss: number, prediction: Tensor, labels: Tensor): void {
    const count = labels.shape[0];
    this.examples += count;
    this.loss += loss * count;
    this.classes &&= labels.dtype === "int32" && labels.ndim === 1 && prediction.ndim <= 2;
    if (this.classes) this.right += countRight(prediction, labels);
  }

  score(): Score {
    return { loss: this.loss / this.examples, accuracy: this.classes ? this.right / this.examples : null };
  }
}

function finite(loss: Tensor, { inputs, labels }: Dataset, where: string): number {
  const value = loss.item();
  if (Number.isFinite(value)) return value;
  const wrong = inputs.data.find((one) => !Number.isFinite(one)) ?? labels.data.find((one) => !Number.isFinite(one));
  const remedy =
    wrong === undefined
      ? "lower the learning rate, clip gradients, or find the op with detectAnomaly"
      : `the data of the batch have ${wrong}: leave out or replace such examples`;
  throw new AnomalyError(`fit: the loss is ${value} at ${where}; ${remedy}`);
}

function checkOptimizer(optimizer: Optimizer, net: Layer): void {
  const own = new Set(net.parameters());
  if (!optimizer.parameters.some((one) => own.has(one))) {
    throw new OptionError("fit: the optimizer holds none of the net's parameters; make it of net.parameters()");
  }
}
