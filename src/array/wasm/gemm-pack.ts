/**
 * Packing: a block of a matrix rearranged into panels, so that the tile reads both operands from consecutive addresses.
 *
 * A panel holds `width` rows (of A) or columns (of B) side by side for each step of k. The last panel of a block is
 * filled up with zeros. Transposed operands differ only here.
 */
import type { FunctionBuilder, FunctionReference, Local, ModuleBuilder } from "./assembler.js";
import { type I32, i32, type V128, v128 } from "./instructions.js";
import type { FloatVector } from "./vectors.js";

const packParameters = {
  /** First element of the block. */
  source: "i32",
  /** Bytes between rows of the stored matrix. */
  stride: "i32",
  target: "i32",
  /** Rows of A or columns of B in the block. */
  length: "i32",
  /** Steps of k in the block. */
  depth: "i32",
} as const;

export type Packing = FunctionReference<typeof packParameters>;

/** Stores `count` lanes (a power of two) from lane `from` of a vector. */
function storeLanes(
  f: FunctionBuilder,
  vector: FloatVector,
  address: I32,
  value: V128,
  from: number,
  count: number,
  offset: number,
): void {
  if (count === vector.lanes) f.add(v128.store(address, value, offset));
  else if (count * vector.size === 8) f.add(v128.store64Lane(address, value, (from * vector.size) / 8, offset));
  else f.add(vector.storeLane(address, value, from, offset));
}

/**
 * Adds a function that packs a block of which the panel's direction is contiguous in memory: A stored transposed, or B
 * as it is. Reads up to 15 bytes past the block.
 */
export function addPackContiguous(module: ModuleBuilder, vector: FloatVector, width: number): Packing {
  const { lanes, size } = vector;
  return module.function("", packParameters, (f, p) => {
    const [source, rest] = f.locals("i32", 2);
    f.while(i32.geS(p.length, width), () => {
      f.set(source!, p.source);
      f.set(rest!, p.depth);
      f.while(i32.gtS(rest!, 0), () => {
        for (let i = 0; i < width; i += lanes) {
          storeLanes(f, vector, p.target, v128.load(source!, i * size), 0, Math.min(lanes, width - i), i * size);
        }
        f.increment(source!, p.stride);
        f.increment(p.target, width * size);
        f.increment(rest!, -1);
      });
      f.increment(p.source, width * size);
      f.increment(p.length, -width);
    });
    f.if(i32.gtS(p.length, 0), () =>
      emitLastPanel(f, vector, width, p, { within: i32.constant(size), along: p.stride }),
    );
  });
}

/**
 * Adds a function that packs a block of which k is contiguous in memory: A as it is, or B stored transposed. Square
 * blocks of vectors are transposed in registers.
 */
export function addPackTransposed(module: ModuleBuilder, vector: FloatVector, width: number): Packing {
  const { lanes, size } = vector;
  return module.function("", packParameters, (f, p) => {
    const rows = f.locals("i32", width);
    const rest = f.local("i32");
    f.while(i32.geS(p.length, width), () => {
      f.set(rows[0], p.source);
      for (let i = 1; i < width; i++) f.set(rows[i], i32.add(rows[i - 1], p.stride));
      f.set(rest, p.depth);
      f.while(i32.geS(rest, lanes), () => {
        for (let i = 0; i < width; i += lanes) {
          const count = Math.min(lanes, width - i);
          const columns = transpose(
            f,
            vector,
            rows.slice(i, i + count).map((row) => v128.load(row)),
          );
          columns.forEach(({ value, from }, k) => {
            storeLanes(f, vector, p.target, value, from, count, (k * width + i) * size);
          });
          f.release(...columns.flatMap(({ value, from }) => (from === 0 ? [value] : [])));
        }
        for (const row of rows) f.increment(row, 16);
        f.increment(p.target, lanes * width * size);
        f.increment(rest, -lanes);
      });
      f.while(i32.gtS(rest, 0), () => {
        rows.forEach((row, i) => {
          f.add(vector.storeLane(p.target, vector.loadZero(row), 0, i * size));
          f.increment(row, size);
        });
        f.increment(p.target, width * size);
        f.increment(rest, -1);
      });
      f.set(p.source, i32.add(p.source, i32.mul(p.stride, width)));
      f.increment(p.length, -width);
    });
    f.if(i32.gtS(p.length, 0), () =>
      emitLastPanel(f, vector, width, p, { within: p.stride, along: i32.constant(size) }),
    );
  });
}

/**
 * Transposes `lanes` or fewer vectors; column k of the result is in the lanes from `from` on of `value`. Four or two
 * rows of four lanes, or two rows of two.
 */
export function transpose(
  f: FunctionBuilder,
  vector: FloatVector,
  rows: readonly V128[],
): { value: Local<"v128">; from: number }[] {
  const kept = rows.map((row) => f.keep(row));
  const both = (a: V128, b: V128, lanes: readonly number[]) => f.keep(vector.shuffle(a, b, lanes));
  const [a, b, c, d] = kept;
  if (vector.lanes === 2) {
    const result = [both(a!, b!, [0, 2]), both(a!, b!, [1, 3])];
    f.release(...kept);
    return result.map((value) => ({ value, from: 0 }));
  }
  const lowAB = both(a!, b!, [0, 4, 1, 5]);
  const highAB = both(a!, b!, [2, 6, 3, 7]);
  if (kept.length === 2) {
    f.release(...kept);
    return [lowAB, lowAB, highAB, highAB].map((value, k) => ({ value, from: 2 * (k % 2) }));
  }
  const lowCD = both(c!, d!, [0, 4, 1, 5]);
  const highCD = both(c!, d!, [2, 6, 3, 7]);
  const result = [
    both(lowAB, lowCD, [0, 1, 4, 5]),
    both(lowAB, lowCD, [2, 3, 6, 7]),
    both(highAB, highCD, [0, 1, 4, 5]),
    both(highAB, highCD, [2, 3, 6, 7]),
  ];
  f.release(...kept, lowAB, highAB, lowCD, highCD);
  return result.map((value) => ({ value, from: 0 }));
}

/** A panel of fewer than `width` rows, element by element, with zeros for the rest. */
function emitLastPanel(
  f: FunctionBuilder,
  vector: FloatVector,
  width: number,
  p: { readonly [K in keyof typeof packParameters]: Local<"i32"> },
  steps: { readonly within: I32; readonly along: I32 },
): void {
  const { size } = vector;
  const [i, element] = f.locals("i32", 2);
  f.while(i32.gtS(p.depth, 0), () => {
    f.set(element!, p.source);
    f.loop(i!, 0, width, 1, () => {
      const target = f.keep(vector.element(p.target, i!));
      f.if(
        i32.ltS(i!, p.length),
        () => f.add(vector.storeLane(target, vector.loadZero(element!), 0)),
        () => f.add(vector.storeLane(target, vector.constant(0), 0)),
      );
      f.increment(element!, steps.within);
      f.release(target);
    });
    f.increment(p.source, steps.along);
    f.increment(p.target, width * size);
    f.increment(p.depth, -1);
  });
  f.release(i!, element!);
}
