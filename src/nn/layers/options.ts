import type { DType } from "../../array/dtype.js";
import { checkDtype } from "../../array/dtype.js";
import { DtypeError, OptionError } from "../../base/errors.js";

/** The dtype of a layer's parameters: a float. */
export function parameterDtype(dtype: DType | undefined, where: string): DType {
  const checked = checkDtype(dtype ?? "float32", where);
  if (checked === "int32") throw new DtypeError(`${where}: parameters are float32 or float64, got int32`);
  return checked;
}

/** A positive integer, such as a number of features. */
export function checkCount(count: number, what: string, where: string): number {
  if (!Number.isInteger(count) || count < 1) {
    throw new OptionError(`${where}: ${what} is an integer of at least 1, got ${String(count)}`);
  }
  return count;
}

/** The options as the constructor takes them, for printing: those that differ from their defaults. */
export function describeOptions(
  options: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): string {
  const parts = Object.entries(options)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]))
    .map(([key, value]) => `${key}: ${formatOption(value)}`);
  return parts.length === 0 ? "" : `{ ${parts.join(", ")} }`;
}

function formatOption(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatOption).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** `a, b` without the empty ones. */
export function joinArguments(...parts: readonly (string | number)[]): string {
  return parts.filter((part) => part !== "").join(", ");
}
