import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import worker from "node:worker_threads";
import { setThreads } from "crease";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { OptionError } from "../../../src/base/errors.js";
import {
  type EnumerateOptions,
  type Enumeration,
  enumerate,
  streamCells,
} from "../../../src/geometry/enumerate/enumerate.js";
import { partsOfHelpers } from "../../../src/geometry/enumerate/threads.js";
import { validateEnumeration } from "../../../src/geometry/enumerate/validate.js";
import type { PwlNet } from "../../../src/pwl/net.js";
import { randomNet } from "../../pwl/nets.js";
import { cube, degenerateNet, genericNet, patternsOf } from "./nets.js";

const everything = ["neighbours", "map", "witness", "vertices", "volume", "chebyshev"] as const;

/** Some 40,000 cells. */
const large = genericNet(2, [4, 20, 18, 1]);
const largeBox = cube(4);

/** Enumerates until helpers are there: threads need some time to start, during which the caller searches alone. */
async function awaitHelpers(): Promise<void> {
  const before = partsOfHelpers;
  const deadline = performance.now() + 50_000;
  while (partsOfHelpers === before && performance.now() < deadline) {
    await enumerate(large, { box: largeBox, countOnly: true, threads: 3 });
  }
  expect(partsOfHelpers).toBeGreaterThan(before);
}

/** What stands for the numbers of an array: much faster compared. */
function digest({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash("sha1")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
}

/** All that an enumeration found, to the last bit; not the time. */
function contentOf({ cells, statistics, ...rest }: Enumeration) {
  const { arrays, pool } = cells;
  const { length, facetStarts, vertexStarts } = arrays;
  const d = cells.net.inputSize;
  const facets = facetStarts[facetStarts.length > 1 ? length : 0];
  const vertices = vertexStarts[vertexStarts.length > 1 ? length : 0];
  const perCell = [arrays.patterns, arrays.witnesses, arrays.strict, arrays.maps, arrays.balls, arrays.volumes];
  const sizes = [cells.layout.words, d, 1, cells.net.output.size * (d + 1), d + 1, 1];
  return {
    ...rest,
    exactDecisions: statistics.exactDecisions,
    linearPrograms: statistics.linearPrograms,
    perCell: perCell.map((array, k) => digest(array.subarray(0, length * sizes[k]))),
    facetStarts: digest(facetStarts.subarray(0, length + 1)),
    facets: digest(arrays.facets.subarray(0, facets)),
    neighbours: digest(arrays.neighbours.subarray(0, facets)),
    vertexStarts: digest(vertexStarts.subarray(0, length + 1)),
    vertices: digest(arrays.vertices.subarray(0, vertices * d)),
    rows: digest(pool.rows.subarray(0, pool.count * (d + 1))),
    names: [pool.layer, pool.unit, pool.other].map((names) => digest(names.subarray(0, pool.count))),
  };
}

async function contentWith(threads: number, net: PwlNet, options: EnumerateOptions) {
  return contentOf(await enumerate(net, { ...options, threads }));
}

describe("with helping threads", () => {
  beforeEach(awaitHelpers);

  const cases: [string, PwlNet, EnumerateOptions][] = [
    ["complete cells", large, { box: largeBox }],
    ["counts", large, { box: largeBox, countOnly: true }],
    ["all that can be wanted", genericNet(5, [3, 26, 22, 2]), { box: cube(3), want: everything }],
    ["linear programs", genericNet(3, [5, 9, 8, 1]), { box: cube(5), method: "linear-programs", want: everything }],
    ["exact signs", degenerateNet(4, [3, 9, 9, 1]), { box: cube(3), exact: "always" }],
    ["a split output", genericNet(6, [3, 24, 24, 2]), { box: cube(3), splitAtOutputZero: true }],
    [
      "a polytope",
      genericNet(7, [3, 30, 26, 2]),
      { box: cube(3), polytope: { A: [[1, 1, 1]], b: [1] }, want: ["neighbours", "volume"] },
    ],
    ["a limit of cells", large, { box: largeBox, limits: { cells: 23_456 } }],
  ];
  it.each(cases)("%s are the same with 1, 2 and 3 threads, bit for bit", async (_, net, options) => {
    const alone = await contentWith(1, net, options);
    for (const threads of [2, 3]) expect(await contentWith(threads, net, options)).toEqual(alone);
  });

  test("random nets with maxima and degenerate ones give the same cells", async () => {
    const nets = fc.oneof(
      fc.integer({ min: 0, max: 1e6 }).map(randomNet),
      fc.integer({ min: 0, max: 1e6 }).map((seed) => degenerateNet(seed, [3, 10, 8, 1])),
    );
    await fc.assert(
      fc.asyncProperty(nets, async (net) => {
        const options: EnumerateOptions = { box: cube(net.inputSize, 2), exact: "always" };
        expect(await contentWith(3, net, options)).toEqual(await contentWith(1, net, options));
      }),
      { numRuns: 15 },
    );
  });

  test("a stream gives the same cells in the same order", async () => {
    const whole = await enumerate(large, { box: largeBox, threads: 1 });
    let count = 0;
    for await (const cell of streamCells(large, { box: largeBox, threads: 3 })) {
      expect(cell.index).toBe(count);
      expect(cell.pattern.key).toBe(whole.cells.at(count).pattern.key);
      if (count % 100 === 0) expect(cell.A).toEqual(whole.cells.at(count).A);
      count++;
    }
    expect(count).toBe(whole.count);
  });

  test("a stream that is broken off leaves helpers to the next enumeration", async () => {
    let count = 0;
    for await (const _ of streamCells(large, { box: largeBox, threads: 3 })) if (++count === 20_000) break;
    const { count: all } = await enumerate(large, { box: largeBox, countOnly: true, threads: 3 });
    expect(all).toBeGreaterThan(count);
  });

  test("several enumerations at a time do not disturb one another", async () => {
    const options = { box: largeBox, countOnly: true, threads: 3 };
    const alone = await contentWith(1, large, options);
    const together = await Promise.all([1, 2, 3].map(() => contentWith(3, large, options)));
    expect(together).toEqual([alone, alone, alone]);
  });

  test("one that is aborted tells all that was found, and a frontier that gives the rest, with any threads", async () => {
    const whole = await enumerate(large, { box: largeBox });
    const before = partsOfHelpers;
    const controller = new AbortController();
    const part = await enumerate(large, {
      box: largeBox,
      threads: 3,
      signal: controller.signal,
      onProgress: () => partsOfHelpers > before && controller.abort(),
    });
    expect([part.complete, part.stopped]).toEqual([false, "aborted"]);
    validateEnumeration(part);
    const frontier = JSON.parse(JSON.stringify(part.frontier));
    const rest = await enumerate(large, { box: largeBox, threads: 2, resume: frontier });
    expect(rest.complete).toBe(true);
    expect([...patternsOf(part.cells), ...patternsOf(rest.cells)].sort()).toEqual(patternsOf(whole.cells));
    const perLayer = part.cellsPerLayer.map((count, l) => count + rest.cellsPerLayer[l]);
    expect(perLayer).toEqual(whole.cellsPerLayer);
  });

  test("a number of seconds stops all threads", async () => {
    const huge = genericNet(8, [8, 30, 30, 1]);
    const options = { box: cube(8), countOnly: true, threads: 3, limits: { seconds: 0.5 } };
    const { stopped, frontier, statistics } = await enumerate(huge, options);
    expect(stopped).toBe("seconds");
    expect(frontier.length).toBeGreaterThan(1);
    expect(statistics.seconds).toBeLessThan(20);
  });

  test("progress never goes back", async () => {
    const seen: number[] = [];
    const onProgress = ({ cells }: { cells: number }) => void seen.push(cells);
    const { count } = await enumerate(large, { box: largeBox, threads: 3, onProgress });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen[seen.length - 1]).toBe(count);
  });

  test("the number that setThreads set is the default", async () => {
    const before = partsOfHelpers;
    setThreads(2);
    try {
      await enumerate(large, { box: largeBox });
    } finally {
      setThreads(1);
    }
    expect(partsOfHelpers).toBeGreaterThan(before);
  });
});

test.each([0, -1, 1.5, Number.NaN, "2"])("%s threads are refused", async (threads) => {
  const run = enumerate(genericNet(1, [2, 3, 1]), { box: cube(2), threads: threads as number });
  await expect(run).rejects.toThrow(OptionError);
  await expect(run).rejects.toThrow(/enumerate: threads is .*; pass a whole number of at least 1/);
});

describe("helpers that fail", () => {
  const options = { box: largeBox, countOnly: true, threads: 3 };
  let alone: object;
  let sent: number;
  const { Worker } = worker;

  /** Threads of this test's own: those of other tests rest for some seconds yet. */
  function startHelpersBy(send: (helper: worker.Worker, task: object) => void): void {
    class Failing extends Worker {
      override postMessage(task: object): void {
        if ("part" in task) {
          sent++;
          send(this, task);
        } else super.postMessage(task);
      }
    }
    vi.spyOn(process, "getBuiltinModule").mockReturnValue({ ...worker, Worker: Failing } as never);
  }

  beforeEach(async () => {
    vi.resetModules();
    sent = 0;
    alone = await contentWith(1, large, options);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Enumerates until parts were sent to helpers. */
  async function expectTheSame(): Promise<void> {
    const fresh = await import("../../../src/geometry/enumerate/enumerate.js");
    const deadline = performance.now() + 50_000;
    while (sent === 0 && performance.now() < deadline) {
      expect(contentOf((await fresh.enumerate(large, options)) as Enumeration)).toEqual(alone);
    }
    expect(sent).toBeGreaterThan(0);
  }

  test("with an error leave the part to the caller", async () => {
    startHelpersBy((helper) => Worker.prototype.postMessage.call(helper, { part: { problem: null, words: 1 } }));
    await expectTheSame();
  });

  test("by their end leave the part to the caller", async () => {
    startHelpersBy((helper) => void helper.terminate());
    await expectTheSame();
  });

  test("in the midst of a part, some of which was given away, leave it to the caller", async () => {
    startHelpersBy((helper, task) => {
      Worker.prototype.postMessage.call(helper, task);
      helper.on("message", ({ kind }) => kind === "spare" && helper.terminate());
    });
    await expectTheSame();
  });

  test("to start leave all to the caller", async () => {
    const refuse = class {
      constructor() {
        sent++;
        throw new Error("no threads here");
      }
    };
    vi.spyOn(process, "getBuiltinModule").mockReturnValue({ ...worker, Worker: refuse } as never);
    await expectTheSame();
  });
});

test.each([
  ["that has found all", "await enumerate(net, { box, countOnly: true, threads: 3 });"],
  ["whose search goes on", "void enumerate(net, { box, threads: 3, limits: { seconds: 2 } });"],
  [
    "that left a stream",
    "for await (const { index } of streamCells(net, { box, threads: 3 })) if (index > 9000) break;",
  ],
])("a process %s ends by itself", (_, use) => {
  const source = new URL("../../../src/geometry/enumerate/enumerate.ts", import.meta.url).href;
  const nets = new URL("./nets.ts", import.meta.url).href;
  const script = `
    const { enumerate, streamCells } = await import(${JSON.stringify(source)});
    const { cube, genericNet } = await import(${JSON.stringify(nets)});
    const net = genericNet(2, [4, 20, 18, 1]);
    const box = cube(4);
    ${use}
    console.log("done");
  `;
  const child = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    encoding: "utf8",
    timeout: 50_000,
  });
  expect(child).toMatchObject({ status: 0, signal: null, stdout: "done\n" });
});
