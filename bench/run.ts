/** The bench: one table of Crease against its peers. What it takes is in HELP. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import type { ContestantName } from "./child.js";
import { type Effort, measure } from "./measure.js";
import { describeMemory, type MemoryResult, measureMemory, memoryHolds } from "./memory.js";
import type { Clock } from "./peers/serve.js";
import { type Row, rows, works } from "./rows.js";
import { compare, formatTable, type Result } from "./table.js";
import { seeded, writeWorkload } from "./workloads.js";

const HELP = `npm run bench -- [--json out.json] [--rows pattern] [--quick] [--seed N] [--clock wall|processor]

  --json file   write the results as JSON too
  --rows regex  only the rows whose id matches: ${rows.map((row) => row.id).join(", ")}
  --quick       less effort and, of all rows, a random half drawn by the seed; under 90 s
  --seed N      of the numbers and of the half; default 1
  --clock       wall (default), or processor: the time that each contestant's process computed, all its threads
                together, for a machine that is busy otherwise

A run of all rows measures memory as well. "aim" is the ratio that is wanted; ✓ where the median reaches it.`;

const efforts: Readonly<Record<"full" | "quick", Omit<Effort, "clock" | "budgetMilliseconds">>> = {
  full: { rounds: 15, sliceMilliseconds: 150, warmupMilliseconds: 1000 },
  quick: { rounds: 7, sliceMilliseconds: 60, warmupMilliseconds: 300 },
};

/** What the rows should take in all, so that each can be given its part of what is left. */
const wholeMilliseconds = { full: 400_000, quick: 75_000 } as const;

/** What starting, comparing and warming up take of a row's part, about. */
const beginMilliseconds = 5000;

/** A random half of the rows, in their order. */
function half(all: readonly Row[], seed: number): Row[] {
  const random = seeded(seed);
  const drawn = all.map((row) => ({ row, key: random() })).sort((x, y) => x.key - y.key);
  const chosen = new Set(drawn.slice(0, Math.ceil(all.length / 2)).map(({ row }) => row));
  return all.filter((row) => chosen.has(row));
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "string" },
      rows: { type: "string" },
      quick: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      clock: { type: "string", default: "wall" },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) {
    console.log(HELP);
    return;
  }
  const seed = Number(options.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed takes an integer from 0, got ${options.seed}`);
  const pattern = new RegExp(options.rows ?? "");
  const matching = rows.filter((row) => pattern.test(row.id));
  if (matching.length === 0) {
    throw new Error(`no row matches ${options.rows}; there are ${rows.map((row) => row.id).join(", ")}`);
  }
  const chosen = options.quick && options.rows === undefined ? half(matching, seed) : matching;
  if (options.clock !== "wall" && options.clock !== "processor") {
    throw new Error(`--clock takes wall or processor, got ${options.clock}`);
  }
  const size = options.quick ? "quick" : "full";
  const clock: Clock = options.clock;
  const started = performance.now();
  const machine = { node: process.version, processor: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  console.log(
    `Node ${machine.node}, ${machine.processor}, ${machine.cores} cores, load ${loadavg()[0].toFixed(1)}, seed ${seed}, ${clock} clock`,
  );
  console.log(`rows: ${chosen.map((row) => row.id).join(", ")}\n`);

  const compiled = build();
  const folder = mkdtempSync(join(tmpdir(), "crease-bench-"));
  const results: Result[] = [];
  const checks: object[] = [];
  const descriptions = new Map<string, string>();
  try {
    const all = [...new Set(chosen.map((row) => row.work))];
    for (const [place, work] of all.entries()) {
      const part = (wholeMilliseconds[size] - (performance.now() - started)) / (all.length - place);
      const effort: Effort = { ...efforts[size], clock, budgetMilliseconds: part - beginMilliseconds };
      const together = chosen.filter((row) => row.work === work);
      const { workload, agreement } = works[work];
      writeWorkload(join(folder, work), workload, seed);
      const names = [
        ...new Set([
          ...together.map((row) => row.ours),
          ...together.flatMap((row) => Object.keys(row.peers) as ContestantName[]),
        ]),
      ];
      process.stderr.write(`${work} …\r`);
      const group = await measure(names, join(folder, work), compiled, effort, agreement);
      if (group.skipped.some(({ failed }) => failed)) process.exitCode = 1;
      results.push(...together.map((row) => compare(row, group)));
      for (const { name, description, values, difference, steps, lastValue } of group.measured) {
        descriptions.set(name, description);
        checks.push({ work, name, difference, compared: agreement.steps, first: values[0], steps, lastValue });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  console.log(formatTable(results));
  console.log(
    "\nTimes are medians of interleaved rounds, ± half the distance of the quartiles; a ratio is the peer's time divided by ours, aim what is wanted of it (✓ where the median reaches it).",
  );
  for (const [name, description] of descriptions) console.log(`${name}: ${description}`);
  console.log(`All contestants gave the same losses or results from the same start (${checks.length} compared).`);
  for (const { id, notes } of results) for (const note of notes) console.log(`left out of ${id}: ${note}`);
  const memory: MemoryResult[] = [];
  if (!options.quick && options.rows === undefined) {
    for (const kept of [false, true]) memory.push(measureMemory(compiled, 200_000, kept));
    console.log(`memory of the eager MLP step [2, 16, 16, 1], batch 100:`);
    for (const one of memory) console.log(`  ${describeMemory(one)}`);
    if (!memory.every(memoryHolds)) process.exitCode = 1;
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${seconds.toFixed(0)} s`);
  if (options.json !== undefined) {
    const record = {
      machine,
      seed,
      clock,
      quick: options.quick,
      seconds,
      contestants: Object.fromEntries(descriptions),
    };
    writeFileSync(options.json, `${JSON.stringify({ ...record, rows: results, checks, memory }, null, 2)}\n`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
