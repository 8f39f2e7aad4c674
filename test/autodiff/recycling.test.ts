import { defineOp, nn, randn, relu, type Tensor, tensor, type Unary } from "crease";
import { describe, expect, test } from "vitest";
import { arena, endRecycling, isRecycled, setRecycling } from "../../src/array/storage.js";
import { Generator } from "../../src/base/random.js";

/** Backward passes of nets of several sizes, which use the recycled memory again and again. */
function disturb(): void {
  for (const width of [3, 16, 60]) {
    const net = nn.mlp([2, width, width, 1], { dtype: "float64" });
    net
      .forward(randn([40, 2], { dtype: "float64" }))
      .square()
      .mean()
      .backward();
  }
}

const leaf = (shape: number[], seed: number) =>
  randn(shape, { requiresGrad: true, generator: new Generator(seed), dtype: "float64" });

describe("memory that backward uses again", () => {
  test("never holds what a leaf got, whichever way the gradient came", () => {
    const [a, b, c] = [leaf([40, 3], 1), leaf([40, 3], 2), leaf([120], 3)];
    // add hands its gradient on to both leaves, reshape shows it under another shape.
    const y = relu(
      relu(a.add(b))
        .mul(c.reshape([40, 3]))
        .sub(c.reshape([40, 3])),
    );
    y.mul(y).sum().backward();
    const leaves = [a, b, c].map((one) => one.grad as Tensor);
    const kept = leaves.map((one) => [...one.data]);
    disturb();
    leaves.forEach((one, i) => {
      expect([...one.data]).toEqual(kept[i]);
      expect(isRecycled(one)).toBe(false);
    });
    expect(kept[0].some((value) => value !== 0)).toBe(true);
  });

  test("never holds what a hook saw", () => {
    const x = leaf([50, 4], 4);
    const hidden = relu(x.mul(3));
    const seen: Tensor[] = [];
    hidden.onGradient((gradient) => {
      seen.push(gradient);
      return undefined;
    });
    relu(hidden.mul(hidden)).mul(hidden).sum().backward();
    const kept = seen.map((one) => [...one.data]);
    disturb();
    expect(seen.map((one) => [...one.data])).toEqual(kept);
    expect(seen.length).toBe(1);
  });

  test("never holds what the rule of a user's op saw or made", () => {
    const seen: Tensor[] = [];
    const halved = defineOp<Unary>({
      name: "halved",
      doc: "x / 2",
      kind: "affine",
      shape: ([shape]) => shape,
      forward: (out, [x]) => {
        for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = x.buffer[x.offset + i] / 2;
      },
      vjp: [
        (dy) => {
          const gradient = dy.mul(0.5);
          seen.push(dy, gradient);
          return gradient;
        },
      ],
      samples: [{ inputs: [[2]] }],
    });
    const x = leaf([30, 5], 5);
    relu(halved(relu(x.mul(2))).mul(7))
      .mul(3)
      .sum()
      .backward();
    const kept = seen.map((one) => [...one.data]);
    disturb();
    expect(seen.map((one) => [...one.data])).toEqual(kept);
    expect(seen.length).toBe(2);
  });

  test("never holds what a user's op made for all its gradients at once", () => {
    const seen: Tensor[] = [];
    const doubled = defineOp<Unary>({
      name: "doubled",
      doc: "2 x",
      kind: "affine",
      shape: ([shape]) => shape,
      forward: (out, [x]) => {
        for (let i = 0; i < x.size; i++) out.buffer[out.offset + i] = 2 * x.buffer[x.offset + i];
      },
      vjp: [(dy) => dy.mul(2)],
      pullback: (dy, _node, target) => {
        const gradient = dy.mul(2);
        seen.push(dy, gradient);
        target(0)?.assign_(gradient);
      },
      samples: [{ inputs: [[2]] }],
    });
    const x = leaf([30, 5], 7);
    doubled(doubled(x).mul(3)).sum().backward();
    disturb();
    expect(seen.map((one) => one.data[149])).toEqual([1, 2, 6, 12]);
    expect(x.grad?.data.every((value) => value === 12)).toBe(true);
  });

  test("is left behind by a backward that fails", () => {
    const x = leaf([30, 5], 6);
    const failing = defineOp<Unary>({
      name: "failing",
      doc: "x, without a gradient that works",
      kind: "smooth",
      shape: ([shape]) => shape,
      forward: (out, [x]) => out.buffer.set(x.buffer.subarray(x.offset, x.offset + x.size), out.offset),
      vjp: [
        () => {
          throw new RangeError("on purpose");
        },
      ],
      samples: [{ inputs: [[2]] }],
    });
    expect(() =>
      relu(failing(x.mul(2)))
        .mul(3)
        .sum()
        .backward(),
    ).toThrow("on purpose");
    expect(isRecycled(tensor(new Float64Array(150)).mul(1))).toBe(false);
  });

  test("is handed out as zeros, once between one end and the next", () => {
    for (const dtype of ["float32", "float64"] as const) {
      const from = arena(dtype);
      for (let round = 0; round < 4; round++) {
        setRecycling(true);
        const given = Array.from({ length: 60 }, (_, i) => {
          const size = (i * 397) % 3000;
          const buffer = from.allocate(size);
          return {
            values: buffer.subarray(from.offset, from.offset + size),
            recycled: isRecycled({ dtype, buffer, offset: from.offset }),
            size,
          };
        });
        given.forEach(({ values, size }, i) => {
          expect(values.length).toBe(size);
          expect(values.every((value) => value === 0)).toBe(true);
          values.fill(i + 1);
        });
        given.forEach(({ values }, i) => {
          expect(values.every((value) => value === i + 1)).toBe(true);
        });
        expect(given.every(({ recycled }) => recycled)).toBe(true);
        endRecycling();
      }
    }
  });
});
