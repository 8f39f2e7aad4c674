import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { backendInfo, compile, matmul, setThreads, type Tensor, tensor } from "crease";
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { matmulFlags, matmulWasm } from "../../../src/array/wasm/gemm.js";
import type { FloatArray } from "../../../src/array/wasm/scratch.js";
import { team } from "../../../src/array/wasm/threads.js";
import { type FloatArrayConstructor, random, types } from "./implementations.js";

afterEach(() => {
  setThreads(1);
});

/** Fills with numbers in [-1, 1). */
function fill(Type: FloatArrayConstructor, count: number, seed: number): FloatArray {
  const next = random(seed);
  return new Type(count).map(() => next());
}

interface Problem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly flags: number;
}

/** The product at the middle of a larger array. */
function product(Type: FloatArrayConstructor, p: Problem): FloatArray {
  const a = fill(Type, p.m * p.k, 1);
  const b = fill(Type, p.k * p.n, 2);
  const out = fill(Type, p.m * p.n + 10, 3);
  const done = matmulWasm(
    { buffer: out },
    5,
    { buffer: a },
    0,
    { buffer: b },
    0,
    p.m,
    p.n,
    p.k,
    p.transA,
    p.transB,
    p.flags,
    { buffer: fill(Type, p.n, 4) },
    0,
  );
  expect(done).toBe(true);
  return out;
}

/** How many elements differ. */
function differences(actual: FloatArray, expected: FloatArray): number {
  expect(actual.length).toBe(expected.length);
  let count = 0;
  for (let i = 0; i < actual.length; i++) if (!Object.is(actual[i], expected[i])) count++;
  return count;
}

/** Products that are large enough for threads, some in several blocks. */
const problem: fc.Arbitrary<Problem> = fc
  .record({
    m: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1000, max: 1100 })),
    n: fc.integer({ min: 90, max: 500 }),
    transA: fc.boolean(),
    transB: fc.boolean(),
    flags: fc.integer({ min: 0, max: 7 }),
  })
  .map((p) => ({ ...p, k: Math.max(90, Math.ceil((1 << 22) / (p.m * p.n))) }))
  .filter(({ m, k }) => m > 8 && k < 3000);

describe.each(types.map((Type) => [Type.name, Type] as const))("products of %s", (_, Type) => {
  test("are the same with one thread and with several, bit for bit", () => {
    fc.assert(
      fc.property(
        fc.array(problem, { minLength: 5, maxLength: 10 }),
        fc.integer({ min: 2, max: 5 }),
        (list, threads) => {
          setThreads(1);
          const alone = list.map((p) => product(Type, p));
          setThreads(threads);
          list.forEach((p, i) => {
            expect(differences(product(Type, p), alone[i])).toBe(0);
          });
        },
      ),
      { numRuns: 4 },
    );
  });

  test("are the same in many calls of changing sizes, while threads run", async () => {
    const problems = [250, 200, 301].map((m) => ({ m, n: 256, k: 200, transA: false, transB: m === 301, flags: 0 }));
    const alone = problems.map((p) => product(Type, p));
    setThreads(2);
    for (let round = 0; round < 40; round++) {
      // A pause now and then lets the thread start, sleep, and read its messages.
      if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      problems.forEach((p, i) => {
        expect(differences(product(Type, p), alone[i])).toBe(0);
      });
    }
  });
});

test("threads do take part", async () => {
  setThreads(3);
  const p = { m: 300, n: 300, k: 300, transA: false, transB: false, flags: matmulFlags.relu };
  const deadline = Date.now() + 20_000;
  // They need some time to start, during which the caller computes all.
  while (team()?.partsOfHelpers === 0 && Date.now() < deadline) {
    product(Float32Array, p);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(team()?.partsOfHelpers).toBeGreaterThan(0);
});

test("more threads than parts of the work", () => {
  const p = { m: 9, n: 90, k: 6000, transA: true, transB: false, flags: 0 };
  const alone = product(Float32Array, p);
  setThreads(16);
  for (let call = 0; call < 5; call++) expect(differences(product(Float32Array, p), alone)).toBe(0);
});

describe("setThreads", () => {
  test("is one until it is called, and again after setThreads(1)", () => {
    expect(backendInfo().threads).toBe(1);
    expect(setThreads(2)).toBe(2);
    expect(backendInfo()).toMatchObject({ threads: 2, threadsReason: "setThreads(2)" });
    expect(setThreads(2)).toBe(2);
    expect(setThreads(1)).toBe(1);
    expect(backendInfo()).toMatchObject({ threads: 1, threadsReason: "setThreads(1)" });
  });

  test.each([0, -1, 1.5, 65, Number.NaN, "2" as unknown as number])("refuses %s", (count) => {
    expect(() => setThreads(count)).toThrow(/setThreads: got .*; takes an integer from 1 to 64/);
    expect(backendInfo().threads).toBe(1);
  });

  test("stays at one, and says why, where the host has no shared memory or refuses to wait", () => {
    const { SharedArrayBuffer: shared, Atomics: atomics } = globalThis;
    try {
      Object.assign(globalThis, { SharedArrayBuffer: undefined });
      expect(setThreads(2)).toBe(1);
      expect(backendInfo().threadsReason).toMatch(/cross-origin isolated/);
      Object.assign(globalThis, {
        SharedArrayBuffer: shared,
        Atomics: {
          wait: () => {
            throw new TypeError("Atomics.wait cannot be called in this context");
          },
        },
      });
      expect(setThreads(2)).toBe(1);
      expect(backendInfo().threadsReason).toMatch(/may not wait/);
    } finally {
      Object.assign(globalThis, { SharedArrayBuffer: shared, Atomics: atomics });
    }
  });
});

describe("compiled programs", () => {
  const matrix = (rows: number, columns: number, seed: number): Tensor =>
    tensor(Array.from(fill(Float32Array, rows * columns, seed))).reshape([rows, columns]);
  let x: Tensor;
  let w: Tensor;
  let v: Tensor;
  beforeAll(() => {
    x = matrix(200, 180, 1);
    w = matrix(180, 190, 2);
    v = matrix(190, 170, 3);
  });
  const net = (input: Tensor): Tensor => matmul(matmul(input, w).relu(), v);

  test("give the same numbers with threads as without, also when the threads are gone again", () => {
    const alone = compile(net)(x).data as FloatArray;
    setThreads(2);
    const together = compile(net);
    for (let call = 0; call < 20; call++) expect(differences(together(x).data as FloatArray, alone)).toBe(0);
    setThreads(4);
    expect(differences(together(x).data as FloatArray, alone)).toBe(0);
    setThreads(1);
    expect(differences(together(x).data as FloatArray, alone)).toBe(0);
  });
});

test("a process that used threads ends by itself", () => {
  const gemm = new URL("../../../src/array/wasm/gemm.ts", import.meta.url).href;
  const threads = new URL("../../../src/array/wasm/threads.ts", import.meta.url).href;
  const script = `
    const { matmulWasm } = await import(${JSON.stringify(gemm)});
    const { setThreads } = await import(${JSON.stringify(threads)});
    setThreads(3);
    const one = new Float32Array(300 * 300).fill(1);
    const out = new Float32Array(300 * 300);
    for (let call = 0; call < 20; call++) matmulWasm({ buffer: out }, 0, { buffer: one }, 0, { buffer: one }, 0, 300, 300, 300, false, false);
    await new Promise((resolve) => setTimeout(resolve, 200));
    matmulWasm({ buffer: out }, 0, { buffer: one }, 0, { buffer: one }, 0, 300, 300, 300, false, false);
    console.log(out[89999]);
  `;
  const child = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(child).toMatchObject({ status: 0, signal: null, stdout: "300\n" });
});
