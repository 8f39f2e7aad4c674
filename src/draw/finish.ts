import { FONT, textWidth } from "./chart/svg.js";
import { palette } from "./palette.js";
import { glyphs, STRIP_LINE } from "./strip.js";

/**
 * Typesets what Graphviz laid out: titles in bold, details smaller, cells of strips painted instead of written. Sizes only
 * shrink, so everything still fits. Graphviz measures text in Helvetica: where title and legend need more room in a wider
 * font, the picture is widened. Graphviz has escaped all text; it is passed through as it is.
 */
export function finishSvg(svg: string): string {
  const lines = svg
    .replace(/<\?xml[\s\S]*?\?>\s*/, "")
    .replace(/<!DOCTYPE[\s\S]*?>\s*/, "")
    .replace(/<!--[\s\S]*?-->\s*/g, "")
    .split("\n");
  const out: string[] = [];
  let kind = "graph";
  let index = 0;
  let right = 0;
  for (const line of lines) {
    const group = /^<g id="[^"]*" class="([^"]*)"/.exec(line);
    if (group !== null) {
      kind = group[1];
      index = 0;
    }
    if (/^<title>/.test(line)) continue;
    const text =
      /^<text text-anchor="(\w+)" x="([-\d.]+)" y="([-\d.]+)"[^>]*?font-size="([\d.]+)"([^>]*)>(.*)<\/text>$/.exec(
        line,
      );
    if (text === null) {
      out.push(line);
      continue;
    }
    const [, anchor, x, y, size, rest, content] = text;
    const at: TextAt = { anchor, x: Number(x), y: Number(y), size: Number(size), rest };
    if (/^graph\b/.test(kind)) right = Math.max(right, rightEnd(content, at));
    out.push(finishText(content, at, kind, index++));
  }
  return widened(out.join("\n"), right)
    .replace(/<svg width="([\d.]+)pt" height="([\d.]+)pt"/, '<svg role="img" width="$1" height="$2"')
    .replace(/ xmlns:xlink="[^"]*"/, "")
    .replace(/stroke="transparent"/g, 'stroke="none"')
    .replace(/font-family="Helvetica,sans-Serif"/g, `font-family="${FONT}"`);
}

/** About where a text ends that may be bold. */
function rightEnd(content: string, { anchor, x, size }: TextAt): number {
  const width = 1.1 * textWidth(content.replace(/&[^;]*;/g, " "), size);
  return x + (anchor === "middle" ? width / 2 : width);
}

/** The picture, its ground reaching to `right` at least. */
function widened(svg: string, right: number): string {
  const ground = /points="-4,4 -4,[-\d.]+ ([\d.]+),/.exec(svg)?.[1];
  if (ground === undefined || Number(ground) >= right) return svg;
  const more = Math.ceil(right - Number(ground));
  const wider = (_: string, head: string, width: string): string => `${head}${(Number(width) + more).toFixed(2)}`;
  return svg
    .replace(/(<svg width=")([\d.]+)/, wider)
    .replace(/(viewBox="[\d.]+ [\d.]+ )([\d.]+)/, wider)
    .replace(/points="-4,4[^"]*"/, (points) => points.replace(/( )([\d.]+)(?=,)/g, wider));
}

interface TextAt {
  readonly anchor: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Further attributes, such as the fill. */
  readonly rest: string;
}

function finishText(content: string, at: TextAt, kind: string, index: number): string {
  if (/^node (?:op|input|parameter|constant|output|unit)/.test(kind)) {
    if (STRIP_LINE.test(content)) return paintStrip([...content], at);
    if (index === 0)
      return textElement(content, at, at.size, at.rest, kind.startsWith("node op") ? ' font-weight="bold"' : "");
    const fill = at.rest.includes("fill=") ? at.rest : ` fill="${palette.darkGrey}"`;
    return textElement(content, at, at.size * 0.86, fill, "");
  }
  if (kind === "graph titled" && index === 0) {
    return textElement(content, at, at.size, ` fill="${palette.black}"`, ' font-weight="bold"');
  }
  if (/^graph\b/.test(kind)) return textElement(paintLegend(content), at, at.size, at.rest, "");
  return textElement(content, at, at.size, at.rest, "");
}

function textElement(content: string, { anchor, x, y }: TextAt, size: number, rest: string, weight: string): string {
  return `<text text-anchor="${anchor}" x="${x}" y="${y}" font-family="${FONT}" font-size="${Number(size.toFixed(2))}"${weight}${rest}>${content}</text>`;
}

const CELL = 6.4;
const HEIGHT = 8.6;
const PITCH = 7.4;

/** Cells as rectangles around the place of the text. */
function paintStrip(cells: readonly string[], { x, y }: TextAt): string {
  const left = x - (cells.length * PITCH - (PITCH - CELL)) / 2;
  const top = y - HEIGHT + 1;
  const parts = cells.map((glyph, i) => paintCell(glyph, left + i * PITCH, top));
  return `<g class="strip">${parts.join("")}</g>`;
}

function paintCell(glyph: string, x: number, y: number): string {
  const box = (fill: string, from = 0, height = 1, offset = 0, width = 1): string =>
    `<rect x="${round(x + offset * CELL)}" y="${round(y + from * HEIGHT)}" width="${round(CELL * width)}" height="${round(HEIGHT * height)}" fill="${fill}"/>`;
  if (glyph === glyphs.active) return box(palette.blue);
  if (glyph === glyphs.inactive) return box(palette.lightGrey);
  if (glyph === glyphs.first) return box(palette.lightGrey) + box(palette.blue, 0, 1, 0, 0.5);
  if (glyph === glyphs.second) return box(palette.lightGrey) + box(palette.green, 0, 1, 0.5, 0.5);
  if (glyph === glyphs.flipped) {
    const [a, b] = [round(x + 0.8), round(x + CELL - 0.8)];
    return `<path d="M${a},${round(y + CELL)}L${b},${round(y + CELL)}L${round(x + CELL / 2)},${round(y + 1)}z" fill="${palette.vermilion}"/>`;
  }
  if (glyph === glyphs.same || glyph === glyphs.gap) return "";
  const share = (glyphs.shares.indexOf(glyph) + 1) / 8;
  return box(palette.lightGrey) + box(palette.blue, 1 - share, share);
}

const round = (value: number): number => Number(value.toFixed(2));

const legendColours: readonly [RegExp, string][] = [
  [/■/g, palette.blue],
  [/□/g, palette.lightGrey],
  [/▄/g, palette.blue],
  [/◧/g, palette.blue],
  [/◨/g, palette.green],
  [/▲/g, palette.vermilion],
  [/\bblue\b/g, palette.blue],
  [/\bvermilion\b/g, palette.vermilion],
  [/\borange\b/g, "#b87a00"],
];

/** The legend's cells and colour words in their colours; cells that are "off" are drawn filled here, too. */
function paintLegend(content: string): string {
  let painted = content;
  for (const [pattern, colour] of legendColours) {
    painted = painted.replace(pattern, (word) => `<tspan fill="${colour}">${word === "□" ? "■" : word}</tspan>`);
  }
  return painted;
}
