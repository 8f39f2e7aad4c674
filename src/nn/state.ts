import { formatShape, sameShape } from "../array/shape.js";
import { StateError } from "../base/errors.js";
import { shown } from "../base/shown.js";
import { checkOptions } from "../ops/create.js";
import { isTensorJson, type TensorJson, tensorFromJson } from "../tensor/json.js";
import { Tensor } from "../tensor/tensor.js";

/** Tensors by name, such as "0.weight": what is saved of a module or an optimizer. `JSON.stringify` keeps it to the last bit. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** A state dictionary, or what `JSON.parse` gives of one. */
export type SavedState = Readonly<Record<string, Tensor | TensorJson>>;

export interface LoadOptions {
  /** Whether a missing or unexpected name is an error; default true. Wrong shapes and dtypes always are. */
  strict?: boolean;
}

/** Names that did not match; both empty where loading was strict. */
export interface LoadResult {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/**
 * Gives each tensor of `targets` the values that `state` has under its name: all of them, or none and an error.
 * Several names may belong to one tensor (shared parameters); then one of them is enough.
 * @throws StateError that lists every difference.
 */
export function loadInto(
  targets: ReadonlyMap<string, Tensor>,
  state: SavedState,
  options: LoadOptions,
  where: string,
): LoadResult {
  checkOptions(options, ["strict"], where);
  const { strict = true } = options;
  const given = new Set([...targets].filter(([name]) => Object.hasOwn(state, name)).map(([, target]) => target));
  const missing = [...targets].filter(([, target]) => !given.has(target)).map(([name]) => name);
  const unexpected = Object.keys(state).filter((name) => !targets.has(name));
  const problems = strict
    ? [
        ...missing.map((name) => `missing: ${name} ${typeOf(targets.get(name) as Tensor)}`),
        ...unexpected.map((name) => `unexpected: ${name}`),
      ]
    : [];
  const sources = new Map<Tensor, readonly [name: string, source: Tensor]>();
  for (const [name, target] of targets) {
    if (!Object.hasOwn(state, name)) continue;
    const saved: unknown = state[name];
    const source = isTensorJson(saved) ? tensorFromJson(saved) : saved;
    if (!(source instanceof Tensor)) {
      problems.push(`not a tensor: ${name} is ${shown(source)}; make one of it with tensor(...)`);
    } else if (!sameShape(source.shape, target.shape)) {
      problems.push(`wrong shape: ${name} is ${formatShape(source.shape)}, expected ${formatShape(target.shape)}`);
    } else if (source.dtype !== target.dtype) {
      problems.push(`wrong dtype: ${name} is ${source.dtype}, expected ${target.dtype}; convert with .to(...)`);
    } else {
      const [firstName, first] = sources.get(target) ?? [name, source];
      if (!sameValues(first, source)) problems.push(`contradiction: ${firstName} and ${name} are one tensor here`);
      sources.set(target, [firstName, first]);
    }
  }
  if (problems.length > 0) {
    const lines = problems.map((problem) => `\n  ${problem}`).join("");
    const remedy = strict && missing.length + unexpected.length > 0 ? "\n({ strict: false } takes what matches)" : "";
    throw new StateError(`${where}: the state does not fit, and nothing was loaded:${lines}${remedy}`);
  }
  for (const [target, [, source]] of sources) target.assign_(source);
  return { missing, unexpected };
}

function typeOf(tensor: Tensor): string {
  return `${tensor.dtype}${formatShape(tensor.shape)}`;
}

/** Whether two tensors of one shape hold the same bits of information; NaN equals NaN. */
function sameValues(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  for (let i = 0; i < a.size; i++) if (!Object.is(a.buffer[a.offset + i], b.buffer[b.offset + i])) return false;
  return true;
}
