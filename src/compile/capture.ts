import { differentiating } from "../autodiff/backward.js";
import { CompileError } from "../base/errors.js";
import type { Op } from "../graph/making.js";
import { type Observer, synchronous, type Trainable, withMode } from "../graph/modes.js";
import { sharedView } from "../graph/new-tensor.js";
import { callSite } from "../graph/site.js";
import { observeReads, Tensor, tick } from "../graph/tensor.js";
import { type ArgumentForm, Conditions, formsOf, type GradientGuard } from "./conditions.js";
import type { Effect, Place, Program, Source, Step, Switch, Value } from "./program.js";
import { Switches } from "./switches.js";

/** What a compiled function may return. */
export type Results = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** A call that was run and written down. */
export interface Captured<R extends Results> {
  readonly program: Program;
  readonly conditions: Conditions;
  /** What the function returned. */
  readonly results: R;
  /** Why the program is not what the function does: it read values. */
  readonly refusal: CompileError | null;
}

/**
 * Runs `fn` once, for real, and writes down what it did.
 * @param toTheEnd where it reads values: let it, and say so in `refusal`, instead of raising the error there
 */
export function capture<R extends Results>(
  fn: (...inputs: Tensor[]) => R,
  inputs: readonly Tensor[],
  toTheEnd = false,
): Captured<R> {
  const writer = new Writer(inputs, toTheEnd);
  const previous = observeReads((tensor) => writer.read(tensor));
  let results: R;
  try {
    results = withMode({ observer: writer }, () => synchronous(fn(...inputs), "compile"));
  } finally {
    observeReads(previous);
  }
  writer.releaseGradients();
  const outputs = tensorsOf(results).map((tensor) => writer.valueOf(tensor));
  return { program: writer.program(outputs), conditions: writer.conditions(), results, refusal: writer.refusal };
}

/** The tensors of a result, in a fixed order. */
export function tensorsOf(results: Results): readonly Tensor[] {
  const list =
    results instanceof Tensor
      ? [results]
      : typeof results === "object" && results !== null
        ? Object.values(results)
        : [results];
  if (!list.every((one) => one instanceof Tensor)) {
    throw new CompileError(
      "compile: the function returned something other than tensors; return a tensor, or a list or record of tensors (numbers are read outside, by item())",
    );
  }
  return list;
}

/** A result of the same form with other tensors. */
export function withTensors<R extends Results>(results: R, tensors: readonly Tensor[]): R {
  if (results instanceof Tensor) return tensors[0] as R;
  if (Array.isArray(results)) return tensors as unknown as R;
  return Object.fromEntries(Object.keys(results).map((key, i) => [key, tensors[i]])) as R;
}

function trainingOf(module: Trainable): Switch {
  return { kind: "training", module, on: module.training };
}

class Writer implements Observer {
  readonly recordsAll = true;
  private readonly guards: GradientGuard[] = [];
  private readonly start = tick();
  private readonly switches = new Switches();
  private readonly forms: readonly ArgumentForm[];
  private readonly argumentPlaces = new Map<Tensor, number>();
  private readonly values: Value[] = [];
  private readonly steps: Step[] = [];
  /** The value that each tensor stands for now; assignment changes it. */
  private readonly current = new Map<Tensor, Value>();
  private readonly written = new Map<Tensor, Value>();
  private readonly gradients = new Map<Tensor, Tensor | null>();
  /** Gradients that were there before the call, as places. */
  private readonly earlier = new Map<Tensor, Place>();
  /** All other tensors from before the call that were met. */
  private readonly touched = new Set<Tensor>();
  private readonly watched = new Set<Tensor>();
  private busy = false;
  refusal: CompileError | null = null;

  constructor(
    private readonly inputs: readonly Tensor[],
    private readonly toTheEnd: boolean,
  ) {
    this.forms = formsOf(inputs);
    inputs.forEach((input, index) => {
      if (!this.argumentPlaces.has(input)) this.argumentPlaces.set(input, index);
    });
  }

  made(result: Tensor, inputs: readonly Tensor[], op: Op): void {
    this.checkDifferentiated();
    const values = inputs.map((input) => this.valueOf(input));
    // Tensors over the same memory are one value under two shapes.
    const shared = inputs.findIndex((input) => input.buffer === result.buffer && input.offset === result.offset);
    const output = this.newValue(
      result,
      { kind: "step" },
      shared >= 0 && op.name === "reshape" ? values[shared].root : null,
    );
    this.steps.push({ op, attrs: result.attrs, inputs: values, output });
    this.current.set(result, output);
  }

  /** From here on the target stands for the source's value. */
  assigned(target: Tensor, source: Tensor): void {
    const value = this.valueOf(source);
    this.current.set(target, value);
    this.written.set(target, value);
  }

  read(tensor: Tensor): void {
    if (this.busy || this.refusal !== null) return;
    if (tensor.id > this.start && !this.current.has(tensor)) return;
    const site = callSite();
    this.refuse(
      `compile: the function reads the values of a tensor${site === null ? "" : ` at ${site}`}; a compiled function is run once and replayed, so that what is read would be that of the first call: return the tensor and read it outside, or decide with where(...)`,
    );
  }

  gradientRead(leaf: Tensor): void {
    if (this.busy) return;
    this.watch(leaf);
  }

  gradientSet(leaf: Tensor, gradient: Tensor | null): void {
    this.checkDifferentiated();
    this.watched.add(leaf);
    this.gradients.set(leaf, gradient);
  }

  /** How an argument was made is another matter at each call, so that no gradient may flow on into that. */
  private checkDifferentiated(): void {
    if (differentiating === null || differentiating.op === null) return;
    const index = this.argumentPlaces.get(differentiating);
    if (index === undefined) return;
    this.refuse(
      `compile: backward goes through argument ${index} into how it was made (${differentiating.op.name}), which is another graph at each call; pass it as detach(), or make it inside`,
    );
  }

  private refuse(message: string): void {
    this.refusal ??= new CompileError(message);
    if (!this.toTheEnd) throw this.refusal;
  }

  requiresGradRead(tensor: Tensor): void {
    const place = this.placeOf(tensor);
    if (place === null || place.kind === "argument") return;
    this.switches.read(tensor, () => ({ kind: "requiresGrad", place, on: tensor.tracked }));
  }

  requiresGradSet(tensor: Tensor): void {
    const place = this.placeOf(tensor);
    if (place !== null) this.switches.set(tensor, () => ({ kind: "requiresGrad", place, on: tensor.tracked }));
  }

  trainingRead(module: Trainable): void {
    this.switches.read(module, () => trainingOf(module));
  }

  trainingSet(module: Trainable): void {
    this.switches.set(module, () => trainingOf(module));
  }

  /** Notes whether there is a gradient before the function sets it: that decides what the function does. */
  private watch(leaf: Tensor): void {
    if (this.watched.has(leaf)) return;
    this.watched.add(leaf);
    const place = this.placeOf(leaf);
    if (place === null) return;
    this.busy = true;
    const gradient = leaf.grad;
    this.busy = false;
    const argument = gradient === null ? -1 : (this.argumentPlaces.get(gradient) ?? -1);
    this.guards.push({ leaf: place, present: gradient !== null, argument });
    if (gradient !== null) this.earlier.set(gradient, { kind: "gradient", leaf: place });
  }

  /** The value that a tensor stands for. */
  valueOf(tensor: Tensor): Value {
    const known = this.current.get(tensor);
    if (known !== undefined) return known;
    const value = this.newValue(tensor, this.sourceOf(tensor), null);
    this.current.set(tensor, value);
    return value;
  }

  private sourceOf(tensor: Tensor): Source {
    return this.placeOf(tensor) ?? { kind: "constant", tensor };
  }

  /** The place of a tensor from before the call; null for one that was made in it. */
  private placeOf(tensor: Tensor): Place | null {
    const index = this.argumentPlaces.get(tensor);
    if (index !== undefined) return { kind: "argument", index };
    const gradient = this.earlier.get(tensor);
    if (gradient !== undefined) return gradient;
    if (tensor.id > this.start) return null;
    this.touched.add(tensor);
    return { kind: "state", tensor };
  }

  private newValue({ dtype, shape, size }: Tensor, source: Source, root: Value | null): Value {
    const value = { id: this.values.length, dtype, shape, size, source, root: root as Value };
    value.root ??= value;
    this.values.push(value);
    return value;
  }

  program(results: readonly Value[]): Program {
    const effects: Effect[] = [];
    for (const [tensor, value] of this.written) {
      const place = this.placeOf(tensor);
      if (place !== null) effects.push({ kind: "assign", place, value });
    }
    for (const [tensor, gradient] of this.gradients) {
      const leaf = this.placeOf(tensor);
      if (leaf === null) continue;
      effects.push({ kind: "gradient", leaf, value: gradient === null ? null : this.valueOf(gradient) });
    }
    return { values: this.values, steps: this.steps, effects, switches: this.switches.changes(), results };
  }

  /** Gradients are left as leaves, like any: not with all that they were made of. */
  releaseGradients(): void {
    for (const [leaf, gradient] of this.gradients) {
      if (gradient !== null && gradient.op !== null && gradient.id > this.start) {
        leaf.grad = sharedView(gradient, gradient.shape);
      }
    }
  }

  conditions(): Conditions {
    return new Conditions(this.inputs, this.forms, this.guards, this.switches.found, this.touched);
  }
}
