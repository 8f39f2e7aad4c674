import { afterEach, describe, expect, test, vi } from "vitest";
import { backendInfo } from "../../../src/array/wasm/backend-info.js";
import { limitSimd, simdLevel } from "../../../src/array/wasm/features.js";
import { matmulWasm } from "../../../src/array/wasm/gemm.js";

/** The modules as a host with another `WebAssembly` sees them. */
async function underHost(webAssembly: unknown) {
  vi.resetModules();
  vi.stubGlobal("WebAssembly", webAssembly);
  const [gemm, info] = await Promise.all([
    import("../../../src/array/wasm/gemm.js"),
    import("../../../src/array/wasm/backend-info.js"),
  ]);
  return { matmulWasm: gemm.matmulWasm, backendInfo: info.backendInfo };
}

const real = (globalThis as unknown as { WebAssembly: Record<string, (...values: unknown[]) => unknown> }).WebAssembly;

const multiply = (product: typeof matmulWasm) => {
  const out = new Float32Array(1024).fill(5);
  const ones = new Float32Array(1024).fill(1);
  return { done: product({ buffer: out }, 0, { buffer: ones }, 0, { buffer: ones }, 0, 32, 32, 32, false, false), out };
};

describe("where the host has no WASM SIMD, kernels decline and say why", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test.each([
    { host: "no WebAssembly", webAssembly: undefined, reason: /no WebAssembly/ },
    { host: "no SIMD", webAssembly: { ...real, validate: () => false }, reason: /no SIMD/ },
    {
      host: "a policy that forbids compiling",
      webAssembly: {
        validate: (bytes: unknown) => real.validate(bytes),
        Module: class {
          constructor() {
            throw new Error("violates the Content Security Policy");
          }
        },
      },
      reason: /refuses to compile.*Content Security Policy/,
    },
  ])("$host", async ({ webAssembly, reason }) => {
    const there = await underHost(webAssembly);
    const { done, out } = multiply(there.matmulWasm);
    expect(done).toBe(false);
    expect(out.every((x) => x === 5)).toBe(true);
    expect(there.backendInfo()).toMatchObject({ simd: "none", kernels: { matmul: "plain loops" } });
    expect(there.backendInfo().reason).toMatch(reason);
  });
});

describe("limitSimd", () => {
  afterEach(() => limitSimd("relaxed"));

  test("turns the kernels off and on again", () => {
    const best = simdLevel();
    limitSimd("none");
    expect(simdLevel()).toBe("none");
    expect(multiply(matmulWasm).done).toBe(false);
    expect(backendInfo().reason).toContain("limitSimd");
    limitSimd("relaxed");
    expect(simdLevel()).toBe(best);
    expect(multiply(matmulWasm).out[7]).toBe(32);
    expect(backendInfo().kernels.matmul).toContain("WASM SIMD");
  });

  test("cannot raise the level above what the host has", () => {
    const best = simdLevel();
    limitSimd("simd");
    expect(simdLevel()).toBe("simd");
    limitSimd("relaxed");
    expect(simdLevel()).toBe(best);
  });
});
