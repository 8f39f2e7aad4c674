import { MissingPackageError } from "../base/errors.js";

/**
 * What `find` gives of an optional package.
 *
 * @throws MissingPackageError, which says how to install it, where the package is not found.
 */
export async function peer<T>(find: () => T | Promise<T>, name: string): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!/^(ERR_)?MODULE_NOT_FOUND$/.test((error as { code?: string }).code ?? "")) throw error;
    throw new MissingPackageError(`the package ${name} is not installed; install it with: npm install ${name}`, {
      cause: error,
    });
  }
}
