import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DrawError,
  dotLines,
  gradients,
  nn,
  OptionError,
  randn,
  softmax,
  type Tensor,
  tensor,
  toDot,
  trace,
  ValueError,
} from "../../src/index.js";
import { convGraph, labelOf, mlpGraph, partsOf, SilentBranch } from "./graphs.js";

const node = (dot: string, title: string): string =>
  partsOf(dot).nodes.find((line) => labelOf(line)[0] === title) as string;

describe("toDot", () => {
  it("draws both edges of x · x, in operand order", () => {
    const x = tensor(3, { requiresGrad: true, name: "x" });
    const { edges } = partsOf(toDot(x.mul(x)));
    expect(edges.filter((line) => line.startsWith("n0 -> n1"))).toEqual([
      expect.stringContaining('headlabel="1"'),
      expect.stringContaining('headlabel="2"'),
    ]);
  });

  it("numbers operands as the op takes them", () => {
    const dot = toDot(trace((a, b) => b.sub(a), tensor(1, { name: "a" }), tensor(2, { name: "b" })));
    expect(
      partsOf(dot)
        .edges.slice(0, 2)
        .map((line) => line.slice(0, 8)),
    ).toEqual(["n1 -> n2", "n0 -> n2"]);
  });

  it("shows op, attributes, type, value and gradient", () => {
    const a = tensor([1, -2], { requiresGrad: true, name: "a", dtype: "float64" });
    const y = a.sum(0, { keepdims: true });
    y.backward({ retainGraph: true });
    const dot = toDot(y);
    expect(labelOf(node(dot, "sum"))).toEqual(["sum", "axis: [0], keepdims: true", "float64 [1]", "= [-1]"]);
    expect(labelOf(node(dot, "a"))).toEqual(["a", "float64 [2]", "[1, -2]", "gradient [1, 1]"]);
  });

  it("writes values up to the asked size only", () => {
    const graph = trace((x) => x.exp(), tensor([0, 0, 0]));
    expect(toDot(graph, { values: 3 })).toContain("= [1, 1, 1]");
    expect(toDot(graph, { values: 2 })).not.toContain("= [");
  });

  it("gives the same bytes for the same input", () => {
    expect(toDot(convGraph(), { gates: true })).toBe(toDot(convGraph(), { gates: true }));
    expect([...dotLines(convGraph())].join("\n")).toBe(toDot(convGraph()).trimEnd());
  });

  it("frames modules, and captions a module of one op", () => {
    const dot = toDot(mlpGraph([2, 3, 1]));
    expect(dot).toMatch(/subgraph cluster_\d+ \{\n +graph \[label="0: Linear"/);
    expect(labelOf(node(dot, "relu"))).toContain("1: ReLU");
    expect(dot).not.toMatch(/graph \[label="1: ReLU"/);
    expect(node(dot, "0.weight")).toBeDefined();
  });

  it("folds innermost modules into one node with their parameters", () => {
    const { nodes } = partsOf(toDot(mlpGraph([2, 3, 1]), { modules: "fold" }));
    expect(nodes.map((line) => labelOf(line)[0])).toEqual(["x", "0: Linear", "1: ReLU", "2: Linear", "output"]);
    expect(labelOf(nodes[1])).toEqual(expect.arrayContaining(["0.weight [3, 2]", "0.bias [3]"]));
  });

  it("folds composed ops unless told", () => {
    const graph = trace((x) => softmax(x), tensor([[1, 2, 3]]));
    expect(partsOf(toDot(graph)).nodes.map((line) => labelOf(line)[0])).toEqual(["x", "softmax", "output"]);
    expect(node(toDot(graph, { composed: "unfold" }), "exp")).toBeDefined();
  });

  it("keeps two calls of one composed op apart", () => {
    const twice = trace((x) => [1, 2].reduce((y) => softmax(y), x), tensor([[1, 2, 3]]));
    expect(partsOf(toDot(twice)).nodes.filter((line) => labelOf(line)[0] === "softmax")).toHaveLength(2);
  });

  it("draws constants as their number", () => {
    expect(node(toDot(trace((x) => x.mul(0.25), tensor(3))), "0.25")).toBeDefined();
  });

  it("draws a graph that holds gradients", () => {
    const graph = trace(
      (x) => gradients(x.exp().mul(x).sum(), [x], { createGraph: true })[0],
      tensor([1, 2], { requiresGrad: true }),
    );
    const forwardOnly = trace((x) => x.exp().mul(x).sum(), tensor([1, 2]));
    expect(partsOf(toDot(graph)).nodes.length).toBeGreaterThan(partsOf(toDot(forwardOnly)).nodes.length);
  });

  it("marks each of several outputs", () => {
    const dot = toDot(trace((x) => [x.exp(), x.sin()], tensor(1)));
    expect(dot).toContain('out0 [label="output 0"');
    expect(dot).toContain('out1 [label="output 1"');
  });
});

describe("an unfolded drawing of any graph", () => {
  /** A program: each step is an op and two earlier values. */
  const program = fc.array(fc.tuple(fc.constantFrom("add", "mul", "maximum", "sin", "relu"), fc.nat(), fc.nat()), {
    minLength: 1,
    maxLength: 30,
  });

  it("has a node for each node and an edge for each input, in order", () => {
    fc.assert(
      fc.property(program, (steps) => {
        const graph = trace(
          (x, y) => {
            const values = [x, y];
            for (const [op, i, j] of steps) {
              const [a, b] = [values[i % values.length], values[j % values.length]];
              values.push(
                op === "sin"
                  ? a.sin()
                  : op === "relu"
                    ? a.relu()
                    : op === "add"
                      ? a.add(b)
                      : op === "mul"
                        ? a.mul(b)
                        : a.maximum(b),
              );
            }
            return values;
          },
          tensor([1, -1]),
          tensor([0.5, 2]),
        );
        const { nodes, edges } = partsOf(toDot(graph, { repeats: "unfold", gates: true }));
        expect(nodes).toHaveLength(graph.nodes.length + graph.outputs.length);
        const expected = graph.nodes.flatMap((one) => one.inputs.map((input) => [input.id, one.id]));
        const drawn = edges.flatMap((line) => {
          const match = /^n(\d+) -> n(\d+)/.exec(line);
          return match === null ? [] : [[Number(match[1]), Number(match[2])]];
        });
        expect(drawn).toEqual(expected);
      }),
    );
  });

  it("dashes no input that has a gradient", () => {
    const weights = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.integer({ min: -2, max: 2 }), ([a, b, c, d, e, f], bias) => {
        const graph = trace(
          (x, y, z) =>
            x.mul(a).add(y.mul(b)).add(bias).relu().mul(c).add(z.mul(d).add(bias).relu().mul(e)).add(f).relu(),
          tensor(1),
          tensor(-1),
          tensor(2),
          { gradients: true },
        );
        const dot = partsOf(toDot(graph, { gates: true, values: 0, repeats: "unfold" })).nodes;
        for (const input of graph.inputs) {
          const dashed = dot[input.id].includes("dashed");
          // a weight of 0 also makes the gradient 0, but is no gate
          if (dashed) expect(Math.abs(input.gradient?.item() ?? 0)).toBe(0);
          if (input.gradient?.item() === 0 && ![a, b, c, d, e].includes(0)) expect(dashed).toBe(true);
        }
      }),
    );
  });
});

describe("repeated blocks", () => {
  const deep = mlpGraph([2, ...new Array(6).fill(8), 1]);

  it("are drawn once, marked with their number", () => {
    const dot = toDot(deep);
    expect(dot).toContain('label="× 5"');
    expect(labelOf(node(dot, "2.weight … 10.weight"))).toEqual(["2.weight … 10.weight", "float32 [8, 8]"]);
    expect(partsOf(toDot(deep, { repeats: "unfold" })).nodes.length).toBeGreaterThan(partsOf(dot).nodes.length + 4 * 4);
  });

  it("keep the strip of every copy's gate", () => {
    const relu = partsOf(toDot(deep, { gates: true })).nodes.filter((line) => labelOf(line)[0] === "relu");
    expect(relu.map((line) => labelOf(line).filter((text) => text.includes("of 8 active")).length)).toEqual([1, 5]);
  });

  it("fold a long chain of one op to one node", () => {
    const graph = trace((x) => {
      let y = x;
      for (let i = 0; i < 5000; i++) y = y.sin();
      return y;
    }, tensor(1));
    expect(toDot(graph)).toContain('label="× 5000"');
    expect(partsOf(toDot(graph)).nodes).toHaveLength(3);
  });

  it("are left alone where a copy is read from elsewhere", () => {
    const dense = trace((x) => {
      const kept: Tensor[] = [];
      let y = x;
      for (let i = 0; i < 5; i++) kept.push((y = y.sin()));
      return kept.reduce((sum, one) => sum.mul(one));
    }, tensor(1));
    expect(partsOf(toDot(dense)).nodes.filter((line) => labelOf(line)[0] === "sin")).toHaveLength(5);
  });

  it("keep a parameter that all copies share", () => {
    const layer = new nn.Linear(3, 3);
    const graph = trace((x) => [1, 2, 3, 4].reduce((y) => layer.forward(y).tanh(), x), randn([1, 3]));
    const { nodes } = partsOf(toDot(graph));
    expect(nodes.filter((line) => labelOf(line)[0] === "weight")).toHaveLength(1);
    expect(toDot(graph)).toContain('label="× 4"');
  });
});

describe("bad requests", () => {
  const graph = trace((x) => {
    let y = x;
    for (let i = 0; i < 20; i++) y = i % 2 === 0 ? y.sin().mul(i) : y.add(i);
    return y;
  }, tensor(1));

  it("above the limit are refused with the remedy, and drawn with Infinity", () => {
    expect(() => toDot(graph, { limit: 10 })).toThrow(DrawError);
    expect(() => toDot(graph, { limit: 10 })).toThrow(/has \d+ nodes, the limit is 10.*limit: Infinity/);
    expect(partsOf(toDot(graph, { limit: Number.POSITIVE_INFINITY })).nodes.length).toBeGreaterThan(10);
  });

  it("name the option and what it may be", () => {
    expect(() => toDot(graph, { direction: "UP" as "TB" })).toThrow(/direction is "TB" or "LR", got "UP"/);
    expect(() => toDot(graph, { gate: true } as object)).toThrow(OptionError);
    expect(() => toDot(graph, { limit: 0 })).toThrow(OptionError);
    expect(() => toDot([] as never)).toThrow(ValueError);
  });

  it("say that backward released the graph", () => {
    const y = tensor(2, { requiresGrad: true }).square().sin();
    y.backward();
    expect(() => toDot(y)).toThrow(/released by backward.*retainGraph: true/);
  });

  it("compare graphs of one function only", () => {
    const other = trace((x) => x.sin(), tensor(1));
    expect(() => toDot(graph, { compare: other })).toThrow(/same ops/);
  });
});

describe("silent parts", () => {
  const net = new SilentBranch();
  const graph = trace((x) => net.forward(x), randn([1, 4]));

  it("are dashed: all that reaches the output through an inactive gate only", () => {
    const { nodes } = partsOf(toDot(graph, { gates: true }));
    const dashed = nodes.filter((line) => line.includes("dashed")).map((line) => labelOf(line)[0]);
    expect(dashed.sort()).toEqual([
      "a.bias",
      "a.weight",
      "add",
      "add",
      "b.bias",
      "b.weight",
      "matmul",
      "matmul",
      "relu",
      "relu",
    ]);
  });

  it("are not dashed without gates", () => {
    expect(toDot(graph)).not.toContain("dashed");
  });
});
