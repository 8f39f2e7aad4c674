/** Kernels that are emitted, compiled over the scratch memory and kept, one for each float type and SIMD level. */
import { type WasmFunction, wasmEngine } from "./engine.js";
import { simdLevel } from "./features.js";
import { scratch } from "./scratch.js";
import type { FloatType } from "./vectors.js";

/**
 * The exports of `emit`'s module, by dtype, compiled at first use.
 * @param emit gives the binary module for a type, with or without relaxed SIMD
 */
export function kernelFamily<Exports extends object>(
  emit: (dtype: FloatType, relaxed: boolean) => Uint8Array,
): (dtype: FloatType) => Exports {
  const kept: Exports[] = [];
  return (dtype) => {
    const relaxed = simdLevel() === "relaxed";
    const index = (dtype === "float32" ? 0 : 2) + (relaxed ? 1 : 0);
    kept[index] ??= instantiate(emit(dtype, relaxed)) as Exports;
    return kept[index];
  };
}

/** Compiles a module over the scratch memory, with these functions of the host. */
export function instantiate(
  bytes: Uint8Array,
  host: Readonly<Record<string, WasmFunction>> = {},
): Readonly<Record<string, WasmFunction>> {
  const engine = wasmEngine()!;
  return new engine.Instance(new engine.Module(bytes), { env: { memory: scratch().memory, ...host } }).exports;
}
