/**
 * The sides of a cell: one half-space per hinge, and one per losing argument of a maximum, in input space. The distance
 * to the nearest of them is the margin: beyond it, the affine map is another one.
 */

import { checkIndex } from "../base/options.js";
import { counted, INSPECT, listed } from "../base/shown.js";
import type { LocalMap } from "./local.js";
import { gateCount, type MaxLayer, type PwlNet } from "./net.js";
import type { Decision } from "./signs.js";

/** Which crease a side is. */
export interface CreaseId {
  /** Gate layer, counted from 0. */
  readonly layer: number;
  /** Unit of a hinge layer, group of a maximum layer. */
  readonly unit: number;
  /** Of a maximum: the losing argument's index in its group. -1 of a hinge. */
  readonly rival: number;
}

/** One side: the cell lies where `normal · x + offset >= 0`. */
export interface HalfSpace extends CreaseId {
  readonly normal: Float64Array;
  readonly offset: number;
  /** Whether the cell leaves its boundary to the neighbour: `> 0` instead of `>= 0`. */
  readonly strict: boolean;
}

/** All sides of a cell, redundant ones included; gates that are constant in the cell have none. */
export class HalfSpaces implements Iterable<HalfSpace> {
  constructor(
    /** Numbers per normal: the input's size. */
    readonly dimension: number,
    /** length × dimension, row-major. */
    readonly normals: Float64Array,
    readonly offsets: Float64Array,
    /** Which crease each is, three numbers each: layer, unit, rival. */
    readonly creases: Int32Array,
    /** 1 where the boundary belongs to the neighbour. */
    readonly strict: Uint8Array,
  ) {}

  get length(): number {
    return this.offsets.length;
  }

  at(i: number): HalfSpace {
    checkIndex(i, this.length, "half-space");
    const { dimension, normals, offsets, creases, strict } = this;
    return {
      layer: creases[3 * i],
      unit: creases[3 * i + 1],
      rival: creases[3 * i + 2],
      normal: normals.slice(i * dimension, (i + 1) * dimension),
      offset: offsets[i],
      strict: strict[i] === 1,
    };
  }

  toString(): string {
    return `HalfSpaces { ${listed(this.length, "half-space")}, of ${counted(this.dimension, "input")} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  *[Symbol.iterator](): IterableIterator<HalfSpace> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

/** The nearest crease of a point. */
export interface NearestCrease extends CreaseId {
  /** The layer's name. */
  readonly name: string;
  /** Euclidean distance to it. */
  readonly distance: number;
  /** The nearest point on it. */
  readonly point: Float64Array;
  /** The side's normal; it points into the cell. */
  readonly normal: Float64Array;
}

/** One linear condition on a layer's arguments: `sign · (argument - threshold)` or `argument - rival's argument`. */
interface Side extends CreaseId {
  readonly argument: number;
  readonly sign: 1 | -1;
  /** The rival's place among the layer's arguments, or -1. */
  readonly against: number;
  readonly strict: boolean;
}

/** Every side of the cell of a decision, in the net's order. */
function* sidesOf(net: PwlNet, { states }: Pick<Decision, "states">): IterableIterator<Side> {
  for (let layer = 0; layer < net.layers.length; layer++) {
    const gates = net.layers[layer];
    const count = gateCount(gates);
    for (let unit = 0; unit < count; unit++) {
      const state = states[layer][unit];
      if (gates.kind === "max") yield* rivals(gates, layer, unit, state);
      else {
        const sign = state === 1 ? 1 : -1;
        yield { layer, unit, rival: -1, argument: unit, sign, against: -1, strict: state === 1 };
      }
    }
  }
}

function* rivals({ starts }: MaxLayer, layer: number, unit: number, state: number): IterableIterator<Side> {
  const first = starts[unit];
  for (let rival = 0; rival < starts[unit + 1] - first; rival++) {
    if (rival === state) continue;
    // the first of equal arguments wins: a winner must exceed those before it
    yield { layer, unit, rival, argument: first + state, sign: 1, against: first + rival, strict: rival < state };
  }
}

/** What a side's condition is, given the layer's arguments (or their derivatives, with the threshold left out). */
function conditionOf(side: Side, preactivations: readonly Float64Array[], threshold: number): number {
  const argument = preactivations[side.layer];
  return side.against < 0
    ? side.sign * (argument[side.argument] - threshold)
    : argument[side.argument] - argument[side.against];
}

function thresholdOf(net: PwlNet, side: Side): number {
  const layer = net.layers[side.layer];
  return layer.kind === "hinge" ? layer.threshold[side.unit] : 0;
}

/**
 * The sides of a cell. Costs one sweep per input or per side, whichever are fewer, and as much memory as its result:
 * sides × inputs numbers.
 */
export function halfSpacesOf(map: LocalMap): HalfSpaces {
  const { net } = map;
  const dimension = net.inputSize;
  const sides = [...sidesOf(net, map)];
  const normals = new Float64Array(sides.length * dimension);
  if (dimension < sides.length) {
    forEachColumn(map, (j, preactivations) => {
      sides.forEach((side, i) => {
        normals[i * dimension + j] = conditionOf(side, preactivations, 0);
      });
    });
  } else {
    sides.forEach((side, i) => {
      normals.set(normalOf(map, side), i * dimension);
    });
  }
  const bends = (_: Side, i: number) =>
    normals.subarray(i * dimension, (i + 1) * dimension).some((value) => value !== 0);
  const kept = sides.flatMap((side, i) => (bends(side, i) ? [{ side, i }] : []));
  const { preactivations } = map.offsets();
  return new HalfSpaces(
    dimension,
    Float64Array.from({ length: kept.length * dimension }, (_, at) => {
      return normals[kept[Math.floor(at / dimension)].i * dimension + (at % dimension)];
    }),
    Float64Array.from(kept, ({ side }) => conditionOf(side, preactivations, thresholdOf(net, side))),
    Int32Array.from(kept.flatMap(({ side }) => [side.layer, side.unit, side.rival])),
    Uint8Array.from(kept, ({ side }) => (side.strict ? 1 : 0)),
  );
}

/**
 * The nearest crease of the decided point, or null where no gate bends. Costs one sweep per input or per side, whichever
 * are fewer, and memory for one number per side.
 */
export function nearestCrease(map: LocalMap, decision: Decision): NearestCrease | null {
  const { net } = map;
  const sides = [...sidesOf(net, map)];
  const squares = new Float64Array(sides.length);
  if (net.inputSize < sides.length) {
    forEachColumn(map, (_, preactivations) => {
      sides.forEach((side, i) => {
        squares[i] += conditionOf(side, preactivations, 0) ** 2;
      });
    });
  } else {
    sides.forEach((side, i) => {
      squares[i] = normalOf(map, side).reduce((sum, value) => sum + value * value, 0);
    });
  }
  // a gate at its threshold that makes no crease here is constant around the point: its normal is rounding
  const creases = new Set(decision.creases.map(({ layer, unit, rival = -1 }) => `${layer} ${unit} ${rival}`));
  let nearest = -1;
  let distance = Number.POSITIVE_INFINITY;
  sides.forEach((side, i) => {
    if (squares[i] === 0) return;
    const depth = Math.max(0, conditionOf(side, decision.preactivations, thresholdOf(net, side)));
    if (depth === 0 && !creases.has(`${side.layer} ${side.unit} ${side.rival}`)) return;
    const reach = depth / Math.sqrt(squares[i]);
    // of creases that coincide, up to rounding, the earliest gate's: later ones bend there because it does
    if (reach < distance * (1 - 1e-12)) {
      distance = reach;
      nearest = i;
    }
  });
  if (nearest < 0) return null;
  const { layer, unit, rival } = sides[nearest];
  const normal = normalOf(map, sides[nearest]);
  const step = distance / Math.sqrt(squares[nearest]);
  const point = decision.sources[0].map((value, j) => value - step * normal[j]);
  return { layer, unit, rival, name: net.layers[layer].name, distance, point, normal };
}

/** One side's normal by one backward sweep. */
function normalOf(map: LocalMap, side: Side): Float64Array {
  const { argument } = map.net.layers[side.layer];
  const seed = new Float64Array(argument.size);
  seed[side.argument] = side.sign;
  if (side.against >= 0) seed[side.against] = -1;
  return map.pullback(argument, seed);
}

/** Every layer's arguments' derivatives by each input number: one forward sweep each. */
function forEachColumn(map: LocalMap, visit: (column: number, preactivations: readonly Float64Array[]) => void): void {
  const direction = new Float64Array(map.net.inputSize);
  for (let j = 0; j < direction.length; j++) {
    direction[j] = 1;
    visit(j, map.pushforward(direction).preactivations);
    direction[j] = 0;
  }
}
