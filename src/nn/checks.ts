/** Checks of what constructors are given. */
import { checkDtype, type DType } from "../array/dtype.js";
import { DtypeError, OptionError, ValueError } from "../base/errors.js";
import { shown } from "../base/shown.js";
import { Tensor } from "../graph/tensor.js";
import type { Pair } from "../ops/convolution.js";
import type { Module } from "./module.js";

/** The dtype of a layer's parameters: a float. */
export function parameterDtype(dtype: DType | undefined, where: string): DType {
  const checked = checkDtype(dtype ?? "float32", where);
  if (checked === "int32") throw new DtypeError(`${where}: parameters are float32 or float64, got int32`);
  return checked;
}

/** Raises unless a layer is given a tensor. */
export function checkInput(x: unknown, layer: Module): void {
  if (x instanceof Tensor) return;
  throw new ValueError(`${layer}: the input is ${shown(x)}, not a tensor: pass tensor(...)`);
}

/** A positive integer, such as a number of features. */
export function checkCount(count: number, what: string, where: string): number {
  if (!Number.isInteger(count) || count < 1) {
    throw new OptionError(`${where}: ${what} is an integer of at least 1, got ${shown(count)}`);
  }
  return count;
}

/** A number for both sides or (height, width), as a pair of integers of at least `least`. */
export function checkPair(value: Pair, least: number, name: string, where: string): readonly [number, number] {
  const both: unknown = typeof value === "number" ? [value, value] : value;
  if (!Array.isArray(both) || both.length !== 2 || both.some((one) => !Number.isInteger(one) || one < least)) {
    throw new OptionError(
      `${where}: ${name} is an integer of at least ${least} or a pair of them, got ${JSON.stringify(value)}`,
    );
  }
  return [both[0], both[1]];
}

/** Raises unless `value` is a finite number of at least `least`. */
export function checkNumber(value: number, name: string, where: string, least = 0, below = Infinity): number {
  if (!(typeof value === "number" && value >= least && value < below)) {
    const range =
      below === Infinity ? `a finite number of at least ${least}` : `a number from ${least} to below ${below}`;
    throw new OptionError(`${where}: ${name} is ${range}, got ${shown(value)}`);
  }
  return value;
}
