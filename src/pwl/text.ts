/** A PwlNet for people: its counts, and a readable text, one line per layer and per term. */

import { checkOptions } from "../base/options.js";
import { requireNet } from "./check.js";
import { isIdentity } from "./compose.js";
import type { Affine, AffineBlock, GateLayer, HingeLayer, PwlNet } from "./net.js";
import { gateCount } from "./net.js";

/** How large a net is. */
export interface PwlCounts {
  /** Gates of all kinds: hinges and maxima. */
  readonly gates: number;
  readonly hinges: number;
  readonly maxima: number;
  /** Numbers of the affine maps: the entries of every block once (shared weights count once) and the nonzero biases. */
  readonly parameters: number;
  /** The largest number of gates on a path from the input to the output. */
  readonly depth: number;
  /** Gate layers. */
  readonly layers: number;
}

/** Counts a net's gates, parameters and depth. */
export function countsOf(net: PwlNet): PwlCounts {
  requireNet(net, "countsOf");
  let hinges = 0;
  let maxima = 0;
  let parameters = 0;
  const seen = new Set<Float64Array>();
  const depths = [0];
  const visit = (affine: Affine): number => {
    let depth = 0;
    for (const { source, block } of affine.terms) {
      depth = Math.max(depth, depths[source]);
      if (!seen.has(block.values)) parameters += block.values.length;
      seen.add(block.values);
    }
    parameters += affine.bias.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
    return depth;
  };
  for (const layer of net.layers) {
    depths.push(visit(layer.argument) + 1);
    if (layer.kind === "hinge") hinges += gateCount(layer);
    else maxima += gateCount(layer);
  }
  const depth = visit(net.output);
  return { gates: hinges + maxima, hinges, maxima, parameters, depth, layers: net.layers.length };
}

/**
 * A net as text: a line of counts, one line per gate layer naming its argument's terms, the output, and what was
 * rounded. `h1` is the output of layer 1. With `values`, the numbers of every map stand below it; without, the text of a
 * net of any size is short.
 */
export function formatNet(net: PwlNet, options: { values?: boolean } = {}): string {
  requireNet(net, "formatNet");
  checkOptions(options, { values: "true or false" }, "formatNet");
  const counts = countsOf(net);
  const inputs = net.inputs.map(({ name, shape }) => `${name}[${shape.join(", ")}]`).join(", ");
  const names = ["x", ...net.layers.map((_, l) => `h${l + 1}`)];
  const values = (affine: Affine) => (options.values ? formatValues(affine, names) : []);
  return [
    `PwlNet ${inputs} → [${net.outputShape.join(", ")}]: ${plural(counts.gates, "gate")} in ${plural(counts.layers, "layer")}, depth ${counts.depth}, ${plural(counts.parameters, "parameter")}`,
    ...net.layers.flatMap((layer, l) => [
      `  h${l + 1} = ${formatGates(layer)}(${formatAffine(layer.argument, names)})  "${layer.name}"`,
      ...values(layer.argument),
    ]),
    `  y = ${formatAffine(net.output, names)}`,
    ...values(net.output),
    ...(net.rounded.length === 0 ? [] : ["rounded:", ...net.rounded.map((line) => `  ${line}`)]),
  ].join("\n");
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function formatGates(layer: GateLayer): string {
  if (layer.kind === "hinge") return `${gateCount(layer)} × ${hingeName(layer)}`;
  const sizes = new Set(Array.from(layer.starts.subarray(1), (end, g) => end - layer.starts[g]));
  return `${gateCount(layer)} × max of ${[...sizes].sort((a, b) => a - b).join(" or ")}`;
}

/** "relu", "abs", or thresholds and slopes, each as one number where all units share it. */
function hingeName({ threshold, lo, hi }: HingeLayer): string {
  const same = (numbers: Float64Array): string =>
    numbers.every((value) => value === numbers[0])
      ? formatNumber(numbers[0] ?? 0)
      : `${formatNumber(Math.min(...numbers.subarray(0, 1000)))}…`;
  const [t, below, above] = [same(threshold), same(lo), same(hi)];
  if (t === "0" && below === "0" && above === "1") return "relu";
  if (t === "0" && below === "-1" && above === "1") return "abs";
  return `hinge at ${t}, slopes ${below} and ${above}`;
}

function formatAffine(affine: Affine, names: readonly string[]): string {
  const terms = affine.terms.map(({ source, block }) => {
    return isIdentity(block) ? names[source] : `${formatBlock(block)}·${names[source]}`;
  });
  if (terms.length === 0 || affine.bias.some((value) => value !== 0)) terms.push("bias");
  return terms.join(" + ");
}

function formatBlock(block: AffineBlock): string {
  if (block.kind === "dense") return `dense[${block.rows}, ${block.columns}]`;
  if (block.kind === "csr") return `sparse[${block.rows}, ${block.columns}; ${block.values.length}]`;
  const options = [
    `kernel ${block.kernel.join("×")}`,
    block.stride.some((s) => s !== 1) ? `stride ${block.stride.join("×")}` : "",
    block.padding.some((p) => p !== 0) ? `padding ${block.padding.join("×")}` : "",
    block.dilation.some((d) => d !== 1) ? `dilation ${block.dilation.join("×")}` : "",
    block.groups === 1 ? "" : `groups ${block.groups}`,
  ].filter((text) => text !== "");
  return `conv[${block.inputShape.join("×")} → ${block.outputShape.join("×")}; ${options.join(", ")}]`;
}

function formatValues(affine: Affine, names: readonly string[]): string[] {
  const numbers = (values: ArrayLike<number>): string => Array.from(values, formatNumber).join(" ");
  const lines = affine.terms.flatMap(({ source, block }) => {
    const title = `    ${names[source]}:`;
    if (block.kind === "dense") {
      return [
        title,
        ...Array.from({ length: block.rows }, (_, i) => {
          return `      ${numbers(block.values.subarray(i * block.columns, (i + 1) * block.columns))}`;
        }),
      ];
    }
    if (block.kind === "csr") {
      return [
        title,
        ...Array.from({ length: block.rows }, (_, i) => {
          const entries: string[] = [];
          for (let at = block.starts[i]; at < block.starts[i + 1]; at++) {
            entries.push(`${block.indices[at]}:${formatNumber(block.values[at])}`);
          }
          return `      ${entries.join(" ")}`;
        }),
      ];
    }
    const size = block.values.length / block.outputShape[0];
    return [
      title,
      ...Array.from({ length: block.outputShape[0] }, (_, o) => {
        return `      ${numbers(block.values.subarray(o * size, (o + 1) * size))}`;
      }),
    ];
  });
  return affine.bias.some((value) => value !== 0) ? [...lines, `    bias: ${numbers(affine.bias)}`] : lines;
}

/** At most five significant digits, without trailing zeros. */
function formatNumber(value: number): string {
  return String(Number(value.toPrecision(5)));
}
