import type { Effect, Program, Step, Value } from "./program.js";

/**
 * Replaces steps one after the other, each by a value that is there already, which takes the place of its output, or by
 * steps of which the last makes its output.
 * @param replace gets the step with the inputs that it then has
 */
export function replaceSteps(program: Program, replace: (step: Step) => Value | readonly Step[]): Program {
  const replaced = new Map<Value, Value>();
  const now = (value: Value): Value => replaced.get(value) ?? value;
  const steps: Step[] = [];
  const made: Value[] = [];
  for (const step of program.steps) {
    const inputs = step.inputs.map(now);
    let { output } = step;
    const shares = output.root !== output;
    if (shares && output.root !== inputs[0].root) {
      // It shares the memory of a value that was replaced: now it shares that of the other.
      output = { ...output, root: inputs[0].root };
      replaced.set(step.output, output);
    }
    const others = replace({ ...step, inputs, output });
    if ("id" in others) {
      replaced.set(step.output, others);
      made.push(others);
    } else {
      steps.push(...others);
      for (const other of others) made.push(other.output);
    }
  }
  return {
    ...program,
    values: [...new Set([...program.values, ...made])],
    steps,
    results: program.results.map(now),
    effects: program.effects.map((effect) =>
      effect.value === null ? effect : ({ ...effect, value: now(effect.value) } as Effect),
    ),
  };
}
