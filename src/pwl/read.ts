/**
 * From what users hold (a module, a function, a graph) to a PwlNet: the function is traced twice, on different inputs, and
 * must do the same both times; a value of the input that it reads is found in the act.
 */

import { checkDtype, type DType, newArray } from "../array/dtype.js";
import { checkShape, formatShape, type Shape, sizeOf } from "../array/shape.js";
import { AxisError, OptionError, PiecewiseLinearError, ShapeError } from "../base/errors.js";
import { checkOptions } from "../base/options.js";
import { shown } from "../base/shown.js";
import { copyOf, fromArray } from "../graph/new-tensor.js";
import { callSite } from "../graph/site.js";
import { observeReads, type Tensor } from "../graph/tensor.js";
import { type Graph, type TraceResult, trace } from "../graph/trace.js";
import { type Lowered, type LoweringObserver, lowerGraph } from "./lower.js";
import type { PwlNet } from "./net.js";
import { type GraphDifference, GraphRecord } from "./same-graph.js";

/** One input of a function, without a batch axis. */
export interface InputSpec {
  readonly shape: Shape;
  /** float32 unless told. */
  readonly dtype?: DType;
  readonly name?: string;
}

/** A module, or anything else with a `forward`. */
export interface Forward {
  forward(...inputs: Tensor[]): TraceResult;
}

/** A function of tensors, as code. */
export type TensorFunction = Forward | ((...inputs: Tensor[]) => TraceResult);

/** Whatever can be read as a piecewise-linear function. */
export type Readable = TensorFunction | Graph | PwlNet;

/**
 * The canonical form of a piecewise-linear function, as plain data.
 *
 * A function or module is run on inputs of exactly the declared shape; where that raises a ShapeError or AxisError (a
 * convolution wants images [N, C, H, W]), on inputs with a batch axis of 1 in front, which the net then does not have.
 * A graph of `trace` is taken as it is.
 *
 * Tensors that the function only reads are constants, parameters too: the net is that of their present values. But a
 * result that was recorded before the function ran (it requires a gradient) is refused, because it may come from the same
 * input; compute it inside, or `detach()` it.
 *
 * @param spec the input, or a list of them for a function of several.
 * @throws PiecewiseLinearError naming op, line and remedy where the function is not piecewise linear, reads a value that
 *   depends on its input, is random, or holds NaN.
 */
export function lower(f: Graph): PwlNet;
export function lower(f: TensorFunction, spec: InputSpec | readonly InputSpec[]): PwlNet;
export function lower(f: TensorFunction | Graph, spec?: InputSpec | readonly InputSpec[]): PwlNet {
  if (isPwlNet(f as Readable)) {
    throw new PiecewiseLinearError("lower: this is a PwlNet already; use it as it is");
  }
  requireReadable(f, "lower");
  if (isGraph(f)) {
    if (spec === undefined) return lowerGraph(f).net;
    throw new PiecewiseLinearError("lower: a graph knows its inputs; leave the shape out, or pass the function");
  }
  if (spec === undefined) {
    throw new PiecewiseLinearError(
      "lower: a function's input is not known: pass its shape, such as lower(net, { shape: [2] }), or a list for several inputs",
    );
  }
  return readFunction(f, examples(spec)).lowered.net;
}

/** Any point of the declared inputs. */
export function examples(spec: InputSpec | readonly InputSpec[]): readonly Tensor[] {
  if (Array.isArray(spec) && (spec.length === 0 || typeof spec[0] === "number")) {
    throw new OptionError(`lower: expected { shape: [...] } or a list of such, got ${shown(spec)}`);
  }
  return (Array.isArray(spec) ? spec : [spec]).map((one, i) => example(one, i));
}

export function isGraph(f: Readable): f is Graph {
  return typeof f === "object" && f !== null && "nodes" in f && "outputs" in f && Array.isArray((f as Graph).inputs);
}

/** Whether `f` looks like a net; what takes one then checks it. */
export function isPwlNet(f: Readable): f is PwlNet {
  return typeof f === "object" && f !== null && "layers" in f && "output" in f && "inputSize" in f;
}

/** Raises where `f` is nothing that can be read. */
export function requireReadable(f: Readable, where: string): void {
  const isClass = typeof f === "function" && Object.getOwnPropertyDescriptor(f, "prototype")?.writable === false;
  if (isClass) {
    throw new PiecewiseLinearError(`${where}: ${f.name} is a class; pass a module made of it: new ${f.name}(…)`);
  }
  if (typeof f === "function" || isGraph(f) || isPwlNet(f)) return;
  if (typeof (f as Forward | undefined)?.forward === "function") return;
  const hint = (f as unknown) instanceof Promise ? "; await it first" : "";
  throw new PiecewiseLinearError(
    `${where}: expected a function of tensors, a module (anything with forward), a graph of trace, or a PwlNet, got ${shown(f)}${hint}`,
  );
}

/** An input whose shape was not given as such, but follows from what was. */
export interface DeclaredInput {
  readonly shape: Shape;
  /** What it follows from, and what to do where the function takes another. */
  readonly by: string;
  readonly remedy: string;
}

/** The net that `f` is, or that its graph is, or that it is as a function of the declared input. */
export function readNet(f: Readable, where: string, declared: () => DeclaredInput): PwlNet {
  requireReadable(f, where);
  if (isPwlNet(f)) return f;
  if (isGraph(f)) return lower(f);
  const { shape, by, remedy } = declared();
  try {
    return lower(f, { shape });
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(`${where}: ${by}, but ${error.message}\n${remedy}`, { cause: error });
  }
}

/** A function that was traced and lowered. */
export interface Reading {
  readonly lowered: Lowered;
  /** The trace on the inputs given. */
  readonly graph: Graph;
  /**
   * Traces the function on other inputs of the same shapes; the graph has the same nodes.
   * @throws PiecewiseLinearError where the function did something else, or its parameters have changed.
   */
  traceAgain(inputs: readonly Tensor[]): Graph;
  /** The same, but null where `traceAgain` raises because something differs. */
  traceIfSame(inputs: readonly Tensor[]): Graph | null;
}

export interface ReadOptions {
  readonly observer?: LoweringObserver;
  /**
   * Whether `net.rounded` and errors name the user's lines (default). Without, tracing costs a fraction; where an error
   * arises, all is done again with lines, so that errors are the same.
   */
  readonly sites?: boolean;
}

/** Traces a function on inputs without batch axis, and lowers it. */
export function readFunction(f: TensorFunction, inputs: readonly Tensor[], options: ReadOptions = {}): Reading {
  requireReadable(f, "lower");
  if (typeof f === "function" && f.length > inputs.length) {
    throw new PiecewiseLinearError(
      `lower: the function takes ${f.length} inputs, ${inputs.length} ${inputs.length === 1 ? "is" : "are"} declared: pass one { shape } for each`,
    );
  }
  const fn: Traced = typeof f === "function" ? f : (...xs) => f.forward(...xs);
  try {
    return readTraced(fn, inputs, options);
  } catch (error) {
    if (!(error instanceof PiecewiseLinearError) || options.sites !== false) throw error;
    return readTraced(fn, inputs, { ...options, sites: true });
  }
}

type Traced = (...inputs: Tensor[]) => TraceResult;

function readTraced(fn: Traced, inputs: readonly Tensor[], { observer, sites = true }: ReadOptions): Reading {
  let batched = false;
  let graph: Graph;
  try {
    graph = traceGuarded(fn, inputs, sites);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof AxisError)) throw error;
    batched = true;
    graph = traceBatched(fn, inputs, sites, error);
  }
  const lowered = lowerGraph(graph, batched, observer ?? null);
  const record = new GraphRecord(graph);
  const traceOthers = (others: readonly Tensor[]) =>
    traceGuarded(fn, batched ? others.map(withBatchAxis) : others, false);
  const traceAgain = (others: readonly Tensor[]): Graph => {
    const other = traceOthers(others);
    const difference = record.difference(other);
    if (difference !== null) refuseDifference(difference);
    return other;
  };
  traceAgain(inputs.map(otherValues));
  const traceIfSame = (others: readonly Tensor[]): Graph | null => {
    const other = traceOthers(others);
    return record.difference(other) === null ? other : null;
  };
  return { lowered, graph, traceAgain, traceIfSame };
}

function refuseDifference({ what, node }: GraphDifference): never {
  const site = node?.site ?? null;
  const at = node === null ? "" : ` (read by ${node.op?.name ?? node.role}${site === null ? "" : ` at ${site}`})`;
  throw new PiecewiseLinearError(
    `lower: two runs of the function differ: ${what}${at}; what is lowered must do the same for every input: call eval() where a module is training, keep no state, and decide by relu, maximum, clamp or where on constants`,
  );
}

/** The last reading of each function. */
const readings = new WeakMap<object, { shapes: string; reading: Reading }>();

/**
 * A reading and the trace on these inputs, for repeated questions about one function: it is traced, and lowered again
 * only if it did not do what it did last time, on the same constants. No lines are noted.
 */
export function readAgain(f: TensorFunction, inputs: readonly Tensor[]): Reading {
  const shapes = inputs.map(({ shape, dtype }) => `${dtype}${formatShape(shape)}`).join(" ");
  const known = readings.get(f);
  if (known !== undefined && known.shapes === shapes) {
    const graph = known.reading.traceIfSame(inputs);
    if (graph !== null) return { ...known.reading, graph };
  }
  const reading = readFunction(f, inputs, { sites: false });
  readings.set(f, { shapes, reading });
  return reading;
}

/** With a batch axis, or the error that the function raised without. */
function traceBatched(fn: Traced, inputs: readonly Tensor[], sites: boolean, first: Error): Graph {
  try {
    return traceGuarded(fn, inputs.map(withBatchAxis), sites);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof AxisError)) throw error;
    const shapes = inputs.map(({ shape }) => formatShape(shape)).join(", ");
    throw new ShapeError(
      `the function does not take inputs of the declared shape ${shapes}: ${first.message}\nnor with a batch axis of 1 in front: ${error.message}`,
      { cause: first },
    );
  }
}

/** Traces, and stops where user code reads a value that depends on the inputs. */
function traceGuarded(fn: Traced, inputs: readonly Tensor[], sites: boolean): Graph {
  let leaves: ReadonlySet<Tensor> = new Set();
  const previous = observeReads((read) => {
    if (!dependsOn(read, leaves)) return;
    const site = callSite();
    throw new PiecewiseLinearError(
      `lower: the function reads a value that depends on its input (item(), data or toArray() of ${read.op === null ? "the input" : `what ${read.op.name} gave`})${site === null ? "" : ` at ${site}`}: what it decides by it would be lost; decide by relu, maximum, clamp, or where on constants`,
    );
  });
  try {
    const recorded = (...traced: Tensor[]): TraceResult => {
      leaves = new Set(traced);
      return fn(...traced);
    };
    return trace(recorded, ...inputs, { sites });
  } finally {
    observeReads(previous);
  }
}

function dependsOn(tensor: Tensor, leaves: ReadonlySet<Tensor>): boolean {
  const found = new Set([tensor]);
  for (const one of found) {
    if (leaves.has(one)) return true;
    for (const input of one.inputs) found.add(input);
  }
  return false;
}

function withBatchAxis(x: Tensor): Tensor {
  return named(fromArray(copyOf(x), x.dtype, [1, ...x.shape]), x.name);
}

/** Another point of the same shape and dtype, for the second run. */
function otherValues(x: Tensor): Tensor {
  const values = copyOf(x);
  for (let i = 0; i < values.length; i++) values[i] = values[i] * -0.5 + (i % 7) / 4 - 0.6;
  return named(fromArray(values, x.dtype, x.shape), x.name);
}

/** Any point of a declared input. */
function example(spec: InputSpec, index: number): Tensor {
  checkOptions(spec, ["shape", "dtype", "name"], `lower: input ${index}`);
  const { shape, name } = spec;
  const dtype = spec.dtype === undefined ? "float32" : checkDtype(spec.dtype, `lower: input ${index}`);
  checkShape(shape, `lower: input ${index}`);
  const values = newArray(dtype, sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = ((i * 7) % 11) / 8 - 0.5;
  return named(fromArray(values, dtype, Object.freeze([...shape])), name ?? "");
}

function named(x: Tensor, name: string): Tensor {
  x.name = name;
  return x;
}
