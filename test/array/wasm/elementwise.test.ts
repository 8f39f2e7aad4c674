import fc from "fast-check";
import { expect, test } from "vitest";
import { type BinaryCode, type Expression, numbers, Recorder, type UnaryCode } from "../../../src/array/expression.js";
import type { FloatArray } from "../../../src/array/wasm/scratch.js";
import {
  describeEachImplementation,
  evaluateAgain,
  evaluateRun,
  type FloatArrayConstructor,
} from "./implementations.js";

/** Every kernel here has at least this many elements, so that none is left to the plain loop. */
const leastCount = 320;

/** The expression over arrays, with operands and result at odd offsets. */
function run(expression: Expression, Type: FloatArrayConstructor, columns: readonly number[][]): FloatArray {
  const count = columns[0].length;
  const inputs = columns.map((column, index) => {
    const array = new Type(count + 7).fill(Number.NaN);
    array.set(column, index + 1);
    return { array, offset: index + 1, stride: 1 };
  });
  const out = new Type(count + 6).fill(7);
  expect(evaluateAgain(expression, { array: out, offset: 3, stride: 1 }, inputs, count)).toBe(true);
  expect(Array.from(out.slice(0, 3)), "nothing is written before the result").toEqual([7, 7, 7]);
  expect(Array.from(out.slice(count + 3)), "nor after it").toEqual([7, 7, 7]);
  return out.slice(3, 3 + count);
}

/** The definition, with every step rounded to the type. */
function definition(expression: Expression, Type: FloatArrayConstructor, inputs: readonly number[]): number {
  const round = Type === Float32Array ? Math.fround : (x: number) => x;
  const values: number[] = [];
  for (const step of expression.instructions) {
    if (step.code === "input") values.push(inputs[step.index]);
    else if (step.code === "constant") values.push(round(step.value));
    else if (step.code === "select") values.push(numbers.select(values[step.a], values[step.b], values[step.c]));
    else if ("b" in step) values.push(round(numbers[step.code](values[step.a], values[step.b])));
    else values.push(round(numbers[step.code](values[step.a])));
  }
  return values[values.length - 1];
}

const specials = (Type: FloatArrayConstructor): number[] => {
  const single = Type === Float32Array;
  const tiny = single ? 2 ** -149 : 2 ** -1074;
  const normal = single ? 2 ** -126 : 2 ** -1022;
  const largest = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  const positive = [0, tiny, 3 * tiny, normal, normal - tiny, 2 ** -60, 0.5, 1, 1.5, 2, 3, 1e6, largest, Infinity];
  return [...positive, ...positive.map((x) => -x), Number.NaN];
};

const exactUnary: UnaryCode[] = ["neg", "abs", "sign", "floor", "sqrt"];
const exactBinary: BinaryCode[] = ["add", "sub", "mul", "div", "maximum", "minimum", "less", "lessEqual", "equal"];

/** Random expressions of the instructions that are rounded correctly, over three inputs. */
const exactExpression = fc
  .array(
    fc.record({
      code: fc.constantFrom(...exactUnary, ...exactBinary, "select" as const),
      operands: fc.tuple(fc.nat(), fc.nat(), fc.nat()),
    }),
    { minLength: 8, maxLength: 25 },
  )
  .map((steps) => {
    const recorder = new Recorder();
    const values = [
      recorder.input(0),
      recorder.input(1),
      recorder.input(2),
      recorder.constant(0),
      recorder.constant(-1.5),
    ];
    for (const { code, operands } of steps) {
      const [a, b, c] = operands.map((operand) => values[operand % values.length]);
      if (code === "select") values.push(recorder.select(a, b, c));
      else if ((exactUnary as string[]).includes(code)) values.push(recorder[code as "neg"](a));
      else values.push(recorder[code as "add"](a, b));
    }
    // A chain through all of them, so that the expression is never too small to be taken.
    let result = values[0];
    for (const value of values.slice(1)) result = recorder.maximum(recorder.neg(result), value);
    return recorder.finish(3, result);
  });

describeEachImplementation("elementwiseWasm", (Type) => {
  test("equals the definition rounded at each step, bit for bit, for arithmetic on any numbers", () => {
    const round = Type === Float32Array ? Math.fround : (x: number) => x;
    const number = fc.oneof(fc.constantFrom(...specials(Type)), fc.double({ noNaN: true }).map(round));
    fc.assert(
      fc.property(
        exactExpression,
        fc.array(fc.tuple(number, number, number), { minLength: leastCount, maxLength: leastCount + 5 }),
        (expression, rows) => {
          const out = run(
            expression,
            Type,
            [0, 1, 2].map((k) => rows.map((row) => row[k])),
          );
          const expected = rows.map((row) => definition(expression, Type, row));
          expect(Array.from(out)).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("repeats an operand of stride 0", () => {
    const recorder = new Recorder();
    const [x, scale] = [recorder.input(0), recorder.input(1)];
    const expression = recorder.finish(2, recorder.tanh(recorder.mul(x, scale)));
    const array = new Type(Array.from({ length: 1000 }, (_, i) => i / 500 - 1));
    const out = new Type(1000);
    const repeated = { array: new Type([9, 0.5]), offset: 1, stride: 0 };
    const input = { array, offset: 0, stride: 1 };
    expect(evaluateAgain(expression, { array: out, offset: 0, stride: 1 }, [input, repeated], 1000)).toBe(true);
    expect(Math.max(...out.map((y, i) => Math.abs(y - Math.tanh(array[i] / 2))))).toBeLessThan(1e-6);
  });

  test.each([320, 4095, 4096, 4097, 9001])("handles %i elements, piece by piece", (count) => {
    const recorder = new Recorder();
    const expression = recorder.finish(
      1,
      recorder.neg(recorder.exp(recorder.mul(recorder.input(0), recorder.constant(0)))),
    );
    expect(run(expression, Type, [new Array(count).fill(1)])).toEqual(new Type(count).fill(-1));
  });

  test("leaves short runs, and an expression's first calls, to the plain loop", () => {
    const recorder = new Recorder();
    const expression = recorder.finish(1, recorder.exp(recorder.input(0)));
    const run = { array: new Type(10_000), offset: 0, stride: 1 };
    for (const count of [0, 3, 15]) expect(evaluateAgain(expression, run, [run], count)).toBe(false);
    expect(evaluateRun(expression, run, [run], 10_000)).toBe(false);
    expect(run.array.every((x) => x === 0)).toBe(true);
    expect(evaluateAgain(expression, run, [run], 10_000)).toBe(true);
    expect(run.array.every((x) => x === 1)).toBe(true);
  });

  test("calls the host's pow", () => {
    const recorder = new Recorder();
    const expression = recorder.finish(2, recorder.tanh(recorder.pow(recorder.input(0), recorder.input(1))));
    const bases = Array.from({ length: leastCount }, (_, i) => Math.fround(i / 64));
    const exponents = bases.map((_, i) => (i % 7) - 3);
    const out = run(expression, Type, [bases, exponents]);
    for (let i = 0; i < leastCount; i++) {
      const expected = Math.tanh(bases[i] ** exponents[i]);
      expect(Math.abs(out[i] - expected)).toBeLessThanOrEqual(1e-6);
    }
  });
});
