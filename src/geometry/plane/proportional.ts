/**
 * Hinges that are exact multiples of an earlier hinge of their layer, whatever the cell: weights and bias less threshold
 * are proportional. Copies, scaled copies and negations change state on the same line, so behind the earlier one they cut
 * nothing; knowing them saves an exact decision at every vertex on that line.
 */

import { exact, exactDifference, exactProduct, exactSign } from "../../exact/number.js";
import { row } from "../../pwl/blocks.js";
import type { HingeLayer } from "../../pwl/net.js";

/** For every hinge 1 iff an earlier one of the layer is proportional to it; hinges that are 0 everywhere count as none. */
export function proportionalToEarlier(layer: HingeLayer): Uint8Array {
  const { argument } = layer;
  const result = new Uint8Array(argument.size);
  // equal ratios of doubles round to equal doubles, so only rows with one key can be proportional
  const byKey = new Map<string, number[]>();
  for (let unit = 0; unit < argument.size; unit++) {
    const key = keyOf(layer, unit);
    if (key === undefined) continue;
    const rows = byKey.get(key);
    if (rows === undefined) byKey.set(key, [unit]);
    else if (rows.some((earlier) => areProportional(layer, earlier, unit))) result[unit] = 1;
    else rows.push(unit);
  }
  return result;
}

/** Whether two rows, weights and bias less threshold, are multiples of each other: all cross products agree exactly. */
function areProportional({ argument, threshold }: HingeLayer, first: number, second: number): boolean {
  const { terms, bias } = argument;
  const f = [exactDifference(exact(bias[first]), exact(threshold[first]))];
  const g = [exactDifference(exact(bias[second]), exact(threshold[second]))];
  for (const { block } of terms) {
    const [p, q] = [row(block, first), row(block, second)];
    if (p.indices.length !== q.indices.length) return false;
    for (let at = 0; at < p.indices.length; at++) {
      if (p.indices[at] !== q.indices[at]) return false;
      f.push(exact(p.values[at]));
      g.push(exact(q.values[at]));
    }
  }
  const pivot = f.findIndex((x) => exactSign(x) !== 0);
  if (exactSign(g[pivot]) === 0) return false;
  return f.every((x, k) => {
    const difference = exactDifference(exactProduct(x, g[pivot]), exactProduct(g[k], f[pivot]));
    return exactSign(difference) === 0;
  });
}

/**
 * Where a row's first two weights stand, and their quotient and the bias's by the first; undefined without weights. A
 * threshold may round the last one, so that a proportional row is missed: it is then decided like any other.
 */
function keyOf({ argument, threshold }: HingeLayer, unit: number): string | undefined {
  const found: number[] = [];
  const places: string[] = [];
  const note = (source: number, column: number, value: number) => {
    if (value === 0) return;
    found.push(value);
    places.push(`${source}:${column}`);
  };
  for (const { source, block } of argument.terms) {
    if (block.kind === "dense") {
      const start = unit * block.columns;
      for (let column = 0; column < block.columns && found.length < 2; column++)
        note(source, column, block.values[start + column]);
    } else {
      const { indices, values } = row(block, unit);
      for (let at = 0; at < values.length && found.length < 2; at++) note(source, indices[at], values[at]);
    }
  }
  if (found.length === 0) return undefined;
  const [first, second = 0] = found;
  return `${places.join(" ")} ${second / first} ${(argument.bias[unit] - threshold[unit]) / first}`;
}
