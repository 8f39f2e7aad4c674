/** The pattern on the other side of a facet, in integers, where several gates change state on it at once. */

import { packPattern, stateOf } from "../../pwl/pattern.js";
import type { ExactRow } from "../cell-tree/exact-rows.js";
import { ExactRows } from "../cell-tree/exact-rows.js";
import type { EnumeratedCells } from "./cells.js";

/**
 * The packed pattern across a facet of cell i. All functions are continuous, so a gate keeps its state unless it is zero
 * on the whole facet; such a gate's function on the other side is a multiple of the facet's, and the factor's sign is its
 * state. Layers are settled in order, each under the states already found.
 */
export function meetsAcross(cells: EnumeratedCells, i: number, code: number): Uint32Array {
  const { net, layout, pool } = cells;
  const words = cells.words(i);
  const states = net.layers.map((_, l) =>
    Int32Array.from({ length: layout.layerStarts[l + 1] - layout.layerStarts[l] }, (_, unit) =>
      stateOf(layout, words, layout.layerStarts[l] + unit),
    ),
  );
  const h = code < 0 ? -1 - code : code;
  const layer = pool.layer[h];
  // the facet's function under the cell's own pattern, positive on the other side
  const own = new ExactRows(
    net,
    states.map((s) => s.slice()),
  );
  const argument = own.row(layer, pool.unit[h]);
  const subtracted = pool.other[h] < 0 ? undefined : own.row(layer, pool.other[h]);
  const outward = argument.map((x, c) => {
    const value = subtracted === undefined ? x : x - subtracted[c];
    return code < 0 ? value : -value;
  });
  const maps = new ExactRows(net, states);
  net.layers.forEach((gates, l) => {
    if (gates.kind === "hinge") {
      for (let unit = 0; unit < states[l].length; unit++) {
        const factor = multiple(maps.row(l, unit), outward);
        if (factor !== undefined) states[l][unit] = factor > 0 ? 1 : 0;
      }
      return;
    }
    for (let group = 0; group < states[l].length; group++) {
      const before = gates.starts[group] + states[l][group];
      const reference = maps.row(l, before);
      let best = before;
      let bestRow = reference;
      for (let k = gates.starts[group]; k < gates.starts[group + 1]; k++) {
        if (k === before) continue;
        const row = maps.row(l, k);
        if (multiple(minus(row, reference), outward) === undefined) continue; // it does not meet the winner here
        const over = multiple(minus(row, bestRow), outward)!;
        if (over > 0 || (over === 0 && k < best)) {
          best = k;
          bestRow = row;
        }
      }
      states[l][group] = best - gates.starts[group];
    }
  });
  return packPattern(layout, states);
}

const minus = (a: ExactRow, b: ExactRow): bigint[] => a.map((x, c) => x - b[c]);

/** The sign of the factor t with row = t · of, or undefined if there is none. */
function multiple(row: ExactRow, of: ExactRow): number | undefined {
  const lead = of.findIndex((x) => x !== 0n);
  for (let c = 0; c < row.length; c++) if (row[c] * of[lead] !== of[c] * row[lead]) return undefined;
  if (row[lead] === 0n) return 0;
  return row[lead] > 0n === of[lead] > 0n ? 1 : -1;
}
