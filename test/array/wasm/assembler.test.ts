import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../src/array/wasm/assembler.js";
import { convolutionModule } from "../../../src/array/wasm/convolution-module.js";
import { type Code, flatten, signed, signed64, unsigned } from "../../../src/array/wasm/encoding.js";
import { wasmEngine } from "../../../src/array/wasm/engine.js";
import { directGemmModule, packedGemmModule } from "../../../src/array/wasm/gemm.js";
import { f64, i32, v128 } from "../../../src/array/wasm/instructions.js";
import { f32x4, f64x2 } from "../../../src/array/wasm/vectors.js";

const engine = wasmEngine()!;

/** Assembles, and instantiates over a fresh memory. */
function load(module: ModuleBuilder, host: Record<string, (...values: number[]) => number> = {}) {
  const memory = new engine.Memory({ initial: 1 });
  const { exports } = new engine.Instance(new engine.Module(module.bytes()), { env: { memory, ...host } });
  return { exports, ints: new Int32Array(memory.buffer), memory };
}

describe("integers in LEB128", () => {
  /** The encoding's definition: seven bits a byte, low ones first, the top bit of a byte says that more follow. */
  const decode = (bytes: readonly number[]) =>
    bytes.reduce((sum, byte, i) => sum + (BigInt(byte & 127) << BigInt(7 * i)), 0n);

  test("decode to what was encoded, in as few bytes as can be", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), (n) => {
        const bytes = Array.from(flatten(unsigned(n)));
        expect(Number(decode(bytes))).toBe(n);
        expect(bytes.length).toBe(Math.max(1, Math.ceil(n.toString(2).length / 7)));
        expect(bytes.map((byte) => byte >> 7)).toEqual(bytes.map((_, i) => (i < bytes.length - 1 ? 1 : 0)));
      }),
    );
  });

  test("carry their sign", () => {
    const check = (n: bigint, bytes: number[]) => {
      expect(BigInt.asIntN(7 * bytes.length, decode(bytes))).toBe(n);
    };
    fc.assert(fc.property(fc.integer(), (n) => check(BigInt(n), Array.from(flatten(signed(n))))));
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) =>
        check(n, Array.from(flatten(signed64(n)))),
      ),
    );
  });
});

test("code nested a million deep is written out in order", () => {
  let code: Code = [];
  for (let i = 0; i < 1_000_000; i++) code = [code, i % 251];
  const bytes = flatten(code);
  expect(bytes.length).toBe(1_000_000);
  expect(Array.from(bytes.slice(0, 3))).toEqual([0, 1, 2]);
  expect(bytes[999_999]).toBe(999_999 % 251);
});

describe("functions", () => {
  test("loop, branch and call", () => {
    const module = new ModuleBuilder();
    const store = module.function("", { at: "i32", value: "i32" }, (f, { at, value }) => {
      f.add(v128.store32Lane(i32.shl(at, 2), f32x4.loadSplat(i32.constant(0)), 0));
      f.if(i32.gtS(value, 5), () => f.add({ code: [i32.shl(at, 2).code, value.code, 0x36, [0, 0]] }));
    });
    module.function("squares", { count: "i32" }, (f, { count }) => {
      const i = f.local("i32");
      f.loop(i, 0, count, 1, () => f.call(store, i32.add(i, 1), i32.mul(i, i)));
    });
    const { exports, ints } = load(module);
    exports.squares(5);
    expect(Array.from(ints.slice(1, 7))).toEqual([0, 0, 0, 9, 16, 0]);
    exports.squares(0);
    exports.squares(-3);
    expect(ints[6]).toBe(0);
  });

  test("leave a loop at an exit, in the middle of a turn", () => {
    const module = new ModuleBuilder();
    // Writes how many halves of turns were run.
    module.function("run", { halves: "i32" }, (f, { halves }) => {
      const done = f.local("i32");
      f.repeat(
        (exit) => {
          f.increment(done, 1);
          exit(i32.eq(done, halves));
          f.increment(done, 1);
        },
        i32.ltS(done, halves),
      );
      f.add(v128.store(i32.constant(0), f32x4.integer.splat(done)));
    });
    const { exports, ints } = load(module);
    for (const halves of [1, 2, 3, 6, 7]) {
      exports.run(halves);
      expect(ints[0]).toBe(halves);
    }
  });

  test("take locals back, but not the result of a scope", () => {
    const module = new ModuleBuilder();
    module.function("run", { at: "i32" }, (f, { at }) => {
      const kept = f.scope(() => {
        const temporary = f.keep(i32.constant(1));
        return f.keep(i32.add(temporary, 41));
      });
      const reused = f.keep(i32.constant(7));
      expect(reused.index).not.toBe(kept.index);
      f.add({ code: [at.code, kept.code, 0x36, [0, 0]] });
    });
    const { exports, ints } = load(module);
    exports.run(0);
    expect(ints[0]).toBe(42);
  });

  test("call the host", () => {
    const module = new ModuleBuilder();
    const hypot = module.import("hypot", 2);
    module.function("run", { at: "i32" }, (f, { at }) => {
      f.add(f64.store(at, f.callImported(hypot, f64.constant(3), f64.constant(4))));
    });
    const { exports, memory } = load(module, { hypot: Math.hypot });
    exports.run(8);
    expect(new Float64Array(memory.buffer)[1]).toBe(5);
    expect(() => module.import("late", 1)).toThrow(/import of late after/);
  });
});

test.each([
  { vector: f32x4, view: Float32Array },
  { vector: f64x2, view: Float64Array },
])("vectors of $vector.dtype: each operation acts on every lane", ({ vector, view }) => {
  const { lanes, size } = vector;
  const binary = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    div: (a: number, b: number) => a / b,
    pmin: Math.min,
    pmax: Math.max,
    min: Math.min,
    max: Math.max,
  } as const;
  const unary = {
    ceil: Math.ceil,
    floor: Math.floor,
    trunc: Math.trunc,
    abs: Math.abs,
    neg: (a: number) => -a,
    sqrt: Math.sqrt,
  } as const;
  const names = [...Object.keys(binary), ...Object.keys(unary)] as (keyof typeof binary | keyof typeof unary)[];
  const module = new ModuleBuilder();
  for (const name of names) {
    module.function(name, { a: "i32", b: "i32", out: "i32" }, (f, { a, b, out }) => {
      const x = v128.load(a);
      f.add(v128.store(out, name in unary ? vector[name as "abs"](x) : vector[name as "add"](x, v128.load(b))));
    });
  }
  const { exports, memory } = load(module);
  const numbers = new view(memory.buffer);
  const operands = [-1.5, 2.5, 0.25, -4];
  const others = [3, -2.5, -0, 8];
  numbers.set(operands.slice(0, lanes), 0);
  numbers.set(others.slice(0, lanes), lanes);
  for (const name of names) {
    exports[name](0, 16, 32);
    const expected = operands
      .slice(0, lanes)
      .map((a, i) => (name in unary ? unary[name as "abs"](a) : binary[name as "add"](a, others[i])));
    expect(Array.from(numbers.slice(32 / size, 48 / size)), name).toEqual(Array.from(view.from(expected)));
  }
});

test("every module is valid, the same at each build, and far below the 8 MB that Chrome compiles on a page's main thread", () => {
  for (const build of [directGemmModule, packedGemmModule, convolutionModule]) {
    for (const dtype of ["float32", "float64"] as const) {
      for (const relaxed of [false, true]) {
        const bytes = build(dtype, relaxed);
        // Hosts without relaxed SIMD refuse only those modules.
        if (!relaxed) expect(engine.validate(bytes)).toBe(true);
        expect(bytes.length).toBeLessThan(64_000);
        expect(build(dtype, relaxed)).toEqual(bytes);
      }
    }
  }
});
