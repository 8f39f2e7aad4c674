/** Crease, compiled, with two threads. */
import * as crease from "../../src/index.js";
import { type Peer, Unavailable } from "./contestant.js";
import { describe } from "./crease.js";
import { peer as compiled } from "./crease-compiled.js";

export const peer: Peer = {
  describe,
  prepare: async (workload, arrays) => {
    if (!("setThreads" in crease)) throw new Unavailable("threads are not there yet");
    (crease.setThreads as (count: number) => void)(2);
    return compiled.prepare(workload, arrays);
  },
};
