/**
 * What one eager op costs at the sizes of small networks, in processor time with the collector's part.
 *
 *   npx tsx bench/ops.ts
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "./build.js";

console.log(`Node ${process.version}`);
const { status } = spawnSync(process.execPath, [join(build(), "bench/ops-loop.js")], { stdio: "inherit" });
process.exitCode = status ?? 1;
