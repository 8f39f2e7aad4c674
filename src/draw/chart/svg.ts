import { markupText } from "../escape.js";
import { palette } from "../palette.js";

/** SVG as text, built bottom up. Every text and attribute that goes through here is escaped. */

/** Helvetica or what is nearest to it. Without quotes: resvg reads none of the quoted names of a list. */
export const FONT = "Helvetica, Arial, Liberation Sans, DejaVu Sans, Noto Sans, sans-serif";

type AttributeValue = string | number | null | undefined;

/** One element; attributes that are null or undefined are left out, numbers are rounded to 1/100. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, AttributeValue>>,
  ...children: readonly string[]
): string {
  let head = tag;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    head += ` ${name}="${typeof value === "number" ? formatCoordinate(value) : markupText(value)}"`;
  }
  return children.length === 0 ? `<${head}/>` : `<${head}>${children.join("")}</${tag}>`;
}

export interface TextOptions {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: "bold";
  readonly style?: "italic";
  readonly rotate?: number;
  /** A white rim, so that it stays legible on lines. */
  readonly halo?: boolean;
}

export function text(content: string, x: number, y: number, options: TextOptions = {}): string {
  const { size = 10, fill = palette.darkGrey, anchor = "start", weight, style, rotate, halo = false } = options;
  return element(
    "text",
    {
      x,
      y,
      "font-size": size,
      fill,
      "text-anchor": anchor === "start" ? null : anchor,
      "font-weight": weight,
      "font-style": style,
      transform: rotate === undefined ? null : `rotate(${rotate} ${formatCoordinate(x)} ${formatCoordinate(y)})`,
      ...(halo
        ? { stroke: palette.white, "stroke-width": 3, "stroke-linejoin": "round", "paint-order": "stroke" }
        : {}),
    },
    withSubscripts(markupText(content)),
  );
}

/** Subscript digits as small digits set lower: many fonts lack the characters. Ends on the base line. */
function withSubscripts(markup: string): string {
  return markup.replace(/([₀-₉]+)([^₀-₉]*)/g, (_, digits: string, rest: string) => {
    const plain = [...digits].map((digit) => digit.charCodeAt(0) - 0x2080).join("");
    return `<tspan dy="0.22em" font-size="75%">${plain}</tspan>${rest === "" ? "" : `<tspan dy="-0.165em">${rest}</tspan>`}`;
  });
}

/** A coordinate with at most two decimals, without "-0". */
export function formatCoordinate(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return Object.is(rounded, -0) ? "0" : String(rounded);
}

export type Point = readonly [x: number, y: number];

/** Path data through points; closed with `z` if asked. Points that are not finite break the line. */
export function pathThrough(points: Iterable<Point>, close = false): string {
  let path = "";
  let move = true;
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      move = true;
      continue;
    }
    path += `${move ? "M" : "L"}${formatCoordinate(x)},${formatCoordinate(y)}`;
    move = false;
  }
  return close && path !== "" ? `${path}z` : path;
}

/** About how wide a sentence is set in the widest of these fonts, DejaVu Sans; Helvetica is a tenth narrower. */
export function textWidth(content: string, size: number): number {
  return [...content].length * size * 0.54;
}

/** Breaks a text into lines of about `width`. */
export function wrapText(content: string, width: number, size: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last !== undefined && textWidth(`${last} ${word}`, size) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
