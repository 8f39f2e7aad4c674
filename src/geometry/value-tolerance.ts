/** How far a cell's affine map may be off, and the forward pass there, as both round: what the checkers allow. */

import { applyAbsolute } from "../pwl/blocks.js";
import type { Affine, GateLayer, PwlNet } from "../pwl/net.js";

/** Above the rounding of sums of some thousand products, far below what a wrong map is off by. */
const RELATIVE = 1e-12;

/** Above what underflow does. */
const UNDERFLOW = 1e-280;

/**
 * A tolerance per output, relative to the sum of the absolute values of all products that may meet in the output, through
 * all layers: the output itself may be tiny, or 0, where these cancel. No state is asked for, as maps that were updated
 * from cell to cell keep the rounding of gates that were active before.
 *
 * @param reach the largest absolute value of each input.
 */
export function valueTolerances(net: PwlNet, reach: Float64Array): Float64Array {
  const sizes = [reach];
  for (const layer of net.layers) sizes.push(gateSizes(layer, sizesOf(layer.argument, sizes)));
  return sizesOf(net.output, sizes).map((size) => RELATIVE * size + UNDERFLOW);
}

function sizesOf({ terms, bias }: Affine, sizes: readonly Float64Array[]): Float64Array {
  const sums = bias.map(Math.abs);
  for (const { source, block } of terms) applyAbsolute(block, sizes[source], sums);
  return sums;
}

function gateSizes(layer: GateLayer, argument: Float64Array): Float64Array {
  if (layer.kind === "max") {
    const { starts } = layer;
    return Float64Array.from({ length: starts.length - 1 }, (_, g) =>
      argument.subarray(starts[g], starts[g + 1]).reduce((most, size) => Math.max(most, size), 0),
    );
  }
  const { threshold, lo, hi } = layer;
  return argument.map((size, i) => {
    const most = Math.abs(threshold[i]);
    return Math.max(Math.abs(lo[i]), Math.abs(hi[i])) * (size + most) + most;
  });
}
