/** What a legal PwlNet is, in one place: tests check every net they make, and lowering checks every net it hands out. */

import { PiecewiseLinearError } from "../base/errors.js";
import { shown } from "../base/shown.js";
import type { Affine, AffineBlock, GateLayer, PwlNet } from "./net.js";
import { gateCount } from "./net.js";

/**
 * Raises where `net` is no PwlNet: what users have at hand, a module or a function, which only `lower` reads, or a net
 * whose arrays have become something else, as JSON makes of them. Looks at no number.
 *
 * @param where the function that was called.
 */
export function requireNet(net: PwlNet, where: string): void {
  if (
    typeof net !== "object" ||
    net === null ||
    !Array.isArray(net.layers) ||
    !("output" in net && "inputSize" in net)
  ) {
    throw new PiecewiseLinearError(
      `${where}: expected a PwlNet, got ${shown(net)}; read a module or a function first, by lower(f, { shape: [...] })`,
    );
  }
  const isAffine = (affine: Affine | undefined) =>
    Array.isArray(affine?.terms) &&
    affine.bias instanceof Float64Array &&
    affine.terms.every(({ block }) => block?.values instanceof Float64Array);
  const isLayer = (layer: GateLayer) =>
    isAffine(layer?.argument) &&
    (layer.kind === "max" ? layer.starts instanceof Int32Array : layer.lo instanceof Float64Array);
  const wrong = net.layers.findIndex((layer) => !isLayer(layer));
  if (wrong < 0 && isAffine(net.output) && Array.isArray(net.inputs) && Array.isArray(net.rounded)) return;
  throw new PiecewiseLinearError(
    `${where}: the PwlNet's ${wrong < 0 ? "output, inputs or rounded" : `layer ${wrong + 1}`} is not of its form: numbers are Float64Arrays, starts and indices Int32Arrays (JSON loses them; structuredClone keeps them); lower the network again`,
  );
}

/** Nets that were found legal. */
const legal = new WeakSet<PwlNet>();

/** Checks a net as `checkNet` does, once: for functions that are called again and again with one net. */
export function requireLegal(net: PwlNet, where: string): PwlNet {
  if (legal.has(net)) return net;
  return checkNet(net, where);
}

/**
 * Checks that a net is legal: sizes agree, sources come earlier and stand once per map, columns ascend, groups are
 * non-empty, every number is finite, and no hinge has equal slopes (it would be a gate without a crease).
 *
 * @returns the net.
 * @throws PiecewiseLinearError naming the first violation and where it is.
 */
export function checkNet(net: PwlNet, where = "checkNet"): PwlNet {
  requireNet(net, where);
  const sizes = [net.inputSize];
  const declared = net.inputs.reduce((sum, { shape }) => sum + product(shape), 0);
  require(declared === net.inputSize, "inputs", `hold ${declared} numbers, but inputSize is ${net.inputSize}`);
  net.layers.forEach((layer, l) => {
    const where = `layer ${l + 1} "${layer.name}"`;
    checkAffine(layer.argument, sizes, where);
    const { size } = layer.argument;
    if (layer.kind === "hinge") {
      for (const name of ["threshold", "lo", "hi"] as const) {
        require(layer[name].length === size, where, `has ${layer[name].length} numbers in ${name} for ${size} units`);
        checkFinite(layer[name], where, name);
      }
      layer.lo.forEach((lo, unit) => {
        require(lo !== layer.hi[unit], where, `has equal slopes ${lo} on both sides of unit ${unit}`);
      });
    } else {
      const { starts } = layer;
      require(starts[0] === 0 &&
        starts[starts.length - 1] === size, where, `has groups that do not span its ${size} arguments`);
      for (let g = 1; g < starts.length; g++) require(starts[g] > starts[g - 1], where, `has an empty group ${g - 1}`);
    }
    sizes.push(gateCount(layer));
  });
  checkAffine(net.output, sizes, "output");
  const outputs = product(net.outputShape);
  require(outputs ===
    net.output.size, "output", `has ${net.output.size} numbers for shape [${net.outputShape.join(", ")}]`);
  legal.add(net);
  return net;
}

function checkAffine(affine: Affine, sizes: readonly number[], where: string): void {
  require(affine.bias.length === affine.size, where, `has ${affine.bias.length} biases for ${affine.size} rows`);
  checkFinite(affine.bias, where, "bias");
  const seen = new Set<number>();
  for (const { source, block } of affine.terms) {
    require(source >= 0 && source < sizes.length, where, `reads source ${source}, which does not come before it`);
    require(!seen.has(source), where, `reads source ${source} in two terms`);
    seen.add(source);
    require(block.rows === affine.size, where, `has a block of ${block.rows} rows for ${affine.size} rows`);
    require(block.columns ===
      sizes[source], where, `has a block of ${block.columns} columns on source ${source} of ${sizes[source]} numbers`);
    checkBlock(block, where);
    checkFinite(block.values, where, "weight");
  }
}

function checkBlock(block: AffineBlock, where: string): void {
  if (block.kind === "dense") {
    const stored = block.rows * block.columns;
    require(block.values.length ===
      stored, where, `stores ${block.values.length} numbers in a dense block of ${stored}`);
  } else if (block.kind === "csr") {
    const { rows, columns, starts, indices, values } = block;
    require(starts.length === rows + 1 && starts[0] === 0, where, `has ${starts.length} row starts for ${rows} rows`);
    require(starts[rows] === indices.length &&
      indices.length === values.length, where, "has rows that do not span its entries");
    for (let i = 0; i < rows; i++) {
      require(starts[i] <= starts[i + 1], where, `has row ${i} that ends before it starts`);
      for (let at = starts[i]; at < starts[i + 1]; at++) {
        const ascends = at === starts[i] || indices[at] > indices[at - 1];
        require(ascends &&
          indices[at] >= 0 &&
          indices[at] < columns, where, `has a bad column ${indices[at]} in row ${i}`);
      }
    }
  } else {
    const { inputShape, outputShape, kernel, groups } = block;
    const kernels = (outputShape[0] * inputShape[0] * kernel[0] * kernel[1]) / groups;
    require(block.columns ===
      product(inputShape), where, `has ${block.columns} columns for an image of ${product(inputShape)}`);
    require(block.rows ===
      product(outputShape), where, `has ${block.rows} rows for an image of ${product(outputShape)}`);
    require(block.values.length === kernels, where, `stores ${block.values.length} weights for kernels of ${kernels}`);
  }
}

function checkFinite(values: Float64Array, where: string, what: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  require(bad < 0, where, `holds ${values[bad]} as ${what} ${bad}: an exact reading needs finite numbers`);
}

function require(holds: boolean, where: string, what: string): void {
  if (!holds) throw new PiecewiseLinearError(`illegal PwlNet: ${where} ${what}`);
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
