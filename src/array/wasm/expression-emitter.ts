/**
 * Code for expressions: the scalar function of an elementwise op, a list of instructions, becomes vector instructions.
 * Arithmetic, comparisons and selections round as in the definition, in the vector's type at each step; transcendental
 * functions are those of `VectorMath`; what has no vector form (pow) calls the host for each lane.
 */
import { type Expression, type Instruction, numbers, type UnaryCode } from "../expression.js";
import type { FunctionBuilder, ImportedFunction, Local, ModuleBuilder } from "./assembler.js";
import { type V128, v128 } from "./instructions.js";
import { constantOf, VectorMath } from "./vector-math.js";
import type { FloatVector } from "./vectors.js";

type Vector = Local<"v128">;

/** The host's functions that emitted expressions may call. */
export interface HostFunctions {
  readonly sin: ImportedFunction;
  readonly cos: ImportedFunction;
  readonly pow: ImportedFunction;
}

/** Declares the imports of the host's functions; `hostFunctions` are their values. */
export function importHostFunctions(module: ModuleBuilder): HostFunctions {
  return { sin: module.import("sin", 1), cos: module.import("cos", 1), pow: module.import("pow", 2) };
}

/** What to instantiate a module with that called `importHostFunctions`: the definitions. */
export const hostFunctions = { sin: numbers.sin, cos: numbers.cos, pow: numbers.pow };

/** A value in a register. */
export interface Emitted {
  readonly value: Vector;
  /** For a comparison, also the mask that the numbers came from. */
  readonly mask?: Vector;
  /** For a constant, its number. */
  readonly constant?: number;
}

/**
 * Emits an expression; returns a new local with its value.
 * @param inputs the vector of each input
 */
export function emitExpression(
  f: FunctionBuilder,
  vector: FloatVector,
  relaxed: boolean,
  expression: Expression,
  inputs: readonly Vector[],
  host: HostFunctions,
): Vector {
  const operands = inputs.map((value) => ({ value }));
  const { value, mask } = emitFollowing(f, vector, relaxed, expression, operands, host);
  if (mask !== undefined) f.release(mask);
  return value;
}

/** The same for an expression that follows others: it may read their masks, and gives its own, in a new local too. */
export function emitFollowing(
  f: FunctionBuilder,
  vector: FloatVector,
  relaxed: boolean,
  expression: Expression,
  inputs: readonly Emitted[],
  host: HostFunctions,
): Emitted {
  const { instructions } = expression;
  const emitter = new ExpressionEmitter(f, vector, relaxed, inputs, host);
  const mask = isComparison(instructions[instructions.length - 1]) ? f.local("v128") : undefined;
  const value = f.scope(() => {
    const results: Emitted[] = [];
    for (const instruction of instructions) results.push(emitter.emit(instruction, results));
    const last = results[results.length - 1];
    if (mask !== undefined) f.set(mask, last.mask as Vector);
    // A copy: the last value may be an input.
    return f.keep(last.value);
  });
  return mask === undefined ? { value } : { value, mask };
}

function isComparison({ code }: Instruction): boolean {
  return code === "less" || code === "lessEqual" || code === "equal";
}

class ExpressionEmitter {
  readonly #math: VectorMath;

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    relaxed: boolean,
    readonly inputs: readonly Emitted[],
    readonly host: HostFunctions,
  ) {
    this.#math = new VectorMath(f, vector, relaxed);
  }

  emit(step: Instruction, results: readonly Emitted[]): Emitted {
    const { f, vector } = this;
    if (step.code === "input") return this.inputs[step.index];
    if (step.code === "constant") return { value: f.keep(constantOf(f, vector, step.value)), constant: step.value };
    if (step.code === "select") return { value: this.#select(results[step.a], results[step.b], results[step.c]) };
    const a = results[step.a].value;
    if (!("b" in step)) return { value: this.#unary(step.code, a) };
    const b = results[step.b].value;
    const { constant } = results[step.b];
    switch (step.code) {
      case "add":
      case "sub":
      case "mul":
      case "div":
        return { value: f.keep(vector[step.code](a, b)) };
      case "less":
        return this.#comparison(vector.lt(a, b));
      case "lessEqual":
        return this.#comparison(vector.le(a, b));
      case "equal":
        return this.#comparison(vector.eq(a, b));
      case "maximum":
        return { value: this.#extreme(a, b, constant, vector.gt, vector.le, vector.pmax) };
      case "minimum":
        return { value: this.#extreme(a, b, constant, vector.lt, vector.ge, vector.pmin) };
      case "pow":
        if (constant === 2) return { value: f.keep(vector.mul(a, a)) };
        return { value: f.keep(this.#math.callLanes(this.host.pow, [a, b])) };
    }
  }

  #comparison(mask: V128): Emitted {
    const kept = this.f.keep(mask);
    return { mask: kept, value: this.f.keep(v128.and(kept, constantOf(this.f, this.vector, 1))) };
  }

  #select(condition: Emitted, a: Emitted, b: Emitted): Vector {
    const { f, vector } = this;
    const mask = condition.mask ?? vector.ne(condition.value, vector.constant(0));
    if (Object.is(b.constant, 0)) return f.keep(v128.and(a.value, mask));
    if (Object.is(a.constant, 0)) return f.keep(v128.andNot(b.value, mask));
    return f.keep(v128.bitselect(a.value, b.value, mask));
  }

  /** a if it beats b or is NaN, else b. */
  #extreme(
    a: Vector,
    b: Vector,
    constant: number | undefined,
    beats: Binary,
    notBeats: Binary,
    extreme: Binary,
  ): Vector {
    const { f, vector } = this;
    if (constant === undefined || Number.isNaN(constant)) {
      return f.keep(v128.bitselect(a, b, v128.or(beats(a, b), vector.ne(a, a))));
    }
    // With b a number other than zero, equals are the same; with zero, the sum gives +0 for -0.
    if (constant !== 0) return f.keep(extreme(a, b));
    if (Object.is(constant, 0)) return f.keep(vector.add(extreme(a, b), b));
    return f.keep(v128.bitselect(b, a, notBeats(a, b)));
  }

  #unary(code: UnaryCode, a: Vector): Vector {
    const { f, vector } = this;
    switch (code) {
      case "neg":
      case "abs":
        return f.keep(this.#math[code](a));
      case "floor":
      case "sqrt":
        return f.keep(vector[code](a));
      case "sign": {
        const one = v128.and(vector.gt(a, vector.constant(0)), vector.constant(1));
        const minusOne = v128.and(vector.lt(a, vector.constant(0)), vector.constant(-1));
        // Zeros keep their sign, and NaN stays.
        const itself = v128.not(v128.or(vector.lt(a, vector.constant(0)), vector.gt(a, vector.constant(0))));
        return f.keep(v128.bitselect(a, v128.or(one, minusOne), itself));
      }
      case "sin":
      case "cos":
        return this.#math[code](a, this.host);
      default:
        return this.#math[code](a);
    }
  }
}

type Binary = (a: V128, b: V128) => V128;
