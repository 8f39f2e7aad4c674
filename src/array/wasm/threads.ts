/**
 * Threads that help with large products and convolutions. Work is cut into parts that are claimed, one at a time, by whoever is free:
 * the calling thread claims as well, and waits only for parts that others have begun. A thread that the system does
 * not let run therefore costs nothing.
 */
import { OptionError } from "../../base/errors.js";
import type { WasmFunction, WasmMemory, WasmModule } from "./engine.js";
import { simdLevel } from "./features.js";
import { obstacleToThreads, startThread, type Thread, type ThreadMessage, word } from "./threads-worker.js";

/** A kernel over one shared memory, as all threads know it. */
export interface Site {
  readonly id: number;
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  /** Computes one part: its index, `arity` arguments of the job, and the address of the thread's working memory. */
  readonly part: WasmFunction;
  readonly arity: number;
}

/** Where the working memory of the helping threads begins, its bytes for each, and for how many there is room. */
export interface WorkAreas {
  readonly first: number;
  readonly bytes: number;
  readonly count: number;
}

/** Looks at the count of active threads before the caller goes to sleep: about ten microseconds. */
const spins = 1000;

const mostThreads = 64;

/** The threads that help at present. */
export class Team {
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * word.length));
  readonly #threads: Thread[] = [];
  readonly #known = new Set<number>();
  #abandonedBytes = 0;
  /** Parts that others than the caller have computed, since the team began. */
  partsOfHelpers = 0;

  constructor(helpers: number, onError: (message: string) => void) {
    try {
      for (let i = 0; i < helpers; i++) this.#threads.push(startThread(onError));
    } catch (error) {
      this.stop();
      throw error;
    }
    Atomics.add(this.#control, word.messages, 1);
    this.#threads.forEach((thread, index) => {
      thread.send({ control: this.#control, thread: index + 1 });
    });
  }

  /** Threads that compute, the calling one included. */
  get size(): number {
    return this.#threads.length + 1;
  }

  /** Computes all parts of a job, and returns when they are there. */
  run(site: Site, parts: number, values: readonly number[], work: number, areas: WorkAreas): void {
    const control = this.#control;
    if (!this.#known.has(site.id)) {
      this.#known.add(site.id);
      const { id, module, memory, arity } = site;
      this.#send({ id, module, memory, arity });
    }
    control[word.site] = site.id;
    control[word.parts] = parts;
    control[word.helpers] = areas.count;
    control[word.work] = areas.first;
    control[word.workBytes] = areas.bytes;
    control.set(values, word.arguments);
    Atomics.store(control, word.next, 0);
    Atomics.store(control, word.open, 1);
    Atomics.add(control, word.jobs, 1);
    Atomics.notify(control, word.jobs, parts - 1);
    let own = 0;
    for (let part = Atomics.add(control, word.next, 1); part < parts; part = Atomics.add(control, word.next, 1)) {
      site.part(part, ...values, work);
      own++;
    }
    this.partsOfHelpers += parts - own;
    Atomics.store(control, word.open, 0);
    this.#awaitHelpers();
    if (Atomics.exchange(control, word.failed, 0) !== 0) {
      throw new Error("a thread failed in a matrix product or a convolution; setThreads(1) computes without threads");
    }
  }

  #awaitHelpers(): void {
    const control = this.#control;
    for (let i = 0; i < spins; i++) if (Atomics.load(control, word.active) === 0) return;
    for (let active = Atomics.load(control, word.active); active > 0; active = Atomics.load(control, word.active)) {
      Atomics.wait(control, word.active, active);
    }
  }

  /** Notes that only the threads hold a site's memory any more. Returns how many such bytes there are. */
  abandon(id: number, bytes: number): number {
    if (this.#known.delete(id)) this.#abandonedBytes += bytes;
    return this.#abandonedBytes;
  }

  /** Threads read messages when a job wakes them. */
  #send(message: ThreadMessage): void {
    Atomics.add(this.#control, word.messages, 1);
    for (const thread of this.#threads) thread.send(message);
  }

  stop(): void {
    for (const thread of this.#threads) thread.stop();
  }
}

let current: Team | undefined;
let reason = "one thread unless setThreads asks for more";

/**
 * Uses this many threads for large matrix products, large convolutions and their gradients, and enumerations that last,
 * from 1 to 64: the caller's own and workers beside it. Products are those of one thread within their bound; convolutions
 * and enumerations are the same, bit for bit. Calls stay synchronous (but `enumerate`, which never is), and a process ends
 * without waiting for its threads. Programs of `compile` use threads if they were compiled after this call.
 *
 * Where threads cannot help (a page that is not cross-origin isolated, a page's main thread, Node before 20.16, no
 * WASM SIMD) everything is computed by one, and `backendInfo()` says why.
 * @returns the number of threads that compute from now on
 * @throws OptionError if `count` is no integer from 1 to 64
 */
export function setThreads(count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > mostThreads) {
    throw new OptionError(`setThreads: got ${String(count)}; takes an integer from 1 to ${mostThreads}`);
  }
  if (count === threadCount()) return count;
  disband(`setThreads(${count})`);
  if (count === 1) return 1;
  const obstacle = simdLevel() === "none" ? "only the WASM kernels use threads" : obstacleToThreads();
  if (obstacle !== undefined) {
    reason = obstacle;
    return 1;
  }
  try {
    const team = new Team(count - 1, (message) => {
      if (current === team) disband(`a thread broke down: ${message}`);
    });
    current = team;
  } catch (error) {
    reason = `this host refused to start a thread: ${error instanceof Error ? error.message : String(error)}`;
  }
  return threadCount();
}

function disband(why: string): void {
  current?.stop();
  current = undefined;
  reason = why;
}

/** Threads that compute large products and convolutions. */
export function threadCount(): number {
  return current?.size ?? 1;
}

/** Why `threadCount()` is what it is, as a sentence. */
export function threadReason(): string {
  return current === undefined ? reason : `setThreads(${current.size})`;
}

/** The threads to help, or undefined where the caller computes alone. */
export function team(): Team | undefined {
  return current;
}

/**
 * A thread does so little besides its kernels that it hardly ever collects garbage, and would hold the memory of
 * programs that are gone. It is replaced by a new one when there are this many bytes.
 */
const mostAbandonedBytes = 64 * 1024 * 1024;

const abandoned = new FinalizationRegistry<{ readonly id: number; readonly bytes: number }>(({ id, bytes }) => {
  if (current === undefined || current.abandon(id, bytes) < mostAbandonedBytes) return;
  const { size } = current;
  setThreads(1);
  setThreads(size);
});
let sites = 0;

/** Makes a kernel known to threads. They let go of its memory some time after the site is collected. */
export function newSite(module: WasmModule, memory: WasmMemory, part: WasmFunction, arity: number): Site {
  const site: Site = { id: sites++, module, memory, part, arity };
  abandoned.register(site, { id: site.id, bytes: memory.buffer.byteLength });
  return site;
}
