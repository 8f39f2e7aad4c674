import type { DataArray, DType } from "./dtype.js";
import type { ArrayView } from "./storage.js";

/** More elements than this are shortened: three at each end of each axis. */
const SHORTEN_ABOVE = 1000;
const EDGE = 3;
const LINE_WIDTH = 75;
const DECIMALS = 4;

/**
 * Values as NumPy prints them with a precision of four: the fewest digits that tell an element from its neighbours,
 * at most four after the point, one layout for all elements, columns aligned. `prefix` is what stands before the
 * first bracket; later lines are indented by as much.
 */
export function formatValues(view: ArrayView, prefix = ""): string {
  const { shape, size, buffer, offset } = view;
  if (size === 0) return shape.length === 1 ? "[]" : `[], shape [${shape.join(", ")}]`;
  const shorten = size > SHORTEN_ABOVE;
  const format = formatter(shownValues(shape, buffer, offset, shorten), view.dtype);
  const build = (axis: number, from: number, indent: string, width: number): string => {
    if (axis === shape.length) return format(buffer[from]);
    let inner = 1;
    for (let k = axis + 1; k < shape.length; k++) inner *= shape[k];
    const items = pickedIndices(shape[axis], shorten).map((i) =>
      i < 0 ? "..." : build(axis + 1, from + i * inner, `${indent} `, width - 1),
    );
    if (axis === shape.length - 1) return `[${wrap(items, indent, width - 1)}]`;
    return `[${items.join(`,${"\n".repeat(shape.length - 1 - axis)}${indent}`)}]`;
  };
  return build(0, offset, `${prefix} `, LINE_WIDTH);
}

/** Items on as few lines of at most `width` characters as hold them; the first line starts after `indent`. */
function wrap(items: readonly string[], indent: string, width: number): string {
  const lines: string[] = [];
  let line = indent + items[0];
  for (const item of items.slice(1)) {
    if (line.length + 2 + item.length > width) {
      lines.push(`${line},`);
      line = indent + item;
    } else line += `, ${item}`;
  }
  lines.push(line);
  return lines.join("\n").slice(indent.length);
}

/** Indices of an axis that are shown; -1 stands for the gap. */
function pickedIndices(length: number, shorten: boolean): number[] {
  if (shorten && length > 2 * EDGE) return [0, 1, 2, -1, length - 3, length - 2, length - 1];
  return Array.from({ length }, (_, i) => i);
}

function shownValues(shape: readonly number[], buffer: DataArray, offset: number, shorten: boolean): number[] {
  let places = [offset];
  let inner = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const picked = pickedIndices(shape[axis], shorten).filter((i) => i >= 0);
    places = places.flatMap((place) => picked.map((i) => place + i * inner));
    inner *= shape[axis];
  }
  return places.map((place) => buffer[place]);
}

/** One layout for all: integers, decimals, or powers of ten where sizes differ too much. */
function formatter(values: readonly number[], dtype: DType): (value: number) => string {
  if (dtype === "int32") {
    const width = longest(values.map(String));
    return (value) => String(value).padStart(width);
  }
  const finite = values.filter(Number.isFinite);
  let largest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const value of finite) {
    if (value === 0) continue;
    largest = Math.max(largest, Math.abs(value));
    smallest = Math.min(smallest, Math.abs(value));
  }
  // Above this the digits of a dtype do not reach the point.
  const limit = dtype === "float32" ? 1e6 : 1e8;
  const scientific = largest >= limit || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1000));
  const text = scientific ? scientificFormat(finite, dtype) : decimalFormat(finite, dtype);
  const width = longest(values.map((value) => (Number.isFinite(value) ? text(value) : nonFinite(value))));
  return (value) => (Number.isFinite(value) ? text(value) : nonFinite(value)).padStart(width);
}

function nonFinite(value: number): string {
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

function longest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}

/** "1.5 ": points stand under each other. */
function decimalFormat(values: readonly number[], dtype: DType): (value: number) => string {
  const parts = (value: number): readonly [string, string] => {
    const sign = value < 0 || Object.is(value, -0) ? "-" : "";
    const size = Math.abs(value);
    const decimals = Math.max(0, significantDigits(size, dtype) - 1 - exponentOf(size));
    const [whole, fraction = ""] = rounded(size, Math.min(DECIMALS, decimals)).split(".");
    return [sign + whole, fraction.replace(/0+$/, "")];
  };
  const left = longest(values.map((value) => parts(value)[0]));
  const right = longest(values.map((value) => parts(value)[1]));
  return (value) => {
    const [whole, fraction] = parts(value);
    return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
  };
}

/** "1.25e-07": as many decimals for all as one of them needs. */
function scientificFormat(values: readonly number[], dtype: DType): (value: number) => string {
  const mantissaDecimals = values.map((value) => {
    const decimals = Math.min(DECIMALS, significantDigits(Math.abs(value), dtype) - 1);
    return exponential(value, decimals).split("e")[0].replace(/0+$/, "").split(".")[1]?.length ?? 0;
  });
  const decimals = mantissaDecimals.reduce((most, one) => Math.max(most, one), 0);
  const text = (value: number): string => {
    const [mantissa, exponent] = exponential(value, decimals).split("e");
    return `${mantissa}${decimals === 0 ? "." : ""}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  };
  const digits = longest(values.map((value) => text(value).split("e")[1])) - 1;
  return (value) => {
    const [mantissa, exponent] = text(value).split("e");
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(digits, "0")}`;
  };
}

/** Power of ten of the first digit. */
function exponentOf(size: number): number {
  return size === 0 ? 0 : Number(size.toExponential().split("e")[1]);
}

/** How many digits tell a number from its neighbours of the same dtype. */
function significantDigits(size: number, dtype: DType): number {
  if (dtype === "float32") {
    for (let digits = 1; digits < 9; digits++) {
      if (Math.fround(Number(size.toPrecision(digits))) === size) return digits;
    }
  }
  return size.toExponential().split("e")[0].replace(".", "").length;
}

function rounded(size: number, decimals: number): string {
  return halfToEven(size.toFixed(decimals), size.toFixed(decimals + FAR), decimals);
}

function exponential(value: number, decimals: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [near, exponent] = Math.abs(value).toExponential(decimals).split("e");
  const [far] = Math.abs(value)
    .toExponential(decimals + FAR)
    .split("e");
  return `${sign}${halfToEven(near, far, decimals)}e${exponent}`;
}

const FAR = 40;

/**
 * `near` is a number rounded to `decimals`, halves up, as toFixed and toExponential do; IEEE and NumPy round halves to
 * the even digit. `far` has so many more digits that a half shows.
 */
function halfToEven(near: string, far: string, decimals: number): string {
  const isHalf = far.endsWith(`5${"0".repeat(FAR - 1)}`);
  const odd = Number(near[near.length - 1]) % 2 === 1;
  return isHalf && odd ? (Number(near) - 10 ** -decimals).toFixed(decimals) : near;
}
