/**
 * Memory of training without a pause: a synchronous loop of steps of an MLP [2, 16, 16, 1] at batch 100, without and
 * with every step's loss tensor kept. Nobody frees anything, so both must stay flat, but for what is kept.
 *
 *   npx tsx bench/memory.ts [--long] [--compiled]
 *
 * 200,000 steps, 1,000,000 with --long. Ends with code 1 where memory grows beyond its bound or a kept loss changed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import type { MemoryRecord } from "./memory-loop.js";
import { works } from "./rows.js";
import { writeWorkload } from "./workloads.js";

const MEGABYTE = 1e6;

/** What may come and go with the collector's mood, between the first tenth of the steps and the last. */
const SLACK = 64 * MEGABYTE;

/** The same where the heap grows: V8 lets it outgrow what lives before it collects, on Node 24 by more than on Node 20. */
const SLACK_OF_GROWTH = 160 * MEGABYTE;

/** What one kept loss may cost: the tensor, its share of a buffer, its place in the list and its number. */
const BYTES_PER_KEPT_LOSS = 400;

export interface MemoryResult extends MemoryRecord {
  readonly kept: boolean;
  /** From after the first tenth of the steps to the end. */
  readonly growth: number;
  readonly bound: number;
}

/** Runs the loop in a process of its own; `compiled` is the folder that `build` made. */
export function measureMemory(
  compiled: string,
  steps: number,
  kept: boolean,
  peer: "crease" | "crease-compiled" = "crease",
): MemoryResult {
  const folder = mkdtempSync(join(tmpdir(), "crease-memory-"));
  try {
    writeWorkload(folder, works["mlp-2-16-16-1"].workload, 1);
    const script = join(compiled, "bench/memory-loop.js");
    const text = execFileSync(process.execPath, [script, folder, String(steps), kept ? "1" : "0", peer], {
      encoding: "utf8",
    });
    const record = JSON.parse(text) as MemoryRecord;
    const growth = record.resident[record.resident.length - 1] - record.resident[1];
    return { ...record, kept, growth, bound: kept ? SLACK_OF_GROWTH + BYTES_PER_KEPT_LOSS * steps : SLACK };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function describeMemory({ steps, kept, resident, peak, growth, bound, seconds, changed }: MemoryResult): string {
  const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(0)} MB`;
  const places = [0, 1, 5, 10].map((tenth) => megabytes(resident[tenth])).join(", ");
  const verdict = growth <= bound && changed === 0 ? "ok" : "FAILED";
  const perLoss = kept
    ? `, ${(growth / (0.9 * steps)).toFixed(0)} bytes per kept loss, ${changed} of them changed`
    : "";
  return `${steps.toLocaleString("en")} synchronous steps${kept ? ", every loss kept" : ""}: resident ${places} (start, after 10%, middle, end), peak ${megabytes(peak)}, growth ${megabytes(growth)} of ${megabytes(bound)} allowed${perLoss}: ${verdict} (${seconds.toFixed(1)} s)`;
}

export function memoryHolds({ growth, bound, changed }: MemoryResult): boolean {
  return growth <= bound && changed === 0;
}

function main(): void {
  const { values: options } = parseArgs({
    options: { long: { type: "boolean", default: false }, compiled: { type: "boolean", default: false } },
  });
  const compiled = build();
  for (const kept of [false, true]) {
    const peer = options.compiled ? "crease-compiled" : "crease";
    const result = measureMemory(compiled, options.long ? 1_000_000 : 200_000, kept, peer);
    console.log(describeMemory(result));
    if (!memoryHolds(result)) process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main();
