/**
 * The instructions of WebAssembly that the kernels use, as typed functions that build code
 * (WebAssembly core specification 3.0, section 5.4; SIMD opcodes 0xFD, relaxed SIMD from 0xFD 0x100).
 *
 * A `Value` is code that leaves one value on the stack, not a computed result: used twice it is computed twice. Keep
 * what is used more than once in a local.
 */
import { type Code, float32Bytes, float64Bytes, signed, signed64, unsigned } from "./encoding.js";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Code that pushes one value of the type. */
export interface Value<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: Code;
}

export type I32 = Value<"i32">;
export type I64 = Value<"i64">;
export type F32 = Value<"f32">;
export type F64 = Value<"f64">;
export type V128 = Value<"v128">;

/** An i32 operand: a value or a constant. */
export type Integer = I32 | number;

export function value<T extends ValueType>(type: T, ...code: readonly (number | Code)[]): Value<T> {
  return { type, code };
}

function integer(operand: Integer): Code {
  return typeof operand === "number" ? [0x41, signed(operand)] : operand.code;
}

/** Alignment hint 2^0 (addresses need not be aligned) and the constant offset of a memory access. */
function access(offset: number): Code {
  return [0x00, unsigned(offset)];
}

export const unary =
  <A extends ValueType, R extends ValueType>(type: R, ...opcode: readonly (number | Code)[]) =>
  (a: Value<A>): Value<R> =>
    value(type, a.code, opcode);

export const binary =
  <A extends ValueType, R extends ValueType>(type: R, ...opcode: readonly (number | Code)[]) =>
  (a: Value<A>, b: Value<A>): Value<R> =>
    value(type, a.code, b.code, opcode);

const integerBinary =
  (opcode: number) =>
  (a: Integer, b: Integer): I32 =>
    value("i32", integer(a), integer(b), opcode);

export const i32 = {
  constant: (n: number): I32 => value("i32", 0x41, signed(n)),
  add: integerBinary(0x6a),
  sub: integerBinary(0x6b),
  mul: integerBinary(0x6c),
  divU: integerBinary(0x6e),
  remU: integerBinary(0x70),
  and: integerBinary(0x71),
  or: integerBinary(0x72),
  shl: integerBinary(0x74),
  shrU: integerBinary(0x76),
  eq: integerBinary(0x46),
  ne: integerBinary(0x47),
  ltS: integerBinary(0x48),
  gtS: integerBinary(0x4a),
  leS: integerBinary(0x4c),
  geS: integerBinary(0x4e),
  isZero: (a: I32): I32 => value("i32", a.code, 0x45),
  /** The smaller of two signed integers. Both operands are computed twice. */
  min: (a: Integer, b: Integer): I32 => select(i32.of(a), i32.of(b), i32.ltS(a, b)),
  of: (a: Integer): I32 => (typeof a === "number" ? i32.constant(a) : a),
  load: (address: I32, offset = 0): I32 => value("i32", address.code, 0x28, access(offset)),
};

/** `condition ? a : b`; both are computed. */
export function select<T extends ValueType>(a: Value<T>, b: Value<T>, condition: I32): Value<T> {
  const opcode: Code = a.type === "v128" ? [0x1c, 1, 0x7b] : [0x1b];
  return value(a.type, a.code, b.code, condition.code, opcode);
}

/** Writes to memory: code that leaves nothing on the stack. */
export interface Statement {
  readonly code: Code;
}

export const f32 = {
  constant: (x: number): F32 => value("f32", 0x43, float32Bytes(x)),
  load: (address: I32, offset = 0): F32 => value("f32", address.code, 0x2a, access(offset)),
  store: (address: I32, a: F32, offset = 0): Statement => ({ code: [address.code, a.code, 0x38, access(offset)] }),
  abs: unary<"f32", "f32">("f32", 0x8b),
  neg: unary<"f32", "f32">("f32", 0x8c),
  sqrt: unary<"f32", "f32">("f32", 0x91),
  add: binary<"f32", "f32">("f32", 0x92),
  sub: binary<"f32", "f32">("f32", 0x93),
  mul: binary<"f32", "f32">("f32", 0x94),
  div: binary<"f32", "f32">("f32", 0x95),
  min: binary<"f32", "f32">("f32", 0x96),
  max: binary<"f32", "f32">("f32", 0x97),
  eq: binary<"f32", "i32">("i32", 0x5b),
  ne: binary<"f32", "i32">("i32", 0x5c),
  lt: binary<"f32", "i32">("i32", 0x5d),
  gt: binary<"f32", "i32">("i32", 0x5e),
};

export const f64 = {
  constant: (x: number): F64 => value("f64", 0x44, float64Bytes(x)),
  load: (address: I32, offset = 0): F64 => value("f64", address.code, 0x2b, access(offset)),
  store: (address: I32, a: F64, offset = 0): Statement => ({ code: [address.code, a.code, 0x39, access(offset)] }),
  abs: unary<"f64", "f64">("f64", 0x99),
  neg: unary<"f64", "f64">("f64", 0x9a),
  sqrt: unary<"f64", "f64">("f64", 0x9f),
  add: binary<"f64", "f64">("f64", 0xa0),
  sub: binary<"f64", "f64">("f64", 0xa1),
  mul: binary<"f64", "f64">("f64", 0xa2),
  div: binary<"f64", "f64">("f64", 0xa3),
  min: binary<"f64", "f64">("f64", 0xa4),
  max: binary<"f64", "f64">("f64", 0xa5),
  eq: binary<"f64", "i32">("i32", 0x61),
  ne: binary<"f64", "i32">("i32", 0x62),
  lt: binary<"f64", "i32">("i32", 0x63),
  gt: binary<"f64", "i32">("i32", 0x64),
  promote: unary<"f32", "f64">("f64", 0xbb),
};

/** A SIMD opcode: the prefix 0xFD and the LEB128 of its number. */
export const simd = (opcode: number): Code => [0xfd, unsigned(opcode)];
export const simdUnary = (opcode: number) => unary<"v128", "v128">("v128", simd(opcode));
export const simdBinary = (opcode: number) => binary<"v128", "v128">("v128", simd(opcode));
export const simdTernary =
  (opcode: number) =>
  (a: V128, b: V128, c: V128): V128 =>
    value("v128", a.code, b.code, c.code, simd(opcode));
export const simdShift =
  (opcode: number) =>
  (a: V128, bits: Integer): V128 =>
    value("v128", a.code, integer(bits), simd(opcode));
const simdLoad =
  (opcode: number) =>
  (address: I32, offset = 0): V128 =>
    value("v128", address.code, simd(opcode), access(offset));
const simdLoadLane =
  (opcode: number) =>
  (address: I32, a: V128, lane: number, offset = 0): V128 =>
    value("v128", address.code, a.code, simd(opcode), access(offset), lane);
const simdStoreLane =
  (opcode: number) =>
  (address: I32, a: V128, lane: number, offset = 0): Statement => ({
    code: [address.code, a.code, simd(opcode), access(offset), lane],
  });
export const v128 = {
  load: simdLoad(0x00),
  load32Splat: simdLoad(0x09),
  load64Splat: simdLoad(0x0a),
  load32Zero: simdLoad(0x5c),
  load64Zero: simdLoad(0x5d),
  load32Lane: simdLoadLane(0x56),
  load64Lane: simdLoadLane(0x57),
  store: (address: I32, a: V128, offset = 0): Statement => ({
    code: [address.code, a.code, simd(0x0b), access(offset)],
  }),
  store32Lane: simdStoreLane(0x5a),
  store64Lane: simdStoreLane(0x5b),
  /** The constant of sixteen bytes. */
  constant: (bytes: readonly number[]): V128 => value("v128", simd(0x0c), bytes),
  not: simdUnary(0x4d),
  and: simdBinary(0x4e),
  /** a & ~b */
  andNot: simdBinary(0x4f),
  or: simdBinary(0x50),
  xor: simdBinary(0x51),
  /** Bits of `a` where `mask` is set, of `b` elsewhere. */
  bitselect: simdTernary(0x52),
  anyTrue: unary<"v128", "i32">("i32", simd(0x53)),
  /** Sixteen byte indices: 0 to 15 in `a`, 16 to 31 in `b`. */
  shuffleBytes: (a: V128, b: V128, indices: readonly number[]): V128 =>
    value("v128", a.code, b.code, simd(0x0d), indices),
};

export const i64 = {
  constant: (n: bigint): I64 => value("i64", 0x42, signed64(n)),
  /** A 32-bit integer, widened with zeros. */
  extend: unary<"i32", "i64">("i64", 0xad),
};
