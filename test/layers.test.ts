import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** The folders of src, lowest first: a file imports only from its own folder and from those before it. */
const LAYERS = [
  "base",
  "exact",
  "array",
  "graph",
  "ops",
  "autodiff",
  "tensor",
  "nn",
  "compile",
  "train",
  "pwl",
  "geometry",
  "draw",
  "io",
  "index.ts",
  "cli",
];

interface Import {
  readonly target: string;
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** A module graph: path below src with "/" between, and what the file imports of src. */
type Modules = ReadonlyMap<string, readonly Import[]>;

/** Every import, export-from and dynamic import of a source text that names a relative path. */
function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const note = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const target = posix.normalize(posix.join(posix.dirname(path), specifier.text)).replace(/\.js$/, ".ts");
    found.push({ target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings;
      const everyNameIsAType =
        node.importClause?.name === undefined &&
        named !== undefined &&
        ts.isNamedImports(named) &&
        named.elements.length > 0 &&
        named.elements.every((element) => element.isTypeOnly);
      note(node.moduleSpecifier, node.importClause?.isTypeOnly === true || everyNameIsAType);
    } else if (ts.isExportDeclaration(node)) {
      note(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      note(node.arguments[0], true);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      note(node.argument.literal, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true));
  return found;
}

function layerOf(path: string): number {
  return LAYERS.indexOf(path.split("/")[0]);
}

/** Imports that go up the list of layers, type imports included; files in no layer. */
function upwardArrows(modules: Modules): string[] {
  const wrong: string[] = [];
  for (const [path, imports] of modules) {
    if (layerOf(path) < 0) wrong.push(`${path} lies in no layer`);
    for (const { target } of imports) {
      if (layerOf(target) > layerOf(path)) wrong.push(`${path} imports ${target}`);
    }
  }
  return wrong;
}

/** A cycle of value imports as a list of files, or null. */
function cycleOf(modules: Modules): readonly string[] | null {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): readonly string[] | null => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) return [...trail.slice(seenAt), path];
    if (done.has(path)) return null;
    trail.push(path);
    for (const { target, typeOnly } of modules.get(path) ?? []) {
      const cycle = typeOnly ? null : visit(target);
      if (cycle !== null) return cycle;
    }
    trail.pop();
    done.add(path);
    return null;
  };
  for (const path of modules.keys()) {
    const cycle = visit(path);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** The folders two below src as modules of their own: what each imports of its sisters, types included. */
function innerFolders(modules: Modules): Modules {
  const folderOf = (path: string): string => path.split("/").slice(0, -1).join("/");
  const folders = new Map<string, Import[]>();
  for (const [path, imports] of modules) {
    const folder = folderOf(path);
    if (!folder.includes("/")) continue;
    const sisters = imports
      .map(({ target }) => folderOf(target))
      .filter((other) => other !== folder && posix.dirname(other) === posix.dirname(folder));
    const known = folders.get(folder) ?? [];
    folders.set(folder, [...known, ...sisters.map((target) => ({ target, typeOnly: false }))]);
  }
  return folders;
}

function modulesOf(sources: Record<string, string>): Modules {
  return new Map(Object.entries(sources).map(([path, text]) => [path, importsOf(path, text)]));
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
const sources = Object.fromEntries(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [relative(root, join(root, name)).split(sep).join("/"), readFileSync(join(root, name), "utf8")]),
);

/** Packages, not files of src, that a source text imports by name: "type Name from package" where only a type is taken. */
function packagesOf(text: string): string[] {
  const found: string[] = [];
  for (const statement of ts.createSourceFile("a.ts", text, ts.ScriptTarget.ES2022).statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const specifier = statement.moduleSpecifier.text;
    if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
    const names = statement.importClause?.namedBindings;
    const typeOnly = statement.importClause?.isTypeOnly === true;
    for (const element of names !== undefined && ts.isNamedImports(names) ? names.elements : []) {
      found.push(`${typeOnly || element.isTypeOnly ? "type " : ""}${element.name.text} from ${specifier}`);
    }
  }
  return found;
}

describe("packages that src imports", () => {
  const imported = Object.entries(sources).map(([path, text]) => [path, packagesOf(text)] as const);

  it("are imported by draw only", () => {
    const importers = imported.filter(([, packages]) => packages.length > 0).map(([path]) => path.split("/")[0]);
    expect([...new Set(importers)]).toEqual(["draw"]);
  });

  it("give no types, which would have to be installed with this package to compile against it", () => {
    expect(imported.flatMap(([, packages]) => packages.filter((name) => name.startsWith("type ")))).toEqual([]);
    expect(packagesOf('import { type Scale, scale } from "d3-scale";')).toContain("type Scale from d3-scale");
  });
});

describe("the layers of src", () => {
  const modules = modulesOf(sources);

  it("are all read", () => {
    expect(modules.size).toBeGreaterThan(50);
    expect(modules.get("tensor/tensor.ts")?.some(({ target }) => target === "graph/tensor.ts")).toBe(true);
  });

  it("import only downwards, types included", () => {
    expect(upwardArrows(modules)).toEqual([]);
  });

  it("import no file that imports them back at run time", () => {
    expect(cycleOf(modules)).toBeNull();
  });

  it("have inner folders that import one another one way only, types included", () => {
    expect(
      innerFolders(modules)
        .get("geometry/partition")
        ?.map(({ target }) => target),
    ).toContain("geometry/plane");
    expect(cycleOf(innerFolders(modules))).toBeNull();
  });

  it("import only files that exist", () => {
    const missing = [...modules].flatMap(([path, imports]) =>
      imports.filter(({ target }) => !modules.has(target)).map(({ target }) => `${path} imports ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("a planted", () => {
  it.each([
    ["import", 'import { add } from "../ops/arithmetic.js";'],
    ["type import", 'import type { Op } from "../ops/arithmetic.js";'],
    ["re-export", 'export * from "../ops/arithmetic.js";'],
    ["dynamic import", 'export const load = () => import("../ops/arithmetic.js");'],
    ["type in a signature", 'export type Op = import("../ops/arithmetic.js").Op;'],
  ])("upward %s is found", (_, text) => {
    const modules = modulesOf({ ...sources, "array/shape.ts": `${sources["array/shape.ts"]}\n${text}` });
    expect(upwardArrows(modules)).toEqual(["array/shape.ts imports ops/arithmetic.ts"]);
  });

  it("folder outside the list is found", () => {
    expect(upwardArrows(modulesOf({ ...sources, "utilities/misc.ts": "" }))).toEqual([
      "utilities/misc.ts lies in no layer",
    ]);
  });

  it("import back into an inner folder's sister is found", () => {
    const text = 'import type { Partition } from "../partition/partition.js";';
    expect(cycleOf(innerFolders(modulesOf({ ...sources, "geometry/plane/planted.ts": text })))).toContain(
      "geometry/partition",
    );
  });

  it("cycle is found, but not where one side is types only", () => {
    const a = (type: string) =>
      modulesOf({ "base/a.ts": `import ${type} { b } from "./b.js";`, "base/b.ts": 'import { a } from "./a.js";' });
    expect(cycleOf(a(""))).toEqual(["base/a.ts", "base/b.ts", "base/a.ts"]);
    expect(cycleOf(a("type"))).toBeNull();
  });
});
