import { erf } from "../base/math.js";
import type { Expression, Instruction } from "./expression.js";

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
  private readonly registers: Float64Array;
  /** The value of each input, to be written before `run`. */
  readonly inputs: Float64Array;

  constructor(expression: Expression) {
    const count = expression.instructions.length;
    this.codes = new Uint8Array(count);
    this.a = new Int32Array(count);
    this.b = new Int32Array(count);
    this.c = new Int32Array(count);
    this.registers = new Float64Array(count);
    this.inputs = new Float64Array(expression.inputs);
    expression.instructions.forEach((step, i) => {
      this.codes[i] = CODES[step.code];
      if (step.code === "input") this.a[i] = step.index;
      else if (step.code === "constant") this.registers[i] = step.value;
      else {
        this.a[i] = step.a;
        if ("b" in step) this.b[i] = step.b;
        if ("c" in step) this.c[i] = step.c;
      }
    });
  }

  /** The expression's value at `inputs`. */
  run(): number {
    const { codes, a, b, c, registers: r, inputs } = this;
    const count = codes.length;
    for (let i = 0; i < count; i++) {
      switch (codes[i]) {
        case 0:
          r[i] = inputs[a[i]];
          break;
        case 1:
          break;
        case 2:
          r[i] = r[a[i]] + r[b[i]];
          break;
        case 3:
          r[i] = r[a[i]] - r[b[i]];
          break;
        case 4:
          r[i] = r[a[i]] * r[b[i]];
          break;
        case 5:
          r[i] = r[a[i]] / r[b[i]];
          break;
        case 6:
          r[i] = -r[a[i]];
          break;
        case 7: {
          const x = r[a[i]];
          const y = r[b[i]];
          r[i] = x > y || x !== x ? x : y;
          break;
        }
        case 8: {
          const x = r[a[i]];
          const y = r[b[i]];
          r[i] = x < y || x !== x ? x : y;
          break;
        }
        case 9:
          r[i] = r[a[i]] < r[b[i]] ? 1 : 0;
          break;
        case 10:
          r[i] = r[a[i]] <= r[b[i]] ? 1 : 0;
          break;
        case 11:
          r[i] = r[a[i]] === r[b[i]] ? 1 : 0;
          break;
        case 12:
          r[i] = r[a[i]] !== 0 ? r[b[i]] : r[c[i]];
          break;
        case 13:
          r[i] = r[a[i]] ** r[b[i]];
          break;
        case 14:
          r[i] = Math.abs(r[a[i]]);
          break;
        case 15:
          r[i] = Math.sign(r[a[i]]);
          break;
        case 16:
          r[i] = Math.floor(r[a[i]]);
          break;
        case 17:
          r[i] = Math.sqrt(r[a[i]]);
          break;
        case 18:
          r[i] = Math.exp(r[a[i]]);
          break;
        case 19:
          r[i] = Math.expm1(r[a[i]]);
          break;
        case 20:
          r[i] = Math.log(r[a[i]]);
          break;
        case 21:
          r[i] = Math.log1p(r[a[i]]);
          break;
        case 22:
          r[i] = Math.sin(r[a[i]]);
          break;
        case 23:
          r[i] = Math.cos(r[a[i]]);
          break;
        case 24:
          r[i] = Math.tanh(r[a[i]]);
          break;
        default:
          r[i] = erf(r[a[i]]);
      }
    }
    return r[count - 1];
  }
}
