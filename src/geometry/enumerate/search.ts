/**
 * The search of one part of an enumeration: a sub-problem, by a walk that starts afresh. All that it finds, to the last
 * bit, follows from the part alone, and so does what it gives away: whoever searches the parts, and when, the cells of
 * the enumeration are the same.
 */

import { GeometryError } from "../../base/errors.js";
import { CellTree } from "../cell-tree/cell-tree.js";
import type { HyperplanePool, Path } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import type { Polytopes } from "../cell-tree/polytopes.js";
import type { SubProblem } from "../cell-tree/sub-problem.js";
import { ProgramPolytopes } from "../polytopes/program-polytopes.js";
import { FacetOverflow, VertexPolytopes } from "../polytopes/vertex-polytopes.js";
import type { EnumerationJob } from "./job.js";

/** A sub-problem to be searched on its own; plain data. */
export interface Part {
  readonly problem: SubProblem;
  /** 32-bit words of facets per vertex to begin with. */
  readonly words: number;
}

/** What was counted of an enumeration or a part of it. */
export interface Tally {
  cells: number;
  /** Cells of the net's first l + 1 layers that were completed: entry l. */
  readonly perLayer: Float64Array;
  exactDecisions: number;
  linearPrograms: number;
}

/** A tally of nothing, for a net of so many gate layers. */
export function emptyTally(layers: number): Tally {
  return { cells: 0, perLayer: new Float64Array(layers), exactDecisions: 0, linearPrograms: 0 };
}

/** Adds what another counted. */
export function addTally(to: Tally, from: Tally): void {
  to.cells += from.cells;
  for (let l = 0; l < to.perLayer.length; l++) to.perLayer[l] += from.perLayer[l];
  to.exactDecisions += from.exactDecisions;
  to.linearPrograms += from.linearPrograms;
}

/** Cells visited between two looks at the clock. */
export const BATCH = { vertices: 64, "linear-programs": 16 };

/**
 * Cells found between two parts that a search gives away. To begin a part costs as much as some dozens of cells, so they
 * must not be too few; nor too many, for the others to have work soon: some ten milliseconds in any case.
 */
function cellsBetweenSpares({ method, countOnly, exact }: EnumerationJob): number {
  if (exact) return 64;
  return method === "vertices" ? 2048 : countOnly ? 1024 : 128;
}

/** One part's search under way. */
export class PartSearch {
  /** Cells found so far. */
  count = 0;
  /** What is left after the current tree; the last comes first. */
  private readonly problems: SubProblem[];
  private words: number;
  private tree: CellTree | undefined;
  private nextSpare: number;
  private readonly between: number;
  private readonly finished: Tally;

  /** @param pool where hyperplanes are collected; undefined where cells are only counted. */
  constructor(
    private readonly job: EnumerationJob,
    private readonly plan: Plan,
    private readonly pool: HyperplanePool | undefined,
    part: Part,
  ) {
    this.problems = [part.problem];
    this.words = part.words;
    this.between = cellsBetweenSpares(job);
    this.nextSpare = this.between;
    this.finished = emptyTally(job.net.layers.length);
    this.nextTree();
  }

  /** Finds at most so many more cells; false when there are no more. */
  step(most: number, visit: ((tree: CellTree) => void) | undefined): boolean {
    const { tree } = this;
    if (tree === undefined) return false;
    const before = tree.count;
    let done: boolean;
    try {
      done = tree.step(most, visit === undefined ? undefined : () => visit(tree));
    } catch (error) {
      if (!(error instanceof FacetOverflow)) throw error;
      // a polytope has too many facets: what is left is searched with wider bit sets
      this.words++;
      this.problems.push(...tree.frontier());
      done = true;
    }
    this.count += tree.count - before;
    if (done) this.nextTree();
    return this.tree !== undefined;
  }

  /** Every so many cells, the last part of what is left, which is then no longer this search's. */
  spare(): Part | undefined {
    if (this.tree === undefined || this.count < this.nextSpare) return undefined;
    this.nextSpare = this.count + this.between;
    const problem = this.problems.shift() ?? this.tree.spare();
    return problem === undefined ? undefined : { problem, words: this.words };
  }

  /** What is left to search, in the order of the search. */
  frontier(): SubProblem[] {
    const { tree, problems } = this;
    return [...problems, ...(tree === undefined ? [] : tree.frontier())].reverse();
  }

  /** What was counted so far. */
  tally(): Tally {
    const tally = emptyTally(this.finished.perLayer.length);
    addTally(tally, this.finished);
    if (this.tree !== undefined) addTally(tally, tallyOf(this.tree));
    return tally;
  }

  /** Begins the next sub-problem that holds a cell. */
  private nextTree(): void {
    if (this.tree !== undefined) addTally(this.finished, tallyOf(this.tree));
    this.tree = undefined;
    for (let problem = this.problems.pop(); problem !== undefined; problem = this.problems.pop()) {
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
    const { job, plan, pool, words } = this;
    const polytopes = (plan: Plan, path: Path): Polytopes =>
      job.method === "vertices" ? new VertexPolytopes(plan, path, words) : new ProgramPolytopes(plan, path);
    const tree = new CellTree(plan, job.polytope, polytopes, pool);
    if (tree.enterDomain()) return tree;
    throw new GeometryError(
      "the domain has no interior: its half-spaces A x <= b leave nothing full-dimensional of the box; cells are full-dimensional, so give a domain that is",
    );
  }
}

function tallyOf({ count, cellsPerLayer, polytopes }: CellTree): Tally {
  const { exact, programs } = polytopes.statistics;
  return { cells: count, perLayer: cellsPerLayer, exactDecisions: exact, linearPrograms: programs };
}
