import { DrawError, MissingPackageError } from "../base/errors.js";

/** A module of Node itself, asked for at run time: bundlers for browsers find no import that they could not resolve. */
export function builtin<Name extends keyof Builtins>(name: Name, where: string, instead: string): Builtins[Name] {
  const found = globalThis.process?.getBuiltinModule?.(`node:${name}`);
  if (found !== undefined) return found as Builtins[Name];
  throw new DrawError(`${where} needs Node, and there is none here; ${instead}`);
}

/** The `require` of this file, or, in a bundle that does not know its place, of the working directory. */
export function requireHere(where: string, instead: string): NodeJS.Require {
  const { createRequire } = builtin("module", where, instead);
  return createRequire((import.meta.url as string | undefined) ?? `${process.cwd()}/`);
}

interface Builtins {
  readonly module: typeof import("node:module");
  readonly child_process: typeof import("node:child_process");
  readonly path: typeof import("node:path");
}

/**
 * What `find` gives of an optional package.
 *
 * @throws MissingPackageError, which says how to install it, where the package is not found.
 */
export function peer<T>(find: () => T, name: string): T {
  try {
    return find();
  } catch (error) {
    if (!/^(ERR_)?MODULE_NOT_FOUND$/.test((error as { code?: string }).code ?? "")) throw error;
    throw new MissingPackageError(`the package ${name} is not installed; install it with: npm install ${name}`, {
      cause: error,
    });
  }
}
