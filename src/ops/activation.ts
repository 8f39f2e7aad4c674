import { OptionError } from "../base/errors.js";
import type { Operand } from "../graph/apply.js";
import { type Binary, defineOp, type OpFunction, type Unary } from "../graph/op.js";
import { Tensor } from "../graph/tensor.js";
import { add, erf, exp, mul, sub } from "./arithmetic.js";
import { greater, less, where } from "./compare.js";
import { checkOptions } from "./create.js";

const shapes = [{ inputs: [[2, 3]] }, { inputs: [[]] }, { inputs: [[1]] }, { inputs: [[0, 2]] }];

export const relu: OpFunction<Unary> = defineOp<Unary>({
  name: "relu",
  doc: "max(x, 0); derivative 0 at 0",
  kind: "gate",
  scalar: (e, x) => e.maximum(x, e.constant(0)),
  vjp: [(dy, x) => where(greater(x, 0), dy, 0)],
  samples: shapes,
});

const leaky: OpFunction<Unary, { slope: number }> = defineOp<Unary, { slope: number }>({
  name: "leakyRelu",
  doc: "x where x > 0, else slope · x; derivative slope at 0",
  kind: "gate",
  scalar: (e, x, { slope }) => e.select(e.less(e.constant(0), x), x, e.mul(e.constant(slope), x)),
  vjp: [(dy, x, _y, { slope }) => where(greater(x, 0), dy, mul(slope, dy))],
  samples: shapes.map((sample) => ({ ...sample, attrs: { slope: 0.1 } })),
});

/** x where x > 0, else slope · x; derivative `slope` (default 0.01) at 0. */
export function leakyRelu(x: Operand, options: { slope?: number } = {}): Tensor {
  checkOptions(options, ["slope"], "leakyRelu");
  return leaky(x, { slope: finite(options.slope ?? 0.01, "leakyRelu: slope") });
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new OptionError(`${what} is a finite number, got ${String(value)}`);
  return value;
}

export const prelu: OpFunction<Binary> = defineOp<Binary>({
  name: "prelu",
  doc: "x where x > 0, else slope · x, with a learnt slope that broadcasts; derivative slope at 0",
  kind: "gate",
  scalar: (e, x, slope) => e.select(e.less(e.constant(0), x), x, e.mul(slope, x)),
  vjp: [(dy, x, slope) => where(greater(x, 0), dy, mul(slope, dy)), (dy, x) => where(greater(x, 0), 0, mul(dy, x))],
  samples: [
    { inputs: [[2, 3], []] },
    { inputs: [[2, 3], [3]] },
    {
      inputs: [
        [2, 3, 2],
        [3, 1],
      ],
    },
    { inputs: [[0], [1]] },
  ],
});

const bounded: OpFunction<Unary, { min: number; max: number }> = defineOp<Unary, { min: number; max: number }>({
  name: "clamp",
  doc: "min(max(x, min), max); derivative 0 at a bound",
  kind: "gate",
  scalar: (e, x, { min, max }) => e.minimum(e.maximum(x, e.constant(min)), e.constant(max)),
  vjp: [(dy, x, _y, { min, max }) => where(mul(less(min, x), less(x, max)), dy, 0)],
  samples: [
    ...shapes.map((sample) => ({ ...sample, attrs: { min: -0.5, max: 0.75 } })),
    { inputs: [[4]], attrs: { min: Number.NEGATIVE_INFINITY, max: 0.5 } },
  ],
});

/** min(max(x, min), max); a missing bound is infinite; derivative 0 at a bound. */
export function clamp(x: Operand, options: { min?: number; max?: number } = {}): Tensor {
  checkOptions(options, ["min", "max"], "clamp");
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options;
  return between(x, min, max, "clamp");
}

function between(x: Operand, min: number, max: number, where: string): Tensor {
  if (!(min <= max)) {
    throw new OptionError(`${where}: min ${String(min)} and max ${String(max)} must be numbers, min not above max`);
  }
  // Bounds adopt the dtype as all numbers do, so that an element equal to a bound is at it.
  const adopt = x instanceof Tensor && x.dtype === "float64" ? (bound: number) => bound : Math.fround;
  return bounded(x, { min: adopt(min), max: adopt(max) });
}

/** min(max(x, 0), 6). */
export function relu6(x: Operand): Tensor {
  return bounded(x, { min: 0, max: 6 });
}

/** min(max(x, min), max), from −1 to 1 unless told. */
export function hardtanh(x: Operand, options: { min?: number; max?: number } = {}): Tensor {
  checkOptions(options, ["min", "max"], "hardtanh");
  const { min = -1, max = 1 } = options;
  return between(x, min, max, "hardtanh");
}

export const sigmoid: OpFunction<Unary> = defineOp<Unary>({
  name: "sigmoid",
  doc: "1 / (1 + e^(−x))",
  kind: "smooth",
  scalar: (e, x) => e.div(e.constant(1), e.add(e.constant(1), e.exp(e.neg(x)))),
  vjp: [(dy, _x, y) => mul(dy, mul(y, sub(1, y)))],
  samples: shapes,
});

export const tanh: OpFunction<Unary> = defineOp<Unary>({
  name: "tanh",
  doc: "tanh x",
  kind: "smooth",
  scalar: (e, x) => e.tanh(x),
  vjp: [(dy, _x, y) => mul(dy, sub(1, mul(y, y)))],
  samples: shapes,
});

export const softplus: OpFunction<Unary> = defineOp<Unary>({
  name: "softplus",
  doc: "log(1 + eˣ), without overflow",
  kind: "smooth",
  scalar: (e, x) => e.add(e.maximum(x, e.constant(0)), e.log1p(e.exp(e.neg(e.abs(x))))),
  vjp: [(dy, x) => mul(dy, sigmoid(x))],
  samples: shapes,
});

const exponentialLinear: OpFunction<Unary, { alpha: number }> = defineOp<Unary, { alpha: number }>({
  name: "elu",
  doc: "x where x > 0, else alpha · (eˣ − 1)",
  kind: "smooth",
  scalar: (e, x, { alpha }) => e.select(e.less(e.constant(0), x), x, e.mul(e.constant(alpha), e.expm1(x))),
  vjp: [(dy, x, y, { alpha }) => where(greater(x, 0), dy, mul(dy, add(y, alpha)))],
  samples: shapes.map((sample) => ({ ...sample, attrs: { alpha: 1 } })),
});

/** x where x > 0, else alpha · (eˣ − 1). */
export function elu(x: Operand, options: { alpha?: number } = {}): Tensor {
  checkOptions(options, ["alpha"], "elu");
  return exponentialLinear(x, { alpha: finite(options.alpha ?? 1, "elu: alpha") });
}

const SQRT_HALF = Math.SQRT1_2;
const INVERSE_SQRT_TWO_PI = 1 / Math.sqrt(2 * Math.PI);

export const gelu: OpFunction<Unary> = defineOp<Unary>({
  name: "gelu",
  doc: "x · Φ(x) with the exact normal distribution Φ",
  kind: "smooth",
  scalar: (e, x) => e.mul(e.mul(e.constant(0.5), x), e.add(e.constant(1), e.erf(e.mul(x, e.constant(SQRT_HALF))))),
  vjp: [
    (dy, x) => {
      const distribution = mul(0.5, add(1, erf(mul(x, SQRT_HALF))));
      const density = mul(INVERSE_SQRT_TWO_PI, exp(mul(-0.5, mul(x, x))));
      return mul(dy, add(distribution, mul(x, density)));
    },
  ],
  samples: shapes,
});

export const silu: OpFunction<Unary> = defineOp<Unary>({
  name: "silu",
  doc: "x / (1 + e^(−x))",
  kind: "smooth",
  scalar: (e, x) => e.div(x, e.add(e.constant(1), e.exp(e.neg(x)))),
  vjp: [
    (dy, x) => {
      const s = sigmoid(x);
      return mul(dy, mul(s, add(1, mul(x, sub(1, s)))));
    },
  ],
  samples: shapes,
});

/** Every record of this file, for the table-driven tests. */
export const activationOps = [relu, leaky, prelu, bounded, sigmoid, tanh, softplus, exponentialLinear, gelu, silu].map(
  (fn) => fn.op,
);
