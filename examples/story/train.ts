import { evaluate, fit, manualSeed, nn, optim } from "crease";
import type { PlanarData } from "./data-sets.js";

/** Hidden widths of the nets of the story; the linear-only net has the same. */
export const WIDTHS = [2, 16, 16, 2] as const;

export interface Trained {
  readonly net: nn.Sequential;
  /** Share of all examples that are classified right. */
  readonly accuracy: number;
  readonly loss: number;
}

export type Activation = "relu" | "none";

export interface TrainOptions {
  epochs?: number;
  seed?: number;
  /** Called after each epoch with the number done. */
  onEpoch?: (epoch: number, epochs: number, net: nn.Sequential) => void;
}

/** Trains a net on all of the data: it is to be read, not to be generalized from. */
export async function trainOn(set: PlanarData, activation: Activation, options: TrainOptions = {}): Promise<Trained> {
  const { epochs = 300, seed = 5, onEpoch } = options;
  manualSeed(seed);
  const net = nn.mlp([...WIDTHS], { activation });
  const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.01 });
  const batchSize = 50;
  await fit(net, set, {
    epochs,
    batchSize,
    optimizer,
    seed,
    schedule: new optim.CosineSchedule(optimizer, { steps: epochs }),
    onProgress: ({ record }) => {
      if (record !== null) onEpoch?.(record.epoch, epochs, net);
    },
  });
  const { loss, accuracy } = evaluate(net, set);
  return { net, loss, accuracy: accuracy as number };
}
