/** What an enumeration that was stopped has left: as plain data, which tells the net and domain it belongs to. */

import { OptionError } from "../../base/errors.js";
import { shown } from "../../base/shown.js";
import type { Plan } from "../cell-tree/plan.js";
import type { SubProblem } from "../cell-tree/sub-problem.js";
import { widthOf } from "../vector.js";
import type { EnumerationJob } from "./job.js";

/** The cells that have some gates in given states. */
export interface FrontierPart {
  /** A fingerprint of the net, its box and its polytope, as text. */
  readonly of: string;
  /** Per gate its state, or -1 where it is open. */
  readonly states: SubProblem;
}

/** What is left to search, as plain data (it survives JSON). May be split: each part is searched on its own. */
export type Frontier = readonly FrontierPart[];

/** Sub-problems, with what they belong to. */
export function frontierOf(job: EnumerationJob, problems: readonly SubProblem[]): Frontier {
  if (problems.length === 0) return [];
  const of = fingerprint(job);
  return problems.map((states) => ({ of, states }));
}

/**
 * The sub-problems of a frontier.
 * @throws OptionError for anything else, and for a frontier of another net, box, polytope or split.
 */
export function readFrontier(frontier: Frontier, job: EnumerationJob, { layout, layers }: Plan): SubProblem[] {
  if (!Array.isArray(frontier)) {
    throw new OptionError(
      `resume is ${shown(frontier)}; pass the frontier of an incomplete enumeration: result.frontier`,
    );
  }
  const own = frontier.length === 0 ? "" : fingerprint(job);
  return (frontier as Frontier).map((part, p) => {
    const states: unknown = part?.states;
    if (widthOf(states) !== layout.gates) {
      throw new OptionError(
        `sub-problem ${p} to resume from has ${widthOf(states) ?? "no"} states, but this net has ${layout.gates} gates: resume with the net (and splitAtOutputZero) it came from`,
      );
    }
    layers.forEach(({ gates }, l) => {
      if (gates === undefined) return;
      for (let unit = 0; unit < layout.layerStarts[l + 1] - layout.layerStarts[l]; unit++) {
        const known = gates.kind === "hinge" ? 2 : gates.starts[unit + 1] - gates.starts[unit];
        const state = part.states[layout.layerStarts[l] + unit];
        if (!Number.isInteger(state) || state < -1 || state >= known) {
          throw new OptionError(
            `sub-problem ${p} to resume from gives gate ${unit} of layer ${l + 1} the state ${state}`,
          );
        }
      }
    });
    if (part.of !== own) {
      throw new OptionError(
        `sub-problem ${p} to resume from belongs to another net, box or polytope (fingerprint ${shown(part.of)}, here "${own}"): resume with the weights and the domain it came from`,
      );
    }
    return part.states;
  });
}

/** 64 bits that depend on every number of the net and the domain (FNV-1a in two lanes); names do not count. */
function fingerprint({ net, lower, upper, polytope }: EnumerationJob): string {
  const number = new Float64Array(1);
  const halves = new Int32Array(number.buffer);
  let [first, second] = [0x811c9dc5, 0x1b873593];
  const add = (value: unknown): void => {
    if (typeof value === "number") {
      number[0] = value;
      first = Math.imul(Math.imul(first ^ halves[0], 0x01000193) ^ halves[1], 0x01000193);
      second = Math.imul(Math.imul(second ^ halves[1], 0x85ebca6b) ^ (halves[0] + (second >>> 13)), 0x01000193);
    } else if (ArrayBuffer.isView(value) || Array.isArray(value)) {
      for (const one of value as unknown as Iterable<unknown>) add(one);
    } else if (typeof value === "object" && value !== null) {
      for (const one of Object.values(value)) add(one);
    }
  };
  add([net.inputSize, net.layers, lower, upper, polytope?.A, polytope?.b]);
  return [first, second].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
