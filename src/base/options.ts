import { OptionError } from "./errors.js";

/** Raises where `options` is no record, or has a key that `known` lacks: a misspelt option must not be ignored. */
export function checkOptions(options: object, known: readonly string[], where: string): void {
  const given: unknown = options;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new OptionError(
      `${where}: options are an object such as { ${known[0]}: … }, got ${Array.isArray(given) ? "an array" : String(given)}; known are ${known.join(", ")}`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new OptionError(`${where}: unknown option ${JSON.stringify(key)}; known are ${known.join(", ")}`);
    }
  }
}
