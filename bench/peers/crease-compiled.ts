/** Crease, compiled: the same steps handed to `compile`. */
import { compile } from "../../src/index.js";
import type { Peer } from "./contestant.js";
import { contestant, describe, workOf } from "./crease.js";

export const peer: Peer = {
  describe,
  prepare: async (workload, arrays) => contestant(compile(workOf(workload, arrays))),
};
