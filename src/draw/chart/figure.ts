import { palette } from "../palette.js";
import { drawMark, type Mark } from "./marks.js";
import { element, FONT, text, textWidth, wrapText } from "./svg.js";

/** One line of a legend: what a mark or a colour means, or a scale of colours. */
export type LegendEntry = LegendKey | LegendScale;

export interface LegendKey {
  readonly label: string;
  readonly colour: string;
  /** How the key looks. */
  readonly mark: keyof typeof dashes | "thick" | "box" | "arrow" | Mark;
}

/** Lengths of strokes and gaps of a line. */
export const dashes = { line: null, dashed: "5 3", dotted: "1.5 2.5", "dash-dotted": "7 2.5 1.5 2.5" } as const;

/** Colours in a row. */
export interface LegendScale {
  readonly label: string;
  readonly colours: readonly string[];
  /** What is written below the colours, each `at` so many colours from the left, the most important first. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** A part of a figure that has a size and draws itself at the origin. */
export interface Block {
  readonly width: number;
  readonly height: number;
  readonly svg: string;
}

export interface FigureOptions {
  readonly title?: string;
  /** One or two sentences below. */
  readonly caption?: string;
}

const MARGIN = 14;
const GAP = 22;

/** Blocks beside each other under a title, over a legend and a caption, as one self-contained SVG. */
export function figure(
  blocks: readonly Block[],
  options: FigureOptions,
  legend: readonly LegendEntry[] = [],
  columns = blocks.length,
): string {
  const rows: Block[][] = [];
  blocks.forEach((block, i) => {
    if (i % columns === 0) rows.push([]);
    rows[rows.length - 1].push(block);
  });
  const rowWidth = (row: readonly Block[]): number =>
    row.reduce((sum, block) => sum + block.width, 0) + GAP * (row.length - 1);
  const inner = Math.max(340, ...rows.map(rowWidth));
  const parts: string[] = [];
  let y = MARGIN;
  if (options.title !== undefined) {
    for (const line of wrapText(options.title, inner, 14)) {
      parts.push(text(line, MARGIN, y + 12, { size: 14, fill: palette.black, weight: "bold" }));
      y += 19;
    }
    y += 5;
  }
  for (const row of rows) {
    let x = MARGIN;
    for (const block of row) {
      parts.push(element("g", { transform: `translate(${x} ${y})` }, block.svg));
      x += block.width + GAP;
    }
    y += Math.max(...row.map(({ height }) => height)) + 8;
  }
  if (legend.length > 0) {
    const laid = legendBlock(legend, inner);
    parts.push(element("g", { transform: `translate(${MARGIN} ${y + 4})` }, laid.svg));
    y += laid.height + 6;
  }
  if (options.caption !== undefined) {
    for (const line of wrapText(options.caption, inner, 10.5)) {
      parts.push(text(line, MARGIN, y + 14, { size: 10.5 }));
      y += 14;
    }
    y += 6;
  }
  const width = inner + 2 * MARGIN;
  const height = y + MARGIN - 4;
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      role: "img",
      "aria-label": options.title ?? options.caption ?? "chart",
      width: Math.ceil(width),
      height: Math.ceil(height),
      viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
      "font-family": FONT,
    },
    element("rect", { width: "100%", height: "100%", fill: palette.white }),
    ...parts,
  );
}

function legendBlock(entries: readonly LegendEntry[], width: number): Block {
  const parts: string[] = [];
  let x = 0;
  let y = 8;
  let bottom = y;
  for (const entry of entries) {
    const { svg, taken, height } = "mark" in entry ? keyEntry(entry) : scaleEntry(entry, width);
    if (x > 0 && x + taken > width) {
      x = 0;
      y = bottom;
    }
    parts.push(element("g", { transform: `translate(${x} ${y})` }, svg));
    bottom = Math.max(bottom, y + height);
    x += taken;
  }
  return { width, height: bottom - 9, svg: parts.join("") };
}

/** An entry around the middle of its line. */
interface Laid {
  readonly svg: string;
  /** Of the width, with the gap behind it. */
  readonly taken: number;
  readonly height: number;
}

const LABEL = { size: 10.5 };

function keyEntry({ label, colour, mark }: LegendKey): Laid {
  const svg = key(mark, colour) + text(label, 24, 3.6, LABEL);
  return { svg, taken: 24 + textWidth(label, LABEL.size) + 16, height: 17 };
}

/** Colours with numbers below, behind their label; without numbers a key of several colours. */
function scaleEntry({ label, colours, ticks }: LegendScale, width: number): Laid {
  const before = ticks.length === 0 ? 0 : textWidth(label, LABEL.size) + 12;
  const side = ticks.length === 0 ? 7 : Math.min(22, (width - before - 16) / colours.length);
  const strip = colours.map((fill, i) =>
    element("rect", { x: before + i * side, y: -6, width: side, height: 12, fill }),
  );
  const end = before + colours.length * side;
  if (ticks.length === 0) {
    const svg = strip.join("") + text(label, end + 6, 3.6, LABEL);
    return { svg, taken: end + 6 + textWidth(label, LABEL.size) + 16, height: 17 };
  }
  const numbers: { from: number; to: number; svg: string }[] = [];
  for (const { at, label: number } of ticks) {
    const half = textWidth(number, 9) / 2;
    const middle = before + at * side;
    const [from, to] = [middle - half - 3, middle + half + 3];
    if (numbers.some((other) => from < other.to && to > other.from)) continue;
    numbers.push({ from, to, svg: text(number, middle, 16, { size: 9, anchor: "middle" }) });
  }
  const svg = text(label, 0, 3.6, LABEL) + strip.join("") + numbers.map((number) => number.svg).join("");
  return { svg, taken: Math.max(end, ...numbers.map(({ to }) => to)) + 16, height: 30 };
}

function key(mark: LegendKey["mark"], colour: string): string {
  const line = { x1: 0, y1: 0, x2: 18, y2: 0, stroke: colour, "stroke-width": 2 };
  switch (mark) {
    case "thick":
      return element("line", { ...line, "stroke-width": 3.4 });
    case "line":
    case "dashed":
    case "dotted":
    case "dash-dotted":
      return element("line", { ...line, "stroke-dasharray": dashes[mark] });
    case "box":
      return element("rect", { x: 2, y: -6, width: 14, height: 12, fill: colour });
    case "arrow":
      return element("line", { ...line, x2: 11 }) + element("path", { d: "M18,0L10,-4L10,4z", fill: colour });
    default:
      return drawMark(mark, [9, 0], 3.8, colour);
  }
}
