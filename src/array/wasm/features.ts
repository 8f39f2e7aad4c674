/** What the host's WebAssembly compiler supports, found by validating modules of a few bytes. */
import { ModuleBuilder } from "./assembler.js";
import { wasmEngine } from "./engine.js";
import { v128 } from "./instructions.js";
import { f32x4 } from "./vectors.js";

/** `none`: no WebAssembly SIMD; `relaxed`: SIMD with fused multiply-add where the processor has it. */
export type SimdLevel = "none" | "simd" | "relaxed";

let detected: SimdLevel | undefined;

/** The best SIMD level of this host. Computed once, on the first call. */
export function simdLevel(): SimdLevel {
  detected ??= detect();
  return detected;
}

function detect(): SimdLevel {
  const engine = wasmEngine();
  if (engine === undefined) return "none";
  if (!engine.validate(probe(false))) return "none";
  return engine.validate(probe(true)) ? "relaxed" : "simd";
}

/** A module that is valid only where SIMD, or relaxed SIMD, is. */
function probe(relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder();
  module.function("probe", { address: "i32" }, (f, { address }) => {
    const x = v128.load(address);
    f.add(v128.store(address, relaxed ? f32x4.relaxedMadd(x, x, x) : f32x4.mul(x, x)));
  });
  return module.bytes();
}
