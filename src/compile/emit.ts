import type { FunctionBuilder, FunctionReference } from "../array/wasm/assembler.js";
import { ModuleBuilder } from "../array/wasm/assembler.js";
import {
  type Emitted,
  emitFollowing,
  type HostFunctions,
  importHostFunctions,
} from "../array/wasm/expression-emitter.js";
import { addDirectGemm, addDirectPacking, type directParameters } from "../array/wasm/gemm-direct.js";
import { addPackedGemm, type packedParameters, workBytes } from "../array/wasm/gemm-packed.js";
import { epilogue } from "../array/wasm/gemm-tile.js";
import { f64, i32 } from "../array/wasm/instructions.js";
import { mostPages } from "../array/wasm/threads-product.js";
import { type FloatType, vectorOf } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/apply.js";
import { emitLoop } from "./emit-loop.js";
import { emitPooling, emitScatter } from "./emit-pooling.js";
import { emitSum } from "./emit-sum.js";
import type { MemoryPlan } from "./memory-plan.js";
import { numberOf, type Value } from "./program.js";
import { emitSmallProduct } from "./small-product.js";
import { type LoopUnit, type ProductUnit, productSizes, type ScheduledUnit } from "./units.js";

/**
 * A scheduled program as one WebAssembly function, `run()`: every address, length and stride is a constant. Units that
 * have no code of their own call back to the host by number.
 */

/** Bytes at the start of the memory that products use for packing. */
export function workspaceBytes(units: readonly ScheduledUnit[]): number {
  let bytes = 0;
  for (const unit of units) {
    if (unit.kind !== "product") continue;
    const { m, n, k, dtype } = productSizes(unit.step);
    const vector = vectorOf(dtype);
    const panels = k * (n + 2 * vector.lanes) * vector.size;
    bytes = Math.max(bytes, m * n * k === 0 ? 0 : Math.max(panels, isDirect(unit) ? 0 : workBytes(vector)));
  }
  return bytes + 64;
}

/**
 * The module; imports `env.memory`, `env.call` and the host's functions.
 * @param byHost products that the host computes; if there are any, the memory is shared
 */
export function emitProgram(
  units: readonly ScheduledUnit[],
  plan: MemoryPlan,
  relaxed: boolean,
  byHost: ReadonlySet<ScheduledUnit>,
): Uint8Array {
  const module = new ModuleBuilder(byHost.size > 0 ? mostPages : undefined);
  const host = importHostFunctions(module);
  const call = module.import("call", 1);
  const products = new Products(
    module,
    relaxed,
    units.filter((unit) => !byHost.has(unit)),
  );
  // Several functions, so that no one is so long that the host's compiler gives up optimizing it.
  const parts: FunctionReference<Record<string, never>>[] = [];
  for (let start = 0, end = 0; start < units.length; start = end) {
    let steps = 0;
    for (; end < units.length && steps < STEPS_PER_FUNCTION; end++) {
      const unit = units[end];
      steps += unit.kind === "loop" ? unit.steps.length : STEPS_OF_OTHERS;
    }
    parts.push(
      module.function("", {}, (f) => {
        const emitter = new UnitEmitter(f, plan, relaxed, host, products);
        units.slice(start, end).forEach((unit, i) => {
          if (unit.kind === "loop" && unit.size === 1) emitter.scalars(unit);
          else if (unit.kind === "loop") emitLoop(f, unit, emitter);
          else if (unit.kind === "product" && !byHost.has(unit)) emitter.product(unit);
          else if (unit.kind === "sum") emitSum(f, unit, emitter.addressOf);
          else if (unit.kind === "pool") emitPooling(f, unit, emitter.addressOf);
          else if (unit.kind === "scatter") emitScatter(f, unit, emitter.addressOf);
          else f.add({ code: [f.callImported(call, f64.constant(start + i)).code, 0x1a] });
        });
      }) as FunctionReference<Record<string, never>>,
    );
  }
  module.function("run", {}, (f) => {
    for (const part of parts) f.call(part);
  });
  return module.bytes();
}

const STEPS_PER_FUNCTION = 250;
const STEPS_OF_OTHERS = 5;

/** As for eager products: B small enough for the first-level cache, or few rows. */
export function isDirect(unit: ProductUnit): boolean {
  const { m, n, k, transposeB, dtype } = productSizes(unit.step);
  return k * n * vectorOf(dtype).size <= 24 * 1024 || (m <= 8 && !transposeB);
}

/** Arguments of the packed product but the last, its working memory. */
export function packedArguments(unit: ProductUnit, addressOf: (value: Value) => number): number[] {
  const { m, n, k, transposeA, transposeB, dtype } = productSizes(unit.step);
  const { size } = vectorOf(dtype);
  const [a, b] = unit.step.inputs.map(addressOf);
  const aStride = (transposeA ? m : k) * size;
  const bStride = (transposeB ? k : n) * size;
  const bias = unit.bias === null ? 0 : addressOf(unit.bias);
  const flags = (unit.bias === null ? 0 : epilogue.bias) | (unit.relu ? epilogue.relu : 0);
  const [aTransposed, bTransposed] = [transposeA ? 1 : 0, transposeB ? 1 : 0];
  return [a, aStride, aTransposed, b, bStride, bTransposed, addressOf(unit.output), n * size, bias, m, n, k, flags];
}

/** The product kernels that a program needs, in its own module. */
class Products {
  private readonly direct = new Map<string, FunctionReference<typeof directParameters>>();
  private readonly packed = new Map<string, FunctionReference<typeof packedParameters>>();

  constructor(module: ModuleBuilder, relaxed: boolean, units: readonly ScheduledUnit[]) {
    for (const dtype of ["float32", "float64"] as const) {
      const own = units.filter(
        (unit) => unit.kind === "product" && productSizes(unit.step).dtype === dtype,
      ) as ProductUnit[];
      const vector = vectorOf(dtype);
      if (own.some(isDirect)) {
        const packB = addDirectPacking(module, vector);
        for (const layout of ["rows", "columns"] as const) {
          if (!own.some((unit) => isDirect(unit) && productSizes(unit.step).transposeA === (layout === "columns")))
            continue;
          this.direct.set(`${dtype} ${layout}`, addDirectGemm(module, "", vector, relaxed, layout, packB));
        }
      }
      if (own.some((unit) => !isDirect(unit))) this.packed.set(dtype, addPackedGemm(module, "", vector, relaxed));
    }
  }

  call(f: FunctionBuilder, unit: ProductUnit, addressOf: (value: Value) => number): void {
    const { transposeA, dtype } = productSizes(unit.step);
    const values = packedArguments(unit, addressOf);
    if (isDirect(unit)) {
      const kernel = this.direct.get(`${dtype} ${transposeA ? "columns" : "rows"}`) as FunctionReference;
      // Which layout A has is the kernel's own.
      f.call(kernel, ...values.slice(0, 2), ...values.slice(3), WORKSPACE);
    } else f.call(this.packed.get(dtype) as FunctionReference, ...values, WORKSPACE);
  }
}

/** Address 0 is left free: it would read as "nothing". */
export const WORKSPACE = 64;

class UnitEmitter {
  constructor(
    readonly f: FunctionBuilder,
    readonly plan: MemoryPlan,
    readonly relaxed: boolean,
    readonly host: HostFunctions,
    readonly products: Products,
  ) {}

  readonly addressOf = (value: Value): number => this.plan.address.get(value.root) as number;

  product(unit: ProductUnit): void {
    const sizes = productSizes(unit.step);
    if (sizes.m * sizes.n * sizes.k === 0) return;
    if (!emitSmallProduct(this.f, unit, this, WORKSPACE)) this.products.call(this.f, unit, this.addressOf);
  }

  /** Single numbers, one after the other; each outside value is read where it is needed first. */
  scalars({ steps, stored }: LoopUnit): void {
    const { f } = this;
    const vector = vectorOf(steps[0].output.dtype as FloatType);
    const registers = new Map<Value, Emitted>();
    const lastUse = new Map<Value, number>();
    steps.forEach(({ inputs }, i) => {
      for (const { root } of inputs) lastUse.set(root, i);
    });
    const zero = i32.constant(0);
    const inside = new Set(steps.map(({ output }) => output.root));
    const outside = new Map<number, Value>();
    for (const { inputs } of steps) {
      for (const { root } of inputs) if (!inside.has(root)) outside.set(this.addressOf(root), root);
    }
    const read = (root: Value): Emitted => {
      let register = registers.get(root);
      if (register === undefined) {
        const value = f.keep(vector.loadSplat(zero, this.addressOf(root)));
        const constant = numberOf(root);
        register = constant === null ? { value } : { value, constant };
        registers.set(root, register);
      }
      return register;
    };
    steps.forEach(({ op, attrs, inputs, output }, i) => {
      const operands = inputs.map(({ root }) => read(root));
      const expression = expressionOf(op, attrs, inputs.length);
      const result = emitFollowing(f, vector, this.relaxed, expression, operands, this.host);
      registers.set(output.root, result);
      if (stored.has(output.root)) {
        // State is written over its old value: which is read before, if it still will be.
        const old = outside.get(this.addressOf(output));
        if (old !== undefined && (lastUse.get(old) as number) > i) read(old);
        f.add(vector.storeLane(zero, result.value, 0, this.addressOf(output)));
      }
      for (const { root } of [...inputs, output]) {
        const register = registers.get(root);
        if (register === undefined || (lastUse.get(root) ?? i) > i) continue;
        f.release(register.value, ...(register.mask === undefined ? [] : [register.mask]));
        registers.delete(root);
      }
    });
  }
}
