/**
 * Large matrix products: blocks of both operands are packed into panels, and the register tile runs over the panels.
 * The order of the loops is that of GotoBLAS and BLIS: columns of C by `columns`, k by `depth`, rows of C by `rows`;
 * a panel of B then stays in the first-level cache, the block of A in the second, the block of B in the third.
 */
import type { FunctionBuilder, FunctionReference, Local, ModuleBuilder, ParameterLocals } from "./assembler.js";
import { addPackContiguous, addPackTransposed } from "./gemm-pack.js";
import { emitEpilogue, emitPartialStore, emitTile, epilogue, tileRows } from "./gemm-tile.js";
import { type I32, i32, v128 } from "./instructions.js";
import type { FloatVector } from "./vectors.js";

/** Extent of a block in elements. `rows` is a multiple of the tile's height, `columns` of its width. */
export interface BlockSizes {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

function blockSizes(vector: FloatVector): BlockSizes {
  // 96 and 1024 are multiples of both tile heights and of all tile widths.
  return { rows: 96, columns: 1024, depth: vector.size === 4 ? 256 : 192 };
}

/** Bytes of working memory behind `work`, the parameter of the packed product. */
export function workBytes(vector: FloatVector): number {
  const { rows, columns, depth } = blockSizes(vector);
  return (rows + columns) * depth * vector.size + spillBytes;
}

/** Room for one tile that does not fit into C. */
const spillBytes = 512;

export const packedParameters = {
  a: "i32",
  /** Bytes between the rows of A as stored: [m,k], or [k,m] if transposed. */
  aStride: "i32",
  aTransposed: "i32",
  b: "i32",
  bStride: "i32",
  bTransposed: "i32",
  c: "i32",
  cStride: "i32",
  bias: "i32",
  m: "i32",
  n: "i32",
  k: "i32",
  flags: "i32",
  work: "i32",
} as const;

const stripParameters = {
  a: "i32",
  b: "i32",
  c: "i32",
  cStride: "i32",
  bias: "i32",
  k: "i32",
  rows: "i32",
  columns: "i32",
  flags: "i32",
  spill: "i32",
} as const;

/** Adds the tiles over packed panels of A, one below the other, cut off to `rows` x `columns` at the edges of C. */
function addPackedStrip(module: ModuleBuilder, vector: FloatVector, relaxed: boolean) {
  const height = tileRows(relaxed);
  const vectors = 2;
  const width = vectors * vector.lanes;
  return module.function("", stripParameters, (f, p) => {
    const panel = f.keep(i32.mul(p.k, height * vector.size));
    f.while(i32.gtS(p.rows, 0), () => {
      const tile = emitTile(f, { vector, relaxed, rows: height, vectors, unroll: 16 }, "packed", {
        a: p.a,
        b: p.b,
        k: p.k,
        aStride: i32.constant(0),
        bStride: i32.constant(0),
      });
      const whole = i32.and(i32.geS(p.rows, height), i32.eq(p.columns, width));
      f.if(
        whole,
        () => {
          const c = f.locals("i32", height);
          f.set(c[0], p.c);
          for (let row = 1; row < height; row++) f.set(c[row], i32.add(c[row - 1], p.cStride));
          const place = (index: number) => {
            const offset = 16 * (index % vectors);
            return { c: c[Math.floor(index / vectors)], cOffset: offset, bias: p.bias, biasOffset: offset };
          };
          emitEpilogue(f, vector, tile, place, p.flags);
          tile.forEach((value, index) => {
            f.add(v128.store(place(index).c, value, place(index).cOffset));
          });
          f.set(p.c, i32.add(c[height - 1], p.cStride));
          f.release(...c);
        },
        () => emitCutTile(f, vector, tile, height, p),
      );
      f.set(p.a, i32.add(p.a, panel));
      f.increment(p.rows, -height);
      f.release(...tile);
    });
  });
}

/** Writes the part of a tile that lies in C, row by row, by way of `spill`. */
function emitCutTile(
  f: FunctionBuilder,
  vector: FloatVector,
  tile: readonly Local<"v128">[],
  height: number,
  p: ParameterLocals<typeof stripParameters>,
): void {
  const vectors = tile.length / height;
  tile.forEach((value, index) => {
    f.add(v128.store(p.spill, value, 16 * index));
  });
  const row = f.local("i32");
  const value = f.local("v128");
  f.loop(row, 0, i32.min(p.rows, height), 1, () => {
    const spill = f.keep(i32.add(p.spill, i32.mul(row, 16 * vectors)));
    const [c, bias, rest] = [f.keep(p.c), f.keep(p.bias), f.keep(p.columns)];
    f.while(i32.gtS(rest, 0), () => {
      f.set(value, v128.load(spill));
      emitEpilogue(f, vector, [value], () => ({ c, cOffset: 0, bias, biasOffset: 0 }), p.flags);
      f.if(
        i32.geS(rest, vector.lanes),
        () => f.add(v128.store(c, value)),
        () => emitPartialStore(f, vector, c, value, rest),
      );
      for (const address of [c, bias, spill]) f.increment(address, 16);
      f.increment(rest, -vector.lanes);
    });
    f.release(c, bias, spill, rest);
    f.set(p.c, i32.add(p.c, p.cStride));
  });
  f.release(row, value);
}

/**
 * Adds C[m,n] = op(A) · op(B) and its epilogue to a module. Strides in bytes; reads up to 15 bytes past A, B, C and bias.
 */
export function addPackedGemm(
  module: ModuleBuilder,
  name: string,
  vector: FloatVector,
  relaxed: boolean,
): FunctionReference<typeof packedParameters> {
  const { size } = vector;
  const block = blockSizes(vector);
  const height = tileRows(relaxed);
  const width = 2 * vector.lanes;
  const strip = addPackedStrip(module, vector, relaxed);
  const contiguousA = addPackContiguous(module, vector, height);
  const transposedA = addPackTransposed(module, vector, height);
  const contiguousB = width === height ? contiguousA : addPackContiguous(module, vector, width);
  const transposedB = width === height ? transposedA : addPackTransposed(module, vector, width);

  return module.function(name, packedParameters, (f, p) => {
    const [column, row, depth, tileColumn] = f.locals("i32", 4);
    const [columns, rows, depths, flags] = f.locals("i32", 4);
    const packedA = f.keep(i32.add(p.work, spillBytes));
    const packedB = f.keep(i32.add(packedA, block.rows * block.depth * size));
    /** Address of element (major, minor) of a stored matrix. */
    const at = (base: I32, stride: I32, major: I32, minor: I32) =>
      vector.element(i32.add(base, i32.mul(major, stride)), minor);

    f.loop(column, 0, p.n, block.columns, () => {
      f.set(columns, i32.min(block.columns, i32.sub(p.n, column)));
      f.loop(depth, 0, p.k, block.depth, () => {
        f.set(depths, i32.min(block.depth, i32.sub(p.k, depth)));
        // C accumulates from the second block of k on; bias and relu come with the last.
        f.set(flags, p.flags);
        f.if(depth, () => f.set(flags, i32.or(flags, epilogue.accumulate)));
        f.if(i32.ltS(i32.add(depth, depths), p.k), () => f.set(flags, i32.and(flags, epilogue.accumulate)));
        f.if(
          p.bTransposed,
          () => f.call(transposedB, at(p.b, p.bStride, column, depth), p.bStride, packedB, columns, depths),
          () => f.call(contiguousB, at(p.b, p.bStride, depth, column), p.bStride, packedB, columns, depths),
        );
        f.loop(row, 0, p.m, block.rows, () => {
          f.set(rows, i32.min(block.rows, i32.sub(p.m, row)));
          f.if(
            p.aTransposed,
            () => f.call(contiguousA, at(p.a, p.aStride, depth, row), p.aStride, packedA, rows, depths),
            () => f.call(transposedA, at(p.a, p.aStride, row, depth), p.aStride, packedA, rows, depths),
          );
          f.loop(tileColumn, 0, columns, width, () => {
            f.call(
              strip,
              packedA,
              i32.add(packedB, i32.mul(i32.mul(tileColumn, depths), size)),
              at(p.c, p.cStride, row, i32.add(column, tileColumn)),
              p.cStride,
              vector.element(p.bias, i32.add(column, tileColumn)),
              depths,
              rows,
              i32.min(width, i32.sub(columns, tileColumn)),
              flags,
              p.work,
            );
          });
        });
      });
    });
  });
}
