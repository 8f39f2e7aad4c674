import { formatShape } from "../array/shape.js";
import { AnomalyError } from "../base/errors.js";
import type { Op } from "../graph/making.js";
import { beside, checkFunction, synchronous, withMode } from "../graph/modes.js";
import { callSite } from "../graph/site.js";
import type { Tensor } from "../graph/tensor.js";
import { differentiating } from "./backward.js";

/**
 * Runs `fn` and raises at the first NaN or infinity that an op makes of finite inputs, forward or backward, naming
 * the op and the user's line. Slower by far than running plainly: for finding out, not for training.
 * Inside a compiled function it watches the calls that run it, not the replays.
 * @throws AnomalyError
 */
export function detectAnomaly<T>(fn: () => T): T {
  checkFunction(fn, "detectAnomaly");
  const sites = new WeakMap<Tensor, string>();
  return withMode(
    {
      observer: beside({
        recordsAll: false,
        made: (result, inputs, op) => {
          const bad = firstNonFinite(result);
          const site = callSite();
          if (site !== null) sites.set(result, site);
          if (bad < 0 || inputs.some((input) => firstNonFinite(input) >= 0)) return;
          throw describe(op, result, bad, inputs, site, sites);
        },
      }),
    },
    () => synchronous(fn(), "detectAnomaly"),
  );
}

function firstNonFinite({ buffer, offset, size }: Tensor): number {
  for (let i = 0; i < size; i++) if (!Number.isFinite(buffer[offset + i])) return i;
  return -1;
}

function describe(
  op: Op,
  result: Tensor,
  index: number,
  inputs: readonly Tensor[],
  site: string | null,
  sites: WeakMap<Tensor, string>,
): AnomalyError {
  const value = result.buffer[result.offset + index];
  const found = `${value} at element ${index} of shape ${formatShape(result.shape)}`;
  const of = inputs.map(
    (input) => `${formatShape(input.shape)}${input.size === 1 ? ` = ${input.buffer[input.offset]}` : ""}`,
  );
  if (differentiating?.op) {
    const forward = sites.get(differentiating);
    return new AnomalyError(
      `detectAnomaly: the gradient of ${differentiating.op.name} gave ${found}${forward ? `; the op was applied at ${forward}` : ""}; its inputs there are at the edge of where it is differentiable`,
    );
  }
  return new AnomalyError(
    `detectAnomaly: ${op.name}(${of.join(", ")}) gave ${found}${site ? `, applied at ${site}` : ""}; its inputs were finite`,
  );
}
