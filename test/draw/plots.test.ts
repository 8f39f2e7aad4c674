import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classGround } from "../../src/draw/chart/marks.js";
import {
  plotAffineRows,
  plotCreases,
  plotHinges,
  plotLines,
  plotPartition,
  plotPatterns,
  rasterize,
} from "../../src/draw/index.js";
import {
  activationPatterns,
  DrawError,
  data,
  Generator,
  GeometryError,
  linearize,
  lower,
  nn,
  OptionError,
  partition,
  rand,
  ShapeError,
  tensor,
  ValueError,
} from "../../src/index.js";
import { reluNet } from "../../src/pwl/net.js";

const count = (svg: string, part: string | RegExp): number => svg.match(new RegExp(part, "g"))?.length ?? 0;

/** Numbers of the path data of an element that has an attribute. */
const pathOf = (svg: string, attribute: string): number[][] => {
  const path = svg.split("<path ").find((one) => one.includes(attribute)) ?? "";
  const data = /d="([^"]*)"/.exec(path)?.[1] ?? "";
  return data
    .split(/[ML]/)
    .slice(1)
    .map((point) => point.split(",").map(Number.parseFloat));
};

const net = nn.mlp([2, 8, 8, 1], { activation: "relu", generator: new Generator(1) });
const pwl = lower(net, { shape: [2] });
const box = [
  [-2, 2],
  [-2, 2],
] as const;
const p = partition(pwl, { box });

/** |x| as two hinges. */
const absolute = reluNet([[[1], [-1]], [[1, 1]]], [[0, 0], [0]]);

const figures: Record<string, () => string> = {
  lines: () => plotLines([{ name: "loss", y: [3, 2, 1] }], { title: "Loss", xLabel: "epoch", caption: "It falls." }),
  hinges: () => plotHinges(absolute, { target: Math.abs, data: { x: [0.5], y: [0.5] } }),
  creases: () =>
    plotCreases(net, {
      data: {
        points: [
          [0, 1],
          [1, 0],
        ],
        classes: [0, 1],
      },
    }),
  patterns: () => plotPatterns(activationPatterns(net, rand([20, 2], { generator: new Generator(2) }))),
  affine: () =>
    plotAffineRows(
      [
        [1, -1, 0, 2],
        [0, 1, 2, 3],
      ],
      { shape: [2, 2], b: [0.5, -1] },
    ),
  partition: () => plotPartition(p, { weights: true, labels: true }),
};

describe.each(Object.keys(figures))("the figure of %s", (name) => {
  const svg = figures[name]();

  it("is one self-contained SVG", () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" role="img"/);
    expect(svg).not.toMatch(/href|url\(|<script|<style|<image|NaN|Infinity|undefined/);
    expect(count(svg, "<svg")).toBe(count(svg, "</svg>"));
    // of a list of fonts, resvg reads no quoted name
    expect(svg).not.toMatch(/font-family="[^"]*(&#39;|')/);
  });

  it("has the same bytes each time", () => {
    expect(figures[name]()).toBe(svg);
  });

  it("becomes a picture", async () => {
    expect((await rasterize(svg, { scale: 1 })).length).toBeGreaterThan(1000);
  });
});

describe("texts of a figure", () => {
  it("cannot add markup, whatever they say", () => {
    const tags = (svg: string): string[] => svg.match(/<\/?[\w]+/g) ?? [];
    const plain = tags(plotLines([{ name: "x", y: [1, 2] }], { title: "x", xLabel: "x", caption: "x" }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom("</text><script>", '"onload="', "&lt;", "]]>"),
          fc.string({ unit: "binary", maxLength: 12 }),
        ),
        (evil) => {
          const name = evil.replace(/\s/g, "").replace(/[₀-₉]/g, "") || "x";
          const svg = plotLines([{ name, y: [1, 2] }], { title: name, xLabel: name, caption: name });
          expect(tags(svg)).toEqual(plain);
          expect(svg).not.toMatch(/<[^>]*\sonload=/);
        },
      ),
    );
  });
});

describe("plotLines", () => {
  it("draws through every point, in proportion", () => {
    const svg = plotLines([{ name: "y", x: [0, 1, 3], y: [0, 1, 0] }], { width: 300, height: 100 });
    const [a, b, c] = pathOf(svg, 'stroke-width="1.8"');
    expect(b[0] - a[0]).toBeCloseTo(100, 1);
    expect(c[0] - a[0]).toBeCloseTo(300, 1);
    expect([a[1], b[1] < a[1]]).toEqual([c[1], true]);
  });

  it("leaves a gap where a value is not finite", () => {
    const svg = plotLines([{ name: "y", y: [1, 2, Number.NaN, 2, 1] }]);
    expect(count(/d="([^"]*)"[^>]*stroke-width="1.8"/.exec(svg)?.[1] ?? "", "M")).toBe(2);
  });

  it("refuses lengths that differ, logarithms of 0, unknown options", () => {
    expect(() => plotLines([{ name: "y", x: [1], y: [1, 2] }])).toThrow(ShapeError);
    expect(() => plotLines([{ name: "y", y: [0, 1] }], { yScale: "log" })).toThrow(ValueError);
    expect(() => plotLines([], { color: "red" } as object)).toThrow(OptionError);
  });

  it("draws nothing, one point, and equal values", () => {
    for (const y of [[], [1], [2, 2, 2]]) expect(plotLines([{ name: "y", y }])).not.toContain("NaN");
  });
});

describe("curves in a plot", () => {
  it("have sixteen looks in a chart of lines", () => {
    const svg = plotLines(Array.from({ length: 16 }, (_, i) => ({ name: `run ${i}`, y: [i, i] })));
    const looks = [...svg.matchAll(/<line x1="0" y1="0" x2="18" y2="0"( stroke=.*?)\/>/g)].map(([, look]) => look);
    expect(looks).toHaveLength(16);
    expect(new Set(looks).size).toBe(16);
  });

  it("have a colour each, or no name, in a sum of hinges", () => {
    for (const units of [7, 8]) {
      const ones = Array.from({ length: units }, () => 1);
      const sum = reluNet([ones.map((one) => [one]), [ones]], [ones.map((_, i) => -i / 10), [0]]);
      const named = [...plotHinges(sum).matchAll(/stroke="(#\w+)" stroke-width="2"\/><text[^>]*>unit/g)];
      expect(named).toHaveLength(units === 7 ? 7 : 0);
      expect(new Set(named.map(([, colour]) => colour)).size).toBe(named.length);
    }
  });
});

describe("plotHinges", () => {
  it("adds the hinges up to the net, and marks its kinks", () => {
    const svg = plotHinges(absolute, { domain: [-1, 1] });
    const total = pathOf(svg, 'stroke-width="2"');
    expect(total).toHaveLength(3);
    expect(total[0][1]).toBeCloseTo(total[2][1], 6);
    expect(total[1][0]).toBeCloseTo((total[0][0] + total[2][0]) / 2, 6);
    // one kink of each hinge, one of the sum
    expect(count(svg, 'r="3"')).toBe(2);
    expect(count(svg, 'r="2.8"')).toBe(1);
  });

  it("says what it cannot draw", () => {
    expect(() => plotHinges(reluNet([[[1]]], [[0]]))).toThrow(/straight line/);
    expect(() => plotHinges(pwl)).toThrow(/functions of 1 number, this one takes 2/);
    expect(() => plotHinges(reluNet([[[1]], [[1], [1]]], [[0], [0, 0]]))).toThrow(DrawError);
  });
});

describe("plotCreases", () => {
  const hinge = (w: readonly [number, number], b: number) => reluNet([[[...w]], [[1]]], [[b], [-0.25]]);

  it("draws the crease where the pre-activation is 0, the arrow on the active side", () => {
    // active where x > 0: a vertical line in the middle, its arrow to the right
    const svg = plotCreases(hinge([1, 0], 0), { surface: false });
    const [from, to] = pathOf(svg, 'stroke-width="1.2"');
    expect([from[0], to[0]]).toEqual([210, 210]);
    const [tail, base] = pathOf(svg, 'stroke-width="2"');
    expect(base[0]).toBeGreaterThan(tail[0]);
    const flipped = pathOf(plotCreases(hinge([-1, 0], 0), { surface: false }), 'stroke-width="2"');
    expect(flipped[1][0]).toBeLessThan(flipped[0][0]);
  });

  it("leaves out creases beyond the box, and units without weights", () => {
    expect(plotCreases(hinge([1, 0], 5), { surface: false })).not.toContain('stroke-width="1.2"');
    expect(plotCreases(hinge([0, 0], 1), { surface: false })).not.toContain('stroke-width="1.2"');
  });

  it("draws the decision boundary where the output is 0", () => {
    // relu(x) - 0.25 = 0 at x = 0.25, a share of 0.625 of the width
    const [from, to] = pathOf(plotCreases(hinge([1, 0], 0)), 'stroke-width="2.6"');
    expect([from[0], to[0]]).toEqual([262.5, 262.5]);
  });

  it("names weight vectors inside the plot, no name on another", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(1000), fc.constantFrom(200, 420), (width, seed, size) => {
        const drawn = nn.mlp([2, width, 1], { generator: new Generator(seed) });
        const svg = plotCreases(drawn, {
          surface: false,
          labels: true,
          size,
          box: [
            [-3, 3],
            [-2, 1],
          ],
        });
        const names = [...svg.matchAll(/<text x="(\S+)" y="(\S+)" font-size="10"[^>]*font-style="italic"/g)].map(
          ([, x, y]) => [Number(x), Number(y)],
        );
        for (const [i, [x, y]] of names.entries()) {
          expect(x > 5 && x < size - 5 && y > 6 && y <= size / 2).toBe(true);
          for (const [u, v] of names.slice(0, i)) expect(Math.abs(x - u) >= 14 || Math.abs(y - v) >= 11).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("draws a net without gates, and one of several outputs", () => {
    expect(plotCreases(reluNet([[[1, 1]]], [[0]]))).toContain("decision boundary");
    const thirds = reluNet(
      [
        [
          [1, 0],
          [0, 1],
          [-1, -1],
        ],
      ],
      [[0, 0, 0]],
    );
    expect(plotCreases(thirds)).toMatch(/output 0 is.*output 1 is.*output 2 is largest.*class boundary/);
  });

  it("names a box that is none, and data that do not fit", () => {
    expect(() =>
      plotCreases(net, {
        box: [
          [1, 1],
          [0, 1],
        ],
      }),
    ).toThrow(GeometryError);
    expect(() => plotCreases(net, { data: { points: [[1, 2]], classes: [0, 1] } })).toThrow(/1 point, but 2 classes/);
    expect(() => plotCreases(net, { data: { points: [[1, 2], [3]] } })).toThrow(/row 1/);
  });
});

describe("plotPatterns", () => {
  it("fills a cell for every active unit", () => {
    const svg = plotPatterns([
      [1, 0, 1],
      [1, 1, 0],
    ]);
    const active = /d="([^"]*)" fill="#0072b2"/.exec(svg)?.[1] ?? "";
    expect(count(active, "M")).toBe(4);
    expect(svg).toContain("2 inputs, 3 units in 1 layer (layer 1): 2 distinct patterns.");
  });

  it("shows as many distinct patterns as there are", () => {
    const patterns = activationPatterns(net, rand([50, 2], { generator: new Generator(4) }));
    expect(plotPatterns(patterns)).toContain(`${patterns.distinct} distinct patterns`);
  });

  it("refuses layers that do not add up", () => {
    expect(() => plotPatterns([[1, 0]], { layers: [3] })).toThrow(/3 units together, a row has 2/);
  });
});

describe("plotAffineRows", () => {
  it("draws one image per row on one scale", () => {
    const { A, b } = linearize(
      nn.mlp([9, 4, 3], { activation: "relu", generator: new Generator(2) }),
      rand([9], { generator: new Generator(3) }),
    );
    const svg = plotAffineRows(A, { shape: [3, 3], b });
    expect(count(svg, 'font-weight="bold"')).toBe(3);
    expect(count(svg, "b = ")).toBe(3);
  });

  it("writes an offset beside its row's name, not over it", () => {
    const svg = plotAffineRows([[1, 2]], { names: ["a long name of a row"], b: [-0.125], cell: 4 });
    const end = Number(/<text x="(\S+)" y="10" font-size="9"[^>]*text-anchor="end"> b =/.exec(svg)?.[1]);
    expect(end - "b = −0.125".length * 4.8).toBeGreaterThan("a long name of a row".length * 5.6);
  });

  it("takes the image's shape from the tensor", () => {
    expect(
      count(
        plotAffineRows(
          tensor([
            [
              [1, 2],
              [3, 4],
            ],
          ]),
        ),
        "M0,24h24v24",
      ),
    ).toBe(1);
  });

  it("refuses an image of another size", () => {
    expect(() => plotAffineRows([[1, 2, 3]], { shape: [2, 2] })).toThrow(/3 numbers, an image of 2 × 2 has 4/);
  });
});

describe("data in a plot", () => {
  /** Of each class the mark, as its shape around its own centre, and its colour. */
  const looks = (classes: number): { shape: string; colour: string }[] => {
    const points = Array.from({ length: classes }, () => [0, 0]);
    const svg = plotCreases(net, {
      box,
      surface: false,
      creases: false,
      data: { points, classes: points.map((_, i) => i) },
    });
    const plot = svg.slice(svg.indexOf('overflow="hidden"'), svg.indexOf("</svg>"));
    return [...plot.matchAll(/<(circle|path) (.*?) fill="(#\w+)" stroke="(#\w+)"/g)].map(
      ([, tag, shape, fill, rim]) => {
        const hollow = fill === "#ffffff";
        return { shape: `${tag} ${shape} ${hollow}`, colour: hollow ? rim : fill };
      },
    );
  };

  it("gives twelve classes a mark each, and eight a colour each", () => {
    expect(new Set(looks(12).map(({ shape }) => shape)).size).toBe(12);
    expect(new Set(looks(8).map(({ colour }) => colour)).size).toBe(8);
  });

  it("tells twenty classes apart by mark and colour, in the legend too", () => {
    expect(new Set(looks(20).map(({ shape, colour }) => `${shape} ${colour}`)).size).toBe(20);
    const labels = Array.from({ length: 20 }, (_, i) => i);
    const svg = plotPartition(p, { data: { points: labels.map(() => [0, 0]), classes: labels } });
    for (const one of labels) expect(svg).toContain(`>class ${one}<`);
  });

  it("gives every class of a surface a ground of its own", () => {
    expect(new Set(Array.from({ length: 20 }, (_, i) => classGround(i))).size).toBe(20);
  });

  it("is points and classes, or a data set of inputs and labels", () => {
    const set = data.moons({ samples: 30, seed: 1 });
    const both = { points: set.inputs, classes: set.labels };
    expect(plotPartition(p, { data: set })).toBe(plotPartition(p, { data: both }));
    expect(plotCreases(net, { data: set })).toBe(plotCreases(net, { data: both }));
    const names = ["upper", "lower"];
    expect(plotPartition(p, { data: { ...set, names } })).toContain(">upper<");
    const x = tensor([[0.5], [1]]);
    const y = tensor([[0.5], [1]]);
    expect(plotHinges(absolute, { data: { inputs: x, labels: y } })).toBe(
      plotHinges(absolute, { data: { x: [0.5, 1], y: [0.5, 1] } }),
    );
  });

  it("has no legend where there is none", () => {
    expect(plotPartition(p, { data: { points: [] } })).not.toContain(">data<");
  });

  it("stands in the same box that partition takes", () => {
    const plain = [
      [-1, 1],
      [-1, 1],
    ];
    expect(plotCreases(net, { box: plain })).toContain("<svg");
    expect(partition(net, { box: plain }).cells.length).toBeGreaterThan(0);
  });
});

describe("plotPartition", () => {
  it("draws every cell, and every inner edge once", () => {
    const svg = plotPartition(p, { boundary: false, legend: false });
    const fills = [...svg.matchAll(/d="([^"]*)" fill="#\w+" stroke="#\w+" stroke-width="0.35"/g)]
      .map(([, d]) => d)
      .join("");
    expect(count(fills, "z")).toBe(p.cells.length);
    const edges = [...svg.matchAll(/d="([^"]*)" fill="none"/g)].map(([, d]) => d).join("");
    const { complex } = p;
    const inner = Array.from(
      { length: complex.edgeCount },
      (_, e) => complex.edgeLeft[e] >= 0 && complex.edgeRight[e] >= 0,
    );
    expect(count(edges, "M")).toBe(inner.filter(Boolean).length);
  });

  it("colours by pattern so that neighbours differ", () => {
    const svg = plotPartition(p, { boundary: false, creases: false, legend: false });
    expect(new Set(svg.match(/fill="#\w{6}" stroke/g)).size).toBeGreaterThan(1);
  });

  it.each(["pattern", "slope", "value", "depth"] as const)("colours by %s", (colour) => {
    const svg = plotPartition(p, { colour, data: { points: [[0, 0]] } });
    expect(svg).toContain(`${p.cells.length} cells`);
    expect(svg).not.toContain("NaN");
  });

  it("counts a single cell in the singular", () => {
    const whole = partition(reluNet([[[1, 1]]], [[0]]), { box });
    expect(plotPartition(whole, {})).toContain(">1 cell.<");
  });

  it("numbers the cells that have room, inside the cell", () => {
    const svg = plotPartition(p, { labels: true, boundary: false });
    const texts = [...svg.matchAll(/<text x="(\S+)" y="(\S+)" font-size="8"[^>]*>(\d+)</g)];
    expect(texts.length).toBeGreaterThan(p.cells.length / 3);
    for (const [, x, y, label] of texts) {
      const width = 8 * 0.6 * label.length;
      for (const [u, v] of [
        [-width / 2, -6],
        [width / 2, -6],
        [width / 2, 0],
        [-width / 2, 0],
      ]) {
        // from pixels to the box
        const corner = [((Number(x) + u) / 420) * 4 - 2, 2 - ((Number(y) + v) / 420) * 4];
        expect(p.locate(corner)?.index).toBe(Number(label));
      }
    }
  });

  it.each(["pattern", "depth"] as const)("colours by %s with what is no class's colour", (colour) => {
    const deep = partition(nn.mlp([2, 6, 6, 6, 1], { generator: new Generator(3) }), { box });
    const svg = plotPartition(deep, { colour, boundary: false, creases: false, legend: false });
    const fills = [...svg.matchAll(/fill="#(\w\w)(\w\w)(\w\w)" stroke/g)];
    expect(fills.length).toBeGreaterThan(1);
    for (const [, ...channels] of fills) {
      const values = channels.map((channel) => Number.parseInt(channel, 16));
      expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(28);
    }
  });

  it("has a legend of what is in the picture, and of nothing else", () => {
    // relu(x) + 1: slopes 0 and 1, values from 1 to 3, no boundary
    const above = partition(reluNet([[[1, 0]], [[1]]], [[0], [1]]), { box });
    const slope = plotPartition(above, { colour: "slope" });
    expect(slope).toContain(">slope of the output<");
    expect(slope).toMatch(/>0<\/text>.*>1<\/text>/);
    expect(slope).not.toContain("output = 0");
    const value = plotPartition(above, { colour: "value" });
    expect(value).toMatch(/>1<\/text>.*>3<\/text>/);
    expect(value).not.toContain(">0</text></g><g");
    expect(plotCreases(above.net)).not.toContain("decision boundary");
    // slope 2 everywhere: one colour, one number
    const flat = partition(reluNet([[[2, 0]]], [[0]]), { box });
    expect(plotPartition(flat, { colour: "slope" })).toMatch(/>slope of the output<\/text><rect[^>]*\/><text[^>]*>2</);
    // the first class wins everywhere
    const one = partition(
      reluNet(
        [
          [
            [0, 0],
            [0, 0],
          ],
        ],
        [[1, 0]],
      ),
      { box },
    );
    expect(plotPartition(one)).not.toContain("class boundary");
    expect(plotCreases(one.net)).not.toMatch(/class boundary|output 1 is largest/);
  });

  it("says which output it shows, where there are several", () => {
    const several = partition(nn.mlp([2, 6, 3], { generator: new Generator(3) }), { box });
    expect(plotPartition(several, { colour: "slope", output: 2 })).toContain(">slope of output 2<");
    expect(plotPartition(several, { colour: "value", output: 1 })).toContain(">output 1<");
  });

  it("writes no hyphen for a minus", () => {
    for (const svg of [plotPartition(p, { colour: "value" }), plotAffineRows([[1, -2]], { b: [-0.5] })]) {
      expect(svg).not.toMatch(/>(b = )?-\d/);
      expect(svg).toMatch(/−\d/);
    }
  });

  it("sets creases off from the ground of slopes", () => {
    const edges = (colour: "slope" | "pattern"): number =>
      count(plotPartition(p, { colour, boundary: false }), 'fill="none" stroke="#ffffff"');
    expect([edges("slope"), edges("pattern")]).toEqual([2, 0]);
  });

  it("draws what a stopped run found, and says that it was stopped", () => {
    const part = partition(pwl, { box, limits: { cells: 5 } });
    expect(plotPartition(part)).toContain("before the run was stopped");
    expect(() => plotPartition(part, { boundary: true })).toThrow(/incomplete/);
  });

  it("names what it cannot draw", () => {
    expect(() => plotPartition(partition(absolute, { box: [[-1, 1]] }))).toThrow(/plotHinges/);
    expect(() => plotPartition(p, { colour: "red" as "value" })).toThrow(
      /colour is "red"; pass "pattern", "slope", "value" or "depth"/,
    );
    expect(() => plotPartition(p, { colour: "slope", output: 1 })).toThrow(OptionError);
  });
});
