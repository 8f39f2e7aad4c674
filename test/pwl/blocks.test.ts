import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addRow, apply, applyAffine, applyT, row, toDense } from "../../src/pwl/blocks.js";
import type { Affine, AffineBlock, ConvBlock } from "../../src/pwl/net.js";
import { anyBlock, convBlock, distance, stream, vector } from "./nets.js";

/** The matrix of a block, entry by entry from the definition of its kind: the oracle. */
function matrix(block: AffineBlock): Float64Array {
  const out = new Float64Array(block.rows * block.columns);
  if (block.kind === "dense") return block.values;
  if (block.kind === "csr") {
    for (let i = 0; i < block.rows; i++) {
      for (let at = block.starts[i]; at < block.starts[i + 1]; at++) {
        out[i * block.columns + block.indices[at]] = block.values[at];
      }
    }
    return out;
  }
  const { inputShape: C, outputShape: O, kernel, stride, padding, dilation, groups, values } = block;
  for (let o = 0; o < O[0]; o++) {
    for (let c = 0; c < C[0]; c++) {
      if (Math.floor(o / (O[0] / groups)) !== Math.floor(c / (C[0] / groups))) continue;
      for (let y = 0; y < O[1]; y++) {
        for (let x = 0; x < O[2]; x++) {
          for (let ky = 0; ky < kernel[0]; ky++) {
            for (let kx = 0; kx < kernel[1]; kx++) {
              const iy = y * stride[0] - padding[0] + ky * dilation[0];
              const ix = x * stride[1] - padding[1] + kx * dilation[1];
              if (iy < 0 || iy >= C[1] || ix < 0 || ix >= C[2]) continue;
              const rowIndex = (o * O[1] + y) * O[2] + x;
              const column = (c * C[1] + iy) * C[2] + ix;
              const weight = ((o * (C[0] / groups) + (c % (C[0] / groups))) * kernel[0] + ky) * kernel[1] + kx;
              out[rowIndex * block.columns + column] += values[weight];
            }
          }
        }
      }
    }
  }
  return out;
}

describe("an affine block of any kind", () => {
  test("written out, is its matrix", () => {
    fc.assert(
      fc.property(anyBlock, (block) => {
        expect(toDense(block)).toEqual(matrix(block));
      }),
    );
  });

  test("applies as its matrix does, and adds to what is there", () => {
    fc.assert(
      fc.property(anyBlock, fc.integer(), (block, seed) => {
        const next = stream(seed);
        const x = vector(next, block.columns);
        const out = vector(next, block.rows);
        const dense = matrix(block);
        const expected = out.map((value, i) => {
          for (let j = 0; j < block.columns; j++) value += dense[i * block.columns + j] * x[j];
          return value;
        });
        apply(block, x, out);
        expect(distance(out, expected)).toBeLessThan(1e-12);
      }),
    );
  });

  test("applies its transpose as the matrix's transpose, and adds to what is there", () => {
    fc.assert(
      fc.property(anyBlock, fc.integer(), (block, seed) => {
        const next = stream(seed);
        const y = vector(next, block.rows);
        const out = vector(next, block.columns);
        const dense = matrix(block);
        const expected = out.map((value, j) => {
          for (let i = 0; i < block.rows; i++) value += dense[i * block.columns + j] * y[i];
          return value;
        });
        applyT(block, y, out);
        expect(distance(out, expected)).toBeLessThan(1e-12);
      }),
    );
  });

  test("has rows with ascending columns, which addRow adds", () => {
    fc.assert(
      fc.property(anyBlock, (block) => {
        const dense = matrix(block);
        for (let i = 0; i < block.rows; i++) {
          const { indices, values } = row(block, i);
          const written = new Float64Array(block.columns);
          indices.forEach((column, at) => {
            if (at > 0) expect(column).toBeGreaterThan(indices[at - 1]);
            written[column] = values[at];
          });
          expect(written).toEqual(dense.slice(i * block.columns, (i + 1) * block.columns));
          const added = new Float64Array(block.columns).fill(1);
          addRow(block, i, 2, added);
          expect(
            distance(
              added,
              written.map((value) => 1 + 2 * value),
            ),
          ).toBe(0);
        }
      }),
    );
  });
});

test("a convolution's padding never meets an infinite input: only what the kernel covers enters", () => {
  const block: ConvBlock = {
    ...convBlock(stream(1)),
    rows: 4,
    columns: 4,
    inputShape: [1, 2, 2],
    outputShape: [1, 2, 2],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    dilation: [1, 1],
    groups: 1,
    values: new Float64Array(9).fill(1),
  };
  const out = new Float64Array(4);
  apply(block, Float64Array.of(Number.POSITIVE_INFINITY, 1, 2, 3), out);
  expect(Array.from(out)).toEqual(Array(4).fill(Number.POSITIVE_INFINITY));
});

test("an affine map without terms is its bias, copied", () => {
  const constant: Affine = { size: 2, terms: [], bias: Float64Array.of(3, 4) };
  const value = applyAffine(constant, []);
  value[0] = 0;
  expect(Array.from(constant.bias)).toEqual([3, 4]);
});
