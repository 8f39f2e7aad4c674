/** Reading a net at one input: which gates are active, which affine map it is there, and where that stops being true. */

import { INSPECT, listed } from "../base/shown.js";
import { fromArray } from "../graph/new-tensor.js";
import { type NestedArray, Tensor } from "../graph/tensor.js";
import type { Graph } from "../graph/trace.js";
import { tensor } from "../ops/create.js";
import { requireLegal } from "./check.js";
import { type HalfSpaces, halfSpacesOf, type NearestCrease, nearestCrease } from "./halfspaces.js";
import { LocalMap } from "./local.js";
import { type Lowered, lowerGraph } from "./lower.js";
import type { PwlNet } from "./net.js";
import { ActivationPattern, packPattern, patternLayout } from "./pattern.js";
import { flattened, type Point, pointOf, rowsOf, tensorsOf } from "./point.js";
import { isGraph, isPwlNet, type Readable, readAgain, readFunction, requireReadable } from "./read.js";
import { type CreaseAt, type Decision, decideStates } from "./signs.js";

/**
 * A net around one input x: `A x + b` in x's whole cell. Signs are decided exactly, relative to the PwlNet's numbers;
 * the numbers of A and b are doubles, computed with ordinary rounding.
 */
export class Linearization {
  /** Shape [...out, ...in]; [...out, n] for several inputs, which are then one vector of n numbers. float64. */
  readonly A: Tensor;
  /** Shape of the output. float64. */
  readonly b: Tensor;
  readonly pattern: ActivationPattern;
  /**
   * True when x lies on a crease, or when the forward pass, rounding, saw a gate in another state than it is in: `A` is
   * then the map of the pattern above, but not the only one that touches x, or not the one that was computed with.
   */
  readonly onCrease: boolean;
  readonly #map: LocalMap;
  readonly #decision: Decision;
  #nearest: NearestCrease | null | undefined;

  /** @param forwardAgrees whether the forward pass that matters to the caller saw every gate in its state. */
  constructor(
    readonly net: PwlNet,
    decision: Decision,
    forwardAgrees: boolean,
  ) {
    this.#decision = decision;
    this.#map = new LocalMap(net, decision.states);
    const { A, b } = this.#map.affineMap();
    const inputShape = net.inputs.length === 1 ? net.inputs[0].shape : [net.inputSize];
    this.A = fromArray(A, "float64", [...net.outputShape, ...inputShape]);
    this.b = fromArray(b, "float64", net.outputShape);
    const layout = patternLayout(net);
    this.pattern = new ActivationPattern(layout, packPattern(layout, decision.states));
    this.onCrease = decision.onCrease || !forwardAgrees;
  }

  /** The creases on which x lies exactly. Empty almost everywhere. */
  get creases(): readonly CreaseAt[] {
    return this.#decision.creases;
  }

  /** Euclidean distance from x to the nearest crease: infinite where no gate bends, 0 on a crease. Computed when called. */
  margin(): number {
    return this.nearest()?.distance ?? Number.POSITIVE_INFINITY;
  }

  /** The nearest crease, or null where no gate bends. Costs one sweep per input number or per gate, the fewer. */
  nearest(): NearestCrease | null {
    if (this.#nearest === undefined) this.#nearest = nearestCrease(this.#map, this.#decision);
    return this.#nearest;
  }

  toString(): string {
    const tensorOf = (x: Tensor): string => x.toString().replaceAll("\n", "\n     ");
    const where = this.onCrease ? ",\n  on a crease" : "";
    return `Linearization {\n  A: ${tensorOf(this.A)},\n  b: ${tensorOf(this.b)},\n  pattern: ${this.pattern.summary()}${where}\n}`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  /** The cell's sides, `normal · x + offset >= 0` each; redundant ones are included. Holds gates × inputs numbers. */
  halfspaces(): HalfSpaces {
    return halfSpacesOf(this.#map);
  }
}

/** Reads a net at one input, given flattened. */
export function linearizeNet(net: PwlNet, x: ArrayLike<number>): Linearization {
  const decision = decideStates(net, x);
  return new Linearization(net, decision, decision.floatAgrees);
}

/**
 * Reads a piecewise-linear function at ONE input x, without batch axis: the affine map `A x + b` that it is around x.
 *
 * A function or module is traced at x and lowered; `onCrease` then tells of every gate that this forward pass, in its own
 * precision, saw in another state. For many inputs use `linearizeAll`, or lower once and pass the net: for a net,
 * `onCrease` refers to evaluation in double precision.
 *
 * A function or module that is asked again is traced, and lowered again only if it, or its parameters, changed.
 *
 * Costs a few evaluations and one backward sweep per output (or forward sweep per input, if those are fewer), and memory
 * for one number per gate, beside A itself.
 *
 * @param x a tensor, numbers, or a list of tensors for a function of several inputs.
 * @throws PiecewiseLinearError where the function is not piecewise linear; ShapeError where x does not fit.
 */
export function linearize(f: Readable, x: Point): Linearization {
  requireReadable(f, "linearize");
  if (isPwlNet(f)) return linearizeNet(requireLegal(f, "linearize"), pointOf(f, x));
  if (isGraph(f)) {
    const { net } = lowerGraph(f);
    return linearizeNet(net, pointOf(net, x));
  }
  const inputs = tensorsOf(x);
  const { lowered, graph } = readAgain(f, inputs);
  return readAt(lowered, graph, inputs);
}

/** A linearization by the forward pass that `graph` recorded. */
function readAt(lowered: Lowered, graph: Graph, inputs: readonly Tensor[]): Linearization {
  const decision = decideStates(lowered.net, flattened(inputs));
  const seen = lowered.statesSeen(graph);
  const agrees = decision.states.every((states, l) => states.every((state, unit) => state === seen[l][unit]));
  return new Linearization(lowered.net, decision, agrees);
}

/** Linearizations of a batch, each computed when asked for: `at(i)` costs what `linearize` does. */
export class Linearizations implements Iterable<Linearization> {
  constructor(
    /** The one net that all of them read. */
    readonly net: PwlNet,
    readonly length: number,
    readonly at: (i: number) => Linearization,
  ) {}

  toString(): string {
    return `Linearizations { ${listed(this.length, "row")} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  *[Symbol.iterator](): IterableIterator<Linearization> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

/**
 * Reads a piecewise-linear function of one input at every row of X, which has a batch axis in front. The function is
 * lowered once; every row is one more forward pass of it and the exact reading.
 *
 * @throws PiecewiseLinearError where the function is not piecewise linear; ShapeError where X does not fit.
 */
export function linearizeAll(f: Readable, X: Tensor | NestedArray): Linearizations {
  requireReadable(f, "linearizeAll");
  const batch = X instanceof Tensor ? X : tensor(X);
  const rowAt = rowsOf(batch);
  if (isPwlNet(f) || isGraph(f)) {
    const net = isPwlNet(f) ? requireLegal(f, "linearizeAll") : lowerGraph(f).net;
    return new Linearizations(net, batch.shape[0], (i) => linearizeNet(net, pointOf(net, rowAt(i))));
  }
  const reading = readFunction(f, [rowAt(0)], { sites: false });
  return new Linearizations(reading.lowered.net, batch.shape[0], (i) => {
    const [row] = tensorsOf(rowAt(i));
    return readAt(reading.lowered, reading.traceAgain([row]), [row]);
  });
}
