/**
 * Polytopes as lists of vertices. A vertex stands once in a pool, whatever the number of polytopes on the walk's path that
 * have it: splitting a polytope copies numbers of vertices, not vertices.
 */

import { SLACK } from "../../exact/rounding.js";
import { enlarged } from "../growable.js";

/** The vertices of a polytope and of those pending, in typed arrays; last in, first out. */
export class VertexPool {
  count = 0;
  /** d coordinates per vertex. */
  x: Float64Array;
  /** Per vertex: no coordinate is further than this from the exact one. */
  radius: Float64Array;
  /** Per vertex: a number never given before, for what is remembered of it. */
  names: Float64Array;
  /**
   * Per vertex: `words` words, bit s set iff it lies on the facet in slot s. This holds for all polytopes that have the
   * vertex: a slot is not given to another hyperplane while a vertex of the polytope lies on its facet.
   */
  masks: Int32Array;
  /** No coordinate is further than this from 0. */
  extent = 0;
  private nextName = 0;

  constructor(
    readonly dimension: number,
    readonly words: number,
  ) {
    this.x = new Float64Array(256 * dimension);
    this.radius = new Float64Array(256);
    this.names = new Float64Array(256);
    this.masks = new Int32Array(256 * words);
  }

  /** Makes room for one more vertex and gives its number; its coordinates, radius and facets are for the caller to write. */
  add(): number {
    if (this.count === this.radius.length) this.grow();
    this.names[this.count] = this.nextName++;
    return this.count++;
  }

  /** A second one of a vertex, which may lie on other facets. */
  copy(vertex: number): number {
    const to = this.add();
    const { dimension: d, words, x, masks } = this;
    for (let j = 0; j < d; j++) x[to * d + j] = x[vertex * d + j];
    for (let w = 0; w < words; w++) masks[to * words + w] = masks[vertex * words + w];
    this.radius[to] = this.radius[vertex];
    this.names[to] = this.names[vertex];
    return to;
  }

  private grow(): void {
    const capacity = 2 * this.radius.length;
    this.x = enlarged(this.x, new Float64Array(capacity * this.dimension));
    this.radius = enlarged(this.radius, new Float64Array(capacity));
    this.names = enlarged(this.names, new Float64Array(capacity));
    this.masks = enlarged(this.masks, new Int32Array(capacity * this.words));
  }
}

/** The vertices of one polytope, and which hyperplane each bit of their facet sets means. */
export class VertexList {
  count = 0;
  /** The numbers of the vertices in the pool. */
  ids = new Int32Array(64);
  /** The slots in use; all of them are facets. */
  readonly live: Int32Array;
  /** Per slot, the facet's hyperplane: h if the polytope is on its positive side, else -1 - h. */
  readonly codes: Int32Array;
  /** Whether every vertex lies on exactly d facets, as far as is known without counting. */
  simple = true;

  constructor(readonly pool: VertexPool) {
    this.live = new Int32Array(pool.words);
    this.codes = new Int32Array(32 * pool.words);
  }

  /**
   * The corners of a box, the only vertices of the pool then; facets 2j and 2j + 1 are its sides `x_j >= low`,
   * `x_j <= high`, in the slots of their number.
   */
  setBox(lower: Float64Array, upper: Float64Array): void {
    const { pool } = this;
    const { dimension: d, words } = pool;
    pool.count = 0;
    pool.extent = 0;
    for (let j = 0; j < d; j++) pool.extent = Math.max(pool.extent, Math.abs(lower[j]), Math.abs(upper[j]));
    pool.extent *= SLACK; // coordinates between two others may round outwards
    this.count = 2 ** d;
    this.reserve(this.count);
    this.live.fill(0);
    this.simple = true;
    for (let side = 0; side < 2 * d; side++) {
      this.codes[side] = side;
      this.live[side >> 5] |= 1 << (side & 31);
    }
    for (let corner = 0; corner < this.count; corner++) {
      const v = pool.add();
      this.ids[corner] = v;
      pool.radius[v] = 0;
      pool.masks.fill(0, v * words, (v + 1) * words);
      for (let j = 0; j < d; j++) {
        const high = (corner >> j) & 1;
        pool.x[v * d + j] = high === 1 ? upper[j] : lower[j];
        const side = 2 * j + high;
        pool.masks[v * words + (side >> 5)] |= 1 << (side & 31);
      }
    }
  }

  /** Whether no slot is free. */
  full(): boolean {
    for (let w = 0; w < this.live.length; w++) if (this.live[w] !== -1) return false;
    return true;
  }

  /** The first free slot. */
  freeSlot(): number {
    for (let w = 0; w < this.live.length; w++) {
      const free = ~this.live[w];
      if (free !== 0) return 32 * w + 31 - Math.clz32(free & -free);
    }
    throw new RangeError("no free facet slot: full() is asked before a cut");
  }

  reserve(count: number): void {
    if (count > this.ids.length) this.ids = enlarged(this.ids, new Int32Array(Math.max(count, 2 * this.ids.length)));
  }

  /**
   * Keeps the part of one sign: its vertices, those on the cut, and the ones made by the cut, which are the vertices of the
   * pool from `first` up to `end`. A facet remains iff one of its vertices lies strictly on that side.
   *
   * @param generic whether no vertex lies on the cut.
   */
  keepPart(
    first: number,
    end: number,
    signs: Int8Array,
    sign: number,
    slot: number,
    code: number,
    generic: boolean,
  ): void {
    const { live, count } = this;
    this.reserve(count + end - first);
    this.count = writePart(this, first, end, signs, sign, slot, live, this.ids, 0);
    live[slot >> 5] |= 1 << (slot & 31);
    this.codes[slot] = code;
    this.simple = this.simple && generic;
  }
}

/**
 * Writes the vertices of a part of a list (see `keepPart`) from `at` of `ids` on and the facets that remain into `live`
 * (these may be the list's own); gives where the vertices end.
 */
function writePart(
  { ids: from, count, pool }: VertexList,
  first: number,
  end: number,
  signs: Int8Array,
  sign: number,
  slot: number,
  live: Int32Array,
  ids: Int32Array,
  at: number,
): number {
  const { words, masks } = pool;
  let to = at;
  let zeros = false;
  let all = 0;
  live.fill(0);
  for (let k = 0; k < count; k++) {
    const v = from[k];
    if (signs[k] === sign) {
      ids[to++] = v;
      if (words === 1) all |= masks[v];
      else for (let w = 0; w < words; w++) live[w] |= masks[v * words + w];
    } else if (signs[k] === 0) {
      ids[to++] = -1 - v; // see below
      zeros = true;
    }
  }
  if (words === 1) live[0] = all;
  if (zeros) {
    // a vertex on the cut is on one more facet there, and no longer on those that ended: it is another one from now on
    for (let k = at; k < to; k++) {
      if (ids[k] >= 0) continue;
      const v = pool.copy(-1 - ids[k]);
      for (let w = 0; w < words; w++) pool.masks[v * words + w] &= live[w];
      pool.masks[v * words + (slot >> 5)] |= 1 << (slot & 31);
      ids[k] = v;
    }
  }
  for (let v = first; v < end; v++) ids[to++] = v;
  return to;
}

/** Pending vertex lists of one pool, one after the other in shared arrays. */
export class VertexStack {
  depth = 0;
  private ids = new Int32Array(1024);
  /** First vertex of each list in `ids`, and at `depth` the number of all. */
  private starts = new Int32Array(65);
  /** Per list: vertices in the pool when it was pushed. Later ones are of polytopes that are done with when it is read. */
  private pooled = new Int32Array(64);
  /** Per list: live words, then the codes of all slots. */
  private slots: Int32Array;
  private simple = new Uint8Array(64);
  private readonly slotSize: number;
  private readonly partLive: Int32Array;

  constructor(private readonly pool: VertexPool) {
    this.slotSize = 33 * pool.words;
    this.slots = new Int32Array(64 * this.slotSize);
    this.partLive = new Int32Array(pool.words);
  }

  /** Pushes a copy. */
  push(list: VertexList): void {
    const first = this.starts[this.depth];
    this.reserve(first + list.count);
    for (let k = 0; k < list.count; k++) this.ids[first + k] = list.ids[k];
    this.writeSlots(list, list.live);
    this.end(first + list.count, list.simple);
  }

  /** Pushes the part of a list on one side of a cut; see `VertexList.keepPart`. */
  pushPart(
    list: VertexList,
    first: number,
    end: number,
    signs: Int8Array,
    sign: number,
    slot: number,
    code: number,
    generic: boolean,
  ): void {
    const { partLive } = this;
    const at = this.starts[this.depth];
    this.reserve(at + list.count + end - first);
    const to = writePart(list, first, end, signs, sign, slot, partLive, this.ids, at);
    const slots = this.writeSlots(list, partLive);
    this.slots[slots + (slot >> 5)] |= 1 << (slot & 31);
    this.slots[slots + this.pool.words + slot] = code;
    this.end(to, list.simple && generic);
  }

  /** Copies list number `index` (from the bottom) out. */
  read(index: number, into: VertexList): void {
    const { words } = this.pool;
    const first = this.starts[index];
    const count = this.starts[index + 1] - first;
    into.reserve(count);
    into.count = count;
    const { ids } = this;
    const to = into.ids;
    for (let k = 0; k < count; k++) to[k] = ids[first + k];
    const slots = index * this.slotSize;
    for (let w = 0; w < words; w++) {
      const live = this.slots[slots + w];
      into.live[w] = live;
      for (let bits = live; bits !== 0; bits &= bits - 1) {
        const slot = 32 * w + 31 - Math.clz32(bits & -bits);
        into.codes[slot] = this.slots[slots + words + slot];
      }
    }
    into.simple = this.simple[index] === 1;
  }

  /** Moves the last list out, and forgets the vertices that only later polytopes had. */
  pop(into: VertexList): void {
    this.read(this.depth - 1, into);
    this.depth--;
    this.pool.count = this.pooled[this.depth];
  }

  /** Writes a list's live slots and their codes as those of the list about to be pushed; gives where. */
  private writeSlots({ codes }: VertexList, live: Int32Array): number {
    const { words } = this.pool;
    if (this.depth + 1 >= this.starts.length) this.grow();
    const slots = this.depth * this.slotSize;
    for (let w = 0; w < words; w++) {
      this.slots[slots + w] = live[w];
      for (let bits = live[w]; bits !== 0; bits &= bits - 1) {
        const slot = 32 * w + 31 - Math.clz32(bits & -bits);
        this.slots[slots + words + slot] = codes[slot];
      }
    }
    return slots;
  }

  private end(next: number, simple: boolean): void {
    this.simple[this.depth] = simple ? 1 : 0;
    this.pooled[this.depth] = this.pool.count;
    this.starts[++this.depth] = next;
  }

  private reserve(count: number): void {
    if (count > this.ids.length) this.ids = enlarged(this.ids, new Int32Array(Math.max(count, 2 * this.ids.length)));
  }

  private grow(): void {
    this.starts = enlarged(this.starts, new Int32Array(2 * this.starts.length));
    this.pooled = enlarged(this.pooled, new Int32Array(2 * this.pooled.length));
    this.slots = enlarged(this.slots, new Int32Array(2 * this.slots.length));
    this.simple = enlarged(this.simple, new Uint8Array(2 * this.simple.length));
  }
}
