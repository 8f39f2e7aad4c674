/** Values as texts: in error messages, and when people print an object. */

/** A value in an error message, short: text in quotes, lists by their numbers or length, objects by their class. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value !== "object" || value === null) return String(value);
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
  if (!isList)
    return withArticle(value.constructor === Object ? "plain object" : (value.constructor?.name ?? "object"));
  const list = Array.from(value as ArrayLike<unknown>);
  const short = list.length <= 6 && list.every((one) => typeof one !== "object" || one === null);
  return short ? `[${list.map(shown).join(", ")}]` : `a list of ${list.length}`;
}

const withArticle = (noun: string): string => `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;

/** "1 cell", "2 cells", "12,345 cells". */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number in at most five digits. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(5)));
}

/** Numbers in brackets; of long lists the first ones. */
export function shortList(values: ArrayLike<number>, most = 8): string {
  const first = Array.from({ length: Math.min(values.length, most) }, (_, i) => shortNumber(values[i]));
  return `[${first.join(", ")}${values.length > most ? `, … ${values.length}` : ""}]`;
}

/** The length of a list that is asked by `at(i)`: "22 cells, at(0) … at(21)". */
export function listed(length: number, noun: string): string {
  return `${counted(length, noun)}${length === 0 ? "" : length === 1 ? ", at(0)" : `, at(0) … at(${length - 1})`}`;
}

/** A box, interval by interval; of many dimensions the first ones. */
export function shownBox(box: readonly (readonly [number, number])[]): string {
  const sides = box.slice(0, 4).map(([from, to]) => {
    const [low, high] = [shortNumber(from), shortNumber(to)];
    return low === high ? `[${from}, ${to}]` : `[${low}, ${high}]`;
  });
  return `${sides.join(" × ")}${box.length > 4 ? ` × … (${box.length} intervals)` : ""}`;
}

/** The method that `console.log` of Node asks for a text. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** Gives plain data a text, when it is printed or made a string; keys, JSON and copies stay what they are. */
export function printsAs<T extends object>(data: T, text: (data: T) => string): T {
  const method = { value: () => text(data), enumerable: false, configurable: true };
  return Object.defineProperties(data, { toString: method, [INSPECT]: method });
}

/** As `printsAs`, for objects of which there are many: they share a prototype with the methods, made once. */
export function printing<T extends object>(text: (data: T) => string): (data: T) => T {
  function method(this: T): string {
    return text(this);
  }
  const hidden = { value: method, enumerable: false };
  const prototype = Object.create(Object.prototype, { toString: hidden, [INSPECT]: hidden });
  return (data) => Object.setPrototypeOf(data, prototype);
}
