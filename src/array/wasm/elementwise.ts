/**
 * Elementwise expressions on ordinary typed arrays by WASM SIMD loops: operands are copied into the scratch memory in
 * pieces that stay in the cache, computed there, and copied out. One kernel for each expression, dtype and choice of
 * repeated operands, compiled when the expression is met again and kept as long as it is.
 *
 * Small networks spend their time here in calls, not in arithmetic: one look-up per call, and no object is made for it.
 */
import { type Expression, type Instruction, usedInputs } from "../expression.js";
import { broadcastInto, repeatInto } from "../move.js";
import { isSuffix } from "../shape.js";
import type { ArrayView } from "../storage.js";
import { ModuleBuilder } from "./assembler.js";
import type { WasmFunction } from "./engine.js";
import { emitExpression, hostFunctions, importHostFunctions } from "./expression-emitter.js";
import { simdLevel } from "./features.js";
import { i32, v128 } from "./instructions.js";
import { instantiate } from "./kernel-family.js";
import { copy, type FloatArray, place, placeResult, scratch, takeResult } from "./scratch.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** Elements of one piece. */
const pieceLength = 4096;

/**
 * The module of an expression's loop, exporting `run(out, count, in0, in1, ...)` on byte addresses. Reads and writes whole
 * vectors: up to 15 bytes past the end.
 * @param repeated for each input, whether it is one element for all
 */
function elementwiseModule(
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
  /** Whether each operand is read at all: the others need not be there. */
  readonly reads: readonly boolean[];
  readonly kernels: (WasmFunction | undefined)[];
  /** Calls so far: an expression whose constants change at every call must not be compiled at every call. */
  calls: number;
}

function compiledOf(expression: Expression): Compiled {
  if (expression.compiled == null) {
    const cost = expression.instructions.reduce((sum, instruction) => sum + plainCost(instruction), 0);
    const used = usedInputs(expression);
    const reads = Array.from({ length: expression.inputs }, (_, index) => used.includes(index));
    expression.compiled = { cost, reads, kernels: [], calls: 0 } satisfies Compiled;
  }
  return expression.compiled as Compiled;
}

function compileKernel(
  { reads, kernels }: Compiled,
  key: number,
  expression: Expression,
  out: ArrayView,
  inputs: readonly ArrayView[],
): WasmFunction {
  const repeated = inputs.map(({ size }, index) => !reads[index] || size === 1);
  const relaxed = simdLevel() === "relaxed";
  const dtype = out.dtype as FloatType;
  const { run } = instantiate(elementwiseModule(expression, dtype, repeated, relaxed), hostFunctions);
  kernels[key] = run;
  return run;
}

/** Fewer elements are left to the plain loop. */
const leastCount = 16;
/** Calls of an expression before its kernel is compiled, which costs about as much as a thousand small calls. */
const leastCalls = 3;
/** The least cost of a whole call, in additions. */
const leastWork = 16;
/** Broadcast operands are spread out for the SIMD loops up to this many elements. */
const largestSpread = 1 << 20;

/**
 * out = expression(...inputs), elementwise with broadcasting: an operand has the output's shape, or broadcasts to it.
 * @returns false, with `out` untouched, where WASM SIMD is missing, dtypes differ, or a plain loop is faster
 */
export function elementwiseWasm(expression: Expression, out: ArrayView, inputs: readonly ArrayView[]): boolean {
  const { size, dtype } = out;
  if (size < leastCount || dtype === "int32") return false;
  const level = simdLevel();
  if (level === "none") return false;
  const compiled = compiledOf(expression);
  const { reads, cost } = compiled;
  if (cost * size < leastWork || ++compiled.calls < leastCalls) return false;
  const single = dtype === "float32";
  let key = (single ? 2 : 3) + (level === "relaxed" ? 2 : 0);
  for (let index = 0; index < inputs.length; index++) {
    key *= 2;
    if (!reads[index]) continue;
    const input = inputs[index];
    if (input.dtype !== dtype) return false;
    if (input.size === 1) continue;
    key++;
    if (input.size !== size && size > largestSpread) return false;
  }
  const kernel = compiled.kernels[key] ?? compileKernel(compiled, key, expression, out, inputs);
  const memory = scratch();
  const shift = single ? 2 : 3;
  const width = size < pieceLength ? size : pieceLength;
  // Operands lie one behind the other, after the output, with room for the last vector and off each other's cache sets.
  const room = (width + 48) & ~15;
  const step = room << shift;
  const outAt = memory.base;
  memory.reserve(outAt + (inputs.length + 1) * step);
  const heap = single ? memory.float32 : memory.float64;
  for (let start = 0; start < size; start += pieceLength) {
    const length = size - start < pieceLength ? size - start : pieceLength;
    for (let index = 0; index < inputs.length; index++) {
      if (!reads[index]) continue;
      const input = inputs[index];
      const at = outAt + (index + 1) * step;
      if (input.size === size) addresses[index] = place(heap, shift, at, input, input.offset + start, length);
      else {
        addresses[index] = at;
        if (input.size === 1) heap[at >> shift] = input.buffer[input.offset];
        else if (size <= pieceLength && isSuffix(input.shape, out.shape)) repeatInto(heap, at >> shift, size, input);
        else {
          if (start === 0) spread(input, out, index);
          copy(heap, at >> shift, spreads[dtype][index], start, length);
        }
      }
    }
    const to = placeResult(heap, shift, outAt, out, out.offset + start);
    // Addresses that the kernel has no parameter for are ignored.
    if (inputs.length <= 4) kernel(to, length, addresses[0], addresses[1], addresses[2], addresses[3]);
    else kernel(to, length, ...addresses);
    takeResult(heap, shift, outAt, out, out.offset + start, length);
  }
  return true;
}

/** Of the operands of the call under way. */
const addresses: number[] = [0, 0, 0, 0];

/** One array per operand and dtype, for operands that repeat. */
const spreads: Record<"float32" | "float64", FloatArray[]> = { float32: [], float64: [] };

/** Writes a broadcast operand in full to its array of `spreads`. */
function spread(input: ArrayView, out: ArrayView, operand: number): void {
  const kept = spreads[out.dtype as FloatType];
  let full = kept[operand];
  if (full === undefined || full.length < out.size) {
    full = out.dtype === "float32" ? new Float32Array(out.size) : new Float64Array(out.size);
    kept[operand] = full;
  }
  broadcastInto({ dtype: out.dtype, shape: out.shape, size: out.size, buffer: full, offset: 0 }, input);
}
