/**
 * Convolutions, forward and both gradients, on one thread and on two, in turns.
 *
 *     npx tsx bench/kernels/convolution-threads.ts [seconds per size]
 *
 * Median and quartiles over the turns: wall time of one thread divided by that of two, the same of the calling thread's
 * processor time (more is better), and processor time of two threads divided by that of one (what sharing costs). On a
 * machine that is busy otherwise wall time gains nothing: there is no second core to be had.
 */

import type { ArrayView } from "../../src/array/storage.js";
import {
  convolveInputGradientWasm,
  convolveKernelGradientWasm,
  convolveWasm,
} from "../../src/array/wasm/convolution.js";
import { team } from "../../src/array/wasm/threads.js";
import { setThreads } from "../../src/index.js";
import { comparison, header, type Times, timesOf } from "../thread-time.js";

/** Images, channels, kernels, and the side of the square image; kernels are 3 x 3, padded by 1. */
const sizes: readonly (readonly [number, number, number, number])[] = [
  [32, 8, 16, 28],
  [64, 8, 16, 28],
  [64, 32, 32, 14],
  [64, 32, 32, 28],
  [8, 64, 64, 56],
];
const window = { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] } as const;
/** Calls in a turn. */
const CALLS = 8;

function view(...shape: number[]): ArrayView {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: "float32", shape, size, buffer: Float32Array.from({ length: size }, Math.random), offset: 0 };
}

/** Two threads, once the second one has computed a part. */
async function startThreads(run: () => void): Promise<void> {
  setThreads(2);
  const end = performance.now() + 2000;
  while (team()?.partsOfHelpers === 0 && performance.now() < end) {
    run();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function main(seconds: number): Promise<void> {
  console.log(`Node ${process.version}; median and quartiles`);
  console.log(`images x channels x kernels, side   M products   what              ${header}`);
  for (const [batch, channels, kernels, side] of sizes) {
    const x = view(batch, channels, side, side);
    const y = view(batch, kernels, side, side);
    const w = view(kernels, channels, 3, 3);
    const runs: readonly [string, () => void][] = [
      ["forward", () => void convolveWasm(y, x, w, window, 1)],
      ["image gradient", () => void convolveInputGradientWasm(x, y, w, window, 1)],
      ["kernel gradient", () => void convolveKernelGradientWasm(w, x, y, window, 1)],
    ];
    const millions = (y.size * channels * 9) / 1e6;
    for (const [name, run] of runs) {
      const one: Times[] = [];
      const two: Times[] = [];
      const calls = () => {
        for (let call = 0; call < CALLS; call++) run();
      };
      const end = performance.now() + 1000 * seconds;
      for (let turn = 0; turn < 5 || performance.now() < end; turn++) {
        setThreads(1);
        run();
        one.push(await timesOf(calls));
        await startThreads(run);
        two.push(await timesOf(calls));
      }
      const what = `${batch} x ${channels} x ${kernels}, ${side}`.padEnd(36);
      console.log(`${what}${millions.toFixed(0).padStart(10)}   ${name.padEnd(18)}${comparison(one, two)}`);
    }
  }
  setThreads(1);
}

main(Number(process.argv[2] ?? 2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
