import { INSPECT } from "../base/shown.js";
import { mode } from "../graph/modes.js";
import { currentScope, withScope } from "../graph/scope.js";
import { setScopeNaming } from "../graph/trace.js";
import { Tensor } from "../tensor/tensor.js";
import { type LoadOptions, type LoadResult, loadInto, type SavedState, type StateDict } from "./state.js";

/** What a tensor held by a module is: learnt, or carried along (running statistics). */
type TensorRole = "parameter" | "buffer";

const roles = new WeakMap<Tensor, TensorRole>();

/**
 * Makes `values`, a leaf, a parameter: it requires a gradient, and stays a parameter when it is frozen later by
 * `requiresGrad = false`. A leaf that requires a gradient is taken for a parameter also without this.
 */
export function parameter(values: Tensor): Tensor {
  roles.set(values, "parameter");
  values.requiresGrad = true;
  return values;
}

/** Makes a leaf a buffer: part of the module's state, but not learnt. */
export function buffer(values: Tensor): Tensor {
  roles.set(values, "buffer");
  return values;
}

function roleOf(value: Tensor): TensorRole | null {
  return roles.get(value) ?? (value.requiresGrad && value.isLeaf ? "parameter" : null);
}

/** Prototypes whose `forward` opens a scope already. */
const stamped = new WeakSet<object>();

/**
 * @internal Wraps the `forward` methods of a class and its bases, once per class, so that the ops inside carry the module as
 * their scope in traces, and users write a plain method. Outside of traces the wrapper costs 5 to 15 ns.
 */
export function stampForward(prototype: object): void {
  for (let at = prototype; at !== Module.prototype && !stamped.has(at); at = Object.getPrototypeOf(at)) {
    stamped.add(at);
    const forward: unknown = Object.getOwnPropertyDescriptor(at, "forward")?.value;
    if (typeof forward !== "function") continue;
    const wrapped = function (this: Module, ...inputs: unknown[]): unknown {
      if (mode.observer === null) {
        // One input is the rule, and a call is several times faster than apply.
        return inputs.length === 1 ? forward.call(this, inputs[0]) : forward.apply(this, inputs);
      }
      // `super.forward(x)` is still the same module at work.
      if (currentScope().at(-1)?.entry === this) return forward.apply(this, inputs);
      return withScope(this, () => forward.apply(this, inputs));
    };
    Object.defineProperty(at, "forward", {
      value: Object.defineProperties(wrapped, {
        name: { value: "forward" },
        length: { value: forward.length },
      }),
      writable: true,
      configurable: true,
    });
  }
}

/** A tensor or module found in a field, with its path inside the module, such as "blocks.0". */
type Field<T> = readonly [path: string, value: T];

interface Fields {
  readonly tensors: readonly Field<Tensor>[];
  readonly modules: readonly Field<Module>[];
}

function fieldsOf(module: Module): Fields {
  const tensors: Field<Tensor>[] = [];
  const modules: Field<Module>[] = [];
  const open = new Set<unknown>();
  const visit = (path: string, value: unknown): void => {
    if (value instanceof Tensor) tensors.push([path, value]);
    else if (value instanceof Module) modules.push([path, value]);
    else if (Array.isArray(value) && !open.has(value)) {
      open.add(value);
      value.forEach((element, i) => {
        if (typeof element === "object" && element !== null) visit(`${path}.${i}`, element);
      });
      open.delete(value);
    }
  };
  for (const [path, value] of module.fields()) visit(path, value);
  return { tensors, modules };
}

interface Found {
  readonly path: string;
  readonly value: Tensor | Module;
  readonly role: TensorRole | "module";
}

/**
 * Everything inside a module in PyTorch's order: itself, its parameters, its buffers, then its modules. What is shared
 * is found under each of its names; a module inside itself is left out.
 */
function* walk(module: Module, path = "", around: ReadonlySet<Module> = new Set()): Generator<Found> {
  if (around.has(module)) return;
  yield { path, value: module, role: "module" };
  const prefix = path === "" ? "" : `${path}.`;
  const { tensors, modules } = fieldsOf(module);
  for (const role of ["parameter", "buffer"] as const) {
    for (const [name, value] of tensors) if (roleOf(value) === role) yield { path: prefix + name, value, role };
  }
  if (modules.length === 0) return;
  const inside = new Set(around).add(module);
  for (const [name, value] of modules) yield* walk(value, prefix + name, inside);
}

/** What is shared, once, under its first name. */
function* firstOf<T extends Tensor | Module>(module: Module, role: Found["role"]): Generator<[string, T]> {
  const seen = new Set<Tensor | Module>();
  for (const found of walk(module)) {
    if (found.role !== role || seen.has(found.value)) continue;
    seen.add(found.value);
    yield [found.path, found.value as T];
  }
}

function treeOf(module: Module, around: ReadonlySet<Module>): string {
  if (around.has(module)) return `${module.constructor.name}(… around this)`;
  const inside = new Set(around).add(module);
  const lines = fieldsOf(module).modules.map(([name, one]) =>
    `\n(${name}): ${treeOf(one, inside)}`.replaceAll("\n", "\n  "),
  );
  return `${module.constructor.name}(${module.describe()}${lines.join("")}${lines.length > 0 ? "\n" : ""})`;
}

/**
 * A part of a network that holds parameters: assign tensors, modules and arrays of them to fields, and define
 * `forward` as a method. Fields named with `#` are not looked into.
 *
 * In traces, drawings and errors, ops carry the module that applied them. For this the constructor replaces the
 * class's `forward` method by one that opens a scope around it, once per class; a `forward` that is a field (an arrow
 * function) works, but opens none.
 *
 * @example
 * class Residual extends nn.Module {
 *   inner = new nn.Linear(8, 8);
 *   forward(x: Tensor): Tensor {
 *     return x.add(this.inner.forward(x).relu());
 *   }
 * }
 */
export abstract class Module {
  #training = true;

  constructor() {
    stampForward(Object.getPrototypeOf(this));
  }

  /** Whether batch norm and dropout behave as in training; set by `train()` and `eval()`. */
  get training(): boolean {
    mode.observer?.trainingRead?.(this);
    return this.#training;
  }

  set training(training: boolean) {
    this.#training = training;
    mode.observer?.trainingSet?.(this);
  }

  /** What it computes; call this. */
  abstract forward(...inputs: never[]): unknown;

  /** Where tensors and modules are looked for; override it to name them otherwise than by their fields. */
  fields(): Iterable<readonly [string, unknown]> {
    return Object.entries(this);
  }

  /** The arguments that its constructor got, for printing. */
  describe(): string {
    return "";
  }

  /** Parameters with their paths, such as "0.weight"; a shared one once, under its first name. */
  namedParameters(): [string, Tensor][] {
    return [...firstOf<Tensor>(this, "parameter")];
  }

  parameters(): Tensor[] {
    return this.namedParameters().map(([, value]) => value);
  }

  /** Buffers (running statistics) with their paths. */
  namedBuffers(): [string, Tensor][] {
    return [...firstOf<Tensor>(this, "buffer")];
  }

  /** This module (path "") and all inside it, outermost first, each once. */
  namedModules(): [string, Module][] {
    return [...firstOf<Module>(this, "module")];
  }

  /** How many numbers are learnt, shared ones counted once. */
  get parameterCount(): number {
    return this.parameters().reduce((count, one) => count + one.size, 0);
  }

  /** Sets the training mode here and in all modules inside. */
  train(training = true): this {
    for (const [, module] of this.namedModules()) module.training = training;
    return this;
  }

  /** Sets the inference mode here and in all modules inside. */
  eval(): this {
    return this.train(false);
  }

  /** Freezes (false) or unfreezes all parameters inside; they stay parameters. */
  setRequiresGrad(requiresGrad: boolean): this {
    for (const one of this.parameters()) {
      parameter(one);
      one.requiresGrad = requiresGrad;
    }
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const one of this.parameters()) one.grad = null;
  }

  /**
   * Parameters and buffers by path, a shared one under each of its names. A snapshot: later updates do not change it.
   */
  stateDict(): StateDict {
    return Object.fromEntries([...this.state()].map(([name, value]) => [name, value.detach()]));
  }

  /**
   * Takes over the values of a state dictionary, or of what JSON keeps of one, all or nothing.
   * @param options `strict: false` accepts missing and unexpected names, and returns them.
   * @throws StateError that lists every missing and unexpected name, wrong shape and wrong dtype.
   */
  loadStateDict(state: SavedState, options: LoadOptions = {}): LoadResult {
    return loadInto(this.state(), state, options, `${this.constructor.name}.loadStateDict`);
  }

  private state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const { path, value, role } of walk(this)) if (role !== "module") state.set(path, value as Tensor);
    return state;
  }

  /** The tree of modules, as PyTorch prints it. */
  toString(): string {
    return treeOf(this, new Set());
  }

  [INSPECT](): string {
    return this.toString();
  }
}

/** A module of one tensor to one tensor: what Sequential and fit take. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** Paths of the modules inside a module; good for one graph, as fields may change between two. */
let paths = new WeakMap<Module, ReadonlyMap<Module, string>>();

function pathsInside(module: Module): ReadonlyMap<Module, string> {
  let inside = paths.get(module);
  if (inside === undefined) {
    inside = new Map(module.namedModules().map(([path, one]) => [one, path]));
    paths.set(module, inside);
  }
  return inside;
}

setScopeNaming({
  nameOf(entry, parent) {
    return entry instanceof Module && parent instanceof Module ? (pathsInside(parent).get(entry) ?? null) : null;
  },
  // A graph asks for this before it asks for the names of modules.
  parameterNames(root) {
    paths = new WeakMap();
    const named = root instanceof Module ? root.namedParameters() : [];
    return new Map(named.map(([name, value]) => [value, name]));
  },
});
