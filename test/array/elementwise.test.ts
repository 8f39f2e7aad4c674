import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DType, newArray } from "../../src/array/dtype.js";
import { evaluateElementwise } from "../../src/array/elementwise.js";
import {
  type Expression,
  numbers,
  operandsOf,
  Recorder,
  type Scalars,
  usedInputs,
} from "../../src/array/expression.js";
import { ScalarProgram } from "../../src/array/scalar-program.js";
import type { ArrayView } from "../../src/array/storage.js";
import { broadcastable, broadcastShape, build, indicesOf, type Naive, spread, valuesOf } from "./oracles.js";

/** Formulas over three arguments that together use every instruction. */
const FORMULAS: Record<string, <T>(e: Scalars<T>, a: T, b: T, c: T) => T> = {
  input: (_, a) => a,
  constant: (e) => e.constant(2.5),
  add: (e, a, b) => e.add(a, b),
  sub: (e, a, b) => e.sub(a, b),
  mul: (e, a, b) => e.mul(a, b),
  div: (e, a, b) => e.div(a, b),
  pow: (e, a, b) => e.pow(e.abs(a), b),
  maximum: (e, a, b) => e.maximum(a, b),
  minimum: (e, a, b) => e.minimum(a, b),
  less: (e, a, b) => e.less(a, b),
  lessEqual: (e, a, b) => e.lessEqual(a, b),
  equal: (e, a, b) => e.equal(e.floor(a), e.floor(b)),
  neg: (e, a) => e.neg(a),
  abs: (e, a) => e.abs(a),
  sign: (e, a) => e.sign(a),
  floor: (e, a) => e.floor(a),
  sqrt: (e, a) => e.sqrt(a),
  exp: (e, a) => e.exp(a),
  expm1: (e, a) => e.expm1(a),
  log: (e, a) => e.log(a),
  log1p: (e, a) => e.log1p(a),
  sin: (e, a) => e.sin(a),
  cos: (e, a) => e.cos(a),
  tanh: (e, a) => e.tanh(a),
  erf: (e, a) => e.erf(a),
  select: (e, a, b, c) => e.select(e.less(e.constant(0), a), b, c),
  "a polynomial": (e, a, b, c) => e.add(e.mul(a, e.add(e.mul(a, b), c)), e.mul(e.constant(-3), e.mul(b, c))),
  "a sum with itself": (e, a) => e.add(e.mul(a, a), e.mul(a, a)),
  "a formula of constants": (e) => e.mul(e.add(e.constant(1), e.constant(2)), e.constant(-0)),
  "a sigmoid of a difference": (e, a, b) => e.div(e.constant(1), e.add(e.constant(1), e.exp(e.sub(b, a)))),
};

function record(formula: (typeof FORMULAS)[string]): Expression {
  const recorder = new Recorder();
  const inputs = [recorder.input(0), recorder.input(1), recorder.input(2)] as const;
  return recorder.finish(3, formula(recorder, ...inputs));
}

/** A view somewhere inside a larger buffer whose other elements are NaN, so that reading past it shows. */
function viewOf(shape: readonly number[], dtype: DType, values: readonly number[]): ArrayView {
  const buffer = newArray(dtype, values.length + 11);
  buffer.fill(Number.NaN);
  buffer.set(values, 7);
  return { dtype, shape, size: values.length, buffer, offset: 7 };
}

function naiveOf(view: ArrayView): Naive {
  const { shape, buffer, offset } = view;
  return build(shape, (index) => buffer[offset + index.reduce((place, i, axis) => place * shape[axis] + i, 0)]);
}

const number = fc.oneof(
  fc.double({ min: -4, max: 4, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
);

describe.each(Object.entries(FORMULAS))("the plain loop of %s", (_, formula) => {
  const expression = record(formula);

  test("is the formula at every index, broadcast, and writes nowhere else", () => {
    fc.assert(
      fc.property(
        broadcastable(3),
        fc.constantFrom<DType>("float32", "float64"),
        fc.infiniteStream(number),
        (shapes, dtype, stream) => {
          const views = shapes.map((shape) =>
            viewOf(
              shape,
              dtype,
              indicesOf(shape).map(() => stream.next().value as number),
            ),
          );
          const shape = broadcastShape(...shapes) as number[];
          const size = indicesOf(shape).length;
          const out = viewOf(shape, dtype, new Array(size).fill(123));
          evaluateElementwise(expression, out, views);
          const [a, b, c] = views.map((view) => spread(naiveOf(view), shape));
          const round = dtype === "float32" ? Math.fround : (x: number) => x;
          expect([...out.buffer.subarray(7, 7 + size)]).toEqual(
            valuesOf(build(shape, (index) => round(formula(numbers, a.at(index), b.at(index), c.at(index))))),
          );
          expect([...out.buffer.subarray(0, 7), ...out.buffer.subarray(7 + size)].every(Number.isNaN)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("goes on after the first block", () => {
    const size = 1300;
    const values = (step: number) => Array.from({ length: size }, (_, i) => Math.sin(i * step) * 3);
    const [a, b, c] = [0.1, 0.7, 1.3].map(values);
    const out = viewOf([2, 650], "float64", new Array(size).fill(0));
    const row = c.slice(0, 650);
    evaluateElementwise(expression, out, [
      viewOf([2, 650], "float64", a),
      viewOf([], "float64", [b[0]]),
      viewOf([650], "float64", row),
    ]);
    expect([...out.buffer.subarray(7, 7 + size)]).toEqual(a.map((one, i) => formula(numbers, one, b[0], row[i % 650])));
  });

  test("is the same as the program for single numbers", () => {
    const program = new ScalarProgram(expression);
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        program.registers.set([a, b, c]);
        expect(program.run()).toBe(formula(numbers, a, b, c));
        expect(program.run()).toBe(formula(numbers, a, b, c));
      }),
    );
  });
});

describe("a recorded expression", () => {
  test("computes equal steps once and leaves out what the result does not need", () => {
    const recorder = new Recorder();
    const x = recorder.input(0);
    recorder.exp(x);
    const square = recorder.mul(x, x);
    const result = recorder.add(square, recorder.mul(x, x));
    const expression = recorder.finish(1, result);
    expect(expression.instructions.map(({ code }) => code)).toEqual(["input", "mul", "add"]);
    expect(operandsOf(expression.instructions[2])).toEqual([1, 1]);
  });

  test("tells apart 0 and -0, infinity and NaN", () => {
    const recorder = new Recorder();
    const constants = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    expect(new Set(constants.map((value) => recorder.constant(value))).size).toBe(5);
    expect(constants.map((value) => recorder.constant(value))).toEqual([0, 1, 2, 3, 4]);
  });

  test("names the inputs that it reads", () => {
    expect(usedInputs(record((e, a, _b, c) => e.sub(c, a)))).toEqual([0, 2]);
    expect(usedInputs(record((e) => e.constant(1)))).toEqual([]);
  });
});

describe("ties and NaN", () => {
  test("maximum and minimum take the second of equal ones, and NaN from either side", () => {
    expect(numbers.maximum(0, -0)).toBe(-0);
    expect(numbers.maximum(-0, 0)).toBe(0);
    expect(numbers.minimum(0, -0)).toBe(-0);
    expect(numbers.minimum(-0, 0)).toBe(0);
    for (const op of [numbers.maximum, numbers.minimum]) {
      expect(op(Number.NaN, 1)).toBeNaN();
      expect(op(1, Number.NaN)).toBeNaN();
    }
  });
});
