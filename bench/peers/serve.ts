/**
 * The child's side of a measurement: answers requests, lines of JSON on standard input, for one peer. Each contestant
 * has a process of its own, so that none sees call sites, memory or processor caches warmed or spoilt by another.
 *
 *   node serve.js ./crease.js
 */
import { createInterface } from "node:readline";
import { readWorkload } from "../workloads.js";
import { type Contestant, type Peer, Unavailable } from "./contestant.js";

/** `processor`: the time that the process computed, all threads together; for machines that are busy with other things. */
export type Clock = "wall" | "processor";

export type Request =
  /** Loads a workload from a folder and starts from its initial weights. */
  | { readonly do: "prepare"; readonly folder: string }
  /** Does the work `steps` times and gives the values after each. */
  | { readonly do: "values"; readonly steps: number }
  /** Does the work `count` times and gives the time of all. */
  | { readonly do: "time"; readonly count: number; readonly clock: Clock };

export interface Answer {
  readonly description?: string;
  readonly values?: readonly number[];
  readonly milliseconds?: number;
  readonly unavailable?: string;
  readonly error?: string;
}

let contestant: Contestant | null = null;

function now(clock: Clock): number {
  if (clock === "wall") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function answer(peer: Peer, request: Request): Promise<Answer> {
  if (request.do === "prepare") {
    const { workload, arrays } = readWorkload(request.folder);
    const description = await peer.describe();
    contestant = await peer.prepare(workload, arrays);
    return { description };
  }
  if (contestant === null) return { error: `${request.do} before prepare` };
  if (request.do === "values") {
    const values: number[] = [];
    for (let step = 0; step < request.steps; step++) {
      await contestant.run(1);
      values.push(...(await contestant.values()));
    }
    return { values };
  }
  const start = now(request.clock);
  await contestant.run(request.count);
  return { milliseconds: now(request.clock) - start };
}

async function serve(): Promise<void> {
  // Standard output carries answers only.
  console.log = console.error;
  const { peer } = (await import(process.argv[2])) as { peer: Peer };
  for await (const line of createInterface({ input: process.stdin })) {
    let reply: Answer;
    try {
      reply = await answer(peer, JSON.parse(line) as Request);
    } catch (error) {
      if (error instanceof Unavailable) reply = { unavailable: error.message };
      else reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

serve().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
