/** How many cells there can be: the classical bounds, as exact integers. */

import { GeometryError } from "../base/errors.js";
import { requireNet } from "../pwl/check.js";
import { gateCount, type PwlNet } from "../pwl/net.js";

/**
 * Zaslavsky's number: into how many cells n hyperplanes cut d-dimensional space at most, the sum of the binomials C(n, i)
 * for i = 0 to d; attained in general position (T. Zaslavsky, Facing up to Arrangements, 1975).
 */
export function zaslavsky(hyperplanes: number, dimension: number): bigint {
  for (const [name, value] of Object.entries({ hyperplanes, dimension })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new GeometryError(`${name} is ${value}: a count of cells needs a whole number of at least 0`);
    }
  }
  let binomial = 1n;
  let sum = 1n;
  for (let i = 1; i <= Math.min(hyperplanes, dimension); i++) {
    binomial = (binomial * BigInt(hyperplanes - i + 1)) / BigInt(i);
    sum += binomial;
  }
  return sum;
}

/**
 * An upper bound of the cells of a net on a slice of the given dimension: the product over layers of Zaslavsky's number,
 * each layer in at most as many dimensions as the narrowest layer before it passes on (M. Raghu et al., On the Expressive
 * Power of Deep Neural Networks, 2017; G. Montufar, Notes on the Number of Linear Regions of Deep Neural Networks, 2017).
 * A maximum of k counts as the k·(k - 1)/2 hyperplanes on which two of its arguments tie. Layers that also read the input
 * or other earlier layers are not narrowed by those between.
 */
export function productBound(net: PwlNet, dimension: number = net?.inputSize): bigint {
  requireNet(net, "productBound");
  return productBounds(net, dimension).at(-1) ?? 1n;
}

/** The product bound of the net's first l + 1 layers: entry l. Of one layer of hinges it is Zaslavsky's number. */
export function productBounds(net: PwlNet, dimension: number): bigint[] {
  /** The dimensions that each source can pass on: the input, then every layer's output. */
  const passed = [dimension];
  let bound = 1n;
  return net.layers.map((layer) => {
    const reachable = layer.argument.terms.reduce((sum, { source }) => sum + passed[source], 0);
    const effective = Math.min(dimension, reachable);
    passed.push(Math.min(effective, gateCount(layer)));
    bound *= zaslavsky(hyperplanesOf(layer), effective);
    return bound;
  });
}

function hyperplanesOf(layer: PwlNet["layers"][number]): number {
  if (layer.kind === "hinge") return layer.argument.size;
  let sum = 0;
  for (let g = 0; g + 1 < layer.starts.length; g++) {
    const arguments_ = layer.starts[g + 1] - layer.starts[g];
    sum += (arguments_ * (arguments_ - 1)) / 2;
  }
  return sum;
}
