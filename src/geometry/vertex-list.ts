/** A polytope's vertices in typed arrays, and a stack of such lists in one pool. */

import { enlarged } from "./cell-tree-path.js";

/** From this many numbers on, a block is copied faster by `set` than by a loop. */
const BLOCK = 160;

/** The vertices of one polytope, and which hyperplane each bit of their facet sets means. */
export class VertexList {
  count = 0;
  /** d coordinates per vertex. */
  x: Float64Array;
  /** Per vertex: no coordinate is further than this from the exact one. */
  radius: Float64Array;
  /** Per vertex: a number of its own, for what is remembered of it. */
  names: Float64Array;
  /** Per vertex: `words` words, bit s set iff it lies on the facet in slot s. */
  masks: Int32Array;
  /** The slots in use; all of them are facets. */
  readonly live: Int32Array;
  /** Per slot, the facet's hyperplane: h if the polytope is on its positive side, else -1 - h. */
  readonly codes: Int32Array;
  /** Whether every vertex lies on exactly d facets, as far as is known without counting. */
  simple = true;

  constructor(
    readonly dimension: number,
    readonly words: number,
  ) {
    this.x = new Float64Array(64 * dimension);
    this.radius = new Float64Array(64);
    this.names = new Float64Array(64);
    this.masks = new Int32Array(64 * words);
    this.live = new Int32Array(words);
    this.codes = new Int32Array(32 * words);
  }

  /** The corners of a box; facets 2j and 2j + 1 are its sides `x_j >= low`, `x_j <= high`, in the slots of their number. */
  setBox(lower: Float64Array, upper: Float64Array): void {
    const { dimension: d, words } = this;
    this.count = 2 ** d;
    this.reserve(this.count);
    this.live.fill(0);
    this.masks.fill(0);
    this.simple = true;
    for (let side = 0; side < 2 * d; side++) {
      this.codes[side] = side;
      this.live[side >> 5] |= 1 << (side & 31);
    }
    for (let v = 0; v < this.count; v++) {
      this.names[v] = -1 - v;
      this.radius[v] = 0;
      for (let j = 0; j < d; j++) {
        const high = (v >> j) & 1;
        this.x[v * d + j] = high === 1 ? upper[j] : lower[j];
        const side = 2 * j + high;
        this.masks[v * words + (side >> 5)] |= 1 << (side & 31);
      }
    }
  }

  /** Whether no slot is free. */
  full(): boolean {
    for (let w = 0; w < this.words; w++) if (this.live[w] !== -1) return false;
    return true;
  }

  /** The first free slot. */
  freeSlot(): number {
    for (let w = 0; w < this.words; w++) {
      const free = ~this.live[w];
      if (free !== 0) return 32 * w + 31 - Math.clz32(free & -free);
    }
    throw new RangeError("no free facet slot: full() is asked before a cut");
  }

  reserve(count: number): void {
    if (count <= this.radius.length) return;
    const capacity = Math.max(count, 2 * this.radius.length);
    this.x = enlarged(this.x, new Float64Array(capacity * this.dimension));
    this.radius = enlarged(this.radius, new Float64Array(capacity));
    this.names = enlarged(this.names, new Float64Array(capacity));
    this.masks = enlarged(this.masks, new Int32Array(capacity * this.words));
  }

  /**
   * Keeps the part of one sign: its vertices, those on the cut, and the new ones. A facet remains iff one of its vertices
   * lies strictly on that side.
   */
  keepPart(created: VertexList, signs: Int8Array, sign: number, slot: number, code: number, generic: boolean): void {
    const { live, words } = this;
    strictFacets(this, signs, sign, live);
    const word = slot >> 5;
    const bit = 1 << (slot & 31);
    const before = this.count;
    this.count = 0;
    for (let v = 0; v < before; v++) {
      if (signs[v] === sign) {
        this.move(v, this.count++);
      } else if (signs[v] === 0) {
        const to = this.count++;
        this.move(v, to);
        for (let w = 0; w < words; w++) this.masks[to * words + w] &= live[w];
        this.masks[to * words + word] |= bit;
      }
    }
    this.append(created);
    live[word] |= bit;
    this.codes[slot] = code;
    this.simple = this.simple && generic;
  }

  private move(from: number, to: number): void {
    if (from === to) return;
    const { dimension: d, words, x, masks } = this;
    for (let j = 0, a = from * d, b = to * d; j < d; j++, a++, b++) x[b] = x[a];
    this.radius[to] = this.radius[from];
    this.names[to] = this.names[from];
    for (let w = 0; w < words; w++) masks[to * words + w] = masks[from * words + w];
  }

  private append(created: VertexList): void {
    const { dimension: d, words } = this;
    const first = this.count;
    const { count } = created;
    this.reserve(first + count);
    for (let k = 0, to = first * d; k < count * d; k++, to++) this.x[to] = created.x[k];
    for (let v = 0; v < count; v++) {
      this.radius[first + v] = created.radius[v];
      this.names[first + v] = created.names[v];
    }
    for (let k = 0, to = first * words; k < count * words; k++, to++) this.masks[to] = created.masks[k];
    this.count = first + count;
  }
}

/** The facets that have a vertex strictly on one side, into `out` (which may be the list's own `live`). */
function strictFacets(list: VertexList, signs: Int8Array, sign: number, out: Int32Array): void {
  const { count, masks, words } = list;
  if (words === 1) {
    let all = 0;
    for (let v = 0; v < count; v++) if (signs[v] === sign) all |= masks[v];
    out[0] = all;
    return;
  }
  out.fill(0);
  for (let v = 0; v < count; v++) {
    if (signs[v] !== sign) continue;
    for (let w = 0; w < words; w++) out[w] |= masks[v * words + w];
  }
}

/** Pending vertex lists, one after the other in shared arrays. */
export class VertexStack {
  depth = 0;
  private x: Float64Array;
  private radius: Float64Array;
  private names: Float64Array;
  private masks: Int32Array;
  /** First vertex of each list, and at `depth` the number of all. */
  private starts = new Int32Array(65);
  /** Per list: live words, then the codes of all slots. */
  private slots: Int32Array;
  private simple = new Uint8Array(64);
  private readonly slotSize: number;
  private readonly partLive: Int32Array;

  constructor(
    private readonly dimension: number,
    private readonly words: number,
  ) {
    this.x = new Float64Array(1024 * dimension);
    this.radius = new Float64Array(1024);
    this.names = new Float64Array(1024);
    this.masks = new Int32Array(1024 * words);
    this.slotSize = 33 * words;
    this.slots = new Int32Array(64 * this.slotSize);
    this.partLive = new Int32Array(words);
  }

  /** Pushes a copy. */
  push(list: VertexList): void {
    const first = this.begin(list, list.live);
    this.room(first + list.count);
    for (let v = 0; v < list.count; v++) this.copy(list, v, first + v);
    this.end(first + list.count, list.simple);
  }

  /** Pushes the part of a list on one side of a cut; see `VertexList.keepPart`. */
  pushPart(
    list: VertexList,
    created: VertexList,
    signs: Int8Array,
    sign: number,
    slot: number,
    code: number,
    generic: boolean,
  ): void {
    const { words, partLive } = this;
    strictFacets(list, signs, sign, partLive);
    const word = slot >> 5;
    const bit = 1 << (slot & 31);
    const first = this.begin(list, partLive);
    const slots = this.depth * this.slotSize;
    this.slots[slots + word] |= bit;
    this.slots[slots + words + slot] = code;
    this.room(first + list.count + created.count);
    let to = first;
    for (let v = 0; v < list.count; v++) {
      if (signs[v] === sign) {
        this.copy(list, v, to++);
      } else if (signs[v] === 0) {
        this.copy(list, v, to);
        for (let w = 0; w < words; w++) this.masks[to * words + w] &= partLive[w];
        this.masks[to * words + word] |= bit;
        to++;
      }
    }
    for (let v = 0; v < created.count; v++) this.copy(created, v, to++);
    this.end(to, list.simple && generic);
  }

  /** Copies list number `index` (from the bottom) out. */
  read(index: number, into: VertexList): void {
    const { dimension: d, words } = this;
    const first = this.starts[index];
    const count = this.starts[index + 1] - first;
    into.reserve(count);
    into.count = count;
    if (count * d > BLOCK) {
      into.x.set(this.x.subarray(first * d, (first + count) * d));
      into.radius.set(this.radius.subarray(first, first + count));
      into.names.set(this.names.subarray(first, first + count));
    } else {
      for (let k = 0, from = first * d; k < count * d; k++, from++) into.x[k] = this.x[from];
      for (let v = 0; v < count; v++) {
        into.radius[v] = this.radius[first + v];
        into.names[v] = this.names[first + v];
      }
    }
    for (let k = 0, from = first * words; k < count * words; k++, from++) into.masks[k] = this.masks[from];
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

  /** Takes the last list off. */
  drop(): void {
    this.depth--;
  }

  private begin(list: VertexList, live: Int32Array): number {
    const { words, depth } = this;
    if (depth + 1 >= this.starts.length) {
      this.starts = enlarged(this.starts, new Int32Array(2 * this.starts.length));
      this.slots = enlarged(this.slots, new Int32Array(2 * this.slots.length));
      this.simple = enlarged(this.simple, new Uint8Array(2 * this.simple.length));
    }
    const slots = depth * this.slotSize;
    for (let w = 0; w < words; w++) {
      this.slots[slots + w] = live[w];
      for (let bits = live[w]; bits !== 0; bits &= bits - 1) {
        const slot = 32 * w + 31 - Math.clz32(bits & -bits);
        this.slots[slots + words + slot] = list.codes[slot];
      }
    }
    return this.starts[depth];
  }

  private end(next: number, simple: boolean): void {
    this.simple[this.depth] = simple ? 1 : 0;
    this.starts[++this.depth] = next;
  }

  private copy(list: VertexList, from: number, to: number): void {
    const { dimension: d, words } = this;
    for (let j = 0, a = from * d, b = to * d; j < d; j++, a++, b++) this.x[b] = list.x[a];
    this.radius[to] = list.radius[from];
    this.names[to] = list.names[from];
    for (let w = 0; w < words; w++) this.masks[to * words + w] = list.masks[from * words + w];
  }

  private room(count: number): void {
    if (count <= this.radius.length) return;
    const capacity = Math.max(count, 2 * this.radius.length);
    this.x = enlarged(this.x, new Float64Array(capacity * this.dimension));
    this.radius = enlarged(this.radius, new Float64Array(capacity));
    this.names = enlarged(this.names, new Float64Array(capacity));
    this.masks = enlarged(this.masks, new Int32Array(capacity * this.words));
  }
}
