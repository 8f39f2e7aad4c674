/** The numbers that tell how finely a net cuts its domain, beside what its layers could do at most. */

import { counted, printsAs, shortNumber } from "../base/shown.js";
import { productBounds } from "./cell-bounds.js";
import { requireEnumeration } from "./enumerate/cells.js";
import type { Enumeration } from "./enumerate/enumerate.js";
import { enumeratedPieces } from "./enumerate/pieces.js";
import { Partition } from "./partition/partition.js";

export interface Counts {
  readonly cells: number;
  /** Cells merged wherever their maps agree. Undefined where a limit ended the search, or maps or neighbours were not wanted. */
  readonly pieces: number | undefined;
  /** Facets per cell; those on the domain's boundary count. Undefined where facets were not wanted. */
  readonly averageFacets: number | undefined;
  /** Cells of the net's first l + 1 layers: entry l. */
  readonly cellsPerLayer: readonly number[];
  /**
   * How many these can be at most, see `productBound`. The first entry, for a layer of hinges, is Zaslavsky's number, which
   * hyperplanes in general position attain on a domain that holds all of their crossings.
   */
  readonly boundPerLayer: readonly bigint[];
}

/**
 * Counts the cells of a partition or an enumeration. Where `splitAtOutputZero` was asked for, the outputs are one more layer.
 *
 * @throws GeometryError for anything else.
 */
export function counts(of: Partition | Enumeration): Counts {
  const result = of instanceof Partition ? ofPartition(of) : ofEnumeration(of);
  return printsAs(result, describe);
}

function ofPartition(partition: Partition): Counts {
  const { cells, cellsPerLayer, complete, complex, dimension, net } = partition;
  let facets = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    // one facet may consist of several edges, of one line
    const lines = new Set<number>();
    for (let at = complex.cellStarts[cell]; at < complex.cellStarts[cell + 1]; at++) {
      lines.add(complex.edgeLine[complex.cellEdges[at] >> 1]);
    }
    facets += dimension === 1 ? 2 : lines.size;
  }
  return {
    cells: cells.length,
    pieces: complete ? partition.pieces.length : undefined,
    averageFacets: cells.length === 0 ? undefined : facets / cells.length,
    cellsPerLayer,
    boundPerLayer: productBounds(net, dimension),
  };
}

function ofEnumeration(enumeration: Enumeration): Counts {
  const cells = requireEnumeration(enumeration, "counts", ", or pass a partition");
  const { complete, count, cellsPerLayer } = enumeration;
  const described = cells.length === count && count > 0;
  const merges = complete && described && cells.want.has("map") && cells.want.has("neighbours");
  return {
    cells: count,
    pieces: merges ? enumeratedPieces(enumeration).length : undefined,
    averageFacets: described && cells.want.has("facets") ? cells.arrays.facetStarts[count] / count : undefined,
    cellsPerLayer,
    boundPerLayer: productBounds(cells.net, cells.net.inputSize),
  };
}

function describe({ cells, pieces, averageFacets, cellsPerLayer, boundPerLayer }: Counts): string {
  const parts = [counted(cells, "cell")];
  if (pieces !== undefined) parts.push(counted(pieces, "piece"));
  if (averageFacets !== undefined) parts.push(`${shortNumber(averageFacets)} facets per cell`);
  const layers = cellsPerLayer.map((count, l) => {
    return `${count.toLocaleString("en")} of at most ${boundPerLayer[l].toLocaleString("en")}`;
  });
  if (layers.length > 0) parts.push(`by layers ${layers.join(", then ")}`);
  return `Counts { ${parts.join(", ")} }`;
}
