import { afterAll, beforeAll, describe } from "vitest";
import type { Expression } from "../../../src/array/expression.js";
import { evaluateRunWasm, type FloatRun } from "../../../src/array/wasm/elementwise.js";
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

/** Evaluates by the SIMD loop, which is compiled only for an expression that is met again: asks three times. */
export function evaluateAgain(
  expression: Expression,
  out: FloatRun,
  inputs: readonly FloatRun[],
  count: number,
): boolean {
  for (let call = 0; call < 3; call++) if (evaluateRunWasm(expression, out, inputs, count)) return true;
  return false;
}
