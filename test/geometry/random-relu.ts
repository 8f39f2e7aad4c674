/** ReLU nets with the usual initialization, uniform in ±1/√(fan in), from a seed. */

import { type PwlNet, reluNet } from "../../src/pwl/net.js";

export function randomRelu(widths: readonly number[], seed: number): PwlNet {
  let state = seed * 2654435761 + 1;
  const next = () => {
    // a multiplicative congruential generator (Park and Miller); plenty for weights
    state = (Math.abs(state) % 2147483646) + 1;
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
  for (let k = 0; k < 10; k++) next();
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
