/** The outputs' affine functions on every cell of a partition: floats with their error, and exact comparison. */

import type { ExactLine } from "../../exact/homogeneous.js";
import { AffineCursor } from "../plane/affine-cursor.js";
import { errorOf } from "../plane/affine-rows.js";
import type { PartitionData } from "./data.js";

/** a·s + b·t + c on cell i is `a[i]`, `b[i]`, `c[i]`, off by at most `error[i]` anywhere in the box. */
export interface OutputMaps {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly error: Float64Array;
}

/** Up to so many maps (cells times outputs) all outputs are kept in one walk; beyond, the asked one alone. */
const MOST_MAPS = 2 ** 22;

const caches = new WeakMap<PartitionData, Map<number, OutputMaps>>();

/** The maps of one output on every cell; computed when first asked for, in one walk over the cells, and kept. */
export function outputMaps(data: PartitionData, output: number): OutputMaps {
  let known = caches.get(data);
  if (known === undefined) {
    known = new Map();
    caches.set(data, known);
  }
  if (!known.has(output)) {
    const { size } = data.net.output;
    const all = size * data.complex.cellCount <= MOST_MAPS;
    walk(data, all ? Array.from({ length: size }, (_, k) => k) : [output], known);
  }
  return known.get(output)!;
}

/** Visits the cells in their order, in which neighbours differ little, and notes the maps of some outputs. */
function walk(data: PartitionData, outputs: readonly number[], into: Map<number, OutputMaps>): void {
  const { net, slice, tree, complex } = data;
  const count = complex.cellCount;
  const floats = () => new Float64Array(count);
  const maps = outputs.map(() => ({ a: floats(), b: floats(), c: floats(), error: floats() }));
  const cursor = new AffineCursor(net, slice, tree, true);
  const rows = cursor.rows(net.layers.length);
  for (let cell = 0; cell < count; cell++) {
    cursor.moveTo(cell);
    for (let k = 0; k < outputs.length; k++) {
      const output = outputs[k];
      maps[k].a[cell] = rows.a[output];
      maps[k].b[cell] = rows.b[output];
      maps[k].c[cell] = rows.c[output];
      maps[k].error[cell] = errorOf(rows.relativeError, rows.m[output]);
    }
  }
  outputs.forEach((output, k) => {
    into.set(output, maps[k]);
  });
}

/** An output's function on a cell in integers; all cells share the exponent. */
export function exactOutput({ exact, net }: PartitionData, cell: number, output: number): ExactLine {
  return exact.maps.argument(net.layers.length, cell, output);
}

/** Whether two cells have exactly the same affine map in all outputs: by floats where their errors exclude it. */
export function sameMap(data: PartitionData, first: number, second: number): boolean {
  const { net, slice } = data;
  const sMax = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
  const tMax = Math.max(Math.abs(slice.t[0]), Math.abs(slice.t[1]));
  for (let output = 0; output < net.output.size; output++) {
    const { a, b, c, error } = outputMaps(data, output);
    const sum = error[first] + error[second];
    if (Math.abs(a[first] - a[second]) * sMax > sum) return false;
    if (Math.abs(b[first] - b[second]) * tMax > sum) return false;
    if (Math.abs(c[first] - c[second]) > sum) return false;
  }
  for (let output = 0; output < net.output.size; output++) {
    const f = exactOutput(data, first, output);
    const g = exactOutput(data, second, output);
    if (f[0] !== g[0] || f[1] !== g[1] || f[2] !== g[2]) return false;
  }
  return true;
}
