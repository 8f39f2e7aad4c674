import { type Binary, defineOp, type OpFunction, type Ternary } from "../graph/op.js";

/** Comparisons give 0 or 1 in the operands' dtype, and have no gradient. */

export const less: OpFunction<Binary> = defineOp<Binary>({
  name: "less",
  doc: "1 where a < b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.less(a, b),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }, { inputs: [[], []] }, { inputs: [[0, 3], [1]] }],
});

export const lessEqual: OpFunction<Binary> = defineOp<Binary>({
  name: "lessEqual",
  doc: "1 where a ≤ b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.lessEqual(a, b),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }],
});

export const greater: OpFunction<Binary> = defineOp<Binary>({
  name: "greater",
  doc: "1 where a > b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.less(b, a),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }],
});

export const greaterEqual: OpFunction<Binary> = defineOp<Binary>({
  name: "greaterEqual",
  doc: "1 where a ≥ b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.lessEqual(b, a),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }],
});

export const equal: OpFunction<Binary> = defineOp<Binary>({
  name: "equal",
  doc: "1 where a = b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.equal(a, b),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }],
});

export const notEqual: OpFunction<Binary> = defineOp<Binary>({
  name: "notEqual",
  doc: "1 where a ≠ b, else 0",
  kind: "step",
  scalar: (e, a, b) => e.sub(e.constant(1), e.equal(a, b)),
  vjp: [null, null],
  samples: [{ inputs: [[2, 3], [3]] }],
});

export const where: OpFunction<Ternary> = defineOp<Ternary>({
  name: "where",
  doc: "a where the condition is not 0, else b",
  kind: "bilinear",
  scalar: (e, condition, a, b) => e.select(condition, a, b),
  vjp: [null, (dy, condition) => where(condition, dy, 0), (dy, condition) => where(condition, 0, dy)],
  samples: [
    { inputs: [[2, 3], [2, 3], [3]] },
    { inputs: [[], [], []] },
    { inputs: [[3, 1], [1, 2], []] },
    { inputs: [[0], [0], []] },
  ],
});
