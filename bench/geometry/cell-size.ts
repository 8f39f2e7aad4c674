/** The memory of enumerated cells. */

import type { EnumeratedCells } from "../../src/geometry/enumerate/cells.js";

/** Bytes of the parts of the arrays in use, which are up to twice as long, and of the hyperplanes that cells share. */
export function sizeOf({ arrays, pool, length }: EnumeratedCells): number {
  const facets = arrays.facetStarts[length];
  const capacity = arrays.strict.length || length;
  const used = [arrays.patterns, arrays.witnesses, arrays.maps].reduce(
    (sum, array) => sum + array.byteLength * (length / capacity),
    0,
  );
  return used + length + 4 * length + 8 * facets + pool.count * (8 * pool.width + 12);
}
