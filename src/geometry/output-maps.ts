/** One output's affine function on every cell of a partition: the float cache, its error, and exact comparison. */

import type { ExactLine } from "../exact/homogeneous.js";
import { AffineCursor, errorOf } from "./affine-cursor.js";
import type { Partition } from "./partition.js";

/** a·s + b·t + c on cell i is `a[i]`, `b[i]`, `c[i]`, off by at most `error[i]` anywhere in the box. */
export interface OutputMaps {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly error: Float64Array;
}

const caches = new WeakMap<Partition, Map<number, OutputMaps>>();

/** The maps of one output on every cell; computed once, in one walk over the cells. */
export function outputMaps(partition: Partition, output: number): OutputMaps {
  let known = caches.get(partition);
  if (known === undefined) {
    known = new Map();
    caches.set(partition, known);
  }
  let maps = known.get(output);
  if (maps === undefined) {
    maps = walk(partition, output);
    known.set(output, maps);
  }
  return maps;
}

function walk(partition: Partition, output: number): OutputMaps {
  const count = partition.cells.length;
  const maps = {
    a: new Float64Array(count),
    b: new Float64Array(count),
    c: new Float64Array(count),
    error: new Float64Array(count),
  };
  const { net, slice, tree } = partition;
  const cursor = new AffineCursor(net, slice, tree, true);
  const rows = cursor.rows(net.layers.length);
  for (let cell = 0; cell < count; cell++) {
    cursor.moveTo(cell);
    maps.a[cell] = rows.a[output];
    maps.b[cell] = rows.b[output];
    maps.c[cell] = rows.c[output];
    maps.error[cell] = errorOf(rows.relativeError, rows.m[output]);
  }
  return maps;
}

/** An output's function on a cell in integers; all cells share the exponent. */
export function exactOutput(partition: Partition, cell: number, output: number): ExactLine {
  return partition.exact.maps.argument(partition.net.layers.length, cell, output);
}

/** Whether two cells have exactly the same affine map in all outputs: floats where their errors exclude it. */
export function sameMap(partition: Partition, first: number, second: number): boolean {
  const { net, slice } = partition;
  const sMax = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
  const tMax = Math.max(Math.abs(slice.t[0]), Math.abs(slice.t[1]));
  for (let output = 0; output < net.output.size; output++) {
    const { a, b, c, error } = outputMaps(partition, output);
    const sum = error[first] + error[second];
    if (Math.abs(a[first] - a[second]) * sMax > sum) return false;
    if (Math.abs(b[first] - b[second]) * tMax > sum) return false;
    if (Math.abs(c[first] - c[second]) > sum) return false;
  }
  for (let output = 0; output < net.output.size; output++) {
    const f = exactOutput(partition, first, output);
    const g = exactOutput(partition, second, output);
    if (f[0] !== g[0] || f[1] !== g[1] || f[2] !== g[2]) return false;
  }
  return true;
}
