import { OptionError } from "./errors.js";

/** Raises where `options` has a key that `known` lacks: a misspelt option must not be ignored. */
export function checkOptions(options: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new OptionError(`${where}: unknown option ${JSON.stringify(key)}; known are ${known.join(", ")}`);
    }
  }
}
