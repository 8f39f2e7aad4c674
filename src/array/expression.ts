import { erf } from "../base/math.js";

/**
 * What an elementwise op computes, stated once against this interface. Run with `numbers` it is a value; run with a
 * `Recorder` it becomes an `Expression`, from which plain loops, SIMD loops, fused loops and the scalar tape are made.
 * Conditions are numbers: 0 is false, anything else (also NaN) is true; comparisons give 0 or 1.
 */
export interface Scalars<T> {
  constant(value: number): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  pow(a: T, b: T): T;
  /** The larger; b where they are equal; NaN if either is. */
  maximum(a: T, b: T): T;
  /** The smaller; b where they are equal; NaN if either is. */
  minimum(a: T, b: T): T;
  less(a: T, b: T): T;
  lessEqual(a: T, b: T): T;
  equal(a: T, b: T): T;
  neg(a: T): T;
  abs(a: T): T;
  sign(a: T): T;
  floor(a: T): T;
  sqrt(a: T): T;
  exp(a: T): T;
  expm1(a: T): T;
  log(a: T): T;
  log1p(a: T): T;
  sin(a: T): T;
  cos(a: T): T;
  tanh(a: T): T;
  erf(a: T): T;
  /** a where the condition holds, else b; the other one is not looked at, so its NaN does not spread. */
  select(condition: T, a: T, b: T): T;
}

export type UnaryCode =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "sqrt"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sin"
  | "cos"
  | "tanh"
  | "erf";
export type BinaryCode = "add" | "sub" | "mul" | "div" | "pow" | "maximum" | "minimum" | "less" | "lessEqual" | "equal";

/** The value of each instruction in double precision: the definition that every faster kernel is tested against. */
export const numbers: Scalars<number> = {
  constant: (value) => value,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: (a, b) => a ** b,
  maximum: (a, b) => (a > b || a !== a ? a : b),
  minimum: (a, b) => (a < b || a !== a ? a : b),
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf,
  select: (condition, a, b) => (condition !== 0 ? a : b),
};

/** One step of an expression; `a`, `b`, `c` are indices of earlier instructions. */
export type Instruction =
  | { readonly code: "input"; readonly index: number }
  | { readonly code: "constant"; readonly value: number }
  | { readonly code: UnaryCode; readonly a: number }
  | { readonly code: BinaryCode; readonly a: number; readonly b: number }
  | { readonly code: "select"; readonly a: number; readonly b: number; readonly c: number };

/** A scalar function as a list of instructions in order; the last is the result. Every instruction is used. */
export interface Expression {
  readonly inputs: number;
  readonly instructions: readonly Instruction[];
  /** What array/wasm/ compiled of it, kept here because a look-up at each call would cost more. */
  compiled?: object | null;
}

/** Builds an expression: every call appends an instruction, or finds the equal one that is there already. */
export class Recorder implements Scalars<number> {
  private readonly instructions: Instruction[] = [];
  private readonly known = new Map<string, number>();

  private append(instruction: Instruction): number {
    const key =
      instruction.code === "constant" && Object.is(instruction.value, -0)
        ? "-0"
        : JSON.stringify(Object.values(instruction), (_, value) =>
            typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
          );
    const found = this.known.get(key);
    if (found !== undefined) return found;
    this.instructions.push(instruction);
    this.known.set(key, this.instructions.length - 1);
    return this.instructions.length - 1;
  }

  private unary(code: UnaryCode, a: number): number {
    return this.append({ code, a });
  }

  private binary(code: BinaryCode, a: number, b: number): number {
    return this.append({ code, a, b });
  }

  input(index: number): number {
    return this.append({ code: "input", index });
  }

  /** The instructions that `result` needs, renumbered. */
  finish(inputs: number, result: number): Expression {
    const needed = new Uint8Array(this.instructions.length);
    needed[result] = 1;
    for (let i = result; i >= 0; i--) {
      const instruction = this.instructions[i];
      if (needed[i] === 0) continue;
      for (const operand of operandsOf(instruction)) needed[operand] = 1;
    }
    const place = new Int32Array(this.instructions.length);
    const instructions: Instruction[] = [];
    for (let i = 0; i <= result; i++) {
      if (needed[i] === 0) continue;
      place[i] = instructions.length;
      const step = this.instructions[i];
      if ("c" in step) instructions.push({ ...step, a: place[step.a], b: place[step.b], c: place[step.c] });
      else if ("b" in step) instructions.push({ ...step, a: place[step.a], b: place[step.b] });
      else if ("a" in step) instructions.push({ ...step, a: place[step.a] });
      else instructions.push(step);
    }
    return { inputs, instructions, compiled: null };
  }

  constant = (value: number): number => this.append({ code: "constant", value });
  add = (a: number, b: number): number => this.binary("add", a, b);
  sub = (a: number, b: number): number => this.binary("sub", a, b);
  mul = (a: number, b: number): number => this.binary("mul", a, b);
  div = (a: number, b: number): number => this.binary("div", a, b);
  pow = (a: number, b: number): number => this.binary("pow", a, b);
  maximum = (a: number, b: number): number => this.binary("maximum", a, b);
  minimum = (a: number, b: number): number => this.binary("minimum", a, b);
  less = (a: number, b: number): number => this.binary("less", a, b);
  lessEqual = (a: number, b: number): number => this.binary("lessEqual", a, b);
  equal = (a: number, b: number): number => this.binary("equal", a, b);
  neg = (a: number): number => this.unary("neg", a);
  abs = (a: number): number => this.unary("abs", a);
  sign = (a: number): number => this.unary("sign", a);
  floor = (a: number): number => this.unary("floor", a);
  sqrt = (a: number): number => this.unary("sqrt", a);
  exp = (a: number): number => this.unary("exp", a);
  expm1 = (a: number): number => this.unary("expm1", a);
  log = (a: number): number => this.unary("log", a);
  log1p = (a: number): number => this.unary("log1p", a);
  sin = (a: number): number => this.unary("sin", a);
  cos = (a: number): number => this.unary("cos", a);
  tanh = (a: number): number => this.unary("tanh", a);
  erf = (a: number): number => this.unary("erf", a);
  select = (condition: number, a: number, b: number): number =>
    this.append({ code: "select", a: condition, b: a, c: b });
}

/** The instructions that an instruction reads. */
export function operandsOf(instruction: Instruction): number[] {
  if ("c" in instruction) return [instruction.a, instruction.b, instruction.c];
  if ("b" in instruction) return [instruction.a, instruction.b];
  return "a" in instruction ? [instruction.a] : [];
}

/** Which of the inputs the expression reads. */
export function usedInputs(expression: Expression): readonly number[] {
  return expression.instructions.flatMap((step) => (step.code === "input" ? [step.index] : []));
}

/** The expression that `build` makes of its inputs. */
export function recorded(inputs: number, build: (e: Recorder, ...inputs: number[]) => number): Expression {
  const recorder = new Recorder();
  return recorder.finish(
    inputs,
    build(recorder, ...Array.from({ length: inputs }, (_, index) => recorder.input(index))),
  );
}
