import { DrawError } from "../base/errors.js";
import type { GateReading } from "./gates.js";

/**
 * Which units of a gate are active, as a strip of characters, one cell per unit, so that the DOT text shows it in any
 * Graphviz; `render` paints the cells.
 */
export const glyphs = {
  active: "■",
  inactive: "□",
  /** Active for 1/8 to 7/8 of the inputs. */
  shares: "▁▂▃▄▅▆▇",
  /** The first or the second of two arguments wins. */
  first: "◧",
  second: "◨",
  flipped: "▲",
  same: "·",
  /** Between the channels of an image. */
  gap: "\u2003",
} as const;

/** Whether a line of a label is a strip, and nothing else. */
export const STRIP_LINE = /^[■□▁▂▃▄▅▆▇◧◨▲·\u2003]+$/u;

/** Cells in a row of a strip, and at most in a strip: beyond, one cell stands for several units. */
const ROW = 16;
const WIDE_ROW = 32;
const MOST_CELLS = 256;

/** How a gate is drawn: framed by what its units do. */
export type Activity = "active" | "inactive" | "mixed";

export interface GateLabel {
  readonly lines: readonly string[];
  readonly activity: Activity;
}

/** The lines of a gate's label; two inputs are compared, more are counted. */
export function gateLabel(reading: GateReading, other: GateReading | null): GateLabel {
  const pair = other !== null ? pairOf(reading, other) : reading.batch === 2 ? splitBatch(reading) : null;
  const activity = activityOf(other === null ? [reading] : [reading, other]);
  if (pair !== null) return { lines: pairLines(reading, pair[0], pair[1]), activity };
  return { lines: [countLine(reading), ...cells(reading, shareOf(reading))], activity };
}

function activityOf(readings: readonly GateReading[]): Activity {
  if (readings.some(({ kind }) => kind === "choice")) return "mixed";
  const states = readings.flatMap((reading) => Array.from(reading.states));
  if (states.every((state) => state === 1)) return "active";
  return states.every((state) => state === 0) ? "inactive" : "mixed";
}

function countLine({ kind, states, units, batch, choices, winners }: GateReading): string {
  if (winners !== null) {
    return `${winners.count} of ${winners.of} win, ${units * batch} × best of ${choices}`;
  }
  const active = states.reduce((count, state) => count + (state === (kind === "hinge" ? 1 : 0) ? 1 : 0), 0);
  const what = kind === "hinge" ? "active" : "first wins";
  if (batch === 1) return `${active} of ${units} ${what}`;
  const perUnit = unitCounts(states, units, batch, kind === "hinge" ? 1 : 0);
  const always = perUnit.filter((count) => count === batch).length;
  const never = perUnit.filter((count) => count === 0).length;
  return `${Math.round((100 * active) / states.length)}% ${what}, of ${units} units ${always} always, ${never} never`;
}

/** For how many inputs of the batch each unit is in a state. */
function unitCounts(states: Int32Array, units: number, batch: number, state: number): number[] {
  const counts = new Array<number>(units).fill(0);
  for (let b = 0; b < batch; b++) for (let u = 0; u < units; u++) if (states[b * units + u] === state) counts[u]++;
  return counts;
}

/** Each unit's cell: from 0 (inactive) to 1 (active), or null for a winner, which `cells` writes otherwise. */
function shareOf({ kind, states, units, batch }: GateReading): number[] {
  return unitCounts(states, units, batch, kind === "hinge" ? 1 : 0).map((count) => count / batch);
}

function cells(reading: GateReading, shares: readonly number[]): string[] {
  if (reading.winners !== null) return winnerLines(reading);
  const twoSided = reading.kind === "choice" && reading.batch === 1;
  const { row, perCell } = rowOf(reading);
  const grouped = group(shares, perCell);
  const text = grouped.map((share) =>
    twoSided && (share === 0 || share === 1) ? (share === 1 ? glyphs.first : glyphs.second) : shareGlyph(share),
  );
  const lines = isImage(reading) ? imageLines(text, reading) : wrap(text, row);
  return perCell > 1 ? [...lines, `one cell: ${perCell} units`] : lines;
}

/** Winners' indices as numbers, where they are few. */
function winnerLines({ states }: GateReading): string[] {
  if (states.length > 32) return [];
  return wrap(
    Array.from(states, (state) => `${state} `),
    ROW,
  ).map((line) => line.trimEnd());
}

function shareGlyph(share: number): string {
  if (share === 0) return glyphs.inactive;
  if (share === 1) return glyphs.active;
  return glyphs.shares[Math.min(6, Math.max(0, Math.round(share * 8) - 1))];
}

/** Units in rows of 16 or 32; the channels of an image side by side, each with its own rows, where these fit. */
function rowOf({ units }: GateReading): { row: number; perCell: number } {
  return { row: units > 64 ? WIDE_ROW : ROW, perCell: Math.ceil(units / MOST_CELLS) };
}

/** Whether the units are images that are drawn as such: [channels, height, width]. */
function isImage({ units, unitShape }: GateReading): boolean {
  const [channels, height, width] = unitShape;
  return unitShape.length === 3 && units <= MOST_CELLS && width <= WIDE_ROW && height > 1 && channels > 0;
}

/** As many channels beside each other as fit, row by row. */
function imageLines(cells: readonly string[], { unitShape }: GateReading): string[] {
  const [channels, height, width] = unitShape;
  const beside = Math.max(1, Math.floor((WIDE_ROW + 4) / (width + 1)));
  const lines: string[] = [];
  for (let first = 0; first < channels; first += beside) {
    if (first > 0) lines.push(glyphs.gap);
    for (let r = 0; r < height; r++) {
      const parts: string[] = [];
      for (let c = first; c < Math.min(first + beside, channels); c++) {
        const start = (c * height + r) * width;
        parts.push(cells.slice(start, start + width).join(""));
      }
      lines.push(parts.join(glyphs.gap));
    }
  }
  return lines;
}

function group(shares: readonly number[], size: number): readonly number[] {
  if (size === 1) return shares;
  return Array.from({ length: Math.ceil(shares.length / size) }, (_, i) => {
    const part = shares.slice(i * size, (i + 1) * size);
    return part.reduce((sum, share) => sum + share, 0) / part.length;
  });
}

function wrap(cells: readonly string[], row: number): string[] {
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += row) lines.push(cells.slice(i, i + row).join(""));
  return lines;
}

function pairOf(a: GateReading, b: GateReading): [Int32Array, Int32Array] {
  if (a.states.length !== b.states.length || a.kind !== b.kind) {
    throw new DrawError(
      `toDot: the gate ${a.node.op?.name} (%${a.node.id}) has ${a.states.length} units, in the graph to compare ${b.states.length}; trace the same function on inputs of the same shape`,
    );
  }
  return [a.states, b.states];
}

function splitBatch({ states, units }: GateReading): [Int32Array, Int32Array] {
  return [states.subarray(0, units), states.subarray(units)];
}

/** Both inputs row below row, with a mark under each unit that differs. */
function pairLines(reading: GateReading, a: Int32Array, b: Int32Array): string[] {
  let flips = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) flips++;
  const counted =
    reading.kind === "hinge"
      ? `${count(a)} and ${count(b)} of ${a.length} active, ${flips} flip`
      : `${flips} of ${a.length} choose another`;
  if (a.length > MOST_CELLS || reading.winners !== null) return [counted];
  const [on, off] = reading.kind === "hinge" ? [glyphs.active, glyphs.inactive] : [glyphs.second, glyphs.first];
  const glyph = (state: number): string => (state === 0 ? off : on);
  const { row } = rowOf(reading);
  const lines = [counted];
  for (let i = 0; i < a.length; i += row) {
    const end = Math.min(i + row, a.length);
    const range = Array.from({ length: end - i }, (_, k) => i + k);
    lines.push(range.map((k) => glyph(a[k])).join(""), range.map((k) => glyph(b[k])).join(""));
    lines.push(range.map((k) => (a[k] === b[k] ? glyphs.same : glyphs.flipped)).join(""));
  }
  return lines;
}

const count = (states: Int32Array): number => states.reduce((sum, state) => sum + (state === 1 ? 1 : 0), 0);
