import type { Scalars } from "../../array/expression.js";
import type { OpSample } from "../../graph/making.js";
import { type Binary, defineOp, type OpFunction, type Rule, type Ternary, type Unary } from "../../graph/op.js";
import type { Tensor } from "../../graph/tensor.js";
import { add, div, mul, neg, pow, sqrt, square, sub } from "../../ops/arithmetic.js";
import { equal, where } from "../../ops/compare.js";

/**
 * What optimizers do to one parameter, each as one elementwise op, so that an update is one loop over it, and a whole
 * training step can be compiled. In all of them p is the parameter, g its gradient, and the gradient that counts is
 * g + weightDecay · p. Numbers that change from step to step are 0-d tensors.
 */

type Quaternary = readonly [a: Tensor, b: Tensor, c: Tensor, d: Tensor];
type Quinary = readonly [a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor];
type Senary = readonly [a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor];

/** Rules of an op of more than three inputs. */
function rules<Inputs extends readonly Tensor[], Attrs>(
  list: { readonly [K in keyof Inputs]: Rule<Inputs, Attrs> },
): (index: number) => Rule<Inputs, Attrs> {
  return (index) => list[index] as Rule<Inputs, Attrs>;
}

/** The gradient with weight decay: g + weightDecay · p. */
const decayed = (g: Tensor, p: Tensor, weightDecay: number): Tensor => add(g, mul(weightDecay, p));

function sampled(scalars: number, attrs: Record<string, number>, tensors: number): OpSample[] {
  return [[2, 3], [], [0, 2]].map((shape) => ({
    inputs: [...new Array(tensors).fill(shape), ...new Array(scalars).fill([])],
    attrs,
    // Second moments and step counts are positive.
    range: [0.3, 1.5],
  }));
}

export const gradientDescent: OpFunction<Ternary, { weightDecay: number }> = defineOp<Ternary, { weightDecay: number }>(
  {
    name: "gradientDescent",
    doc: "p − rate · (g + weightDecay · p) of (p, g, rate)",
    kind: "bilinear",
    scalar: (e, p, g, rate, { weightDecay }) =>
      e.sub(p, e.mul(rate, weightDecay === 0 ? g : e.add(g, e.mul(e.constant(weightDecay), p)))),
    vjp: [
      (dy, _p, _g, rate, _y, { weightDecay }) => mul(dy, sub(1, mul(rate, weightDecay))),
      (dy, _p, _g, rate) => neg(mul(dy, rate)),
      (dy, p, g, _rate, _y, { weightDecay }) => neg(mul(dy, decayed(g, p, weightDecay))),
    ],
    samples: [...sampled(1, { weightDecay: 0 }, 2), ...sampled(1, { weightDecay: 0.1 }, 2)],
  },
);

interface MovingAverage {
  /** What is kept of the old value. */
  readonly keep: number;
  /** The share of the new one. */
  readonly share: number;
  readonly weightDecay: number;
}

export const movingAverage: OpFunction<Ternary, MovingAverage> = defineOp<Ternary, MovingAverage>({
  name: "movingAverage",
  doc: "keep · m + share · (g + weightDecay · p) of (m, g, p): momentum, and Adam's first moment",
  kind: "affine",
  scalar: (e, m, g, p, { keep, share, weightDecay }) => {
    const gradient = weightDecay === 0 ? g : e.add(g, e.mul(e.constant(weightDecay), p));
    return e.add(e.mul(e.constant(keep), m), share === 1 ? gradient : e.mul(e.constant(share), gradient));
  },
  vjp: [
    (dy, _m, _g, _p, _y, { keep }) => mul(dy, keep),
    (dy, _m, _g, _p, _y, { share }) => mul(dy, share),
    (dy, _m, _g, _p, _y, { share, weightDecay }) => mul(dy, share * weightDecay),
  ],
  samples: [
    ...sampled(0, { keep: 0.9, share: 1, weightDecay: 0 }, 3),
    ...sampled(0, { keep: 0.9, share: 0.1, weightDecay: 0.2 }, 3),
  ],
});

interface Dampening {
  readonly dampening: number;
  readonly weightDecay: number;
}

export const dampenedGradient: OpFunction<Ternary, Dampening> = defineOp<Ternary, Dampening>({
  name: "dampenedGradient",
  doc: "(1 − dampening) · (g + weightDecay · p) of (g, p, step), without dampening where step is 1",
  kind: "smooth",
  scalar: (e, g, p, step, { dampening, weightDecay }) => {
    const gradient = weightDecay === 0 ? g : e.add(g, e.mul(e.constant(weightDecay), p));
    const one = e.constant(1);
    return e.mul(e.select(e.equal(step, one), one, e.constant(1 - dampening)), gradient);
  },
  vjp: [
    (dy, _g, _p, step, _y, { dampening }) => mul(dy, where(equal(step, 1), 1, 1 - dampening)),
    (dy, _g, _p, step, _y, { dampening, weightDecay }) =>
      mul(dy, where(equal(step, 1), weightDecay, weightDecay * (1 - dampening))),
    null,
  ],
  samples: sampled(1, { dampening: 0.3, weightDecay: 0.1 }, 2),
});

interface Nesterov {
  readonly momentum: number;
  readonly weightDecay: number;
}

export const nesterovDescent: OpFunction<Quaternary, Nesterov> = defineOp<Quaternary, Nesterov>({
  name: "nesterovDescent",
  doc: "p − rate · (g + weightDecay · p + momentum · v) of (p, g, v, rate)",
  kind: "bilinear",
  scalar: (e, p, g, v, rate, { momentum, weightDecay }) => {
    const gradient = weightDecay === 0 ? g : e.add(g, e.mul(e.constant(weightDecay), p));
    return e.sub(p, e.mul(rate, e.add(gradient, e.mul(e.constant(momentum), v))));
  },
  vjp: rules<Quaternary, Nesterov>([
    (dy, _p, _g, _v, rate, _y, { weightDecay }) => mul(dy, sub(1, mul(rate, weightDecay))),
    (dy, _p, _g, _v, rate) => neg(mul(dy, rate)),
    (dy, _p, _g, _v, rate, _y, { momentum }) => neg(mul(dy, mul(rate, momentum))),
    (dy, p, g, v, _rate, _y, { momentum, weightDecay }) =>
      neg(mul(dy, add(decayed(g, p, weightDecay), mul(momentum, v)))),
  ]),
  samples: sampled(1, { momentum: 0.9, weightDecay: 0.1 }, 3),
});

interface SecondMoment {
  readonly keep: number;
  readonly weightDecay: number;
}

export const secondMoment: OpFunction<Ternary, SecondMoment> = defineOp<Ternary, SecondMoment>({
  name: "secondMoment",
  doc: "keep · v + (1 − keep) · (g + weightDecay · p)² of (v, g, p)",
  kind: "smooth",
  scalar: (e, v, g, p, { keep, weightDecay }) => {
    const gradient = weightDecay === 0 ? g : e.add(g, e.mul(e.constant(weightDecay), p));
    return e.add(e.mul(e.constant(keep), v), e.mul(e.constant(1 - keep), e.mul(gradient, gradient)));
  },
  vjp: [
    (dy, _v, _g, _p, _y, { keep }) => mul(dy, keep),
    (dy, _v, g, p, _y, { keep, weightDecay }) => mul(dy, mul(2 * (1 - keep), decayed(g, p, weightDecay))),
    (dy, _v, g, p, _y, { keep, weightDecay }) => mul(dy, mul(2 * (1 - keep) * weightDecay, decayed(g, p, weightDecay))),
  ],
  samples: [...sampled(0, { keep: 0.9, weightDecay: 0 }, 3), ...sampled(0, { keep: 0.9, weightDecay: 0.1 }, 3)],
});

export const adamRate: OpFunction<Binary, { beta: number }> = defineOp<Binary, { beta: number }>({
  name: "adamRate",
  doc: "rate / (1 − betaᵗ) of (rate, t): the learning rate, corrected for the first moment's start at 0",
  kind: "smooth",
  scalar: (e, rate, t, { beta }) => e.div(rate, e.sub(e.constant(1), e.pow(e.constant(beta), t))),
  vjp: [
    (dy, _rate, t, _y, { beta }) => div(dy, sub(1, pow(beta, t))),
    (dy, rate, t, _y, { beta }) => {
      const power = pow(beta, t);
      return div(mul(mul(dy, mul(rate, Math.log(beta))), power), square(sub(1, power)));
    },
  ],
  samples: sampled(2, { beta: 0.9 }, 0),
});

export const adamCorrection: OpFunction<Unary, { beta: number }> = defineOp<Unary, { beta: number }>({
  name: "adamCorrection",
  doc: "√(1 − betaᵗ): what corrects the root of the second moment for its start at 0",
  kind: "smooth",
  scalar: (e, t, { beta }) => e.sqrt(e.sub(e.constant(1), e.pow(e.constant(beta), t))),
  vjp: [(dy, t, y, { beta }) => div(mul(dy, mul(-Math.log(beta) / 2, pow(beta, t))), y)],
  samples: sampled(1, { beta: 0.9 }, 0),
});

/** √v / correction + eps. */
const spread = (v: Tensor, correction: Tensor, eps: number): Tensor => add(div(sqrt(v), correction), eps);

/** The rules of `− rate · m / (√v / correction + eps)` in m, v, rate and correction. */
const towards = {
  m: (dy: Tensor, v: Tensor, rate: Tensor, correction: Tensor, eps: number): Tensor =>
    neg(div(mul(dy, rate), spread(v, correction, eps))),
  v: (dy: Tensor, m: Tensor, v: Tensor, rate: Tensor, correction: Tensor, eps: number): Tensor =>
    div(mul(dy, mul(rate, m)), mul(square(spread(v, correction, eps)), mul(2, mul(sqrt(v), correction)))),
  rate: (dy: Tensor, m: Tensor, v: Tensor, correction: Tensor, eps: number): Tensor =>
    neg(div(mul(dy, m), spread(v, correction, eps))),
  correction: (dy: Tensor, m: Tensor, v: Tensor, rate: Tensor, correction: Tensor, eps: number): Tensor =>
    neg(div(mul(dy, mul(mul(rate, m), sqrt(v))), square(mul(correction, spread(v, correction, eps))))),
};

/** rate · m / (√v / correction + eps) of one element. */
function adamPull<T>(e: Scalars<T>, m: T, v: T, rate: T, correction: T, eps: number): T {
  return e.div(e.mul(rate, m), e.add(e.div(e.sqrt(v), correction), e.constant(eps)));
}

export const adamDescent: OpFunction<Quinary, { eps: number }> = defineOp<Quinary, { eps: number }>({
  name: "adamDescent",
  doc: "p − rate · m / (√v / correction + eps) of (p, m, v, rate, correction)",
  kind: "smooth",
  scalar: (e, p, m, v, rate, correction, { eps }) => e.sub(p, adamPull(e, m, v, rate, correction, eps)),
  vjp: rules<Quinary, { eps: number }>([
    (dy) => dy,
    (dy, _p, _m, v, rate, c, _y, { eps }) => towards.m(dy, v, rate, c, eps),
    (dy, _p, m, v, rate, c, _y, { eps }) => towards.v(dy, m, v, rate, c, eps),
    (dy, _p, m, v, _rate, c, _y, { eps }) => towards.rate(dy, m, v, c, eps),
    (dy, _p, m, v, rate, c, _y, { eps }) => towards.correction(dy, m, v, rate, c, eps),
  ]),
  samples: sampled(2, { eps: 1e-3 }, 3),
});

interface DecoupledDecay {
  readonly eps: number;
  readonly weightDecay: number;
}

export const adamWDescent: OpFunction<Senary, DecoupledDecay> = defineOp<Senary, DecoupledDecay>({
  name: "adamWDescent",
  doc: "(1 − decayRate · weightDecay) · p − rate · m / (√v / correction + eps) of (p, m, v, rate, correction, decayRate)",
  kind: "smooth",
  scalar: (e, p, m, v, rate, correction, decayRate, { eps, weightDecay }) =>
    e.sub(
      e.mul(e.sub(e.constant(1), e.mul(decayRate, e.constant(weightDecay))), p),
      adamPull(e, m, v, rate, correction, eps),
    ),
  vjp: rules<Senary, DecoupledDecay>([
    (dy, _p, _m, _v, _rate, _c, decayRate, _y, { weightDecay }) => mul(dy, sub(1, mul(decayRate, weightDecay))),
    (dy, _p, _m, v, rate, c, _d, _y, { eps }) => towards.m(dy, v, rate, c, eps),
    (dy, _p, m, v, rate, c, _d, _y, { eps }) => towards.v(dy, m, v, rate, c, eps),
    (dy, _p, m, v, _rate, c, _d, _y, { eps }) => towards.rate(dy, m, v, c, eps),
    (dy, _p, m, v, rate, c, _d, _y, { eps }) => towards.correction(dy, m, v, rate, c, eps),
    (dy, p, _m, _v, _rate, _c, _d, _y, { weightDecay }) => mul(dy, mul(-weightDecay, p)),
  ]),
  samples: sampled(3, { eps: 1e-3, weightDecay: 0.1 }, 3),
});

/** Every record of this file, for the table-driven tests. */
export const updateOps = [
  gradientDescent,
  movingAverage,
  dampenedGradient,
  nesterovDescent,
  secondMoment,
  adamRate,
  adamCorrection,
  adamDescent,
  adamWDescent,
].map((fn) => fn.op);
