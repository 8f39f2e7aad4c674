import { erf } from "../base/math.js";
import { type Expression, type Instruction, operandsOf } from "./expression.js";

/**
 * An expression made ready to be run on single numbers, many times: what differentiates graphs of scalars, where a
 * loop per instruction would be all overhead.
 */
const CODES: Record<Instruction["code"], number> = {
  input: 0,
  constant: 1,
  add: 2,
  sub: 3,
  mul: 4,
  div: 5,
  neg: 6,
  maximum: 7,
  minimum: 8,
  less: 9,
  lessEqual: 10,
  equal: 11,
  select: 12,
  pow: 13,
  abs: 14,
  sign: 15,
  floor: 16,
  sqrt: 17,
  exp: 18,
  expm1: 19,
  log: 20,
  log1p: 21,
  sin: 22,
  cos: 23,
  tanh: 24,
  erf: 25,
};

export class ScalarProgram {
  private readonly codes: Uint8Array;
  private readonly a: Int32Array;
  private readonly b: Int32Array;
  private readonly c: Int32Array;
  private readonly result: number;
  /** The inputs come first, to be written before `run`; then constants, then what is computed. */
  readonly registers: Float64Array;
  private readonly firstComputed: number;

  constructor({ inputs, instructions }: Expression) {
    const constants = instructions.filter((step) => step.code === "constant");
    const computed = instructions.filter((step) => step.code !== "constant" && step.code !== "input");
    this.firstComputed = inputs + constants.length;
    this.registers = new Float64Array(this.firstComputed + computed.length);
    const place = instructions.map((step) => {
      if (step.code === "input") return step.index;
      if (step.code === "constant") return inputs + constants.indexOf(step);
      return this.firstComputed + computed.indexOf(step);
    });
    constants.forEach((step, i) => {
      if (step.code === "constant") this.registers[inputs + i] = step.value;
    });
    const operand = (step: Instruction, which: 0 | 1 | 2): number => place[operandsOf(step)[which] ?? 0];
    this.codes = Uint8Array.from(computed, (step) => CODES[step.code]);
    this.a = Int32Array.from(computed, (step) => operand(step, 0));
    this.b = Int32Array.from(computed, (step) => operand(step, 1));
    this.c = Int32Array.from(computed, (step) => operand(step, 2));
    this.result = place[place.length - 1];
  }

  /** The expression's value at the inputs in `registers`. */
  run(): number {
    const { codes, a, b, c, registers: r } = this;
    for (let k = 0, i = this.firstComputed; k < codes.length; k++, i++) {
      switch (codes[k]) {
        case 2:
          r[i] = r[a[k]] + r[b[k]];
          break;
        case 3:
          r[i] = r[a[k]] - r[b[k]];
          break;
        case 4:
          r[i] = r[a[k]] * r[b[k]];
          break;
        case 5:
          r[i] = r[a[k]] / r[b[k]];
          break;
        case 6:
          r[i] = -r[a[k]];
          break;
        case 7: {
          const x = r[a[k]];
          const y = r[b[k]];
          r[i] = x > y || x !== x ? x : y;
          break;
        }
        case 8: {
          const x = r[a[k]];
          const y = r[b[k]];
          r[i] = x < y || x !== x ? x : y;
          break;
        }
        case 9:
          r[i] = r[a[k]] < r[b[k]] ? 1 : 0;
          break;
        case 10:
          r[i] = r[a[k]] <= r[b[k]] ? 1 : 0;
          break;
        case 11:
          r[i] = r[a[k]] === r[b[k]] ? 1 : 0;
          break;
        case 12:
          r[i] = r[a[k]] !== 0 ? r[b[k]] : r[c[k]];
          break;
        case 13:
          r[i] = r[a[k]] ** r[b[k]];
          break;
        case 14:
          r[i] = Math.abs(r[a[k]]);
          break;
        case 15:
          r[i] = Math.sign(r[a[k]]);
          break;
        case 16:
          r[i] = Math.floor(r[a[k]]);
          break;
        case 17:
          r[i] = Math.sqrt(r[a[k]]);
          break;
        case 18:
          r[i] = Math.exp(r[a[k]]);
          break;
        case 19:
          r[i] = Math.expm1(r[a[k]]);
          break;
        case 20:
          r[i] = Math.log(r[a[k]]);
          break;
        case 21:
          r[i] = Math.log1p(r[a[k]]);
          break;
        case 22:
          r[i] = Math.sin(r[a[k]]);
          break;
        case 23:
          r[i] = Math.cos(r[a[k]]);
          break;
        case 24:
          r[i] = Math.tanh(r[a[k]]);
          break;
        default:
          r[i] = erf(r[a[k]]);
      }
    }
    return r[this.result];
  }
}
