/**
 * One helping thread: the program it runs, and how the host starts it. The program is text, so that it needs no file
 * of its own, which a bundler would have to find; it is started from a `data:` URL in Node and a Blob in browsers.
 */

/** Places in the control words, 32-bit integers that all threads share. */
export const word = {
  /** Jobs begun so far: idle threads wait here. */
  jobs: 0,
  /** 1 while threads may join the job. */
  open: 1,
  /** Threads that have joined, besides the caller, which waits here at the end. */
  active: 2,
  /** The next part to be claimed. */
  next: 3,
  /** Messages sent to each thread so far. */
  messages: 4,
  /** 1 when a thread failed. */
  failed: 5,
  /** The job: which site, its number of parts, and how many threads have working memory: from where, bytes for each. */
  site: 6,
  parts: 7,
  helpers: 8,
  work: 9,
  workBytes: 10,
  /** The kernel's arguments between the part's index and the working memory. */
  arguments: 16,
  length: 48,
} as const;

/** Messages to a thread: its start, or a site's kernel and memory. */
export type ThreadMessage =
  | { readonly control: Int32Array; readonly thread: number }
  | { readonly id: number; readonly module: object; readonly memory: object; readonly arity: number };

/**
 * A thread joins a job by counting itself active, and only then looks whether the job is open. The caller closes the
 * job and then waits until nobody is active: so no thread works on a job that is over, or sees half of the next one.
 */
const program = `
const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
const port = node?.parentPort ?? globalThis;
const sites = new Map();
let control, thread, received = 0;
function help() {
  Atomics.add(control, ${word.active}, 1);
  try {
    const site = sites.get(control[${word.site}]);
    if (Atomics.load(control, ${word.open}) === 1 && site !== undefined && thread <= control[${word.helpers}]) {
      const values = control.subarray(${word.arguments}, ${word.arguments} + site.arity);
      const work = control[${word.work}] + (thread - 1) * control[${word.workBytes}];
      for (let part; (part = Atomics.add(control, ${word.next}, 1)) < control[${word.parts}]; ) {
        site.kernel(part, ...values, work);
      }
    }
  } catch {
    Atomics.store(control, ${word.failed}, 1);
  }
  Atomics.sub(control, ${word.active}, 1);
  Atomics.notify(control, ${word.active});
}
port.onmessage = ({ data }) => {
  received++;
  if (data.control) ({ control, thread } = data);
  else {
    const { part } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } }).exports;
    sites.set(data.id, { kernel: part, arity: data.arity });
  }
  // Messages are read between the calls of this function only: it ends when there are new ones.
  for (;;) {
    const seen = Atomics.load(control, ${word.jobs});
    if (Atomics.load(control, ${word.messages}) !== received) return;
    help();
    Atomics.wait(control, ${word.jobs}, seen);
  }
};
`;

/** A thread that was started. */
export interface Thread {
  send(message: ThreadMessage): void;
  stop(): void;
}

/** Node's and the browsers' `Worker`, as far as it is used. */
interface HostWorker {
  postMessage(message: ThreadMessage): void;
  terminate(): unknown;
  unref?(): void;
  on?(event: "error", listener: (error: Error) => void): void;
  onerror?: (event: { readonly message?: string }) => void;
}
type WorkerConstructor = new (url: URL | string, options: object) => HostWorker;

interface Host {
  readonly process?: { getBuiltinModule?(name: string): { readonly Worker: WorkerConstructor } | undefined };
  readonly Worker?: WorkerConstructor;
}

/** Why threads cannot help here, as a sentence, or undefined where they can. */
export function obstacleToThreads(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined") {
    return "there is no shared memory here: a page has it only where it is cross-origin isolated";
  }
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
  } catch {
    return "this thread may not wait: a page's main thread computes alone, a worker of the page need not";
  }
  const host = globalThis as Host;
  if (nodeWorker(host) === undefined && host.Worker === undefined) {
    return "this host has no workers that can be started at once: Node has them from version 20.16";
  }
  return undefined;
}

function nodeWorker({ process }: Host): WorkerConstructor | undefined {
  return process?.getBuiltinModule?.("node:worker_threads")?.Worker;
}

/** Starts a thread, which runs from then on beside this one. `onError` is called if it breaks down. */
export function startThread(onError: (message: string) => void): Thread {
  const host = globalThis as Host;
  const Node = nodeWorker(host);
  const worker = Node === undefined ? startInBrowser(host.Worker!) : startInNode(Node);
  if (worker.on !== undefined) worker.on("error", ({ message }) => onError(message));
  else worker.onerror = ({ message }) => onError(message ?? "its script was refused");
  // A process whose own work is done ends; it does not wait for its threads.
  worker.unref?.();
  return {
    send: (message) => worker.postMessage(message),
    stop: () => void worker.terminate(),
  };
}

function startInNode(Worker: WorkerConstructor): HostWorker {
  // No flags and no environment: a loader or a debugger of the process is not for this thread.
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { execArgv: [], env: {} });
}

function startInBrowser(Worker: WorkerConstructor): HostWorker {
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  return new Worker(url, { name: "crease" });
}
