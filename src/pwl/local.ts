/**
 * The one affine map that a net is while its gates keep their states, by sweeps: forward for a direction of the input,
 * backward for a row. A sweep costs about one evaluation and holds one number per gate argument; no
 * hidden-by-input matrix is ever made.
 */

import { addTerms, addTermsT, applyAffine } from "./blocks.js";
import { gateValues, hingeSlope } from "./evaluate.js";
import { type Affine, type GateLayer, gateCount, type PwlNet } from "./net.js";

/** `A x + b`, A row-major. */
export interface AffineMap {
  /** rows × columns, row-major. */
  readonly A: Float64Array;
  readonly b: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** A net with every gate held in a state. */
export class LocalMap {
  constructor(
    readonly net: PwlNet,
    /** Per layer: 1 iff active of a hinge, the winner's index of a maximum. */
    readonly states: readonly Int32Array[],
  ) {}

  /** The map from input to output: as many backward sweeps as outputs, or forward sweeps as inputs, whichever are fewer. */
  affineMap(): AffineMap {
    const rows = this.net.output.size;
    const columns = this.net.inputSize;
    const A = new Float64Array(rows * columns);
    if (rows <= columns) {
      const seed = new Float64Array(rows);
      for (let i = 0; i < rows; i++) {
        seed[i] = 1;
        A.set(this.pullback(this.net.output, seed), i * columns);
        seed[i] = 0;
      }
    } else {
      const direction = new Float64Array(columns);
      for (let j = 0; j < columns; j++) {
        direction[j] = 1;
        const column = this.pushforward(direction).output;
        for (let i = 0; i < rows; i++) A[i * columns + j] = column[i];
        direction[j] = 0;
      }
    }
    return { A, b: this.offsets().output, rows, columns };
  }

  /** `seedᵀ · (linear part of affine, as a function of the input)`: one backward sweep over the layers that it reads. */
  pullback(affine: Affine, seed: Float64Array): Float64Array {
    const { layers, inputSize } = this.net;
    const adjoints: Float64Array[] = [];
    const adjointOf = (source: number) =>
      (adjoints[source] ??= new Float64Array(source === 0 ? inputSize : gateCount(layers[source - 1])));
    const reach = ({ terms }: Affine) => {
      for (const { source } of terms) adjointOf(source);
    };
    reach(affine);
    addTermsT(affine, seed, adjoints);
    for (let l = layers.length - 1; l >= 0; l--) {
      const adjoint = adjoints[l + 1];
      if (adjoint === undefined) continue;
      reach(layers[l].argument);
      addTermsT(layers[l].argument, gateTransposed(layers[l], this.states[l], adjoint), adjoints);
    }
    return adjointOf(0);
  }

  /** How every layer's arguments, and the output, change along a direction of the input: one forward sweep. */
  pushforward(direction: Float64Array): { preactivations: Float64Array[]; output: Float64Array } {
    const sources = [direction];
    const preactivations = this.net.layers.map((layer, l) => {
      const argument = addTerms(layer.argument, sources, new Float64Array(layer.argument.size));
      sources.push(gateLinear(layer, this.states[l], argument));
      return argument;
    });
    return { preactivations, output: addTerms(this.net.output, sources, new Float64Array(this.net.output.size)) };
  }

  /** Every layer's arguments, and the output, of these affine maps at input zero: their constant parts. */
  offsets(): { preactivations: Float64Array[]; output: Float64Array } {
    const sources: Float64Array[] = [new Float64Array(this.net.inputSize)];
    const preactivations = this.net.layers.map((layer, l) => {
      const argument = applyAffine(layer.argument, sources);
      sources.push(gateValues(layer, argument, this.states[l]));
      return argument;
    });
    return { preactivations, output: applyAffine(this.net.output, sources) };
  }
}

/** The linear part of a layer in its states: slope · argument, or the winner. */
function gateLinear(layer: GateLayer, states: Int32Array, argument: Float64Array): Float64Array {
  if (layer.kind === "max") return Float64Array.from(states, (state, group) => argument[layer.starts[group] + state]);
  return argument.map((value, unit) => hingeSlope(layer, unit, states[unit]) * value);
}

/** Its transpose. */
function gateTransposed(layer: GateLayer, states: Int32Array, adjoint: Float64Array): Float64Array {
  if (layer.kind === "hinge") return adjoint.map((value, unit) => hingeSlope(layer, unit, states[unit]) * value);
  const out = new Float64Array(layer.argument.size);
  for (let group = 0; group < states.length; group++) out[layer.starts[group] + states[group]] = adjoint[group];
  return out;
}
