import { type Expression, Recorder, type Scalars } from "../array/expression.js";
import { ScalarProgram } from "../array/scalar-program.js";
import { SCALAR } from "../array/shape.js";
import type { Attributes, Op } from "../graph/making.js";
import { attributesKey, sameAttributes } from "../graph/making.js";
import { mode, withMode } from "../graph/modes.js";
import { newTensor } from "../graph/new-tensor.js";
import type { Tensor } from "../graph/tensor.js";

/**
 * The gradient rule of an elementwise op as one expression of `(dy, ...inputs, y)`. It is found by running the rule
 * once on placeholders and reading the ops that it applied, so that a rule is stated once and still runs as one loop.
 */
export interface ElementwiseRule {
  readonly expression: Expression;
  readonly program: ScalarProgram;
  /** Whether the gradient is dy itself. */
  readonly passes: boolean;
  /** Where it is dy times an input: that input's number; null elsewhere. */
  readonly factor: number | null;
  /** Whether it reads each of the inputs, and the output. */
  readonly reads: readonly boolean[];
}

/** The rules of an op under one set of attributes. */
interface RuleTable {
  readonly attrs: Attributes;
  readonly rules: (ElementwiseRule | null | undefined)[];
}

/** The rules derived for an op: those of the attributes last used, and those of some others. */
class DerivedRules {
  last: RuleTable | null = null;
  private readonly others = new Map<string, RuleTable>();

  tableFor(attrs: Attributes): RuleTable {
    const key = attributesKey(attrs);
    let table = this.others.get(key);
    if (table === undefined) {
      table = { attrs, rules: [] };
      if (this.others.size >= KEPT_TABLES) this.others.clear();
      this.others.set(key, table);
    }
    this.last = table;
    return table;
  }
}

/** Tables that are kept for an op that is used with many different attributes. */
const KEPT_TABLES = 64;

/** The rule of one input as an expression; null where it is not elementwise, or a user's. */
export function elementwiseRule(node: Tensor, index: number): ElementwiseRule | null {
  const op = node.op as Op;
  op.derived ??= new DerivedRules();
  const derived = op.derived as DerivedRules;
  let table = derived.last;
  if (table === null || (table.attrs !== node.attrs && !sameAttributes(table.attrs, node.attrs))) {
    table = derived.tableFor(node.attrs);
  }
  let rule = table.rules[index];
  if (rule === undefined) {
    rule = derive(op, node.inputCount, index, node.attrs);
    table.rules[index] = rule;
  }
  return rule;
}

function derive(op: Op, arity: number, index: number, attrs: Attributes): ElementwiseRule | null {
  // A user's rule may branch on values, or use variables that change: one run does not tell what the next would do.
  if (op.foreign) return null;
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
  return {
    expression,
    program: new ScalarProgram(expression),
    passes,
    factor: factorOf(expression),
    reads: reads.slice(1),
  };
}

/** The input that the expression multiplies dy by, where that is all it does. */
function factorOf({ instructions }: Expression): number | null {
  const last = instructions[instructions.length - 1];
  if (instructions.length !== 3 || last.code !== "mul") return null;
  const [a, b] = [instructions[last.a], instructions[last.b]];
  if (a.code !== "input" || b.code !== "input") return null;
  if (a.index === 0) return b.index - 1;
  return b.index === 0 ? a.index - 1 : null;
}

/** Whether rules may run as expressions now: not where somebody watches the ops, or their results are recorded. */
export function mayFuse(): boolean {
  return mode.observer === null && !mode.gradients;
}
