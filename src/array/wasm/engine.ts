/**
 * The WebAssembly API of the host, described by the few types that Crease uses (neither the ES library of TypeScript
 * nor Node's types declare it), and what the host's compiler supports.
 *
 * Everything here is synchronous and lazy: nothing is compiled on import. `new WebAssembly.Module` needs the content
 * security policy `wasm-unsafe-eval`, not `unsafe-eval`. Modules of this library are 1 to 26 KB; Chrome compiles up to
 * 8 MB synchronously on a page's main thread (4 KB before version 115; there the plain loops compute).
 */

/** A compiled module; opaque. */
export type WasmModule = object;

/** A linear memory. `buffer` is detached and replaced when the memory grows. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB; returns the former number of pages, or throws a RangeError. */
  grow(pages: number): number;
}

/** An exported function: numbers in, at most one number out. */
export type WasmFunction = (...values: number[]) => number | undefined;

export interface WasmInstance {
  readonly exports: Readonly<Record<string, WasmFunction>>;
}

export interface WasmEngine {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmMemory | WasmFunction>>>>,
  ) => WasmInstance;
  readonly Memory: new (limits: { initial: number; maximum?: number; shared?: boolean }) => WasmMemory;
}

/** The host's WebAssembly, or undefined where there is none. */
export function wasmEngine(): WasmEngine | undefined {
  return (globalThis as { WebAssembly?: WasmEngine }).WebAssembly;
}
