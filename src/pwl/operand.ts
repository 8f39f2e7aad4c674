/** Operands of an elementwise op while it is lowered: affine maps of the net's sources, read element by element. */

import type { Shape } from "../array/shape.js";
import { sizeOf, stridesOf } from "../array/shape.js";
import type { Graph } from "../graph/trace.js";
import { addAffine, composeAffine, constantAffine, type Roundings, selection } from "./compose.js";
import type { Linear } from "./linear-function.js";
import type { Affine } from "./net.js";

/** What a symbol of a `Linear` stands for. */
export interface Operand {
  readonly affine: Affine;
  /** The place in `affine` that each element of the op reads; -1 for none. */
  readonly places: Int32Array;
  /** The operand's values in a run of the function, given the outputs of the gate layers so far. */
  seen(graph: Graph, gates: readonly Float64Array[]): ArrayLike<number>;
}

/** For each element of a broadcast result, the element of an operand that it reads. */
export function broadcastPlaces(from: Shape, to: Shape): Int32Array {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  const places = new Int32Array(sizeOf(to));
  let repeat = 1;
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const stride = axis < lead || from[axis - lead] === 1 ? 0 : strides[axis - lead];
    if (stride !== 0) {
      for (let e = 0; e < places.length; e++) places[e] += (Math.floor(e / repeat) % to[axis]) * stride;
    }
    repeat *= to[axis];
  }
  return places;
}

/** Functions of symbols as an affine map of sources: for each listed element, one row per function, in order. */
export function combineRows(
  operands: readonly Operand[],
  functions: readonly Linear[],
  elements: Int32Array,
  roundings: Roundings,
): Affine {
  const each = functions.length;
  const rows = elements.length * each;
  const at = <T extends Int32Array | Float64Array>(out: T, pick: (fn: Linear, e: number) => number): T => {
    for (let i = 0; i < rows; i++) out[i] = pick(functions[i % each], elements[Math.floor(i / each)]);
    return out;
  };
  let result = constantAffine(at(new Float64Array(rows), ({ constant }, e) => constant[e]));
  operands.forEach(({ affine, places }, symbol) => {
    if (functions.every(({ scales }) => !scales.has(symbol))) return;
    const scale = at(new Float64Array(rows), ({ scales }, e) => scales.get(symbol)?.[e] ?? 0);
    const index = at(new Int32Array(rows), (_, e) => places[e]);
    const part = composeAffine(selection(index, affine.size, scale), affine, new Float64Array(rows), roundings);
    result = addAffine(result, part, roundings);
  });
  return result;
}

/** The same rows as numbers, from the values of one run: what that run compared. */
export function evaluateRows(
  operands: readonly Operand[],
  functions: readonly Linear[],
  elements: Int32Array,
  graph: Graph,
  gates: readonly Float64Array[],
): Float64Array {
  const each = functions.length;
  const values = operands.map(({ seen }) => seen(graph, gates));
  return Float64Array.from({ length: elements.length * each }, (_, i) => {
    const { constant, scales } = functions[i % each];
    const e = elements[Math.floor(i / each)];
    let sum = constant[e];
    for (const [symbol, scale] of scales)
      if (scale[e] !== 0) sum += scale[e] * values[symbol][operands[symbol].places[e]];
    return sum;
  });
}
