/**
 * The user's line that applied an op: the first frame of the stack outside this library, as `file:line:column`.
 * Costs microseconds; only trace, lower and detectAnomaly ask.
 */

const library = new URL("..", import.meta.url).href.replace(/^file:\/\//, "");

/** The call site, or null where the stack does not tell. */
export function callSite(): string | null {
  const holder: { stack?: string } = {};
  const limited = Error as { stackTraceLimit?: number; captureStackTrace?: (target: object) => void };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 60;
  if (limited.captureStackTrace) limited.captureStackTrace(holder);
  else holder.stack = new Error("site").stack ?? "";
  if (limit === undefined) delete limited.stackTraceLimit;
  else limited.stackTraceLimit = limit;
  for (const line of (holder.stack ?? "").split("\n")) {
    const match = /(?:\(|at |@)((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/.exec(line.trim());
    if (match === null) continue;
    const place = match[1].replace(/^file:\/\//, "");
    if (!place.includes(library)) return place;
  }
  return null;
}
