import { beforeAll, describe, expect, test } from "vitest";
import { obstacle, runInChromium } from "./chromium.js";

/** A product, a convolution with its gradients, and an enumeration: all with two threads asked for, in turns. */
const work = `
const { backendInfo, conv2d, enumerate, gradients, matmul, nn, setThreads, tensor } = await import(origin + "/src/index.js");
const { team } = await import(origin + "/src/array/wasm/threads.js");
const wave = (size, step) =>
  tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(step * i)), { requiresGrad: true });
const digest = ({ data }) => {
  let hash = 0;
  for (const bits of new Uint32Array(Float32Array.from(data).buffer)) hash = (Math.imul(hash, 31) + bits) | 0;
  return hash;
};
const [a, b] = [0.1, 0.2].map((step) => wave(300 * 300, step).reshape([300, 300]));
const [x, w] = [wave(20 * 8 * 32 * 32, 0.3), wave(16 * 8 * 3 * 3, 0.4)];
const net = nn.mlpFromWeights([Array.from({ length: 24 }, (_, i) => [Math.sin(i), Math.cos(5 * i), Math.sin(9 * i)]),
  Array.from({ length: 12 }, (_, i) => Array.from({ length: 24 }, (_, j) => Math.sin(7 * i + 3 * j))),
  [Array.from({ length: 12 }, (_, i) => Math.cos(i))]],
  [Array.from({ length: 24 }, (_, i) => Math.sin(11 * i) / 2), Array.from({ length: 12 }, (_, i) => Math.cos(3 * i) / 2), [0]]);
const run = async () => {
  const y = conv2d(x.reshape([20, 8, 32, 32]), w.reshape([16, 8, 3, 3]), null, { padding: 1 });
  const [dx, dw] = gradients(y.mul(y).sum(), [x, w]);
  const { count } = await enumerate(net, { box: [[-1, 1], [-1, 1], [-1, 1]], countOnly: true });
  return { numbers: [matmul(a, b), y, dx, dw].map(digest).join(), cells: count };
};
const alone = await run();
const threads = setThreads(2);
const rounds = [];
for (const end = performance.now() + 10_000; rounds.length < 3 || (performance.now() < end && team()?.partsOfHelpers === 0); ) {
  rounds.push(await run());
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const { threadsReason } = backendInfo();
return { alone, threads, reason: threadsReason, rounds, helped: team()?.partsOfHelpers ?? 0 };
`;

/** In the page itself, and in a worker of it. */
const script = `
const { origin } = location;
const work = async () => {${work}};
const text = "const origin = " + JSON.stringify(origin) + ";(" + work + ")().then(postMessage)";
const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
const ofWorker = await new Promise((resolve, reject) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(message);
});
return { isolated: crossOriginIsolated, page: await work(), worker: ofWorker };
`;

interface Result {
  readonly numbers: string;
  readonly cells: number;
}

interface Report {
  readonly alone: Result;
  readonly threads: number;
  readonly reason: string;
  readonly rounds: readonly Result[];
  readonly helped: number;
}

describe.skipIf(obstacle !== null)(`threads in Chromium${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  let isolated: { readonly isolated: boolean; readonly page: Report; readonly worker: Report };
  beforeAll(async () => {
    isolated = (await runInChromium(script, {
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    })) as typeof isolated;
  }, 120_000);

  test("a cross-origin-isolated page's main thread, which may not wait, computes alone", () => {
    const { page } = isolated;
    expect(isolated.isolated).toBe(true);
    expect([page.threads, page.helped]).toEqual([1, 0]);
    expect(page.reason).toMatch(/may not wait/);
  });

  test("a worker of that page is helped by another", () => {
    const { worker } = isolated;
    expect(worker.threads).toBe(2);
    expect(worker.helped).toBeGreaterThan(0);
  });

  test("both give the same numbers with threads asked for as without", () => {
    for (const { alone, rounds } of [isolated.page, isolated.worker]) {
      for (const round of rounds) expect(round).toEqual(alone);
      expect(alone).toEqual(isolated.page.alone);
    }
  });
});
