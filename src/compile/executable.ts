import { copyOfArray, type DataArray, newArray } from "../array/dtype.js";
import { elementwiseInto } from "../array/kernels.js";
import { isInNursery } from "../array/nursery.js";
import type { ArrayView } from "../array/storage.js";
import { wasmEngine } from "../array/wasm/engine.js";
import { hostFunctions } from "../array/wasm/expression-emitter.js";
import { simdLevel } from "../array/wasm/features.js";
import { expressionOf } from "../graph/apply.js";
import { fromArray, newTensor } from "../graph/new-tensor.js";
import { type Tensor, tick } from "../graph/tensor.js";
import { emitProgram, workspaceBytes } from "./emit.js";
import { planMemory } from "./memory-plan.js";
import { type Place, type Program, type Step, type Switch, tensorAt, type Value } from "./program.js";
import { schedule } from "./schedule.js";
import { productsForThreads, SharedProducts } from "./shared-products.js";
import { readsOf, type ScheduledUnit, writesOf } from "./units.js";

/** A tensor whose values the program holds between calls. */
interface Resident {
  readonly tensor: Tensor;
  readonly view: ArrayView;
}

/** A value that is copied from one place of the program's memory to another after a call. */
interface Move {
  readonly from: ArrayView;
  readonly to: ArrayView;
}

/** New values for a tensor. */
interface Copy {
  readonly tensor: Tensor | null;
  readonly values: Tensor;
}

const NONE: readonly Copy[] = [];

/**
 * A program with memory of its own, ready to be run again and again. The memory is never grown, so that views of it
 * stay valid, and goes with the program.
 */
export class Executable {
  private readonly run: () => void;
  private readonly float32: Float32Array;
  private readonly float64: Float64Array;
  private readonly int32: Int32Array;
  private readonly arguments: { readonly index: number; readonly view: ArrayView }[] = [];
  private readonly gradientsIn: { readonly place: Place; readonly view: ArrayView }[] = [];
  private readonly residents: Resident[] = [];
  /** Before the moves: copies of old values that another move overwrites. */
  private readonly rescues: Move[] = [];
  private readonly moves: Move[] = [];
  /** Written where they are, and written to another place. */
  private readonly overwritten: Tensor[] = [];
  private readonly moved: Resident[] = [];
  /** Tensors that take over values whose memory is not theirs to keep. */
  private readonly copied: { readonly place: Place; readonly view: ArrayView }[] = [];
  private readonly gradientsOut: {
    readonly leaf: Place;
    readonly view: ArrayView | null;
    /** Makes it when somebody asks for it; null where its memory may change before. */
    readonly make: (() => Tensor) | null;
  }[] = [];
  private readonly results: ArrayView[];
  private readonly switches: readonly Switch[];
  /** The last arguments: values never change, so that the same tensor need not be copied again. */
  private readonly lastArguments: (DataArray | null)[] = [];
  private readonly lastOffsets: number[] = [];

  constructor(program: Program) {
    const compiled = simdLevel() !== "none";
    const units = compiled ? schedule(program) : stepByStep(program);
    const reserved = compiled ? workspaceBytes(units) + 64 : 64;
    const lasting = lastingValues(program);
    const plan = planMemory(
      units.map((unit) => ({ reads: readsOf(unit), writes: writesOf(unit) })),
      lasting,
      homesOf(program, units),
      narrowValues(program, units),
      reserved,
    );
    const byThreads = productsForThreads(compiled ? units : []);
    const shared = byThreads.size > 0 ? new SharedProducts(byThreads, plan.bytes) : null;
    const memory =
      shared !== null
        ? shared.memory
        : compiled
          ? newMemory(plan.bytes)
          : new ArrayBuffer(Math.ceil(plan.bytes / 8) * 8);
    const buffer = memory instanceof ArrayBuffer ? memory : memory.buffer;
    this.float32 = new Float32Array(buffer);
    this.float64 = new Float64Array(buffer);
    this.int32 = new Int32Array(buffer);
    const views = new Map<Value, ArrayView>();
    const viewOf = (value: Value): ArrayView => {
      let view = views.get(value);
      if (view === undefined) {
        view = this.viewAt(value, plan.address.get(value.root) as number);
        views.set(value, view);
      }
      return view;
    };
    this.place(program, viewOf);
    this.switches = program.switches;
    this.results = program.results.map(viewOf);
    const addressOf = ({ root }: Value) => plan.address.get(root) as number;
    const calls = units.map((unit) => {
      if (shared !== null && unit.kind === "product" && byThreads.has(unit)) return shared.callOf(unit, addressOf);
      return unit.kind === "call" ? callOf(unit.step, viewOf) : null;
    });
    if (compiled) {
      const engine = wasmEngine() as NonNullable<ReturnType<typeof wasmEngine>>;
      const call = (index: number): number => {
        calls[index]?.();
        return 0;
      };
      const bytes = emitProgram(units, plan, simdLevel() === "relaxed", byThreads);
      const env = { memory, call, ...hostFunctions } as never;
      this.run = new engine.Instance(new engine.Module(bytes), { env }).exports.run as () => void;
    } else {
      this.run = () => {
        for (const call of calls) call?.();
      };
    }
  }

  private viewAt({ dtype, shape, size }: Value, address: number): ArrayView {
    const buffer = dtype === "float32" ? this.float32 : dtype === "float64" ? this.float64 : this.int32;
    return { dtype, shape, size, buffer, offset: address / buffer.BYTES_PER_ELEMENT };
  }

  /** Sorts out what is copied in and out, and writes the constants. */
  private place(program: Program, viewOf: (value: Value) => ArrayView): void {
    const homes = new Map<Tensor, { readonly value: Value; readonly view: ArrayView }>();
    for (const value of program.values) {
      const { source } = value;
      if (source.kind === "step") continue;
      const view = viewOf(value);
      if (source.kind === "argument") this.arguments.push({ index: source.index, view });
      else if (source.kind === "gradient") this.gradientsIn.push({ place: source, view });
      else if (source.kind === "constant") copyInto(view, source.tensor);
      else {
        homes.set(source.tensor, { value, view });
        this.residents.push({ tensor: source.tensor, view });
      }
    }
    const overwritten = new Set<Value>();
    const moving: { readonly value: Value; readonly to: ArrayView }[] = [];
    for (const effect of program.effects) {
      if (effect.kind === "gradient") {
        const { leaf, value } = effect;
        const view = value === null ? null : viewOf(value);
        // Memory that the next call writes for the same leaf, which then has another gradient.
        const lasts = view !== null && value?.root.source.kind === "step" && leaf.kind === "state";
        this.gradientsOut.push({ leaf, view, make: lasts ? () => tensorOf(view) : null });
        continue;
      }
      const { place, value } = effect;
      const view = viewOf(value);
      const tensor = place.kind === "state" ? place.tensor : null;
      const home = tensor === null ? undefined : homes.get(tensor);
      if (tensor !== null && home !== undefined) {
        this.overwritten.push(tensor);
        if (home.view.offset === view.offset && home.view.buffer === view.buffer) continue;
        moving.push({ value, to: home.view });
        overwritten.add(home.value);
      } else if (tensor !== null && value.root.source.kind === "step") this.moved.push({ tensor, view });
      else this.copied.push({ place, view });
    }
    for (const { value, to } of moving) {
      let from = viewOf(value);
      if (overwritten.has(value.root)) {
        const rescued = { ...from, buffer: newArray(value.dtype, value.size), offset: 0 };
        this.rescues.push({ from, to: rescued });
        from = rescued;
      }
      this.moves.push({ from, to });
    }
  }

  /** One call: values in, the steps, values out. */
  call(inputs: readonly Tensor[]): Tensor[] {
    for (const { index, view } of this.arguments) {
      const input = inputs[index];
      if (this.lastArguments[index] === input.buffer && this.lastOffsets[index] === input.offset && !input.isResident)
        continue;
      copyInto(view, input);
      // Whatever moves on is not known by the place where it was.
      this.lastArguments[index] = isInNursery(input.buffer) ? null : input.buffer;
      this.lastOffsets[index] = input.offset;
    }
    for (const { place, view } of this.gradientsIn) copyInto(view, tensorAt(place, inputs) as Tensor);
    for (const { tensor, view } of this.residents) {
      if (tensor.buffer === view.buffer && tensor.offset === view.offset) continue;
      copyInto(view, tensor);
      tensor.moveTo(view.buffer, view.offset, true);
    }
    this.run();
    // What is copied out first may be an old value that a move overwrites.
    const results = this.results.map(tensorOf);
    const copies = this.copied.length === 0 ? NONE : this.copiesFor(inputs);
    for (const { leaf: place, view, make } of this.gradientsOut) {
      const leaf = place.kind === "state" ? place.tensor : (tensorAt(place, inputs) as Tensor);
      if (make !== null) leaf.setGradientSource(make);
      else leaf.grad = view === null ? null : tensorOf(view);
    }
    for (const { from, to } of this.rescues) copyInto(to, from);
    for (const { from, to } of this.moves) copyInto(to, from);
    for (const { tensor, values } of copies) {
      tensor?.moveTo(values.buffer, values.offset, false);
      if (tensor !== null) tensor.written = tick();
    }
    const now = tick();
    for (const tensor of this.overwritten) tensor.written = now;
    for (const { tensor, view } of this.moved) {
      tensor.moveTo(view.buffer, view.offset, true);
      tensor.written = now;
    }
    for (const one of this.switches) turn(one, inputs);
    return results;
  }

  private copiesFor(inputs: readonly Tensor[]): readonly Copy[] {
    return this.copied.map(({ place, view }) => ({ tensor: tensorAt(place, inputs), values: tensorOf(view) }));
  }
}

function turn(change: Switch, inputs: readonly Tensor[]): void {
  if (change.kind === "training") change.module.training = change.on;
  else (tensorAt(change.place, inputs) as Tensor).requiresGrad = change.on;
}

function newMemory(bytes: number): { readonly buffer: ArrayBuffer } {
  const engine = wasmEngine() as NonNullable<ReturnType<typeof wasmEngine>>;
  return new engine.Memory({ initial: Math.ceil(bytes / 65_536) });
}

/** Values that are there before the first unit, or are needed after the last. */
function lastingValues({ values, effects, results }: Program): Value[] {
  return [
    ...values.filter(({ source }) => source.kind !== "step"),
    ...effects.flatMap(({ value }) => (value === null ? [] : [value])),
    ...results,
  ];
}

/** Single numbers that no product reads or writes: it works on whole vectors. */
function narrowValues({ values }: Program, units: readonly ScheduledUnit[]): Set<Value> {
  const narrow = new Set<Value>();
  for (const { root } of values) if (root.size === 1) narrow.add(root);
  for (const unit of units) {
    if (unit.kind !== "product") continue;
    for (const { root } of readsOf(unit)) narrow.delete(root);
    for (const { root } of writesOf(unit)) narrow.delete(root);
  }
  return narrow;
}

/**
 * New values of state that may be written over the old ones: made by a loop that runs along with them, after which
 * nobody reads the old values.
 */
function homesOf({ values, effects, results }: Program, units: readonly ScheduledUnit[]): Map<Value, Value> {
  const stateOf = new Map<Tensor, Value>();
  for (const value of values) if (value.source.kind === "state") stateOf.set(value.source.tensor, value);
  const lastRead = new Map<Value, number>();
  const madeBy = new Map<Value, number>();
  units.forEach((unit, i) => {
    for (const { root } of readsOf(unit)) lastRead.set(root, i);
    for (const { root } of writesOf(unit)) madeBy.set(root, i);
  });
  const outside = new Set(results.map(({ root }) => root));
  const taken = new Map<Value, number>();
  for (const { value } of effects) if (value !== null) taken.set(value.root, (taken.get(value.root) ?? 0) + 1);
  const homes = new Map<Value, Value>();
  for (const effect of effects) {
    if (effect.kind !== "assign" || effect.place.kind !== "state") continue;
    const { root } = effect.value;
    const old = stateOf.get(effect.place.tensor);
    const made = madeBy.get(root);
    if (old === undefined || made === undefined || outside.has(root) || outside.has(old) || taken.get(root) !== 1)
      continue;
    // The old value itself may have become another tensor's, or a gradient.
    if (taken.has(old)) continue;
    if (!writesAlong(units[made], root, old)) continue;
    if ((lastRead.get(old) ?? -1) <= made) homes.set(root, old);
  }
  return homes;
}

/** Whether a unit writes each element of a result after it has read that of the old value, which it does not need again. */
function writesAlong(unit: ScheduledUnit, result: Value, old: Value): boolean {
  if (old.size !== result.size) return false;
  if (unit.kind === "loop") return unit.columns === unit.size && unit.size === result.size;
  if (unit.kind !== "product" || !unit.epilogue.some(({ output }) => output.root === result)) return false;
  return unit.bias !== old && unit.step.inputs.every(({ root }) => root !== old);
}

/** Without WASM, every step runs by its op's own code and has its result in memory. */
function stepByStep({ steps }: Program): ScheduledUnit[] {
  return steps.filter(({ output }) => output.root === output).map((step) => ({ kind: "call", step }));
}

function callOf({ op, attrs, inputs, output }: Step, viewOf: (value: Value) => ArrayView): () => void {
  const out = viewOf(output);
  const operands = inputs.map(viewOf);
  if (op.scalar !== null) {
    const expression = expressionOf(op, attrs, inputs.length);
    return () => elementwiseInto(expression, out, operands);
  }
  return () => {
    out.buffer.fill(0, out.offset, out.offset + out.size);
    op.forward?.(out, operands as unknown as readonly Tensor[], attrs);
  };
}

function copyInto(target: ArrayView, source: ArrayView): void {
  const { size } = target;
  if (size <= 64) {
    for (let i = 0; i < size; i++) target.buffer[target.offset + i] = source.buffer[source.offset + i];
  } else target.buffer.set(source.buffer.subarray(source.offset, source.offset + size), target.offset);
}

/** From here on, filling with zeros first would cost as much as copying. */
const LARGE = 65_536;

function tensorOf(view: ArrayView): Tensor {
  const { buffer, offset, size, dtype, shape } = view;
  if (size >= LARGE) return fromArray(copyOfArray(buffer.subarray(offset, offset + size)), dtype, shape);
  const tensor = newTensor(dtype, shape, size);
  copyInto(tensor, view);
  return tensor;
}
