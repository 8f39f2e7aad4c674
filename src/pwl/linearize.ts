/** Reading a net at one input: which gates are active, which affine map it is there, and where that stops being true. */

import { fromArray, type Tensor } from "../graph/tensor.js";
import { type HalfSpaces, halfSpacesOf, type NearestCrease, nearestCrease } from "./halfspaces.js";
import { LocalMap } from "./local.js";
import type { PwlNet } from "./net.js";
import { ActivationPattern, packPattern, patternLayout } from "./pattern.js";
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
    this.onCrease = decision.creases.length > 0 || !forwardAgrees;
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
