/** Crease, compiled, with two threads. */
import { setThreads } from "../../src/index.js";
import type { Peer } from "./contestant.js";
import { describe } from "./crease.js";
import { peer as compiled } from "./crease-compiled.js";

export const peer: Peer = {
  describe: async () => {
    setThreads(2);
    return describe();
  },
  prepare: async (workload, arrays) => {
    // Before the program is compiled, which decides then which of its products are shared.
    setThreads(2);
    return compiled.prepare(workload, arrays);
  },
};
