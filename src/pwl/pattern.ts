/**
 * Activation patterns: the state of every gate for one input, packed. A hinge takes one bit (1 iff active), a maximum of
 * k arguments as many bits as its winner's index needs (none for k = 1). Gates stand in the net's order; a state never
 * straddles two words, so in a net of hinges alone gate g is bit g % 32 of word g >> 5.
 */

import { PiecewiseLinearError } from "../base/errors.js";
import { checkIndex } from "../base/options.js";
import { counted, INSPECT, shown } from "../base/shown.js";
import { gateCount, type PwlNet } from "./net.js";

/** Where each gate's state lies in a net's patterns. */
export interface PatternLayout {
  /** Gates of the net. */
  readonly gates: number;
  /** 32-bit words of a pattern. */
  readonly words: number;
  /** First gate of each layer, and at the end the number of gates. */
  readonly layerStarts: Int32Array;
  /** First bit of each gate's state. */
  readonly offsets: Int32Array;
  /** Bits of each gate's state. */
  readonly widths: Uint8Array;
}

const layouts = new WeakMap<PwlNet, PatternLayout>();

/** The layout of a net's patterns; computed once per net. */
export function patternLayout(net: PwlNet): PatternLayout {
  let layout = layouts.get(net);
  if (layout === undefined) {
    layout = buildLayout(net);
    layouts.set(net, layout);
  }
  return layout;
}

function buildLayout(net: PwlNet): PatternLayout {
  const layerStarts = new Int32Array(net.layers.length + 1);
  net.layers.forEach((layer, l) => {
    layerStarts[l + 1] = layerStarts[l] + gateCount(layer);
  });
  const gates = layerStarts[net.layers.length];
  const offsets = new Int32Array(gates);
  const widths = new Uint8Array(gates);
  let bit = 0;
  net.layers.forEach((layer, l) => {
    const count = gateCount(layer);
    for (let unit = 0; unit < count; unit++) {
      // clz32(k - 1) leaves the bits that the largest winner, k - 1, needs
      const width = layer.kind === "hinge" ? 1 : 32 - Math.clz32(layer.starts[unit + 1] - layer.starts[unit] - 1);
      if ((bit & 31) + width > 32) bit = (bit + 31) & ~31;
      offsets[layerStarts[l] + unit] = bit;
      widths[layerStarts[l] + unit] = width;
      bit += width;
    }
  });
  return { gates, words: (bit + 31) >> 5, layerStarts, offsets, widths };
}

/** Packs one state per gate, given per layer (hinge: 0 or 1; max: the winner's index in its group). */
export function packPattern(layout: PatternLayout, states: readonly ArrayLike<number>[]): Uint32Array {
  const words = new Uint32Array(layout.words);
  states.forEach((layerStates, l) => {
    const start = layout.layerStarts[l];
    for (let unit = 0; unit < layerStates.length; unit++) {
      const bit = layout.offsets[start + unit];
      if (layout.widths[start + unit] > 0) words[bit >> 5] |= layerStates[unit] << (bit & 31);
    }
  });
  return words;
}

/** One gate's state in packed words: 0 or 1 of a hinge, the winner's index of a maximum. */
export function stateOf(layout: PatternLayout, words: Uint32Array, gate: number): number {
  const width = layout.widths[gate];
  if (width === 0) return 0;
  const bit = layout.offsets[gate];
  const mask = width === 32 ? 0xffffffff : (1 << width) - 1;
  return ((words[bit >> 5] >>> (bit & 31)) & mask) >>> 0;
}

/** Layer and unit of a gate. */
export function gatePosition(layout: PatternLayout, gate: number): { layer: number; unit: number } {
  let layer = 0;
  while (layout.layerStarts[layer + 1] <= gate) layer++;
  return { layer, unit: gate - layout.layerStarts[layer] };
}

/** The state of every gate for one input, readable: what `linearize` and `activationPatterns` hand out. */
export class ActivationPattern {
  constructor(
    readonly layout: PatternLayout,
    /** The packed states; see `patternLayout`. */
    readonly words: Uint32Array,
  ) {}

  /** Gates of the net. */
  get length(): number {
    return this.layout.gates;
  }

  /** The state of gate number `gate`: 1 active or 0 inactive of a hinge, the winner's index of a maximum. */
  at(gate: number): number {
    checkIndex(gate, this.length, "gate");
    return stateOf(this.layout, this.words, gate);
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let gate = 0; gate < this.length; gate++) yield this.at(gate);
  }

  /** Whether both inputs lie in the same cell: every gate in the same state. */
  equals(other: ActivationPattern): boolean {
    this.#requireSameGates(other);
    return this.words.every((word, i) => word === other.words[i]);
  }

  /** The gates whose states differ, ascending. */
  differences(other: ActivationPattern): number[] {
    this.#requireSameGates(other);
    const gates: number[] = [];
    for (let gate = 0; gate < this.length; gate++) if (this.at(gate) !== other.at(gate)) gates.push(gate);
    return gates;
  }

  #requireSameGates(other: ActivationPattern): void {
    if (other instanceof ActivationPattern && other.length === this.length) return;
    const given = other instanceof ActivationPattern ? `one of ${counted(other.length, "gate")}` : shown(other);
    throw new PiecewiseLinearError(
      `a pattern of ${counted(this.length, "gate")} is compared with ${given}: compare patterns of one net`,
    );
  }

  /** The same text for the same pattern, usable as a key of a Map. */
  get key(): string {
    return Array.from(this.words, (word) => word.toString(36)).join(".");
  }

  /** In Node: the text, of a large net its beginning. */
  [INSPECT](): string {
    return `ActivationPattern { ${this.summary()} }`;
  }

  /** At most a line of the text. */
  summary(): string {
    const text = this.toString();
    return text.length <= 80 ? text : `${text.slice(0, 60)}… ${counted(this.length, "gate")}`;
  }

  /** One digit per gate, a space between layers; winners above 9 stand in brackets. */
  toString(): string {
    const { layerStarts } = this.layout;
    const layers: string[] = [];
    for (let l = 0; l + 1 < layerStarts.length; l++) {
      let text = "";
      for (let gate = layerStarts[l]; gate < layerStarts[l + 1]; gate++) {
        const state = this.at(gate);
        text += state > 9 ? `[${state}]` : state;
      }
      layers.push(text);
    }
    return layers.join(" ");
  }
}
