import type { FunctionBuilder, Local } from "../array/wasm/assembler.js";
import { type Emitted, emitFollowing, type HostFunctions } from "../array/wasm/expression-emitter.js";
import { type I32, i32, v128 } from "../array/wasm/instructions.js";
import { constantOf } from "../array/wasm/vector-math.js";
import type { FloatVector } from "../array/wasm/vectors.js";
import { expressionOf } from "../graph/apply.js";
import { numberOf, type Step, type Value } from "./program.js";
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

/** A value that the caller has in a register. */
type Given = readonly [value: Value, register: Local<"v128">];

/** Where the values of one vector of elements are. */
export class Registers {
  readonly read = new Map<Operand, Emitted>();
  readonly made = new Map<Value, Emitted>();

  /** The register of a value of all elements. */
  of(value: Value): Local<"v128"> {
    for (const [operand, { value: register }] of this.read) {
      if (operand.value === value && operand.pattern === "full") return register;
    }
    return (this.made.get(value) as Emitted).value;
  }
}

/** A value that steps read from outside. One value may run along in two ways, under two shapes. */
export interface Operand {
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
    const constant = numberOf(value);
    return constant === null
      ? { value: f.keep(vector.loadSplat(i32.constant(0), this.addressOf(value))) }
      : { value: f.keep(constantOf(f, vector, constant)), constant };
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

  /**
   * Computes the vectors of elements at some places, step by step, so that their waits overlap: reads what is not held,
   * writes what is stored.
   * @param given the registers of the given values
   * @param use what else to do with the registers of a place
   */
  compute(
    places: readonly Place[],
    given: readonly Given[] = [],
    use: (registers: Registers) => void = () => {},
  ): void {
    const { f, vector } = this;
    const { relaxed, host } = this.surroundings;
    // Before anything is written, which may be over what is read.
    const all = places.map((place) => {
      const registers = new Registers();
      for (const operand of this.#operands) registers.read.set(operand, operand.held ?? this.#load(operand, place));
      for (const [value, register] of given) registers.made.set(value, { value: register });
      return registers;
    });
    this.steps.forEach(({ op, attrs, inputs, output }, i) => {
      const expression = expressionOf(op, attrs, inputs.length);
      for (const { read, made } of all) {
        const operands = inputs.map(({ root }, k) => {
          const operand = this.#inputs[i][k];
          return (operand === null ? made.get(root) : read.get(operand)) as Emitted;
        });
        made.set(output.root, emitFollowing(f, vector, relaxed, expression, operands, host));
      }
    });
    all.forEach((registers, i) => {
      const { full, fullShift } = places[i];
      for (const value of this.stored) {
        f.add(v128.store(full, registers.of(value), this.addressOf(value) + fullShift));
      }
      use(registers);
    });
    for (const { read, made } of all) {
      for (const [operand, { value }] of read) if (operand.held === null) f.release(value);
      for (const [value, { value: register, mask }] of made) {
        if (given.some(([one]) => one === value)) continue;
        f.release(register, ...(mask === undefined ? [] : [mask]));
      }
    }
  }

  #load({ value, pattern }: Operand, { full, fullShift, row, rowShift }: Place): Emitted {
    const [from, shift] = pattern === "full" ? [full, fullShift] : [row, rowShift];
    return { value: this.f.keep(v128.load(from, this.addressOf(value) + shift)) };
  }

  /** Gives back the registers of the single numbers. */
  release(): void {
    for (const operand of this.#operands) if (operand.held !== null) this.#drop(operand);
  }
}
