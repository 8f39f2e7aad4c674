import type { ContestantName } from "./child.js";
import type { Measurement, MeasurementGroup } from "./measure.js";
import type { Row } from "./rows.js";
import { type Spread, spreadOf } from "./statistics.js";

export interface Comparison {
  readonly peer: ContestantName;
  readonly milliseconds: Spread;
  /** The peer's time divided by ours, of each round; more than 1: we are faster. */
  readonly ratio: Spread;
  readonly aim: number | null;
}

/** One row's figures. `milliseconds` is null where ours is not there. */
export interface Result {
  readonly id: string;
  readonly title: string;
  readonly ours: ContestantName;
  readonly milliseconds: Spread | null;
  readonly against: readonly Comparison[];
  readonly notes: readonly string[];
}

/** Figures of a row out of the measurements of its work. */
export function compare(row: Row, { measured, skipped }: MeasurementGroup): Result {
  const major = Number(process.versions.node.split(".")[0]);
  const find = (name: string): Measurement | undefined => measured.find((one) => one.name === name);
  const ours = find(row.ours);
  const names = [row.ours, ...Object.keys(row.peers)];
  const against = (Object.entries(row.peers) as [ContestantName, Row["peers"][ContestantName]][]).flatMap(
    ([peer, aims]) => {
      const theirs = find(peer);
      if (ours === undefined || theirs === undefined) return [];
      const ratio = spreadOf(theirs.rounds.map((time, round) => time / ours.rounds[round]));
      const aim = aims === null || aims === undefined ? null : aims[major >= 24 ? 1 : 0];
      return [{ peer, milliseconds: theirs.milliseconds, ratio, aim }];
    },
  );
  const notes = skipped.filter(({ name }) => names.includes(name)).map(({ name, reason }) => `${name}: ${reason}`);
  return { id: row.id, title: row.title, ours: row.ours, milliseconds: ours?.milliseconds ?? null, against, notes };
}

function significant(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** A time with its unit and the distance of its quartiles: "51.2 µs ±3%". */
export function formatTime({ median, lower, upper }: Spread): string {
  const [scale, unit] = median < 1 ? [1000, "µs"] : median < 1000 ? [1, "ms"] : [0.001, "s"];
  return `${significant(median * scale)} ${unit} ±${((50 * (upper - lower)) / median).toFixed(0)}%`;
}

function formatRatio({ median, lower, upper }: Spread): string {
  return `${significant(median)} [${significant(lower)}, ${significant(upper)}]`;
}

/** The table as Markdown: one line for each peer. */
export function formatTable(results: readonly Result[]): string {
  const header = ["work", "ours", "our time", "peer", "its time", "ratio [quartiles]", "aim"];
  const lines = results.flatMap(({ title, ours, milliseconds, against }) =>
    milliseconds === null
      ? []
      : against.map(({ peer, milliseconds: theirs, ratio, aim }, i) => [
          i === 0 ? title : "",
          i === 0 ? ours : "",
          i === 0 ? formatTime(milliseconds) : "",
          peer,
          formatTime(theirs),
          formatRatio(ratio),
          aim === null ? "" : `${aim}${ratio.median >= aim ? " ✓" : ""}`,
        ]),
  );
  const widths = header.map((_, column) => Math.max(...[header, ...lines].map((line) => line[column].length)));
  const format = (line: readonly string[]) => `| ${line.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [format(header), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...lines.map(format)].join(
    "\n",
  );
}
