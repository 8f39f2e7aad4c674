import { OptionError } from "./errors.js";

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The high 32 bits of a product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/**
 * Philox4x32-10: four random 32-bit words from a 128-bit counter and a 64-bit key, written to `out`.
 * Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
 */
export function philox(counter: ArrayLike<number>, key: ArrayLike<number>, out: Uint32Array): void {
  let c0 = counter[0] >>> 0;
  let c1 = counter[1] >>> 0;
  let c2 = counter[2] >>> 0;
  let c3 = counter[3] >>> 0;
  let k0 = key[0] >>> 0;
  let k1 = key[1] >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Where a generator stands; plain data, so that a stream can be saved and continued. */
export interface GeneratorState {
  readonly seed: number;
  /** How many 32-bit words were drawn. */
  readonly drawn: number;
}

/** A seeded stream of random numbers: the same seed gives the same stream on every machine. */
export class Generator {
  private seed = 0;
  private drawn = 0;
  private readonly key = new Uint32Array(2);
  private readonly counter = new Uint32Array(4);
  private readonly words = new Uint32Array(4);
  private available = 0;

  constructor(seed: number) {
    this.restart(seed);
  }

  /** Starts the stream of `seed`, a non-negative integer below 2^53. */
  restart(seed: number): void {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new OptionError(`a seed is an integer from 0 to 2^53 - 1, got ${seed}`);
    }
    this.setState({ seed, drawn: 0 });
  }

  get state(): GeneratorState {
    return { seed: this.seed, drawn: this.drawn };
  }

  /** Continues the stream that `state` was taken from, at that place. */
  setState({ seed, drawn }: GeneratorState): void {
    if (![seed, drawn].every((one) => Number.isSafeInteger(one) && one >= 0)) {
      throw new OptionError(
        `a generator's state is { seed, drawn }, integers from 0 to 2^53 - 1, got ${seed}, ${drawn}`,
      );
    }
    this.seed = seed;
    this.key[0] = seed >>> 0;
    this.key[1] = Math.floor(seed / 2 ** 32);
    const block = Math.floor(drawn / 4);
    this.counter.fill(0);
    this.counter[0] = block >>> 0;
    this.counter[1] = Math.floor(block / 2 ** 32);
    this.drawn = block * 4;
    this.available = 0;
    while (this.drawn < drawn) this.word();
  }

  /** A random unsigned 32-bit integer. */
  word(): number {
    if (this.available === 0) {
      philox(this.counter, this.key, this.words);
      this.counter[0]++;
      if (this.counter[0] === 0) this.counter[1]++;
      this.available = 4;
    }
    this.drawn++;
    return this.words[4 - this.available--];
  }

  /** Uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Standard normal, by the method of Box and Muller (1958); draws four words. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Uniform in {0, …, bound - 1}; unbiased for bounds up to 2^32, by rejection. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new OptionError(`integer(bound) needs a bound from 1 to 2^32, got ${bound}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % bound;
  }

  /** A random order of 0 … count - 1 (Fisher and Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = order[last];
      order[last] = order[other];
      order[other] = kept;
    }
    return order;
  }
}

/** The stream used where none is given. */
export const defaultGenerator = new Generator(0);

/** Restarts the default stream, so that what follows can be repeated. */
export function manualSeed(seed: number): void {
  defaultGenerator.restart(seed);
}
