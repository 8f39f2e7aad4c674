import { DrawError, OptionError } from "../base/errors.js";
import { checkOptions } from "../ops/create.js";
import { finishSvg } from "./finish.js";
import { peer } from "./peer.js";

export interface RenderOptions {
  /** "svg" gives a string, "png" bytes. Default "svg". */
  format?: "svg" | "png";
  /** More nodes than this raise DrawError, as laying them out takes long. Default 2,000; Infinity for no limit. */
  limit?: number;
  /** PNG only: pixels per point. Default 2. */
  scale?: number;
  /** Stops the layout; the promise is then rejected with its reason. */
  signal?: AbortSignal;
}

/** Graphviz lays out 1,000 nodes in 0.4 s, 2,000 in 2 s, 5,000 in 28 s. */
const DEFAULT_LIMIT = 2_000;

/**
 * Lays out DOT text with Graphviz (package graphviz-cli, WebAssembly) and gives one self-contained SVG: no scripts, no
 * references. PNG through `@resvg/resvg-js`. Both packages are optional peers.
 *
 * @throws DrawError above the limit, or where the text is not DOT; MissingPackageError without the packages.
 */
export function render(dot: string, options?: RenderOptions & { format?: "svg" }): Promise<string>;
export function render(dot: string, options: RenderOptions & { format: "png" }): Promise<Uint8Array>;
export async function render(dot: string, options: RenderOptions = {}): Promise<string | Uint8Array> {
  checkOptions(options, ["format", "limit", "scale", "signal"], "render");
  const { format = "svg", limit = DEFAULT_LIMIT, scale = 2, signal = null } = options;
  if (format !== "svg" && format !== "png") {
    throw new OptionError(`render: format is "svg" or "png", got ${JSON.stringify(format)}`);
  }
  const count = countNodes(dot, limit);
  if (count > limit) {
    throw new DrawError(
      `render: the text has more than ${limit} nodes, which takes long to lay out; fold it (toDot's composed, modules and repeats), or pass limit: Infinity`,
    );
  }
  const svg = finishSvg(await layOut(dot, signal));
  return format === "svg" ? svg : rasterize(svg, { scale });
}

/** Statements that declare a node in the form that `toDot` writes; stops counting above the limit. */
function countNodes(dot: string, limit: number): number {
  let count = 0;
  for (const _ of dot.matchAll(/^\s*(?!(?:graph|node|edge) )\w+ \[/gm)) if (++count > limit) break;
  return count;
}

/**
 * Runs graphviz-cli's command in a process of its own: one instance in WebAssembly that lays out several graphs gives the
 * same graph different layouts, depending on what it did before; a fresh one always gives the same.
 */
async function layOut(dot: string, signal: AbortSignal | null): Promise<string> {
  const [{ createRequire }, { spawn }, path] = await Promise.all([
    import("node:module"),
    import("node:child_process"),
    import("node:path"),
  ]);
  const library = await peer(() => createRequire(import.meta.url).resolve("graphviz-cli"), "graphviz-cli");
  const command = path.join(path.dirname(library), "..", "bin", "graphviz.cjs");
  const child = spawn(process.execPath, [command, "-Tsvg"], { ...(signal === null ? {} : { signal }) });
  const output: Uint8Array[] = [];
  const errors: Uint8Array[] = [];
  child.stdout.on("data", (part: Uint8Array) => output.push(part));
  child.stderr.on("data", (part: Uint8Array) => errors.push(part));
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
    // a process that ends before it has read everything says why on its standard error
    child.stdin.on("error", () => {});
  });
  child.stdin.end(dot);
  const code = await exit;
  const svg = textOf(output);
  if (code !== 0 || !svg.includes("</svg>")) {
    throw new DrawError(
      `render: Graphviz cannot lay this out: ${textOf(errors).trim() || `it ended with code ${code}`}`,
    );
  }
  return svg;
}

function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
}

/** SVG as PNG. Text is set in the machine's own fonts. */
export async function rasterize(svg: string, { scale = 2 }: { scale?: number } = {}): Promise<Uint8Array> {
  const { Resvg } = await peer(() => import("@resvg/resvg-js"), "@resvg/resvg-js");
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: { loadSystemFonts: true, defaultFontFamily: "Liberation Sans" },
    background: "#ffffff",
  });
  return image.render().asPng();
}
