/**
 * Runs a file of reference cases computed by PyTorch through the public API:
 * `npx tsx test/conformance/pytorch.ts FILE [--float32]`. Output and gradients must agree within 1e-9 relative (1e-4 in
 * float32), second derivatives within 1e-7; the last line is `N passed, M failed`.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import * as crease from "crease";
import { type DType, gradients, losses, type Tensor, tensor } from "crease";

interface Values {
  shape: number[];
  data: number[];
}

export interface Case {
  op: string;
  attrs: Record<string, unknown>;
  inputs: Values[];
  out: Values;
  gout: number[];
  grads: number[][];
  hess: (number[] | null)[] | null;
}

type Attrs = Record<string, never>;
type Call = (inputs: Tensor[], attrs: Attrs) => Tensor;

/** How each op takes its attributes; ops not listed are functions of their inputs and an options object. */
const calls: Record<string, Call> = {
  pow: ([x], { exponent }) => crease.pow(x, exponent),
  transpose: ([x], { dims }) => x.transpose(...(dims as [number, number])),
  permute: ([x], { dims }) => x.permute(dims),
  reshape: ([x], { shape }) => x.reshape(shape),
  broadcastTo: ([x], { shape }) => x.broadcastTo(shape),
  slice: ([x], { ranges }) => x.slice(ranges),
  concat: (inputs, { axis }) => crease.concat(inputs, axis),
  stack: (inputs, { axis }) => crease.stack(inputs, axis),
  where: ([a, b], { cond }) => crease.where(tensor(cond, { dtype: a.dtype }), a, b),
  gather: ([x], { axis, index }) => x.gather(axis, index),
  indexSelect: ([x], { axis, index }) => x.indexSelect(axis, index),
  pad: ([x], { pads }) => x.pad(pads),
  cumsum: ([x], { axis }) => x.cumsum(axis),
  conv2d: ([x, w, bias], attrs) => crease.conv2d(x, w, bias, attrs),
  crossEntropy: ([x], { target }) => losses.crossEntropy(x, target),
  mseLoss: ([x, y]) => losses.mseLoss(x, y),
  bceWithLogits: ([x], { target }) => losses.bceWithLogits(x, tensor(target, { dtype: x.dtype })),
  hingeLoss: ([x, y]) => losses.hingeLoss(x, y),
  layerNorm: ([x, weight, bias], attrs) => crease.layerNorm(x, weight, bias, attrs),
};

function call(op: string, inputs: Tensor[], attrs: Record<string, unknown>): Tensor {
  const special = calls[op];
  if (special !== undefined) return special(inputs, attrs as Attrs);
  const fn = (crease as unknown as Record<string, (...args: unknown[]) => Tensor>)[op];
  if (typeof fn !== "function") throw new Error(`crease exports no function ${op}`);
  return Object.keys(attrs).length === 0 ? fn(...inputs) : fn(...inputs, attrs);
}

/** The largest difference, relative to the largest number of the expected values (at least 1). */
function difference(actual: ArrayLike<number>, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1, ...expected.map(Math.abs));
  let worst = 0;
  expected.forEach((value, i) => {
    worst = Math.max(worst, Number.isNaN(actual[i]) ? Number.POSITIVE_INFINITY : Math.abs(actual[i] - value) / scale);
  });
  return worst;
}

/** Null where the case passes, else what differs. */
export function runCase({ op, attrs, inputs, out, gout, grads, hess }: Case, dtype: DType): string | null {
  const tolerance = dtype === "float64" ? 1e-9 : 1e-4;
  const secondTolerance = dtype === "float64" ? 1e-7 : 1e-3;
  const xs = inputs.map(({ shape, data }) => tensor(Float64Array.from(data), { shape, dtype, requiresGrad: true }));
  const y = call(op, xs, attrs);
  if (JSON.stringify(y.shape) !== JSON.stringify(out.shape)) return `shape [${y.shape}], expected [${out.shape}]`;
  const problems: string[] = [];
  const compare = (what: string, actual: ArrayLike<number>, expected: readonly number[], limit: number) => {
    const worst = difference(actual, expected);
    if (!(worst <= limit)) problems.push(`${what} differs by ${worst.toExponential(2)}`);
  };
  compare("output", y.data, out.data, tolerance);
  const seed = tensor(Float64Array.from(gout), { shape: out.shape, dtype });
  const first = gradients(y, xs, { seed, createGraph: true });
  first.forEach((gradient, i) => {
    compare(`gradient ${i}`, gradient.data, grads[i], tolerance);
  });
  if (hess?.some((one) => one !== null)) {
    const total = first.map((gradient) => gradient.square().sum()).reduce((a, b) => a.add(b));
    const second = total.requiresGrad ? gradients(total, xs) : xs.map((x) => crease.zeros(x.shape, { dtype }));
    second.forEach((gradient, i) => {
      const expected = hess[i];
      if (expected !== null) compare(`second derivative ${i}`, gradient.data, expected, secondTolerance);
    });
  }
  return problems.length === 0 ? null : problems.join("; ");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [file, ...flags] = process.argv.slice(2);
  if (file === undefined) {
    console.error("usage: npx tsx test/conformance/pytorch.ts FILE [--float32]");
    process.exit(2);
  }
  const dtype: DType = flags.includes("--float32") ? "float32" : "float64";
  const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];
  let failed = 0;
  cases.forEach((one, i) => {
    let problem: string | null;
    try {
      problem = runCase(one, dtype);
    } catch (error) {
      problem = String(error);
    }
    if (problem === null) return;
    failed++;
    console.log(
      `case ${i}, ${one.op}(${one.inputs.map(({ shape }) => `[${shape}]`).join(", ")}) ${JSON.stringify(one.attrs)}: ${problem}`,
    );
  });
  console.log(`${cases.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
