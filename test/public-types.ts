import { join, relative, resolve } from "node:path";
import ts from "typescript";

const root = resolve(import.meta.dirname, "..");

/** The declarations that the build would emit, by path. */
function declarations(entries: readonly string[]): Map<string, string> {
  const { config } = ts.readConfigFile(join(root, "src/tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, "src"));
  const emitted = new Map<string, string>();
  const program = ts.createProgram(
    entries.map((entry) => join(root, "src", entry)),
    {
      ...options,
      ...{ declaration: true, emitDeclarationOnly: true, declarationMap: false, noEmit: false },
      ...{ outDir: join(root, "dist"), rootDir: join(root, "src") },
    },
  );
  program.emit(undefined, (path, text) => emitted.set(resolve(path), text));
  return emitted;
}

/**
 * Types that a user meets but cannot name: they stand in the public declarations of what the entries export, and no entry
 * exports them. Each as "name (file)".
 */
export function unnamedTypes(entries: readonly string[]): string[] {
  const emitted = declarations(entries);
  const options: ts.CompilerOptions = { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: ["node"] };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => emitted.has(resolve(path)) || fileExists(path);
  host.readFile = (path) => emitted.get(resolve(path)) ?? readFile(path);
  host.directoryExists = () => true; // the declarations' folders are not on disk
  host.getSourceFile = (path, language, ...rest) => {
    const text = emitted.get(resolve(path));
    return text === undefined
      ? getSourceFile(path, language, ...rest)
      : ts.createSourceFile(path, text, language, true);
  };
  const doors = entries.map((entry) => join(root, "dist", entry.replace(/\.ts$/, ".d.ts")));
  const program = ts.createProgram(doors, options, host);
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;

  const named = new Set<ts.Symbol>();
  const open = (module: ts.Symbol): void => {
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = resolved(exported);
      if (named.has(symbol)) continue;
      named.add(symbol);
      if ((symbol.flags & ts.SymbolFlags.ValueModule) !== 0) open(symbol); // a namespace: nn, optim
    }
  };
  for (const door of doors) open(checker.getSymbolAtLocation(program.getSourceFile(door)!)!);

  const found = new Set<string>();
  const look = (name: ts.Node): void => {
    const at = checker.getSymbolAtLocation(name);
    if (at === undefined) return;
    const symbol = resolved(at);
    const path = symbol.declarations?.[0].getSourceFile().fileName;
    if (path === undefined || !emitted.has(resolve(path)) || (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0)
      return;
    if (!named.has(symbol)) found.add(`${symbol.name} (${relative(join(root, "dist"), path).replace(".d.ts", ".ts")})`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) look(node.typeName);
    else if (ts.isExpressionWithTypeArguments(node)) look(node.expression);
    else if (ts.isImportTypeNode(node) && node.qualifier !== undefined) look(node.qualifier);
    ts.forEachChild(node, visit);
  };
  for (const symbol of named) {
    for (const declaration of symbol.declarations ?? []) if (!ts.isSourceFile(declaration)) visit(declaration);
  }
  return [...found].sort();
}
