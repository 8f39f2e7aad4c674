/** What a partition is made of, plain: what every question about it is answered from. */

import { GeometryError } from "../../base/errors.js";
import { shown } from "../../base/shown.js";
import { gateCount, type PwlNet } from "../../pwl/net.js";
import type { PlanarComplex } from "../plane/complex.js";
import type { ExactPlane } from "../plane/exact-plane.js";
import type { PatternTree } from "../plane/pattern-tree.js";
import { readState } from "../plane/pattern-tree.js";
import type { Slice } from "../plane/slice.js";
import type { Stop } from "../plane/splitter.js";

export interface PartitionData {
  /** The net as it was cut: with `splitAtOutputZero` its outputs stand as one more hinge layer at the end. */
  readonly net: PwlNet;
  readonly slice: Slice;
  /** Vertices, edges, lines and cells as flat arrays; a cell's number is that of its leaf in `tree`. */
  readonly complex: PlanarComplex;
  readonly tree: PatternTree;
  /** Lines and vertices as integers. */
  readonly exact: ExactPlane;
  /** Undefined when every cell was found; else what ended the run early. */
  readonly stopped: Stop | undefined;
}

/** A gate by the number of its layer in `net.layers`, and its own in the layer. */
export interface Gate {
  readonly layer: number;
  readonly unit: number;
}

/** Refuses to speak of a whole of which a part is unknown. */
export function requireComplete({ stopped, complex }: PartitionData, what: string): void {
  if (stopped === undefined) return;
  throw new GeometryError(
    `the partition is incomplete (stopped by ${stopped} after ${complex.cellCount} cells), so its ${what} cannot be told: raise the limits`,
  );
}

/** Refuses an output that the net does not have. */
export function requireOutput({ net }: PartitionData, output: number): void {
  if (Number.isInteger(output) && output >= 0 && output < net.output.size) return;
  throw new GeometryError(`there is no output ${shown(output)}: the net has ${net.output.size}, numbered from 0`);
}

/** The gate whose crease a line of the complex is. */
export function gateOfLine({ net, complex }: PartitionData, line: number): Gate {
  const layer = complex.lineLayer[line];
  const row = complex.lineRow[line];
  const gates = net.layers[layer];
  if (gates.kind === "hinge") return { layer, unit: row };
  let unit = 0;
  while (gates.starts[unit + 1] <= row) unit++;
  return { layer, unit };
}

/** Calls `visit` for every gate whose state differs between two cells, last layer first. */
export function forEachDifference(
  { tree }: PartitionData,
  first: number,
  second: number,
  visit: (layer: number, unit: number) => void,
): void {
  for (let layer = tree.layers.length - 1; layer >= 0 && first !== second; layer--) {
    const { packing, words, parents } = tree.layers[layer];
    for (let k = 0; k < packing.words; k++) {
      const a = first * packing.words + k;
      const b = second * packing.words + k;
      if (words[a] === words[b]) continue;
      const perWord = 32 / packing.width;
      const end = Math.min(packing.gates, (k + 1) * perWord);
      for (let unit = k * perWord; unit < end; unit++) {
        const own = readState(packing, words, first * packing.words, unit);
        if (own !== readState(packing, words, second * packing.words, unit)) visit(layer, unit);
      }
    }
    first = parents[first];
    second = parents[second];
  }
}

/** The gates whose state changes across an edge, in the net's order; none on the border. */
export function gatesAcross(data: PartitionData, edge: number): Gate[] {
  const left = data.complex.edgeLeft[edge];
  const right = data.complex.edgeRight[edge];
  if (left < 0 || right < 0) return [];
  const gates: Gate[] = [];
  forEachDifference(data, left, right, (layer, unit) => gates.push({ layer, unit }));
  return gates.sort((p, q) => p.layer - q.layer || p.unit - q.unit);
}

/** Refuses a gate that the net does not have. */
export function requireGate({ net }: PartitionData, gate: Gate): void {
  const { layer, unit } = gate ?? {};
  const gates = net.layers[layer];
  if (gates !== undefined && Number.isInteger(unit) && unit >= 0 && unit < gateCount(gates)) return;
  const sizes = net.layers.map(gateCount).join(", ");
  const named = layer !== undefined && unit !== undefined;
  throw new GeometryError(
    `there is no gate ${named ? `${shown(unit)} of layer ${shown(layer)}` : shown(gate)}: pass { layer, unit }, both counted from 0; the layers have ${sizes || "no"} gates`,
  );
}
