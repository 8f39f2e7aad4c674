/**
 * Reads an elementwise op as a piecewise-linear one by running its scalar formula on linear functions instead of
 * numbers. Nothing here knows any op: `maximum(x, 0)` in the formula is a hinge wherever it stands, a product is linear
 * where one factor is constant, and a formula that is neither says so.
 */

import { numbers, type Scalars } from "../array/expression.js";
import { Roundings } from "./compose.js";
import {
  addLinear,
  casesOf,
  chooseLinear,
  constantLinear,
  isConstant,
  isZeroAt,
  type Linear,
  mapLinear,
  ratioAt,
  restrictLinear,
  scaleLinear,
  symbolLinear,
} from "./linear-function.js";

/** A gate that the formula needs: one unit per listed element. Arguments are given for all elements of the op. */
export type ReadGate =
  | {
      readonly kind: "hinge";
      readonly elements: Int32Array;
      readonly argument: Linear;
      /** Per listed element. */
      readonly threshold: Float64Array;
      readonly lo: Float64Array;
      readonly hi: Float64Array;
    }
  | { readonly kind: "max"; readonly elements: Int32Array; readonly arguments: readonly [Linear, Linear] };

/** `left < right`, or `left <= right`. Piecewise constant: only `select` may use it. */
interface Condition {
  readonly left: Linear;
  readonly right: Linear;
  readonly orEqual: boolean;
}

type Value = Linear | Condition;

const isCondition = (value: Value): value is Condition => "left" in value;

export class ScalarReader implements Scalars<Value> {
  /**
   * @param size elements of the op's output.
   * @param fail raises the error that says why the op is not piecewise linear.
   * @param emit takes a gate and gives the symbol of its output: unit k belongs to element `elements[k]`.
   */
  constructor(
    readonly size: number,
    readonly roundings: Roundings,
    readonly fail: (reason: string) => never,
    readonly emit: (gate: ReadGate) => number,
  ) {}

  /** What the formula came to. */
  finish(value: unknown): Linear {
    return this.#linear(value as Value);
  }

  constant(value: number): Linear {
    return constantLinear(this.size, value);
  }

  add(a: Value, b: Value): Linear {
    return addLinear(this.#linear(a), this.#linear(b), this.roundings);
  }

  sub(a: Value, b: Value): Linear {
    return this.add(a, this.neg(b));
  }

  neg(a: Value): Linear {
    return mapLinear(this.#linear(a), (value) => (value === 0 ? 0 : -value));
  }

  mul(first: Value, second: Value): Linear {
    const [a, b] = [this.#linear(first), this.#linear(second)];
    const cases = casesOf(a, b);
    if (cases.includes("both")) this.fail("multiplies two values that depend on the input");
    // where a depends on the input it is scaled by b, elsewhere b is scaled by a
    const left = restrictLinear(a, (e) => cases[e] === "first");
    const right = restrictLinear(b, (e) => cases[e] !== "first");
    return this.add(this.#scale(left, b.constant), this.#scale(right, a.constant));
  }

  div(first: Value, second: Value): Linear {
    const [a, b] = [this.#linear(first), this.#linear(second)];
    if (casesOf(b, a).some((at) => at === "first" || at === "both")) {
      this.fail("divides by a value that depends on the input");
    }
    return mapLinear(a, (value, e) => this.roundings.divide(value, b.constant[e]));
  }

  pow(first: Value, second: Value): Linear {
    const [a, b] = [this.#linear(first), this.#linear(second)];
    const cases = casesOf(a, b);
    if (!cases.every((at, e) => at === "constant" || (at === "first" && b.constant[e] === 1))) {
      this.fail("raises a value that depends on the input to a power, or to a power that depends on it");
    }
    const powers = { constant: a.constant.map((value, e) => value ** b.constant[e]), scales: new Map() };
    return this.#choose((e) => (cases[e] === "first" ? a : powers));
  }

  maximum(first: Value, second: Value): Linear {
    const [a, b] = [this.#linear(first), this.#linear(second)];
    const cases = casesOf(a, b);
    const minusA = this.neg(a);
    const minusB = this.neg(b);
    const always = Number.NEGATIVE_INFINITY; // max(x, -∞) is x: no gate
    // at a tie the second operand wins, so the slope at the threshold is the constant's below and the function's here
    const overConstant = this.#hinge(a, b.constant, 0, 1, (e) => cases[e] === "first" && b.constant[e] !== always);
    const underConstant = this.#hinge(minusB, minusA.constant, 1, 0, (e) => {
      return cases[e] === "second" && a.constant[e] !== always;
    });
    const either = this.#maximumOf(b, a, (e) => cases[e] === "both");
    const constants = { constant: a.constant.map((x, e) => numbers.maximum(x, b.constant[e])), scales: new Map() };
    const negated = this.neg(underConstant);
    return this.#choose((e) => {
      if (cases[e] === "first") return overConstant;
      if (cases[e] === "second") return negated;
      return cases[e] === "both" ? either : constants;
    });
  }

  minimum(a: Value, b: Value): Linear {
    return this.neg(this.maximum(this.neg(a), this.neg(b)));
  }

  abs(value: Value): Linear {
    const a = this.#linear(value);
    const cases = casesOf(a, a);
    const bent = this.#hinge(a, new Float64Array(this.size), -1, 1, (e) => cases[e] !== "constant");
    const constants = { constant: a.constant.map(Math.abs), scales: new Map() };
    return this.#choose((e) => (cases[e] === "constant" ? constants : bent));
  }

  less(a: Value, b: Value): Value {
    return this.#compare(a, b, false);
  }

  lessEqual(a: Value, b: Value): Value {
    return this.#compare(a, b, true);
  }

  equal(a: Value, b: Value): Value {
    return this.#constants("tests values that depend on the input for equality, a step", numbers.equal, a, b);
  }

  sign(a: Value): Linear {
    return this.#constants("takes the sign of a value that depends on the input, a step", numbers.sign, a);
  }

  floor(a: Value): Linear {
    return this.#constants("rounds a value that depends on the input, a step", numbers.floor, a);
  }

  sqrt(a: Value): Linear {
    return this.#smooth("square root", numbers.sqrt, a);
  }

  exp(a: Value): Linear {
    return this.#smooth("exponential", numbers.exp, a);
  }

  expm1(a: Value): Linear {
    return this.#smooth("exponential", numbers.expm1, a);
  }

  log(a: Value): Linear {
    return this.#smooth("logarithm", numbers.log, a);
  }

  log1p(a: Value): Linear {
    return this.#smooth("logarithm", numbers.log1p, a);
  }

  sin(a: Value): Linear {
    return this.#smooth("sine", numbers.sin, a);
  }

  cos(a: Value): Linear {
    return this.#smooth("cosine", numbers.cos, a);
  }

  tanh(a: Value): Linear {
    return this.#smooth("hyperbolic tangent", numbers.tanh, a);
  }

  erf(a: Value): Linear {
    return this.#smooth("error function", numbers.erf, a);
  }

  select(condition: Value, first: Value, second: Value): Linear {
    const [a, b] = [this.#linear(first), this.#linear(second)];
    if (!isCondition(condition)) {
      if (!isConstant(condition)) this.fail("chooses by a value that depends on the input, a step");
      return this.#choose((e) => (condition.constant[e] !== 0 ? a : b));
    }
    // left <= right chooses a exactly where right < left does not choose b
    if (condition.orEqual) return this.#selectPositive(this.sub(condition.left, condition.right), b, a);
    return this.#selectPositive(this.sub(condition.right, condition.left), a, b);
  }

  /** `a` where d > 0, else `b`: a hinge where they differ, if they agree where d = 0. */
  #selectPositive(d: Linear, a: Linear, b: Linear): Linear {
    const difference = this.#difference(a, b);
    const depends = casesOf(d, d).map((at) => at !== "constant");
    const bends = (e: number) => depends[e] && !isZeroAt(difference, e);
    const symbol = this.#onlySymbol(d, bends);
    const bent = symbol === null ? this.#bendBy(difference, d, b, bends) : this.#bendOn(symbol, d, a, b, bends);
    return this.#choose((e) => {
      if (bends(e)) return bent;
      return depends[e] || d.constant[e] <= 0 ? b : a;
    });
  }

  /** `b + r · max(d, 0)`, where a - b = r · d. */
  #bendBy(difference: Linear, d: Linear, b: Linear, bends: (e: number) => boolean): Linear {
    const ratios = difference.constant.map((_, e) => (bends(e) ? (ratioAt(difference, d, e) ?? this.#jump()) : 0));
    return this.add(b, this.#scale(this.#hinge(d, new Float64Array(this.size), 0, 1, bends), ratios));
  }

  /**
   * The usual case, d = ±(x - t) with one symbol x: the hinge stands on ±x itself (leaky relu: x where 0 < x, else
   * slope · x), so that large values keep their digits. With `b = lo · z + rest` and the hinge
   * `h(z) = t + slope · (z - t)`, the result is `h + rest + lo · t - t`.
   */
  #bendOn(symbol: number, d: Linear, a: Linear, b: Linear, bends: (e: number) => boolean): Linear {
    const unit = d.scales.get(symbol) as Float64Array;
    const z: Linear = { constant: new Float64Array(this.size), scales: new Map([[symbol, unit]]) };
    const threshold = d.constant.map((value) => 0 - value);
    const slopeOf = ({ scales }: Linear) => unit.map((sign, e) => sign * (scales.get(symbol)?.[e] ?? 0));
    const shifted = (one: Linear, slope: Float64Array): Linear => {
      const rest = this.sub(one, this.#scale(z, slope));
      const { roundings } = this;
      return {
        scales: rest.scales,
        constant: rest.constant.map((value, e) => {
          const t = threshold[e];
          return t === 0 ? value : roundings.add(value, roundings.add(roundings.multiply(slope[e], t), -t));
        }),
      };
    };
    const [lo, hi] = [slopeOf(b), slopeOf(a)];
    const below = shifted(b, lo);
    const gap = this.#difference(below, shifted(a, hi));
    for (let e = 0; e < this.size; e++) if (bends(e) && !isZeroAt(gap, e)) this.#jump();
    return this.add(this.#hinge(z, threshold, lo, hi, bends), below);
  }

  #jump(): never {
    this.fail("jumps where a comparison of values that depend on the input changes");
  }

  /** The one symbol of d, if it stands with factor 1 or -1 wherever the result bends. */
  #onlySymbol(d: Linear, bends: (e: number) => boolean): number | null {
    if (d.scales.size !== 1) return null;
    const [[symbol, scale]] = d.scales;
    return scale.every((value, e) => !bends(e) || Math.abs(value) === 1) ? symbol : null;
  }

  /** A hinge at the elements that bend; the argument itself at the others. */
  #hinge(
    argument: Linear,
    threshold: Float64Array,
    lo: number | Float64Array,
    hi: number | Float64Array,
    bends: (e: number) => boolean,
  ): Linear {
    const elements = this.#elements(bends);
    if (elements.length === 0) return argument;
    const pick = (values: number | Float64Array) =>
      Float64Array.from(elements, (e) => (typeof values === "number" ? values : values[e]));
    const gate = { kind: "hinge", elements, argument, threshold: pick(threshold), lo: pick(lo), hi: pick(hi) } as const;
    const bent = symbolLinear(this.size, this.emit(gate), elements);
    return this.#choose((e) => (bends(e) ? bent : argument));
  }

  #maximumOf(first: Linear, second: Linear, meets: (e: number) => boolean): Linear {
    const elements = this.#elements(meets);
    if (elements.length === 0) return first;
    return symbolLinear(this.size, this.emit({ kind: "max", elements, arguments: [first, second] }), elements);
  }

  #elements(holds: (e: number) => boolean): Int32Array {
    const elements: number[] = [];
    for (let e = 0; e < this.size; e++) if (holds(e)) elements.push(e);
    return Int32Array.from(elements);
  }

  #compare(first: Value, second: Value, orEqual: boolean): Value {
    const [left, right] = [this.#linear(first), this.#linear(second)];
    if (!isConstant(left) || !isConstant(right)) return { left, right, orEqual };
    return this.#constants("", orEqual ? numbers.lessEqual : numbers.less, left, right);
  }

  /** A condition that is used as a number is a step. */
  #linear(value: Value): Linear {
    if (isCondition(value)) this.fail("compares values that depend on the input, a step");
    return value;
  }

  /** A function of constants; `reason` says why it cannot be one of anything else. */
  #constants(reason: string, fn: (...values: number[]) => number, ...values: Value[]): Linear {
    const all = values.map((value) => this.#linear(value));
    if (!all.every(isConstant)) this.fail(reason);
    const constant = new Float64Array(this.size).map((_, e) => fn(...all.map((one) => one.constant[e])));
    return { constant, scales: new Map() };
  }

  #smooth(name: string, fn: (value: number) => number, a: Value): Linear {
    const result = this.#constants(`takes the ${name} of a value that depends on the input`, fn, a);
    for (const value of result.constant) this.roundings.note(Math.abs(value) * 2 ** -52);
    return result;
  }

  #scale(a: Linear, factors: Float64Array): Linear {
    return scaleLinear(a, (e) => factors[e], this.roundings);
  }

  /** a - b for tests: its roundings are not the net's. */
  #difference(a: Linear, b: Linear): Linear {
    return addLinear(a, this.neg(b), new Roundings());
  }

  #choose(pick: (e: number) => Linear): Linear {
    return chooseLinear(this.size, pick);
  }
}
