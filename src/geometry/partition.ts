/**
 * The exact partition of a plane (or line) slice of a net's input space into the cells of its activation patterns.
 *
 * What is proved: every sign on which the topology rests (which gate cuts which cell, which vertex lies on which side) is
 * the sign that exact arithmetic over the PwlNet's numbers and the slice's gives: decided in floats where a proven error
 * bound allows it, else in integers. Not proved: coordinates, areas and maps as doubles, which are exact values rounded, or
 * carry the error stated where they are read.
 */

import { OptionError } from "../base/errors.js";
import { checkNet } from "../pwl/check.js";
import type { HingeLayer, PwlNet } from "../pwl/net.js";
import { AffineCursor } from "./affine-cursor.js";
import { type Cell, Cells } from "./cell.js";
import { ExactMaps } from "./exact-maps.js";
import { ExactPlane } from "./exact-plane.js";
import { PatternTree } from "./pattern-tree.js";
import { PlanarComplex } from "./planar-complex.js";
import { type Domain, type Slice, sliceOf } from "./slice.js";
import { Splitter, type Stop } from "./splitter.js";

export interface PartitionOptions extends Domain {
  /** "filtered" (default): floats where their proven error decides, else integers. "always": integers alone, an audit. */
  readonly exact?: "filtered" | "always";
  /** Cut along the zero set of every output too, as if each were one more gate behind the last layer. Default false. */
  readonly splitAtOutputZero?: boolean;
  /** Stop after so many cells or seconds; the partition then says `complete: false` and holds the cells found so far. */
  readonly limits?: { readonly cells?: number; readonly seconds?: number };
  /** Read between cells: an aborted signal stops the run as a limit does. */
  readonly signal?: AbortSignal;
}

/** A slice of input space, cut into cells. */
export class Partition {
  readonly cells: Cells;

  constructor(
    /** The net as it was cut: with `splitAtOutputZero` its outputs stand as one more hinge layer at the end. */
    readonly net: PwlNet,
    readonly slice: Slice,
    /** Vertices, edges, lines and cells as flat arrays. */
    readonly complex: PlanarComplex,
    readonly tree: PatternTree,
    readonly exact: ExactPlane,
    /** Undefined when every cell was found; else what ended the run early. */
    readonly stopped: Stop | undefined,
  ) {
    this.cells = new Cells(this);
  }

  get dimension(): 1 | 2 {
    return this.slice.dimension;
  }

  /** Whether every cell of the box was found. */
  get complete(): boolean {
    return this.stopped === undefined;
  }

  /** The number of cells of the first 1, 2, ... layers. */
  get cellsPerLayer(): number[] {
    return this.tree.layers.map(({ count }) => count);
  }

  /** The gate whose crease a line is. */
  gateOfLine(line: number): number {
    const { lineLayer, lineRow } = this.complex;
    const layer = this.net.layers[lineLayer[line]];
    if (layer.kind === "hinge") return lineRow[line];
    let gate = 0;
    while (layer.starts[gate + 1] <= lineRow[line]) gate++;
    return gate;
  }
}

/**
 * Cuts a box of a net's input plane (or of any plane or line in its input space) into all cells of its activation patterns.
 *
 * Time and memory are linear in the number of cells. A run is deterministic: two runs give the same arrays.
 *
 * @throws GeometryError when the domain is empty, inverted, unbounded, of the wrong width or not a plane.
 * @throws PiecewiseLinearError when the net is not legal: NaN weights, for one.
 * @throws OptionError when an option is unknown or out of range.
 */
export function partition(net: PwlNet, options: PartitionOptions): Partition {
  checkOptions(options);
  checkNet(net);
  const slice = sliceOf(options, net.inputSize);
  const cut = options.splitAtOutputZero === true ? withOutputHinges(net) : net;
  const tree = new PatternTree(cut);
  const exact = new ExactPlane(new ExactMaps(cut, slice, tree), slice);
  const complex = new PlanarComplex(slice.s, slice.t, (vertex) => exact.point(vertex));
  exact.complex = complex;
  const cursor = new AffineCursor(cut, slice, tree, options.exact !== "always");
  const splitter = new Splitter(cursor, complex, exact, stopCheck(options));
  splitter.run();
  return new Partition(cut, slice, complex, tree, exact, splitter.stopped);
}

/** The same net with one more layer whose gates are the signs of the outputs; nothing reads it. */
function withOutputHinges(net: PwlNet): PwlNet {
  const { size } = net.output;
  const hinges: HingeLayer = {
    kind: "hinge",
    name: "sign of the output",
    argument: net.output,
    threshold: new Float64Array(size),
    lo: new Float64Array(size),
    hi: new Float64Array(size).fill(1),
  };
  return { ...net, layers: [...net.layers, hinges] };
}

/** Reads the clock and the signal every 64 cells. */
function stopCheck({ limits, signal }: PartitionOptions): (cells: number) => Stop | undefined {
  const most = limits?.cells ?? Number.POSITIVE_INFINITY;
  const seconds = limits?.seconds ?? Number.POSITIVE_INFINITY;
  const start = performance.now();
  return (cells) => {
    if (cells >= most) return "cells";
    if ((cells & 63) !== 0) return undefined;
    if (signal?.aborted === true) return "aborted";
    return performance.now() - start > 1000 * seconds ? "seconds" : undefined;
  };
}

const OPTIONS = ["box", "plane", "line", "exact", "splitAtOutputZero", "limits", "signal"];

function checkOptions(options: PartitionOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw new OptionError(`unknown option ${name}: partition takes ${OPTIONS.join(", ")}`);
  }
  const { exact, limits } = options;
  if (exact !== undefined && exact !== "filtered" && exact !== "always") {
    throw new OptionError(`exact is "${String(exact)}": pass "filtered" or "always"`);
  }
  for (const name of ["cells", "seconds"] as const) {
    const limit = limits?.[name];
    if (limit !== undefined && !(limit > 0)) throw new OptionError(`limits.${name} is ${limit}: pass a number above 0`);
  }
}

export type { Cell };
