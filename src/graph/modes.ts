import { TraceError } from "../base/errors.js";
import type { Op } from "./making.js";
import type { Tensor } from "./tensor.js";

/** What computes otherwise while a network is trained: a module. */
export interface Trainable {
  training: boolean;
}

/** Told of every op while it is in place: trace and detectAnomaly are such observers. */
export interface Observer {
  /** Whether ops are recorded although no input requires a gradient. */
  readonly recordsAll: boolean;
  /** Called when an op has made `result`. */
  made(result: Tensor, inputs: readonly Tensor[], op: Op): void;
  /** Called when `target` has taken over the values of `source`: by `assign_`, or as a leaf that stands for it. */
  assigned?(target: Tensor, source: Tensor): void;
  /** Called when `.grad` of a leaf is read, and when it is set. */
  gradientRead?(leaf: Tensor): void;
  gradientSet?(leaf: Tensor, gradient: Tensor | null): void;
  /** Called when it is read whether a tensor requires a gradient, and when that has been set. */
  requiresGradRead?(tensor: Tensor): void;
  requiresGradSet?(tensor: Tensor): void;
  /** Called when the mode of a module is read, and when it has been set. */
  trainingRead?(module: Trainable): void;
  trainingSet?(module: Trainable): void;
}

/** What the next op does beside computing. */
export const mode = {
  /** Whether results of inputs that require a gradient are recorded. */
  gradients: true,
  observer: null as Observer | null,
};

/** Runs `fn` with a mode set, and sets it back, also after an error. */
export function withMode<T>(changes: Partial<typeof mode>, fn: () => T): T {
  const { gradients, observer } = mode;
  if (changes.gradients !== undefined) mode.gradients = changes.gradients;
  if (changes.observer !== undefined) mode.observer = changes.observer;
  try {
    return fn();
  } finally {
    mode.gradients = gradients;
    mode.observer = observer;
  }
}

/** `inner`, where the observer in place goes on to be told of everything, before it. */
export function beside(inner: Observer): Observer {
  const outer = mode.observer;
  if (outer === null) return inner;
  const both: Required<Observer> = {
    recordsAll: outer.recordsAll || inner.recordsAll,
    made: (result, inputs, op) => {
      outer.made(result, inputs, op);
      inner.made(result, inputs, op);
    },
    assigned: (target, source) => {
      outer.assigned?.(target, source);
      inner.assigned?.(target, source);
    },
    gradientRead: (leaf) => {
      outer.gradientRead?.(leaf);
      inner.gradientRead?.(leaf);
    },
    gradientSet: (leaf, gradient) => {
      outer.gradientSet?.(leaf, gradient);
      inner.gradientSet?.(leaf, gradient);
    },
    requiresGradRead: (tensor) => {
      outer.requiresGradRead?.(tensor);
      inner.requiresGradRead?.(tensor);
    },
    requiresGradSet: (tensor) => {
      outer.requiresGradSet?.(tensor);
      inner.requiresGradSet?.(tensor);
    },
    trainingRead: (module) => {
      outer.trainingRead?.(module);
      inner.trainingRead?.(module);
    },
    trainingSet: (module) => {
      outer.trainingSet?.(module);
      inner.trainingSet?.(module);
    },
  };
  return both;
}

/** Refuses what is no function, such as a module, before anything is done with it. */
export function checkFunction(fn: unknown, where: string): void {
  if (typeof fn === "function") return;
  const got = typeof fn === "object" && fn !== null ? `an object (${fn.constructor?.name ?? "plain"})` : String(fn);
  throw new TraceError(`${where}: expected a function, got ${got}; of a module take (x) => net.forward(x)`);
}

/** Runs `fn` without recording: its results require no gradient. */
export function noGrad<T>(fn: () => T): T {
  checkFunction(fn, "noGrad");
  return withMode({ gradients: false }, () => synchronous(fn(), "noGrad"));
}

/** Refuses a promise: the mode would end before the work does. */
export function synchronous<T>(result: T, where: string): T {
  if (typeof result === "object" && result !== null && "then" in result && typeof result.then === "function") {
    throw new TraceError(
      `${where}: the function returned a promise, but what it awaits would run outside; await first, then call ${where} with a synchronous function`,
    );
  }
  return result;
}
