import { mode } from "./modes.js";

/** Where in the model an op was applied: names of composed ops, and modules, whose names the trace works out later. */
export type ScopeEntry = string | object;

/** One call that is under way: a fresh object per call, so that two calls of the same function are told apart. */
export interface ScopeFrame {
  readonly entry: ScopeEntry;
}

const stack: ScopeFrame[] = [];

/** The calls now open, outermost first. */
export function currentScope(): readonly ScopeFrame[] {
  return stack.slice();
}

/** Runs `fn`; ops that it applies are stamped with `entry` where they are traced. Free of cost otherwise. */
export function withScope<T>(entry: ScopeEntry, fn: () => T): T {
  if (mode.observer === null) return fn();
  stack.push({ entry });
  try {
    return fn();
  } finally {
    stack.pop();
  }
}

/**
 * An op that is an ordinary function of other ops, with no gradient of its own. Its nodes carry its name as a scope:
 * drawings fold it, errors and exports name it.
 */
export function composed<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result,
): (...args: Args) => Result {
  const call = (...args: Args): Result => (mode.observer === null ? fn(...args) : withScope(name, () => fn(...args)));
  return Object.defineProperty(call, "name", { value: name });
}
