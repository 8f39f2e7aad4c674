import { DtypeError, ValueError } from "../base/errors.js";

/** float32 and float64 for arithmetic; int32 for indices and targets only. */
export type DType = "float32" | "float64" | "int32";

export type DataArray = Float32Array | Float64Array | Int32Array;

const NAMES: readonly string[] = ["float32", "float64", "int32"];

/** The dtype of that name, or an error that lists the three. */
export function checkDtype(name: string, where: string): DType {
  if (!NAMES.includes(name)) {
    throw new DtypeError(`${where}: unknown dtype ${JSON.stringify(name)}; use one of ${NAMES.join(", ")}`);
  }
  return name as DType;
}

/** The dtype that holds both: float64 if either is. int32 is refused, because arithmetic on indices is a mistake. */
export function promote(a: DType, b: DType, where: string): DType {
  if (a === "int32" || b === "int32") {
    throw new DtypeError(
      `${where}: got ${a} and ${b}; int32 tensors are indices and targets, not numbers to compute with: convert with .to("float32")`,
    );
  }
  return a === b ? a : "float64";
}

/**
 * Zeros.
 * @throws ValueError with the size in bytes where the host has no array that large.
 */
export function newArray(dtype: DType, size: number): DataArray {
  try {
    if (dtype === "float32") return new Float32Array(size);
    if (dtype === "float64") return new Float64Array(size);
    return new Int32Array(size);
  } catch (error) {
    throw tooLarge(error, dtype, size);
  }
}

/**
 * An array of its own with the same values. Large ones, of hundreds of kilobytes, take half the time of `newArray` and
 * `set`: nothing is filled with zeros first.
 * @throws ValueError like `newArray`
 */
export function copyOfArray(source: DataArray): DataArray {
  try {
    if (source instanceof Float32Array) return new Float32Array(source);
    if (source instanceof Float64Array) return new Float64Array(source);
    return new Int32Array(source);
  } catch (error) {
    throw tooLarge(error, dtypeOf(source), source.length);
  }
}

function tooLarge(error: unknown, dtype: DType, size: number): unknown {
  if (!(error instanceof RangeError)) return error;
  const gigabytes = (size * (dtype === "float64" ? 8 : 4)) / 1e9;
  return new ValueError(
    `a tensor of ${size} ${dtype} numbers, ${gigabytes.toPrecision(3)} GB, is more than this host allocates; check shapes that broadcast, or work in parts`,
    { cause: error },
  );
}

export function dtypeOf(array: DataArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  return "int32";
}
