import { expect, test } from "vitest";
import { Recorder, type UnaryCode } from "../../../src/array/expression.js";
import { describeEachImplementation, evaluateAgain, type FloatArrayConstructor, random } from "./implementations.js";

type FunctionCode = Extract<UnaryCode, "exp" | "expm1" | "log" | "log1p" | "sin" | "cos" | "tanh" | "erf">;

/** 2^-160 fixed-point numbers, for an oracle of erf. */
const fixedBits = 160n;

/** A double as a fixed-point number. */
function toFixed(x: number): bigint {
  const exponent = Math.max(-1074, Math.floor(Math.log2(Math.abs(x) || 1)) - 52);
  const shift = fixedBits + BigInt(exponent);
  const mantissa = BigInt(x / 2 ** exponent);
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
}

/** erf by its Maclaurin series, 2 / sqrt(pi) Σ (-1)^n x^(2n+1) / (n! (2n+1)), in fixed point. */
function erfSeries(x: number): number {
  const one = 1n << fixedBits;
  const fixed = toFixed(x);
  const square = (fixed * fixed) >> fixedBits;
  let power = fixed;
  let sum = 0n;
  for (let n = 0n; power !== 0n; n++) {
    sum += power / (2n * n + 1n);
    power = -((power * square) >> fixedBits) / (n + 1n);
    if (n > 2000n) break;
  }
  // 2 / sqrt(pi), to 50 digits
  const factor = (112837916709551257389615890312154517168810125865800n * one) / 10n ** 50n;
  return Number((sum * factor) >> fixedBits) / 2 ** Number(fixedBits);
}

/**
 * Largest errors as stated in the source, in units in the last place. For float64 the test allows one unit more: the
 * oracle, `Math`, is not exact either.
 */
const cases: Record<FunctionCode, { bound: [number, number]; oracle: (x: number) => number; range: [number, number] }> =
  {
    exp: { bound: [1.5, 1.5], oracle: Math.exp, range: [-110, 92] },
    expm1: { bound: [2, 2.5], oracle: Math.expm1, range: [-20, 92] },
    log: { bound: [1, 1.5], oracle: Math.log, range: [0, 1e9] },
    log1p: { bound: [3, 3], oracle: Math.log1p, range: [-1, 30] },
    sin: { bound: [1.5, 2], oracle: Math.sin, range: [-1.1e6, 1.1e6] },
    cos: { bound: [1.5, 2], oracle: Math.cos, range: [-1.1e6, 1.1e6] },
    tanh: { bound: [3, 4], oracle: Math.tanh, range: [-12, 12] },
    erf: { bound: [1.5, 2], oracle: erfSeries, range: [-4.5, 4.5] },
  };
const codes = Object.keys(cases) as FunctionCode[];

function apply(code: FunctionCode, Type: FloatArrayConstructor, values: ArrayLike<number>) {
  const recorder = new Recorder();
  const expression = recorder.finish(1, recorder[code](recorder.input(0)));
  const x = Type.from(values);
  const out = new Type(x.length);
  const taken = evaluateAgain(
    expression,
    { array: out, offset: 0, stride: 1 },
    [{ array: x, offset: 0, stride: 1 }],
    x.length,
  );
  expect(taken).toBe(true);
  return { x, out };
}

/** Distance between neighbouring numbers of the type at x. */
function unit(Type: FloatArrayConstructor, x: number): number {
  const [fraction, least] = Type === Float32Array ? [23, -149] : [52, -1074];
  return 2 ** Math.max(least, Math.floor(Math.log2(Math.abs(x))) - fraction);
}

describeEachImplementation("vector functions", (Type) => {
  const single = Type === Float32Array;
  const largest = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;

  test.each(codes)("%s stays within its error bound", (code) => {
    const { bound, oracle, range } = cases[code];
    const count = code === "erf" ? 3000 : 60_000;
    const next = random(1);
    const uniform = () => (next() + 1) / 2;
    // Uniform over the range, and over its magnitudes.
    const values = Array.from({ length: count }, (_, i) => {
      const x = range[0] + (range[1] - range[0]) * uniform();
      return i % 2 === 0 ? x : x * 2 ** (-30 * uniform());
    });
    const { x, out } = apply(code, Type, values);
    let worst = 0;
    let worstAt = 0;
    for (let i = 0; i < count; i++) {
      const exact = oracle(x[i]);
      if (Math.abs(exact) > largest || exact === 0) {
        expect(out[i]).toBe(Type.of(exact)[0]);
        continue;
      }
      const error = Math.abs(out[i] - exact) / unit(Type, exact);
      if (!(error <= worst)) [worst, worstAt] = [error, x[i]];
    }
    expect(worst, `at ${worstAt}`).toBeLessThanOrEqual(single ? bound[0] : bound[1] + (code === "erf" ? 0.5 : 1));
  });

  test.each(codes)("%s of NaN, infinities, denormals, zeros and the largest numbers is that of Math", (code) => {
    const tiny = single ? 2 ** -149 : 2 ** -1074;
    const positive = [0, tiny, 5 * tiny, single ? 2 ** -126 : 2 ** -1022, 2 ** -40, 800, 2 ** 40, largest, Infinity];
    const values = [...positive, ...positive.map((x) => -x), Number.NaN];
    while (values.length < 320) values.push(...values);
    const { x, out } = apply(code, Type, values);
    const oracle = code === "erf" ? (y: number) => (Math.abs(y) < 6 ? erfSeries(y) : Math.sign(y)) : cases[code].oracle;
    for (let i = 0; i < 19; i++) {
      if (code === "erf" && Math.abs(x[i]) < 2 ** -100) {
        // The oracle's fixed point does not reach so far: erf(x) = 2 / sqrt(pi) x there.
        expect(Math.abs(out[i] - x[i] * 1.1283791670955126)).toBeLessThanOrEqual(unit(Type, x[i] || tiny));
        expect(Object.is(out[i], -0)).toBe(Object.is(x[i], -0));
        continue;
      }
      const expected = Type.of(oracle(x[i]))[0];
      if (Number.isFinite(expected) && expected !== 0) {
        const error = Math.abs(out[i] - oracle(x[i]));
        expect(error, `${code}(${x[i]})`).toBeLessThanOrEqual(4 * unit(Type, expected));
      } else expect(out[i], `${code}(${x[i]})`).toBe(expected);
    }
  });
});
