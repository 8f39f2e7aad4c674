import { afterAll, beforeAll, describe } from "vitest";
import type { Expression } from "../../../src/array/expression.js";
import type { ArrayView } from "../../../src/array/storage.js";
import { elementwiseWasm } from "../../../src/array/wasm/elementwise.js";
import { limitSimd, type SimdLevel, simdLevel } from "../../../src/array/wasm/features.js";

/** Float arrays of the kernels' types. */
export const types = [Float32Array, Float64Array] as const;
export type FloatArrayConstructor = (typeof types)[number];

/** Runs the same tests on every implementation that this host has: plain SIMD, and relaxed SIMD where there is such. */
export function describeEachImplementation(subject: string, body: (Type: FloatArrayConstructor) => void): void {
  const levels: SimdLevel[] = simdLevel() === "relaxed" ? ["simd", "relaxed"] : ["simd"];
  describe.each(levels)(`${subject}, %s`, (level) => {
    beforeAll(() => limitSimd(level));
    afterAll(() => limitSimd("relaxed"));
    describe.each(types.map((Type) => [Type.name, Type] as const))("%s", (_, Type) => body(Type));
  });
}

/** A linear congruential generator, uniform in [-1, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** A run of elements, `array[offset + stride · i]`; stride 0 repeats one element. */
export interface FloatRun {
  readonly array: Float32Array | Float64Array;
  readonly offset: number;
  readonly stride: number;
}

/** Evaluates by the SIMD loop. */
export function evaluateRun(
  expression: Expression,
  out: FloatRun,
  inputs: readonly FloatRun[],
  count: number,
): boolean {
  const view = ({ array, offset, stride }: FloatRun): ArrayView => ({
    dtype: array instanceof Float32Array ? "float32" : "float64",
    shape: stride === 0 ? [] : [count],
    size: stride === 0 ? 1 : count,
    buffer: array,
    offset,
  });
  return elementwiseWasm(expression, view(out), inputs.map(view));
}

/** Evaluates by the SIMD loop, which is compiled only for an expression that is met again: asks three times. */
export function evaluateAgain(
  expression: Expression,
  out: FloatRun,
  inputs: readonly FloatRun[],
  count: number,
): boolean {
  for (let call = 0; call < 3; call++) if (evaluateRun(expression, out, inputs, count)) return true;
  return false;
}
