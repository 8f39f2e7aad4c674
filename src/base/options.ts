import { AxisError, OptionError } from "./errors.js";
import { shown } from "./shown.js";

const isWhole = (value: unknown): value is number => Number.isInteger(value);

const KINDS = {
  anything: () => true,
  "true or false": (value: unknown) => typeof value === "boolean",
  "a text": (value: unknown) => typeof value === "string",
  "a function": (value: unknown) => typeof value === "function",
  "an array": (value: unknown) => Array.isArray(value),
  "a number": (value: unknown) => typeof value === "number",
  "a finite number": (value: unknown) => Number.isFinite(value),
  "a finite number above 0": (value: unknown) => Number.isFinite(value) && (value as number) > 0,
  "a number above 0": (value: unknown) => typeof value === "number" && value > 0,
  "a number of at least 0": (value: unknown) => typeof value === "number" && value >= 0,
  "a whole number of at least 1": (value: unknown) => isWhole(value) && value >= 1,
  "a whole number of at least 0": (value: unknown) => isWhole(value) && value >= 0,
  "an AbortSignal (of a controller: controller.signal)": (value: unknown) =>
    typeof value === "object" && value !== null && "aborted" in value,
};

/** What an option may be: one of the named kinds, one of some texts, or a record of options itself. */
export type OptionKind = keyof typeof KINDS | readonly string[] | OptionKinds;

/** What each option of a function may be; undefined always may. */
export interface OptionKinds {
  readonly [name: string]: OptionKind;
}

/**
 * Raises where `options` is no record, has a key that `known` lacks (a misspelt option must not be ignored), or a value of
 * another kind than `known` says, if it says kinds and not names alone.
 */
export function checkOptions(options: object, known: readonly string[] | OptionKinds, where: string): void {
  checkRecord(options, known, where, "");
}

/** @param path of the record in the options: empty, or such as "limits.". */
function checkRecord(given: unknown, known: readonly string[] | OptionKinds, where: string, path: string): void {
  const kinds = isNames(known) ? null : known;
  const names = isNames(known) ? known : Object.keys(known);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const what = path === "" ? "options are" : `${path.slice(0, -1)} is`;
    throw new OptionError(
      `${where}: ${what} an object such as { ${names[0]}: … }, got ${Array.isArray(given) ? "an array" : shown(given)}; known are ${names.join(", ")}`,
    );
  }
  for (const key of Object.keys(given)) {
    if (!names.includes(key)) {
      throw new OptionError(`${where}: unknown option ${JSON.stringify(path + key)}; known are ${names.join(", ")}`);
    }
    if (kinds !== null) checkKind((given as Readonly<Record<string, unknown>>)[key], kinds[key], where, path + key);
  }
}

function checkKind(value: unknown, kind: OptionKind, where: string, name: string): void {
  if (value === undefined) return;
  if (typeof kind !== "string" && !isNames(kind)) checkRecord(value, kind, where, `${name}.`);
  else if (typeof kind === "string" ? !KINDS[kind](value) : !kind.includes(value as string)) {
    const wanted = typeof kind === "string" ? kind : oneOf(kind);
    throw new OptionError(`${where}: ${name} is ${shown(value)}; pass ${wanted}`);
  }
}

const isNames = (known: readonly string[] | OptionKinds): known is readonly string[] => Array.isArray(known);

function oneOf(texts: readonly string[]): string {
  const quoted = texts.map((text) => JSON.stringify(text));
  return `${quoted.slice(0, -1).join(", ")} or ${quoted[quoted.length - 1]}`;
}

/** Raises where `index` is not a whole number from 0 to `length - 1`. */
export function checkIndex(index: number, length: number, noun: string): void {
  if (isWhole(index) && index >= 0 && index < length) return;
  const range = length === 0 ? "there are none" : `they are numbered from 0 to ${length - 1}`;
  throw new AxisError(`there is no ${noun} ${shown(index)}: ${range}`);
}
