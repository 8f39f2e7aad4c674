import { defineOp, type OpFunction, type Rule, type Ternary } from "../../graph/op.js";
import type { OpSample, Tensor } from "../../graph/tensor.js";
import { add, mul, neg, sub } from "../../ops/arithmetic.js";
import { equal, where } from "../../ops/compare.js";

/**
 * What optimizers do to one parameter, each as one elementwise op, so that an update is one loop over it, and a whole
 * training step can be compiled. In all of them p is the parameter, g its gradient, and the gradient that counts is
 * g + weightDecay · p. Numbers that change from step to step are 0-d tensors.
 */

type Quaternary = readonly [a: Tensor, b: Tensor, c: Tensor, d: Tensor];

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

/** Every record of this file, for the table-driven tests. */
export const updateOps = [gradientDescent, movingAverage, dampenedGradient, nesterovDescent].map((fn) => fn.op);
