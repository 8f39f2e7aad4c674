/** The activation patterns of a data set: which cells it visits, and which gates never change their state on it. */

import { checkIndex } from "../base/options.js";
import { counted, INSPECT, listed } from "../base/shown.js";
import { type NestedArray, Tensor } from "../graph/tensor.js";
import { tensor } from "../ops/create.js";
import { requireLegal } from "./check.js";
import { lowerGraph } from "./lower.js";
import { gateCount, gatesInLayers, type PwlNet } from "./net.js";
import { ActivationPattern, gatePosition, type PatternLayout, packPattern, patternLayout, stateOf } from "./pattern.js";
import { pointOf, rowsOf } from "./point.js";
import { isGraph, isPwlNet, type Readable, readFunction, requireReadable } from "./read.js";
import { decideStates } from "./signs.js";

/** One gate, for people. */
export interface GateName {
  readonly gate: number;
  /** Gate layer and unit in it, counted from 0. */
  readonly layer: number;
  readonly unit: number;
  /** The layer's name. */
  readonly name: string;
}

/** The patterns of the rows of a data set, in order, as packed bits. */
export class ActivationPatterns implements Iterable<ActivationPattern> {
  readonly layout: PatternLayout;
  /** The cell of each row: cells are numbered in the order in which rows first visit them. */
  readonly cells: Int32Array;
  /** Distinct patterns, that is cells that the data visits. */
  readonly distinct: number;

  constructor(
    readonly net: PwlNet,
    /** length × layout.words, row-major. */
    readonly words: Uint32Array,
    readonly length: number,
    /** 1 for each row that lies exactly on a crease: its pattern is that of one of the cells there. */
    readonly onCrease: Uint8Array,
  ) {
    this.layout = patternLayout(net);
    this.cells = new Int32Array(length);
    const known = new Map<string, number>();
    for (let i = 0; i < length; i++) {
      const { key } = this.at(i);
      const cell = known.get(key) ?? known.size;
      known.set(key, cell);
      this.cells[i] = cell;
    }
    this.distinct = known.size;
  }

  /** The pattern of row i. */
  at(i: number): ActivationPattern {
    checkIndex(i, this.length, "row");
    const { words } = this.layout;
    return new ActivationPattern(this.layout, this.words.subarray(i * words, (i + 1) * words));
  }

  *[Symbol.iterator](): IterableIterator<ActivationPattern> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  /** Per gate, the share of rows on which it is active; of a maximum, on which another than its first argument wins. */
  activity(): Float64Array {
    const shares = new Float64Array(this.layout.gates);
    for (let i = 0; i < this.length; i++) {
      const words = this.at(i).words;
      for (let gate = 0; gate < shares.length; gate++) if (stateOf(this.layout, words, gate) !== 0) shares[gate]++;
    }
    return shares.map((count) => count / this.length);
  }

  /** Hinges that are inactive on every row. */
  dead(): GateName[] {
    return this.#hingesWith(0);
  }

  /** Hinges that are active on every row: on this data they do not bend. */
  alwaysActive(): GateName[] {
    return this.#hingesWith(1);
  }

  /** The rows that share a cell, one list per cell, in the order of the cells. */
  groups(): number[][] {
    const groups: number[][] = Array.from({ length: this.distinct }, () => []);
    this.cells.forEach((cell, i) => {
      groups[cell].push(i);
    });
    return groups;
  }

  /** The gates that are in different states on rows i and j. */
  differences(i: number, j: number): GateName[] {
    return this.at(i)
      .differences(this.at(j))
      .map((gate) => this.#name(gate));
  }

  toString(): string {
    const rows = `${listed(this.length, "row")}, in ${counted(this.distinct, "cell")}`;
    const onCrease = this.onCrease.reduce((sum, one) => sum + one, 0);
    const note = onCrease === 0 ? "" : `, ${counted(onCrease, "row")} on a crease`;
    return `ActivationPatterns { ${rows} of ${gatesInLayers(this.net)}${note} }`;
  }

  [INSPECT](): string {
    return this.toString();
  }

  #hingesWith(share: number): GateName[] {
    const names: GateName[] = [];
    const activity = this.activity();
    this.net.layers.forEach((layer, l) => {
      if (layer.kind !== "hinge") return;
      const start = this.layout.layerStarts[l];
      for (let gate = start; gate < start + gateCount(layer); gate++) {
        if (activity[gate] === share) names.push(this.#name(gate));
      }
    });
    return names;
  }

  #name(gate: number): GateName {
    const { layer, unit } = gatePosition(this.layout, gate);
    return { gate, layer, unit, name: this.net.layers[layer].name };
  }
}

/**
 * The activation pattern of a piecewise-linear function of one input on every row of X, signs decided exactly.
 * Costs about two evaluations per row, and one bit per row and hinge.
 *
 * @param X a batch: rows along the first axis.
 * @throws PiecewiseLinearError where the function is not piecewise linear; ShapeError where X does not fit.
 */
export function activationPatterns(f: Readable, X: Tensor | NestedArray): ActivationPatterns {
  requireReadable(f, "activationPatterns");
  const batch = X instanceof Tensor ? X : tensor(X);
  const rowAt = rowsOf(batch);
  const net = isPwlNet(f)
    ? requireLegal(f, "activationPatterns")
    : isGraph(f)
      ? lowerGraph(f).net
      : readFunction(f, [rowAt(0)], { sites: false }).lowered.net;
  const layout = patternLayout(net);
  const rows = batch.shape[0];
  const words = new Uint32Array(rows * layout.words);
  const onCrease = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) {
    const decision = decideStates(net, pointOf(net, rowAt(i)));
    words.set(packPattern(layout, decision.states), i * layout.words);
    onCrease[i] = decision.onCrease ? 1 : 0;
  }
  return new ActivationPatterns(net, words, rows, onCrease);
}
