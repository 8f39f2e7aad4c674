import type { DataArray } from "./dtype.js";
import type { ArrayView } from "./storage.js";

/** More elements than this are shortened: three at each end of each axis. */
const SHORTEN_ABOVE = 1000;
const EDGE = 3;
const LINE_WIDTH = 78;

/** Values as NumPy prints them: four decimals at most, one format for all elements, columns aligned. */
export function formatValues(view: ArrayView, prefix = ""): string {
  const { shape, size, buffer, offset } = view;
  const shorten = size > SHORTEN_ABOVE;
  const shown = shownValues(shape, buffer, offset, shorten);
  const format = formatter(shown, view.dtype === "int32");
  const width = Math.max(0, ...shown.map((value) => format(value).length));
  const pad = (value: number): string => format(value).padStart(width);
  if (shape.length === 0) return format(buffer[offset]);
  if (size === 0) return shape.length === 1 ? "[]" : `[], shape [${shape.join(", ")}]`;
  const build = (axis: number, from: number, indent: string): string => {
    let inner = 1;
    for (let k = axis + 1; k < shape.length; k++) inner *= shape[k];
    const items = pickedIndices(shape[axis], shorten).map((i) => {
      if (i < 0) return "...";
      return axis === shape.length - 1 ? pad(buffer[from + i]) : build(axis + 1, from + i * inner, `${indent} `);
    });
    if (axis === shape.length - 1) return `[${wrap(items, indent)}]`;
    const gap = "\n".repeat(shape.length - 1 - axis);
    return `[${items.join(`,${gap}${indent} `)}]`;
  };
  return build(0, offset, prefix);
}

function wrap(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    const next = line === "" ? item : `${line}, ${item}`;
    if (line !== "" && indent.length + next.length > LINE_WIDTH) {
      lines.push(line);
      line = item;
    } else line = next;
  }
  lines.push(line);
  return lines.join(`,\n${indent} `);
}

/** Indices of an axis that are shown; -1 stands for the gap. */
function pickedIndices(length: number, shorten: boolean): number[] {
  const all = Array.from({ length: shorten && length > 2 * EDGE ? 2 * EDGE : length }, (_, i) => i);
  if (all.length === length) return all;
  return [0, 1, 2, -1, length - 3, length - 2, length - 1];
}

function shownValues(shape: readonly number[], buffer: DataArray, offset: number, shorten: boolean): number[] {
  if (!shorten) return Array.from(buffer.subarray(offset, offset + shape.reduce((size, length) => size * length, 1)));
  let places = [offset];
  let inner = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const picked = pickedIndices(shape[axis], true).filter((i) => i >= 0);
    places = places.flatMap((place) => picked.map((i) => place + i * inner));
    inner *= shape[axis];
  }
  return places.map((place) => buffer[place]);
}

/** One format for all: integers, fixed decimals, or powers of ten where sizes differ too much. */
function formatter(values: readonly number[], integral: boolean): (value: number) => string {
  const special = (value: number, text: (value: number) => string): string =>
    Number.isNaN(value)
      ? "nan"
      : value === Number.POSITIVE_INFINITY
        ? "inf"
        : value === Number.NEGATIVE_INFINITY
          ? "-inf"
          : text(value);
  if (integral) return (value) => String(value);
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const largest = Math.max(0, ...sizes);
  const smallest = Math.min(Number.POSITIVE_INFINITY, ...sizes);
  if (largest >= 1e8 || (sizes.length > 0 && (smallest < 1e-4 || largest / smallest > 1000))) {
    const decimals = Math.max(
      0,
      ...sizes.map(
        (value) =>
          value
            .toExponential(4)
            .split("e")[0]
            .replace(/\.?0+$/, "").length - 2,
      ),
    );
    return (value) => special(value, (one) => one.toExponential(decimals).replace(/e([+-])(\d)$/, "e$10$2"));
  }
  const decimals = Math.max(0, ...sizes.map((value) => value.toFixed(4).replace(/0+$/, "").split(".")[1]?.length ?? 0));
  return (value) => special(value, (one) => (decimals === 0 ? `${one.toFixed(0)}.` : one.toFixed(decimals)));
}
