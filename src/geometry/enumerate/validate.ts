/** The checker that enumerations are trusted by: it asks of the result what must hold of all cells, by other means. */

import { GeometryError, ValidationError } from "../../base/errors.js";
import { shown } from "../../base/shown.js";
import { evaluate } from "../../pwl/evaluate.js";
import { packPattern } from "../../pwl/pattern.js";
import { decideStates } from "../../pwl/signs.js";
import { requireFinite } from "../overflow.js";
import { valueTolerances } from "../value-tolerance.js";
import { type EnumeratedCells, NOT_FOUND, OUTSIDE, requireEnumeration } from "./cells.js";
import type { Enumeration } from "./enumerate.js";
import { readState } from "./neighbours.js";

/** What was checked. */
export interface EnumerationSummary {
  readonly cells: number;
  /** Facets between two cells, and on the domain's boundary. */
  readonly shared: number;
  readonly boundary: number;
  /** Witnesses whose pattern was decided anew. */
  readonly witnesses: number;
  /** The sum of the cells' volumes, if they are known. */
  readonly volume: number | undefined;
}

/** Violations listed at most. */
const MOST_LISTED = 50;

/**
 * Checks that an enumeration does not contradict itself, with all that it holds: patterns differ; each witness' pattern,
 * decided afresh and exactly, is its cell's; the map there is the net's value; witnesses satisfy the half-spaces;
 * neighbours are mutual, differ, and their maps agree on the facet between them; nothing is missing if it says complete;
 * volumes, if wanted, add up to the domain's.
 *
 * @param domainVolume the volume of box and polytope together, if it is to be compared.
 * @throws ValidationError listing every violation (the first 50); GeometryError for what is no enumeration, or where
 * values are beyond the range of doubles.
 */
export function validateEnumeration(enumeration: Enumeration, domainVolume?: number): EnumerationSummary {
  requireEnumeration(enumeration, "validateEnumeration", "; what partition gave is checked by validate");
  if (domainVolume !== undefined && !(Number.isFinite(domainVolume) && domainVolume > 0)) {
    throw new GeometryError(
      `validateEnumeration: the domain's volume is ${shown(domainVolume)}: pass a number above 0`,
    );
  }
  const { cells } = enumeration;
  const { net, arrays, layout, want } = cells;
  const violations: string[] = [];
  const report = (what: string): void => {
    if (violations.length < MOST_LISTED) violations.push(what);
  };
  const d = net.inputSize;
  const outputs = net.output.size;
  if (enumeration.count !== cells.length)
    report(`${cells.length} cells are held, but ${enumeration.count} were counted`);
  const reach = cells.lower.map((low, j) => Math.max(Math.abs(low), Math.abs(cells.upper[j])));
  const tolerances = valueTolerances(net, reach);
  const seen = new Set<string>();
  let witnesses = 0;
  let volume = 0;
  let volumeError = 0;
  for (let i = 0; i < cells.length; i++) {
    const words = cells.words(i);
    const key = words.join();
    if (seen.has(key)) report(`cell ${i} repeats the pattern of another`);
    seen.add(key);
    if (want.has("witness") && arrays.strict[i] === 1) {
      witnesses++;
      const witness = arrays.witnesses.subarray(i * d, (i + 1) * d);
      const pattern = packPattern(layout, decideStates(net, witness).states);
      if (pattern.join() !== key) report(`cell ${i}: its witness [${witness.join(", ")}] lies in another cell`);
      if (want.has("map")) {
        const { output } = evaluate(net, witness);
        requireFinite(output, `validateEnumeration: an output at the witness of cell ${i}`);
        for (let o = 0; o < outputs; o++) {
          const value = mapAt(arrays.maps, (i * outputs + o) * (d + 1), witness);
          if (!(Math.abs(value - output[o]) <= tolerances[o])) {
            report(`cell ${i}: its map gives ${value} at its witness, the net ${output[o]}`);
          }
        }
      }
    }
    if (want.has("volume")) {
      volume += arrays.volumes[i];
      volumeError += arrays.volumeErrors[i];
      if (!(arrays.volumes[i] + arrays.volumeErrors[i] > 0)) report(`cell ${i} has the volume ${arrays.volumes[i]}`);
    }
  }
  const { shared, boundary } = want.has("neighbours")
    ? checkFacets(enumeration, { reach, tolerances }, report)
    : { shared: 0, boundary: 0 };
  if (want.has("volume") && domainVolume !== undefined && enumeration.complete) {
    // estimated volumes bring standard errors, whose sum is far above the error of the sum
    if (!(Math.abs(volume - domainVolume) <= volumeError + 1e-12 * domainVolume)) {
      report(`the cells' volumes sum to ${volume} (off by at most ${volumeError}), the domain's is ${domainVolume}`);
    }
  }
  if (violations.length > 0) {
    throw new ValidationError(`the enumeration contradicts itself:\n${violations.join("\n")}`, violations);
  }
  return { cells: cells.length, shared, boundary, witnesses, volume: want.has("volume") ? volume : undefined };
}

/** Largest absolute values of the inputs in the box, and tolerances of the outputs there. */
interface Sizes {
  readonly reach: Float64Array;
  readonly tolerances: Float64Array;
}

function checkFacets(
  { cells, complete }: Enumeration,
  sizes: Sizes,
  report: (what: string) => void,
): { shared: number; boundary: number } {
  const { arrays, net, layout, pool, want } = cells;
  const { facetStarts, neighbours, facets } = arrays;
  const d = net.inputSize;
  let shared = 0;
  let boundary = 0;
  for (let i = 0; i < cells.length; i++) {
    if (facetStarts[i + 1] - facetStarts[i] < d + 1) report(`cell ${i} has fewer facets than a simplex`);
    for (let at = facetStarts[i]; at < facetStarts[i + 1]; at++) {
      const n = neighbours[at];
      const h = facets[at] < 0 ? -1 - facets[at] : facets[at];
      if (want.has("witness") && arrays.strict[i] === 1) {
        const value = mapAt(pool.rows, h * (d + 1), arrays.witnesses.subarray(i * d, (i + 1) * d));
        if (!(facets[at] < 0 ? value < 0 : value > 0)) report(`cell ${i}: its witness is outside facet ${at}`);
      }
      if (n === OUTSIDE) {
        boundary++;
        continue;
      }
      if (n === NOT_FOUND) {
        if (complete) report(`cell ${i}: no cell across facet ${at}, though the enumeration says it is complete`);
        continue;
      }
      shared++;
      let mutual = 0;
      for (let back = facetStarts[n]; back < facetStarts[n + 1]; back++) if (neighbours[back] === i) mutual++;
      if (mutual !== 1) report(`cell ${i} is a neighbour of ${n}, which lists it ${mutual} times`);
      let differ = 0;
      for (let gate = 0; gate < layout.gates; gate++) {
        if (readState(cells, i, gate) !== readState(cells, n, gate)) differ++;
      }
      if (differ === 0) report(`cells ${i} and ${n} are neighbours with one pattern`);
      if (want.has("map") && n > i) checkContinuity(cells, i, n, h, sizes, report);
    }
  }
  return { shared: shared / 2, boundary };
}

/** Two neighbours' maps differ by a multiple of the facet's function: both are 0 on the facet. */
function checkContinuity(
  { arrays, net, pool }: EnumeratedCells,
  i: number,
  n: number,
  h: number,
  { reach, tolerances }: Sizes,
  report: (what: string) => void,
): void {
  const d = net.inputSize;
  const outputs = net.output.size;
  const first = h * (d + 1);
  const sizeOf = (c: number): number => Math.abs(pool.rows[first + c]) * reach[c];
  let lead = 0;
  for (let c = 0; c < d; c++) if (sizeOf(c) > sizeOf(lead)) lead = c;
  for (let o = 0; o < outputs; o++) {
    const a = (i * outputs + o) * (d + 1);
    const b = (n * outputs + o) * (d + 1);
    const factor = (arrays.maps[a + lead] - arrays.maps[b + lead]) / pool.rows[first + lead];
    for (let c = 0; c <= d; c++) {
      // the factor brings the error of its own coefficient to each of the others
      const off = arrays.maps[a + c] - arrays.maps[b + c] - factor * pool.rows[first + c];
      if (!(Math.abs(off) * (c < d ? reach[c] : 1) <= 2 * (d + 2) * tolerances[o])) {
        report(`cells ${i} and ${n}: their maps differ on the facet between them, by ${off} in output ${o}`);
      }
    }
  }
}

function mapAt(rows: Float64Array, first: number, x: Float64Array): number {
  let value = rows[first + x.length];
  for (let j = 0; j < x.length; j++) value += rows[first + j] * x[j];
  return value;
}
