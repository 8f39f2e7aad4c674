import { apply } from "../graph/apply.js";
import type { GradientRule, Op } from "../graph/making.js";
import { noGrad } from "../graph/modes.js";
import type { Tensor } from "../graph/tensor.js";
import type { Graph, GraphNode } from "../graph/trace.js";
import { full, ones } from "../ops/create.js";
import { broadcastTo } from "../ops/reduce.js";

/**
 * Which units of a gate are active, read from its own gradient rule at the recorded values: so it holds for any gate,
 * also a user's, and agrees with what backward does, at the kink too.
 *
 * - A gate of one argument is active where it passes its argument on: slope other than 0 (relu where z > 0, a clamp
 *   strictly between its bounds). Where no side has slope 0 (leaky relu, abs), it is active above its kink.
 * - A gate that chooses among arguments (maximum, max, max-pool) has the winner as its state.
 */
export interface GateReading {
  readonly node: GraphNode;
  readonly kind: "hinge" | "choice";
  /** Inputs in the batch; 1 where there is no batch axis. */
  readonly batch: number;
  /** Units for each input in the batch. */
  readonly units: number;
  /** Shape of the units. */
  readonly unitShape: readonly number[];
  /** [batch × units]: 1 active, 0 inactive; or the winner's index among what competes. */
  readonly states: Int32Array;
  /** How many can win, at most; 2 states of a hinge. */
  readonly choices: number;
  /** For each input of the node, whether any unit passes any of it on. */
  readonly passes: readonly boolean[];
  /** For max and max-pool: how many places of the argument win somewhere, and of how many. */
  readonly winners: { readonly count: number; readonly of: number } | null;
}

/** Reads every gate of a graph. @param batched whether axis 0 of gates with two or more axes counts inputs. */
export function readGates(graph: Graph, batched: boolean): ReadonlyMap<GraphNode, GateReading> {
  const readings = new Map<GraphNode, GateReading>();
  for (const node of graph.nodes) {
    const { op } = node;
    if (op?.kind !== "gate" || node.value.size === 0 || (op.scalar === null && op.competition === null)) continue;
    readings.set(node, readGate(node, op, batched));
  }
  return readings;
}

function readGate(node: GraphNode, op: Op, batched: boolean): GateReading {
  const batch = batched && node.shape.length >= 2 ? node.shape[0] : 1;
  const unitShape = batched && node.shape.length >= 2 ? node.shape.slice(1) : node.shape;
  const common = { node, batch, unitShape, units: node.value.size / batch };
  if (op.competition !== null) return { ...common, ...readSelection(node, op.competition) };
  const inputs = node.inputs.map((input) => input.value);
  const slopes = inputs.map((_, index) => slopesOf(op, inputs, node.value, node, index));
  const passes = slopes.map((values) => values.some((slope) => slope !== 0));
  const arguments_ = argumentsOf(node);
  if (arguments_.length === 1) {
    const [argument] = arguments_;
    return {
      ...common,
      kind: "hinge",
      states: hingeStates(node, op, argument, slopes[argument]),
      choices: 2,
      passes,
      winners: null,
    };
  }
  const states = Int32Array.from({ length: node.value.size }, (_, unit) => {
    const winner = arguments_.findIndex((argument) => slopes[argument][unit] !== 0);
    return Math.max(winner, 0);
  });
  return { ...common, kind: "choice", states, choices: arguments_.length, passes, winners: null };
}

/** The inputs that a gate decides on: computed values and inputs of the function; failing these parameters, then all. */
function argumentsOf(node: GraphNode): number[] {
  for (const roles of [["op", "input"], ["parameter"]]) {
    const found = node.inputs.flatMap((input, index) => (roles.includes(input.role) ? [index] : []));
    if (found.length > 0) return found;
  }
  return node.inputs.map((_, index) => index);
}

function ruleOf(op: Op, index: number): GradientRule | null {
  return typeof op.rules === "function" ? op.rules(index) : op.rules[index];
}

/** The slope of every output element with respect to input `index`, before any un-broadcasting. */
function slopesOf(
  op: Op,
  inputs: readonly Tensor[],
  value: Tensor,
  node: GraphNode,
  index: number,
): ArrayLike<number> & number[] {
  const rule = ruleOf(op, index) as ((dy: Tensor, ...rest: unknown[]) => Tensor) | null;
  if (rule === null) return new Array(value.size).fill(0);
  return noGrad(() => {
    const slopes = rule(ones(value.shape, { dtype: value.dtype }), ...inputs, value, node.attrs);
    return Array.from(broadcastTo(slopes, value.shape).data);
  });
}

/** Beyond every kink, on either side. */
const FAR = 1e30;

function hingeStates(node: GraphNode, op: Op, argument: number, slopes: readonly number[]): Int32Array {
  const farSlopes = (z: number): readonly number[] => {
    const inputs = node.inputs.map(({ value }, i) =>
      i === argument ? full(value.shape, z, { dtype: value.dtype }) : value,
    );
    return slopesOf(
      op,
      inputs,
      noGrad(() => apply(op, inputs, node.attrs)),
      node,
      argument,
    );
  };
  const below = farSlopes(-FAR);
  const above = farSlopes(FAR);
  return Int32Array.from(slopes, (slope, unit) => {
    const hasSilentSide = below[unit] === 0 || above[unit] === 0;
    return (hasSilentSide ? slope !== 0 : slope === above[unit]) ? 1 : 0;
  });
}

/** Winners of a gate that selects one of several elements of its argument; the first of equal largest ones wins. */
function readSelection(
  node: GraphNode,
  competition: NonNullable<Op["competition"]>,
): Pick<GateReading, "kind" | "states" | "choices" | "passes" | "winners"> {
  const [{ shape, value }] = node.inputs;
  const { starts, indices: elements } = competition(shape, node.attrs);
  const { buffer, offset, size } = value;
  const winning = new Set<number>();
  let choices = 0;
  const states = Int32Array.from({ length: node.value.size }, (_, unit) => {
    let best = starts[unit];
    for (let k = best + 1; k < starts[unit + 1]; k++) {
      if (buffer[offset + elements[k]] > buffer[offset + elements[best]]) best = k;
    }
    winning.add(elements[best]);
    choices = Math.max(choices, starts[unit + 1] - starts[unit]);
    return best - starts[unit];
  });
  return { kind: "choice", states, choices, passes: [true], winners: { count: winning.size, of: size } };
}
