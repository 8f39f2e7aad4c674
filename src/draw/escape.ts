/**
 * Text that came from outside (names of modules, tensors and ops, attribute values) on its way into DOT, SVG or HTML.
 * Everything drawn passes through here.
 */

const LONGEST_TEXT = 60;

/** Control and invisible formatting characters, lone surrogates and non-characters: they draw nothing, or worse. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Cn}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** One line of printable text, shortened in its middle where it is long. */
export function plainText(text: string, longest = LONGEST_TEXT): string {
  const points = [...text.replace(/[\t\n\r]+/g, " ").replace(UNPRINTABLE, "\ufffd")];
  if (points.length <= longest) return points.join("");
  const head = Math.ceil((longest - 1) / 2);
  return `${points.slice(0, head).join("")}…${points.slice(points.length - (longest - 1 - head)).join("")}`;
}

/**
 * A double-quoted DOT string of these lines. Backslashes are doubled (`\N`, `\G` and `\n` would be read as escapes) and
 * `&` is written as an entity, because Graphviz decodes HTML entities in plain labels as well.
 */
export function dotString(...lines: readonly string[]): string {
  return `"${lines.map(escapeDot).join("\\n")}"`;
}

/** The same with every line set flush left. */
export function dotStringLeft(...lines: readonly string[]): string {
  return `"${lines.map((line) => `${escapeDot(line)}\\l`).join("")}"`;
}

function escapeDot(line: string): string {
  return line.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/&/g, "&amp;");
}

/** Text for the content or a quoted attribute of SVG and HTML. */
export function markupText(text: string): string {
  return text
    .replace(UNPRINTABLE, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;")
    .replace(/'/g, "&#39;");
}
