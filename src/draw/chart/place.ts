import type { Point } from "./svg.js";

/** Where texts may stand: rectangles in pixels, along the axes. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function around([x, y]: Point, width: number, height: number): Rectangle {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

export function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * The middle of a rectangle that lies inside a convex polygon x, y, x, y, …; null where none does. The middles of all that
 * do are the polygon with each side moved inwards by the rectangle's reach in that direction.
 *
 * @param wish is taken where it will do
 */
export function placeInside(polygon: readonly number[], width: number, height: number, wish: Point): Point | null {
  const n = polygon.length / 2;
  const at = (k: number): Point => [polygon[2 * (k % n)], polygon[2 * (k % n) + 1]];
  let area = 0;
  for (let k = 0; k < n; k++) {
    const [[x, y], [u, v]] = [at(k), at(k + 1)];
    area += x * v - u * y;
  }
  const turn = Math.sign(area);
  if (turn === 0) return null;
  let middles = Array.from({ length: n }, (_, k) => at(k));
  let wishFits = true;
  for (let k = 0; k < n && middles.length > 0; k++) {
    const [[x, y], [u, v]] = [at(k), at(k + 1)];
    // (a, b) points inwards, as long as the side
    const [a, b] = [-turn * (v - y), turn * (u - x)];
    const reach = (Math.abs(a) * width + Math.abs(b) * height) / 2;
    const inside = ([s, t]: Point): number => a * (s - x) + b * (t - y) - reach;
    wishFits &&= inside(wish) >= 0;
    middles = halfPlane(middles, inside);
  }
  if (middles.length === 0) return null;
  if (wishFits) return wish;
  const mean = (axis: 0 | 1): number => middles.reduce((sum, point) => sum + point[axis], 0) / middles.length;
  return [mean(0), mean(1)];
}

/** The part of a convex polygon where an affine function is at least 0. */
function halfPlane(polygon: readonly Point[], inside: (point: Point) => number): Point[] {
  return polygon.flatMap((from, k) => {
    const to = polygon[(k + 1) % polygon.length];
    const [a, b] = [inside(from), inside(to)];
    const kept: Point[] = a >= 0 ? [from] : [];
    if (a >= 0 !== b >= 0) {
      const share = a / (a - b);
      kept.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
    }
    return kept;
  });
}
