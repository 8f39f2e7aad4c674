import {
  defineOp,
  gradients,
  leakyRelu,
  noGrad,
  optim,
  type Tensor,
  type Ternary,
  tensor,
  type Unary,
  where,
} from "crease";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GradientError } from "../../src/base/errors.js";
import { Scalar } from "../../src/graph/new-tensor.js";

type Float = "float32" | "float64";

const leaf = (value: number, dtype: Float = "float64") => tensor(value, { requiresGrad: true, dtype });

/** An op of a user, whose rules are run at each backward. */
const cube = defineOp<Unary>({
  name: "cubeOfUser",
  doc: "x³",
  kind: "smooth",
  scalar: (e, x) => e.mul(x, e.mul(x, x)),
  vjp: [(dy, x) => dy.mul(x.mul(x).mul(3))],
  samples: [{ inputs: [[]] }],
});

const blend = defineOp<Ternary>({
  name: "blendOfUser",
  doc: "a b + c",
  kind: "smooth",
  scalar: (e, a, b, c) => e.add(e.mul(a, b), c),
  vjp: [(dy, _a, b) => dy.mul(b), (dy, a) => dy.mul(a), (dy) => dy],
  samples: [{ inputs: [[], [], []] }],
});

const applications: readonly ((a: Tensor, b: Tensor, c: Tensor) => Tensor)[] = [
  (a, b) => a.add(b),
  (a, b) => a.sub(b),
  (a, b) => a.mul(b),
  (a, b) => a.div(b.mul(b).add(1)),
  (a) => a.add(a),
  (a) => a.mul(a),
  (a) => a.relu(),
  (a) => a.tanh(),
  (a) => a.tanh().exp(),
  (a) => a.sigmoid().log(),
  (a) => leakyRelu(a, { slope: 0.1 }),
  (a) => leakyRelu(a, { slope: 0.2 }),
  (a) => a.pow(2),
  (a, b) => a.maximum(b),
  (a, b, c) => where(a.greater(0), b, c),
  (a) => cube(a.tanh()),
  (a, b, c) => blend(a, b.tanh(), c),
  (a) => a.detach().mul(0.5).sub(a),
  (a) => tensor(2, { dtype: a.dtype }).sub(a).mul(-0.25),
];

const programs = fc.record({
  dtype: fc.constantFrom<Float>("float32", "float64"),
  leaves: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }),
  steps: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }),
});

function run(leaves: readonly Tensor[], steps: readonly (readonly number[])[]): Tensor {
  const made: Tensor[] = [...leaves];
  const pick = (index: number): Tensor => made[made.length - 1 - (index % Math.min(made.length, 8))];
  for (const [which, a, b, c] of steps) {
    // Squashed now and then, or products of products soon overflow.
    const y = applications[which % applications.length](pick(a), pick(b), pick(c));
    made.push(Math.abs(y.item()) > 10 ? y.tanh() : y);
  }
  // Weights whose products with gradients are no float32 numbers.
  return made.reduce((total, one, i) => total.add(one.mul(0.7 + 0.3 * i)));
}

/** Equal to the last bit, but for the sign of zero. */
const bits = (tensors: readonly (Tensor | null)[]) => tensors.map((one) => (one === null ? 0 : one.item() + 0));

describe("gradients of scalars", () => {
  test("are those of the walk over tensors, to the last bit, whatever is kept or recorded", () => {
    fc.assert(
      fc.property(programs, ({ dtype, leaves, steps }) => {
        const parameters = leaves.map((value) => leaf(value, dtype));
        const loss = run(parameters, steps);
        expect(loss).toBeInstanceOf(Scalar);
        // With targets, the walk is the one over tensors.
        const expected = bits(gradients(loss, parameters));
        loss.backward({ retainGraph: true });
        expect(bits(parameters.map((one) => one.grad))).toEqual(expected);
        for (const one of parameters) one.grad = null;
        loss.backward();
        expect(bits(parameters.map((one) => one.grad))).toEqual(expected);
        for (const one of parameters) expect(one.grad?.dtype ?? dtype).toBe(dtype);
      }),
    );
  });

  test("pass through hooks, which see and replace them as those of tensors do", () => {
    fc.assert(
      fc.property(programs, fc.nat(), ({ dtype, leaves, steps }, which) => {
        const outcomes = [false, true].map((byTensors) => {
          const parameters = leaves.map((value) => leaf(value, dtype));
          const seen: number[] = [];
          const hidden = parameters[which % parameters.length].mul(3);
          for (const hooked of [hidden, parameters[0]]) {
            hooked.onGradient((gradient) => {
              seen.push(gradient.item() + 0);
              return gradient.mul(0.5);
            });
          }
          const loss = run([...parameters, hidden], steps);
          if (byTensors) return [bits(gradients(loss, parameters)), seen];
          loss.backward();
          return [bits(parameters.map((one) => one.grad)), seen];
        });
        expect(outcomes[0]).toEqual(outcomes[1]);
      }),
    );
  });

  test("are refused where a value that is needed was overwritten, and no leaf gets one", () => {
    const [a, b] = [leaf(2), leaf(3)];
    const loss = a.add(b.mul(b.tanh())).add(a.mul(b));
    b.assign_(tensor(5, { dtype: "float64" }));
    expect(() => loss.backward()).toThrow(GradientError);
    expect(a.grad).toBeNull();
    // The walk that failed leaves nothing behind for the next.
    a.mul(b).backward();
    expect([a.grad?.item(), b.grad?.item()]).toEqual([5, 2]);
  });

  test("do not ask for values that were overwritten and are not needed", () => {
    const a = leaf(2);
    const loss = a.add(1).mul(3);
    a.assign_(tensor(7, { dtype: "float64" }));
    loss.backward();
    expect(a.grad?.item()).toBe(3);
  });

  test("release what they went through, and are refused behind it", () => {
    const a = leaf(2);
    const hidden = a.mul(3);
    const gate = hidden.relu();
    const loss = gate.mul(hidden);
    loss.backward();
    expect(a.grad?.item()).toBe(36);
    for (const one of [hidden, gate, loss]) {
      expect(one.inputs).toEqual([]);
      expect(one.isLeaf).toBe(false);
    }
    expect(hidden.item()).toBe(6);
    expect(() => loss.backward()).toThrow(/released by an earlier backward/);
    expect(() => hidden.add(a).backward()).toThrow(/released by an earlier backward/);
  });
});

describe("a scalar", () => {
  test("is rounded to its dtype", () => {
    expect(tensor(0.1).item()).toBe(Math.fround(0.1));
    expect(tensor(0.1, { dtype: "float64" }).item()).toBe(0.1);
    expect(tensor(0.1).add(0.2).item()).toBe(Math.fround(Math.fround(0.1) + Math.fround(0.2)));
    expect(tensor(3, { dtype: "int32" }).greater(2).data).toEqual(new Int32Array([1]));
  });

  test("gives its array to whoever asks, and is the same afterwards", () => {
    const a = leaf(1.5);
    const y = a.mul(2);
    expect([...y.data]).toEqual([3]);
    expect(y.buffer[y.offset]).toBe(3);
    expect(y.toArray()).toBe(3);
    const row = tensor([1, 2], { dtype: "float64" });
    y.mul(row).sum().backward();
    expect(a.grad?.item()).toBe(6);
    expect(y.add(a)).toBeInstanceOf(Scalar);
  });

  test("keeps its value where another that was made of it is assigned to", () => {
    const a = leaf(1);
    const before = a.detach();
    const view = a.reshape([1]);
    a.assign_(tensor(2, { dtype: "float64" }));
    expect([a.item(), before.item(), view.toArray()]).toEqual([2, 1, [1]]);
  });

  test("is trained as a tensor of one element is", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -2, max: 2, noNaN: true }),
        fc.constantFrom<Float>("float32", "float64"),
        (x, dtype) => {
          const values = ([[], [1]] as const).map((shape) => {
            const w = tensor([x], { dtype, shape, requiresGrad: true });
            const optimizer = new optim.Adam([w], { learningRate: 0.1 });
            for (let i = 0; i < 5; i++) {
              optimizer.zeroGrad();
              w.mul(w).sub(w).sum().backward();
              optimizer.step();
            }
            return noGrad(() => w.sum().item());
          });
          expect(values[0]).toBe(values[1]);
        },
      ),
    );
  });
});
