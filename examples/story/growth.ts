import { type nn, partition } from "crease";
import { boxOf, type PlanarData } from "./data-sets.js";

/** How many cells a net has around its data, epoch by epoch. */
export interface Growth {
  readonly epochs: readonly number[];
  readonly cells: readonly number[];
}

/** Counts cells while a net is trained: often at first, then rarely. */
export function growthOf(set: PlanarData): { record(epoch: number, net: nn.Sequential): void; result(): Growth } {
  const epochs: number[] = [];
  const cells: number[] = [];
  const box = boxOf(set);
  return {
    record(epoch, net) {
      if (epoch !== 1 && epoch % (epoch <= 40 ? 4 : 20) !== 0) return;
      epochs.push(epoch);
      cells.push(partition(net, { box }).cells.length);
    },
    result: () => ({ epochs, cells }),
  };
}
