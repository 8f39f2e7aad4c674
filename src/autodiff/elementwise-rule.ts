import { type Expression, Recorder, type Scalars } from "../array/expression.js";
import { ScalarProgram } from "../array/scalar-program.js";
import { SCALAR } from "../array/shape.js";
import { mode, withMode } from "../graph/modes.js";
import { sameAttributes } from "../graph/op.js";
import { type Attributes, newTensor, type Op, type Tensor } from "../graph/tensor.js";

/**
 * The gradient rule of an elementwise op as one expression of `(dy, ...inputs, y)`. It is found by running the rule
 * once on placeholders and reading the ops that it applied, so that a rule is stated once and still runs as one loop.
 */
export interface ElementwiseRule {
  readonly expression: Expression;
  readonly program: ScalarProgram;
  /** Whether the gradient is dy itself. */
  readonly passes: boolean;
  /** Whether it reads each of the inputs, and the output. */
  readonly reads: readonly boolean[];
}

/** The rules that were derived for an op, for the attributes that it was last used with. */
class RuleTable {
  readonly rules: (ElementwiseRule | null | undefined)[] = [];

  readonly attrs: Attributes;

  constructor(attrs: Attributes) {
    this.attrs = attrs;
  }
}

/** The rule of one input as an expression; null where it is not elementwise. */
export function elementwiseRule(node: Tensor, index: number): ElementwiseRule | null {
  const op = node.op as Op;
  let table = op.derived as RuleTable | null;
  if (table === null || (table.attrs !== node.attrs && !sameAttributes(table.attrs, node.attrs))) {
    table = new RuleTable(node.attrs);
    op.derived = table;
  }
  let rule = table.rules[index];
  if (rule === undefined) {
    rule = derive(op, node.inputCount, index, node.attrs);
    table.rules[index] = rule;
  }
  return rule;
}

function derive(op: Op, arity: number, index: number, attrs: Attributes): ElementwiseRule | null {
  if (op.scalar === null || typeof op.rules === "function" || op.rules[index] === null) return null;
  const apply = op.rules[index] as unknown as (...args: (Tensor | Attributes)[]) => Tensor;
  const placeholders = Array.from({ length: arity + 2 }, () => {
    const placeholder = newTensor("float64", SCALAR, 1);
    placeholder.buffer[placeholder.offset] = 1;
    return placeholder;
  });
  const result = withMode({ gradients: false, observer: { recordsAll: true, made: () => {} } }, () =>
    apply(...placeholders, attrs),
  );
  const recorder = new Recorder();
  const registers = new Map<Tensor, number>();
  placeholders.forEach((placeholder, input) => {
    registers.set(placeholder, recorder.input(input));
  });
  const visit = (node: Tensor): number | null => {
    const known = registers.get(node);
    if (known !== undefined) return known;
    let register: number;
    if (node.op === null) {
      if (node.size !== 1) return null;
      register = recorder.constant(node.buffer[node.offset]);
    } else {
      if (node.op.scalar === null) return null;
      const operands: number[] = [];
      for (const input of node.inputs) {
        const operand = visit(input);
        if (operand === null) return null;
        operands.push(operand);
      }
      register = node.op.scalar(recorder as unknown as Scalars<unknown>, ...operands, node.attrs) as number;
    }
    registers.set(node, register);
    return register;
  };
  const last = visit(result);
  if (last === null) return null;
  const expression = recorder.finish(arity + 2, last);
  const reads = new Array<boolean>(arity + 2).fill(false);
  for (const step of expression.instructions) if (step.code === "input") reads[step.index] = true;
  const passes = expression.instructions.length === 1 && reads[0];
  return { expression, program: new ScalarProgram(expression), passes, reads: reads.slice(1) };
}

/** Whether rules may run as expressions now: not where somebody watches the ops, or their results are recorded. */
export function mayFuse(): boolean {
  return mode.observer === null && !mode.gradients;
}
