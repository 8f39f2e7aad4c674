/**
 * The library and the bench as the plain JavaScript that tsc makes of them, so that what is measured is what is
 * published: run from TypeScript, through a loader, functions get helpers that cost more than an op of a scalar graph.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import typescript from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("node_modules"))
    .map((path) => join(folder, path));
}

/** Compiles src/ and bench/ into a new folder under bench/out, and gives its path; it goes when this process ends. */
export function build(): string {
  mkdirSync(join(root, "bench/out"), { recursive: true });
  // Inside bench/, so that the peers' packages are found from there.
  const out = mkdtempSync(join(root, "bench/out/build-"));
  process.on("exit", () => rmSync(out, { recursive: true, force: true }));
  const compilerOptions: typescript.CompilerOptions = {
    target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  for (const path of [...sources("src"), ...sources("bench")]) {
    const { outputText } = typescript.transpileModule(readFileSync(join(root, path), "utf8"), { compilerOptions });
    const target = join(out, relative("", path).replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  return out;
}
