/** Runs a module in headless Chromium, from a page that serves the library's sources as they are published. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import typescript from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Why nothing here can run, or null. */
export const obstacle: string | null =
  spawnSync("chromium", ["--version"]).status === 0 ? null : "chromium is not installed";

const options = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const known = new Map<string, string>();

/** The JavaScript that tsc makes of a source file. */
function transpiled(path: string): string {
  const before = known.get(path);
  if (before !== undefined) return before;
  const { outputText } = typescript.transpileModule(readFileSync(path, "utf8"), {
    compilerOptions: {
      target: typescript.ScriptTarget.ES2022,
      module: typescript.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  known.set(path, outputText);
  return outputText;
}

/** Answers the page's requests; what it posts goes to `onReport`. */
function serve(script: string, headers: Readonly<Record<string, string>>, onReport: (value: string) => void): Server {
  return createServer((request, response) => {
    const { url = "/", method } = request;
    if (method === "POST") {
      let text = "";
      request.on("data", (part: Buffer) => {
        text += part.toString();
      });
      request.on("end", () => {
        response.end();
        onReport(text);
      });
      return;
    }
    const path = join(root, url.replace(/\.js$/, ".ts"));
    let body: string | null = null;
    if (url === "/") body = '<!doctype html><script type="module" src="/script.js"></script>';
    else if (url === "/script.js") body = script;
    else if (url.startsWith("/src/") && existsSync(path)) body = transpiled(path);
    const type = url === "/" ? "text/html" : "text/javascript";
    response.writeHead(body === null ? 404 : 200, { "content-type": `${type}; charset=utf-8`, ...headers });
    response.end(body ?? "");
  });
}

/** Errors of the page are reported too: of the script, of what it imports, and of promises. */
const preamble = `
const post = (value) => fetch("/report", { method: "POST", body: JSON.stringify(value) });
globalThis.addEventListener("error", (event) => post({ error: String(event.message) }));
globalThis.addEventListener("unhandledrejection", (event) => post({ error: String(event.reason) }));
`;

/**
 * What the function body `script` returns in a page, through JSON; it imports the library by
 * `await import("/src/index.js")`.
 * @param headers of every answer, such as a content security policy
 */
export async function runInChromium(script: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), "crease-chromium-"));
  let browser: ChildProcess | null = null;
  let server: Server | null = null;
  try {
    const text = await new Promise<string>((resolve, reject) => {
      const body = `${preamble}post({ value: await (async () => {${script}})() });`;
      server = serve(body, headers, resolve).listen(0, "127.0.0.1", () => {
        const page = `http://127.0.0.1:${((server as Server).address() as AddressInfo).port}/`;
        const profileOption = `--user-data-dir=${profile}`;
        browser = spawn("chromium", [...options, profileOption, "--remote-debugging-port=0", page], {
          stdio: "ignore",
          detached: true,
        });
        browser.on("error", reject);
        browser.on("exit", (code) => reject(new Error(`chromium ended with code ${code}`)));
      });
    });
    const { value, error } = JSON.parse(text) as { value?: unknown; error?: string };
    if (error !== undefined) throw new Error(`in the page: ${error}`);
    return value;
  } finally {
    (server as Server | null)?.close();
    await endGroup(browser);
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Ends the browser and all its helpers, which would still write to the profile. */
async function endGroup(browser: ChildProcess | null): Promise<void> {
  if (browser === null || browser.pid === undefined || browser.exitCode !== null) return;
  const { pid } = browser;
  await new Promise((resolve) => {
    browser.removeAllListeners("exit").on("exit", resolve);
    process.kill(-pid, "SIGKILL");
  });
}
