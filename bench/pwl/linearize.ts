/**
 * What reading a net at one input costs.
 *
 *     npx tsx bench/pwl/linearize.ts
 *
 * Time: `linearize` (affine map, pattern, every sign decided exactly) of [2, 16, 16, 1] and of a convolutional net of 784
 * pixels, in forward passes at the same input; beside it one evaluation of the lowered net, which is in doubles, by plain
 * loops. Memory: how far the process grows, at its peak, when a larger convolutional net is read after a forward pass. Ends
 * with code 1 where a bound does not hold.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { countsOf, Generator, linearize, lower, nn, noGrad, randn, type Tensor } from "../../src/index.js";
import { evaluate } from "../../src/pwl/evaluate.js";
import { build } from "../build.js";
import { spreadOf } from "../statistics.js";

/** At most so many forward passes for [2, 16, 16, 1], and so many megabytes more at the peak for the large net. */
const FORWARD_PASSES = 20;
const PEAK_MEGABYTES = 64;

/** Microseconds per call of each, the median of rounds in which they take turns. */
function microseconds(calls: readonly (() => unknown)[]): number[] {
  const time = (call: () => unknown, count: number): number => {
    const before = performance.now();
    for (let i = 0; i < count; i++) call();
    return (1000 * (performance.now() - before)) / count;
  };
  const counts = calls.map((call) => {
    // long enough for the compiler to have done its work
    for (const end = performance.now() + 500; performance.now() < end; ) call();
    return Math.max(1, Math.round(50_000 / time(call, 5)));
  });
  const times: number[][] = calls.map(() => []);
  for (let round = 0; round < 15; round++) {
    calls.forEach((call, k) => {
      times[k].push(time(call, counts[k]));
    });
  }
  return times.map((one) => spreadOf(one).median);
}

function images(first: number, second: number, stride: number): nn.Sequential {
  const generator = new Generator(1);
  return new nn.Sequential(
    new nn.Conv2d(1, first, 5, { stride, padding: 2, generator }),
    new nn.ReLU(),
    new nn.Conv2d(first, second, 5, { stride, padding: 2, generator }),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(second * (28 / stride ** 2) ** 2, 10, { generator }),
  );
}

/** Whether linearize stays within `bound` forward passes. */
function time(name: string, net: nn.Sequential, x: Tensor, bound = Number.POSITIVE_INFINITY): boolean {
  const batch = x.unsqueeze(0);
  const pwl = lower(net, { shape: x.shape });
  const [first] = net.parameters();
  const numbers = x.data;
  const [forward, evaluation, lowered, again] = microseconds([
    () => noGrad(() => net.forward(batch)),
    () => evaluate(pwl, numbers),
    () => linearize(pwl, x),
    () => linearize(net, x),
  ]);
  const [changed] = microseconds([
    () => {
      noGrad(() => first.assign_(first.neg()));
      linearize(net, x);
    },
  ]);
  console.log(`${name}, at one input`);
  for (const [what, one] of [
    ["forward pass", forward],
    ["evaluation of the lowered net", evaluation],
    ["linearize of the lowered net", lowered],
    ["linearize of the module, traced", again],
    ["linearize of the module after an update, lowered anew", changed],
  ] as const) {
    const passes = (one / forward).toFixed(1);
    console.log(`  ${what.padEnd(54)} ${one.toFixed(1).padStart(8)} µs ${passes.padStart(6)} forward passes`);
  }
  return again <= bound * forward;
}

/** Whether reading the net grows the process by no more than the bound. */
function memory(): boolean {
  const net = images(32, 64, 1);
  const x = randn([1, 28, 28], { generator: new Generator(2) });
  noGrad(() => net.forward(x.unsqueeze(0)));
  const before = process.resourceUsage().maxRSS;
  const here = linearize(net, x);
  const grown = (process.resourceUsage().maxRSS - before) / 1024;
  const { gates, parameters } = countsOf(here.net);
  const dense = (8 * gates * x.size) / 2 ** 20;
  console.log(
    `784 pixels, ${gates} gates, ${parameters} parameters: the peak grows by ${grown.toFixed(0)} MB beyond a forward pass, bound ${PEAK_MEGABYTES} MB; a dense hidden-by-input matrix would take ${dense.toFixed(0)} MB`,
  );
  return grown <= PEAK_MEGABYTES;
}

function run(): void {
  // first, while the process has not grown by anything else
  const flat = memory();
  const fast = time(
    "[2, 16, 16, 1]",
    nn.mlp([2, 16, 16, 1], { generator: new Generator(1) }),
    randn([2], { generator: new Generator(2) }),
    FORWARD_PASSES,
  );
  time("784 pixels, 2352 gates", images(8, 16, 2), randn([1, 28, 28], { generator: new Generator(2) }));
  if (!flat || !fast) {
    console.log(`FAILED: ${flat ? "" : "memory "}${fast ? "" : `time, the bound is ${FORWARD_PASSES} forward passes`}`);
    process.exitCode = 1;
  }
}

// what is measured is what is published: plain JavaScript, without a loader's helpers
if (process.argv[2] === "--run") run();
else {
  const { status } = spawnSync(process.execPath, [join(build(), "bench/pwl/linearize.js"), "--run"], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
}
