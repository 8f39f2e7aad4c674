import { DrawError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { shown } from "../base/shown.js";
import { finishSvg } from "./finish.js";
import { builtin, peer, requireHere } from "./peer.js";

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

const RASTER_OPTIONS = { scale: "a finite number above 0" } satisfies OptionKinds;
const OPTIONS = {
  ...{ format: ["svg", "png"], limit: "a number above 0", ...RASTER_OPTIONS },
  signal: "an AbortSignal (of a controller: controller.signal)",
} satisfies OptionKinds;

/** What to do where there is no Node. */
const ELSEWHERE =
  "in a browser lay the text out with a Graphviz for pages, such as @hpcc-js/wasm-graphviz: (await Graphviz.load()).dot(text)";

/** Graphviz lays out 1,000 nodes in 0.4 s, 2,000 in 2 s, 5,000 in 28 s. */
const DEFAULT_LIMIT = 2_000;

/**
 * Lays out DOT text with Graphviz (package graphviz-cli, WebAssembly) and gives one self-contained SVG: no scripts, no
 * references. PNG through `@resvg/resvg-js`. Both packages are optional peers. In Node only.
 *
 * @throws DrawError above the limit, where the text is not DOT, or where there is no Node; MissingPackageError without the packages.
 */
export function render(dot: string, options?: RenderOptions & { format?: "svg" }): Promise<string>;
export function render(dot: string, options: RenderOptions & { format: "png" }): Promise<Uint8Array>;
export async function render(dot: string, options: RenderOptions = {}): Promise<string | Uint8Array> {
  checkOptions(options, OPTIONS, "render");
  if (typeof dot !== "string") {
    throw new DrawError(`render: expected the DOT text that toDot gives, got ${shown(dot)}`);
  }
  const { format = "svg", limit = DEFAULT_LIMIT, scale = 2, signal = null } = options;
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
  const require = requireHere("render", ELSEWHERE);
  const { spawn } = builtin("child_process", "render", ELSEWHERE);
  const path = builtin("path", "render", ELSEWHERE);
  const library = peer(() => require.resolve("graphviz-cli"), "graphviz-cli");
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

/**
 * SVG as PNG, `scale` (default 2) pixels per point. Text is set in the machine's own fonts; what names none of them, in
 * DejaVu Sans.
 *
 * @throws DrawError where the text is no SVG, or where there is no Node; MissingPackageError without `@resvg/resvg-js`.
 */
export async function rasterize(svg: string, options: { scale?: number } = {}): Promise<Uint8Array> {
  checkOptions(options, RASTER_OPTIONS, "rasterize");
  if (typeof svg !== "string") throw new DrawError(`rasterize: expected the text of an SVG, got ${shown(svg)}`);
  const { scale = 2 } = options;
  const require = requireHere("rasterize", "put the SVG into the page, or draw it on a canvas");
  const { Resvg } = peer(() => require("@resvg/resvg-js") as typeof import("@resvg/resvg-js"), "@resvg/resvg-js");
  try {
    const image = new Resvg(svg, {
      fitTo: { mode: "zoom", value: scale },
      font: { loadSystemFonts: true, defaultFontFamily: "DejaVu Sans" },
      background: "#ffffff",
    });
    return image.render().asPng();
  } catch (error) {
    throw new DrawError(`rasterize: this is no SVG of a size: ${(error as Error).message}`, { cause: error });
  }
}
