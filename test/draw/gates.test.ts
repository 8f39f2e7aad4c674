import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readGates } from "../../src/draw/gates.js";
import { glyphs } from "../../src/draw/strip.js";
import {
  abs,
  clamp,
  defineOp,
  type Graph,
  greater,
  leakyRelu,
  max,
  maximum,
  maxPool2d,
  minimum,
  mul,
  neg,
  relu,
  type Tensor,
  tensor,
  toDot,
  trace,
  type Unary,
  where,
} from "../../src/index.js";
import { labelOf, mlpGraph, partsOf } from "./graphs.js";

const states = (fn: (...xs: Tensor[]) => Tensor, ...inputs: Tensor[]): number[] =>
  Array.from([...readGates(trace(fn, ...inputs), false).values()][0].states);

const at = tensor([-2, -0.5, 0, 0.5, 2]);

describe("a unit's state", () => {
  it("is active where the pre-activation is above 0, not at 0", () => {
    expect(states(relu, at)).toEqual([0, 0, 0, 1, 1]);
    expect(states((x) => leakyRelu(x, { slope: 0.1 }), at)).toEqual([0, 0, 0, 1, 1]);
    expect(states(abs, at)).toEqual([0, 0, 0, 1, 1]);
  });

  it("of a clamp is active strictly between the bounds", () => {
    expect(states((x) => clamp(x, { min: -0.5, max: 0.5 }), at)).toEqual([0, 0, 1, 0, 0]);
    expect(states((x) => clamp(x, { min: -0.5 }), at)).toEqual([0, 0, 1, 1, 1]);
  });

  it("of maximum and minimum is the winner, the second on a tie; with a constant, whether the other passes", () => {
    const other = tensor([0, 0, 0, 0, 0]);
    expect(states((x, y) => maximum(x, y), at, other)).toEqual([1, 1, 1, 0, 0]);
    expect(states((x, y) => minimum(x, y), at, other)).toEqual([0, 0, 1, 1, 1]);
    expect(states((x) => maximum(x, 0.1), at)).toEqual([0, 0, 0, 1, 1]);
    expect(states((x) => minimum(x, 0.1), at)).toEqual([1, 1, 1, 0, 0]);
  });

  it("of max and max-pooling is the winner's index, the first on a tie", () => {
    const x = tensor([
      [1, 3, 3],
      [5, 4, 0],
    ]);
    expect(states((one) => max(one, 1), x)).toEqual([1, 0]);
    expect(
      states(
        (one) => maxPool2d(one, { kernel: 2 }),
        tensor([
          [
            [
              [1, 2],
              [4, 4],
            ],
          ],
        ]),
      ),
    ).toEqual([2]);
  });

  it("of a user's own gate is read from its rule", () => {
    const negativePart = defineOp<Unary>({
      name: "negativePart",
      doc: "min(x, 0)",
      kind: "gate",
      scalar: (e, x) => e.minimum(x, e.constant(0)),
      vjp: [(dy, x) => where(greater(0, x), dy, 0)],
      samples: [{ inputs: [[2]] }],
    });
    expect(states((x) => negativePart(x), at)).toEqual([1, 1, 0, 0, 0]);
  });

  it("agrees with the sign of the pre-activation, for any values", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 }),
        (values) => {
          const expected = values.map((value) => (Math.fround(value) > 0 ? 1 : 0));
          expect(states(relu, tensor(values))).toEqual(expected);
          expect(states((x) => leakyRelu(x), tensor(values))).toEqual(expected);
        },
      ),
    );
  });
});

const gateLines = (graph: Graph, options: object = {}): string[] => {
  const { nodes } = partsOf(toDot(graph, { gates: true, ...options }));
  return labelOf(nodes.find((line) => line.includes("op gate")) as string);
};

describe("a gate's label", () => {
  it("counts the active units and shows which", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 }), (values) => {
        const active = values.map((value) => Math.fround(value) > 0);
        const lines = gateLines(trace((x) => relu(x), tensor([values])));
        expect(lines).toContain(`${active.filter(Boolean).length} of ${values.length} active`);
        const strip = lines.filter((line) => /^[■□]+$/.test(line)).join("");
        expect(strip).toBe(active.map((one) => (one ? glyphs.active : glyphs.inactive)).join(""));
      }),
    );
  });

  it("shows each unit's frequency over a batch", () => {
    const batch = tensor([
      [1, -1, 1],
      [1, -1, -1],
      [1, -1, -1],
      [1, -1, 1],
    ]);
    expect(gateLines(trace((x) => relu(x), batch))).toEqual(
      expect.arrayContaining([
        "50% active, of 3 units 1 always, 1 never",
        `${glyphs.active}${glyphs.inactive}${glyphs.shares[3]}`,
      ]),
    );
  });

  it("shows which units flip between two inputs, in a batch or by compare", () => {
    const rows = [tensor([[1, -1, 1]]), tensor([[1, 1, -1]])];
    const expected = ["2 and 2 of 3 active, 2 flip", "■□■", "■■□", "·▲▲"];
    expect(
      gateLines(
        trace(
          (x) => relu(x),
          tensor([
            [1, -1, 1],
            [1, 1, -1],
          ]),
        ),
      ),
    ).toEqual(expect.arrayContaining(expected));
    const [a, b] = rows.map((row) => trace((x) => relu(x), row));
    expect(gateLines(a, { compare: b })).toEqual(expect.arrayContaining(expected));
  });

  it("takes axis 0 for units where told that there is no batch", () => {
    expect(
      gateLines(
        trace(
          (x) => relu(x),
          tensor([
            [1, -1],
            [1, 1],
          ]),
        ),
        { batched: false },
      ),
    ).toContain("3 of 4 active");
  });

  it("colours the gate by what its units do", () => {
    const colour = (values: number[]): string =>
      /color="(#\w+)"/.exec(
        partsOf(
          toDot(
            trace((x) => relu(x), tensor([values])),
            { gates: true },
          ),
        ).nodes[1],
      )?.[1] as string;
    expect(new Set([colour([1, 2]), colour([1, -2]), colour([-1, -2])]).size).toBe(3);
  });

  it("names the winners of a maximum over an axis", () => {
    expect(gateLines(trace((x) => max(x, 1), tensor([[1, 3, 2]])))).toEqual(
      expect.arrayContaining(["1 of 3 win, 1 × best of 3"]),
    );
  });

  it("is shown by a folded call that is linear but for one gate", () => {
    expect(gateLines(trace((x) => x.min(1), tensor([[1, 3, 2]])))).toContain("1 of 3 win, 1 × best of 3");
  });

  it("groups units where they are too many for one cell each", () => {
    const lines = gateLines(
      trace((x) => relu(x), tensor([Array.from({ length: 1000 }, (_, i) => (i % 4 < 2 ? 1 : -1))])),
    );
    expect(lines).toContain("500 of 1000 active");
    expect(lines).toContain("one cell: 4 units");
    expect(lines.filter((line) => /^▄+$/.test(line)).join("")).toHaveLength(250);
  });

  it("of an empty gate is left out", () => {
    expect(() =>
      toDot(
        trace((x) => relu(x), tensor([1]).slice([[0, 0, 1]])),
        { gates: true },
      ),
    ).not.toThrow();
  });
});

describe("the dashes", () => {
  it("follow the loser of a maximum", () => {
    const dot = toDot(
      trace((a, b) => maximum(mul(a, 2), neg(b)), tensor([1]), tensor([1])),
      { gates: true },
    );
    const dashed = partsOf(dot)
      .nodes.filter((line) => line.includes("dashed"))
      .map((line) => labelOf(line)[0]);
    expect(dashed).toEqual(["x1", "neg"]);
  });

  it("follow what an inactive gate gives, too", () => {
    const dot = toDot(
      trace((x) => relu(x).exp().add(x), tensor([-1])),
      { gates: true },
    );
    const dashed = partsOf(dot)
      .nodes.filter((line) => line.includes("dashed"))
      .map((line) => labelOf(line)[0]);
    expect(dashed).toEqual(["relu", "exp"]);
  });
});

describe("the neuron drawing", () => {
  const graph = mlpGraph([2, 5, 4, 3]);
  const dot = toDot(graph, { level: "neuron" });

  it("has a node per unit and an edge per weight", () => {
    expect(dot.match(/^ +u\d+_\d+ \[/gm)).toHaveLength(2 + 5 + 4 + 3);
    expect(dot.match(/^ +u\d+_\d+ -> u\d+_\d+ \[color/gm)).toHaveLength(2 * 5 + 5 * 4 + 4 * 3);
  });

  it("says how many units of each layer are active, as the gates do", () => {
    const active = [...readGates(graph, true).values()].map(({ states: each }) =>
      each.reduce((sum, one) => sum + one, 0),
    );
    expect(dot).toContain(`${active[0]} of 5 active`);
    expect(dot).toContain(`${active[1]} of 4 active`);
    expect(dot.match(/class="unit" style="filled,dashed"/g)).toHaveLength(9 - active[0] - active[1]);
  });

  it("greys every edge of a silent unit", () => {
    const silent = [...dot.matchAll(/(u[12]_\d+) \[[^\]]*dashed/g)].map(([, name]) => name);
    const edges = dot
      .split("\n")
      .filter((line) => silent.some((name) => line.match(new RegExp(`\\b${name}\\b`)) && line.includes("penwidth")));
    expect(edges.length).toBeGreaterThan(0);
    expect(edges.filter((line) => !line.includes("#c9ccd0"))).toEqual([]);
  });

  it("is refused above the limit, and for a batch, with the remedy", () => {
    expect(() => toDot(graph, { level: "neuron", limit: 10 })).toThrow(/14 nodes, the limit is 10.*level: "tensor"/);
    expect(() =>
      toDot(
        mlpGraph(
          [2, 3, 1],
          tensor([
            [1, 2],
            [3, 4],
          ]),
        ),
        { level: "neuron" },
      ),
    ).toThrow(/trace one row/);
  });
});
