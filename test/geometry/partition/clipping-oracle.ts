/**
 * The cells of a net by plain clipping in exact fractions: slow, short, and sharing nothing with the library but the
 * net's data. Polygons are lists of points; maps are composed afresh on every polygon.
 */

import { toDense } from "../../../src/pwl/blocks.js";
import type { Affine, PwlNet } from "../../../src/pwl/net.js";

/** n / d with d > 0. */
type Fraction = readonly [bigint, bigint];
type Point = readonly [Fraction, Fraction];
/** a·x + b·y + c. */
type Linear = readonly [Fraction, Fraction, Fraction];

const ZERO: Fraction = [0n, 1n];
const ONE: Fraction = [1n, 1n];

function fraction(x: number): Fraction {
  let d = 1n;
  while (!Number.isInteger(x)) {
    x *= 2;
    d *= 2n;
  }
  return [BigInt(x), d];
}
function reduce(n: bigint, d: bigint): Fraction {
  let a = n < 0n ? -n : n;
  let b = d;
  while (b !== 0n) [a, b] = [b, a % b];
  return [n / a, d / a];
}
const add = (p: Fraction, q: Fraction): Fraction => reduce(p[0] * q[1] + q[0] * p[1], p[1] * q[1]);
const multiply = (p: Fraction, q: Fraction): Fraction => reduce(p[0] * q[0], p[1] * q[1]);
const minus = (p: Fraction): Fraction => [-p[0], p[1]];
const divide = (p: Fraction, q: Fraction): Fraction =>
  q[0] > 0n ? multiply(p, [q[1], q[0]]) : multiply(p, [-q[1], -q[0]]);
const sign = ([n]: Fraction): number => (n > 0n ? 1 : n < 0n ? -1 : 0);
const toNumber = ([n, d]: Fraction): number => Number((n * 2n ** 80n) / d) / 2 ** 80;

const combine = (f: Linear, factor: Fraction, g: Linear): Linear => [
  add(f[0], multiply(factor, g[0])),
  add(f[1], multiply(factor, g[1])),
  add(f[2], multiply(factor, g[2])),
];
const constant = (t: number): Linear => [ZERO, ZERO, fraction(t)];
const at = (f: Linear, [x, y]: Point): Fraction => add(add(multiply(f[0], x), multiply(f[1], y)), f[2]);

/** A cell: the states of every layer's gates, the map of every output, its area, and its corners. */
export interface OracleCell {
  readonly key: string;
  readonly maps: string;
  readonly area: number;
  readonly corners: readonly (readonly [number, number])[];
}

/** All cells of a net with two inputs in a box. */
export function oracleCells(net: PwlNet, box: readonly (readonly [number, number])[]): OracleCell[] {
  const [[x0, x1], [y0, y1]] = box.map((interval) => interval.map(fraction));
  const cells: OracleCell[] = [];
  const identity: Linear[] = [
    [ONE, ZERO, ZERO],
    [ZERO, ONE, ZERO],
  ];
  const corners: Point[] = [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
  descend(corners, [identity], []);
  return cells;

  function descend(polygon: Point[], sources: Linear[][], states: number[][]): void {
    const layer = net.layers[sources.length - 1];
    if (layer === undefined) {
      const maps = affine(net.output, sources);
      cells.push({
        key: states.map((layerStates) => layerStates.join("")).join(" "),
        maps: maps.map((f) => f.map(([n, d]) => `${n}/${d}`).join(",")).join(";"),
        area: toNumber(area(polygon)),
        corners: polygon.map(([x, y]) => [toNumber(x), toNumber(y)] as const),
      });
      return;
    }
    const z = affine(layer.argument, sources);
    let parts: { polygon: Point[]; states: number[]; values: Linear[] }[] = [{ polygon, states: [], values: [] }];
    const gates = layer.kind === "hinge" ? z.length : layer.starts.length - 1;
    for (let gate = 0; gate < gates; gate++) {
      parts = parts.flatMap((part) => {
        if (layer.kind === "hinge") {
          const t = constant(layer.threshold[gate]);
          const f = combine(z[gate], minus(ONE), t);
          return [0, 1].map((state) => ({
            polygon: clip(part.polygon, state === 1 ? f : combine([ZERO, ZERO, ZERO], minus(ONE), f), state === 0),
            states: [...part.states, state],
            values: [...part.values, combine(t, fraction((state === 1 ? layer.hi : layer.lo)[gate]), f)],
          }));
        }
        const start = layer.starts[gate];
        return Array.from({ length: layer.starts[gate + 1] - start }, (_, state) => {
          let winners = part.polygon;
          for (let other = 0; other < layer.starts[gate + 1] - start; other++) {
            if (other === state) continue;
            winners = clip(winners, combine(z[start + state], minus(ONE), z[start + other]), other > state);
          }
          return { polygon: winners, states: [...part.states, state], values: [...part.values, z[start + state]] };
        });
      });
      parts = parts.filter((part) => part.polygon.length > 0);
    }
    for (const part of parts) descend(part.polygon, [...sources, part.values], [...states, part.states]);
  }
}

function affine({ size, terms, bias }: Affine, sources: Linear[][]): Linear[] {
  const dense = terms.map(({ source, block }) => ({ source, block, values: toDense(block) }));
  return Array.from({ length: size }, (_, i) => {
    let f = constant(bias[i]);
    for (const { source, block, values } of dense) {
      for (let j = 0; j < block.columns; j++) {
        const weight = values[i * block.columns + j];
        if (weight !== 0) f = combine(f, fraction(weight), sources[source][j]);
      }
    }
    return f;
  });
}

/** The part of a polygon where f > 0, closed; empty if it has no interior. Where f is 0 throughout: all iff `keepZero`. */
function clip(polygon: Point[], f: Linear, keepZero: boolean): Point[] {
  const values = polygon.map((point) => at(f, point));
  const signs = values.map(sign);
  if (!signs.includes(1)) return keepZero && !signs.includes(-1) ? polygon : [];
  return polygon.flatMap((p, k) => {
    const next = (k + 1) % polygon.length;
    const kept = signs[k] >= 0 ? [p] : [];
    if (signs[k] * signs[next] >= 0) return kept;
    const part = divide(values[k], add(values[k], minus(values[next])));
    const q = polygon[next];
    const between = (a: Fraction, b: Fraction) => add(a, multiply(part, add(b, minus(a))));
    return [...kept, [between(p[0], q[0]), between(p[1], q[1])] as const];
  });
}

function area(polygon: Point[]): Fraction {
  let doubled: Fraction = ZERO;
  polygon.forEach(([x, y], k) => {
    const [u, v] = polygon[(k + 1) % polygon.length];
    doubled = add(doubled, add(multiply(x, v), minus(multiply(u, y))));
  });
  return divide(doubled, [2n, 1n]);
}
