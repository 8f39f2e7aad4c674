/**
 * The affine maps of a net on one cell, moved from cell to cell.
 *
 * On a cell every gate's argument is an affine function a·s + b·t + c of the slice's coordinates. The cursor holds these
 * for every layer and for the output, in floating point, each with a magnitude m that bounds its rounding error over the
 * whole box (exact/rounding.ts has the model and the proof). When one gate changes its state, the arguments that read it
 * change by one column of weights times one affine function: a rank-one update of 4 multiplications per row, where a
 * fresh product costs that times the width. After half as many updates as the row has inputs (at least 64) it is computed
 * afresh, so that magnitudes stay within about twice their fresh value.
 *
 * A row's error is e = relativeError · m, and m a sum over all products that entered it: |weight| · (v + e' / g), where v is
 * the largest absolute value of the source's function by its coefficients, e' that function's error, and g the relative
 * error of the row's own roundings. So g · m is the error inherited and the row's own, and m is at least what a sum of
 * absolute products would be, but it does not grow by the sizes of weights from layer to layer where values do not.
 */

import { filterApplies, gamma, SLACK } from "../../exact/rounding.js";
import type { Affine, GateLayer, HingeLayer, PwlNet } from "../../pwl/net.js";
import { AffineRows, additions, SourceFunctions } from "./affine-rows.js";
import { type Columns, columnsOf } from "./block-columns.js";
import { type PatternTree, readState, type StatePacking } from "./pattern-tree.js";
import type { Slice } from "./slice.js";

/** One term of an affine map, and the state of its source that the map's rows include. */
interface CursorTerm {
  readonly source: number;
  readonly columns: Columns;
  readonly words: Int32Array;
  stamp: number;
  /** What a magnitude of the source adds to magnitudes of the rows beyond the value: its relative error over theirs. */
  inherited: number;
}

/** An affine map with the rows it has on the current cell. Targets 0 to L - 1 are the layers' arguments, L the output. */
interface CursorTarget {
  readonly affine: Affine;
  readonly terms: readonly CursorTerm[];
  readonly rows: AffineRows;
  readonly updateLimit: number;
}

export class AffineCursor {
  /** Packed states of every layer on the current cell; write them, then `sync` the targets that follow, in order. */
  readonly words: readonly Int32Array[];
  readonly #layers: readonly GateLayer[];
  readonly #packings: readonly StatePacking[];
  readonly #targets: readonly CursorTarget[];
  /** Room for the functions of each source. */
  readonly #sources: readonly SourceFunctions[];
  readonly #sMax: number;
  readonly #tMax: number;

  constructor(
    readonly net: PwlNet,
    readonly slice: Slice,
    readonly tree: PatternTree,
    /** false: every bound is infinite, so that every decision is taken exactly. */
    readonly filtered: boolean,
  ) {
    this.#layers = net.layers;
    this.#packings = tree.layers.map(({ packing }) => packing);
    this.words = this.#packings.map(({ words }) => new Int32Array(words));
    this.#sMax = Math.max(Math.abs(slice.s[0]), Math.abs(slice.s[1]));
    this.#tMax = Math.max(Math.abs(slice.t[0]), Math.abs(slice.t[1]));
    const sizes = [net.inputSize, ...this.#packings.map(({ gates }) => gates)];
    this.#sources = sizes.map((size) => new SourceFunctions(size));
    const affines = [...net.layers.map(({ argument }) => argument), net.output];
    this.#targets = affines.map((affine) => makeTarget(affine, this.#packings));
    this.#setErrors(filtered);
  }

  /** The rows of a target (a layer's arguments; L: the output) as of its last `sync`. */
  rows(target: number): AffineRows {
    return this.#targets[target].rows;
  }

  /** Brings a target's rows to the current states. The targets before it must be in sync already. */
  sync(target: number): AffineRows {
    const { terms, rows, updateLimit } = this.#targets[target];
    let fresh = rows.stamp === 0;
    for (const { source, stamp } of terms) {
      if (source > 0 && this.#targets[source - 1].rows.stamp !== stamp) fresh = true;
    }
    if (fresh || !this.#update(terms, rows, updateLimit)) this.#compute(target);
    return rows;
  }

  /** Moves to a cell (a leaf of the tree) and syncs all targets. */
  moveTo(leaf: number): void {
    const depth = this.#layers.length;
    let index = leaf;
    for (let layer = depth - 1; layer >= 0; layer--) {
      const { words, packing, parents } = this.tree.layers[layer];
      const start = index * packing.words;
      const own = this.words[layer];
      for (let k = 0; k < own.length; k++) own[k] = words[start + k];
      index = parents[index];
    }
    for (let target = 0; target <= depth; target++) this.sync(target);
  }

  /** Sums a target's rows afresh over all sources. */
  #compute(target: number): void {
    const { affine, terms, rows } = this.#targets[target];
    rows.a.fill(0);
    rows.b.fill(0);
    rows.c.set(affine.bias);
    for (let r = 0; r < rows.size; r++) rows.m[r] = Math.abs(affine.bias[r]);
    for (const term of terms) {
      const { source, columns } = term;
      rows.addAll(columns, this.#functions(term));
      if (source === 0) continue;
      term.words.set(this.words[source - 1]);
      term.stamp = this.#targets[source - 1].rows.stamp;
    }
    rows.updates = 0;
    rows.stamp++;
  }

  /** Adds the columns of the gates whose state changed; false if that would pass the limit of updates. */
  #update(terms: readonly CursorTerm[], rows: AffineRows, limit: number): boolean {
    let changed = false;
    for (const term of terms) {
      if (term.source === 0) continue;
      const changes = this.#changes(term);
      if (changes.count === 0) continue;
      const updates = rows.updates + additions(term.columns, changes.count);
      if (updates > limit) return false;
      rows.addAll(term.columns, changes);
      rows.updates = updates;
      changed = true;
    }
    if (changed) rows.stamp++;
    return true;
  }

  /** What the entries of a term's source changed by since the states the rows include, which become the current ones. */
  #changes({ source, words: seen, inherited }: CursorTerm): SourceFunctions {
    const changes = this.#sources[source];
    changes.count = 0;
    const words = this.words[source - 1];
    const { width } = this.#packings[source - 1];
    const layer = this.#layers[source - 1];
    const { rows } = this.#targets[source - 1];
    const { a, b, c } = rows;
    for (let k = 0; k < words.length; k++) {
      let difference = words[k] ^ seen[k];
      while (difference !== 0) {
        const bit = 31 - Math.clz32(difference & -difference);
        const gate = Math.floor((32 * k + bit) / width);
        const state = readState(this.#packings[source - 1], words, 0, gate);
        if (layer.kind === "hinge") {
          // the gate's value t + slope · (z - t) changes by the slopes' difference times z - t
          const slope = state === 1 ? layer.hi[gate] - layer.lo[gate] : layer.lo[gate] - layer.hi[gate];
          const t = layer.threshold[gate];
          const magnitude = Math.abs(slope) * (this.#magnitude(rows, gate, inherited) + Math.abs(t));
          changes.push(gate, slope * a[gate], slope * b[gate], slope * (c[gate] - t), magnitude);
          difference &= difference - 1;
        } else {
          const old = layer.starts[gate] + readState(this.#packings[source - 1], seen, 0, gate);
          const next = layer.starts[gate] + state;
          const magnitude = this.#magnitude(rows, next, inherited) + this.#magnitude(rows, old, inherited);
          changes.push(gate, a[next] - a[old], b[next] - b[old], c[next] - c[old], magnitude);
          const first = (gate * width) & 31;
          difference &= ~((width === 32 ? -1 : (1 << width) - 1) << first);
        }
      }
      seen[k] = words[k];
    }
    return changes;
  }

  /** What the function of a row, times a weight, adds to a magnitude. */
  #magnitude({ a, b, c, m }: AffineRows, row: number, inherited: number): number {
    return Math.abs(a[row]) * this.#sMax + Math.abs(b[row]) * this.#tMax + Math.abs(c[row]) + inherited * m[row];
  }

  /** The affine functions of the entries of a term's source in their current states. */
  #functions({ source, inherited }: CursorTerm): SourceFunctions {
    const functions = this.#sources[source];
    functions.count = 0;
    if (source === 0) {
      const { u, v, origin } = this.slice;
      for (let i = 0; i < u.length; i++) {
        const magnitude = Math.abs(u[i]) * this.#sMax + Math.abs(v[i]) * this.#tMax + Math.abs(origin[i]);
        functions.push(i, u[i], v[i], origin[i], magnitude);
      }
      return functions;
    }
    const layer = this.#layers[source - 1];
    const { rows } = this.#targets[source - 1];
    const { a, b, c } = rows;
    const packing = this.#packings[source - 1];
    const words = this.words[source - 1];
    for (let gate = 0; gate < packing.gates; gate++) {
      const state = readState(packing, words, 0, gate);
      if (layer.kind === "max") {
        const row = layer.starts[gate] + state;
        functions.push(gate, a[row], b[row], c[row], this.#magnitude(rows, row, inherited));
        continue;
      }
      const slope = state === 1 ? layer.hi[gate] : layer.lo[gate];
      const t = layer.threshold[gate];
      if (slope === 1) {
        functions.push(gate, a[gate], b[gate], c[gate], this.#magnitude(rows, gate, inherited));
      } else if (slope === 0 && t === 0) {
        // nothing: half of all units, usually
      } else {
        // the value t + slope · (z - t)
        const magnitude = Math.abs(slope) * (this.#magnitude(rows, gate, inherited) + Math.abs(t)) + Math.abs(t);
        functions.push(gate, slope * a[gate], slope * b[gate], t + slope * (c[gate] - t), magnitude);
      }
    }
    return functions;
  }

  /**
   * The relative error of every target, from its sources': a gate's function costs at most 6 roundings beyond its
   * argument's, a product in a row one, and as many additions as the row has had since, three of them within a group of
   * four; evaluation with the subtraction of a threshold (or of another row) costs at most 12. Infinite where the filter
   * cannot be trusted: asked off, underflow out of hand, or a depth at which the bound is worth nothing.
   */
  #setErrors(filtered: boolean): void {
    /** Of the rows of every source, without evaluation; magnitudes of the input's entries are those of the values. */
    const sourceErrors = [0];
    const { u, v, origin, relativeError } = this.slice;
    const smallest = [Math.min(leastNonZero(u) * this.#sMax, leastNonZero(v) * this.#tMax, leastNonZero(origin))];
    let amplification = 1;
    this.#targets.forEach(({ affine, terms, rows, updateLimit }, target) => {
      const sums = terms.reduce((sum, { columns }) => sum + additions(columns, columns.columns), 0);
      const held = (relativeError + gamma(sums + updateLimit + 12)) * SLACK;
      for (const term of terms) term.inherited = sourceErrors[term.source] / held;
      const layer = this.#layers[target];
      amplification *= Math.max(
        1,
        largestRow(affine) * (layer?.kind === "hinge" ? largestSlope(layer.lo, layer.hi) : 1),
      );
      const trusted = filtered && filterApplies(amplification) && held < 2 ** -21;
      rows.relativeError = trusted ? (held + gamma(12)) * SLACK : Number.POSITIVE_INFINITY;
      sourceErrors.push(held);
      // the least magnitude that is not 0, of the rows and then of the gates' functions
      const least = terms.reduce(
        (most, { source, columns, inherited }) =>
          Math.min(most, leastNonZero(columns.values) * smallest[source] * (source === 0 ? 1 : Math.min(1, inherited))),
        leastNonZero(affine.bias),
      );
      rows.zeroIsExact = trusted && least > 2 ** -1000;
      smallest.push(layer?.kind === "hinge" ? Math.min(least, leastHingeValue(layer, least)) : least);
    });
  }
}

function makeTarget(affine: Affine, packings: readonly StatePacking[]): CursorTarget {
  const terms = affine.terms.map(({ source, block }): CursorTerm => {
    const words = new Int32Array(source === 0 ? 0 : packings[source - 1].words);
    return { source, columns: columnsOf(block), words, stamp: 0, inherited: 0 };
  });
  const inputs = terms.reduce((sum, { columns }) => sum + columns.columns, 0);
  return { affine, terms, rows: new AffineRows(affine.size), updateLimit: Math.max(64, inputs >> 1) };
}

/** At least the largest sum of absolute weights of a row: columns times the largest weight, summed over the terms. */
function largestRow({ terms }: Affine): number {
  let sum = 0;
  for (const { block } of terms) {
    const { values } = block;
    let largest = 0;
    for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at]));
    sum += largest * block.columns;
  }
  return sum;
}

/** The least absolute value that is not 0; infinite if all are. */
function leastNonZero(values: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < values.length; at++) {
    const size = Math.abs(values[at]);
    if (size < least && size !== 0) least = size;
  }
  return least;
}

/** The least magnitude of a hinge's value, or of its change, for arguments of at least the given magnitude. */
function leastHingeValue({ threshold, lo, hi }: HingeLayer, argument: number): number {
  const differences = hi.map((slope, i) => slope - lo[i]);
  const slope = Math.min(1, leastNonZero(lo), leastNonZero(hi), leastNonZero(differences));
  return slope * Math.min(argument, leastNonZero(threshold));
}

function largestSlope(lo: Float64Array, hi: Float64Array): number {
  let most = 1;
  for (let i = 0; i < lo.length; i++) most = Math.max(most, Math.abs(lo[i]), Math.abs(hi[i]));
  return most;
}
