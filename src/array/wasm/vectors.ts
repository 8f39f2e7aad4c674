/**
 * Vectors of floats in 128 bits, four of binary32 or two of binary64, behind one interface: a kernel is written once
 * and emitted for both. Next to the float operations stand those on integers of the same width, for masks and
 * exponents.
 */
import { float32Bytes, float64Bytes } from "./encoding.js";
import {
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type Integer,
  i32,
  i64,
  type Statement,
  simd,
  simdBinary,
  simdShift,
  simdTernary,
  simdUnary,
  unary,
  type V128,
  v128,
  value,
} from "./instructions.js";

/** The float types that kernels are emitted for. */
export type FloatType = "float32" | "float64";

type Unary = (a: V128) => V128;
type Binary = (a: V128, b: V128) => V128;
type Ternary = (a: V128, b: V128, c: V128) => V128;
type Shift = (a: V128, bits: Integer) => V128;

/** Integers as wide as the float: i32x4 or i64x2. */
export interface IntegerVector {
  constant(n: number | bigint): V128;
  /** A 32-bit integer that is not negative, in every lane. */
  splat(n: I32): V128;
  readonly mul: Binary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly eq: Binary;
  readonly gtS: Binary;
  readonly shl: Shift;
  readonly shrS: Shift;
  readonly shrU: Shift;
}

export interface FloatVector {
  readonly dtype: FloatType;
  /** Bytes of one element. */
  readonly size: 4 | 8;
  /** Base-2 logarithm of `size`. */
  readonly shift: 2 | 3;
  /** Elements in one vector. */
  readonly lanes: 4 | 2;
  readonly integer: IntegerVector;
  constant(x: number): V128;
  /** The same, made of a scalar. */
  splat(x: number): V128;
  /** The element at an address, in every lane. */
  loadSplat(address: I32, offset?: number): V128;
  /** The element at an address in lane 0, zeros elsewhere. */
  loadZero(address: I32, offset?: number): V128;
  loadLane(address: I32, a: V128, lane: number, offset?: number): V128;
  storeLane(address: I32, a: V128, lane: number, offset?: number): Statement;
  /** Lanes rearranged: `lanes` indexes the elements of `a`, then those of `b`. */
  shuffle(a: V128, b: V128, lanes: readonly number[]): V128;
  /** Address of the element `index` places after `base`. */
  element(base: I32, index: Integer): I32;
  /** Comparisons give all ones or all zeros in each lane. */
  readonly eq: Binary;
  readonly ne: Binary;
  readonly lt: Binary;
  readonly gt: Binary;
  readonly le: Binary;
  readonly ge: Binary;
  readonly ceil: Unary;
  readonly floor: Unary;
  readonly trunc: Unary;
  /** To the nearest integer, ties to even. */
  readonly nearest: Unary;
  readonly abs: Unary;
  readonly neg: Unary;
  readonly sqrt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  /** IEEE minimum: NaN if either is NaN, -0 below +0. */
  readonly min: Binary;
  readonly max: Binary;
  /** `b < a ? b : a`: one instruction on x64, where `min` is several. */
  readonly pmin: Binary;
  /** `a < b ? b : a` */
  readonly pmax: Binary;
  /** a · b + c, rounded once or twice as the host likes. Needs relaxed SIMD. */
  readonly relaxedMadd: Ternary;
  /** c - a · b, likewise. */
  readonly relaxedNmadd: Ternary;
}

const repeat = (bytes: readonly number[]): V128 =>
  v128.constant(Array.from({ length: 16 }, (_, i) => bytes[i % bytes.length]));

/** Little-endian bytes of an integer modulo 2^(8 · size). */
function integerBytes(n: number | bigint, size: number): number[] {
  const bits = BigInt.asUintN(8 * size, BigInt(n));
  return Array.from({ length: size }, (_, i) => Number((bits >> BigInt(8 * i)) & 255n));
}

/** The integer operations; most opcodes follow from that of `shl`. */
function integerVector(size: 4 | 8): IntegerVector {
  const shl = size === 4 ? 0xab : 0xcb;
  return {
    constant: (n) => repeat(integerBytes(n, size)),
    splat: (n) => (size === 4 ? value("v128", n.code, simd(0x11)) : value("v128", i64.extend(n).code, simd(0x12))),
    mul: simdBinary(shl + 10),
    add: simdBinary(shl + 3),
    sub: simdBinary(shl + 6),
    eq: simdBinary(size === 4 ? 0x37 : 0xd6),
    gtS: simdBinary(size === 4 ? 0x3b : 0xd9),
    shl: simdShift(shl),
    shrS: simdShift(shl + 1),
    shrU: simdShift(shl + 2),
  };
}

/** The two types number their opcodes alike from a first comparison and a first arithmetic instruction. */
function floatVector(dtype: FloatType): FloatVector {
  const single = dtype === "float32";
  const size = single ? 4 : 8;
  const comparison = single ? 0x41 : 0x47;
  const arithmetic = single ? 0xe0 : 0xec;
  const [ceil, floor, trunc, nearest] = single ? [0x67, 0x68, 0x69, 0x6a] : [0x74, 0x75, 0x7a, 0x94];
  return {
    dtype,
    size,
    shift: single ? 2 : 3,
    lanes: single ? 4 : 2,
    integer: integerVector(size),
    constant: (x) => repeat(single ? float32Bytes(x) : float64Bytes(x)),
    splat: (x) => (single ? lanes.splat32(f32.constant(x)) : lanes.splat64(f64.constant(x))),
    loadSplat: single ? v128.load32Splat : v128.load64Splat,
    loadZero: single ? v128.load32Zero : v128.load64Zero,
    loadLane: single ? v128.load32Lane : v128.load64Lane,
    storeLane: single ? v128.store32Lane : v128.store64Lane,
    shuffle: (a, b, lanes) =>
      v128.shuffleBytes(
        a,
        b,
        lanes.flatMap((lane) => Array.from({ length: size }, (_, byte) => lane * size + byte)),
      ),
    element: (base, index) => i32.add(base, typeof index === "number" ? index * size : i32.shl(index, single ? 2 : 3)),
    eq: simdBinary(comparison),
    ne: simdBinary(comparison + 1),
    lt: simdBinary(comparison + 2),
    gt: simdBinary(comparison + 3),
    le: simdBinary(comparison + 4),
    ge: simdBinary(comparison + 5),
    ceil: simdUnary(ceil!),
    floor: simdUnary(floor!),
    trunc: simdUnary(trunc!),
    nearest: simdUnary(nearest!),
    abs: simdUnary(arithmetic),
    neg: simdUnary(arithmetic + 1),
    sqrt: simdUnary(arithmetic + 3),
    add: simdBinary(arithmetic + 4),
    sub: simdBinary(arithmetic + 5),
    mul: simdBinary(arithmetic + 6),
    div: simdBinary(arithmetic + 7),
    min: simdBinary(arithmetic + 8),
    max: simdBinary(arithmetic + 9),
    pmin: simdBinary(arithmetic + 10),
    pmax: simdBinary(arithmetic + 11),
    relaxedMadd: simdTernary(single ? 0x105 : 0x107),
    relaxedNmadd: simdTernary(single ? 0x106 : 0x108),
  };
}

export const f32x4 = floatVector("float32");
export const f64x2 = floatVector("float64");

export function vectorOf(dtype: FloatType): FloatVector {
  return dtype === "float32" ? f32x4 : f64x2;
}

/** Moves between scalars and lanes, where the scalar type matters. */
export const lanes = {
  splat32: (a: F32): V128 => value("v128", a.code, simd(0x13)),
  splat64: (a: F64): V128 => value("v128", a.code, simd(0x14)),
  extract32: (a: V128, lane: number): F32 => value("f32", a.code, simd(0x1f), lane),
  extract64: (a: V128, lane: number): F64 => value("f64", a.code, simd(0x21), lane),
  /** The two low binary32 lanes, widened. */
  promoteLow: unary<"v128", "v128">("v128", simd(0x5f)),
  /** Two binary64 lanes narrowed into the two low lanes, zeros above. */
  demoteZero: unary<"v128", "v128">("v128", simd(0x5e)),
};
