/** The random ReLU networks that geometry is measured on: the usual initialization, from a seed that the bench prints. */

import { type PwlNet, reluNet } from "../../src/pwl/net.js";

/** Weights and biases uniform in ±1/√(fan in), by a 32-bit mixing generator (splitmix's finalizer on a counter). */
export function randomRelu(widths: readonly number[], seed: number): PwlNet {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return 2 * (((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) - 1;
  };
  const layers = widths.slice(1).map((rows, l) => {
    const bound = 1 / Math.sqrt(widths[l]);
    const row = () => Array.from({ length: widths[l] }, () => bound * next());
    return { weights: Array.from({ length: rows }, row), bias: Array.from({ length: rows }, () => bound * next()) };
  });
  return reluNet(
    layers.map(({ weights }) => weights),
    layers.map(({ bias }) => bias),
  );
}
