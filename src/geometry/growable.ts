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
