import type { DType } from "../array/dtype.js";
import { formatShape, type Shape } from "../array/shape.js";
import type { Attributes, Op } from "../graph/making.js";
import type { Trainable } from "../graph/modes.js";
import type { Tensor } from "../graph/tensor.js";
import { attributeValue } from "../graph/text.js";

/** A tensor that is there before the call. */
export type Place =
  /** An argument of the call. */
  | { readonly kind: "argument"; readonly index: number }
  /** Always the same tensor. */
  | { readonly kind: "state"; readonly tensor: Tensor }
  /** The gradient that a tensor has at the time of the call. */
  | { readonly kind: "gradient"; readonly leaf: Place };

/** Where a value of a program comes from. */
export type Source =
  /** The values of a tensor at the time of the call. */
  | Place
  /** A tensor made inside of the function by no op: its values are the program's. */
  | { readonly kind: "constant"; readonly tensor: Tensor }
  | { readonly kind: "step" };

/** One array that a program computes with. */
export interface Value {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly size: number;
  readonly source: Source;
  /** The value whose memory this one shares under another shape (reshape), or itself. */
  readonly root: Value;
}

/** One op applied. */
export interface Step {
  readonly op: Op;
  readonly attrs: Attributes;
  readonly inputs: readonly Value[];
  readonly output: Value;
}

/** What a call leaves behind, beside its results. */
export type Effect =
  | { readonly kind: "assign"; readonly place: Place; readonly value: Value }
  | { readonly kind: "gradient"; readonly leaf: Place; readonly value: Value | null };

/** Something that is on or off and decides what a function does: whether a tensor requires a gradient, or a module trains. */
export type Switch =
  | { readonly kind: "requiresGrad"; readonly place: Place; readonly on: boolean }
  | { readonly kind: "training"; readonly module: Trainable; readonly on: boolean };

/** One call of a function, as data: steps in order, each after what it reads. */
export interface Program {
  readonly values: readonly Value[];
  readonly steps: readonly Step[];
  readonly effects: readonly Effect[];
  /** What a call turns on and off. */
  readonly switches: readonly Switch[];
  readonly results: readonly Value[];
}

/** The number that a value always is: that of a constant of one element; null for any other. */
export function numberOf({ source, size }: Value): number | null {
  return source.kind === "constant" && size === 1 ? source.tensor.buffer[source.tensor.offset] : null;
}

/** The tensor of a place in a call with these arguments; null where there is no such gradient. */
export function tensorAt(place: Place, inputs: readonly Tensor[]): Tensor | null {
  if (place.kind === "state") return place.tensor;
  if (place.kind === "argument") return inputs[place.index];
  return tensorAt(place.leaf, inputs)?.grad ?? null;
}

/** A pass gives another program of the same results and effects. */
export type Pass = (program: Program) => Program;

/** One line per value and step, for people and for tests. */
export function programText({ values, steps, effects, switches, results }: Program): string {
  const type = ({ dtype, shape }: Value) => `${dtype}${formatShape(shape)}`;
  const lines = values
    .filter(({ source }) => source.kind !== "step")
    .map((value) => `%${value.id} ${sourceText(value.source)} : ${type(value)}`);
  for (const { op, attrs, inputs, output } of steps) {
    const options = Object.entries(attrs).map(([key, value]) => `, ${key}: ${attributeValue(value)}`);
    const share = output.root === output ? "" : `  shares %${output.root.id}`;
    lines.push(
      `%${output.id} = ${op.name}(${inputs.map(({ id }) => `%${id}`).join(", ")}${options.join("")}) : ${type(output)}${share}`,
    );
  }
  for (const effect of effects) {
    const value = effect.value === null ? "none" : `%${effect.value.id}`;
    lines.push(
      effect.kind === "assign"
        ? `assign ${sourceText(effect.place)} ← ${value}`
        : `gradient of ${sourceText(effect.leaf)} ← ${value}`,
    );
  }
  for (const change of switches) {
    const owner = change.kind === "training" ? change.module.constructor.name : sourceText(change.place);
    lines.push(`${change.kind} of ${owner} ← ${change.on}`);
  }
  return `${lines.join("\n")}\nresults ${results.map(({ id }) => `%${id}`).join(", ")}\n`;
}

function sourceText(source: Source): string {
  switch (source.kind) {
    case "argument":
      return `argument ${source.index}`;
    case "state":
      return `state${source.tensor.name ? ` ${JSON.stringify(source.tensor.name)}` : ""}`;
    case "gradient":
      return `gradient of ${sourceText(source.leaf)}`;
    default:
      return source.kind;
  }
}
