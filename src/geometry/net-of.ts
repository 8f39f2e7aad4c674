import type { Shape } from "../array/shape.js";
import { checkNet } from "../pwl/check.js";
import type { PwlNet } from "../pwl/net.js";
import { type DeclaredInput, type Readable, readNet } from "../pwl/read.js";

/** What a domain tells of a function's input. */

/**
 * The legal PwlNet of whatever can be read as one: a module or function is lowered for an input of `shape`, or, where none
 * is given, of the shape that its domain declares.
 *
 * @param where the function that was called.
 */
export function netOf(f: Readable, shape: Shape | undefined, where: string, domain: () => DeclaredInput): PwlNet {
  return checkNet(readNet(f, where, shape === undefined ? domain : () => given(shape)), where);
}

function given(shape: Shape): DeclaredInput {
  return { shape, by: "the shape was given", remedy: "pass the shape of one input, without batch axis" };
}
