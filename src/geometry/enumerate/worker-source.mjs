/** Starts `worker.ts` where the library runs from its sources. */

import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
