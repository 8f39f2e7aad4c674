import { execFileSync } from "node:child_process";
import { createContext, runInContext } from "node:vm";
import { type BuildOptions, build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";

/** What a page's script may do with Crease; `shown` is read from outside. */
const page = `
  import * as crease from "crease";
  import * as draw from "crease/draw";
  const { enumerate, linearize, nn, partition, tensor, toDot, trace, validate } = crease;
  const box = [[-1, 1], [-1, 1]];
  const net = nn.mlp([2, 8, 1]);
  const p = partition(net, { box });
  const failure = (promise) => promise.then(() => "drawn", (error) => error.name + ": " + error.message);
  const dot = toDot(trace((x) => net.forward(x), tensor([0.1, 0.2])));
  globalThis.shown = (async () => ({
    cells: p.cells.length,
    validated: validate(p).cells,
    enumerated: (await enumerate(net, { box })).count,
    margin: linearize(net, [0.1, 0.2]).margin(),
    pictures: [
      draw.plotPartition(p, { colour: "slope" }),
      draw.plotCreases(net, { box }),
      draw.plotHinges(nn.mlp([1, 4, 1])),
      draw.plotLines([{ name: "loss", y: [2, 1] }]),
      draw.plotPatterns(crease.activationPatterns(net, [[0, 0], [1, 1]])),
      draw.plotAffineRows([[1, 2], [3, 4]]),
    ],
    dot,
    rendered: await failure(draw.render(dot)),
    png: await failure(draw.rasterize("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")),
  }))();
`;

const bundled = (options: BuildOptions) =>
  build({
    stdin: { contents: page, resolveDir: process.cwd(), loader: "js" },
    bundle: true,
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
    ...options,
  });

interface Shown {
  readonly cells: number;
  readonly validated: number;
  readonly enumerated: number;
  readonly margin: number;
  readonly pictures: readonly string[];
  readonly dot: string;
  readonly rendered: string;
  readonly png: string;
}

describe("a bundle for browsers of crease and crease/draw", () => {
  it("holds nothing of Node, and imports nothing at run time", async () => {
    const { metafile, warnings, errors } = await bundled({ format: "esm" });
    expect([...warnings, ...errors]).toEqual([]);
    expect(Object.values(metafile?.outputs ?? {}).flatMap(({ imports }) => imports)).toEqual([]);
    const packages = Object.keys(metafile?.inputs ?? {}).flatMap(
      (path) => /node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [],
    );
    for (const name of new Set(packages)) expect(name).toMatch(/^node_modules\/(d3-|internmap)/);
  });

  describe("runs without Node's globals:", () => {
    let shown: Shown;
    beforeAll(async () => {
      const { outputFiles } = await bundled({ format: "iife" });
      // what every page has beside the language
      const globals = {
        performance,
        setTimeout,
        clearTimeout,
        URL,
        TextDecoder,
        TextEncoder,
        AbortController,
        console,
      };
      const context = createContext({ ...globals, shown: undefined });
      runInContext(outputFiles?.[0].text ?? "", context);
      expect(runInContext("typeof process + typeof require", context)).toBe("undefinedundefined");
      shown = await context.shown;
    });

    it("geometry", () => {
      expect(shown.cells).toBeGreaterThan(1);
      expect([shown.validated, shown.enumerated]).toEqual([shown.cells, shown.cells]);
      expect(shown.margin).toBeGreaterThan(0);
    });

    it("every plot", () => {
      for (const svg of shown.pictures) expect(svg).toMatch(/^<svg .*<\/svg>\s*$/s);
      expect(shown.pictures.length).toBe(6);
      expect(shown.dot).toMatch(/^digraph/);
    });

    it("and says of what needs Node what to do instead", () => {
      expect(shown.rendered).toMatch(/^DrawError: render needs Node, .*@hpcc-js\/wasm-graphviz/);
      expect(shown.png).toMatch(/^DrawError: rasterize needs Node, .*canvas/);
    });
  });
});

describe("a bundle for Node as a CommonJS script", () => {
  it("finds graphviz-cli and resvg from the working directory", async () => {
    const contents = `
      import { rasterize, render } from "crease/draw";
      render("digraph { a -> b }").then((svg) => rasterize(svg)).then((png) => console.log(png.subarray(1, 4).toString()));
    `;
    const { outputFiles } = await bundled({
      stdin: { contents, resolveDir: process.cwd() },
      format: "cjs",
      platform: "node",
    });
    const script = outputFiles?.[0].text ?? "";
    const shown = execFileSync(process.execPath, ["--input-type=commonjs", "-"], { input: script, encoding: "utf8" });
    expect(shown).toBe("PNG\n");
  });
});
