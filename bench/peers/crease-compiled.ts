/** Crease, compiled: the same steps handed to `compile`. */

import type { Tensor } from "../../src/index.js";
import * as crease from "../../src/index.js";
import { type Peer, Unavailable } from "./contestant.js";
import { contestant, describe, type Work, workOf } from "./crease.js";

type Compile = (work: Work) => () => Tensor;

/** The compiled form of some work. */
export function compiled(work: Work): Work {
  if (!("compile" in crease)) throw new Unavailable("compile is not there yet");
  return (crease.compile as Compile)(work);
}

export const peer: Peer = {
  describe,
  prepare: async (workload, arrays) => contestant(compiled(workOf(workload, arrays))),
};
