import { palette } from "../palette.js";
import { element, type Point, pathThrough } from "./svg.js";

/** How a data point looks; the hollow ones are white inside. */
export type Mark = "circle" | keyof typeof outlines | "ring" | "hollow triangle" | "hollow square" | "hollow diamond";

/** Corners of the marks, about as large as a circle of radius 1. */
const outlines = {
  triangle: [0, -1.25, 1.25, 1, -1.25, 1],
  square: [-0.95, -0.95, 0.95, -0.95, 0.95, 0.95, -0.95, 0.95],
  diamond: [0, -1.4, 1.2, 0, 0, 1.4, -1.2, 0],
  "triangle down": [0, 1.25, 1.25, -1, -1.25, -1],
  plus: cross(0),
  star: Array.from({ length: 10 }, (_, i) => turned([0, i % 2 === 0 ? -1.6 : -0.65], (i * Math.PI) / 5)).flat(),
  cross: cross(Math.PI / 4),
} as const satisfies Readonly<Record<string, readonly number[]>>;

function turned([x, y]: Point, angle: number): Point {
  return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];
}

/** Two bars across each other. */
function cross(angle: number): number[] {
  const [arm, half] = [1.45, 0.48];
  const corners: Point[] = [
    [half, -half],
    [half, -arm],
    [-half, -arm],
  ];
  return [0, 1, 2, 3].flatMap((k) => corners.flatMap((corner) => turned(corner, angle - (k * Math.PI) / 2)));
}

const marks: readonly Mark[] = [
  ...(["circle", "triangle", "square", "diamond", "triangle down", "plus", "star", "cross"] as const),
  ...(["ring", "hollow triangle", "hollow square", "hollow diamond"] as const),
];

const hues = [
  ...[palette.blue, palette.vermilion, palette.green, palette.purple],
  ...[palette.skyBlue, palette.orange, palette.black, palette.yellow],
];

/** Classes that can be told apart: twelve by their mark, eight by their colour, these by both. */
export const MOST_CLASSES = 20;

export const classMark = (one: number): Mark => marks[one % marks.length];

export const classColour = (one: number): string => hues[one % hues.length];

/** The ground of a class: its colour, much lighter; where the colours begin anew, less so. */
export function classGround(one: number): string {
  const share = 0.28 + 0.24 * Math.floor(one / hues.length);
  return mixed(classColour(one), share);
}

/** A share of a colour on white. */
export function mixed(colour: string, share: number): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `#${channels
    .map((channel) =>
      Math.round(255 - share * (255 - channel))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/** A mark around (x, y), with a rim that sets it off from what lies below. */
export function drawMark(mark: Mark, [x, y]: Point, r: number, colour: string): string {
  const name = mark === "ring" ? "circle" : mark.replace("hollow ", "");
  const hollow = mark === "ring" || mark.startsWith("hollow");
  const rim = colour === palette.yellow ? palette.darkGrey : palette.white;
  const look = hollow
    ? { fill: palette.white, stroke: colour, "stroke-width": 0.5 * r }
    : { fill: colour, stroke: rim, "stroke-width": 0.8 };
  if (name === "circle") return element("circle", { cx: x, cy: y, r, ...look });
  const corners = outlines[name as keyof typeof outlines];
  const points = Array.from(
    { length: corners.length / 2 },
    (_, k): Point => [x + r * corners[2 * k], y + r * corners[2 * k + 1]],
  );
  return element("path", { d: pathThrough(points, true), ...look });
}
