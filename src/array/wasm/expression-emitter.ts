/**
 * Code for expressions: the scalar function of an elementwise op, a list of instructions, becomes vector instructions.
 * Arithmetic, comparisons and selections round as in the definition, in the vector's type at each step; transcendental
 * functions are those of `VectorMath`; what has no vector form (pow) calls the host for each lane.
 */
import { type Expression, type Instruction, numbers, type UnaryCode } from "../expression.js";
import type { FunctionBuilder, ImportedFunction, Local, ModuleBuilder } from "./assembler.js";
import { type V128, v128 } from "./instructions.js";
import { VectorMath } from "./vector-math.js";
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

/** An instruction's value: numbers, and for a comparison also the mask they came from. */
interface Emitted {
  readonly value: Vector;
  readonly mask?: Vector;
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
  const emitter = new ExpressionEmitter(f, vector, relaxed, inputs, host, expression.instructions);
  return f.scope(() => {
    const results: Emitted[] = [];
    for (const instruction of expression.instructions) results.push(emitter.emit(instruction, results));
    // A copy: the last value may be an input.
    return f.keep(results[results.length - 1].value);
  });
}

class ExpressionEmitter {
  readonly #math: VectorMath;

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    relaxed: boolean,
    readonly inputs: readonly Vector[],
    readonly host: HostFunctions,
    readonly instructions: readonly Instruction[],
  ) {
    this.#math = new VectorMath(f, vector, relaxed);
  }

  emit(step: Instruction, results: readonly Emitted[]): Emitted {
    const { f, vector } = this;
    if (step.code === "input") return { value: this.inputs[step.index] };
    if (step.code === "constant") return { value: f.keep(vector.constant(step.value)) };
    if (step.code === "select") {
      const condition = results[step.a].mask ?? vector.ne(results[step.a].value, vector.constant(0));
      return { value: f.keep(v128.bitselect(results[step.b].value, results[step.c].value, condition)) };
    }
    const a = results[step.a].value;
    if (!("b" in step)) return { value: this.#unary(step.code, a) };
    const b = results[step.b].value;
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
        return { value: this.#extreme(a, b, step.b, vector.gt, vector.le) };
      case "minimum":
        return { value: this.#extreme(a, b, step.b, vector.lt, vector.ge) };
      case "pow":
        if (this.#constantAt(step.b) === 2) return { value: f.keep(vector.mul(a, a)) };
        return { value: f.keep(this.#math.callLanes(this.host.pow, [a, b])) };
    }
  }

  #comparison(mask: V128): Emitted {
    const kept = this.f.keep(mask);
    return { mask: kept, value: this.f.keep(v128.and(kept, this.vector.constant(1))) };
  }

  #constantAt(index: number): number | undefined {
    const instruction = this.instructions[index];
    return instruction.code === "constant" ? instruction.value : undefined;
  }

  /** a if it beats b or is NaN, else b. */
  #extreme(a: Vector, b: Vector, bIndex: number, beats: Comparison, notBeats: Comparison): Vector {
    const { f, vector } = this;
    const constant = this.#constantAt(bIndex);
    // With b a number, "a beats b, or is NaN" is the negation of one comparison.
    if (constant !== undefined && !Number.isNaN(constant)) return f.keep(v128.bitselect(b, a, notBeats(a, b)));
    return f.keep(v128.bitselect(a, b, v128.or(beats(a, b), vector.ne(a, a))));
  }

  #unary(code: UnaryCode, a: Vector): Vector {
    const { f, vector } = this;
    switch (code) {
      case "neg":
      case "abs":
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

type Comparison = (a: V128, b: V128) => V128;
