import { AxisError, OptionError } from "../../base/errors.js";
import { mode } from "../../graph/modes.js";
import type { Tensor } from "../../tensor/tensor.js";
import { type Layer, Module, stampForward } from "../module.js";
import { ReLU } from "./activation.js";
import { Linear } from "./linear.js";

/* Two layers are computed as one op where each does what it is called: nobody gave it, or its class, another method. */
stampForward(Linear.prototype);
stampForward(ReLU.prototype);
const linearForward = Linear.prototype.forward;
const reluForward = ReLU.prototype.forward;
const isLinear = (layer: Layer): layer is Linear => layer instanceof Linear && layer.forward === linearForward;
const isReLU = (layer: Layer): boolean => layer instanceof ReLU && layer.forward === reluForward;

/** Layers one after the other; their parameters are named by place, such as "0.weight". */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    layers.forEach((layer: unknown, i) => {
      if (!(layer instanceof Module)) {
        const got = typeof layer === "function" ? `the function ${layer.name || "without name"}` : String(layer);
        throw new OptionError(`Sequential: layer ${i} is ${got}; give modules, such as new nn.ReLU()`);
      }
    });
    this.layers = layers;
  }

  forward(x: Tensor): Tensor {
    const { layers } = this;
    let inner: Tensor | null = null;
    for (let i = 0; i < layers.length; i++) {
      const layer = layers[i];
      const before = inner;
      inner = null;
      if (mode.observer === null && isLinear(layer) && i + 1 < layers.length && isReLU(layers[i + 1])) {
        x = layer.rectified(x);
        i++;
        if (i + 1 < layers.length && isLinear(layers[i + 1])) {
          x.keepInside();
          inner = x;
        }
      } else x = layer.forward(x);
      // What was recorded may need it still, also where the layers before are frozen.
      if (x.op === null) before?.forget();
    }
    return x;
  }

  get length(): number {
    return this.layers.length;
  }

  /** The layer at a place; -1 is the last. */
  at(place: number): Layer {
    const layer = this.layers.at(place);
    if (layer === undefined) throw new AxisError(`Sequential: no layer ${place}; it has ${this.length}`);
    return layer;
  }

  [Symbol.iterator](): Iterator<Layer> {
    return this.layers[Symbol.iterator]();
  }

  override fields(): Iterable<readonly [string, unknown]> {
    return this.layers.map((layer, i) => [String(i), layer] as const);
  }
}
