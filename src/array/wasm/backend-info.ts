/** Which kernels are used here, and why. */
import { type SimdLevel, simdLevel, simdReason } from "./features.js";
import { threadCount, threadReason } from "./threads.js";

export interface BackendInfo {
  /** What the kernels are made of: plain loops only, WebAssembly SIMD, or relaxed SIMD. */
  readonly simd: SimdLevel;
  /** Why, as a sentence. */
  readonly reason: string;
  /** For each kind of work, how it is done on arrays that are large enough (plain loops do the small ones). */
  readonly kernels: {
    readonly matmul: string;
    readonly convolution: string;
    readonly elementwise: string;
  };
  /** Threads that compute large matrix products: see `setThreads`. */
  readonly threads: number;
  /** Why this many, as a sentence. */
  readonly threadsReason: string;
}

/** What computes: for bug reports, benchmarks and the curious. Detection runs at the first call. */
export function backendInfo(): BackendInfo {
  const simd = simdLevel();
  const tile = simd === "relaxed" ? "6 x 8 register tile, multiply-add" : "4 x 8 register tile";
  const kernels =
    simd === "none"
      ? { matmul: "plain loops", convolution: "plain loops", elementwise: "plain loops" }
      : {
          matmul: `WASM SIMD, ${tile}`,
          convolution: `WASM SIMD, patches times kernels, ${tile}`,
          elementwise: "WASM SIMD, polynomials for exp, log, sin, cos, tanh and erf",
        };
  return { simd, reason: simdReason(), kernels, threads: threadCount(), threadsReason: threadReason() };
}
