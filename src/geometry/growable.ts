/** Typed arrays that double when full: the storage of everything whose number is not known beforehand. */

/** The array itself if it holds `needed` numbers, else a copy of at least twice the length. */
export function growInts(array: Int32Array, needed: number): Int32Array {
  if (needed <= array.length) return array;
  const larger = new Int32Array(Math.max(needed, 2 * array.length));
  larger.set(array);
  return larger;
}

/** The array itself if it holds `needed` numbers, else a copy of at least twice the length. */
export function growFloats(array: Float64Array, needed: number): Float64Array {
  if (needed <= array.length) return array;
  const larger = new Float64Array(Math.max(needed, 2 * array.length));
  larger.set(array);
  return larger;
}

/** Copies an array into the front of a larger one, and gives that. */
export function enlarged<T extends Float64Array | Int32Array | Uint32Array | Int8Array | Uint8Array>(
  from: T,
  to: T,
): T {
  to.set(from);
  return to;
}
