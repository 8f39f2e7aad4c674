import { DrawError, MissingPackageError, OptionError } from "../base/errors.js";
import { checkOptions } from "../ops/create.js";
import { finishSvg } from "./finish.js";

export interface RenderOptions {
  /** "svg" gives a string, "png" bytes. Default "svg". */
  format?: "svg" | "png";
  /** More nodes than this raise DrawError, as laying them out takes long. Default 2,000; Infinity for no limit. */
  limit?: number;
  /** PNG only: pixels per point. Default 2. */
  scale?: number;
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
  checkOptions(options, ["format", "limit", "scale"], "render");
  const { format = "svg", limit = DEFAULT_LIMIT, scale = 2 } = options;
  if (format !== "svg" && format !== "png") {
    throw new OptionError(`render: format is "svg" or "png", got ${JSON.stringify(format)}`);
  }
  const count = countNodes(dot, limit);
  if (count > limit) {
    throw new DrawError(
      `render: the text has more than ${limit} nodes, which takes long to lay out; fold it (toDot's composed, modules and repeats), or pass limit: Infinity`,
    );
  }
  const svg = finishSvg(await layOut(dot));
  return format === "svg" ? svg : rasterize(svg, { scale });
}

/** Statements that declare a node in the form that `toDot` writes; stops counting above the limit. */
function countNodes(dot: string, limit: number): number {
  let count = 0;
  for (const _ of dot.matchAll(/^\s*[\w.]+ \[/gm)) if (++count > limit + 3) break;
  return count - (count > 0 ? defaults(dot) : 0);
}

/** `graph [`, `node [` and `edge [` are no nodes. */
function defaults(dot: string): number {
  return Math.min(3, [...dot.slice(0, 4_000).matchAll(/^\s*(?:graph|node|edge) \[/gm)].length);
}

async function layOut(dot: string): Promise<string> {
  const { renderGraphFromSource } = await load(() => import("graphviz-cli"), "graphviz-cli");
  try {
    return fromAscii(await renderGraphFromSource({ input: toAscii(dot) }, { format: "svg" }));
  } catch (error) {
    throw new DrawError(`render: Graphviz cannot lay this out: ${(error as Error).message.trim()}`, { cause: error });
  }
}

/** Narrow characters first: a stand-in is as wide as a character, or a little more. */
const DIGITS = "iljtfrIJcsvxyzkabdeghnopquw0123456789LTFZSPEBXYVKACDGHNOQRUMW";
const STAND_IN = new RegExp(`\`([${DIGITS}]{3})`, "g");

/**
 * Graphviz in WebAssembly has no fonts, estimates the width of ASCII, and prints a warning for any other character. So
 * other characters travel through the layout as stand-ins: a backtick and the code point in three digits.
 */
function toAscii(dot: string): string {
  return dot.replace(/[^\0-_a-\x7f]/gu, (character) => {
    let code = character.codePointAt(0) as number;
    let digits = "";
    for (let i = 0; i < 3 || code > 0; i++) {
      digits += DIGITS[code % DIGITS.length];
      code = Math.floor(code / DIGITS.length);
    }
    return digits.length === 3 ? `\`${digits}` : "?";
  });
}

function fromAscii(svg: string): string {
  return svg.replace(STAND_IN, (text, digits: string) => {
    const code = [...digits].reduceRight((sum, digit) => sum * DIGITS.length + DIGITS.indexOf(digit), 0);
    // only what toAscii writes, so that no markup arises here
    return code >= 0x80 || code === 0x60 ? String.fromCodePoint(code) : text;
  });
}

/** SVG as PNG. Text is set in the machine's own fonts. */
export async function rasterize(svg: string, { scale = 2 }: { scale?: number } = {}): Promise<Uint8Array> {
  const { Resvg } = await load(() => import("@resvg/resvg-js"), "@resvg/resvg-js");
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: { loadSystemFonts: true, defaultFontFamily: "Liberation Sans" },
    background: "#ffffff",
  });
  return image.render().asPng();
}

async function load<Module>(importer: () => Promise<Module>, name: string): Promise<Module> {
  try {
    return await importer();
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new MissingPackageError(
      `render: the package ${name} is not installed; install it with: npm install ${name}`,
      {
        cause: error,
      },
    );
  }
}
