/** A contestant in its own process, seen from the parent. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Unavailable } from "./peers/contestant.js";
import type { Answer, Clock, Request } from "./peers/serve.js";

/** Every contestant by name. */
export const contestants = {
  crease: "crease.js",
  "crease compiled": "crease-compiled.js",
  "crease compiled, 2 threads": "crease-threads.js",
  "jax-js jit": "jax.js",
  "tfjs-wasm": "tensorflow.js",
  "micrograd in JavaScript": "micrograd.js",
  "PyTorch 1 thread": "pytorch.py",
  "micrograd in Python": "micrograd.py",
} as const;

export type ContestantName = keyof typeof contestants;

const peers = fileURLToPath(new URL("peers", import.meta.url));
const pythons = new Map<string, string>();

/** The Python that can import a module: the one on the path, or the system's. */
function pythonWith(module: string): string {
  const known = pythons.get(module);
  if (known !== undefined) return known;
  for (const python of ["python3", "/usr/bin/python3"]) {
    if (spawnSync(python, ["-c", `import ${module}`]).status === 0) {
      pythons.set(module, python);
      return python;
    }
  }
  throw new Unavailable(`no python3 that can import ${module}`);
}

/** What a contestant itself could not do. */
export class Failure extends Error {
  override readonly name = "Failure";
}

export class Child {
  readonly name: ContestantName;
  description = "";
  private readonly process: ChildProcess;
  private readonly waiting: ((answer: Answer) => void)[] = [];
  private readonly limit: number;
  private complaints = "";
  /** How the process ended, if it did. */
  private ended: string | null = null;

  /** Starts the process; `compiled` is the folder that `build` made. Answers that take longer than `limit` are failures. */
  constructor(name: ContestantName, compiled: string, limitMilliseconds = 600_000) {
    this.name = name;
    this.limit = limitMilliseconds;
    const file = contestants[name];
    this.process = file.endsWith(".py")
      ? spawn(pythonWith(name.startsWith("PyTorch") ? "torch" : "json"), [join(peers, file)], {
          env: { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" },
        })
      : spawn(process.execPath, [join(compiled, "bench/peers/serve.js"), `./${file}`]);
    this.process.stderr!.on("data", (text: Buffer) => {
      this.complaints = (this.complaints + text.toString()).slice(-4000);
    });
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      this.waiting.shift()?.(JSON.parse(line) as Answer);
    });
    const end = (how: string) => {
      this.ended = `${how}\n${this.complaints}`;
      for (const resolve of this.waiting.splice(0)) resolve({ error: this.ended });
    };
    this.process.on("error", (error) => end(error.message));
    this.process.on("close", (code, signal) => end(`ended with ${signal ?? `code ${code}`}`));
    // Writing to a process that has ended: its end is reported already.
    this.process.stdin!.on("error", () => {});
  }

  /** @throws Unavailable where the contestant says so; Failure where it failed. */
  async ask(request: Request): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve) => {
      const late = setTimeout(() => {
        this.process.kill("SIGKILL");
        resolve({ error: `no answer to "${request.do}" within ${this.limit / 1000} s` });
      }, this.limit);
      this.waiting.push((given) => {
        clearTimeout(late);
        resolve(given);
      });
      if (this.ended !== null) this.waiting.pop()?.({ error: this.ended });
      else this.process.stdin!.write(`${JSON.stringify(request)}\n`);
    });
    if (answer.unavailable !== undefined) throw new Unavailable(answer.unavailable);
    if (answer.error !== undefined) throw new Failure(`${this.name}: ${answer.error}`);
    return answer;
  }

  async prepare(folder: string): Promise<void> {
    this.description = (await this.ask({ do: "prepare", folder })).description ?? "";
  }

  async values(steps: number): Promise<readonly number[]> {
    return (await this.ask({ do: "values", steps })).values ?? [];
  }

  /** Milliseconds per piece of work. */
  async time(count: number, clock: Clock): Promise<number> {
    return ((await this.ask({ do: "time", count, clock })).milliseconds ?? Number.NaN) / count;
  }

  end(): void {
    this.process.stdin!.end();
    this.process.kill();
  }
}
