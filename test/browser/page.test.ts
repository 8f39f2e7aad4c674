import type { backendInfo } from "crease";
import { beforeAll, describe, expect, test } from "vitest";
import { obstacle, runInChromium } from "./chromium.js";

/** Trains a small network eagerly and compiled, and reads it. */
const script = `
const { backendInfo, compile, losses, nn, optim, partition, setThreads, tensor } = await import("/src/index.js");
const run = (wrap) => {
  const net = nn.mlpFromWeights(
    [[[1, -0.5], [0.25, 0.75], [-1, 0.5], [0.3, 0.2]], [[0.5, -1, 0.75, 1]]],
    [[0.1, -0.2, 0.3, 0], [0.05]],
  );
  const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.05 });
  const x = tensor(Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]));
  const y = tensor(Array.from({ length: 64 }, (_, i) => [Math.sin(i) * Math.cos(3 * i)]));
  const step = wrap(() => {
    optimizer.zeroGrad();
    const loss = losses.mseLoss(net.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  let last = 0;
  for (let i = 0; i < 30; i++) last = step().item();
  return { last, cells: partition(net, { box: [[-1, 1], [-1, 1]] }).cells.length };
};
let threads = "none asked for";
try { setThreads(2); threads = backendInfo().threadsReason; } catch (error) { threads = error.message; }
return { info: backendInfo(), eager: run((step) => step), compiled: run(compile), threads };
`;

interface Report {
  readonly info: ReturnType<typeof backendInfo>;
  readonly eager: { readonly last: number; readonly cells: number };
  readonly compiled: { readonly last: number; readonly cells: number };
  readonly threads: string;
}

const policies = {
  "wasm-unsafe-eval": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
  "no eval at all": "default-src 'self'; script-src 'self'",
};

describe.skipIf(obstacle !== null)(`a page in Chromium${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  const reports: Partial<Record<keyof typeof policies, Report>> = {};

  beforeAll(async () => {
    for (const [name, policy] of Object.entries(policies)) {
      const headers = { "content-security-policy": policy };
      reports[name as keyof typeof policies] = (await runInChromium(script, headers)) as Report;
    }
  }, 120_000);

  test("computes by WASM SIMD where its policy allows wasm-unsafe-eval, without unsafe-eval", () => {
    expect(reports["wasm-unsafe-eval"]?.info.simd).not.toBe("none");
  });

  test("computes by plain loops where its policy allows no WASM, and says why", () => {
    const { info } = reports["no eval at all"] as Report;
    expect(info.simd).toBe("none");
    expect(info.reason).toMatch(/refuses to compile WebAssembly/);
    expect(info.kernels.matmul).toBe("plain loops");
  });

  test("trains and reads a network as Node does, eager and compiled, under either policy", () => {
    const { eager: reference } = reports["wasm-unsafe-eval"] as Report;
    expect(reference.last).toBeGreaterThan(0);
    expect(reference.last).toBeLessThan(0.2);
    for (const report of Object.values(reports)) {
      for (const { last, cells } of [report.eager, report.compiled]) {
        expect(Math.abs(last - reference.last)).toBeLessThan(1e-5);
        expect(cells).toBe(reference.cells);
      }
    }
  });
});
