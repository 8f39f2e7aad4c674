/** Linear functions of symbols, one per element of a tensor: what a scalar formula is read into. */

import type { Roundings } from "./compose.js";

/**
 * One linear function per element: `constant[e] + Σ scale_s[e] · symbol_s[place of e]`. Symbols are the operands of the op
 * that depend on the input, and the outputs of gates met on the way; which place of a symbol an element reads is fixed
 * by the symbol.
 */
export interface Linear {
  readonly constant: Float64Array;
  /** By symbol; an absent one has scale 0 everywhere. */
  readonly scales: ReadonlyMap<number, Float64Array>;
}

/** Which of two functions depend on the input at an element. */
export type Case = "constant" | "first" | "second" | "both";

const ZERO: Linear = { constant: Float64Array.of(0), scales: new Map() };

/** The same number at every element. */
export function constantLinear(size: number, value: number): Linear {
  return { constant: new Float64Array(size).fill(value), scales: new Map() };
}

/** A symbol by itself, at the elements that have one of its places. */
export function symbolLinear(size: number, symbol: number, elements: Iterable<number>): Linear {
  const scale = new Float64Array(size);
  for (const e of elements) scale[e] = 1;
  return { constant: new Float64Array(size), scales: new Map([[symbol, scale]]) };
}

export function addLinear(a: Linear, b: Linear, roundings: Roundings): Linear {
  const scales = new Map(a.scales);
  for (const [symbol, scale] of b.scales) {
    const other = scales.get(symbol);
    scales.set(symbol, other === undefined ? scale : other.map((value, e) => roundings.add(value, scale[e])));
  }
  return withoutZeros(
    a.constant.map((value, e) => roundings.add(value, b.constant[e])),
    scales,
  );
}

/** Every element times its own factor; a zero stays one, whatever the factor. */
export function scaleLinear(a: Linear, factor: (e: number) => number, roundings: Roundings): Linear {
  return mapLinear(a, (value, e) => (value === 0 ? 0 : roundings.multiply(value, factor(e))));
}

export function mapLinear(a: Linear, fn: (value: number, e: number) => number): Linear {
  return withoutZeros(a.constant.map(fn), new Map([...a.scales].map(([symbol, scale]) => [symbol, scale.map(fn)])));
}

function withoutZeros(constant: Float64Array, scales: Map<number, Float64Array>): Linear {
  for (const [symbol, scale] of scales) if (scale.every((value) => value === 0)) scales.delete(symbol);
  return { constant, scales };
}

export function isConstant({ scales }: Linear): boolean {
  return scales.size === 0;
}

export function isZeroAt(a: Linear, e: number): boolean {
  if (a.constant[e] !== 0) return false;
  for (const scale of a.scales.values()) if (scale[e] !== 0) return false;
  return true;
}

/** Where a, b, both or neither depend on the input. */
export function casesOf(a: Linear, b: Linear): Case[] {
  const [inA, inB] = [a, b].map(({ constant, scales }) => {
    const depends = new Uint8Array(constant.length);
    for (const scale of scales.values()) for (let e = 0; e < scale.length; e++) if (scale[e] !== 0) depends[e] = 1;
    return depends;
  });
  return Array.from(inA, (first, e) => (first ? (inB[e] ? "both" : "first") : inB[e] ? "second" : "constant"));
}

/** The function that is another one at every element: `pick` names it. */
export function chooseLinear(size: number, pick: (e: number) => Linear): Linear {
  const constant = new Float64Array(size);
  const scales = new Map<number, Float64Array>();
  for (let e = 0; e < size; e++) {
    const from = pick(e);
    constant[e] = from === ZERO ? 0 : from.constant[e];
    for (const [symbol, scale] of from.scales) {
      if (scale[e] === 0) continue;
      let target = scales.get(symbol);
      if (target === undefined) scales.set(symbol, (target = new Float64Array(size)));
      target[e] = scale[e];
    }
  }
  return { constant, scales };
}

/** `a` at the elements that are `kept`, 0 elsewhere. */
export function restrictLinear(a: Linear, kept: (e: number) => boolean): Linear {
  return chooseLinear(a.constant.length, (e) => (kept(e) ? a : ZERO));
}

/** r with `a = r · d` at element e, or null where there is none. */
export function ratioAt(a: Linear, d: Linear, e: number): number | null {
  const pairs = [...new Set([...a.scales.keys(), ...d.scales.keys()])].map((symbol) => [
    a.scales.get(symbol)?.[e] ?? 0,
    d.scales.get(symbol)?.[e] ?? 0,
  ]);
  pairs.push([a.constant[e], d.constant[e]]);
  const [top, bottom] = pairs.reduce((best, pair) => (Math.abs(pair[1]) > Math.abs(best[1]) ? pair : best));
  const ratio = top / bottom;
  return pairs.every(([whole, part]) => whole === ratio * part) ? ratio : null;
}
