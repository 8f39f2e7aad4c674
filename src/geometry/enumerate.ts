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

import { GeometryError, OptionError } from "../base/errors.js";
import { checkOptions, type OptionKinds } from "../base/options.js";
import { counted, printsAs, shortNumber, shown, shownBox } from "../base/shown.js";
import { type Box, checkBox } from "../pwl/box.js";
import { gatesInLayers, type PwlNet, printsAsNet } from "../pwl/net.js";
import type { Readable } from "../pwl/read.js";
import { CellTree, type SubProblem } from "./cell-tree.js";
import { type HalfSpaces, HyperplanePool, type Path } from "./cell-tree-path.js";
import { buildPlan, type Plan } from "./cell-tree-plan.js";
import type { Polytopes } from "./cell-tree-polytopes.js";
import { ProgramPolytopes } from "./cell-tree-programs.js";
import { type EnumeratedCell, EnumeratedCells, type Want } from "./enumerate-cells.js";
import { CellCollector } from "./enumerate-collect.js";
import { findNeighbours } from "./enumerate-neighbours.js";
import { netOf } from "./net-of.js";
import { readVector, widthOf } from "./vector.js";
import { FacetOverflow, VertexPolytopes } from "./vertex-polytopes.js";

/** Which representation of polytopes the walk uses. */
export type EnumerationMethod = "vertices" | "linear-programs";

/** What is left to search, as plain data (it survives JSON). May be split: each entry is searched on its own. */
export type Frontier = readonly SubProblem[];

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
   * "auto": vertices where cells are to be described in up to 7 dimensions, or counted in up to 4 (5, in nets of more than
   * 20 gates), else linear programs.
   */
  readonly method?: "auto" | EnumerationMethod;
  /** What to record per cell, besides its pattern. Default: witness, map, facets, neighbours. */
  readonly want?: readonly Want[];
  /** Only count: `cells` stays empty. */
  readonly countOnly?: boolean;
  /** Also cut along the zero set of every output; patterns then have one more gate per output. */
  readonly splitAtOutputZero?: boolean;
  /** "always" takes no sign from floating point: an audit, far slower. */
  readonly exact?: "filtered" | "always";
  /** Stops the search; what was found is given, with `complete: false`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EnumerationProgress) => void;
  /** Stops the search when so many cells were found, or so many seconds have passed. */
  readonly limits?: { readonly cells?: number; readonly seconds?: number };
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

/** Cells visited between two looks at the clock. */
const BATCH = 64;
/** Milliseconds of work before the event loop gets its turn. */
const SLICE = 25;

/**
 * Finds all cells of a net in a domain.
 *
 * Yields to the event loop every 25 ms, so that a page stays alive and `signal` can arrive.
 *
 * @throws OptionError for a bad option, GeometryError for a domain that is empty, flat, unbounded or of another dimension,
 * PiecewiseLinearError for a net that is not legal (a NaN weight, for one).
 */
export async function enumerate(f: Readable, options: EnumerateOptions): Promise<Enumeration> {
  const search = new Search(readNetOf(f, options, "enumerate"), options);
  let slice = performance.now();
  while (search.advance()) {
    const now = performance.now();
    if (now - slice > SLICE) {
      options.onProgress?.({ cells: search.count, seconds: search.seconds });
      await turn();
      slice = performance.now();
    }
  }
  return search.result();
}

/**
 * The cells one by one, as they are found, without keeping them. Facets name the gate to flip; cells have no index of
 * their neighbours. Ends early, without error, when a limit or the signal stops the search.
 */
export async function* streamCells(f: Readable, options: EnumerateOptions): AsyncGenerator<EnumeratedCell, void, void> {
  const net = readNetOf(f, options, "streamCells");
  const want = (options.want ?? DEFAULT_WANT).filter((name) => name !== "neighbours");
  const search = new Search(net, { ...options, want, countOnly: false });
  let slice = performance.now();
  let more = true;
  while (more) {
    more = search.advance();
    const found = search.take();
    for (const cell of found) yield cell;
    if (performance.now() - slice > SLICE) {
      options.onProgress?.({ cells: search.count, seconds: search.seconds });
      await turn();
      slice = performance.now();
    }
  }
}

const DEFAULT_WANT: readonly Want[] = ["witness", "map", "facets", "neighbours"];
const ALL_WANT: readonly Want[] = [...DEFAULT_WANT, "chebyshev", "vertices", "volume"];

/** One enumeration under way. */
class Search {
  count = 0;
  private readonly net: PwlNet;
  private readonly plan: Plan;
  private readonly want: ReadonlySet<Want>;
  private readonly method: EnumerationMethod;
  private readonly problems: (SubProblem | undefined)[];
  private readonly cellsPerLayer: Float64Array;
  private readonly started = performance.now();
  private readonly limitCells: number;
  private readonly limitSeconds: number;
  private pool: HyperplanePool;
  private collector: CellCollector | undefined;
  private tree: CellTree | undefined;
  private stopped: Enumeration["stopped"];
  /** 32-bit words of facets per vertex. */
  private words = 1;
  private exactDecisions = 0;
  private linearPrograms = 0;

  constructor(
    net: PwlNet,
    private readonly options: EnumerateOptions,
  ) {
    this.net = options.splitAtOutputZero ? splitAtOutput(net) : net;
    const lower = Float64Array.from(options.box, ([low]) => low);
    const upper = Float64Array.from(options.box, ([, high]) => high);
    const plan = buildPlan(this.net, lower, upper);
    if (options.exact === "always") for (const { error } of plan.layers) error.fill(Number.POSITIVE_INFINITY);
    this.plan = plan;
    this.want = readWant(options.want ?? DEFAULT_WANT);
    this.method = chooseMethod(options, plan, this.want);
    this.limitCells = options.limits?.cells ?? Number.POSITIVE_INFINITY;
    this.limitSeconds = options.limits?.seconds ?? Number.POSITIVE_INFINITY;
    this.problems = options.resume === undefined ? [undefined] : readFrontier(options.resume, plan).reverse();
    this.cellsPerLayer = new Float64Array(this.net.layers.length);
    this.pool = new HyperplanePool(plan.dimension + 1);
    if (!options.countOnly) this.collector = new CellCollector(plan, this.pool, this.want);
    if (this.problems.length > 0) this.nextTree();
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Works for one batch; false when there is no more to do. */
  advance(): boolean {
    if (this.options.signal?.aborted) this.stopped = "aborted";
    else if (this.count >= this.limitCells) this.stopped = "cells";
    else if (this.seconds >= this.limitSeconds) this.stopped = "seconds";
    if (this.tree === undefined) {
      this.stopped = undefined; // all was done before the limit was looked at
      return false;
    }
    if (this.stopped !== undefined) return false;
    const { tree, collector } = this;
    const before = tree.count;
    const visit = collector === undefined ? undefined : () => collector.visit(tree);
    const done = this.step(tree, Math.min(BATCH, this.limitCells - this.count), visit);
    this.count += tree.count - before;
    if (done) this.nextTree();
    return true;
  }

  /** The cells found since the last call, as objects that stay valid. */
  take(): EnumeratedCell[] {
    const { collector, pool } = this;
    if (collector === undefined || collector.arrays.length === 0) return [];
    const found = [...this.cellsOf(collector)];
    const first = this.count - found.length;
    // fresh arrays; hyperplanes of the current path are still referred to, so the pool stays
    this.collector = new CellCollector(this.plan, pool, this.want);
    return found.map((cell) => ({ ...cell, index: first + cell.index }));
  }

  result(): Enumeration {
    const { collector, plan, pool, want, tree } = this;
    const frontier: SubProblem[] = [];
    if (tree !== undefined) frontier.push(...tree.frontier());
    for (const problem of this.problems) if (problem !== undefined) frontier.push(problem);
    this.account();
    const cells = this.cellsOf(collector ?? new CellCollector(plan, pool, new Set()));
    if (collector !== undefined && want.has("neighbours")) findNeighbours(cells, collector.touched);
    const result: Enumeration = {
      complete: this.stopped === undefined,
      stopped: this.stopped,
      count: this.count,
      cells,
      frontier,
      cellsPerLayer: Array.from(this.cellsPerLayer),
      method: this.method,
      statistics: {
        exactDecisions: this.exactDecisions,
        linearPrograms: this.linearPrograms,
        seconds: this.seconds,
      },
    };
    return printsAs(result, describe);
  }

  private cellsOf({ arrays }: CellCollector): EnumeratedCells {
    const { layout, lower, upper } = this.plan;
    return new EnumeratedCells(this.net, layout, arrays, this.pool, this.want, lower, upper);
  }

  /** Begins the next sub-problem that holds a cell. */
  private nextTree(): void {
    this.account();
    this.tree = undefined;
    while (this.problems.length > 0) {
      const problem = this.problems.pop();
      try {
        const tree = this.plant();
        if (!tree.begin(problem)) continue;
        this.tree = tree;
        return;
      } catch (error) {
        if (!(error instanceof FacetOverflow)) throw error;
        this.words++;
        this.problems.push(problem);
      }
    }
  }

  /** A tree whose root is the domain. */
  private plant(): CellTree {
    const polytopes = (plan: Plan, path: Path): Polytopes =>
      this.method === "vertices" ? new VertexPolytopes(plan, path, this.words) : new ProgramPolytopes(plan, path);
    const pool = this.options.countOnly ? undefined : this.pool;
    const tree = new CellTree(this.plan, this.options.polytope, polytopes, pool);
    if (tree.enterDomain()) return tree;
    throw new GeometryError(
      "the domain has no interior: its half-spaces A x <= b leave nothing full-dimensional of the box; cells are full-dimensional, so give a domain that is",
    );
  }

  /** Takes `most` steps of the tree; a polytope with too many facets sends what is left back, with wider bit sets. */
  private step(tree: CellTree, most: number, visit: (() => void) | undefined): boolean {
    try {
      return tree.step(most, visit);
    } catch (error) {
      if (!(error instanceof FacetOverflow)) throw error;
      this.words++;
      this.problems.push(...tree.frontier());
      return true;
    }
  }

  /** Adds the finished tree's counts. */
  private account(): void {
    if (this.tree === undefined) return;
    const { cellsPerLayer, polytopes } = this.tree;
    for (let l = 0; l < cellsPerLayer.length; l++) this.cellsPerLayer[l] += cellsPerLayer[l];
    this.exactDecisions += polytopes.statistics.exact;
    this.linearPrograms += polytopes.statistics.programs;
  }
}

/** An enumeration in one line. */
function describe({ complete, stopped, count, cells, frontier, method, statistics }: Enumeration): string {
  const box = shownBox(Array.from(cells.lower, (low, j) => [low, cells.upper[j]] as const));
  const state = complete ? "complete" : `stopped (${stopped}), ${counted(frontier.length, "sub-problem")} left`;
  const how = `by ${method} in ${shortNumber(statistics.seconds)} s`;
  return `Enumeration { ${state}, ${counted(count, "cell")} in ${box}, ${gatesInLayers(cells.net)}, ${how} }`;
}

/** Lets timers, input and abort signals through; Node's own way costs microseconds, a browser's timer milliseconds. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
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

function readFrontier(frontier: Frontier, { layout, layers }: Plan): SubProblem[] {
  if (!Array.isArray(frontier)) {
    throw new OptionError(
      `resume is ${shown(frontier)}; pass the frontier of an incomplete enumeration: result.frontier`,
    );
  }
  return frontier.map((problem, p) => {
    if (widthOf(problem) !== layout.gates) {
      throw new OptionError(
        `sub-problem ${p} to resume from has ${widthOf(problem) ?? "no"} states, but this net has ${layout.gates} gates: resume with the net (and splitAtOutputZero) it came from`,
      );
    }
    layers.forEach(({ gates }, l) => {
      if (gates === undefined) return;
      for (let unit = 0; unit < layout.layerStarts[l + 1] - layout.layerStarts[l]; unit++) {
        const states = gates.kind === "hinge" ? 2 : gates.starts[unit + 1] - gates.starts[unit];
        const state = problem[layout.layerStarts[l] + unit];
        if (!Number.isInteger(state) || state < -1 || state >= states) {
          throw new OptionError(
            `sub-problem ${p} to resume from gives gate ${unit} of layer ${l + 1} the state ${state}`,
          );
        }
      }
    });
    return problem;
  });
}

/**
 * Vertices per cell grow like 2^d, whatever the number of gates, with which linear programs grow: where vertices are needed
 * anyway, or few, they are the faster representation.
 */
function chooseMethod(
  options: EnumerateOptions,
  { dimension, layout }: Plan,
  want: ReadonlySet<Want>,
): EnumerationMethod {
  const { method = "auto" } = options;
  if (method !== "auto") return method;
  const described = !options.countOnly && want.has("facets");
  return dimension <= (described ? 7 : layout.gates > 20 ? 5 : 4) ? "vertices" : "linear-programs";
}
