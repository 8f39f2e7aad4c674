import type { DType } from "../array/dtype.js";
import { formatShape, type Shape } from "../array/shape.js";
import { TraceError, ValueError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { counted, INSPECT, printsAs } from "../base/shown.js";
import { type Attributes, NO_ATTRIBUTES, type Op } from "./making.js";
import { beside, checkFunction, mode, synchronous, withMode } from "./modes.js";
import { sharedView } from "./new-tensor.js";
import { currentScope, type ScopeFrame } from "./scope.js";
import { rememberSite } from "./site.js";
import { Tensor } from "./tensor.js";

/** What a node is to the traced function. */
export type Role = "input" | "parameter" | "constant" | "op";

/** One call of a module or of a composed op; nodes made by the same call share the object. */
export interface ScopeCall {
  readonly label: string;
  readonly kind: "module" | "composed";
}

/** One step of a recorded computation. Nodes are immutable but for `gradient`, which a drawing may fill in. */
export interface GraphNode {
  /** Its place in `graph.nodes`, which is an order in which every node comes after its inputs. */
  readonly id: number;
  readonly role: Role;
  /** Null unless the role is "op". */
  readonly op: Op | null;
  readonly attrs: Attributes;
  /** Whether an op was recorded before the traced function ran: nothing that varies reaches it, its value is fixed. */
  readonly outside: boolean;
  readonly inputs: readonly GraphNode[];
  readonly shape: Shape;
  readonly dtype: DType;
  /** The value computed while tracing. */
  readonly value: Tensor;
  gradient: Tensor | null;
  readonly name: string;
  /** Modules and composed ops around it, outermost first. */
  readonly scope: readonly string[];
  /** The calls behind `scope`, one to one. */
  readonly calls: readonly ScopeCall[];
  /** The user's line, `file:line:column`; null where unknown. */
  readonly site: string | null;
}

/** The directed acyclic graph of one computation, as data. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphNode[];
  /** Leaves that require a gradient and are no inputs. */
  readonly parameters: readonly GraphNode[];
  readonly outputs: readonly GraphNode[];
}

interface Note {
  readonly scope: readonly ScopeFrame[];
  readonly site: () => string | null;
}

export type TraceResult = Tensor | readonly Tensor[];

/** Turns scope entries that are modules into their paths; nn/module.ts provides it, so that graph/ knows no modules. */
export interface ScopeNaming {
  /** The label of a module in its parent, such as "0" or "encoder"; null for the outermost. */
  nameOf(entry: object, parent: object | null): string | null;
  /** Names of parameters of the outermost module met, such as "0.weight". */
  parameterNames(root: object): ReadonlyMap<Tensor, string>;
}

let naming: ScopeNaming = { nameOf: () => null, parameterNames: () => new Map() };

export function setScopeNaming(provider: ScopeNaming): void {
  naming = provider;
}

export interface TraceOptions {
  /** Also run backward from the (summed) output and keep every node's gradient, for drawings. */
  gradients?: boolean;
  /** Note the user's line of every op (default); without, tracing costs a fraction. */
  sites?: boolean;
}

/** Differentiates for `trace(..., { gradients: true })`; autodiff/trace-gradients.ts provides it. */
export type GradientFiller = (outputs: readonly Tensor[], nodes: readonly Tensor[]) => ReadonlyMap<Tensor, Tensor>;

let fillGradients: GradientFiller = () => new Map();

export function setGradientFiller(filler: GradientFiller): void {
  fillGradients = filler;
}

/**
 * The graph of one run of `fn` on `inputs` (tensors): every op is recorded, whether or not it needs a gradient.
 * Control flow is the host language's, so the graph holds the branch that was taken. A value that was recorded before, from
 * tensors that require a gradient, is shown with its history (`outside` nodes); it is what it was then, whatever the inputs.
 * @throws TraceError where `fn` returns a promise or something other than tensors.
 */
export function trace(fn: (...inputs: Tensor[]) => TraceResult, ...args: (Tensor | TraceOptions)[]): Graph {
  checkFunction(fn, "trace");
  const last = args[args.length - 1];
  const hasOptions = typeof last === "object" && last !== null && !(last instanceof Tensor) && !Array.isArray(last);
  const options: TraceOptions = hasOptions ? last : {};
  checkOptions(options, ["gradients", "sites"], "trace");
  const given = (hasOptions ? args.slice(0, -1) : args) as Tensor[];
  for (const input of given) {
    if (!(input instanceof Tensor)) {
      throw new ValueError(`trace: inputs are tensors, got ${String(input)}; make a tensor of it with tensor(...)`);
    }
  }
  // Inputs are fresh leaves: what made the given ones is not part of the function.
  const inputs = given.map((input, i) => {
    const leaf = sharedView(input, input.shape);
    leaf.requiresGrad = input.requiresGrad || (options.gradients === true && input.dtype !== "int32");
    leaf.name = input.name || (given.length === 1 ? "x" : `x${i}`);
    mode.observer?.assigned?.(leaf, input);
    return leaf;
  });
  const notes = new Map<Tensor, Note>();
  const siteNow = options.sites === false ? () => noSite : rememberSite;
  const results = withMode(
    {
      observer: beside({
        recordsAll: true,
        made: (result) => {
          notes.set(result, { scope: currentScope(), site: siteNow() });
        },
      }),
    },
    () => outputsOf(synchronous(fn(...inputs), "trace")),
  );
  return graphOf(results, inputs, notes, options.gradients ?? false);
}

const noSite = () => null;

function outputsOf(result: TraceResult): readonly Tensor[] {
  const outputs = result instanceof Tensor ? [result] : result;
  if (!Array.isArray(outputs) || outputs.length === 0 || !outputs.every((one) => one instanceof Tensor)) {
    throw new TraceError(
      `trace: the function returned ${Array.isArray(result) ? "a list with something else" : String(result)}; return a tensor or a list of tensors`,
    );
  }
  return outputs;
}

/** The graph behind tensors that were recorded by themselves (define by run): what led to `outputs`. */
export function recordedGraph(...outputs: Tensor[]): Graph {
  return graphOf(outputs, [], new Map(), false);
}

const NONE: readonly never[] = Object.freeze([]);

/** A class, because a million literals with an accessor each take ten times as long. */
class TracedNode implements GraphNode {
  readonly id: number;
  readonly role: Role;
  readonly op: Op | null;
  readonly attrs: Attributes;
  readonly outside: boolean;
  readonly inputs: readonly GraphNode[];
  readonly shape: Shape;
  readonly dtype: DType;
  readonly value: Tensor;
  gradient: Tensor | null = null;
  name = "";
  readonly scope: readonly string[];
  readonly calls: readonly ScopeCall[];
  private readonly note: Note | null;

  constructor(
    id: number,
    role: Role,
    tensor: Tensor,
    inputs: readonly GraphNode[],
    calls: readonly ScopeCall[],
    note: Note | null,
    traced: boolean,
  ) {
    const isOp = role === "op";
    this.id = id;
    this.role = role;
    this.op = isOp ? tensor.op : null;
    this.attrs = isOp ? tensor.attrs : NO_ATTRIBUTES;
    this.outside = isOp && traced && note === null;
    this.inputs = inputs;
    this.shape = tensor.shape;
    this.dtype = tensor.dtype;
    this.value = tensor;
    this.scope = calls.length === 0 ? NONE : calls.map((call) => call.label);
    this.calls = calls;
    this.note = note;
  }

  get site(): string | null {
    return this.note === null ? null : this.note.site();
  }

  toString(): string {
    const name = this.name === "" ? "" : ` ${JSON.stringify(this.name)}`;
    const from = this.op === null ? "" : `(${this.inputs.map(({ id }) => `%${id}`).join(", ")})`;
    return `GraphNode { %${this.id} ${this.op?.name ?? this.role}${from}${name}, ${this.dtype}${formatShape(this.shape)} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }
}

function graphOf(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  notes: ReadonlyMap<Tensor, Note>,
  withGradients: boolean,
): Graph {
  const inputSet = new Set(inputs);
  const tensors = inOrder(outputs, inputs);
  const gradients = withGradients ? fillGradients(outputs, tensors) : null;
  const root = outermostModule(notes);
  const names = root === null ? new Map<Tensor, string>() : naming.parameterNames(root);
  const nodes = new Map<Tensor, GraphNode>();
  const paths = new Map<object, string>();
  const callOf = new Map<ScopeFrame, ScopeCall>();
  tensors.forEach((tensor, id) => {
    const isInput = inputSet.has(tensor);
    const note = notes.get(tensor) ?? null;
    const calls = note === null || note.scope.length === 0 ? NONE : scopeCalls(note.scope, paths, callOf);
    const own = tensor.op !== null ? "op" : tensor.requiresGrad || names.has(tensor) ? "parameter" : "constant";
    const node = new TracedNode(
      id,
      isInput ? "input" : own,
      tensor,
      isInput || tensor.op === null ? NONE : tensor.inputs.map((input) => nodes.get(input) as GraphNode),
      calls,
      note,
      inputs.length > 0,
    );
    node.gradient = gradients?.get(tensor) ?? tensor.grad;
    node.name = tensor.name || (names.get(tensor) ?? "");
    nodes.set(tensor, node);
  });
  const all = [...nodes.values()];
  const graph: Graph = {
    nodes: all,
    inputs: inputs.map((input) => nodes.get(input) as GraphNode),
    parameters: all.filter((node) => node.role === "parameter" && !inputSet.has(node.value)),
    outputs: outputs.map((output) => nodes.get(output) as GraphNode),
  };
  return printsAs(graph, describeGraph);
}

/** A graph in one line. */
function describeGraph({ nodes, inputs, parameters, outputs }: Graph): string {
  const typed = (list: readonly GraphNode[]) =>
    list.map((node) => `${node.name || node.op?.name || node.role} ${node.dtype}${formatShape(node.shape)}`).join(", ");
  const read = inputs.length === 0 ? "no inputs" : typed(inputs);
  return `Graph { ${read} → ${typed(outputs)}, ${counted(nodes.length, "node")}, ${counted(parameters.length, "parameter")}; graphText(graph) lists them }`;
}

/** Everything that `outputs` depend on, inputs of each before itself, in the order in which it was made. */
function inOrder(outputs: readonly Tensor[], inputs: readonly Tensor[]): readonly Tensor[] {
  const seen = new Set<Tensor>(inputs);
  const found: Tensor[] = [...inputs];
  for (const output of outputs) {
    if (!seen.has(output)) {
      seen.add(output);
      found.push(output);
    }
  }
  for (let next = inputs.length; next < found.length; next++) {
    if (found[next].isReleased) {
      throw new TraceError(
        `the graph behind ${found[next].name || `a tensor of shape ${formatShape(found[next].shape)}`} was released by backward, so there is nothing to show; keep it with backward({ retainGraph: true })`,
      );
    }
    for (const input of found[next].inputs) {
      if (!seen.has(input)) {
        seen.add(input);
        found.push(input);
      }
    }
  }
  return found.sort((a, b) => a.id - b.id);
}

function outermostModule(notes: ReadonlyMap<Tensor, Note>): object | null {
  for (const { scope } of notes.values()) {
    for (const { entry } of scope) if (typeof entry === "object") return entry;
  }
  return null;
}

/** Labels such as "0: Linear" and "conv2d"; a module's label is its field in the module around it. */
function scopeCalls(
  scope: readonly ScopeFrame[],
  paths: Map<object, string>,
  callOf: Map<ScopeFrame, ScopeCall>,
): readonly ScopeCall[] {
  let parent: object | null = null;
  return scope.map((frame) => {
    const { entry } = frame;
    let call = callOf.get(frame);
    if (call === undefined) {
      call =
        typeof entry === "string"
          ? { label: entry, kind: "composed" }
          : { label: moduleLabel(entry, parent, paths), kind: "module" };
      callOf.set(frame, call);
    }
    if (typeof entry === "object") parent = entry;
    return call;
  });
}

function moduleLabel(module: object, parent: object | null, paths: Map<object, string>): string {
  let label = paths.get(module);
  if (label === undefined) {
    const field = naming.nameOf(module, parent);
    const type = module.constructor.name;
    label = field === null ? type : `${field}: ${type}`;
    paths.set(module, label);
  }
  return label;
}

/** Whether something watches the ops now, so that user code inside may behave as traced. */
export function isTracing(): boolean {
  return mode.observer?.recordsAll ?? false;
}
