import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finishSvg } from "../../src/draw/finish.js";
import { rasterize, render } from "../../src/draw/index.js";
import { peer } from "../../src/draw/peer.js";
import {
  composed,
  DrawError,
  MissingPackageError,
  nn,
  OptionError,
  randn,
  type Tensor,
  tensor,
  toDot,
  trace,
} from "../../src/index.js";
import { convGraph, labelOf, mlpGraph, partsOf } from "./graphs.js";

/** Graphviz of the machine, where it is installed. */
function nativeDot(dot: string): string | null {
  try {
    return execFileSync("dot", ["-Tdot"], { input: dot, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
}

const hasNativeDot = nativeDot("digraph {}") !== null;

const drawings: Record<string, () => string> = {
  "a scalar": () => toDot(tensor(2, { requiresGrad: true, name: "a" }).pow(3).relu(), { gates: true }),
  "a net": () => toDot(mlpGraph([2, 16, 16, 1]), { gates: true, title: 'a "title"\\n & more' }),
  "left to right": () => toDot(mlpGraph([2, 16, 16, 1]), { gates: true, direction: "LR", modules: "fold" }),
  "a convolutional net": () => toDot(convGraph(), { gates: true, composed: "unfold" }),
  neurons: () => toDot(mlpGraph([2, 6, 1]), { level: "neuron" }),
};

/** Tags of an SVG, checking that they are nested and closed. */
function tagsOf(svg: string): string[] {
  const open: string[] = [];
  const tags: string[] = [];
  for (const [, close, name, empty] of svg.matchAll(/<(\/?)([\w:]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    tags.push(name);
    if (close === "/") expect(open.pop()).toBe(name);
    else if (empty !== "/") open.push(name);
  }
  expect(open).toEqual([]);
  return tags;
}

describe("render", () => {
  it.each(Object.keys(drawings))("lays out %s as a self-contained SVG", async (name) => {
    const svg = await render(drawings[name]());
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(new Set(tagsOf(svg))).toEqual(
      new Set(
        [...new Set(tagsOf(svg))].filter((tag) => /^(svg|g|path|polygon|polyline|ellipse|text|tspan|rect)$/.test(tag)),
      ),
    );
    expect(svg).not.toMatch(/href|url\(|<script|<style|<title/);
  });

  it.skipIf(!hasNativeDot).each(Object.keys(drawings))(
    "writes %s as text that Graphviz's own dot accepts (skipped where it is not installed)",
    (name) => {
      expect(nativeDot(drawings[name]())).toContain("digraph");
    },
  );

  it("gives the same bytes twice", async () => {
    expect(await render(drawings["a net"]())).toBe(await render(drawings["a net"]()));
  });

  it("paints one cell per unit", async () => {
    const svg = await render(drawings["a net"]());
    const strips = svg.split("\n").filter((line) => line.startsWith('<g class="strip">'));
    expect(strips.map((line) => line.match(/<rect/g)?.length)).toEqual([16, 16]);
  });

  it("gives PNG bytes of the asked scale", async () => {
    const widthOf = (png: Uint8Array): number => new DataView(png.buffer, png.byteOffset).getUint32(16);
    const dot = drawings["a scalar"]();
    const [one, two] = [await render(dot, { format: "png", scale: 1 }), await render(dot, { format: "png", scale: 2 })];
    expect(Array.from(one.subarray(1, 4), (code) => String.fromCharCode(code)).join("")).toBe("PNG");
    expect(Math.abs(widthOf(two) - 2 * widthOf(one))).toBeLessThanOrEqual(1);
  });

  it("keeps characters of every script", async () => {
    const x = tensor(1, { name: "größe 量 ∇ 😀 `ijl`" });
    expect(await render(toDot(trace((one) => one.exp(), x)))).toContain("größe 量 ∇ 😀 `ijl`");
  });

  it("refuses above its limit, with the remedy", async () => {
    const dot = toDot(mlpGraph([2, 3, 1]));
    await expect(render(dot, { limit: 3 })).rejects.toThrow(DrawError);
    await expect(render(dot, { limit: 3 })).rejects.toThrow(/limit: Infinity/);
    await expect(render(dot, { limit: Number.POSITIVE_INFINITY })).resolves.toContain("<svg");
  });

  it("says that text is not DOT, and works afterwards", async () => {
    await expect(render("digraph { a -> ")).rejects.toThrow(DrawError);
    await expect(render("digraph { a -> b }")).resolves.toContain("<svg");
  });

  it("stops when told", async () => {
    const stopped = render(toDot(convGraph()), { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow(/abort/i);
  });

  it("names unknown options", async () => {
    await expect(render("digraph {}", { format: "gif" as "svg" })).rejects.toThrow(OptionError);
  });

  it("rasterizes any SVG", async () => {
    const png = await rasterize(
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>',
    );
    expect(png.length).toBeGreaterThan(50);
  });
});

const hostile = fc.oneof(
  fc.constantFrom(
    '"] evil [label="x',
    "\\N\\G\\L\\\\",
    '\\" ] } digraph {',
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "&lt;script&gt; &amp;quot; &#60;",
    "]]><!--",
    "line\nbreak\r\n\ttab",
    "\u0000\u0001\u001b\ud800",
    "\u202eright to left",
    "■□■",
    "`iii`lll",
    "|{<p>port}",
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
);

const drawn = (name: string): string => {
  const scope = composed(name, (x: Tensor) => x.exp().sin());
  const x = tensor([1], { name, requiresGrad: true });
  return toDot(
    trace((one) => scope(one).add(x), tensor([2], { name })),
    { title: name },
  );
};

describe("a hostile name", () => {
  const plain = partsOf(drawn("name"));

  it("adds no statement to the DOT text", () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const dot = drawn(name);
        const { nodes, edges } = partsOf(dot);
        expect([nodes.length, edges.length]).toEqual([plain.nodes.length, plain.edges.length]);
        expect(dot.split("\n")).toHaveLength(drawn("name").split("\n").length);
        // every quoted string ends where it should: taking them out leaves the same skeleton
        const skeleton = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
        expect(skeleton(dot)).toBe(skeleton(drawn("name")));
      }),
    );
  });

  it("adds no element to the SVG, and is shown as text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 20, maxLength: 30 }), async (names) => {
        const chain = (labels: readonly string[]): string =>
          toDot(
            trace(
              (x) => labels.reduce((y, label) => composed(label, (z: Tensor) => z.exp().sin())(y), x),
              tensor([2], { name: labels[0] }),
            ),
            { repeats: "unfold", title: labels[1] },
          );
        const [svg, usual] = await Promise.all([render(chain(names)), render(chain(names.map(() => "name")))]);
        // text may be split into coloured words, and a name made of cells is painted as cells
        const frame = (text: string): string[] => tagsOf(text).filter((tag) => !/^(text|tspan|rect|g)$/.test(tag));
        expect(frame(svg)).toEqual(frame(usual));
        expect(svg).not.toMatch(/<[^>]*\son\w+=/);
      }),
      { numRuns: 3 },
    );
  }, 60_000);

  it.skipIf(!hasNativeDot)("is accepted by Graphviz's own dot (skipped where it is not installed)", () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const again = nativeDot(drawn(name)) as string;
        expect(again.match(/^\s+(n|out)\d+\t/gm)).toHaveLength(plain.nodes.length);
      }),
      { numRuns: 20 },
    );
  });

  it("of a module frames its ops and nothing else", () => {
    const Evil = {
      'x"]; evil [': class extends nn.Module {
        inner = new nn.Linear(2, 2);
        forward(x: Tensor): Tensor {
          return this.inner.forward(x).relu();
        }
      },
    }['x"]; evil ['];
    const net = new Evil();
    const dot = toDot(trace((x) => net.forward(x), randn([1, 2])));
    expect(partsOf(dot).nodes.map((line) => labelOf(line)[0])).toContain("relu");
    expect(dot.replace(/"(?:[^"\\]|\\.)*"/g, '""')).not.toContain("evil");
  });
});

describe("an optional package that is missing", () => {
  const find = (): string => createRequire(import.meta.url).resolve("crease-has-no-such-peer");

  it("is named, with the command that installs it", () => {
    expect(() => peer(find, "some-peer")).toThrow(MissingPackageError);
    expect(() => peer(find, "some-peer")).toThrow("npm install some-peer");
  });

  it("is not blamed for another error", () => {
    const broken = (): never => {
      throw new RangeError("broken");
    };
    expect(() => peer(broken, "some-peer")).toThrow(RangeError);
  });
});

describe("the core", () => {
  it("draws without any package: what dot.ts imports is Crease's own", () => {
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const [, from] of readFileSync(path, "utf8").matchAll(/from "([^"]+)"/g)) {
        expect(from.startsWith(".")).toBe(true);
        visit(new URL(from.replace(/\.js$/, ".ts"), `file://${path}`).pathname);
      }
    };
    visit(new URL("../../src/draw/dot.ts", import.meta.url).pathname);
    expect(seen.size).toBeGreaterThan(10);
  });

  it("leaves room for title and legend in a font wider than Graphviz measures in", async () => {
    const graph = trace((x) => x.relu(), tensor([0.3, -0.7]));
    const svg = await render(toDot(graph, { gates: true, title: "One relu, and which of its units are active here" }));
    const width = Number(/viewBox="\S+ \S+ (\S+)/.exec(svg)?.[1]);
    const lines = [...svg.matchAll(/^<text text-anchor="start" x="(\S+)".*font-size="(\S+)"[^>]*>(.*)<\/text>$/gm)];
    expect(lines).toHaveLength(4);
    for (const [, x, size, content] of lines) {
      const plain = content.replace(/<[^>]*>/g, "").replace(/&[^;]*;/g, " ");
      expect(Number(x) + 4 + 0.59 * Number(size) * plain.length).toBeLessThan(width);
    }
    expect(svg).toContain(`points="-4,4 `);
    expect(Number(/points="-4,4 -4,\S+ ([\d.]+)/.exec(svg)?.[1])).toBeCloseTo(width - 4, 0);
  });

  it("passes SVG of others through finishing unharmed", () => {
    const svg = '<svg width="10pt" height="10pt"><g id="a" class="node"><text x="1" y="2">a &lt; b</text></g></svg>';
    expect(finishSvg(svg)).toContain("a &lt; b");
  });
});
