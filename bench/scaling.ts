/**
 * Time of a training step against width, depth, batch and graph size, for Crease and its peers, as SVG plots and JSON.
 *
 *   npm ci --prefix bench && npx tsx bench/scaling.ts [--only width] [--out folder] [--clock wall|processor]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import type { ContestantName } from "./child.js";
import { type Effort, measure } from "./measure.js";
import { plot } from "./plot.js";
import { formatTime } from "./table.js";
import { type Workload, writeWorkload } from "./workloads.js";

interface Series {
  readonly title: string;
  readonly abscissa: string;
  readonly names: readonly ContestantName[];
  readonly points: readonly { readonly x: number; readonly workload: Workload }[];
}

const libraries: readonly ContestantName[] = [
  "crease",
  "crease compiled",
  "jax-js jit",
  "tfjs-wasm",
  "PyTorch 1 thread",
];

const colors: Readonly<Partial<Record<ContestantName, string>>> = {
  crease: "#d62728",
  "crease compiled": "#ff7f0e",
  "jax-js jit": "#1f77b4",
  "tfjs-wasm": "#2ca02c",
  "PyTorch 1 thread": "#9467bd",
  "micrograd in JavaScript": "#17becf",
  "micrograd in Python": "#8c564b",
};

function perceptron(widths: readonly number[], batch: number): Workload {
  return { kind: "mlp", widths, batch, loss: "mse", learningRate: 1e-4 };
}

/** Ops of a step on scalars: multiply-adds and ReLUs of each point, its loss, and the penalty of each parameter. */
function countNodes(widths: readonly number[], points: number): number {
  let perPoint = 4;
  let parameters = 0;
  for (let i = 0; i + 1 < widths.length; i++) {
    perPoint += 2 * widths[i] * widths[i + 1] + (i + 2 < widths.length ? widths[i + 1] : 0);
    parameters += (widths[i] + 1) * widths[i + 1];
  }
  return points * perPoint + 2 * parameters;
}

const scalarGraphs: readonly (readonly [readonly number[], number])[] = [
  [[2, 4, 1], 2],
  [[2, 4, 1], 27],
  [[2, 16, 16, 1], 14],
  [[2, 16, 16, 1], 154],
  [[2, 16, 16, 1], 1552],
];

const series: Readonly<Record<string, Series>> = {
  width: {
    title: "MLP step, 3 layers, batch 64",
    abscissa: "width",
    names: libraries,
    points: [8, 16, 32, 64, 128, 256, 512, 1024].map((x) => ({ x, workload: perceptron([x, x, x, x], 64) })),
  },
  depth: {
    title: "MLP step, width 16, batch 32",
    abscissa: "layers",
    names: libraries,
    points: [1, 3, 10, 30, 100, 300, 1000].map((x) => ({ x, workload: perceptron(new Array(x + 1).fill(16), 32) })),
  },
  batch: {
    title: "MLP step [2, 16, 16, 1]",
    abscissa: "batch",
    names: libraries,
    points: [1, 4, 16, 64, 256, 1024, 4096].map((x) => ({ x, workload: perceptron([2, 16, 16, 1], x) })),
  },
  graph: {
    title: "Graph of scalars, rebuilt at each step",
    abscissa: "nodes",
    names: ["crease", "crease compiled", "micrograd in JavaScript", "micrograd in Python"],
    points: scalarGraphs.map(([widths, points]) => ({
      x: countNodes(widths, points),
      workload: { kind: "scalars", widths, points, learningRate: 0.01 },
    })),
  },
};

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      only: { type: "string" },
      out: { type: "string", default: "bench/out/scaling" },
      clock: { type: "string", default: "wall" },
    },
  });
  const { only, out, clock } = options;
  if (only !== undefined && !(only in series)) {
    throw new Error(`--only takes one of ${Object.keys(series).join(", ")}, got ${only}`);
  }
  if (clock !== "wall" && clock !== "processor") throw new Error(`--clock takes wall or processor, got ${clock}`);
  const effort: Effort = {
    clock,
    rounds: 5,
    budgetMilliseconds: 2000,
    sliceMilliseconds: 40,
    warmupMilliseconds: 800,
    limitMilliseconds: 60_000,
  };
  const compiled = build();
  const folder = mkdtempSync(join(tmpdir(), "crease-scaling-"));
  mkdirSync(out, { recursive: true });
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, ${clock} clock`);
  try {
    for (const [name, { title, abscissa, names, points }] of Object.entries(series)) {
      if (only !== undefined && name !== only) continue;
      console.log(`\n${title}`);
      const curves = names.map((one) => ({
        name: one,
        color: colors[one] ?? "black",
        points: [] as [number, number][],
      }));
      // Who failed at one size is not asked for a larger one.
      const unable: Set<ContestantName> = new Set();
      for (const { x, workload } of points) {
        const at = join(folder, `${name}-${x}`);
        writeWorkload(at, workload, 1);
        const able = names.filter((one) => !unable.has(one));
        const agreement = workload.kind === "scalars" ? { steps: 1, tolerance: 1e-9 } : { steps: 2, tolerance: 1e-3 };
        const { measured, skipped } = await measure(able, at, compiled, effort, agreement);
        rmSync(at, { recursive: true });
        for (const one of measured) {
          curves.find((curve) => curve.name === one.name)?.points.push([x, one.milliseconds.median]);
        }
        const times = measured.map((one) => `${one.name} ${formatTime(one.milliseconds)}`);
        console.log(`${abscissa} ${x}: ${times.join(" | ")}`);
        for (const { name: who, reason } of skipped) {
          unable.add(who);
          console.log(`  from here on without ${who}: ${reason.split("\n")[0]}`);
        }
      }
      writeFileSync(join(out, `${name}.svg`), plot(title, abscissa, "milliseconds per step", curves));
      writeFileSync(join(out, `${name}.json`), `${JSON.stringify({ title, abscissa, curves }, null, 2)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\nplots: ${out}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
