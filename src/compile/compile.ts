import { CompileError } from "../base/errors.js";
import { counted, printsAs } from "../base/shown.js";
import { mode } from "../graph/modes.js";
import { sharedView } from "../graph/new-tensor.js";
import { Tensor } from "../graph/tensor.js";
import { type Captured, capture, type Results, tensorsOf, withTensors } from "./capture.js";
import type { Conditions } from "./conditions.js";
import { Executable } from "./executable.js";
import { passes } from "./passes.js";
import type { Program } from "./program.js";

/** A call that was captured, and the calls that it stands for. */
interface Recording<R extends Results> {
  readonly conditions: Conditions;
  readonly results: R;
  readonly program: Program;
  /** Made at the first replay: a function that is called once needs none. */
  executable: Executable | null;
}

export interface Compiled<Inputs extends readonly Tensor[], R extends Results> {
  (...inputs: Inputs): R;
  /** The programs so far, after the passes; for looking at them with `programText`. */
  readonly programs: readonly Program[];
}

/**
 * A function of tensors that does what `fn` does, faster: its first call for given shapes and dtypes runs `fn` and
 * writes down every op, also those of backward and of the optimizer; later calls replay them as one WebAssembly
 * function over memory of their own, with elementwise ops fused. The first call with other tensors of these shapes runs
 * `fn` once more: that tells what it reads of its arguments from what it reaches by itself. So does a call in which
 * arguments are one tensor, or one that `fn` reaches by itself, and were not before.
 *
 * Beyond that `fn` is not run, so all that it does must be done by tensors: parameters, running statistics, learning
 * rates and random streams are followed, as are `.grad` and what is written to an argument. Where `fn` depends on the
 * mode of a module (`train`, `eval`), or on whether a tensor requires a gradient or has one, each case is captured for
 * itself. Numbers and other variables of the program are those of the calls that ran it. Reading values inside
 * (`item()`, `data`, `toArray()`) raises an error. Results require no gradient: differentiate inside. Results agree with
 * eager ones up to rounding: fused operations round as often, sums may add in another order.
 *
 * @throws CompileError at a call that runs `fn`, naming the line where it reads values; where it returns other things
 * than tensors, or backward goes through an argument into how it was made.
 */
export function compile<Inputs extends Tensor[], R extends Results>(fn: (...inputs: Inputs) => R): Compiled<Inputs, R> {
  return compiled(fn, false);
}

/** As `compile`, but a function that reads values runs as it is, each time. */
export function compileWhereItCan<Inputs extends Tensor[], R extends Results>(
  fn: (...inputs: Inputs) => R,
): (...inputs: Inputs) => R {
  return compiled(fn, true);
}

function compiled<Inputs extends Tensor[], R extends Results>(
  fn: (...inputs: Inputs) => R,
  mayRefuse: boolean,
): Compiled<Inputs, R> {
  let refused = false;
  /** The last used first. */
  let recordings: Recording<R>[] = [];
  const programs: Program[] = [];
  const call = (...inputs: Inputs): R => {
    if (mode.observer !== null || refused) return fn(...inputs);
    checkInputs(inputs);
    for (const recording of recordings) {
      if (!recording.conditions.hold(inputs)) continue;
      if (recording !== recordings[0]) recordings = [recording, ...recordings.filter((one) => one !== recording)];
      recording.executable ??= new Executable(recording.program);
      return withTensors(recording.results, recording.executable.call(inputs));
    }
    const alike = recordings.filter(({ conditions }) => conditions.areAlike(inputs));
    const captured: Captured<R> = capture(fn as unknown as (...inputs: Tensor[]) => R, inputs, mayRefuse);
    if (captured.refusal !== null) {
      refused = true;
      return captured.results;
    }
    const { conditions } = captured;
    const replaced = alike.filter((one) => one.conditions.compare(conditions));
    const program = passes.reduce((last, [, pass]) => pass(last), captured.program);
    const results = withTensors(
      captured.results,
      tensorsOf(captured.results).map((result) => sharedView(result, result.shape)),
    );
    recordings = [
      { conditions, results, program, executable: null },
      ...recordings.filter((one) => !replaced.includes(one)),
    ];
    for (const one of replaced) programs.splice(programs.indexOf(one.program), 1);
    programs.push(program);
    return results;
  };
  return printsAs(Object.assign(call, { programs }), () => {
    const shapes = programs.length === 0 ? "not called yet" : counted(programs.length, "program");
    return `Compiled { ${fn.name || "a function"}, ${shapes}; programText(program) shows one }`;
  });
}

function checkInputs(inputs: readonly unknown[]): void {
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i] instanceof Tensor) continue;
    throw new CompileError(
      `compile: argument ${i} is ${String(inputs[i])}; compiled functions take tensors: pass numbers as tensor(number)`,
    );
  }
}
