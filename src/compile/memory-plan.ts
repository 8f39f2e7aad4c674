import type { Value } from "./program.js";

/** One unit of execution, as far as memory is concerned: what it reads and writes together. */
export interface Unit {
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
}

/** Where each value is, in bytes from the start of the program's memory. */
export interface MemoryPlan {
  readonly address: ReadonlyMap<Value, number>;
  readonly bytes: number;
}

/** Vectors that a loop computes at a time, at most. */
export const MOST_INTERLEAVED = 5;

/** They are read and written whole, up to this many bytes past the end of a value. */
const OVERRUN = 16 * MOST_INTERLEAVED;
const ALIGNMENT = 64;

/** Bytes of a single number on its own, and of what is taken for them at a time. */
const SLOT = 8;
const SLOT_BLOCK = 1024;

/** Bytes that a value takes, with room behind it. */
function bytesOf({ size, dtype }: Value): number {
  return Math.ceil((size * (dtype === "float64" ? 8 : 4) + OVERRUN) / ALIGNMENT) * ALIGNMENT;
}

/**
 * Places every value; memory of one that is not read any more is given to later ones, first fit.
 * @param lasting values that are there before the first unit or after the last: they share with nobody
 * @param narrow single numbers that are only read and written as such, so that they need no room behind them
 * @param homes where the final value of a state tensor had better be: at the address of its old one, if it is free by then
 */
export function planMemory(
  units: readonly Unit[],
  lasting: readonly Value[],
  homes: ReadonlyMap<Value, Value>,
  narrow: ReadonlySet<Value>,
  reserved: number,
): MemoryPlan {
  const address = new Map<Value, number>();
  const free = new FreeList(Math.ceil(reserved / ALIGNMENT) * ALIGNMENT);
  const slots: number[] = [];
  const take = (value: Value): number => {
    if (!narrow.has(value)) return free.take(bytesOf(value));
    if (slots.length === 0) {
      const start = free.take(SLOT_BLOCK);
      for (let slot = start + SLOT_BLOCK - SLOT; slot >= start; slot -= SLOT) slots.push(slot);
    }
    return slots.pop() as number;
  };
  const give = (value: Value): void => {
    const start = address.get(value) as number;
    if (narrow.has(value)) slots.push(start);
    else free.give(start, bytesOf(value));
  };
  const keep = new Set<Value>(lasting.map((value) => value.root));
  for (const value of keep) if (!homes.has(value)) address.set(value, take(value));
  const lastUse = new Map<Value, number>();
  units.forEach(({ reads, writes }, i) => {
    for (const value of [...reads, ...writes]) lastUse.set(value.root, i);
  });
  for (const [value, home] of homes) address.set(value, address.get(home.root) as number);
  units.forEach(({ reads, writes }, i) => {
    for (const { root } of writes) if (!address.has(root)) address.set(root, take(root));
    for (const list of [reads, writes]) {
      for (const { root } of list) {
        if (lastUse.get(root) !== i || keep.has(root)) continue;
        give(root);
        lastUse.delete(root);
      }
    }
  });
  return { address, bytes: free.end + OVERRUN };
}

/** Free ranges of memory in order of address. */
class FreeList {
  private readonly ranges: { start: number; length: number }[] = [];

  constructor(public end: number) {}

  take(length: number): number {
    for (let i = 0; i < this.ranges.length; i++) {
      const range = this.ranges[i];
      if (range.length < length) continue;
      const { start } = range;
      range.start += length;
      range.length -= length;
      if (range.length === 0) this.ranges.splice(i, 1);
      return start;
    }
    const start = this.end;
    this.end += length;
    return start;
  }

  give(start: number, length: number): void {
    let i = 0;
    while (i < this.ranges.length && this.ranges[i].start < start) i++;
    this.ranges.splice(i, 0, { start, length });
    this.join(i);
    if (i > 0) this.join(i - 1);
  }

  private join(i: number): void {
    const range = this.ranges[i];
    const next = this.ranges[i + 1];
    if (next !== undefined && range.start + range.length === next.start) {
      range.length += next.length;
      this.ranges.splice(i + 1, 1);
    }
  }
}
