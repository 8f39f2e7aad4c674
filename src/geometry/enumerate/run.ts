/**
 * One enumeration under way. The caller's thread searches the first open part; others, where there are any, claim the
 * next ones. What they find waits until all parts before it are there, so that the cells come in one order, whoever found
 * them: that of a single depth-first search.
 */

import { HyperplanePool } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import type { SubProblem } from "../cell-tree/sub-problem.js";
import { type EnumeratedCell, EnumeratedCells, printsAsCell } from "./cells.js";
import { CellCollector } from "./collect.js";
import { type EnumerationJob, planOf } from "./job.js";
import { appendCells, cellsFound } from "./join.js";
import { type Found, Parts, type Place } from "./parts.js";
import { addTally, BATCH, emptyTally, type Part, PartSearch, type Tally } from "./search.js";
import { Crew } from "./threads.js";

/** What bounds a run, and who works at it. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly cells: number; readonly seconds: number }) => void) | undefined;
  readonly limits?: { readonly cells?: number; readonly seconds?: number } | undefined;
  /** Threads that search, the caller's included. */
  readonly threads: number;
  /** Cells that may wait for others before them. */
  readonly mostWaiting?: number;
}

/** Milliseconds of work before the event loop gets its turn; fewer where helpers wait for parts. */
const SLICE = 25;
const SLICE_WITH_HELPERS = 2;

/**
 * Milliseconds of search before other threads are asked: about what it takes to hand them the net, and before that to
 * start them and load this library there. What ends sooner does not pay for them.
 */
const PATIENCE = 5;
const PATIENCE_TO_START = 40;

/** The search of a part by the caller's thread. */
interface OwnSearch {
  readonly place: Place;
  readonly search: PartSearch;
  /** Where its cells go, if not straight to the end of all: cells of parts before them are still missing. */
  readonly apart: CellCollector | undefined;
  readonly direct: boolean;
}

export class EnumerationRun {
  /** Why it was not searched to the end. */
  stopped: "aborted" | "cells" | "seconds" | undefined;
  /** What is left to search, once the run is over, in the order of the search. */
  readonly frontier: SubProblem[] = [];
  /** The cells found, but for those taken; undefined where they are only counted. */
  collector: CellCollector | undefined;
  private readonly plan: Plan;
  private readonly pool: HyperplanePool;
  private readonly parts: Parts;
  /** Of the parts joined so far. */
  private readonly joined: Tally;
  private own: OwnSearch | undefined;
  private crew: Crew | undefined;
  /** Whether there is nothing to do before a helper answers. */
  private idle = false;
  private readonly started = performance.now();
  private sliceStarted = this.started;
  private progressed = this.started;
  private readonly limitCells: number;
  private readonly limitSeconds: number;

  /** @param problems what to search, in this order. */
  constructor(
    readonly job: EnumerationJob,
    private readonly options: RunOptions,
    problems: (plan: Plan) => readonly SubProblem[],
  ) {
    const plan = planOf(job);
    this.plan = plan;
    this.pool = new HyperplanePool(plan.dimension + 1);
    if (!job.countOnly) this.collector = new CellCollector(plan, this.pool, job.want);
    this.limitCells = options.limits?.cells ?? Number.POSITIVE_INFINITY;
    this.limitSeconds = options.limits?.seconds ?? Number.POSITIVE_INFINITY;
    this.parts = new Parts(problems(plan).map((problem) => ({ problem, words: 1 })));
    this.joined = emptyTally(job.net.layers.length);
    this.own = this.claim(); // a domain without interior is refused here
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Cells found, up to the first that is missing. */
  get count(): number {
    return this.joined.cells + (this.own?.direct ? this.own.search.count : 0);
  }

  /** What was counted, once the run is over. */
  get tally(): Tally {
    return this.joined;
  }

  /** Works for one batch, or finds that it must wait; false when the run is over. */
  advance(): boolean {
    this.join();
    if (this.parts.head === undefined) {
      if (this.frontier.length === 0) this.stopped = undefined; // all was done before the limit was looked at
      return false;
    }
    if (this.stopped === undefined && this.mustStop()) this.crew?.stop();
    if (this.stopped !== undefined) {
      this.idle = this.stopped !== "cells" && this.crew !== undefined && this.crew.busy;
      if (!this.idle) this.finish();
      return this.idle;
    }
    this.own ??= this.claim();
    this.shareOut();
    this.idle = this.own === undefined;
    if (this.own !== undefined) this.work(this.own);
    return true;
  }

  /** A promise to be awaited, when it is time to let timers, input, signals, and helpers through. */
  pause(): Promise<void> | undefined {
    const now = performance.now();
    const slice = this.crew !== undefined && this.crew.size > 0 ? SLICE_WITH_HELPERS : SLICE;
    if (!this.idle && now - this.sliceStarted <= slice) return undefined;
    if (now - this.progressed > SLICE) {
      this.progressed = now;
      this.options.onProgress?.({ cells: this.count + this.waiting(), seconds: this.seconds });
    }
    return (this.idle && this.crew !== undefined ? this.crew.answer() : turn()).then(() => {
      this.sliceStarted = performance.now();
    });
  }

  /** The cells found since the last call, as objects that stay valid. */
  take(): EnumeratedCell[] {
    const { collector, pool } = this;
    if (collector === undefined || collector.arrays.length === 0) return [];
    const found = [...this.cellsOf(collector)];
    const first = this.count - found.length;
    // fresh arrays; hyperplanes of the current path are still referred to, so the pool stays
    this.collector = new CellCollector(this.plan, pool, this.job.want);
    return found.map((cell) => printsAsCell({ ...cell, index: first + cell.index }));
  }

  /** The cells found and not taken; none where they are only counted. */
  cells(): EnumeratedCells {
    return this.cellsOf(this.collector ?? new CellCollector(this.plan, this.pool, new Set()));
  }

  /** Lets the helpers go. */
  close(): void {
    this.crew?.release();
    this.crew = undefined;
  }

  private cellsOf({ arrays }: CellCollector): EnumeratedCells {
    const { net, want, lower, upper } = this.job;
    return new EnumeratedCells(net, this.plan.layout, arrays, this.pool, want, lower, upper);
  }

  private mustStop(): boolean {
    if (this.options.signal?.aborted) this.stopped = "aborted";
    else if (this.count >= this.limitCells) this.stopped = "cells";
    else if (this.seconds >= this.limitSeconds) this.stopped = "seconds";
    return this.stopped !== undefined;
  }

  /** Cells found that wait for others before them. */
  private waiting(): number {
    let cells = this.own === undefined || this.own.direct ? 0 : this.own.search.count;
    for (const { found } of this.parts) cells += found?.tally.cells ?? 0;
    return cells;
  }

  /** Whether parts may be searched before those ahead of them are there. */
  private mayRunAhead(): boolean {
    const waiting = this.waiting();
    return this.count + waiting < this.limitCells && waiting <= (this.options.mostWaiting ?? Number.POSITIVE_INFINITY);
  }

  /** The first open part, for the caller's thread. */
  private claim(): OwnSearch | undefined {
    const { job, plan } = this;
    const place = this.parts.firstOpen();
    const direct = place === this.parts.head;
    if (place === undefined || !(direct || this.mayRunAhead())) return undefined;
    place.state = "claimed";
    const pool = direct ? this.pool : new HyperplanePool(plan.dimension + 1);
    const apart = direct || job.countOnly ? undefined : new CellCollector(plan, pool, job.want);
    const search = new PartSearch(job, plan, job.countOnly ? undefined : pool, place.part);
    return { place, search, apart, direct };
  }

  private work(own: OwnSearch): void {
    const { place, search, direct } = own;
    const collector = direct ? this.collector : own.apart;
    const batch = BATCH[this.job.method];
    const most = direct ? Math.min(batch, this.limitCells - this.count) : batch;
    const more = search.step(most, collector === undefined ? undefined : (tree) => collector.visit(tree));
    const spare = search.spare();
    if (spare !== undefined) this.parts.insert(spare, place);
    if (more) return;
    this.own = undefined;
    if (direct) {
      addTally(this.joined, search.tally());
      this.parts.drop();
    } else {
      receive(place, foundBy(own));
    }
  }

  /** Offers parts to other threads, once the search has lasted. */
  private shareOut(): void {
    const { threads } = this.options;
    if (threads === 1) return;
    if (this.crew === undefined) {
      const patience = Crew.isReady(threads - 1) ? PATIENCE : PATIENCE_TO_START;
      if (performance.now() - this.started < patience || this.parts.firstOpen() === undefined) return;
      this.crew = new Crew(threads - 1, this.job, {
        spare: (place, part) => this.insert(place, part),
        found: receive,
        failed: (place) => this.reopen(place),
      });
    }
    if (!this.crew.hasRoom || !this.mayRunAhead()) return;
    const open = [...this.parts].filter(({ state, failed }) => state === "open" && !failed);
    for (let at = 0; at < open.length && this.crew.take(open[at], open.length - at); at++) open[at].state = "claimed";
  }

  private insert(place: Place, part: Part): void {
    if (place.state === "claimed") this.parts.insert(part, place);
  }

  /** What a helper failed at is searched here again: an error then comes as if there were no helper. */
  private reopen(place: Place): void {
    if (place.state !== "claimed") return;
    place.failed = true;
    this.reset(place);
  }

  private reset(place: Place): void {
    this.parts.reopen(place);
    if (this.own?.place.state === "gone") this.own = undefined;
  }

  /** Puts what was found, as far as nothing before it is missing, behind the rest. */
  private join(): void {
    for (let { head } = this.parts; head?.found !== undefined; { head } = this.parts) {
      if (!this.fits(head.found)) {
        this.reset(head); // searched again, up to the limit
        return;
      }
      this.include(head.found);
      this.parts.drop();
    }
  }

  private fits(found: Found): boolean {
    return this.joined.cells + found.tally.cells <= this.limitCells;
  }

  private include({ tally, cells, left }: Found): void {
    addTally(this.joined, tally);
    if (cells !== undefined && this.collector !== undefined) appendCells(this.collector, cells);
    this.frontier.push(...left);
  }

  /** Ends a run that was stopped: keeps what was found, in whatever part, and tells what is left. */
  private finish(): void {
    const { own } = this;
    this.own = undefined;
    for (const place of this.parts) {
      if (own?.place === place) {
        if (own.direct) {
          addTally(this.joined, own.search.tally());
          this.frontier.push(...own.search.frontier());
          continue;
        }
        receive(place, foundBy(own));
      }
      if (place.found !== undefined && this.stopped !== "cells" && this.fits(place.found)) {
        this.include(place.found);
      } else {
        this.parts.reopen(place);
        this.frontier.push(place.part.problem);
      }
    }
    this.parts.head = undefined;
  }
}

function foundBy({ search, apart }: OwnSearch): Found {
  const cells = apart === undefined ? undefined : cellsFound(apart);
  return { tally: search.tally(), cells, left: search.frontier() };
}

function receive(place: Place, found: Found): void {
  if (place.state !== "claimed") return;
  place.found = found;
  place.state = "found";
}

/** Lets timers, input and abort signals through; Node's own way costs microseconds, a browser's timer milliseconds. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
