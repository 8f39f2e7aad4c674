import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { type Emitted, emitFollowing, type HostFunctions } from "../array/wasm/expression-emitter.js";
import { type I32, i32, v128 } from "../array/wasm/instructions.js";
import type { FloatVector } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/op.js";
import type { Step, Value } from "./program.js";
import { type Pattern, patternOf } from "./units.js";

/** What emitting a unit needs to know of its program. */
export interface Surroundings {
  readonly addressOf: (value: Value) => number;
  readonly relaxed: boolean;
  readonly host: HostFunctions;
}

/** Where a vector of elements is, in bytes from a value's address. */
export interface Place {
  /** Of values of all elements. */
  readonly full: I32;
  readonly fullShift: number;
  /** Of values of one row. */
  readonly row: I32;
  readonly rowShift: number;
}

/** A value that steps read from outside. One value may run along in two ways, under two shapes. */
interface Operand {
  readonly value: Value;
  readonly pattern: Pattern;
  /** The register that it is in now. */
  held: Emitted | null;
}

/** Elementwise steps, computed together for one vector of elements at a time. */
export class StepEmitter {
  readonly #operands: Operand[] = [];
  /** The operands of each step; null for what is made inside. */
  readonly #inputs: readonly (readonly (Operand | null)[])[];
  /** What is made inside, or given, and in a register now. */
  readonly #made = new Map<Value, Emitted>();
  readonly #inside: ReadonlySet<Value>;

  /**
   * @param given values that the caller has in registers
   * @param alsoRead values of all elements that the caller reads besides
   */
  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    readonly steps: readonly Step[],
    readonly stored: ReadonlySet<Value>,
    readonly surroundings: Surroundings,
    given: readonly Value[] = [],
    alsoRead: readonly Value[] = [],
  ) {
    this.#inside = new Set([...given, ...steps.map(({ output }) => output.root)]);
    this.#inputs = steps.map(({ inputs, output }) =>
      inputs.map((input) => this.#operand(input.root, patternOf(input, output) as Pattern)),
    );
    for (const { root } of alsoRead) this.#operand(root, "full");
    for (const operand of this.#operands) {
      if (operand.pattern === "scalar") operand.held = this.#single(operand.value);
    }
  }

  #operand(value: Value, pattern: Pattern): Operand | null {
    if (this.#inside.has(value)) return null;
    const known = this.#operands.find((one) => one.value === value && one.pattern === pattern);
    if (known !== undefined) return known;
    const operand = { value, pattern, held: null };
    this.#operands.push(operand);
    return operand;
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

  /** Loads, for the row that comes, its number of the columns and cycles. `row` counts rows in bytes of one number. */
  startRow(row: Local<"i32">): void {
    const { f, vector } = this;
    for (const operand of this.#ofRow()) {
      const { value, pattern } = operand;
      const at = pattern === "column" ? row : i32.remU(row, value.size * vector.size);
      operand.held = { value: f.keep(vector.loadSplat(at, this.addressOf(value))) };
    }
  }

  endRow(): void {
    for (const operand of this.#ofRow()) this.#drop(operand);
  }

  #ofRow(): Operand[] {
    return this.#operands.filter(({ pattern }) => pattern === "column" || pattern === "cycle");
  }

  #drop(operand: Operand): void {
    this.f.release((operand.held as Emitted).value);
    operand.held = null;
  }

  /** The register of a value of all elements. */
  register(value: Value): Local<"v128"> {
    const operand = this.#operands.find((one) => one.value === value && one.pattern === "full");
    return ((operand === undefined ? this.#made.get(value) : operand.held) as Emitted).value;
  }

  /**
   * Computes the vector of elements at a place: reads what is not held, writes what is stored, and leaves all results in
   * registers while `use` runs.
   * @param given the registers of the given values
   */
  compute(
    place: Place,
    use: () => void = () => {},
    given: readonly (readonly [value: Value, register: Local<"v128">])[] = [],
  ): void {
    const { f, vector } = this;
    const { relaxed, host } = this.surroundings;
    for (const [value, register] of given) {
      this.#made.set(value, { value: register });
      if (this.stored.has(value)) this.#store(value, place);
    }
    // Before anything is written, which may be over what is read.
    const loaded = this.#operands.filter(({ held }) => held === null);
    for (const operand of loaded) {
      const [from, shift] = operand.pattern === "full" ? [place.full, place.fullShift] : [place.row, place.rowShift];
      operand.held = { value: f.keep(v128.load(from, this.addressOf(operand.value) + shift)) };
    }
    const made: Emitted[] = [];
    this.steps.forEach(({ op, attrs, inputs, output }, i) => {
      const operands = inputs.map(({ root }, k) => (this.#inputs[i][k]?.held ?? this.#made.get(root)) as Emitted);
      const result = emitFollowing(f, vector, relaxed, expressionOf(op, attrs, inputs.length), operands, host);
      made.push(result);
      this.#made.set(output.root, result);
      if (this.stored.has(output.root)) this.#store(output.root, place);
    });
    use();
    for (const operand of loaded) this.#drop(operand);
    for (const { value, mask } of made) f.release(value, ...(mask === undefined ? [] : [mask]));
    this.#made.clear();
  }

  #store(value: Value, { full, fullShift }: Place): void {
    this.f.add(v128.store(full, this.register(value), this.addressOf(value) + fullShift));
  }

  /** Gives back the registers of the single numbers. */
  release(): void {
    for (const operand of this.#operands) if (operand.held !== null) this.#drop(operand);
  }
}
