import type { Shape } from "../array/shape.js";
import { GeometryError } from "../base/errors.js";
import type { PwlNet } from "../pwl/net.js";
import { isGraph, isPwlNet, lower, type Readable } from "../pwl/read.js";

/**
 * The PwlNet of whatever can be read as one: a module or function is lowered for an input of `shape`, or, where none is
 * given, for a vector as long as the domain is wide.
 */
export function netOf(f: Readable, width: number | undefined, shape: Shape | undefined): PwlNet {
  if (isPwlNet(f)) return f;
  if (isGraph(f)) return lower(f);
  if (shape === undefined && width === undefined) {
    throw new GeometryError(
      "the domain does not say how wide the input is: pass a box, a plane or a line, or { shape } of one input",
    );
  }
  return lower(f, { shape: shape ?? [width as number] });
}
