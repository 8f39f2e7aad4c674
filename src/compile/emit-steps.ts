import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { type Emitted, emitFollowing, type HostFunctions } from "../array/wasm/expression-emitter.js";
import { type I32, i32, v128 } from "../array/wasm/instructions.js";
import { type FloatType, type FloatVector, vectorOf } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/op.js";
import type { Step, Value } from "./program.js";
import { type Pattern, patternOf } from "./units.js";

/** What emitting a unit needs to know of its program. */
export interface Surroundings {
  readonly addressOf: (value: Value) => number;
  readonly relaxed: boolean;
  readonly host: HostFunctions;
}

/** Where a vector of elements is, in bytes from a value's address: `shift` is added to both. */
export interface Place {
  /** Of values of all elements. */
  readonly full: I32;
  /** Of values of one row. */
  readonly row: I32;
  readonly shift: number;
}

/** Elementwise steps, computed together for one vector of elements at a time. */
export class StepEmitter {
  readonly vector: FloatVector;
  /** What is read from outside, and how it runs along. */
  readonly outside = new Map<Value, Pattern>();
  /** What is in a register now. */
  readonly #held = new Map<Value, Emitted>();

  /**
   * @param given values that the caller has in registers
   * @param alsoRead values of all elements that the caller reads besides
   */
  constructor(
    readonly f: FunctionBuilder,
    readonly steps: readonly Step[],
    readonly stored: ReadonlySet<Value>,
    readonly surroundings: Surroundings,
    given: readonly Value[] = [],
    alsoRead: readonly Value[] = [],
  ) {
    this.vector = vectorOf(steps[0].output.dtype as FloatType);
    const inside = new Set([...given, ...steps.map(({ output }) => output.root)]);
    for (const { inputs, output } of steps) {
      for (const input of inputs) {
        if (!inside.has(input.root)) this.outside.set(input.root, patternOf(input, output) as Pattern);
      }
    }
    for (const { root } of alsoRead) if (!inside.has(root)) this.outside.set(root, "full");
    for (const [value, pattern] of this.outside) {
      if (pattern !== "scalar") continue;
      this.hold(value, this.#single(value));
    }
  }

  /** A single number in every lane. */
  #single(value: Value): Emitted {
    const { f, vector } = this;
    const { source, size } = value;
    if (source.kind !== "constant" || size !== 1) {
      return { value: f.keep(vector.loadSplat(i32.constant(0), this.addressOf(value))) };
    }
    const constant = source.tensor.buffer[source.tensor.offset];
    return { value: f.keep(vector.constant(constant)), constant };
  }

  addressOf(value: Value): number {
    return this.surroundings.addressOf(value);
  }

  /** Values of one pattern. */
  ofPattern(...patterns: readonly Pattern[]): Value[] {
    return [...this.outside].flatMap(([value, pattern]) => (patterns.includes(pattern) ? [value] : []));
  }

  /** Keeps a value in a register until `drop`. */
  hold(value: Value, emitted: Emitted): void {
    this.#held.set(value, emitted);
  }

  drop(value: Value): void {
    const { value: register, mask } = this.#held.get(value) as Emitted;
    this.f.release(register);
    if (mask !== undefined) this.f.release(mask);
    this.#held.delete(value);
  }

  /** The register of a value that is held. */
  register(value: Value): Local<"v128"> {
    return (this.#held.get(value) as Emitted).value;
  }

  /**
   * Computes the vector of elements at a place: reads what is not held, writes what is stored, and leaves all results in
   * registers while `use` runs.
   */
  compute(place: Place, use: () => void = () => {}): void {
    const { f, vector } = this;
    const { relaxed, host } = this.surroundings;
    const taken: Value[] = [];
    // Before anything is written, which may be over what is read.
    for (const [value, pattern] of this.outside) {
      if (this.#held.has(value)) continue;
      const from = pattern === "full" ? place.full : place.row;
      this.hold(value, { value: f.keep(v128.load(from, this.addressOf(value) + place.shift)) });
      taken.push(value);
    }
    for (const { op, attrs, inputs, output } of this.steps) {
      const operands = inputs.map(({ root }) => this.#held.get(root) as Emitted);
      const result = emitFollowing(f, vector, relaxed, expressionOf(op, attrs, inputs.length), operands, host);
      this.hold(output.root, result);
      taken.push(output.root);
      if (this.stored.has(output.root)) {
        f.add(v128.store(place.full, result.value, this.addressOf(output) + place.shift));
      }
    }
    use();
    for (const value of taken) this.drop(value);
  }

  release(): void {
    for (const value of [...this.#held.keys()]) this.drop(value);
  }
}
