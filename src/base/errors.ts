/** Every error class of Crease. A message says what is wrong, where, both values, and the remedy. */

/** The root of every error that Crease raises on purpose. */
export class CreaseError extends Error {}

/** Shapes that do not fit together, or do not fit the op. */
export class ShapeError extends CreaseError {}

/** A dtype where another is needed, such as int32 in arithmetic. */
export class DtypeError extends CreaseError {}

/** An axis or index outside its range. */
export class AxisError extends CreaseError {}

/** An option that is unknown, missing, or out of its range. */
export class OptionError extends CreaseError {}

/** A value that cannot be read or built: ragged nested arrays, `item()` of many elements. */
export class ValueError extends CreaseError {}

/** A derivative that cannot be computed: no graph, graph freed, value overwritten, seed missing. */
export class GradientError extends CreaseError {}

/** The first NaN or infinity met under `detectAnomaly`. */
export class AnomalyError extends CreaseError {}

/** A function that cannot be recorded: it returns a promise, or an illegal graph. */
export class TraceError extends CreaseError {}

/** A state dictionary that does not fit its module; lists every difference at once. */
export class StateError extends CreaseError {}

/** A graph that cannot be read as a piecewise-linear network. */
export class PiecewiseLinearError extends CreaseError {}

/** A domain or a request that geometry cannot answer: an empty box, an unbounded domain, a wrong width. */
export class GeometryError extends CreaseError {}

/** `validate` found that a result contradicts itself; lists every violation. */
export class ValidationError extends CreaseError {
  constructor(
    message: string,
    readonly violations: readonly string[],
  ) {
    super(message);
  }
}

/** A drawing that cannot be made, or is too large to lay out. */
export class DrawError extends CreaseError {}

/** A package that is needed for this call and is not installed; names the install command. */
export class MissingPackageError extends CreaseError {}

/** A function that cannot be compiled: it reads values, or gives back something other than tensors. */
export class CompileError extends CreaseError {}

const classes = {
  CreaseError,
  ShapeError,
  DtypeError,
  AxisError,
  OptionError,
  ValueError,
  GradientError,
  AnomalyError,
  TraceError,
  StateError,
  PiecewiseLinearError,
  GeometryError,
  ValidationError,
  DrawError,
  MissingPackageError,
  CompileError,
};

// By these names rather than the classes' own, which a minifier changes.
for (const [name, type] of Object.entries(classes)) {
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
}
