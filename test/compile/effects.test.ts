import { compile, detectAnomaly, linearize, losses, nn, noGrad, optim, type Tensor, tensor, trace } from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** What a step of two numbers does to tensors that outlive it, as data. */
type Action =
  | { readonly kind: "reshape"; readonly of: number }
  | { readonly kind: "add"; readonly of: number; readonly and: number }
  | { readonly kind: "assign"; readonly of: number; readonly to: number }
  | { readonly kind: "gradient"; readonly of: number; readonly to: number }
  | { readonly kind: "read gradient"; readonly of: number };

const place = fc.nat(20);
const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("reshape" as const), of: place }),
    fc.record({ kind: fc.constant("add" as const), of: place, and: place }),
    fc.record({ kind: fc.constant("assign" as const), of: place, to: place }),
    fc.record({ kind: fc.constant("gradient" as const), of: place, to: place }),
    fc.record({ kind: fc.constant("read gradient" as const), of: place }),
  ),
  { minLength: 1, maxLength: 10 },
);

/** The step over tensors that outlive it, some of them arguments; gives back every value that it made. */
function stepOf(list: readonly Action[], state: readonly Tensor[]): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    const lasting = [...state, ...inputs];
    const pool = [...lasting];
    const pick = (at: number) => pool[at % pool.length];
    for (const action of list) {
      const value = pick(action.of);
      if (action.kind === "reshape") pool.push(value.reshape([2, 1]).reshape([2]));
      else if (action.kind === "add") pool.push(value.add(pick(action.and)));
      else if (action.kind === "assign") lasting[action.to % lasting.length].assign_(value);
      else if (action.kind === "gradient") lasting[action.to % lasting.length].grad = value.reshape([2]);
      else {
        const { grad } = lasting[action.of % lasting.length];
        if (grad !== null) pool.push(grad.mul(2));
      }
    }
    return pool.slice(state.length);
  };
}

/** A function that does the same under `wrapper`. */
function watched(fn: (...inputs: Tensor[]) => Tensor[], wrapper: string): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    let results: Tensor[] = [];
    const run = (...given: Tensor[]) => {
      results = fn(...given);
      return results;
    };
    if (wrapper === "detectAnomaly") detectAnomaly(() => run(...inputs));
    else if (wrapper === "trace") trace(run, ...inputs);
    else noGrad(() => run(...inputs));
    return results;
  };
}

describe("what a compiled function leaves behind", () => {
  const pair = (make: (a: Tensor, b: Tensor) => (x: Tensor) => Tensor) => {
    const state = [0, 1].map(() => [tensor([1, 2]), tensor([10, 20])] as const);
    const plain = make(...state[0]);
    const compiled = compile(make(...state[1]));
    for (let i = 0; i < 4; i++) {
      const x = tensor([i + 1, 5]);
      expect(compiled(x).toArray()).toEqual(plain(x).toArray());
      state[0].forEach((one, k) => {
        expect(state[1][k].toArray()).toEqual(one.toArray());
        expect(state[1][k].grad?.toArray()).toEqual(one.grad?.toArray());
      });
    }
  };

  it("swaps two tensors through a view of one", () => {
    pair((a, b) => (x) => {
      const held = a.reshape([2]);
      a.assign_(b);
      b.assign_(held);
      return x.add(1);
    });
  });

  it("shifts values on, also to a tensor that is only written", () => {
    pair((a, b) => (x) => {
      const held = a.reshape([2]);
      a.assign_(x);
      b.assign_(held);
      return x.add(1);
    });
    pair((a, b) => (x) => {
      b.assign_(a);
      a.assign_(a.add(x));
      return x.add(1);
    });
  });

  it("returns the values before a write, through a view", () => {
    pair((a) => (x) => {
      const before = a.reshape([2, 1]);
      a.assign_(a.add(x));
      return before;
    });
  });

  it("leaves the values before a write as a gradient, through a view", () => {
    pair((a, b) => (x) => {
      b.grad = a.reshape([2]);
      a.assign_(a.add(x));
      return x.add(1);
    });
  });

  it("is a trained net also where detectAnomaly watches", () => {
    const train = (step: (fn: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) => {
      const net = new nn.Linear(2, 1);
      for (const one of net.parameters()) one.assign_(one.detach().mul(0).add(0.5).detach());
      const optimizer = new optim.SGD(net.parameters(), { learningRate: 0.1 });
      const run = step((x) => {
        optimizer.zeroGrad();
        const loss = losses.mseLoss(net.forward(x), x.sum(1, { keepdims: true }));
        loss.backward();
        optimizer.step();
        return loss;
      });
      for (let i = 0; i < 5; i++) run(tensor([[1, i]]));
      return net.parameters().map((one) => one.toArray());
    };
    expect(train((fn) => compile((x: Tensor) => detectAnomaly(() => fn(x))))).toEqual(train((fn) => fn));
  });

  it("follows what a trace inside reads", () => {
    const w = tensor([2, 3], { requiresGrad: true });
    const traced = compile((x: Tensor) => trace((v) => v.mul(w), x).outputs[0].value.add(0));
    for (let i = 1; i < 5; i++) expect(traced(tensor([i, 10])).toArray()).toEqual([2 * i, 30]);
  });

  it("is an error where a net is read inside, whose numbers would be those of the first call", () => {
    const net = nn.mlp([2, 3, 1]);
    const slope = compile((x: Tensor) => x.mul(tensor(linearize(net, x).A.data, { shape: [1, 2] })));
    expect(() => slope(tensor([1, 2]))).toThrow(/reads the values of a tensor at .*effects\.test\.ts/);
  });

  it("is what the function leaves behind, for random views, writes, gradients and modes", () => {
    // Arguments are picked from tensors that the step reaches by itself, their gradients, and others.
    const calls = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { minLength: 4, maxLength: 10 });
    const wrappers = fc.array(fc.constantFrom("detectAnomaly", "trace", "noGrad"), { maxLength: 3 });
    fc.assert(
      fc.property(actions, calls, fc.boolean(), wrappers, (list, picks, fresh, around) => {
        const states = [0, 1].map(() => [1, 2, 3].map((i) => tensor([i, 10 * i])));
        const others = [0, 1].map(() => [7, 8, 9].map((i) => tensor([i, -i])));
        const plain = around.reduce(watched, stepOf(list, states[0]));
        const compiled = compile(around.reduce(watched, stepOf(list, states[1])));
        const held: { one: Tensor; values: unknown }[] = [];
        picks.forEach((pair, i) => {
          const argumentsOf = (copy: number): Tensor[] =>
            pair.map((pick, k) => {
              if (fresh || pick >= 9) return tensor([100 * i, k]);
              if (pick >= 6) return states[copy][pick - 6].grad ?? others[copy][0];
              return [...states[copy], ...others[copy]][pick];
            });
          const results = compiled(...argumentsOf(1));
          expect(results.map((one) => one.toArray())).toEqual(plain(...argumentsOf(0)).map((one) => one.toArray()));
          [...states[0], ...others[0]].forEach((one, k) => {
            const same = [...states[1], ...others[1]][k];
            expect(same.toArray()).toEqual(one.toArray());
            expect(same.grad?.toArray()).toEqual(one.grad?.toArray());
          });
          for (const one of results) held.push({ one, values: one.toArray() });
        });
        for (const { one, values } of held) expect(one.toArray()).toEqual(values);
      }),
      { numRuns: 600, seed: 5 },
    );
  });
});
