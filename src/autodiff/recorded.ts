import { formatShape } from "../array/shape.js";
import { GradientError } from "../base/errors.js";
import type { Op } from "../graph/making.js";
import type { Tensor } from "../graph/tensor.js";

/** What the walks over a recorded graph share: the count of slots, and the errors of a graph that is not as it was. */

/** The next free slot; one below what a walk began with was given by an earlier walk. */
export const slots = { next: 1 };

export function released(node: Tensor, where: string): GradientError {
  return new GradientError(
    `${where}: the graph behind ${node.name || `a tensor of shape ${formatShape(node.shape)}`} was released by an earlier backward; keep it with backward({ retainGraph: true }), or compute the output again`,
  );
}

/** A value that the rule reads must be the one that was recorded. */
export function checkUnwritten(value: Tensor, node: Tensor): void {
  if (value.written > node.id) {
    throw new GradientError(
      `backward: ${value.name || `a tensor of shape ${formatShape(value.shape)}`} was overwritten (assign_ at time ${value.written}) after ${(node.op as Op).name} recorded it (time ${node.id}), and its old value is needed; run backward before assigning, or compute the output again`,
    );
  }
}
