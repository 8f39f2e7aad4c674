/**
 * The straightforward baseline: polygons as lists of points, clipped by every unit's line in turn, every map a fresh
 * product of matrices, signs by float alone. What one writes first; it counts, finds no neighbours, proves nothing.
 */

import type { DenseBlock, PwlNet } from "../../src/pwl/net.js";

type Point = readonly [number, number];
/** a·x + b·y + c. */
type Row = readonly [number, number, number];

/** The number of cells of a dense ReLU net with two inputs in a box. */
export function plainCellCount(net: PwlNet, box: readonly (readonly number[])[]): number {
  const [[x0, x1], [y0, y1]] = box;
  const corners: Point[] = [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
  const identity: Row[] = [
    [1, 0, 0],
    [0, 1, 0],
  ];
  let cells = 0;
  descend(corners, identity, 0);
  return cells;

  function descend(polygon: Point[], inputs: Row[], layer: number): void {
    if (layer === net.layers.length) {
      cells++;
      return;
    }
    const { argument } = net.layers[layer];
    const rows = product(argument.terms[0].block as DenseBlock, argument.bias, inputs);
    let parts = [{ polygon, outputs: [] as Row[] }];
    for (const row of rows) {
      parts = parts.flatMap((part) => {
        const values = part.polygon.map(([x, y]) => row[0] * x + row[1] * y + row[2]);
        const positive = values.some((value) => value > 0);
        const negative = values.some((value) => value < 0);
        const active = { outputs: [...part.outputs, row] };
        const inactive = { outputs: [...part.outputs, [0, 0, 0] as const] };
        if (!positive) return [{ polygon: part.polygon, ...inactive }];
        if (!negative) return [{ polygon: part.polygon, ...active }];
        return [
          { polygon: clip(part.polygon, values, 1), ...active },
          { polygon: clip(part.polygon, values, -1), ...inactive },
        ];
      });
    }
    for (const part of parts) descend(part.polygon, part.outputs, layer + 1);
  }
}

function product({ rows, columns, values }: DenseBlock, bias: Float64Array, inputs: readonly Row[]): Row[] {
  return Array.from({ length: rows }, (_, i) => {
    let a = 0;
    let b = 0;
    let c = bias[i];
    for (let j = 0; j < columns; j++) {
      const weight = values[i * columns + j];
      a += weight * inputs[j][0];
      b += weight * inputs[j][1];
      c += weight * inputs[j][2];
    }
    return [a, b, c] as const;
  });
}

function clip(polygon: readonly Point[], values: readonly number[], sign: number): Point[] {
  return polygon.flatMap((p, k) => {
    const next = (k + 1) % polygon.length;
    const kept = sign * values[k] >= 0 ? [p] : [];
    if (values[k] * values[next] >= 0) return kept;
    const part = values[k] / (values[k] - values[next]);
    const q = polygon[next];
    return [...kept, [p[0] + part * (q[0] - p[0]), p[1] + part * (q[1] - p[1])] as const];
  });
}
