/** What the host's WebAssembly compiler supports, found by compiling modules of a few bytes. */
import { ModuleBuilder } from "./assembler.js";
import { type WasmEngine, wasmEngine } from "./engine.js";
import { v128 } from "./instructions.js";
import { f32x4 } from "./vectors.js";

/** `none`: plain loops; `simd`: WebAssembly SIMD; `relaxed`: also multiply-add, fused where the processor has it. */
export type SimdLevel = "none" | "simd" | "relaxed";

interface Detected {
  readonly level: SimdLevel;
  /** Why the level is what it is, as a sentence. */
  readonly reason: string;
}

let detected: Detected | undefined;
let limit: SimdLevel = "relaxed";
/** What `simdLevel` gives, once it was asked: every kernel asks at every call. */
let level: SimdLevel | undefined;

/** The SIMD level that kernels are emitted for. Detected once, on the first call. */
export function simdLevel(): SimdLevel {
  if (level === undefined) {
    detected ??= detect();
    level = isBelow(limit, detected.level) ? limit : detected.level;
  }
  return level;
}

/** Why `simdLevel()` is what it is. */
export function simdReason(): string {
  detected ??= detect();
  return isBelow(limit, detected.level) ? `limited to "${limit}" by limitSimd` : detected.reason;
}

/**
 * Uses no higher level than this from now on, for comparing implementations: `limitSimd("none")` computes everything
 * by plain loops, `limitSimd("relaxed")` takes the limit away.
 */
export function limitSimd(highest: SimdLevel): void {
  limit = highest;
  level = undefined;
}

const order: readonly SimdLevel[] = ["none", "simd", "relaxed"];

function isBelow(a: SimdLevel, b: SimdLevel): boolean {
  return order.indexOf(a) < order.indexOf(b);
}

function detect(): Detected {
  const engine = wasmEngine();
  if (engine === undefined) return { level: "none", reason: "this host has no WebAssembly" };
  if (!engine.validate(probe(false))) {
    return { level: "none", reason: "this host's WebAssembly has no SIMD instructions" };
  }
  const refusal = compileError(engine, probe(false));
  if (refusal !== undefined) {
    return { level: "none", reason: `this host refuses to compile WebAssembly synchronously: ${refusal}` };
  }
  return engine.validate(probe(true))
    ? { level: "relaxed", reason: "this host's WebAssembly has SIMD and relaxed SIMD instructions" }
    : { level: "simd", reason: "this host's WebAssembly has SIMD instructions, but no relaxed SIMD" };
}

/** The message with which the host refuses a module: a content security policy without `wasm-unsafe-eval`, a size limit. */
function compileError(engine: WasmEngine, bytes: Uint8Array): string | undefined {
  try {
    new engine.Module(bytes);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A module as large as a kernel's, that is valid only where SIMD, or relaxed SIMD, is. */
function probe(relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder();
  module.function("probe", { address: "i32" }, (f, { address }) => {
    const x = v128.load(address);
    const product = v128.store(address, relaxed ? f32x4.relaxedMadd(x, x, x) : f32x4.mul(x, x));
    for (let i = 0; i < 400; i++) f.add(product);
  });
  return module.bytes();
}
