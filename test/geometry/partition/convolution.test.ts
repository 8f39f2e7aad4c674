import { describe, expect, it } from "vitest";
import { partition } from "../../../src/geometry/partition/partition.js";
import { validate } from "../../../src/geometry/partition/validate.js";
import { toDense } from "../../../src/pwl/blocks.js";
import { checkNet } from "../../../src/pwl/check.js";
import type { Affine, ConvBlock, PwlNet } from "../../../src/pwl/net.js";

/** relu(conv(x)) of a 1 × 6 × 6 image, 2 × 2 max-pooling, a residual sum with the pooled image, two outputs. */
function convolutional(): PwlNet {
  const values = (count: number, phase: number) =>
    Float64Array.from({ length: count }, (_, k) => Math.sin(1.7 * k + phase));
  const conv: ConvBlock = {
    kind: "conv",
    rows: 2 * 6 * 6,
    columns: 36,
    inputShape: [1, 6, 6],
    outputShape: [2, 6, 6],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    dilation: [1, 1],
    groups: 1,
    values: values(18, 0.3),
  };
  // argument 4g + k of the pooling is pixel k of window g
  const windows = Array.from({ length: 2 * 9 }, (_, g) => {
    const [channel, row, column] = [Math.floor(g / 9), Math.floor((g % 9) / 3), g % 3];
    return [0, 1, 6, 7].map((offset) => channel * 36 + 12 * row + 2 * column + offset);
  }).flat();
  const hinges = (argument: Affine) => ({
    kind: "hinge" as const,
    name: "relu",
    argument,
    threshold: new Float64Array(argument.size),
    lo: new Float64Array(argument.size),
    hi: new Float64Array(argument.size).fill(1),
  });
  const dense = (rows: number, columns: number, phase: number) => ({
    kind: "dense" as const,
    rows,
    columns,
    values: values(rows * columns, phase).map((x) => x / Math.sqrt(columns)),
  });
  return checkNet({
    inputs: [{ name: "image", shape: [1, 6, 6] }],
    inputSize: 36,
    layers: [
      hinges({ size: 72, terms: [{ source: 0, block: conv }], bias: values(72, 1).map((x) => x / 10) }),
      {
        kind: "max",
        name: "pool",
        argument: {
          size: windows.length,
          terms: [
            {
              source: 1,
              block: {
                kind: "csr",
                rows: windows.length,
                columns: 72,
                starts: Int32Array.from({ length: windows.length + 1 }, (_, k) => k),
                indices: Int32Array.from(windows),
                values: new Float64Array(windows.length).fill(1),
              },
            },
          ],
          bias: new Float64Array(windows.length),
        },
        starts: Int32Array.from({ length: 19 }, (_, g) => 4 * g),
      },
      hinges({
        size: 8,
        terms: [
          { source: 0, block: dense(8, 36, 2) },
          { source: 2, block: dense(8, 18, 4) },
        ],
        bias: values(8, 5),
      }),
    ],
    output: { size: 2, terms: [{ source: 3, block: dense(2, 8, 6) }], bias: values(2, 7) },
    outputShape: [2],
    rounded: [],
  });
}

/** The same net with every block written out. */
function written(net: PwlNet): PwlNet {
  const affine = (map: Affine): Affine => ({
    ...map,
    terms: map.terms.map(({ source, block }) => ({
      source,
      block: { kind: "dense", rows: block.rows, columns: block.columns, values: toDense(block) },
    })),
  });
  return {
    ...net,
    layers: net.layers.map((layer) => ({ ...layer, argument: affine(layer.argument) })),
    output: affine(net.output),
  };
}

describe("a plane through three images, of a convolutional net with pooling and a skip", () => {
  const points = [0, 1, 2].map((seed) =>
    Array.from({ length: 36 }, (_, k) => Math.cos(seed * 3 + k * k)),
  ) as unknown as [number[], number[], number[]];
  const net = convolutional();
  const options = {
    plane: { points },
    box: [
      [-0.5, 1.5],
      [-0.5, 1.5],
    ],
  };
  const p = partition(net, options);

  it("is cut into cells that pass every check", () => {
    expect(validate(p).cells).toBeGreaterThan(500);
  });

  it("has the cells of the same net written out densely", () => {
    const dense = partition(written(net), options);
    const patterns = (q: typeof p) => [...q.cells].map(({ pattern }) => pattern.key).sort();
    expect(patterns(dense)).toEqual(patterns(p));
  });

  it("is the same when every sign is decided in integers", () => {
    const small = {
      plane: { points },
      box: [
        [0, 0.2],
        [0, 0.2],
      ],
    };
    const [filtered, always] = (["filtered", "always"] as const).map((exact) => partition(net, { ...small, exact }));
    expect(always.cells.length).toBe(filtered.cells.length);
    expect(filtered.exact.decisions).toBeLessThan(always.exact.decisions / 100);
  });

  it("pooling ties of zeros go to the first argument, so that dead windows are not cut", () => {
    const { tree } = p;
    for (const { index } of p.cells) {
      const [relu, pool] = tree.states(index);
      for (let g = 0; g < 18; g++) {
        const [channel, row, column] = [Math.floor(g / 9), Math.floor((g % 9) / 3), g % 3];
        const active = [0, 1, 6, 7].map((offset) => relu[channel * 36 + 12 * row + 2 * column + offset]);
        if (!active.includes(1)) expect(pool[g]).toBe(0);
      }
    }
  });
});
