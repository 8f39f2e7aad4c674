import type { PlanarData } from "./data-sets.js";
import { type Growth, growthOf } from "./growth.js";
import type { Progress } from "./progress.js";
import { type Trained, trainOn } from "./train.js";

/** A data set with the two nets that were trained on it. */
export interface Subject {
  readonly set: PlanarData;
  readonly linear: Trained;
  readonly relu: Trained;
  /** Cells of the ReLU net as it learns. */
  readonly growth: Growth;
}

/** Trains a linear-only net and a ReLU net of the same widths. */
export async function study(set: PlanarData, progress: Progress): Promise<Subject> {
  const report = (name: string) => (epoch: number, epochs: number) =>
    progress.show(`${set.title}: training the ${name} net`, epoch, epochs);
  const linear = await trainOn(set, "none", { onEpoch: report("linear-only") });
  progress.done(`${set.title}: linear-only net, accuracy ${percent(linear.accuracy)}`);
  const growth = growthOf(set);
  const relu = await trainOn(set, "relu", {
    onEpoch: (epoch, epochs, net) => {
      report("ReLU")(epoch, epochs);
      growth.record(epoch, net);
    },
  });
  progress.done(`${set.title}: ReLU net of the same widths, accuracy ${percent(relu.accuracy)}`);
  return { set, linear, relu, growth: growth.result() };
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
