import { palette } from "../palette.js";
import { drawMark, type Mark } from "./marks.js";
import { element, FONT, text, textWidth, wrapText } from "./svg.js";

/** One key of a legend. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
  /** How the key looks. */
  readonly mark: "line" | "thick" | "dashed" | "box" | "arrow" | Mark;
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
  for (const { label, colour, mark } of entries) {
    const taken = 24 + textWidth(label, 10.5) + 16;
    if (x > 0 && x + taken > width) {
      x = 0;
      y += 17;
    }
    parts.push(element("g", { transform: `translate(${x} ${y})` }, key(mark, colour)));
    parts.push(text(label, x + 24, y + 3.6, { size: 10.5 }));
    x += taken;
  }
  return { width, height: y + 8, svg: parts.join("") };
}

function key(mark: LegendEntry["mark"], colour: string): string {
  const line = { x1: 0, y1: 0, x2: 18, y2: 0, stroke: colour, "stroke-width": 2 };
  switch (mark) {
    case "line":
      return element("line", line);
    case "thick":
      return element("line", { ...line, "stroke-width": 3.4 });
    case "dashed":
      return element("line", { ...line, "stroke-dasharray": "4 3" });
    case "box":
      return element("rect", { x: 2, y: -6, width: 14, height: 12, fill: colour });
    case "arrow":
      return element("line", { ...line, x2: 11 }) + element("path", { d: "M18,0L10,-4L10,4z", fill: colour });
    default:
      return drawMark(mark, [9, 0], 3.8, colour);
  }
}
