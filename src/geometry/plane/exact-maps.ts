/**
 * The affine maps of a net on a cell of a slice in exact integers, as functions of the slice's coordinates (s, t). Weights
 * are doubles, so integers times a power of two; all rows of one layer share one exponent, fixed per net, and composition
 * is integer multiplication and addition. Rows are computed when asked for and kept per node of the pattern tree, so that
 * cells with a common ancestor share them. (`cell-tree/exact-rows.ts` is the counterpart for n dimensions.)
 */

import { commonExponent, scaledToNumber, signOf, toInteger } from "../../exact/dyadic.js";
import type { ExactLine, ExactPoint } from "../../exact/homogeneous.js";
import { row } from "../../pwl/blocks.js";
import type { Affine, GateLayer, HingeLayer, PwlNet } from "../../pwl/net.js";
import type { PatternTree } from "./pattern-tree.js";
import type { Slice } from "./slice.js";

/** Rows kept before all are forgotten: about 100 MB of integers. */
const MOST_ROWS = 200_000;

const ZERO: ExactLine = [0n, 0n, 0n];

/** One row of weights as integers. */
interface IntegerRow {
  readonly indices: Int32Array;
  readonly values: readonly bigint[];
}

/** One term of an affine map: its weights times 2^-exponent are integers. */
interface IntegerTerm {
  readonly source: number;
  readonly exponent: number;
  readonly rows: (IntegerRow | undefined)[];
}

/** A layer's arguments, or the output: values are integers times 2^exponent. */
interface IntegerTarget {
  readonly affine: Affine;
  readonly terms: readonly IntegerTerm[];
  readonly exponent: number;
}

export class ExactSliceMaps {
  readonly #targets: IntegerTarget[] = [];
  /** Exponent of each source's values: the input, then every layer's output. */
  readonly #sourceExponents: number[] = [];
  /** Rows of each target by node of the layer before (0 for the first), and of each source by node of its layer. */
  readonly #arguments: Map<number, (ExactLine | undefined)[]>[] = [];
  readonly #outputs: Map<number, (ExactLine | undefined)[]>[] = [];
  #kept = 0;

  constructor(
    readonly net: PwlNet,
    readonly slice: Slice,
    readonly tree: PatternTree,
  ) {}

  /** The integer form of the net, made when first needed: most partitions never ask. */
  #prepare(): void {
    this.#sourceExponents.push(this.slice.exponent);
    for (const layer of this.net.layers) {
      const target = this.#addTarget(layer.argument);
      this.#sourceExponents.push(outputExponent(layer, target.exponent));
      this.#outputs.push(new Map());
    }
    this.#addTarget(this.net.output);
  }

  /**
   * Row `index` of a target (layer number, or the number of layers for the output) on node `node` of the layer before
   * (0 for the first layer): the function's coefficients times 2^-exponentOf(target).
   */
  argument(target: number, node: number, index: number): ExactLine {
    if (this.#targets.length === 0) this.#prepare();
    if (this.#kept > MOST_ROWS) this.#forget();
    return this.#argument(target, node, index);
  }

  /** The exponent that all rows of a target share. */
  exponentOf(target: number): number {
    if (this.#targets.length === 0) this.#prepare();
    return this.#targets[target].exponent;
  }

  /** Where a hinge changes state: its argument less its threshold, up to a positive factor. */
  hinge(layer: number, node: number, unit: number): ExactLine {
    const [a, b, c] = this.argument(layer, node, unit);
    const t = (this.net.layers[layer] as HingeLayer).threshold[unit];
    if (t === 0) return [a, b, c];
    const exponent = this.exponentOf(layer);
    const common = Math.min(exponent, commonExponent([t]));
    const shift = BigInt(exponent - common);
    return [a << shift, b << shift, (c << shift) - toInteger(t, common)];
  }

  /** One argument of a layer less another. */
  difference(target: number, node: number, first: number, second: number): ExactLine {
    const f = this.argument(target, node, first);
    const g = this.argument(target, node, second);
    return [f[0] - g[0], f[1] - g[1], f[2] - g[2]];
  }

  /** One argument of a layer less a number, up to a positive factor. */
  less(target: number, node: number, index: number, level: number): ExactLine {
    const [a, b, c] = this.argument(target, node, index);
    const exponent = this.exponentOf(target);
    const common = Math.min(exponent, commonExponent([level]));
    const shift = BigInt(exponent - common);
    return [a << shift, b << shift, (c << shift) - toInteger(level, common)];
  }

  /** Row `index` of a target on a node, each coefficient to the nearest double. */
  rounded(target: number, node: number, index: number): [number, number, number] {
    const exponent = this.exponentOf(target);
    const [a, b, c] = this.argument(target, node, index);
    return [scaledToNumber(a, exponent), scaledToNumber(b, exponent), scaledToNumber(c, exponent)];
  }

  /**
   * The states of every gate at a point, decided by the value there alone: hinges strictly above the threshold are active,
   * the first of equal largest arguments wins. Where a direction is given, a value that is 0 takes the sign it has one
   * infinitesimal step on, first along s, then along t, so that the states are always those of a full cell.
   */
  statesAt(point: ExactPoint, direction?: readonly [number, number]): Int32Array[] {
    if (this.#targets.length === 0) this.#prepare();
    const sources: (readonly ExactLine[])[] = [this.slice.exact];
    const sign = (line: ExactLine): number => {
      const value = signOf(line[0] * point[0] + line[1] * point[1] + line[2] * point[2]);
      if (value !== 0 || direction === undefined) return value;
      return signOf(line[0]) * direction[0] || signOf(line[1]) * direction[1];
    };
    return this.net.layers.map((layer, l) => {
      const rows = Array.from({ length: layer.argument.size }, (_, r) =>
        this.#sum(l, r, (source, gate) => sources[source][gate]),
      );
      const states = new Int32Array(layer.kind === "hinge" ? rows.length : layer.starts.length - 1);
      for (let gate = 0; gate < states.length; gate++) {
        if (layer.kind === "hinge") {
          const [a, b, c] = rows[gate];
          const exponent = this.#targets[l].exponent;
          const t = layer.threshold[gate];
          const common = Math.min(exponent, commonExponent([t]));
          const shift = BigInt(exponent - common);
          states[gate] = sign([a << shift, b << shift, (c << shift) - toInteger(t, common)]) > 0 ? 1 : 0;
        } else {
          let best = layer.starts[gate];
          for (let i = best + 1; i < layer.starts[gate + 1]; i++) {
            const f = rows[i];
            const g = rows[best];
            if (sign([f[0] - g[0], f[1] - g[1], f[2] - g[2]]) > 0) best = i;
          }
          states[gate] = best - layer.starts[gate];
        }
      }
      sources.push(Array.from(states, (state, gate) => this.#gate(l, gate, state, rows)));
      return states;
    });
  }

  #addTarget(affine: Affine): IntegerTarget {
    const terms = affine.terms.map(({ source, block }): IntegerTerm => {
      const exponent = Math.min(0, commonExponent(block.values));
      return { source, exponent, rows: new Array<IntegerRow | undefined>(block.rows) };
    });
    const exponent = terms.reduce(
      (least, term) => Math.min(least, term.exponent + this.#sourceExponents[term.source]),
      Math.min(0, commonExponent(affine.bias)),
    );
    const target = { affine, terms, exponent };
    this.#targets.push(target);
    this.#arguments.push(new Map());
    return target;
  }

  #argument(target: number, node: number, index: number): ExactLine {
    let rows = this.#arguments[target].get(node);
    if (rows === undefined) {
      rows = [];
      this.#arguments[target].set(node, rows);
    }
    const known = rows[index];
    if (known !== undefined) return known;
    this.#kept++;
    const line = this.#sum(target, index, (source, gate) => {
      if (source === 0) return this.slice.exact[gate];
      return this.#output(source - 1, this.tree.ancestor(target - 1, node, source - 1), gate);
    });
    rows[index] = line;
    return line;
  }

  /** The output of gate `gate` of a layer on a node of that layer. */
  #output(layer: number, node: number, gate: number): ExactLine {
    let rows = this.#outputs[layer].get(node);
    if (rows === undefined) {
      rows = [];
      this.#outputs[layer].set(node, rows);
    }
    const known = rows[gate];
    if (known !== undefined) return known;
    this.#kept++;
    const parent = layer === 0 ? 0 : this.tree.layers[layer].parents[node];
    const state = this.tree.state(layer, node, gate);
    const spec = this.net.layers[layer];
    let line: ExactLine;
    if (spec.kind === "hinge" && (state === 1 ? spec.hi : spec.lo)[gate] === 0 && spec.threshold[gate] === 0) {
      line = ZERO;
    } else {
      const index = spec.kind === "hinge" ? gate : spec.starts[gate] + state;
      line = this.#apply(layer, gate, state, this.#argument(layer, parent, index));
    }
    rows[gate] = line;
    return line;
  }

  /** Row `index` of a target: bias and the sum of weights times the sources' affine functions. */
  #sum(target: number, index: number, output: (source: number, gate: number) => ExactLine): ExactLine {
    const { affine, terms, exponent } = this.#targets[target];
    let a = 0n;
    let b = 0n;
    let c = toInteger(affine.bias[index], exponent);
    for (let k = 0; k < terms.length; k++) {
      const { source } = terms[k];
      const { indices, values } = this.#weights(target, k, index);
      let termA = 0n;
      let termB = 0n;
      let termC = 0n;
      for (let at = 0; at < indices.length; at++) {
        const h = output(source, indices[at]);
        if (h === ZERO) continue;
        termA += values[at] * h[0];
        termB += values[at] * h[1];
        termC += values[at] * h[2];
      }
      const shift = BigInt(terms[k].exponent + this.#sourceExponents[source] - exponent);
      a += termA << shift;
      b += termB << shift;
      c += termC << shift;
    }
    return [a, b, c];
  }

  #gate(layer: number, gate: number, state: number, rows: readonly ExactLine[]): ExactLine {
    const spec = this.net.layers[layer];
    return this.#apply(layer, gate, state, rows[spec.kind === "hinge" ? gate : spec.starts[gate] + state]);
  }

  /** A gate's value `t + slope · (z - t)` in a state, at the exponent of its layer's outputs; a maximum's is z. */
  #apply(layer: number, gate: number, state: number, z: ExactLine): ExactLine {
    const spec = this.net.layers[layer];
    if (spec.kind === "max") return z;
    const exponent = this.#sourceExponents[layer + 1];
    const slope = (state === 1 ? spec.hi : spec.lo)[gate];
    const t = spec.threshold[gate];
    const ownShift = this.#targets[layer].exponent - exponent;
    if (slope === 1) {
      if (ownShift === 0) return z;
      const shift = BigInt(ownShift);
      return [z[0] << shift, z[1] << shift, z[2] << shift];
    }
    const slopeExponent = Math.min(0, commonExponent([slope]));
    const factor = toInteger(slope, slopeExponent);
    const argumentExponent = Math.min(this.#targets[layer].exponent, commonExponent([t]));
    const up = BigInt(this.#targets[layer].exponent - argumentExponent);
    const down = BigInt(slopeExponent + argumentExponent - exponent);
    const offset = (z[2] << up) - toInteger(t, argumentExponent);
    return [
      (factor * (z[0] << up)) << down,
      (factor * (z[1] << up)) << down,
      ((factor * offset) << down) + toInteger(t, exponent),
    ];
  }

  /** The integer weights of row `index` in a target's term, without zeros; computed once. */
  #weights(target: number, term: number, index: number): IntegerRow {
    const { rows, exponent } = this.#targets[target].terms[term];
    let weights = rows[index];
    if (weights === undefined) {
      const { indices, values } = row(this.#targets[target].affine.terms[term].block, index);
      const used = indices.filter((_, at) => values[at] !== 0);
      weights = {
        indices: used,
        values: Array.from(
          values.filter((value) => value !== 0),
          (value) => toInteger(value, exponent),
        ),
      };
      rows[index] = weights;
    }
    return weights;
  }

  #forget(): void {
    for (const rows of [...this.#arguments, ...this.#outputs]) rows.clear();
    this.#kept = 0;
  }
}

/** An exponent that holds every value of a layer: `t + slope · (z - t)` for both slopes, or an argument itself. */
function outputExponent(layer: GateLayer, argumentExponent: number): number {
  if (layer.kind === "max") return argumentExponent;
  const thresholds = Math.min(0, commonExponent(layer.threshold));
  const slopes = Math.min(0, commonExponent(layer.lo), commonExponent(layer.hi));
  return Math.min(argumentExponent, thresholds) + slopes;
}
