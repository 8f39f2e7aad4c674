import {
  checkGraph,
  composed,
  type Graph,
  type GraphNode,
  gradients,
  graphLines,
  graphText,
  recordedGraph,
  softmax,
  type Tensor,
  tensor,
  trace,
} from "crease";
import { describe, expect, test } from "vitest";
import { OptionError, TraceError, ValueError } from "../../src/base/errors.js";

const f = (x: Tensor) => x.mul(2).relu().sum(0);

describe("trace", () => {
  test("records every op, although nothing requires a gradient, and knows its inputs", () => {
    const graph = trace(f, tensor([[1, -2]]));
    checkGraph(graph);
    expect(graph.nodes.map((node) => node.op?.name ?? node.role)).toEqual(["input", "constant", "mul", "relu", "sum"]);
    expect(graph.inputs.map((node) => node.id)).toEqual([0]);
    expect(graph.outputs.map((node) => node.value.toArray())).toEqual([[2, 0]]);
    expect(graph.outputs[0].value.requiresGrad).toBe(false);
  });

  test("holds the branch that was taken", () => {
    const branching = (x: Tensor) => (x.sum().item() > 0 ? x.exp() : x.neg());
    expect(trace(branching, tensor([1])).outputs[0].op?.name).toBe("exp");
    expect(trace(branching, tensor([-1])).outputs[0].op?.name).toBe("neg");
  });

  test("tells parameters from constants, and both from inputs", () => {
    const w = tensor([3], { requiresGrad: true, name: "w" });
    const c = tensor([4]);
    const graph = trace((x, y) => [x.mul(w).add(c), y], tensor([1], { name: "in" }), tensor([2]));
    expect(graph.nodes.map((node) => [node.role, node.name])).toEqual(
      expect.arrayContaining([
        ["input", "in"],
        ["input", "x1"],
        ["parameter", "w"],
        ["constant", ""],
      ]),
    );
    expect(graph.parameters.map((node) => node.name)).toEqual(["w"]);
    expect(graph.outputs[1]).toBe(graph.inputs[1]);
  });

  test("keeps the inputs as they are: fresh leaves take their place", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    const graph = trace((z) => z.sum(), y);
    expect(graph.nodes.length).toBe(2);
    expect(y.op?.name).toBe("mul");
    expect(x.grad).toBeNull();
  });

  test("stamps composed ops as scopes, nested ones outermost first", () => {
    const outer = composed("outer", (x: Tensor) => softmax(x).mul(2));
    const graph = trace(outer, tensor([1, 2]));
    const scopes = new Map(graph.nodes.map((node) => [node.op?.name ?? node.role, node.scope]));
    expect(scopes.get("exp")).toEqual(["outer", "softmax"]);
    expect(scopes.get("mul")).toEqual(["outer"]);
    expect(scopes.get("input")).toEqual([]);
  });

  test("names the user's line of every op", () => {
    const graph = trace((x) => {
      const y = x.exp();
      return y.neg();
    }, tensor(1));
    const lines = graph.nodes.flatMap((node) =>
      node.op === null ? [] : [/trace\.test\.ts:(\d+):\d+$/.exec(node.site ?? "")?.[1]],
    );
    expect(lines.length).toBe(2);
    expect(Number(lines[1]) - Number(lines[0])).toBe(1);
  });

  test("fills in the gradients of all nodes where asked", () => {
    const w = tensor([3, 4], { requiresGrad: true });
    const graph = trace((x) => x.mul(w).square(), tensor([1, 2]), { gradients: true });
    const gradientOf = (name: string) =>
      graph.nodes.find((node) => (node.op?.name ?? node.role) === name)?.gradient?.toArray();
    expect(gradientOf("square")).toEqual([1, 1]);
    expect(gradientOf("mul")).toEqual([6, 16]);
    expect(gradientOf("parameter")).toEqual([6, 32]);
    expect(gradientOf("input")).toEqual([18, 64]);
    expect(w.grad).toBeNull();
  });

  test("leaves the mode as it was, also after an error", () => {
    expect(() =>
      trace(() => {
        throw new RangeError("mine");
      }),
    ).toThrow(RangeError);
    const y = tensor([1]).exp();
    expect(y.isLeaf).toBe(true);
  });

  test.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "a promise",
      () => trace((async (x: Tensor) => x) as never, tensor(1)),
      TraceError,
      /trace: the function returned a promise/,
    ],
    ["a number as result", () => trace((() => 3) as never, tensor(1)), TraceError, /trace: the function returned 3/],
    ["an empty list as result", () => trace(() => [], tensor(1)), TraceError, /return a tensor or a list of tensors/],
    [
      "a list with something else",
      () => trace((x) => [x, 3 as never], tensor(1)),
      TraceError,
      /a list with something else/,
    ],
    ["a number as input", () => trace((x) => x, 3 as never), ValueError, /inputs are tensors, got 3/],
    ["null as input", () => trace((x) => x, null as never), ValueError, /inputs are tensors, got null/],
    ["an array as input", () => trace((x) => x, [1, 2] as never), ValueError, /inputs are tensors, got 1,2/],
    [
      "an unknown option",
      () => trace((x) => x, tensor(1), { gradient: true } as never),
      OptionError,
      /trace: unknown option "gradient"/,
    ],
  ])("refuses %s", (_, call, Class, message) => {
    expect(call).toThrow(Class);
    expect(call).toThrow(message);
  });
});

describe("the text of a graph", () => {
  test("has one line per node", () => {
    const w = tensor([[1, 2]], { requiresGrad: true, name: 'a "quoted" name' });
    const graph = trace((x) => softmax(x.add(w).clamp({ min: 0 }), 1).slice([null, [0, 1]]), tensor([[0.5, -0.5]]));
    expect(graphText(graph)).toMatchInlineSnapshot(`
      "%0 parameter "a \\"quoted\\" name" : float32[1, 2]
      %1 input "x" : float32[1, 2]
      %2 = add(%1, %0) : float32[1, 2]
      %3 = clamp(%2, min: 0, max: Infinity) : float32[1, 2]
      %4 = detach(%3) : float32[1, 2]  # softmax
      %5 = max(%4, axis: 1, keepdims: true) : float32[1, 1]  # softmax
      %6 = abs(%5) : float32[1, 1]  # softmax
      %7 constant = Infinity : float32[]
      %8 = less(%6, %7) : float32[1, 1]  # softmax
      %9 constant = 0 : float32[]
      %10 = where(%8, %5, %9) : float32[1, 1]  # softmax
      %11 = sub(%3, %10) : float32[1, 2]  # softmax
      %12 = exp(%11) : float32[1, 2]  # softmax
      %13 = sum(%12, axis: [1], keepdims: true) : float32[1, 1]  # softmax
      %14 = div(%12, %13) : float32[1, 2]  # softmax
      %15 = slice(%14, ranges: [{start: 0, step: 1, length: 1}, {start: 0, step: 1, length: 1}]) : float32[1, 1]  → output 0
      "
    `);
    expect([...graphLines(graph)].join("\n")).toBe(graphText(graph).trimEnd());
  });

  test("is the same for the same function, and after other work", () => {
    const first = graphText(trace(f, tensor([[1, -2]])));
    tensor([1, 2]).exp();
    expect(graphText(trace(f, tensor([[1, -2]])))).toBe(first);
  });

  test("of what was recorded by itself begins at the leaves", () => {
    const a = tensor(2, { requiresGrad: true, name: "a" });
    const y = a.mul(a).add(1);
    expect(graphText(recordedGraph(y))).toMatchInlineSnapshot(`
      "%0 parameter "a" : float32[]
      %1 = mul(%0, %0) : float32[]
      %2 constant = 1 : float32[]
      %3 = add(%1, %2) : float32[]  → output 0
      "
    `);
    expect(graphText(recordedGraph(...gradients(y, [a], { createGraph: true })))).toContain("mul");
  });

  test("marks every output by its number", () => {
    expect(graphText(trace((x) => [x, x.neg(), x], tensor([1])))).toMatchInlineSnapshot(`
      "%0 input "x" : float32[1]  → output 0, 2
      %1 = neg(%0) : float32[1]  → output 1
      "
    `);
  });
});

describe("checkGraph", () => {
  /** A legal graph, of which one thing is then made wrong. */
  const broken = (change: (nodes: Record<string, unknown>[]) => void): Graph => {
    const graph = trace(f, tensor([[1, -2]]));
    const copies = new Map<GraphNode, Record<string, unknown>>();
    for (const node of graph.nodes) {
      const { id, role, op, attrs, inputs, shape, dtype, value, gradient, name, scope } = node;
      copies.set(node, {
        id,
        role,
        op,
        attrs,
        shape,
        dtype,
        value,
        gradient,
        name,
        scope,
        inputs: inputs.map((input) => copies.get(input)),
      });
    }
    const nodes = [...copies.values()];
    const copyOf = (list: readonly GraphNode[]) => list.map((node) => copies.get(node));
    const [inputs, parameters, outputs] = [graph.inputs, graph.parameters, graph.outputs].map(copyOf);
    change(nodes);
    return { nodes, inputs, parameters, outputs } as unknown as Graph;
  };

  test("passes a copy that was not changed", () => {
    checkGraph(broken(() => {}));
  });

  test.each<[string, (nodes: Record<string, unknown>[]) => void, RegExp]>([
    ["a node before its input", (nodes) => nodes.reverse(), /stands at place|does not come before it/],
    ["a wrong id", (nodes) => Object.assign(nodes[2], { id: 9 }), /node %9 \(mul\) stands at place 2/],
    ["a node twice", (nodes) => nodes.push(nodes[0]), /is listed twice/],
    ["a missing node", (nodes) => nodes.splice(1, 1), /uses %1, which does not come before it/],
    ["a role that does not fit", (nodes) => Object.assign(nodes[2], { role: "constant" }), /\(mul\) has role constant/],
    [
      "a shape that is not the value's",
      (nodes) => Object.assign(nodes[3], { shape: [7] }),
      /says float32\[7\], its value is float32\[1, 2\]/,
    ],
    [
      "a shape that the op does not give",
      (nodes) => Object.assign(nodes[4], { attrs: { axis: [1], keepdims: false } }),
      /has shape \[2\], its op gives \[1\]/,
    ],
    ["a dtype that is not the value's", (nodes) => Object.assign(nodes[3], { dtype: "float64" }), /says float64/],
    ["an output outside", (nodes) => nodes.pop(), /%4 of outputs is not in the graph/],
    ["inputs of a leaf", (nodes) => Object.assign(nodes[1], { inputs: [nodes[0]] }), /has inputs but no op/],
  ])("refuses %s", (_, change, message) => {
    const graph = broken(change);
    expect(() => checkGraph(graph)).toThrow(TraceError);
    expect(() => checkGraph(graph)).toThrow(message);
  });

  test("lists every violation at once", () => {
    const graph = broken((nodes) => {
      Object.assign(nodes[2], { id: 9 });
      Object.assign(nodes[3], { dtype: "float64" });
    });
    expect(() => checkGraph(graph)).toThrow(/stands at place 2[\s\S]*says float64/);
  });
});
