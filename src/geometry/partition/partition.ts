/**
 * The exact partition of a plane (or line) slice of a net's input space into the cells of its activation patterns.
 *
 * What is proved: every sign on which the topology rests (which gate cuts which cell, which vertex lies on which side) is
 * the sign that exact arithmetic over the PwlNet's numbers and the slice's gives: decided in floats where a proven error
 * bound allows it, else in integers. Exact too: which pieces' maps are equal, which cell has the largest slope, on which
 * side of a level set a corner lies. Proved within the error that is given with them: maps (`mapError`), maximum, minimum
 * and Lipschitz constant. Proved to 1e-6 relative: areas. Not proved: how far vertices, level sets and class boundaries as
 * doubles are rounded, centres, and the integral.
 */

import { GeometryError } from "../../base/errors.js";
import { checkIndex, checkOptions, type OptionKinds } from "../../base/options.js";
import { counted, INSPECT, shownBox } from "../../base/shown.js";
import { gatesInLayers, type HingeLayer, type MaxLayer, type PwlNet, printsAsNet } from "../../pwl/net.js";
import type { Readable } from "../../pwl/read.js";
import { netOf } from "../net-of.js";
import { AffineCursor } from "../plane/affine-cursor.js";
import { PlanarComplex } from "../plane/complex.js";
import { ExactSliceMaps } from "../plane/exact-maps.js";
import { ExactPlane } from "../plane/exact-plane.js";
import { PatternTree } from "../plane/pattern-tree.js";
import { type Domain, inputAt, inputDeclaredBy, type Slice, sliceOf } from "../plane/slice.js";
import { Splitter, type Stop, type StopCheck } from "../plane/splitter.js";
import { readVector, type Vector } from "../vector.js";
import { type Cell, Cells } from "./cell.js";
import { type ClassBoundary, classBoundary } from "./class-boundary.js";
import { type Crease, crease, creases } from "./creases.js";
import { type Gate, gatesAcross, type PartitionData, requireComplete } from "./data.js";
import { type Extreme, extreme, integral } from "./extremes.js";
import { type LevelSet, levelSet } from "./level-set.js";
import { type Lipschitz, lipschitz } from "./lipschitz.js";
import { Locator } from "./locate.js";
import { type Pieces, pieces } from "./pieces.js";

export interface PartitionOptions extends Domain {
  /** Shape of one input of a function or module, where it is no vector: images are [channels, height, width]. */
  readonly shape?: readonly number[];
  /** "filtered" (default): floats where their proven error decides, else integers. "always": integers alone, an audit. */
  readonly exact?: "filtered" | "always";
  /** Cut along the zero set of every output too, as if each were one more gate behind the last layer. Default false. */
  readonly splitAtOutputZero?: boolean;
  /** Stop after so many cells or seconds; the partition then says `complete: false` and holds the cells found so far. */
  readonly limits?: { readonly cells?: number; readonly seconds?: number };
  /**
   * Read between cells: an aborted signal stops the run as a limit does. The run is synchronous, so that no timer or event
   * of the same thread can abort it meanwhile: for a time limit pass `limits.seconds`.
   */
  readonly signal?: AbortSignal;
}

const MOST_MERGED_TO_PRINT = 10_000;

/** A slice of input space, cut into cells. */
export class Partition implements PartitionData {
  readonly net: PwlNet;
  readonly slice: Slice;
  readonly complex: PlanarComplex;
  readonly tree: PatternTree;
  readonly exact: ExactPlane;
  readonly stopped: Stop | undefined;
  readonly cells: Cells;
  readonly #mode: PartitionOptions["exact"];
  #locator: Locator | undefined;

  /** Made by `partition`. */
  constructor(mode: PartitionOptions["exact"], data: PartitionData) {
    this.#mode = mode;
    ({
      net: this.net,
      slice: this.slice,
      complex: this.complex,
      tree: this.tree,
      exact: this.exact,
      stopped: this.stopped,
    } = data);
    this.cells = new Cells(this);
  }

  /** 2 for a plane, 1 for a line. */
  get dimension(): 1 | 2 {
    return this.slice.dimension;
  }

  /** Whether every cell of the box was found. */
  get complete(): boolean {
    return this.stopped === undefined;
  }

  /** The number of cells of the first 1, 2, ... layers; the last is that of the cells. */
  get cellsPerLayer(): number[] {
    return this.tree.layers.map(({ count }) => count);
  }

  /** The linear regions: cells merged across edges wherever their affine maps are exactly equal. */
  get pieces(): Pieces {
    return pieces(this);
  }

  /**
   * The cell that holds a point, given in slice coordinates; undefined outside the box. On a crease: the cell whose pattern
   * is the point's own if it has an interior, else one of those that touch the point. Signs are decided exactly.
   *
   * @throws GeometryError for a point of another width, or with a number that is not finite.
   */
  locate(point: Vector): Cell | undefined {
    const of = `the partition has ${counted(this.dimension, "coordinate")}`;
    const [s, t = (this.slice.t[0] + this.slice.t[1]) / 2] = readVector(point, this.dimension, "locate: the point", of);
    this.#locator ??= new Locator(this);
    const cell = this.#locator.find(s, t);
    return cell === undefined ? undefined : this.cells.at(cell);
  }

  /**
   * The input of the net at a point in slice coordinates, such as a vertex or the place of a maximum; itself where the whole
   * plane was cut.
   *
   * @throws GeometryError for a point of another width, or with a number that is not finite.
   */
  inputAt(point: Vector): Float64Array {
    const of = `the partition has ${counted(this.dimension, "coordinate")}`;
    const [s, t = 0] = readVector(point, this.dimension, "inputAt: the point", of);
    return inputAt(this.slice, s, t);
  }

  /**
   * Where an output (default 0) equals a level (default 0).
   *
   * @throws GeometryError when the partition is incomplete, or there is no such output or level; OptionError.
   */
  levelSet(options: { output?: number; level?: number } = {}): LevelSet {
    checkOptions(options, ["output", "level"], "levelSet");
    const { output = 0, level = 0 } = options;
    return levelSet(this, output, level);
  }

  /**
   * Where the class, the first largest output, changes; with the class on each side. The box is cut once more, by the
   * maximum of all outputs; `cells` numbers this partition's cells, and a segment ends where its cell does.
   *
   * @throws GeometryError when the partition is incomplete, or the net has one output only (take its level set).
   */
  classBoundary(): ClassBoundary {
    requireComplete(this, "class boundary");
    if (this.net.output.size < 2) {
      throw new GeometryError("the net has one output, so no class changes: take levelSet({ output: 0, level: 0 })");
    }
    return classBoundary(cutBox(withClassMaximum(this.net), this.slice, this.#mode, () => undefined));
  }

  /** In one dimension: where the pattern changes, ascending. In two there are `creases`. */
  get breakpoints(): Float64Array {
    if (this.dimension !== 1) throw new GeometryError("a plane has creases, not breakpoints: take creases()");
    const points = new Set(creases(this).flatMap(({ coordinates }) => coordinates.map(([s]) => s)));
    return Float64Array.from(points).sort();
  }

  /** The crease of one gate. */
  crease(gate: Gate): Crease {
    return crease(this, gate);
  }

  /** The creases of all gates that have one in the box. */
  creases(): Crease[] {
    return creases(this);
  }

  /** The gates whose state changes across an edge of `complex`; none on the border. */
  gatesAcross(edge: number): Gate[] {
    checkIndex(edge, this.complex.edgeCount, "edge");
    return gatesAcross(this, edge);
  }

  /** The largest value of an output on the box, with its place. GeometryError where values overflow. */
  maximum(output = 0): Extreme {
    return extreme(this, output, 1);
  }

  /** The least value of an output on the box, with its place. GeometryError where values overflow. */
  minimum(output = 0): Extreme {
    return extreme(this, output, -1);
  }

  /** The Lipschitz constant of the net on the box in Euclidean norms, with its error and a cell where it is attained. */
  lipschitz(): Lipschitz {
    return lipschitz(this);
  }

  /** The integral of an output over the box, in slice coordinates. */
  integral(output = 0): number {
    return integral(this, output);
  }

  /** One line. Of up to 10,000 cells it tells the pieces, which it must merge first. */
  toString(): string {
    const { slice, cells, stopped } = this;
    const of = slice.whole
      ? ""
      : `${slice.dimension === 2 ? "plane" : "line"} in ${counted(slice.inputSize, "input")}, `;
    const box = shownBox(slice.dimension === 2 ? [slice.s, slice.t] : [slice.s]);
    const found = counted(cells.length, "cell");
    const all =
      stopped !== undefined
        ? `${found} found before it was stopped (${stopped})`
        : cells.length > MOST_MERGED_TO_PRINT
          ? found
          : `${found}, ${counted(this.pieces.length, "piece")}`;
    return `Partition { ${of}box ${box}, ${all}, ${gatesInLayers(this.net)} }`;
  }

  [INSPECT](): string {
    return this.toString();
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
export function partition(f: Readable, options: PartitionOptions): Partition {
  checkOptions(options, OPTIONS, "partition");
  const net = netOf(f, options.shape, "partition", () => inputDeclaredBy(options));
  const slice = sliceOf(options, net.inputSize);
  const cut = options.splitAtOutputZero === true ? withOutputHinges(net) : net;
  return new Partition(options.exact, cutBox(cut, slice, options.exact, stopCheck(options)));
}

const OPTIONS = {
  ...{ box: "anything", plane: "anything", line: "anything", shape: "an array" },
  ...{ exact: ["filtered", "always"], splitAtOutputZero: "true or false" },
  limits: { cells: "a number above 0", seconds: "a number above 0" },
  signal: "an AbortSignal (of a controller: controller.signal)",
} satisfies OptionKinds;

/** Cuts the box of a slice, all checked. */
function cutBox(net: PwlNet, slice: Slice, mode: PartitionOptions["exact"], check: StopCheck): PartitionData {
  const tree = new PatternTree(net);
  const exact = new ExactPlane(new ExactSliceMaps(net, slice, tree), slice);
  const complex = new PlanarComplex(slice.s, slice.t, (vertex) => exact.point(vertex));
  exact.complex = complex;
  const splitter = new Splitter(new AffineCursor(net, slice, tree, mode !== "always"), complex, exact, check);
  splitter.run();
  return { net, slice, complex, tree, exact, stopped: splitter.stopped };
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
  return printsAsNet({ ...net, layers: [...net.layers, hinges] });
}

/** The same net with one more layer whose only gate is the maximum of the outputs; nothing reads it. */
function withClassMaximum(net: PwlNet): PwlNet {
  const maximum: MaxLayer = {
    kind: "max",
    name: "class",
    argument: net.output,
    starts: Int32Array.of(0, net.output.size),
  };
  return printsAsNet({ ...net, layers: [...net.layers, maximum] });
}

/** Reads the clock and the signal every 64 cells. */
function stopCheck({ limits, signal }: PartitionOptions): StopCheck {
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
