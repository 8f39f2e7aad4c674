import type { Operand } from "../graph/apply.js";
import { type Binary, defineOp, type NoAttributes, type OpFunction, type Unary } from "../graph/op.js";
import { Tensor } from "../graph/tensor.js";
import { equal, greater, less, where } from "./compare.js";

const broadcasts = [
  {
    inputs: [
      [2, 3],
      [2, 3],
    ],
  },
  { inputs: [[2, 3], [3]] },
  {
    inputs: [
      [2, 1],
      [1, 3],
    ],
  },
  { inputs: [[], [2]] },
  { inputs: [[], []] },
  {
    inputs: [
      [0, 2],
      [1, 2],
    ],
  },
  {
    inputs: [
      [4, 1, 2],
      [3, 1],
    ],
  },
];

const shapes = [
  { inputs: [[2, 3]] },
  { inputs: [[]] },
  { inputs: [[1]] },
  { inputs: [[0, 2]] },
  { inputs: [[2, 1, 2]] },
];

const positive = shapes.map((sample) => ({ ...sample, range: [0.2, 3] as const }));

export const add: OpFunction<Binary> = defineOp<Binary>({
  name: "add",
  doc: "a + b, elementwise with broadcasting",
  kind: "affine",
  scalar: (e, a, b) => e.add(a, b),
  vjp: [(dy) => dy, (dy) => dy],
  samples: broadcasts,
});

export const sub: OpFunction<Binary> = defineOp<Binary>({
  name: "sub",
  doc: "a − b, elementwise with broadcasting",
  kind: "affine",
  scalar: (e, a, b) => e.sub(a, b),
  vjp: [(dy) => dy, (dy) => neg(dy)],
  samples: broadcasts,
});

export const mul: OpFunction<Binary> = defineOp<Binary>({
  name: "mul",
  doc: "a · b, elementwise with broadcasting",
  kind: "bilinear",
  scalar: (e, a, b) => e.mul(a, b),
  vjp: [(dy, _a, b) => mul(dy, b), (dy, a) => mul(dy, a)],
  samples: broadcasts,
});

export const div: OpFunction<Binary> = defineOp<Binary>({
  name: "div",
  doc: "a / b, elementwise with broadcasting",
  kind: "smooth",
  scalar: (e, a, b) => e.div(a, b),
  vjp: [(dy, _a, b) => div(dy, b), (dy, _a, b, y) => neg(div(mul(dy, y), b))],
  samples: broadcasts.map((sample) => ({ ...sample, range: [0.5, 3] as const })),
});

export const neg: OpFunction<Unary> = defineOp<Unary>({
  name: "neg",
  doc: "−x",
  kind: "affine",
  scalar: (e, x) => e.neg(x),
  vjp: [(dy) => neg(dy)],
  samples: shapes,
});

export const maximum: OpFunction<Binary> = defineOp<Binary>({
  name: "maximum",
  doc: "the larger of a and b; where they are equal it is b",
  kind: "gate",
  scalar: (e, a, b) => e.maximum(a, b),
  vjp: [(dy, a, b) => where(greater(a, b), dy, 0), (dy, a, b) => where(greater(a, b), 0, dy)],
  samples: broadcasts,
});

export const minimum: OpFunction<Binary> = defineOp<Binary>({
  name: "minimum",
  doc: "the smaller of a and b; where they are equal it is b",
  kind: "gate",
  scalar: (e, a, b) => e.minimum(a, b),
  vjp: [(dy, a, b) => where(less(a, b), dy, 0), (dy, a, b) => where(less(a, b), 0, dy)],
  samples: broadcasts,
});

export const abs: OpFunction<Unary> = defineOp<Unary>({
  name: "abs",
  doc: "|x|; derivative 0 at 0",
  kind: "gate",
  scalar: (e, x) => e.abs(x),
  vjp: [(dy, x) => mul(dy, sign(x))],
  samples: shapes,
});

export const sign: OpFunction<Unary> = defineOp<Unary>({
  name: "sign",
  doc: "−1, 0 or 1; derivative 0",
  kind: "step",
  scalar: (e, x) => e.sign(x),
  vjp: [(dy) => mul(dy, 0)],
  samples: shapes,
});

export const floor: OpFunction<Unary> = defineOp<Unary>({
  name: "floor",
  doc: "the largest integer ≤ x; derivative 0",
  kind: "step",
  scalar: (e, x) => e.floor(x),
  vjp: [(dy) => mul(dy, 0)],
  samples: shapes,
});

export const square: OpFunction<Unary> = defineOp<Unary>({
  name: "square",
  doc: "x²",
  kind: "smooth",
  scalar: (e, x) => e.mul(x, x),
  vjp: [(dy, x) => mul(dy, mul(2, x))],
  samples: shapes,
});

export const reciprocal: OpFunction<Unary> = defineOp<Unary>({
  name: "reciprocal",
  doc: "1 / x",
  kind: "smooth",
  scalar: (e, x) => e.div(e.constant(1), x),
  vjp: [(dy, _x, y) => neg(mul(dy, mul(y, y)))],
  samples: positive,
});

export const sqrt: OpFunction<Unary> = defineOp<Unary>({
  name: "sqrt",
  doc: "√x",
  kind: "smooth",
  scalar: (e, x) => e.sqrt(x),
  vjp: [(dy, _x, y) => div(dy, mul(2, y))],
  samples: positive,
});

export const rsqrt: OpFunction<Unary> = defineOp<Unary>({
  name: "rsqrt",
  doc: "1 / √x",
  kind: "smooth",
  scalar: (e, x) => e.div(e.constant(1), e.sqrt(x)),
  vjp: [(dy, x, y) => mul(dy, mul(-0.5, div(y, x)))],
  samples: positive,
});

/** x to a constant power. A rule of its own, because the gradient at 0 and the exponents 0 and 1 need care. */
const constantPower: OpFunction<Unary, { exponent: number }> = defineOp<Unary, { exponent: number }>({
  name: "pow",
  doc: "x^exponent",
  kind: "smooth",
  scalar: (e, x, { exponent }) => e.pow(x, e.constant(exponent)),
  vjp: [
    (dy, x, _y, { exponent }) => {
      if (exponent === 0) return mul(dy, 0);
      return mul(dy, mul(exponent, constantPower(x, { exponent: exponent - 1 })));
    },
  ],
  samples: [
    ...positive.map((sample) => ({ ...sample, attrs: { exponent: 2.5 } })),
    { inputs: [[3]], attrs: { exponent: 3 } },
    { inputs: [[3]], attrs: { exponent: 0 } },
    { inputs: [[3]], attrs: { exponent: -1 }, range: [0.5, 2] },
  ],
});

const power: OpFunction<Binary, NoAttributes> = defineOp<Binary, NoAttributes>({
  name: "power",
  doc: "a^b, elementwise with broadcasting",
  kind: "smooth",
  scalar: (e, a, b) => e.pow(a, b),
  vjp: [
    (dy, a, b) => where(equal(b, 0), 0, mul(dy, mul(b, power(a, sub(b, 1))))),
    // 0^b does not depend on b; the inner `where` keeps log 0 out of higher derivatives.
    (dy, a, _b, y) => mul(dy, mul(y, log(where(equal(a, 0), 1, a)))),
  ],
  samples: broadcasts.map((sample) => ({ ...sample, range: [0.3, 2] as const })),
});

/** x^exponent; a number or a tensor as exponent. */
export function pow(x: Operand, exponent: Operand): Tensor {
  return exponent instanceof Tensor ? power(x, exponent) : constantPower(x, { exponent });
}

export const exp: OpFunction<Unary> = defineOp<Unary>({
  name: "exp",
  doc: "eˣ",
  kind: "smooth",
  scalar: (e, x) => e.exp(x),
  vjp: [(dy, _x, y) => mul(dy, y)],
  samples: shapes,
});

export const log: OpFunction<Unary> = defineOp<Unary>({
  name: "log",
  doc: "the natural logarithm",
  kind: "smooth",
  scalar: (e, x) => e.log(x),
  vjp: [(dy, x) => div(dy, x)],
  samples: positive,
});

export const log1p: OpFunction<Unary> = defineOp<Unary>({
  name: "log1p",
  doc: "log(1 + x), accurate near 0",
  kind: "smooth",
  scalar: (e, x) => e.log1p(x),
  vjp: [(dy, x) => div(dy, add(1, x))],
  samples: positive,
});

export const sin: OpFunction<Unary> = defineOp<Unary>({
  name: "sin",
  doc: "sin x, x in radians",
  kind: "smooth",
  scalar: (e, x) => e.sin(x),
  vjp: [(dy, x) => mul(dy, cos(x))],
  samples: shapes,
});

export const cos: OpFunction<Unary> = defineOp<Unary>({
  name: "cos",
  doc: "cos x, x in radians",
  kind: "smooth",
  scalar: (e, x) => e.cos(x),
  vjp: [(dy, x) => neg(mul(dy, sin(x)))],
  samples: shapes,
});

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const erf: OpFunction<Unary> = defineOp<Unary>({
  name: "erf",
  doc: "2 / √π ∫₀ˣ e^(−t²) dt",
  kind: "smooth",
  scalar: (e, x) => e.erf(x),
  vjp: [(dy, x) => mul(dy, mul(TWO_OVER_SQRT_PI, exp(neg(mul(x, x)))))],
  samples: shapes,
});

/** Every record of this file, for the table-driven tests. */
export const arithmeticOps = [
  add,
  sub,
  mul,
  div,
  neg,
  maximum,
  minimum,
  abs,
  sign,
  floor,
  square,
  reciprocal,
  sqrt,
  rsqrt,
  constantPower,
  power,
  exp,
  log,
  log1p,
  sin,
  cos,
  erf,
].map((fn) => fn.op);
