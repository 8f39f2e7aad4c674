import { formatShape } from "../../array/shape.js";
import { OptionError } from "../../base/errors.js";
import { noGrad } from "../../graph/modes.js";
import { numberBeside, scalarTensor } from "../../graph/new-tensor.js";
import { add } from "../../ops/arithmetic.js";
import { convert } from "../../ops/cast.js";
import { zeros } from "../../ops/create.js";
import { Tensor } from "../../tensor/tensor.js";
import { checkNumber } from "../checks.js";
import { type LoadOptions, type LoadResult, loadInto, type SavedState, type StateDict } from "../state.js";

/**
 * Moves parameters against their gradients. Everything that changes from step to step (learning rate, step count,
 * moments) is a tensor and is changed by ops, so that a whole training step can be compiled.
 *
 * A parameter without a gradient (`grad` null) is left as it is, and so is all that the optimizer keeps of it.
 */
export abstract class Optimizer {
  readonly parameters: readonly Tensor[];
  /** 0-d; in the widest dtype of the parameters. */
  protected readonly rate: Tensor;
  /** 0-d: how many steps were taken, also while one is under way. */
  private readonly count: Tensor;
  private readonly states = new Map<string, readonly Tensor[]>();
  private given: number;

  constructor(parameters: Iterable<Tensor>, learningRate: number) {
    const where = this.constructor.name;
    this.parameters = checkParameters(parameters, where);
    this.given = checkNumber(learningRate, "learningRate", where);
    const widest = this.parameters.find((one) => one.dtype === "float64") ?? this.parameters[0];
    this.rate = numberBeside(learningRate, widest);
    this.count = numberBeside(0, widest);
  }

  /** The factor of each step; schedules set it. */
  get learningRate(): number {
    const value = this.rate.item();
    // The number that was set, where the tensor holds it rounded to float32.
    return value === Math.fround(this.given) ? this.given : value;
  }

  set learningRate(learningRate: number) {
    this.given = checkNumber(learningRate, "learningRate", this.constructor.name);
    this.rate.assign_(scalarTensor(learningRate, this.rate.dtype));
  }

  /** How many steps were taken. */
  get stepCount(): number {
    return this.count.item();
  }

  /** Forgets the gradients of the parameters. */
  zeroGrad(): void {
    for (const one of this.parameters) one.grad = null;
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    noGrad(() => {
      this.count.assign_(add(this.count, 1));
      this.parameters.forEach((parameter, i) => {
        const { grad } = parameter;
        if (grad !== null) this.update(parameter, grad, i);
      });
    });
  }

  /** Learning rate, step count and what the optimizer keeps of each parameter, such as "momentum.0". A snapshot. */
  stateDict(): StateDict {
    return Object.fromEntries([...this.state()].map(([name, value]) => [name, value.detach()]));
  }

  /**
   * Takes over a state dictionary, or what JSON keeps of one, all or nothing.
   * @throws StateError that lists every missing and unexpected name, wrong shape and wrong dtype.
   */
  loadStateDict(state: SavedState, options: LoadOptions = {}): LoadResult {
    return loadInto(this.state(), state, options, `${this.constructor.name}.loadStateDict`);
  }

  private state(): Map<string, Tensor> {
    const state = new Map([
      ["learningRate", this.rate],
      ["step", this.count],
    ]);
    for (const [name, tensors] of this.states) {
      tensors.forEach((value, i) => {
        state.set(`${name}.${i}`, value);
      });
    }
    return state;
  }

  /** A tensor of zeros for each parameter, part of the optimizer's state under `name`. */
  protected stateTensors(name: string): readonly Tensor[] {
    const made = this.parameters.map((one) => zeros(one.shape, { dtype: one.dtype }));
    this.states.set(name, made);
    return made;
  }

  /** A 0-d count from 0 for each parameter, part of the state as "steps": of the steps that moved it. */
  protected stepCounts(): readonly Tensor[] {
    const made = this.parameters.map((one) => numberBeside(0, one));
    this.states.set("steps", made);
    return made;
  }

  /** A 0-d tensor in the parameter's dtype; itself unless dtypes are mixed. */
  protected scalarFor(parameter: Tensor, scalar: Tensor): Tensor {
    return convert(scalar, parameter.dtype);
  }

  /** Updates one parameter, without recording. */
  protected abstract update(parameter: Tensor, gradient: Tensor, index: number): void;
}

function checkParameters(given: Iterable<Tensor>, where: string): readonly Tensor[] {
  if (given === null || typeof given !== "object" || !(Symbol.iterator in given)) {
    throw new OptionError(`${where}: the first argument is a list of parameters, such as net.parameters()`);
  }
  const parameters = [...given];
  if (parameters.length === 0) throw new OptionError(`${where}: there are no parameters; pass net.parameters()`);
  parameters.forEach((one: unknown, i) => {
    if (!(one instanceof Tensor))
      throw new OptionError(`${where}: parameter ${i} is ${String(one)}, not a tensor; pass net.parameters()`);
    if (!one.isLeaf || one.dtype === "int32") {
      throw new OptionError(
        `${where}: parameter ${i} (${one.dtype}${formatShape(one.shape)}) ${one.isLeaf ? "has no gradient" : `was computed by ${one.op?.name ?? "an op"}`}; pass float leaves, such as net.parameters()`,
      );
    }
    if (parameters.indexOf(one) !== i) {
      throw new OptionError(
        `${where}: parameters ${parameters.indexOf(one)} and ${i} are the same tensor; pass it once`,
      );
    }
  });
  return parameters;
}
