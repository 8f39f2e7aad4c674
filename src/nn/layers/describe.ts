import type { Pair } from "../../ops/convolution.js";

/** How layers print themselves: as the call that makes them. */

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

/** A pair as its shortest form. */
export function shortPair([height, width]: readonly [number, number]): Pair {
  return height === width ? height : [height, width];
}

/** `3` or `[3, 5]`. */
export function formatPair(pair: Pair): string {
  return typeof pair === "number" ? String(pair) : `[${pair.join(", ")}]`;
}
