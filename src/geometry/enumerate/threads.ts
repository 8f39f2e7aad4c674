/**
 * Threads that help to enumerate, in Node: workers that are sent the net once and then parts, one after another, as they
 * ask for them. They never keep a process alive. Elsewhere, and where a bundler has left no file to start them from, there
 * are none, and the caller searches alone.
 */

import type { EnumerationJob } from "./job.js";
import type { Found, Place } from "./parts.js";
import type { Part } from "./search.js";

/** What a helper is told. The stop flag is shared: 1 ends every search at once. */
export type HelperTask = { readonly job: EnumerationJob; readonly stop: Int32Array } | { readonly part: Part };

/** What a helper answers, for one part after the other. */
export type HelperAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "spare"; readonly part: Part }
  | { readonly kind: "found"; readonly found: Found }
  | { readonly kind: "failed" };

/** Node's `Worker`, as far as it is used. */
interface HostWorker {
  postMessage(task: HelperTask): void;
  terminate(): unknown;
  unref(): void;
  on(event: "message", listener: (answer: HelperAnswer) => void): void;
  on(event: "error" | "exit", listener: () => void): void;
}
type WorkerConstructor = new (url: URL, options: object) => HostWorker;

interface Host {
  readonly process?: { getBuiltinModule?(name: string): { readonly Worker: WorkerConstructor } | undefined };
}

/** Milliseconds for which a helper that has nothing to do waits for the next enumeration. */
const REST = 2000;
/** Milliseconds after which the caller looks at its clock and signal, while it waits for helpers. */
const LOOK = 10;

/** Called for what became of a part. */
interface Listener {
  spare(place: Place, part: Part): void;
  found(place: Place, found: Found): void;
  failed(place: Place): void;
}

/** Parts that helpers have found, in all enumerations. */
export let partsOfHelpers = 0;

const resting: Helper[] = [];
/** Whether helpers can be started here, as far as is known. */
let startable = true;

/** One thread. */
class Helper {
  ready = false;
  /** The parts it was sent and has not answered, the first of them under way. */
  readonly claimed: Place[] = [];
  crew: Crew | undefined;
  /** Whether it was sent the crew's job. */
  briefed = false;
  private dismissed = false;
  private readonly worker: HostWorker;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(Worker: WorkerConstructor, url: URL) {
    // No flags and no environment: a loader or a debugger of the process is not for this thread.
    this.worker = new Worker(url, { execArgv: [], env: {} });
    this.worker.unref();
    this.worker.on("message", (answer) => this.receive(answer));
    this.worker.on("error", () => this.end());
    this.worker.on("exit", () => this.end());
  }

  send(task: HelperTask): void {
    this.worker.postMessage(task);
  }

  engage(crew: Crew): void {
    clearTimeout(this.timer);
    this.crew = crew;
    this.briefed = false;
  }

  /** Waits for the next enumeration, once all parts are answered. */
  rest(): void {
    this.crew = undefined;
    resting.push(this);
    this.timer = setTimeout(() => {
      resting.splice(resting.indexOf(this), 1);
      this.dismissed = true;
      void this.worker.terminate();
    }, REST);
    (this.timer as { unref?(): void }).unref?.();
  }

  private receive(answer: HelperAnswer): void {
    const { crew, claimed } = this;
    if (answer.kind === "ready") this.ready = true;
    else if (answer.kind === "spare") crew?.listener.spare(claimed[0], answer.part);
    else {
      const place = claimed.shift()!;
      if (answer.kind === "found") {
        partsOfHelpers++;
        crew?.listener.found(place, answer.found);
      } else crew?.listener.failed(place);
    }
    crew?.wake(this);
  }

  /** It broke down, or its file cannot be loaded here. */
  private end(): void {
    if (!this.ready && !this.dismissed) startable = false;
    clearTimeout(this.timer);
    const at = resting.indexOf(this);
    if (at >= 0) resting.splice(at, 1);
    const { crew } = this;
    this.crew = undefined;
    for (const place of this.claimed.splice(0)) crew?.listener.failed(place);
    crew?.lose(this);
  }
}

/** The helpers of one enumeration. */
export class Crew {
  private readonly helpers: Helper[];
  private readonly flag = new Int32Array(new SharedArrayBuffer(4));
  private released = false;
  private resume: (() => void) | undefined;

  constructor(
    count: number,
    private readonly job: EnumerationJob,
    readonly listener: Listener,
  ) {
    this.helpers = resting.splice(0, count);
    while (this.helpers.length < count) {
      const helper = startHelper();
      if (helper === undefined) break;
      this.helpers.push(helper);
    }
    for (const helper of this.helpers) helper.engage(this);
  }

  /** Whether so many helpers rest, started already. */
  static isReady(count: number): boolean {
    return resting.filter(({ ready }) => ready).length >= count;
  }

  /** Helpers, those included that are not ready yet. */
  get size(): number {
    return this.helpers.length;
  }

  /** Whether a helper is at work. */
  get busy(): boolean {
    return this.helpers.some(({ claimed }) => claimed.length > 0);
  }

  /** Whether a helper has not yet a part under way and another one waiting. */
  get hasRoom(): boolean {
    return this.helpers.some(({ ready, claimed }) => ready && claimed.length < 2);
  }

  /** Sends a part to a helper; false if none has room. A second part each only where `open` parts are enough for all. */
  take(place: Place, open: number): boolean {
    const idle = this.helpers.find(({ ready, claimed }) => ready && claimed.length === 0);
    const next = this.helpers.find(({ ready, claimed }) => ready && claimed.length === 1);
    const helper = idle ?? (open > this.helpers.length ? next : undefined);
    if (helper === undefined) return false;
    if (!helper.briefed) helper.send({ job: this.job, stop: this.flag });
    helper.briefed = true;
    helper.claimed.push(place);
    helper.send({ part: place.part });
    return true;
  }

  /** Resolves at the next answer, or soon. The timer also keeps the process alive, which a helper does not. */
  answer(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.resume?.(), LOOK);
      this.resume = () => {
        clearTimeout(timer);
        this.resume = undefined;
        resolve();
      };
    });
  }

  /** Ends all searches; what they have found is still answered. */
  stop(): void {
    Atomics.store(this.flag, 0, 1);
  }

  /** Ends the enumeration: helpers are free for the next one as soon as they have answered. */
  release(): void {
    this.stop();
    this.released = true;
    for (const helper of [...this.helpers]) this.wake(helper);
  }

  wake(helper: Helper): void {
    if (this.released && helper.claimed.length === 0) {
      this.lose(helper);
      helper.rest();
    }
    this.resume?.();
  }

  lose(helper: Helper): void {
    const at = this.helpers.indexOf(helper);
    if (at >= 0) this.helpers.splice(at, 1);
    this.resume?.();
  }
}

/** A new thread, or undefined where none can be started. */
function startHelper(): Helper | undefined {
  const { url } = import.meta;
  const { process } = globalThis as Host;
  const Worker = process?.getBuiltinModule?.("node:worker_threads")?.Worker;
  if (!startable || Worker === undefined || !url?.startsWith("file:")) return undefined;
  try {
    const file = url.endsWith(".ts") ? "worker-source.mjs" : "worker.js";
    return new Helper(Worker, new URL(file, url));
  } catch {
    startable = false;
    return undefined;
  }
}
