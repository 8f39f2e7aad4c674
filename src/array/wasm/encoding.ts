/**
 * Bytes of the WebAssembly binary format: LEB128 integers, IEEE floats, names and vectors
 * (WebAssembly core specification, section 5, "Binary Format").
 */

/**
 * A piece of binary code: bytes and pieces of code, nested. Composing is a constant-time wrap; `flatten` writes the
 * bytes out once.
 */
export type Code = Uint8Array | readonly (number | Code)[];

/** The one-byte encodings, which are most of them. */
const small: readonly Code[] = Array.from({ length: 128 }, (_, n) => [n]);

/** Unsigned LEB128 of an integer in [0, 2^32). */
export function unsigned(value: number): Code {
  if (value >= 0 && value < 128) return small[value];
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

/** Signed LEB128 of a 64-bit integer. */
export function signed64(value: bigint): Code {
  const bytes: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

const view = new DataView(new ArrayBuffer(8));

/** Little-endian binary32. */
export function float32Bytes(value: number): number[] {
  view.setFloat32(0, value, true);
  return [0, 1, 2, 3].map((i) => view.getUint8(i));
}

/** Little-endian binary64. */
export function float64Bytes(value: number): number[] {
  view.setFloat64(0, value, true);
  return [0, 1, 2, 3, 4, 5, 6, 7].map((i) => view.getUint8(i));
}

/** A UTF-8 name, preceded by its length (names here are ASCII). */
export function name(text: string): Code {
  return [unsigned(text.length), Array.from(text, (character) => character.charCodeAt(0))];
}

/** A vector: the count, then the items. */
export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

/** Code preceded by its size in bytes. */
export function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}

/** The bytes of nested code, in order. Not recursive: code may be nested deeper than the call stack is. */
export function flatten(code: Code): Uint8Array {
  let bytes = new Uint8Array(1024);
  let length = 0;
  const room = (count: number) => {
    if (length + count <= bytes.length) return;
    const larger = new Uint8Array(2 * (length + count));
    larger.set(bytes);
    bytes = larger;
  };
  // The pieces that are begun, and where to go on in each.
  const pieces: (readonly (number | Code)[])[] = [];
  const positions: number[] = [];
  let piece: readonly (number | Code)[] = [code];
  let position = 0;
  for (;;) {
    if (position === piece.length) {
      if (pieces.length === 0) return bytes.slice(0, length);
      piece = pieces.pop()!;
      position = positions.pop()!;
      continue;
    }
    const item = piece[position++];
    if (typeof item === "number") {
      if (length === bytes.length) room(1);
      bytes[length++] = item;
    } else if (item instanceof Uint8Array) {
      room(item.length);
      bytes.set(item, length);
      length += item.length;
    } else {
      pieces.push(piece);
      positions.push(position);
      piece = item;
      position = 0;
    }
  }
}
