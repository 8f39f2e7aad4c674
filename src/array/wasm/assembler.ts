/**
 * A small assembler: WebAssembly modules of functions over one imported memory.
 *
 * ```ts
 * const module = new ModuleBuilder();
 * module.function("scale", { data: "i32", count: "i32" }, (f, { data, count }) => {
 *   const i = f.local("i32");
 *   f.loop(i, 0, count, 4, () => {
 *     const address = i32.add(data, i32.shl(i, 2));
 *     f.add(v128.store(address, f32x4.mul(v128.load(address), f32x4.constant(2))));
 *   });
 * });
 * const bytes = module.bytes();
 * ```
 */
import { type Code, flatten, name, sized, unsigned, vector } from "./encoding.js";
import { type F64, type I32, type Integer, i32, type Statement, type Value, type ValueType } from "./instructions.js";

const typeCode: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A local variable or parameter; as a value, it reads itself. */
export interface Local<T extends ValueType = ValueType> extends Value<T> {
  readonly index: number;
}

export type Parameters = Readonly<Record<string, ValueType>>;
export type ParameterLocals<P extends Parameters> = { readonly [K in keyof P]: Local<P[K]> };

/** A function of the module, to call. */
export interface FunctionReference<P extends Parameters = Parameters> {
  readonly index: number;
  readonly parameters: P;
}

/** A function of the host: double precision numbers in, one out. */
export interface ImportedFunction {
  readonly index: number;
}

/** Statements of one function, in order, and its locals. */
export class FunctionBuilder {
  /** The statements so far of each open block, innermost last. */
  readonly #blocks: Code[][] = [[]];
  readonly #locals: ValueType[] = [];
  /** Locals that were given back, by type. */
  readonly #free = new Map<ValueType, Local[]>();
  /** The locals of each open scope, innermost last. */
  readonly #scopes: Local[][] = [];
  /** Code at the function's start, and the locals that it sets, by what they hold. */
  readonly #start: Code[] = [];
  readonly #constants = new Map<string, Local>();

  constructor(readonly parameterCount: number) {}

  /** A new local, or one that was given back. */
  local<T extends ValueType>(type: T): Local<T> {
    let local = this.#free.get(type)?.pop() as Local<T> | undefined;
    if (local === undefined) {
      local = localAt(type, this.parameterCount + this.#locals.length);
      this.#locals.push(type);
    }
    this.#scopes[this.#scopes.length - 1]?.push(local);
    return local;
  }

  /**
   * Gives back all locals that `body` takes, except its result. Nothing inside calls `release`.
   */
  scope<T extends ValueType>(body: () => Local<T>): Local<T> {
    this.#scopes.push([]);
    const result = body();
    const taken = this.#scopes.pop()!;
    this.release(...taken.filter((local) => local.index !== result.index));
    if (taken.some((local) => local.index === result.index)) this.#scopes[this.#scopes.length - 1]?.push(result);
    return result;
  }

  locals<T extends ValueType>(type: T, count: number): Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Gives locals back for reuse. Their values are lost, and are not zero again. */
  release(...released: Local[]): void {
    for (const local of released) {
      const free = this.#free.get(local.type) ?? [];
      free.push(local);
      this.#free.set(local.type, free);
    }
  }

  /** Adds a statement, such as a store. */
  add(statement: Statement): void {
    this.#blocks[this.#blocks.length - 1].push(statement.code);
  }

  set<T extends ValueType>(local: Local<T>, value: Value<T>): void {
    this.add({ code: [value.code, 0x21, unsigned(local.index)] });
  }

  /** Computes a value once, into a new local. */
  keep<T extends ValueType>(value: Value<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  /**
   * A local that holds a constant from the function's start on. `key` names it, and `value` gives its code. V8 12 and
   * later make a constant vector anew wherever one is used, in three instructions; what a local was set to otherwise they
   * keep in a register, or read back.
   */
  constant<T extends ValueType>(key: string, value: () => Value<T>): Local<T> {
    let local = this.#constants.get(key) as Local<T> | undefined;
    if (local === undefined) {
      const { type, code } = value();
      local = localAt(type, this.parameterCount + this.#locals.length);
      this.#locals.push(type);
      this.#start.push([code, 0x21, unsigned(local.index)]);
      this.#constants.set(key, local);
    }
    return local;
  }

  /** Adds a step to an integer local. */
  increment(local: Local<"i32">, step: Integer): void {
    this.set(local, i32.add(local, step));
  }

  /** Calls a function that returns nothing. */
  call(callee: FunctionReference, ...values: readonly Integer[]): void {
    this.add({ code: [values.map((value) => i32.of(value).code), 0x10, unsigned(callee.index)] });
  }

  /** The result of an imported function of numbers. */
  callImported(callee: ImportedFunction, ...values: readonly F64[]): F64 {
    return { type: "f64", code: [values.map((value) => value.code), 0x10, unsigned(callee.index)] };
  }

  return(): void {
    this.add({ code: [0x0f] });
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    const thenCode = this.#block(then);
    const elseCode = otherwise ? [0x05, this.#block(otherwise)] : [];
    this.add({ code: [condition.code, 0x04, 0x40, thenCode, elseCode, 0x0b] });
  }

  /** Repeats the body as long as the condition holds, which is tested before the body. */
  while(condition: I32, body: () => void): void {
    this.if(condition, () => this.doWhile(body, condition));
  }

  /** Runs the body, and repeats it as long as the condition then holds. */
  doWhile(body: () => void, condition: I32): void {
    const code = this.#block(body);
    this.add({ code: [0x03, 0x40, code, condition.code, 0x0d, 0x00, 0x0b] });
  }

  /** Like `doWhile`; where a condition given to `exit` holds, the loop ends at once. `exit` stands in no other block. */
  repeat(body: (exit: (condition: I32) => void) => void, condition: I32): void {
    const code = this.#block(() => body((ended) => this.add({ code: [ended.code, 0x0d, 0x01] })));
    this.add({ code: [0x02, 0x40, 0x03, 0x40, code, condition.code, 0x0d, 0x00, 0x0b, 0x0b] });
  }

  /** `for (index = from; index < to; index += step) body` with signed comparison; `to` is computed in every turn. */
  loop(index: Local<"i32">, from: Integer, to: Integer, step: Integer, body: () => void): void {
    this.set(index, i32.of(from));
    this.while(i32.ltS(index, to), () => {
      body();
      this.increment(index, step);
    });
  }

  #block(body: () => void): Code {
    this.#blocks.push([]);
    body();
    return this.#blocks.pop()!;
  }

  /** The function's entry in the code section. */
  code(): Code {
    const locals = this.#locals.map((type) => [1, typeCode[type]]);
    return sized([vector(locals), this.#start, this.#blocks[0], 0x0b]);
  }
}

function localAt<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, code: [0x20, unsigned(index)] };
}

/**
 * A module of functions without results, over the memory imported as `env.memory`. Functions imported from `env` are
 * declared before the module's own.
 */
export class ModuleBuilder {
  readonly #imports: { readonly name: string; readonly arity: number }[] = [];
  readonly #functions: { readonly exported: string; readonly parameters: Parameters; readonly code: Code }[] = [];

  /** `sharedPages`: the maximum of a shared memory, in pages of 64 KiB; without it the memory is not shared. */
  constructor(readonly sharedPages?: number) {}

  /** Declares a function of `arity` numbers, imported as `env[name]`. */
  import(name: string, arity: number): ImportedFunction {
    if (this.#functions.length > 0) throw new RangeError(`import of ${name} after the module's first function`);
    this.#imports.push({ name, arity });
    return { index: this.#imports.length - 1 };
  }

  /**
   * Defines a function. `body` gets a builder and the parameters by name. The name is the export's; "" exports nothing.
   */
  function<const P extends Parameters>(
    exported: string,
    parameters: P,
    body: (f: FunctionBuilder, parameters: ParameterLocals<P>) => void,
  ): FunctionReference<P> {
    const entries = Object.entries(parameters);
    const builder = new FunctionBuilder(entries.length);
    const locals = Object.fromEntries(entries.map(([key, type], index) => [key, localAt(type, index)]));
    body(builder, locals as ParameterLocals<P>);
    this.#functions.push({ exported, parameters, code: builder.code() });
    return { index: this.#imports.length + this.#functions.length - 1, parameters };
  }

  /** The binary module. */
  bytes(): Uint8Array {
    const imports = this.#imports;
    const functions = this.#functions;
    const types = [
      ...imports.map(({ arity }) => functionType(new Array<ValueType>(arity).fill("f64"), ["f64"])),
      ...functions.map(({ parameters }) => functionType(Object.values(parameters), [])),
    ];
    const limits: Code =
      this.sharedPages === undefined ? [0x00, unsigned(0)] : [0x03, unsigned(0), unsigned(this.sharedPages)];
    const exports = functions.flatMap(({ exported }, index) =>
      exported === "" ? [] : [[name(exported), 0x00, unsigned(imports.length + index)]],
    );
    return flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, vector(types)),
      section(
        2,
        vector([
          [name("env"), name("memory"), 0x02, limits],
          ...imports.map((imported, index) => [name("env"), name(imported.name), 0x00, unsigned(index)]),
        ]),
      ),
      section(3, vector(functions.map((_, index) => unsigned(imports.length + index)))),
      section(7, vector(exports)),
      section(10, vector(functions.map(({ code }) => code))),
    ]);
  }
}

function functionType(parameters: readonly ValueType[], results: readonly ValueType[]): Code {
  const codes = (types: readonly ValueType[]) => vector(types.map((type) => [typeCode[type]]));
  return [0x60, codes(parameters), codes(results)];
}

function section(id: number, content: Code): Code {
  return [id, sized(content)];
}
