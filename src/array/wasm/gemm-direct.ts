/**
 * Small matrix products, almost without packing: operands lie in the first-level cache as they are. A is read as it is
 * stored, and so is a row-major B; only a transposed B is packed into panels.
 */
import type { FunctionReference, ModuleBuilder } from "./assembler.js";
import { addPackTransposed, type Packing } from "./gemm-pack.js";
import { emitEpilogue, emitPartialStore, emitTile, type TileLayout, tileRows } from "./gemm-tile.js";
import { i32, v128 } from "./instructions.js";
import type { FloatVector } from "./vectors.js";

/** Strides are in bytes. `width` is the count of columns of a partial strip, `turns` the count of row tiles. */
const stripParameters = {
  a: "i32",
  aStride: "i32",
  b: "i32",
  bStride: "i32",
  c: "i32",
  cStride: "i32",
  bias: "i32",
  k: "i32",
  turns: "i32",
  width: "i32",
  flags: "i32",
} as const;

type Strip = FunctionReference<typeof stripParameters>;

/** Two vectors wide, one vector wide, or less than one vector. */
type StripWidth = "double" | "single" | "partial";

/** Emits the product of `turns` tiles of rows, one below the other, with one strip of columns of B. */
function addStrip(
  module: ModuleBuilder,
  vector: FloatVector,
  relaxed: boolean,
  layout: TileLayout,
  rows: number,
  width: StripWidth,
): Strip {
  const vectors = width === "double" ? 2 : 1;
  return module.function("", stripParameters, (f, p) => {
    f.doWhile(
      () => {
        const tile = emitTile(f, { vector, relaxed, rows, vectors, unroll: 4 }, layout, p);
        // Addresses of the rows of C.
        const c = f.locals("i32", rows);
        f.set(c[0], p.c);
        for (let row = 1; row < rows; row++) f.set(c[row], i32.add(c[row - 1], p.cStride));
        const place = (index: number) => {
          const offset = 16 * (index % vectors);
          return { c: c[Math.floor(index / vectors)], cOffset: offset, bias: p.bias, biasOffset: offset };
        };
        emitEpilogue(f, vector, tile, place, p.flags);
        tile.forEach((value, index) => {
          const { c: address, cOffset } = place(index);
          if (width === "partial") emitPartialStore(f, vector, address, value, p.width);
          else f.add(v128.store(address, value, cOffset));
        });
        f.set(p.c, i32.add(c[rows - 1], p.cStride));
        f.increment(p.a, layout === "rows" ? i32.mul(p.aStride, rows) : rows * vector.size);
        f.increment(p.turns, -1);
        f.release(...tile, ...c);
      },
      i32.gtS(p.turns, 0),
    );
  });
}

export const directParameters = {
  a: "i32",
  aStride: "i32",
  b: "i32",
  /** Bytes between the rows of B as stored: [k,n], or [n,k] if transposed. */
  bStride: "i32",
  bTransposed: "i32",
  c: "i32",
  cStride: "i32",
  bias: "i32",
  m: "i32",
  n: "i32",
  k: "i32",
  flags: "i32",
  /** Room for a transposed B as panels: k · (n rounded up to two vectors) elements. */
  work: "i32",
} as const;

/** Adds the packing of a transposed B that `addDirectGemm` needs. */
export function addDirectPacking(module: ModuleBuilder, vector: FloatVector): Packing {
  return addPackTransposed(module, vector, 2 * vector.lanes);
}

/**
 * Adds C[m,n] = op(A) · op(B) and its epilogue to a module. Strides in bytes; reads up to 15 bytes past B, C and bias.
 * @param layout `rows` for A[m,k], `columns` for the transpose of A[k,m]
 */
export function addDirectGemm(
  module: ModuleBuilder,
  name: string,
  vector: FloatVector,
  relaxed: boolean,
  layout: "rows" | "columns",
  packB: Packing,
): FunctionReference<typeof directParameters> {
  // The remainder of m is cut into tiles of 4, 2 and 1 rows.
  const heights = tileRows(relaxed) === 6 ? [6, 4, 2, 1] : [4, 2, 1];
  const strips = (["double", "single", "partial"] as const).map((width) =>
    heights.map((rows) => addStrip(module, vector, relaxed, layout, rows, width)),
  );
  const { lanes, size } = vector;

  return module.function(name, directParameters, (f, p) => {
    const [a, c, turns, rest] = f.locals("i32", 4);
    /** Bytes from one strip of two vectors of B to the next. */
    const stripStep = f.keep(i32.constant(2 * lanes * size));
    f.if(p.bTransposed, () => {
      f.call(packB, p.b, p.bStride, p.work, p.n, p.k);
      f.set(p.b, p.work);
      f.set(p.bStride, i32.constant(2 * lanes * size));
      f.set(stripStep, i32.mul(p.k, 2 * lanes * size));
    });
    /** All rows of C, for one strip of columns. */
    const allRows = (functions: readonly Strip[], columns: number) => {
      f.set(a!, p.a);
      f.set(c!, p.c);
      f.set(rest!, p.m);
      heights.forEach((rows, index) => {
        f.set(turns!, i32.divU(rest!, rows));
        f.if(turns!, () => {
          f.call(functions[index], a!, p.aStride, p.b, p.bStride, c!, p.cStride, p.bias, p.k, turns!, p.n, p.flags);
          if (rows === 1) return;
          const done = f.keep(i32.mul(turns!, rows));
          f.increment(a!, i32.mul(done, layout === "rows" ? p.aStride : size));
          f.increment(c!, i32.mul(done, p.cStride));
          f.set(rest!, i32.sub(rest!, done));
          f.release(done);
        });
      });
      f.increment(p.b, columns === 2 * lanes ? stripStep : columns * size);
      f.increment(p.c, columns * size);
      f.increment(p.bias, columns * size);
      f.increment(p.n, -columns);
    };
    f.while(i32.geS(p.n, 2 * lanes), () => allRows(strips[0], 2 * lanes));
    f.if(i32.geS(p.n, lanes), () => allRows(strips[1], lanes));
    f.if(i32.gtS(p.n, 0), () => allRows(strips[2], 0));
  });
}
