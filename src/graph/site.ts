/**
 * The user's line that applied an op: the first frame of the stack outside this library, as `file:line:column`.
 * Only trace, lower and detectAnomaly ask: remembering costs microseconds, and finding the line tens of them.
 */

/** Where the library's files are; none in a bundle that is a classic script, which does not know its place. */
const library = placesOf(import.meta.url);

/** The folders of a published file: its own and, as source maps name them, that of its sources. */
export function placesOf(file: string | undefined): string[] {
  if (file === undefined) return [];
  const own = new URL("..", file).href.replace(/^file:\/\//, "");
  return [...new Set([own, own.replace(/\/dist\/$/, "/src/")])];
}

/** The call site, or null where the stack does not tell. */
export function callSite(): string | null {
  return rememberSite()();
}

/** Remembers the stack as it stands; the function that it gives finds the user's line in it when first called. */
export function rememberSite(): () => string | null {
  const holder: { stack?: string } = {};
  const limited = Error as { stackTraceLimit?: number; captureStackTrace?: (target: object) => void };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 60;
  // V8 writes the text only when `stack` is read
  if (limited.captureStackTrace) limited.captureStackTrace(holder);
  else holder.stack = new Error("site").stack ?? "";
  if (limit === undefined) delete limited.stackTraceLimit;
  else limited.stackTraceLimit = limit;
  let found: string | null | undefined;
  return () => {
    if (found === undefined) {
      found = userLine(holder.stack ?? "");
      delete holder.stack;
    }
    return found;
  };
}

function userLine(stack: string): string | null {
  if (library.length === 0) return null;
  for (const line of stack.split("\n")) {
    const match = /(?:\(|at |@)((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/.exec(line.trim());
    if (match === null) continue;
    const place = match[1].replace(/^file:\/\//, "");
    if (!library.some((folder) => place.includes(folder))) return place;
  }
  return null;
}
