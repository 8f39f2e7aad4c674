import { manualSeed, nn, type Tensor, tensor, trace, zeros } from "crease";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

class Residual extends nn.Module {
  readonly inner = new nn.Linear(3, 3);
  readonly blocks = [new nn.Linear(3, 3, { bias: false }), new nn.ReLU()];
  readonly scale = tensor([1, 1, 1], { requiresGrad: true });
  readonly seen = nn.buffer(zeros([1]));
  readonly constant = tensor([5]);
  readonly sizes = [1, 2, 3];

  forward(x: Tensor): Tensor {
    return x.add(this.inner.forward(x).relu()).mul(this.scale);
  }
}

class Louder extends Residual {
  override forward(x: Tensor): Tensor {
    return super.forward(x).mul(2);
  }
}

describe("Module finds what its fields hold", () => {
  it("parameters by path, own ones before those of modules inside", () => {
    const names = new Residual().namedParameters().map(([name]) => name);
    expect(names).toEqual(["scale", "inner.weight", "inner.bias", "blocks.0.weight"]);
  });

  it("places in Sequential as PyTorch names them", () => {
    const net = nn.mlp([2, 4, 1]);
    expect(net.namedParameters().map(([name, value]) => [name, value.shape])).toEqual([
      ["0.weight", [4, 2]],
      ["0.bias", [4]],
      ["2.weight", [1, 4]],
      ["2.bias", [1]],
    ]);
    expect(net.parameterCount).toBe(4 * 2 + 4 + 4 + 1);
  });

  it("buffers that were declared, and no other tensor that requires no gradient", () => {
    expect(new Residual().namedBuffers().map(([name]) => name)).toEqual(["seen"]);
  });

  it("the same names and sizes as a walk over what the net was built of, however nested", () => {
    type Spec = number | readonly Spec[];
    const { spec } = fc.letrec<{ spec: Spec }>((tie) => ({
      spec: fc.oneof({ maxDepth: 4 }, fc.integer({ min: 1, max: 3 }), fc.array(tie("spec"), { maxLength: 4 })),
    }));
    const build = (one: Spec): nn.Layer =>
      typeof one === "number" ? new nn.Linear(one, one) : new nn.Sequential(...one.map(build));
    const expected = (one: Spec, path: string[]): [string, number][] =>
      typeof one === "number"
        ? [
            [[...path, "weight"].join("."), one * one],
            [[...path, "bias"].join("."), one],
          ]
        : one.flatMap((inner, i) => expected(inner, [...path, String(i)]));
    fc.assert(
      fc.property(spec, (one) => {
        const net = build(one);
        expect(net.namedParameters().map(([name, value]) => [name, value.size])).toEqual(expected(one, []));
        expect(Object.keys(net.stateDict())).toEqual(expected(one, []).map(([name]) => name));
        const other = build(one);
        other.loadStateDict(net.stateDict());
        expect(other.parameters().map((value) => value.toArray())).toEqual(
          net.parameters().map((value) => value.toArray()),
        );
      }),
    );
  });

  it("a shared module's parameters once, under the first name, but its state under both", () => {
    const shared = new nn.Linear(2, 2);
    const net = new nn.Sequential(shared, new nn.ReLU(), shared);
    expect(net.namedParameters().map(([name]) => name)).toEqual(["0.weight", "0.bias"]);
    expect(net.parameterCount).toBe(6);
    expect(net.namedModules().map(([path]) => path)).toEqual(["", "0", "1"]);
    expect(Object.keys(net.stateDict())).toEqual(["0.weight", "0.bias", "2.weight", "2.bias"]);
  });

  it("each module once where modules refer to each other", () => {
    class Parent extends nn.Module {
      child: Child = new Child();
      constructor() {
        super();
        this.child.parent = this;
      }
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    class Child extends nn.Module {
      parent: Parent | null = null;
      readonly weight = tensor([1], { requiresGrad: true });
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(new Parent().namedParameters().map(([name]) => name)).toEqual(["child.weight"]);
    expect(String(new Parent())).toBe("Parent(\n  (child): Child(\n    (parent): Parent(… around this)\n  )\n)");
  });
});

describe("Module in a trace", () => {
  it("stamps the ops inside forward with the path of the module", () => {
    const net = new nn.Sequential(new Residual(), new nn.Linear(3, 1));
    const graph = trace((x) => net.forward(x), zeros([3]));
    const scopes = graph.nodes.filter((node) => node.op !== null).map((node) => node.scope.join(" / "));
    expect(new Set(scopes)).toEqual(
      new Set(["Sequential / 0: Residual / inner: Linear", "Sequential / 0: Residual", "Sequential / 1: Linear"]),
    );
    expect(graph.parameters.map((node) => node.name)).toContain("0.inner.weight");
  });

  it("is one scope where forward calls the forward that it overrides", () => {
    const net = new Louder();
    const graph = trace((x) => net.forward(x), zeros([3]));
    expect(graph.outputs[0].scope).toEqual(["Louder"]);
    for (const node of graph.nodes) expect(node.scope.length).toBeLessThanOrEqual(2);
  });

  it("names a module that is called past the one that holds it by its whole path", () => {
    class Past extends nn.Module {
      readonly body = new nn.Sequential(new nn.Linear(3, 3));
      forward(x: Tensor): Tensor {
        return this.body.at(0).forward(x);
      }
    }
    const graph = trace((x) => new Past().forward(x), zeros([3]));
    expect(graph.outputs[0].scope).toEqual(["Past", "body.0: Linear"]);
  });

  it("passes all arguments of forward on, also those with defaults", () => {
    class Scaled extends nn.Module {
      forward(x: Tensor, factor = 3, shift: Tensor | null = null): Tensor {
        return shift === null ? x.mul(factor) : x.mul(factor).add(shift);
      }
    }
    const net = new Scaled();
    expect(net.forward(tensor([1])).toArray()).toEqual([3]);
    expect(net.forward(tensor([1]), 5, tensor([1])).toArray()).toEqual([6]);
    expect(trace((x) => net.forward(x, 5, tensor([1])), tensor([1])).outputs[0].value.toArray()).toEqual([6]);
    expect([net.forward.name, net.forward.length]).toEqual(["forward", 1]);
  });

  it("opens no scope, but works, where forward is a field", () => {
    class Arrow extends nn.Module {
      override forward: (x: Tensor) => Tensor = (x) => x.mul(2);
    }
    const graph = trace((x) => new Arrow().forward(x), tensor([4]));
    expect([graph.outputs[0].value.toArray(), graph.outputs[0].scope]).toEqual([[8], []]);
  });

  it("computes the same as without", () => {
    const net = new Louder();
    const x = tensor([1, -2, 3]);
    expect(trace((v) => net.forward(v), x).outputs[0].value.toArray()).toEqual(net.forward(x).toArray());
  });
});

describe("Module prints", () => {
  it("as a tree, with the arguments that differ from the defaults", () => {
    class Net extends nn.Module {
      readonly body = new nn.Sequential(new nn.Linear(2, 3, { bias: false }), new nn.LeakyReLU({ slope: 0.2 }));
      readonly heads = [new nn.Linear(3, 1, { dtype: "float64" })];
      forward(x: Tensor): Tensor {
        return this.heads[0].forward(this.body.forward(x));
      }
    }
    expect(String(new Net())).toBe(
      [
        "Net(",
        "  (body): Sequential(",
        "    (0): Linear(2, 3, { bias: false })",
        "    (1): LeakyReLU({ slope: 0.2 })",
        "  )",
        '  (heads.0): Linear(3, 1, { dtype: "float64" })',
        ")",
      ].join("\n"),
    );
    expect(String(new nn.ReLU())).toBe("ReLU()");
  });
});

describe("training mode, freezing and gradients", () => {
  it("train and eval reach every module inside", () => {
    const net = new nn.Sequential(new Residual(), new nn.ReLU());
    expect(net.eval()).toBe(net);
    expect(net.namedModules().map(([, module]) => module.training)).not.toContain(true);
    net.train();
    expect(net.namedModules().map(([, module]) => module.training)).not.toContain(false);
  });

  it("a frozen parameter stays a parameter, also one that was not declared", () => {
    const net = new Residual().setRequiresGrad(false);
    expect(net.parameters().map((one) => one.requiresGrad)).toEqual([false, false, false, false]);
    expect(net.namedParameters().map(([name]) => name)).toContain("scale");
    expect(net.forward(zeros([3])).requiresGrad).toBe(false);
  });

  it("zeroGrad forgets all gradients", () => {
    const net = nn.mlp([2, 2]);
    net
      .forward(zeros([1, 2]))
      .sum()
      .backward();
    expect(net.parameters().every((one) => one.grad !== null)).toBe(true);
    net.zeroGrad();
    expect(net.parameters().every((one) => one.grad === null)).toBe(true);
  });

  it("the seed decides the initial values", () => {
    const draw = (): unknown => {
      manualSeed(7);
      return nn
        .mlp([3, 5, 2])
        .parameters()
        .map((one) => one.toArray());
    };
    expect(draw()).toEqual(draw());
  });
});
