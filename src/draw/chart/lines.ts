import { DrawError } from "../../base/errors.js";
import { row } from "../../pwl/blocks.js";
import type { Box } from "../../pwl/box.js";
import type { HingeLayer, PwlNet } from "../../pwl/net.js";
import { palette } from "../palette.js";
import type { Panel } from "./panel.js";
import { around, overlap, type Rectangle } from "./place.js";
import { element, type Point, pathThrough, text } from "./svg.js";

/** The hinges that read the input first; null in a net without gates. */
export function firstLayer(net: PwlNet, where: string, option: string): HingeLayer | null {
  const layer = net.layers.at(0) ?? null;
  if (layer !== null && layer.kind !== "hinge") {
    throw new DrawError(
      `${where}: the net's first layer chooses maxima, whose creases have no weight vector; pass ${option}: false`,
    );
  }
  return layer;
}

/** One unit's line w · x + b = 0. */
interface Line {
  readonly unit: number;
  readonly w: Point;
  readonly b: number;
}

/** A line as it is drawn, in pixels. */
export interface DrawnLine extends Line {
  readonly ends: readonly [Point, Point];
  /** Unit vector perpendicular to the line, on the side where the unit is active. */
  readonly towards: Point;
}

const SHADE = 11;
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

const subscript = (n: number): string => [...String(n)].map((digit) => SUBSCRIPTS[Number(digit)]).join("");

/** The creases of the first layer that cross the box. */
export function linesIn(panel: Panel, layer: HingeLayer, box: Box): DrawnLine[] {
  return linesOf(layer).flatMap((line) => {
    const ends = clipLine(line, box);
    if (ends === null) return [];
    const [p, q] = ends.map(panel.at);
    return [{ ...line, ends: [p, q], towards: activeNormal(panel, line, ends[0], p, q) }];
  });
}

export function drawCrease(panel: Panel, { ends: [p, q], towards: [dx, dy] }: DrawnLine): void {
  // the shade is drawn beyond the box, which clips it, so that it has no ends inside
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
  const along: Point = [(40 * (q[0] - p[0])) / length, (40 * (q[1] - p[1])) / length];
  const from: Point = [p[0] - along[0], p[1] - along[1]];
  const to: Point = [q[0] + along[0], q[1] + along[1]];
  const shade: Point[] = [
    from,
    to,
    [to[0] + SHADE * dx, to[1] + SHADE * dy],
    [from[0] + SHADE * dx, from[1] + SHADE * dy],
  ];
  panel.add(element("path", { d: pathThrough(shade, true), fill: palette.black, opacity: 0.1 }));
  panel.add(element("path", { d: pathThrough([from, to]), stroke: palette.black, "stroke-width": 1.2, opacity: 0.75 }));
}

/** Where the arrow may stand on its crease, nearest to the wish first. */
const PLACES = [0, 0.12, -0.12, 0.24, -0.24, 0.36, -0.36];
const NAME = { size: 10, height: 11 };

/**
 * Weight vectors as arrows from their creases, with their names where asked for. An arrow moves along its crease until its
 * tip is in the plot and its name meets no other; a name for which there is no place is left out.
 *
 * @returns what they cover
 */
export function drawWeights(panel: Panel, lines: readonly DrawnLine[], labels = lines.length <= 12): Rectangle[] {
  const largest = Math.max(...lines.map(({ b }) => Math.abs(b)), Number.MIN_VALUE);
  const covered: Rectangle[] = [];
  const names: string[] = [];
  for (const line of lines) {
    const length = 14 + 40 * (Math.abs(line.b) / largest);
    const places = PLACES.map((shift) => arrowOn(line, length, shift));
    const inside = places.filter(({ tip }) => isInside(panel, around(tip, 2, 2)));
    const chosen = (labels ? [...inside, ...places] : [])
      .flatMap((place) => namePlaces(line, place).map((name) => ({ ...place, name })))
      .find(
        ({ cover, name }) =>
          isInside(panel, name) &&
          ![...covered, ...cover].some((other) => overlap(name, other)) &&
          !meets(cover, covered),
      );
    const { base, tip, cover } = chosen ?? inside.at(0) ?? places[0];
    panel.add(arrow(base, tip, line.towards));
    covered.push(...cover);
    if (chosen === undefined) continue;
    const { left, right, bottom } = chosen.name;
    covered.push(chosen.name);
    names.push(
      text(`W${subscript(line.unit + 1)}`, (left + right) / 2, bottom - 2.5, {
        size: NAME.size,
        fill: palette.black,
        anchor: "middle",
        style: "italic",
        halo: true,
      }),
    );
  }
  panel.add(...names);
  return covered;
}

interface ArrowPlace {
  readonly base: Point;
  readonly tip: Point;
  /** Small squares along the arrow. */
  readonly cover: readonly Rectangle[];
}

/** An arrow on its crease: near the middle, a little shifted from unit to unit, so that arrows do not meet. */
function arrowOn({ unit, ends: [p, q], towards: [dx, dy] }: DrawnLine, length: number, shift: number): ArrowPlace {
  const wish = 0.5 + 0.22 * Math.sin(unit * 2.399963) + shift;
  const share = wish > 0.95 ? wish - 0.84 : wish < 0.05 ? wish + 0.84 : wish;
  const base: Point = [p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])];
  const along = (distance: number): Point => [base[0] + distance * dx, base[1] + distance * dy];
  const count = Math.ceil(length / 6);
  const cover = Array.from({ length: count + 1 }, (_, k) => around(along((length * k) / count), 7, 7));
  return { base, tip: along(length), cover };
}

/** Where a name may stand: beyond the tip, beside it, or behind the crease. */
function namePlaces({ unit, towards: [dx, dy] }: DrawnLine, { base, tip }: ArrowPlace): Rectangle[] {
  const width = NAME.size * (1 + 0.48 * String(unit + 1).length);
  const beside = ([x, y]: Point, [ux, uy]: Point): Rectangle => {
    const distance = (Math.abs(ux) * width + Math.abs(uy) * NAME.height) / 2 + 5;
    return around([x + distance * ux, y + distance * uy], width, NAME.height);
  };
  const neck: Point = [tip[0] - 5 * dx, tip[1] - 5 * dy];
  return [beside(tip, [dx, dy]), beside(neck, [-dy, dx]), beside(neck, [dy, -dx]), beside(base, [-dx, -dy])];
}

const meets = (some: readonly Rectangle[], others: readonly Rectangle[]): boolean =>
  some.some((one) => others.some((other) => overlap(one, other)));

const isInside = ({ width, height }: Panel, { left, right, top, bottom }: Rectangle): boolean =>
  left >= 0 && top >= 0 && right <= width && bottom <= height;

/** Units whose weights are all 0 have no line. */
function linesOf({ argument, threshold }: HingeLayer): Line[] {
  const lines: Line[] = [];
  for (let unit = 0; unit < argument.size; unit++) {
    const w: [number, number] = [0, 0];
    for (const { block } of argument.terms) {
      const { indices, values } = row(block, unit);
      indices.forEach((j, k) => {
        w[j] += values[k];
      });
    }
    if (w[0] !== 0 || w[1] !== 0) lines.push({ unit, w, b: argument.bias[unit] - threshold[unit] });
  }
  return lines;
}

/** The segment of a line in a box, null where it misses it. */
function clipLine({ w: [a, c], b }: Line, [[x0, x1], [y0, y1]]: Box): [Point, Point] | null {
  const found: Point[] = [];
  const add = (x: number, y: number): void => {
    const inside = x >= x0 && x <= x1 && y >= y0 && y <= y1;
    if (inside && !found.some(([u, v]) => u === x && v === y)) found.push([x, y]);
  };
  if (c !== 0) for (const x of [x0, x1]) add(x, -(a * x + b) / c);
  if (a !== 0) for (const y of [y0, y1]) add(-(c * y + b) / a, y);
  return found.length < 2 ? null : [found[0], found[1]];
}

/** Unit normal of the drawn line, on the side where the unit is active. */
function activeNormal(panel: Panel, { w }: Line, at: Point, p: Point, q: Point): Point {
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
  const normal: Point = [-(q[1] - p[1]) / length, (q[0] - p[0]) / length];
  const further = panel.at([at[0] + w[0], at[1] + w[1]]);
  const side = (further[0] - p[0]) * normal[0] + (further[1] - p[1]) * normal[1];
  return side >= 0 ? normal : [-normal[0], -normal[1]];
}

function arrow(from: Point, to: Point, [dx, dy]: Point): string {
  const base: Point = [to[0] - 7 * dx, to[1] - 7 * dy];
  const head: Point[] = [to, [base[0] - 3.6 * dy, base[1] + 3.6 * dx], [base[0] + 3.6 * dy, base[1] - 3.6 * dx]];
  return (
    element("path", { d: pathThrough([from, base]), stroke: palette.purple, "stroke-width": 2 }) +
    element("path", { d: pathThrough(head, true), fill: palette.purple })
  );
}
