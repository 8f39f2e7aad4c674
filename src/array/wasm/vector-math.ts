/**
 * Transcendental functions on vectors, emitted inline: argument reduction, a polynomial, reconstruction. The schemes are
 * those of Cody and Waite, "Software Manual for the Elementary Functions" (1980), and of Muller, "Elementary Functions"
 * (2016), written out for float32 and float64 at once.
 *
 * Largest errors in units in the last place of the result's type, against the exact value (the tests check these):
 *
 * | function | float32 | float64 |
 * |---|---|---|
 * | exp | 1.5 | 1.5 |
 * | expm1 | 2 | 2.5 |
 * | log | 1 | 1.5 |
 * | log1p | 3 | 3 |
 * | sin, cos | 1.5 | 2 |
 * | tanh | 3 | 4 |
 * | erf | 1.5 | 2 |
 *
 * NaN gives NaN; infinities, denormals and negative zero give what `Math` gives. sin and cos of arguments beyond 2^16
 * (float32) or 2^20 (float64) call the host, lane by lane.
 */
import type { FunctionBuilder, ImportedFunction, Local } from "./assembler.js";
import { multiplyAdd } from "./gemm-tile.js";
import { type F64, f64, type V128, v128 } from "./instructions.js";
import * as polynomials from "./polynomials.js";
import { type FloatVector, f64x2, lanes } from "./vectors.js";

type Vector = Local<"v128">;

/** Constants of a float type. */
interface Format {
  /** Bits of the fraction. */
  readonly fraction: number;
  readonly bias: number;
  /** 1.5 · 2^fraction: adding it leaves the nearest integer in the low bits. */
  readonly magic: number;
  /** ln 2 in two parts; the product of the first with any exponent is exact. */
  readonly ln2: readonly [number, number];
  /** Beyond these, exp is infinite, or 0. */
  readonly exponentialRange: readonly [number, number];
  /** Beyond these magnitudes expm1 (downwards), tanh and erf are constant. */
  readonly saturation: { readonly expm1: number; readonly tanh: number; readonly erf: number };
  readonly smallestNormal: number;
  /** Up to here the multiple of pi / 2 is found exactly enough. */
  readonly trigonometricLimit: number;
}

const formats: Readonly<Record<"float32" | "float64", Format>> = {
  float32: {
    fraction: 23,
    bias: 127,
    magic: 1.5 * 2 ** 23,
    ln2: [0.693145751953125, 1.4286068203094173e-6],
    exponentialRange: [-104, 89],
    saturation: { expm1: -18, tanh: 10, erf: 4 },
    smallestNormal: 2 ** -126,
    trigonometricLimit: 2 ** 16,
  },
  float64: {
    fraction: 52,
    bias: 1023,
    magic: 1.5 * 2 ** 52,
    ln2: [0.6931471804855391, 7.440617110012397e-11],
    exponentialRange: [-746, 710],
    saturation: { expm1: -40, tanh: 22, erf: 6 },
    smallestNormal: 2 ** -1022,
    trigonometricLimit: 2 ** 20,
  },
};

/** pi / 2 in four parts: the products of the first three with integers below 2^20 are exact in double precision. */
const halfPi = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32] as const;

/** The functions of the host that the emitted code falls back on. */
export interface HostTrigonometry {
  readonly sin: ImportedFunction;
  readonly cos: ImportedFunction;
}

/** A number in every lane, held in a local; zero is one instruction anyway. */
export function constantOf(f: FunctionBuilder, vector: FloatVector, x: number): V128 {
  if (Object.is(x, 0)) return vector.constant(0);
  return f.constant(`${vector.dtype} ${Object.is(x, -0) ? "-0" : x}`, () => vector.splat(x));
}

/** Emits functions of vectors into a function. Every method returns a new local with the result. */
export class VectorMath {
  readonly #format: Format;

  constructor(
    readonly f: FunctionBuilder,
    readonly vector: FloatVector,
    readonly relaxed: boolean,
  ) {
    this.#format = formats[vector.dtype];
  }

  #constant(x: number): V128 {
    return constantOf(this.f, this.vector, x);
  }

  #madd(a: V128, b: V128, c: V128): V128 {
    return multiplyAdd(this.vector, this.relaxed, a, b, c);
  }

  /** c - a · b */
  #lessProduct(c: V128, a: V128, b: V128): V128 {
    const { vector } = this;
    return this.relaxed ? vector.relaxedNmadd(a, b, c) : vector.sub(c, vector.mul(a, b));
  }

  /** c[0] + c[1] x + c[2] x^2 + ..., even and odd powers by Horner's rule each, side by side: half as long a wait. */
  #polynomial(x: Vector, coefficients: readonly number[]): Vector {
    const { f } = this;
    if (coefficients.length < 4) return this.#horner(x, coefficients);
    const square = f.keep(this.vector.mul(x, x));
    const even = this.#horner(
      square,
      coefficients.filter((_, i) => i % 2 === 0),
    );
    const odd = this.#horner(
      square,
      coefficients.filter((_, i) => i % 2 === 1),
    );
    return f.keep(this.#madd(odd, x, even));
  }

  #horner(x: Vector, coefficients: readonly number[]): Vector {
    const { f } = this;
    const sum = f.keep(this.#constant(coefficients[coefficients.length - 1]));
    for (let i = coefficients.length - 2; i >= 0; i--) {
      f.set(sum, this.#madd(sum, x, this.#constant(coefficients[i])));
    }
    return sum;
  }

  /**
   * 2^n · x for an integer n of the exponent's whole range, by two factors: rounded once, if denormal. `shifted` is n
   * with `magic` added. Its bits, moved right by one, hold the half of n where all of it stood; `magic` leaves nothing
   * of its own in the bits that count.
   */
  #scale(x: V128, shifted: Vector): V128 {
    const { f, vector } = this;
    const half = f.keep(vector.integer.shrU(shifted, 1));
    const rest = vector.integer.sub(shifted, half);
    return vector.mul(vector.mul(x, this.#power(half)), this.#power(rest));
  }

  /** 2^n of an integer n to which `magic` was added: it stands in the low bits; shifted up and added to 1.0 it is an exponent. */
  #power(shifted: V128): V128 {
    const { integer } = this.vector;
    return integer.add(integer.shl(shifted, this.#format.fraction), this.#constant(1));
  }

  /** x = n ln 2 + r with |r| <= ln(2) / 2, and e^r - 1; `shifted` is n with `magic` added. */
  #reduceExponential(x: Vector): { n: Vector; shifted: Vector; expm1: Vector } {
    const { f, vector } = this;
    const { magic, ln2 } = this.#format;
    const shifted = f.keep(vector.add(vector.mul(x, this.#constant(Math.LOG2E)), this.#constant(magic)));
    const n = f.keep(vector.sub(shifted, this.#constant(magic)));
    const r = f.keep(this.#lessProduct(x, n, this.#constant(ln2[0])));
    f.set(r, this.#lessProduct(r, n, this.#constant(ln2[1])));
    const q = this.#polynomial(r, polynomials.exponential[vector.dtype]);
    return { n, shifted, expm1: f.keep(this.#madd(vector.mul(r, r), q, r)) };
  }

  /** x, moved to the range [low, high]; NaN stays. */
  #clamp(x: V128, low: number, high: number): Vector {
    const { f, vector } = this;
    return f.keep(vector.pmax(vector.pmin(x, this.#constant(high)), this.#constant(low)));
  }

  /** |x|: one instruction with the sign's bit at hand, where V8 has three for the instruction of that name. */
  abs(x: V128): V128 {
    return v128.andNot(x, this.#constant(-0));
  }

  neg(x: V128): V128 {
    return v128.xor(x, this.#constant(-0));
  }

  exp(x: Vector): Vector {
    const { f, vector } = this;
    return f.scope(() => {
      const [low, high] = this.#format.exponentialRange;
      const { shifted, expm1 } = this.#reduceExponential(this.#clamp(x, low, high));
      return f.keep(this.#scale(vector.add(expm1, this.#constant(1)), shifted));
    });
  }

  expm1(x: Vector): Vector {
    const { f, vector } = this;
    return f.scope(() => {
      const clamped = this.#clamp(x, this.#format.saturation.expm1, this.#format.exponentialRange[1]);
      const { n, shifted, expm1 } = this.#reduceExponential(clamped);
      // 2^n (e^r - 1) + 2^n - 1 = 2^n ((e^r - 1) + (1 - 2^-n))
      const power = this.#scale(this.#constant(1), f.keep(vector.sub(this.#constant(this.#format.magic), n)));
      const sum = vector.add(expm1, vector.sub(this.#constant(1), power));
      // Also keeps the sign of zero.
      const tiny = vector.lt(this.abs(x), this.#constant(2 ** -(this.#format.fraction + 2)));
      return f.keep(v128.bitselect(x, this.#scale(sum, shifted), tiny));
    });
  }

  log(x: Vector): Vector {
    const { f, vector } = this;
    const { integer } = vector;
    const { fraction, bias, smallestNormal, ln2 } = this.#format;
    return f.scope(() => {
      // Denormals are scaled to normal numbers.
      const denormal = f.keep(vector.lt(x, this.#constant(smallestNormal)));
      const scaled = f.keep(v128.bitselect(vector.mul(x, this.#constant(2 ** fraction)), x, denormal));
      // x = 2^e m, m in [sqrt(1/2), sqrt(2)): the bits above those of sqrt(1/2) carry into the exponent.
      const root = this.#bits(Math.SQRT1_2);
      const oneBits = integer.constant(BigInt(bias) << BigInt(fraction));
      const offset = f.keep(integer.add(integer.sub(scaled, integer.constant(root)), oneBits));
      const biased = f.keep(integer.shrU(offset, fraction));
      const m = integer.sub(scaled, integer.sub(integer.shl(biased, fraction), oneBits));
      const fr = f.keep(vector.sub(m, this.#constant(1)));
      // The biased exponent as a float: in the low bits of 2^fraction, which is then subtracted.
      const two = 2 ** fraction;
      const exponent = vector.sub(v128.or(biased, this.#constant(two)), this.#constant(two + bias));
      const e = f.keep(vector.sub(exponent, v128.and(denormal, this.#constant(fraction))));
      // log(1 + f) = f - (h - s (h + R)), h = f^2 / 2, s = f / (2 + f), R = s^2 L(s^2)
      const s = f.keep(vector.div(fr, vector.add(fr, this.#constant(2))));
      const z = f.keep(vector.mul(s, s));
      const h = f.keep(vector.mul(vector.mul(fr, fr), this.#constant(0.5)));
      const series = vector.mul(z, this.#polynomial(z, polynomials.logarithm[vector.dtype]));
      const tail = this.#madd(s, vector.add(h, series), vector.mul(e, this.#constant(ln2[1])));
      const sum = vector.sub(fr, vector.sub(h, tail));
      const result = f.keep(vector.add(sum, vector.mul(e, this.#constant(ln2[0]))));
      // 0, negative numbers; infinity and NaN
      const atZero = vector.eq(x, this.#constant(0));
      f.set(result, v128.bitselect(this.#constant(Number.NEGATIVE_INFINITY), result, atZero));
      const negative = vector.lt(x, this.#constant(0));
      f.set(result, v128.bitselect(this.#constant(Number.NaN), result, negative));
      const finite = vector.lt(x, this.#constant(Number.POSITIVE_INFINITY));
      f.set(result, v128.bitselect(result, x, v128.or(finite, negative)));
      return result;
    });
  }

  /** log(1 + x) by Kahan's correction: log(u) x / (u - 1) with u = 1 + x rounded. */
  log1p(x: Vector): Vector {
    const { f, vector } = this;
    return f.scope(() => {
      const u = f.keep(vector.add(x, this.#constant(1)));
      const logarithm = this.log(u);
      const corrected = vector.mul(logarithm, vector.div(x, vector.sub(u, this.#constant(1))));
      const result = f.keep(v128.bitselect(x, corrected, vector.eq(u, this.#constant(1))));
      const infinite = vector.eq(u, this.#constant(Number.POSITIVE_INFINITY));
      return f.keep(v128.bitselect(u, result, infinite));
    });
  }

  /**
   * tanh |x| = t / (t + 2), t = expm1(2 |x|) = 2^n (e^r - 1) + (2^n - 1). n is neither negative nor large here: 2^n is one
   * number, and small x, for which n = 0, lose nothing.
   */
  tanh(x: Vector): Vector {
    const { f, vector } = this;
    return f.scope(() => {
      const limit = this.#constant(this.#format.saturation.tanh);
      const size = f.keep(vector.pmin(this.abs(x), limit));
      const { shifted, expm1 } = this.#reduceExponential(f.keep(vector.add(size, size)));
      const power = f.keep(this.#power(shifted));
      const t = f.keep(this.#madd(power, expm1, vector.sub(power, this.#constant(1))));
      return f.keep(this.#copySign(vector.div(t, vector.add(t, this.#constant(2))), x));
    });
  }

  erf(x: Vector): Vector {
    const { f, vector } = this;
    const { dtype } = vector;
    return f.scope(() => {
      const limit = this.#constant(this.#format.saturation.erf);
      const size = f.keep(vector.pmin(this.abs(x), limit));
      const square = f.keep(vector.mul(size, size));
      const near = f.keep(this.#madd(size, this.#polynomial(square, polynomials.errorFunctionNear[dtype]), size));
      // erf = 1 - e^(-x^2) Q(u) from 1 on
      const two = this.#constant(2);
      const u = f.keep(vector.div(vector.sub(size, two), vector.add(size, two)));
      const q = this.#polynomial(u, polynomials.errorFunctionFar[dtype]);
      const decay = this.exp(f.keep(this.neg(square)));
      const far = vector.sub(this.#constant(1), vector.mul(decay, q));
      const result = v128.bitselect(near, far, vector.lt(size, this.#constant(1)));
      return f.keep(this.#copySign(v128.bitselect(result, size, vector.eq(size, size)), x));
    });
  }

  sin(x: Vector, host: HostTrigonometry): Vector {
    return this.#trigonometric(x, 0, host.sin);
  }

  cos(x: Vector, host: HostTrigonometry): Vector {
    return this.#trigonometric(x, 1, host.cos);
  }

  /** sin(x + quarter · pi / 2) */
  #trigonometric(x: Vector, quarter: 0 | 1, host: ImportedFunction): Vector {
    const { f, vector } = this;
    const { integer, dtype } = vector;
    const result = f.local("v128");
    f.scope(() => {
      const { shifted, r } = this.#reduceHalfPi(x);
      const z = f.keep(vector.mul(r, r));
      const cubic = vector.mul(vector.mul(r, z), this.#polynomial(z, polynomials.sine[dtype]));
      const sine = f.keep(vector.add(r, cubic));
      // cos r = w + (((1 - w) - z / 2) + z^2 C(z)), w = 1 - z / 2
      const half = f.keep(vector.mul(z, this.#constant(0.5)));
      const w = f.keep(vector.sub(this.#constant(1), half));
      const lost = vector.sub(vector.sub(this.#constant(1), w), half);
      const quartic = this.#polynomial(z, polynomials.cosine[dtype]);
      const cosine = vector.add(w, this.#madd(vector.mul(z, z), quartic, lost));
      // The quadrant stands in the low bits: its bit 0 chooses the function, its bit 1 the sign.
      const bits = dtype === "float32" ? 32 : 64;
      const quadrant = f.keep(quarter === 0 ? shifted : integer.add(shifted, integer.constant(1)));
      const odd = integer.eq(v128.and(quadrant, integer.constant(1)), integer.constant(1));
      const sign = v128.and(integer.shl(quadrant, bits - 2), integer.constant(1n << BigInt(bits - 1)));
      f.set(result, v128.xor(v128.bitselect(cosine, sine, odd), sign));
      if (quarter === 0) f.set(result, v128.bitselect(x, result, vector.eq(x, this.#constant(0))));
      const large = f.keep(vector.gt(this.abs(x), this.#constant(this.#format.trigonometricLimit)));
      f.if(v128.anyTrue(large), () => f.set(result, v128.bitselect(this.callLanes(host, [x]), result, large)));
      return result;
    });
    return result;
  }

  /** x = n pi / 2 + r with |r| <= pi / 4; n in the low bits of `shifted`. */
  #reduceHalfPi(x: Vector): { shifted: Vector; r: Vector } {
    const { f, vector } = this;
    if (vector.dtype === "float64") return this.#reduceHalfPiDouble(x);
    // In double precision, two lanes at a time: the products of n with the leading part are exact.
    const { magic } = this.#format;
    const shifted = f.keep(vector.add(vector.mul(x, this.#constant(2 / Math.PI)), this.#constant(magic)));
    const n = f.keep(vector.sub(shifted, this.#constant(magic)));
    const reduce = (pick: (a: V128) => V128) => {
      const wideN = f.keep(lanes.promoteLow(pick(n)));
      const leading = f64x2.sub(lanes.promoteLow(pick(x)), f64x2.mul(wideN, f64x2.constant(halfPi[0])));
      return lanes.demoteZero(f64x2.sub(leading, f64x2.mul(wideN, f64x2.constant(halfPi[1]))));
    };
    const low = f.keep(reduce((a) => a));
    const high = f.keep(reduce((a) => vector.shuffle(a, a, [2, 3, 2, 3])));
    return { shifted, r: f.keep(vector.shuffle(low, high, [0, 1, 4, 5])) };
  }

  #reduceHalfPiDouble(x: Vector): { shifted: Vector; r: Vector } {
    const { f, vector } = this;
    const { magic } = this.#format;
    const [p1, p2, p3, p4] = halfPi;
    const shifted = f.keep(vector.add(vector.mul(x, this.#constant(2 / Math.PI)), this.#constant(magic)));
    const n = f.keep(vector.sub(shifted, this.#constant(magic)));
    const a = f.keep(vector.sub(x, vector.mul(n, this.#constant(p1))));
    // The second and third subtraction round; what they lose is recovered.
    const second = f.keep(vector.mul(n, this.#constant(p2)));
    const b = f.keep(vector.sub(a, second));
    const lostB = f.keep(vector.sub(vector.sub(a, b), second));
    const third = f.keep(vector.mul(n, this.#constant(p3)));
    const c = f.keep(vector.sub(b, third));
    const lostC = vector.sub(vector.sub(b, c), third);
    const rest = vector.sub(vector.add(lostB, lostC), vector.mul(n, this.#constant(p4)));
    return { shifted, r: f.keep(vector.add(c, rest)) };
  }

  /** A function of the host, called for each lane with doubles. */
  callLanes(host: ImportedFunction, operands: readonly Vector[]): V128 {
    const { f, vector } = this;
    const extract = (a: V128, lane: number): F64 =>
      vector.dtype === "float32" ? f64.promote(lanes.extract32(a, lane)) : lanes.extract64(a, lane);
    const results = Array.from({ length: vector.lanes }, (_, lane) => {
      const result = f.callImported(host, ...operands.map((operand) => extract(operand, lane)));
      return f.keep(vector.dtype === "float32" ? lanes.demoteZero(lanes.splat64(result)) : lanes.splat64(result));
    });
    if (vector.lanes === 2) return vector.shuffle(results[0], results[1], [0, 2]);
    const low = f.keep(vector.shuffle(results[0], results[1], [0, 4, 0, 4]));
    const high = f.keep(vector.shuffle(results[2], results[3], [0, 4, 0, 4]));
    return vector.shuffle(low, high, [0, 1, 4, 5]);
  }

  /** The magnitude of `a` (which is not negative) with the sign of `sign`. */
  #copySign(a: V128, sign: V128): V128 {
    return v128.or(a, v128.and(sign, this.#constant(-0)));
  }

  /** The bits of a number of this type. */
  #bits(x: number): bigint {
    const view = new DataView(new ArrayBuffer(8));
    if (this.vector.dtype === "float32") {
      view.setFloat32(0, x);
      return BigInt(view.getUint32(0));
    }
    view.setFloat64(0, x);
    return view.getBigUint64(0);
  }
}
