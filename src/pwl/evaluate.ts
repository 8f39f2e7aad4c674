/**
 * A PwlNet's value and gate states at a point, in doubles. Gates select: a relu gives its argument itself or 0, a maximum
 * its winner itself, so huge and infinite arguments stay what they are.
 */

import { ShapeError } from "../base/errors.js";
import { applyAffine } from "./blocks.js";
import { type GateLayer, gateCount, type HingeLayer, type MaxLayer, type PwlNet } from "./net.js";
import { packPattern, patternLayout } from "./pattern.js";

/** What a net computes at one point. */
export interface Evaluation {
  /** The net's output, flattened. */
  readonly output: Float64Array;
  /** Each layer's arguments, before its gates. */
  readonly preactivations: readonly Float64Array[];
  /** sources[0] is the input, sources[k] the output of layers[k - 1]. */
  readonly sources: readonly Float64Array[];
  /** Each layer's states: 1 iff active of a hinge, the winner's index in its group of a maximum. By floating point. */
  readonly states: readonly Int32Array[];
}

/**
 * Evaluates a net at x (all inputs flattened, in order) in double precision, with everything in between.
 *
 * @throws ShapeError when x has not `net.inputSize` numbers.
 */
export function evaluate(net: PwlNet, x: ArrayLike<number>): Evaluation {
  const sources: Float64Array[] = [inputVector(net, x)];
  const preactivations: Float64Array[] = [];
  const states: Int32Array[] = [];
  for (const layer of net.layers) {
    const argument = applyAffine(layer.argument, sources);
    const state = gateStates(layer, argument);
    preactivations.push(argument);
    states.push(state);
    sources.push(gateValues(layer, argument, state));
  }
  return { output: applyAffine(net.output, sources), preactivations, sources, states };
}

/** The packed activation pattern at x, by floating point; `linearize` decides the same signs exactly. */
export function floatPattern(net: PwlNet, x: ArrayLike<number>): Uint32Array {
  return packPattern(patternLayout(net), evaluate(net, x).states);
}

/** A layer's states for its arguments: active iff `a > t`; the first of equal largest arguments wins. */
export function gateStates(layer: GateLayer, argument: Float64Array): Int32Array {
  const states = new Int32Array(gateCount(layer));
  if (layer.kind === "hinge") {
    for (let i = 0; i < states.length; i++) states[i] = argument[i] > layer.threshold[i] ? 1 : 0;
  } else {
    for (let g = 0; g < states.length; g++) states[g] = winner(layer, argument, g);
  }
  return states;
}

/** A layer's outputs for its arguments, each gate in the given state. */
export function gateValues(layer: GateLayer, argument: Float64Array, states: Int32Array): Float64Array {
  const values = new Float64Array(states.length);
  if (layer.kind === "hinge") {
    for (let i = 0; i < values.length; i++) values[i] = hingeValue(layer, i, argument[i], states[i]);
  } else {
    for (let g = 0; g < values.length; g++) values[g] = argument[layer.starts[g] + states[g]];
  }
  return values;
}

/** The slope of hinge i in a state. */
export function hingeSlope(layer: HingeLayer, i: number, state: number): number {
  return state === 1 ? layer.hi[i] : layer.lo[i];
}

/** `t + slope · (a - t)`, where slope 1 gives a itself and slope 0 gives t itself; NaN stays NaN. */
function hingeValue(layer: HingeLayer, i: number, a: number, state: number): number {
  const slope = hingeSlope(layer, i, state);
  if (slope === 1 || Number.isNaN(a)) return a;
  const t = layer.threshold[i];
  return slope === 0 ? t : t + slope * (a - t);
}

/** The first largest argument of a group, as an index in the group; a NaN wins over all, as it does in the forward pass. */
function winner({ starts }: MaxLayer, argument: Float64Array, group: number): number {
  let best = starts[group];
  for (let at = best + 1; at < starts[group + 1] && !Number.isNaN(argument[best]); at++) {
    if (argument[at] > argument[best] || Number.isNaN(argument[at])) best = at;
  }
  return best - starts[group];
}

/** x as a new Float64Array, after checking its length. */
export function inputVector(net: PwlNet, x: ArrayLike<number>): Float64Array {
  if (x.length !== net.inputSize) {
    const declared = net.inputs.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ");
    throw new ShapeError(
      `the input has ${x.length} numbers, but the net reads ${net.inputSize} (${declared}): pass all inputs of one point, flattened and in this order`,
    );
  }
  return Float64Array.from(x);
}
