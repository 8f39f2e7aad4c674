import { ShapeError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { Tensor } from "../graph/tensor.js";
import { divergingColour, shortNumber } from "./chart/bands.js";
import { type Block, figure } from "./chart/figure.js";
import { numbersOf, type Rows, rowsOf } from "./chart/points.js";
import { element, text, textWidth } from "./chart/svg.js";
import { palette } from "./palette.js";
import { titled } from "./plot-lines.js";

export interface AffineRowsOptions {
  /** Height and width of a row as an image. Default: the last two axes of the tensor, else one line. */
  readonly shape?: readonly [height: number, width: number];
  readonly names?: readonly string[];
  /** The offsets, written under the rows. */
  readonly b?: ArrayLike<number> | Tensor;
  /** Images beside each other; default 5. */
  readonly columns?: number;
  /** Pixels of one number; default 4, or what makes an image 96 wide. */
  readonly cell?: number;
  readonly title?: string;
  readonly caption?: string;
}

const OPTIONS = {
  ...{ shape: "an array", names: "an array", b: "anything", columns: "a whole number of at least 1" },
  ...{ cell: "a finite number above 0", title: "a text", caption: "a text" },
} satisfies OptionKinds;
const STEPS = 12;

/**
 * The rows of a matrix as images on one scale, blue negative, red positive, white 0: for a classifier read by `linearize`,
 * what each class's score looks for around this input. A is [rows, n], or [rows, ...image]. SVG.
 */
export function plotAffineRows(A: Rows, options: AffineRowsOptions = {}): string {
  checkOptions(options, OPTIONS, "plotAffineRows");
  const rows = A instanceof Tensor ? flattenedRows(A) : rowsOf(A, "plotAffineRows");
  const size = rows[0]?.length ?? 0;
  if (size === 0) throw new ShapeError("plotAffineRows: there are no numbers to draw; pass rows [rows, n]");
  const [height, width] = options.shape ?? imageShape(A) ?? [1, size];
  if (height * width !== size) {
    throw new ShapeError(
      `plotAffineRows: a row has ${size} numbers, an image of ${height} × ${width} has ${height * width}; give shape: [height, width]`,
    );
  }
  const cell = options.cell ?? Math.max(1, Math.min(24, 96 / width));
  const largest = Math.max(...rows.map((one) => Math.max(...one.map(Math.abs))), Number.MIN_VALUE);
  const b = options.b === undefined ? null : numbersOf(options.b, "plotAffineRows: b");
  if (b !== null && b.length !== rows.length) {
    throw new ShapeError(`plotAffineRows: ${rows.length} rows, but ${b.length} offsets b; give one for each row`);
  }
  const blocks = rows.map((values, i): Block => {
    const name = options.names?.[i] ?? `row ${i}`;
    const offset = b === null ? "" : ` b = ${b[i] > 0 ? "+" : ""}${shortNumber(b[i], 3)}`;
    // name and offset beside each other, the name in bold
    const head = Math.max(width * cell, 1.15 * textWidth(name, 10.5) + textWidth(offset, 9) + 4);
    return {
      width: Math.max(head, 60),
      height: height * cell + 20,
      svg:
        text(name, 0, 10, { size: 10.5, fill: palette.black, weight: "bold" }) +
        (offset === "" ? "" : text(offset, head, 10, { size: 9, anchor: "end" })) +
        element(
          "g",
          { transform: "translate(0 16)", "shape-rendering": "crispEdges" },
          image(values, width, cell, largest),
        ) +
        element("rect", {
          x: 0,
          y: 16,
          width: width * cell,
          height: height * cell,
          fill: "none",
          stroke: palette.lightGrey,
        }),
    };
  });
  const scale = scaleBlock(largest);
  return figure(
    [...blocks, scale],
    titled(options.title, options.caption),
    [],
    Math.min(options.columns ?? 5, blocks.length),
  );
}

function flattenedRows(A: Tensor): number[][] {
  const n = A.shape[0] ?? 1;
  const values = A.data;
  const size = values.length / n;
  return Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * size, (i + 1) * size)));
}

function imageShape(A: Rows): [number, number] | null {
  if (!(A instanceof Tensor) || A.ndim < 3) return null;
  const width = A.shape[A.ndim - 1];
  return [A.size / A.shape[0] / width, width];
}

/** All cells of a colour are one path. */
function image(values: readonly number[], width: number, cell: number, largest: number): string {
  const paths = new Map<number, string>();
  values.forEach((value, k) => {
    const step = Math.round((value / largest) * STEPS);
    if (step === 0) return;
    const [x, y] = [(k % width) * cell, Math.floor(k / width) * cell];
    const side = Math.round(cell * 100) / 100;
    paths.set(
      step,
      `${paths.get(step) ?? ""}M${Math.round(x * 100) / 100},${Math.round(y * 100) / 100}h${side}v${side}h${-side}z`,
    );
  });
  return [...paths].map(([step, d]) => element("path", { d, fill: divergingColour(step / STEPS) })).join("");
}

function scaleBlock(largest: number): Block {
  const side = 8;
  const cells = Array.from({ length: 2 * STEPS + 1 }, (_, i) =>
    element("rect", { x: 30 + i * 4, y: 4, width: 4, height: side, fill: divergingColour((i - STEPS) / STEPS) }),
  );
  const label = shortNumber(largest, 2);
  return {
    width: 170,
    height: 18,
    svg:
      element("g", { "shape-rendering": "crispEdges" }, ...cells) +
      text(`−${label}`, 26, 11.5, { size: 9, anchor: "end" }) +
      text(label, 30 + 4 * (2 * STEPS + 1) + 4, 11.5, { size: 9 }),
  };
}
