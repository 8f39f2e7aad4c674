import { ShapeError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { ActivationPatterns } from "../pwl/activation-patterns.js";
import { stateOf } from "../pwl/pattern.js";
import { type Block, figure, type LegendEntry } from "./chart/figure.js";
import { mixed } from "./chart/marks.js";
import { classesOf, type Numbers, type Rows, rowsOf } from "./chart/points.js";
import { element, text } from "./chart/svg.js";
import { categorical, palette } from "./palette.js";
import { titled } from "./plot-lines.js";

export interface PatternsOptions {
  /** Units per layer, where the patterns are plain rows. Default: one layer. */
  readonly layers?: readonly number[];
  /** Names of the layers. */
  readonly layerNames?: readonly string[];
  /** A name for each row, for up to 40 rows. */
  readonly names?: readonly string[];
  /** Class number of each row: a colour bar at the left. */
  readonly classes?: Numbers;
  readonly classNames?: readonly string[];
  /** "as given", or rows of the same pattern together, most frequent first. Default "grouped". */
  readonly order?: "as given" | "grouped";
  readonly title?: string;
  readonly caption?: string;
}

const OPTIONS = {
  ...{ layers: "an array", layerNames: "an array", names: "an array", classes: "anything", classNames: "an array" },
  ...{ order: ["as given", "grouped"], title: "a text", caption: "a text" },
} satisfies OptionKinds;
const LAYER_GAP = 8;

/** Rows of states, with what is known of their layers. */
interface Table {
  readonly rows: readonly (readonly number[])[];
  readonly layers: readonly number[];
  readonly layerNames: readonly string[];
}

/**
 * Activation patterns as strips: a row per input, a cell per unit, filled where the unit is active (of a maximum: where
 * another than its first argument wins), layers apart. Below, how often each unit is active. SVG.
 */
export function plotPatterns(patterns: ActivationPatterns | Rows, options: PatternsOptions = {}): string {
  checkOptions(options, OPTIONS, "plotPatterns");
  const table = tableOf(patterns, options);
  const { rows, layers, layerNames } = table;
  const classes = options.classes === undefined ? null : classesOf(options.classes, rows.length, "plotPatterns", "row");
  const keys = rows.map((states) => states.join(" "));
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  const order = rows.map((_, i) => i);
  if ((options.order ?? "grouped") === "grouped") {
    const first = new Map([...keys.entries()].reverse().map(([i, key]) => [key, i]));
    order.sort(
      (a, b) =>
        (counts.get(keys[b]) ?? 0) - (counts.get(keys[a]) ?? 0) ||
        (first.get(keys[a]) ?? 0) - (first.get(keys[b]) ?? 0) ||
        a - b,
    );
  }
  const block = stripBlock(table, order, keys, classes, options.names);
  const legend: LegendEntry[] = [
    { label: "active", colour: palette.blue, mark: "box" },
    { label: "inactive", colour: palette.lightGrey, mark: "box" },
  ];
  if (classes !== null) {
    for (const one of [...new Set(classes)].sort((a, b) => a - b)) {
      legend.push({ label: options.classNames?.[one] ?? `class ${one}`, colour: barColour(one), mark: "box" });
    }
  }
  const caption =
    options.caption ??
    `${rows.length} inputs, ${layers.reduce((sum, size) => sum + size, 0)} units in ${layers.length} ${layers.length === 1 ? "layer" : "layers"} (${layerNames.join(", ")}): ${counts.size} distinct patterns.`;
  return figure([block], titled(options.title, caption), legend);
}

/** Without blue, which says "active". */
const hues = categorical.filter((colour) => colour !== palette.blue);

/** Where the colours begin anew, they are lighter. */
const barColour = (one: number): string =>
  mixed(hues[one % hues.length], [1, 0.55, 0.25][Math.floor(one / hues.length)]);

function tableOf(patterns: ActivationPatterns | Rows, options: PatternsOptions): Table {
  if (patterns instanceof ActivationPatterns) {
    const { layout, net } = patterns;
    const rows = Array.from(patterns, ({ words }) =>
      Array.from({ length: layout.gates }, (_, gate) => (stateOf(layout, words, gate) === 0 ? 0 : 1)),
    );
    const layers = Array.from(net.layers, (_, l) => layout.layerStarts[l + 1] - layout.layerStarts[l]);
    return { rows, layers, layerNames: options.layerNames ?? net.layers.map(({ name }) => name) };
  }
  const rows = rowsOf(patterns, "plotPatterns").map((row) => row.map((state) => (state === 0 ? 0 : 1)));
  const units = rows[0]?.length ?? 0;
  const layers = options.layers ?? [units];
  const total = layers.reduce((sum, size) => sum + size, 0);
  if (total !== units) {
    throw new ShapeError(`plotPatterns: the layers have ${total} units together, a row has ${units}`);
  }
  return { rows, layers, layerNames: options.layerNames ?? layers.map((_, l) => `layer ${l + 1}`) };
}

function stripBlock(
  { rows, layers, layerNames }: Table,
  order: readonly number[],
  keys: readonly string[],
  classes: readonly number[] | null,
  names: readonly string[] | undefined,
): Block {
  const units = layers.reduce((sum, size) => sum + size, 0);
  const column = Math.min(18, Math.max(3, 520 / Math.max(1, units)));
  const line = Math.min(12, Math.max(1.5, 420 / Math.max(1, rows.length)));
  const named = names !== undefined && line >= 8;
  const left = (named ? 70 : 0) + (classes === null ? 0 : 12);
  const top = 18;
  const parts: string[] = [];
  let active = "";
  let inactive = "";
  const bars: string[] = [];
  const bottom = top + rows.length * line;
  let x = left;
  let unit = 0;
  layers.forEach((size, l) => {
    parts.push(text(fitted(layerNames[l], size * column), x, top - 6, { size: 9.5 }));
    for (let k = 0; k < size; k++, unit++) {
      let on = 0;
      for (const [place, i] of order.entries()) {
        const cell = `M${fixed(x + 0.4)},${fixed(top + place * line)}h${fixed(column - 0.8)}v${fixed(line - (line > 4 ? 1 : 0))}h${fixed(-(column - 0.8))}z`;
        if (rows[i][unit] !== 0) {
          active += cell;
          on++;
        } else inactive += cell;
      }
      const share = rows.length === 0 ? 0 : on / rows.length;
      bars.push(
        element("rect", { x: x + 0.4, y: bottom + 8, width: column - 0.8, height: 26, fill: palette.paleGrey }) +
          element("rect", {
            x: x + 0.4,
            y: bottom + 34 - 26 * share,
            width: column - 0.8,
            height: 26 * share,
            fill: palette.blue,
          }),
      );
      x += column;
    }
    x += LAYER_GAP;
  });
  parts.push(
    element("path", { d: inactive, fill: palette.lightGrey }),
    element("path", { d: active, fill: palette.blue }),
    ...bars,
  );
  for (const [place, i] of order.entries()) {
    if (classes !== null) {
      parts.push(
        element("rect", { x: left - 9, y: top + place * line, width: 5, height: line, fill: barColour(classes[i]) }),
      );
    }
    if (named)
      parts.push(text(fitted(names[i] ?? "", 66), 64, top + place * line + line * 0.78, { size: 8.5, anchor: "end" }));
    // a rule between different patterns
    if (place > 0 && keys[order[place - 1]] !== keys[i] && line >= 3) {
      parts.push(
        element("line", {
          x1: left,
          x2: x - LAYER_GAP,
          y1: top + place * line - 0.5,
          y2: top + place * line - 0.5,
          stroke: palette.grey,
          "stroke-width": 0.5,
        }),
      );
    }
  }
  parts.push(text("share of the inputs that activate it", left, bottom + 46, { size: 9 }));
  return { width: Math.max(x, left + 180), height: bottom + 50, svg: parts.join("") };
}

const fixed = (value: number): number => Math.round(value * 100) / 100;

function fitted(name: string, width: number): string {
  const most = Math.max(3, Math.floor(width / 5.2));
  return name.length <= most ? name : `…${name.slice(name.length - most + 1)}`;
}
