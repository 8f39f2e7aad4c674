/**
 * All cells of a PwlNet in a box or polytope, in any dimension: every activation pattern whose set of inputs has an
 * interior, with what is wanted of each.
 *
 * What is proved: each sign that decides the tree (does this gate change state inside this polytope, on which side does
 * it lie, is this half-space a facet) is the sign that exact arithmetic over the PwlNet's numbers gives, by a
 * floating-point answer with a proven error bound or by integers. So the set of patterns, the facets, and the neighbours
 * are exact, and so is which maps of pieces are equal. A witness is proven to lie inside where `strict` is true. Not
 * proved: how near the other numbers (half-spaces, maps, vertices, balls, volumes) are to the exact ones they round.
 */

import { threadCount } from "../../array/wasm/threads.js";
import { GeometryError, OptionError } from "../../base/errors.js";
import { checkOptions, type OptionKinds } from "../../base/options.js";
import { counted, printsAs, shortNumber, shown, shownBox } from "../../base/shown.js";
import { type Box, checkBox } from "../../pwl/box.js";
import { gateCount, gatesInLayers, type PwlNet, printsAsNet } from "../../pwl/net.js";
import type { Readable } from "../../pwl/read.js";
import type { HalfSpaces } from "../cell-tree/path.js";
import { OPEN } from "../cell-tree/sub-problem.js";
import { netOf } from "../net-of.js";
import { readVector, widthOf } from "../vector.js";
import type { EnumeratedCell, EnumeratedCells, Want } from "./cells.js";
import { type Frontier, frontierOf, readFrontier } from "./frontier.js";
import { type EnumerationJob, type EnumerationMethod, MOST_DIMENSIONS_BY_VERTICES } from "./job.js";
import { findNeighbours } from "./neighbours.js";
import { EnumerationRun, type RunOptions } from "./run.js";

export type { Frontier, FrontierPart } from "./frontier.js";
export type { EnumerationMethod } from "./job.js";

export interface EnumerationProgress {
  /** Cells found so far. */
  readonly cells: number;
  readonly seconds: number;
}

export interface EnumerateOptions {
  /** Shape of one input of a function or module, where it is no vector: images are [channels, height, width]. */
  readonly shape?: readonly number[];
  /** `[low, high]` per input; low < high, all finite. */
  readonly box: Box;
  /** Half-spaces `A x <= b` that cut the box. */
  readonly polytope?: HalfSpaces;
  /**
   * "auto": vertices where cells are to be described (by facets, neighbours, balls, vertices or volumes) in up to 7
   * dimensions, or only found in up to 4 (5, in nets of more than 20 gates), else linear programs.
   */
  readonly method?: "auto" | EnumerationMethod;
  /**
   * What to record per cell, besides its pattern. Default: witness, map, facets, neighbours. Volumes are exact up to
   * rounding in up to 7 dimensions, whatever the method, and wherever vertices are known: wanted too, or the method. Beyond
   * that they are estimates, and `volumeError` is one standard error of each.
   */
  readonly want?: readonly Want[];
  /** Only count: `cells` stays empty. */
  readonly countOnly?: boolean;
  /** Also cut along the zero set of every output; patterns then have one more gate per output. */
  readonly splitAtOutputZero?: boolean;
  /** "always" takes no sign from floating point: an audit, far slower. */
  readonly exact?: "filtered" | "always";
  /** Stops the search; what was found is given, with `complete: false`. */
  readonly signal?: AbortSignal;
  /** Called about every 25 ms, and at the end. */
  readonly onProgress?: (progress: EnumerationProgress) => void;
  /** Stops the search when so many cells were found, or so many seconds have passed. */
  readonly limits?: { readonly cells?: number; readonly seconds?: number };
  /**
   * Threads that search, the caller's included: default the number that `setThreads` set. They help in Node, once a search
   * has lasted some 40 ms; elsewhere, and in a bundle that lacks the file they start from, the caller searches alone.
   * What is found is the same for any number of threads, to the last bit.
   */
  readonly threads?: number;
  /** Searches only these sub-problems: the frontier of an incomplete enumeration of the same net, domain and split. */
  readonly resume?: Frontier;
}

export interface Enumeration {
  /** Whether every cell (of the sub-problems resumed from) was visited. */
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly stopped: "aborted" | "cells" | "seconds" | undefined;
  /** The number of cells visited. */
  readonly count: number;
  /** The cells; empty when only counted. */
  readonly cells: EnumeratedCells;
  /** What is left to search; empty when complete. */
  readonly frontier: Frontier;
  /** Cells of the net's first l + 1 layers that were completed: entry l. The last is `count`. */
  readonly cellsPerLayer: readonly number[];
  readonly method: EnumerationMethod;
  readonly statistics: { readonly exactDecisions: number; readonly linearPrograms: number; readonly seconds: number };
}

const OPTIONS = {
  ...{ box: "anything", shape: "an array", want: "an array", countOnly: "true or false" },
  ...{ method: ["auto", "vertices", "linear-programs"], splitAtOutputZero: "true or false" },
  ...{ exact: ["filtered", "always"], resume: "anything", onProgress: "a function" },
  polytope: { A: "an array", b: "anything" },
  threads: "a whole number of at least 1",
  limits: { cells: "a number of at least 0", seconds: "a number of at least 0" },
  signal: "an AbortSignal (of a controller: controller.signal)",
} satisfies OptionKinds;

/** Checks the options and reads the net. */
function readNetOf(f: Readable, options: EnumerateOptions, where: string): PwlNet {
  checkOptions(options, OPTIONS, where);
  const net = netOf(f, options.shape, where, () => {
    const { length } = checkBox(options.box, { where });
    const remedy = "pass one interval for each input, and shape where inputs are images";
    return { shape: [length], by: `the box has ${counted(length, "interval")}`, remedy };
  });
  checkBox(options.box, { where, dimension: net.inputSize });
  checkHalfSpaces(options.polytope, net.inputSize, where);
  return net;
}

/**
 * Finds all cells of a net in a domain.
 *
 * Yields to the event loop every 25 ms, so that a page stays alive and `signal` can arrive. The cells, their order, and
 * every number of them are the same for any number of threads.
 *
 * @throws OptionError for a bad option, GeometryError for a domain that is empty, flat, unbounded or of another dimension
 * and for maps, if wanted, beyond the range of doubles,
 * PiecewiseLinearError for a net that is not legal (a NaN weight, for one).
 */
export async function enumerate(f: Readable, options: EnumerateOptions): Promise<Enumeration> {
  const run = begin(readNetOf(f, options, "enumerate"), options);
  try {
    while (run.advance()) await run.pause();
    const result = resultOf(run);
    options.onProgress?.({ cells: result.count, seconds: result.statistics.seconds });
    return result;
  } finally {
    run.close();
  }
}

/**
 * The cells one by one, as they are found, without keeping them. Facets name the gate to flip; cells have no index of
 * their neighbours. Ends early, without error, when a limit or the signal stops the search.
 */
export async function* streamCells(f: Readable, options: EnumerateOptions): AsyncGenerator<EnumeratedCell, void, void> {
  const net = readNetOf(f, options, "streamCells");
  if (options.countOnly) {
    throw new OptionError("streamCells gives cells: to count them call enumerate with countOnly: true");
  }
  const want = (options.want ?? DEFAULT_WANT).filter((name) => name !== "neighbours");
  const run = begin(net, { ...options, want, countOnly: false }, { mostWaiting: MOST_WAITING });
  try {
    for (let more = true; more; ) {
      more = run.advance();
      yield* run.take();
      if (more) await run.pause();
    }
  } finally {
    run.close();
  }
}

/** Cells of a stream that helping threads may have found before those that come first. */
const MOST_WAITING = 1 << 14;

const DEFAULT_WANT: readonly Want[] = ["witness", "map", "facets", "neighbours"];
const ALL_WANT: readonly Want[] = [...DEFAULT_WANT, "chebyshev", "vertices", "volume"];
/** What follows from a cell's vertices, or needs its facets. */
const DESCRIPTIONS: readonly Want[] = ["facets", "chebyshev", "vertices", "volume"];

/** Reads what else is to be read, and begins. */
function begin(net: PwlNet, options: EnumerateOptions, more: Partial<RunOptions> = {}): EnumerationRun {
  const whole = options.splitAtOutputZero ? splitAtOutput(net) : net;
  const want = readWant(options.want ?? DEFAULT_WANT);
  const job: EnumerationJob = {
    net: whole,
    lower: Float64Array.from(options.box, ([low]) => low),
    upper: Float64Array.from(options.box, ([, high]) => high),
    polytope: options.polytope,
    method: chooseMethod(options, whole, want),
    want,
    countOnly: options.countOnly === true,
    exact: options.exact === "always",
  };
  const { signal, onProgress, limits, resume, threads = threadCount() } = options;
  return new EnumerationRun(job, { signal, onProgress, limits, threads, ...more }, (plan) =>
    resume === undefined ? [new Array(plan.layout.gates).fill(OPEN)] : readFrontier(resume, job, plan),
  );
}

function resultOf(run: EnumerationRun): Enumeration {
  const { job, collector, tally, stopped, frontier, seconds } = run;
  const cells = run.cells();
  if (collector !== undefined && job.want.has("neighbours")) findNeighbours(cells, collector.touched);
  const { exactDecisions, linearPrograms } = tally;
  const result: Enumeration = {
    complete: stopped === undefined,
    stopped,
    count: tally.cells,
    cells,
    frontier: frontierOf(job, frontier),
    cellsPerLayer: Array.from(tally.perLayer),
    method: job.method,
    statistics: { exactDecisions, linearPrograms, seconds },
  };
  return printsAs(result, describe);
}

/** An enumeration in one line. */
function describe({ complete, stopped, count, cells, frontier, method, statistics }: Enumeration): string {
  const box = shownBox(Array.from(cells.lower, (low, j) => [low, cells.upper[j]] as const));
  const state = complete ? "complete" : `stopped (${stopped}), ${counted(frontier.length, "sub-problem")} left`;
  const how = `by ${method} in ${shortNumber(statistics.seconds)} s`;
  return `Enumeration { ${state}, ${counted(count, "cell")} in ${box}, ${gatesInLayers(cells.net)}, ${how} }`;
}

/** The net with one more layer of hinges, on its outputs. Its outputs stay what they are. */
function splitAtOutput(net: PwlNet): PwlNet {
  const { size } = net.output;
  const zeros = new Float64Array(size);
  return printsAsNet({
    ...net,
    layers: [
      ...net.layers,
      {
        kind: "hinge",
        name: "output zero",
        argument: net.output,
        threshold: zeros,
        lo: zeros,
        hi: new Float64Array(size).fill(1),
      },
    ],
  });
}

function checkHalfSpaces(polytope: HalfSpaces | undefined, dimension: number, where: string): void {
  if (polytope === undefined) return;
  const { A, b } = polytope;
  if (A === undefined || widthOf(b) === undefined) {
    throw new OptionError(
      `${where}: the polytope's A is ${shown(A)}, its b ${shown(b)}; pass { A: [[...], ...], b: [...] }`,
    );
  }
  if (A.length !== b.length) {
    throw new GeometryError(
      `${where}: the polytope has ${A.length} rows in A and ${b.length} numbers in b: one offset per row`,
    );
  }
  A.forEach((row, i) => {
    readVector(row, dimension, `${where}: row ${i} of the polytope's A`, `the net has ${counted(dimension, "input")}`);
  });
  readVector(b, A.length, `${where}: the polytope's b`, `A has ${counted(A.length, "row")}`);
}

function readWant(want: readonly Want[]): ReadonlySet<Want> {
  for (const name of want) {
    if (!ALL_WANT.includes(name)) {
      throw new OptionError(`want has ${shown(name)}; what can be wanted of a cell: ${ALL_WANT.join(", ")}`);
    }
  }
  const all = new Set(want);
  if (all.has("neighbours")) all.add("facets");
  if (all.has("chebyshev") || all.has("volume")) all.add("witness");
  return all;
}

/**
 * Vertices per cell grow like 2^d, whatever the number of gates, with which linear programs grow: where vertices are needed
 * anyway, or few, they are the faster representation.
 */
function chooseMethod(options: EnumerateOptions, net: PwlNet, want: ReadonlySet<Want>): EnumerationMethod {
  const { method = "auto" } = options;
  if (method !== "auto") return method;
  const described = !options.countOnly && DESCRIPTIONS.some((name) => want.has(name));
  const gates = net.layers.reduce((sum, layer) => sum + gateCount(layer), 0);
  return net.inputSize <= (described ? MOST_DIMENSIONS_BY_VERTICES : gates > 20 ? 5 : 4)
    ? "vertices"
    : "linear-programs";
}
