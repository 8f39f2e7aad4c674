import {
  allOps,
  checkGradients,
  checkGraph,
  gradients,
  graphText,
  indexSelect,
  type Op,
  randn,
  type Tensor,
  tensor,
  trace,
} from "crease";
import { describe, expect, test } from "vitest";
import { sizeOf } from "../../src/array/shape.js";
import { Generator } from "../../src/base/random.js";
import { plain } from "../array/oracles.js";
import { run, samplesOf } from "../ops/samples.js";

/**
 * Random programs of all ops. A program is a list of applications; each takes tensors made before, brought into the
 * shape and range that a sample of the op asks for.
 */
interface Step {
  readonly op: Op;
  readonly sample: ReturnType<typeof samplesOf>[number];
  /** For each input: which of the tensors made before. */
  readonly from: readonly number[];
}

/** All but the one whose derivative is not that of its value, on purpose. */
const ops = allOps.filter(({ name }) => name !== "detach");

const INPUT_SHAPES: readonly (readonly number[])[] = [[], [1], [2, 3], [3, 1, 2]];

/** A program of `length` steps that starts with `must`. */
function randomProgram(generator: Generator, length: number, must: Op): Step[] {
  return Array.from({ length }, (_, i) => {
    const op = i === 0 ? must : ops[generator.integer(ops.length)];
    const samples = samplesOf(op);
    const sample = samples[generator.integer(samples.length)];
    return { op, sample, from: sample.inputs.map(() => generator.integer(1 << 16)) };
  });
}

/** x repeated or cut to `shape`, and squashed into `range`. */
function fit(x: Tensor, shape: readonly number[], [low, high]: readonly [number, number]): Tensor {
  const flat = x.reshape([x.size]);
  const picked = indexSelect(
    flat,
    0,
    Array.from({ length: sizeOf(shape) }, (_, i) => i % x.size),
  ).reshape(shape);
  return picked
    .sigmoid()
    .mul(high - low)
    .add(low);
}

/** Runs the program; gives one number that every tensor made contributes to. */
function interpret(program: readonly Step[], inputs: readonly Tensor[]): Tensor {
  const made: Tensor[] = [...inputs];
  let total: Tensor = tensor(0, { dtype: "float64" });
  for (const { op, sample, from } of program) {
    const operands = sample.inputs.map((input, i) =>
      typeof input === "function" ? input() : fit(made[from[i] % made.length], input, sample.range ?? [-2, 2]),
    );
    const y = run(op, sample, operands);
    if (y.dtype === "int32" || y.size === 0) continue;
    made.push(y);
    total = total.add(y.mul(0.5).sin().sum().mul(made.length));
  }
  return total;
}

function randomInputs(generator: Generator): Tensor[] {
  return INPUT_SHAPES.map((shape) => randn(shape, { dtype: "float64", generator }));
}

// Every op begins three programs; the seeds are fixed, so that no run meets a kink that another did not.
const programs = ops.flatMap((op, i) => [0, 1, 2].map((k) => [op.name, k, 3 * i + k, op] as const));

describe("random programs", () => {
  test.each(programs)(
    "from %s on, number %d: gradients and their gradients agree with differences",
    (_, _k, seed, op) => {
      const generator = new Generator(seed);
      const inputs = randomInputs(generator);
      const program = randomProgram(generator, 6, op);
      checkGradients((...points) => interpret(program, points), inputs, { directions: 1, tolerance: 1e-5 });
    },
  );

  test.each(programs.filter(([, k]) => k === 0))(
    "from %s on, have one gradient, fused or not, and one text",
    (_, _k, seed, op) => {
      const generator = new Generator(seed + 10_000);
      const values = randomInputs(generator);
      const program = randomProgram(generator, 8, op);
      const leaves = () => values.map((x) => tensor(Float64Array.from(x.data), { shape: x.shape, requiresGrad: true }));
      const [a, b, c] = [leaves(), leaves(), leaves()];
      interpret(program, a).backward();
      const fused = gradients(interpret(program, b), b);
      const asOps = gradients(interpret(program, c), c, { createGraph: true });
      fused.forEach((gradient, i) => {
        const { values: expected } = plain(asOps[i]);
        plain(gradient).values.forEach((value, k) => {
          expect(Math.abs(value - expected[k])).toBeLessThanOrEqual(1e-10 * (1 + Math.abs(expected[k])));
        });
        expect(plain(a[i].grad ?? gradient).values).toEqual(plain(gradient).values);
      });

      const traced = () => trace((...points) => interpret(program, points), ...values);
      const graph = traced();
      checkGraph(graph);
      expect(graph.outputs[0].value.item()).toBe(interpret(program, values).item());
      expect(graphText(traced())).toBe(graphText(graph));
      checkGraph(trace((...points) => gradients(interpret(program, points), points), ...leaves()));
    },
  );
});
