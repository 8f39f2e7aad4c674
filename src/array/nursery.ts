/**
 * Where results of ops are born: memory that the WASM kernels address, so that an op finds its operands where the last
 * one left them, and nothing is copied in or out.
 *
 * Nobody frees a tensor, and nobody says which are still held; so the nursery is emptied zone by zone, the oldest
 * first: a zone's bytes are copied as they lie into one array of the collector's, and whoever was born there is told
 * (as in Ungar, "Generation Scavenging", 1984, without a search for the dead: all are moved, which costs what giving
 * each its own memory would have cost). It is emptied one zone ahead, so that an array which somebody read before an op
 * is not overwritten by that op.
 *
 * It knows who was born there by strong references, and so keeps them and their graphs alive. That ends with the
 * synchronous turn, or when other memory of `mostElsewhere` bytes was handed out.
 */
import type { DataArray, DType } from "./dtype.js";
import { simdLevel } from "./wasm/features.js";
import { nurseryBytes, scratch } from "./wasm/scratch.js";

/** Who holds values in the nursery; `buffer` and `offset` change when they are moved. */
export interface Resident {
  readonly dtype: DType;
  readonly size: number;
  /** Whether its values have no use any more. */
  readonly isForgotten: boolean;
  buffer: DataArray;
  offset: number;
}

const zoneBytes = 64 * 1024;
/** Zones that are filled in turn. */
const ringLength = 4;
/**
 * Up to this size, results have zones of their own: most that are held are small, and are then not moved one by one from
 * between those that are not.
 */
const smallBytes = 2 * 1024;
/** Behind the zones lies what backward uses again and again for gradients that nobody else sees. */
const reusedStart = 2 * ringLength * zoneBytes;
const mostElsewhere = 16 * 1024 * 1024;

class Zone {
  readonly start: number;
  /** From here on, nobody has moved yet. */
  from: number;
  /** From here on, it is empty. */
  end: number;
  readonly residents: (Resident | null)[] = [];
  count = 0;

  constructor(start: number) {
    this.start = start;
    this.from = start;
    this.end = start;
  }

  /** Holds nobody back from the collector. */
  forget(): void {
    this.residents.fill(null, 0, this.count);
    this.count = 0;
    this.from = this.end;
  }

  clear(): void {
    this.end = this.start;
    this.forget();
  }
}

class Nursery {
  private float32: Float32Array;
  private float64: Float64Array;
  /** Those for small results, then those for larger ones. */
  private readonly zones = Array.from({ length: 2 * ringLength }, (_, index) => new Zone(index * zoneBytes));
  private readonly reused = new Zone(reusedStart);
  private currentSmall = 0;
  private currentLarge = ringLength;
  private isTurnAwaited = false;
  private elsewhere = 0;
  private readonly endTurn = () => {
    this.isTurnAwaited = false;
    this.empty();
  };

  constructor() {
    // Without WASM SIMD the plain loops find their operands here as well as anywhere.
    const memory = simdLevel() === "none" ? null : scratch();
    this.float32 = memory === null ? new Float32Array(nurseryBytes / 4) : memory.float32;
    this.float64 = memory === null ? new Float64Array(this.float32.buffer) : memory.float64;
    keepFreedMemory();
    if (memory !== null) memory.onGrow = () => this.settle(memory.float32, memory.float64);
  }

  /** Takes over larger memory with the same contents. */
  private settle(float32: Float32Array, float64: Float64Array): void {
    for (const { residents, count } of [...this.zones, this.reused]) {
      for (let i = 0; i < count; i++) {
        const resident = residents[i] as Resident;
        if (resident.buffer === this.float32) resident.buffer = float32;
        else if (resident.buffer === this.float64) resident.buffer = float64;
      }
    }
    this.float32 = float32;
    this.float64 = float64;
  }

  array(dtype: DType): DataArray {
    return dtype === "float32" ? this.float32 : this.float64;
  }

  /** Where in the array `size` numbers, up to a zone of them, may be written; they hold anything now. */
  allocate(dtype: DType, size: number): number {
    const shift = shiftOf(dtype);
    const bytes = roomFor(size, shift);
    const isSmall = bytes <= smallBytes;
    let zone = this.zones[isSmall ? this.currentSmall : this.currentLarge];
    if (zone.end + bytes > zone.start + zoneBytes) {
      if (isSmall) {
        this.currentSmall = after(this.currentSmall);
        zone = this.enter(this.currentSmall);
      } else {
        this.currentLarge = after(this.currentLarge);
        zone = this.enter(this.currentLarge);
      }
    }
    const address = zone.end;
    zone.end += bytes;
    return address >> shift;
  }

  /** The same in the part that `reuse` makes free for others; -1 where that is full. */
  allocateReused(dtype: DType, size: number): number {
    const shift = shiftOf(dtype);
    const bytes = roomFor(size, shift);
    const address = this.reused.end;
    if (address + bytes > nurseryBytes) return -1;
    this.reused.end += bytes;
    return address >> shift;
  }

  /** From now on, what `allocateReused` gave may be overwritten. */
  reuse(): void {
    this.reused.clear();
  }

  isReused({ buffer, offset, dtype }: Pick<Resident, "buffer" | "offset" | "dtype">): boolean {
    return this.holds(buffer) && offset << shiftOf(dtype) >= reusedStart;
  }

  holds(buffer: DataArray): boolean {
    return buffer === this.float32 || buffer === this.float64;
  }

  /** Notes that somebody holds values here. */
  add(resident: Resident): void {
    const address = resident.offset << shiftOf(resident.dtype);
    const zone = address >= reusedStart ? this.reused : this.zones[Math.floor(address / zoneBytes)];
    zone.residents[zone.count++] = resident;
    if (this.isTurnAwaited) return;
    this.isTurnAwaited = true;
    queueMicrotask(this.endTurn);
  }

  /** Counts what is allocated elsewhere, and may be kept alive by who is here. */
  note(bytes: number): void {
    this.elsewhere += bytes;
    if (this.elsewhere > mostElsewhere) this.empty();
  }

  private enter(index: number): Zone {
    this.vacate(this.zones[after(index)]);
    const zone = this.zones[index];
    zone.clear();
    return zone;
  }

  private empty(): void {
    this.elsewhere = 0;
    for (const zone of this.zones) this.vacate(zone);
  }

  private vacate(zone: Zone): void {
    const { from, end, residents, count } = zone;
    if (count === 0) return;
    // The pieces that are moved, in the order of their addresses: what lies between them has no use any more.
    const starts: number[] = [];
    const ends: number[] = [];
    let start = from;
    for (let i = 0; i < count; i++) {
      const resident = residents[i] as Resident;
      if (!resident.isForgotten || !this.isIn(resident, from, end)) continue;
      const shift = shiftOf(resident.dtype);
      const address = resident.offset << shift;
      if (address > start) {
        starts.push(start);
        ends.push(address);
      }
      start = address + roomFor(resident.size, shift);
    }
    if (end > start) {
      starts.push(start);
      ends.push(end);
    }
    if (starts.length === 0) {
      zone.forget();
      return;
    }
    let bytes = 0;
    for (let piece = 0; piece < starts.length; piece++) bytes += ends[piece] - starts[piece];
    // Not slice, which writes zeros there first, too, but takes half as long again.
    const float32 = new Float32Array(bytes >> 2);
    let float64: Float64Array | null = null;
    let to = 0;
    for (let piece = 0; piece < starts.length; piece++) {
      float32.set(this.float32.subarray(starts[piece] >> 2, ends[piece] >> 2), to >> 2);
      to += ends[piece] - starts[piece];
    }
    for (let i = 0; i < count; i++) {
      const resident = residents[i] as Resident;
      // One that was given other values since lies elsewhere.
      if (resident.isForgotten || !this.isIn(resident, from, end)) continue;
      const shift = shiftOf(resident.dtype);
      const address = resident.offset << shift;
      let before = 0;
      let piece = 0;
      while (address >= ends[piece]) {
        before += ends[piece] - starts[piece];
        piece++;
      }
      if (shift === 2) resident.buffer = float32;
      else resident.buffer = float64 ??= new Float64Array(float32.buffer);
      resident.offset = (before + address - starts[piece]) >> shift;
    }
    zone.forget();
  }

  private isIn({ buffer, offset, dtype }: Resident, from: number, end: number): boolean {
    const address = offset << shiftOf(dtype);
    return this.holds(buffer) && address >= from && address < end;
  }
}

/** The next zone of the same ring. */
const after = (zone: number): number => (zone % ringLength === ringLength - 1 ? zone + 1 - ringLength : zone + 1);

const shiftOf = (dtype: DType): 2 | 3 => (dtype === "float32" ? 2 : 3);

/** Whole vectors, which kernels write. */
const roomFor = (size: number, shift: number): number => ((size + 3) & ~3) << shift;

/**
 * The C library of Linux gives memory back to the system at each collection, and gets it back page by page, which took
 * half of the time of a training step; it stops when a larger block was freed once. This one is never touched, so that
 * it costs nothing.
 */
function keepFreedMemory(): void {
  new ArrayBuffer(16 * 1024 * 1024);
}

let made: Nursery | null = null;

export function nursery(): Nursery {
  made ??= new Nursery();
  return made;
}

/** Whether values there move, and the array is written by others afterwards: to be copied by who keeps the array. */
export function isInNursery(buffer: DataArray): boolean {
  return made?.holds(buffer) ?? false;
}
