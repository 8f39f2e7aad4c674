/**
 * Elementwise expressions on ordinary typed arrays by WASM SIMD loops: operands are copied into the scratch memory in
 * pieces that stay in the cache, computed there, and copied out. One kernel for each expression, dtype and choice of
 * repeated operands, compiled at first use and kept as long as the expression is.
 */
import { type Expression, type Instruction, usedInputs } from "../expression.js";
import { ModuleBuilder } from "./assembler.js";
import type { WasmFunction } from "./engine.js";
import { emitExpression, hostFunctions, importHostFunctions } from "./expression-emitter.js";
import { simdLevel } from "./features.js";
import { i32, v128 } from "./instructions.js";
import { instantiate } from "./kernel-family.js";
import { copy, type FloatArray, type Scratch, scratch } from "./scratch.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** A run of elements, `array[offset + stride · i]`, of the result's type; stride 0 repeats one element. */
export interface FloatRun {
  readonly array: FloatArray;
  readonly offset: number;
  readonly stride: number;
}

/** Elements of one piece. */
const pieceLength = 4096;

/**
 * The module of an expression's loop, exporting `run(out, count, in0, in1, ...)` on byte addresses. Reads and writes whole
 * vectors: up to 15 bytes past the end.
 * @param repeated for each input, whether it is one element for all
 */
export function elementwiseModule(
  expression: Expression,
  dtype: FloatType,
  repeated: readonly boolean[],
  relaxed: boolean,
): Uint8Array {
  const module = new ModuleBuilder();
  const host = importHostFunctions(module);
  const vector = vectorOf(dtype);
  const inputs = Object.fromEntries(repeated.map((_, index) => [`input${index}`, "i32" as const]));
  const parameters: Record<string, "i32"> = { out: "i32", count: "i32", ...inputs };
  module.function("run", parameters, (f, p) => {
    const vectors = f.locals("v128", repeated.length);
    repeated.forEach((repeats, index) => {
      if (repeats) f.set(vectors[index], vector.loadSplat(p[`input${index}`]));
    });
    f.while(i32.gtS(p.count, 0), () => {
      repeated.forEach((repeats, index) => {
        if (repeats) return;
        f.set(vectors[index], v128.load(p[`input${index}`]));
        f.increment(p[`input${index}`], 16);
      });
      const result = emitExpression(f, vector, relaxed, expression, vectors, host);
      f.add(v128.store(p.out, result));
      f.release(result);
      f.increment(p.out, 16);
      f.increment(p.count, -vector.lanes);
    });
  });
  return module.bytes();
}

/** What one instruction costs in a plain loop, in units of an addition. */
function plainCost({ code }: Instruction): number {
  switch (code) {
    case "input":
    case "constant":
      return 0;
    case "exp":
    case "expm1":
    case "log":
    case "log1p":
    case "sin":
    case "cos":
    case "tanh":
      return 10;
    case "erf":
      return 40;
    default:
      return 1;
  }
}

/** Kernels of one expression, at a number made of the dtype, the SIMD level and of which operands are repeated. */
interface Compiled {
  readonly cost: number;
  /** Whether each operand is read at all. */
  readonly reads: readonly boolean[];
  readonly kernels: (WasmFunction | undefined)[];
  /** Calls so far: an expression whose constants change at every call must not be compiled at every call. */
  calls: number;
}

const compiledExpressions = new WeakMap<Expression, Compiled>();

function compiledOf(expression: Expression): Compiled {
  let compiled = compiledExpressions.get(expression);
  if (compiled === undefined) {
    const cost = expression.instructions.reduce((sum, instruction) => sum + plainCost(instruction), 0);
    const used = usedInputs(expression);
    const reads = Array.from({ length: expression.inputs }, (_, index) => used.includes(index));
    compiled = { cost, reads, kernels: [], calls: 0 };
    compiledExpressions.set(expression, compiled);
  }
  return compiled;
}

function kernelOf(
  compiled: Compiled,
  expression: Expression,
  dtype: FloatType,
  inputs: readonly FloatRun[],
): WasmFunction {
  const relaxed = simdLevel() === "relaxed";
  let key = (dtype === "float32" ? 2 : 3) + (relaxed ? 2 : 0);
  for (let index = 0; index < inputs.length; index++) key = 2 * key + inputs[index].stride;
  let kernel = compiled.kernels[key];
  if (kernel === undefined) {
    const repeated = inputs.map(({ stride }) => stride === 0);
    kernel = instantiate(elementwiseModule(expression, dtype, repeated, relaxed), hostFunctions).run;
    compiled.kernels[key] = kernel;
  }
  return kernel;
}

/** Whether an expression reads each of its operands: the others need not be there. */
export function operandsRead(expression: Expression): readonly boolean[] {
  return compiledOf(expression).reads;
}

/** The least cost of an expression, in additions for each element, for which copying pays. */
const leastCost = 1;
/** Calls of an expression before its kernel is compiled, which costs about as much as a thousand small calls. */
const leastCalls = 3;
/** The least cost of a whole call. */
const leastWork = 300;

/** Whether the SIMD loop can be expected to be faster than the plain one for `count` elements. */
export function worthCompiling(expression: Expression, count: number): boolean {
  if (simdLevel() === "none") return false;
  const { cost } = compiledOf(expression);
  return cost >= leastCost && cost * count >= leastWork;
}

/**
 * out[i] = expression(inputs[0][i], inputs[1][i], ...) for `count` consecutive elements from `out.offset`; all arrays are
 * of one type, and strides are 0 or 1 (the output's is 1).
 * @returns false, with `out` untouched, where WASM SIMD is missing, or a plain loop is faster
 */
export function evaluateRunWasm(
  expression: Expression,
  out: FloatRun,
  inputs: readonly FloatRun[],
  count: number,
): boolean {
  if (count < 16 || simdLevel() === "none") return false;
  const compiled = compiledOf(expression);
  if (compiled.cost < leastCost || compiled.cost * count < leastWork || ++compiled.calls < leastCalls) return false;
  const dtype = out.array instanceof Float32Array ? "float32" : "float64";
  const kernel = kernelOf(compiled, expression, dtype, inputs);
  const memory = scratch();
  const shift = dtype === "float32" ? 2 : 3;
  const width = Math.min(count, pieceLength);
  // Operands lie one behind the other, after the output, with room for the last vector and off each other's cache sets.
  const room = (width + 48) & ~15;
  memory.reserve(((inputs.length + 1) * room) << shift);
  const step = room << shift;
  for (let start = 0; start < count; start += pieceLength) {
    const length = Math.min(pieceLength, count - start);
    loadPieces(memory, dtype, inputs, compiled.reads, start, length, room);
    // Addresses that the kernel has no parameter for are ignored.
    if (inputs.length <= 4) kernel(0, length, step, 2 * step, 3 * step, 4 * step);
    else kernel(0, length, ...inputs.map((_, index) => (index + 1) * step));
    copy(out.array, out.offset + start, dtype === "float32" ? memory.float32 : memory.float64, 0, length);
  }
  return true;
}

function loadPieces(
  memory: Scratch,
  dtype: FloatType,
  inputs: readonly FloatRun[],
  reads: readonly boolean[],
  start: number,
  length: number,
  room: number,
): void {
  const heap = dtype === "float32" ? memory.float32 : memory.float64;
  for (let index = 0; index < inputs.length; index++) {
    if (!reads[index]) continue;
    const { array, offset, stride } = inputs[index];
    copy(heap, (index + 1) * room, array, stride === 0 ? offset : offset + start, stride === 0 ? 1 : length);
  }
}
