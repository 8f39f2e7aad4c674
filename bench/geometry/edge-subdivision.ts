/** Edge subdivision in Python, timed beside ours where its repository is given: `--edge-subdivision PATH`. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { DenseBlock, PwlNet } from "../../src/pwl/net.js";

/** What edge subdivision finds: vertices and edges only, no cells. */
export interface EdgeSubdivision {
  readonly seconds: number;
  readonly vertices: number;
  readonly edges: number;
}

const SCRIPT = join(import.meta.dirname, "edge-subdivision.py");
const OPTION = "--edge-subdivision";

/** The value of `--edge-subdivision`, or undefined with a note printed. */
export function edgeSubdivisionPath(args: readonly string[]): string | undefined {
  const at = args.indexOf(OPTION);
  if (at >= 0 && args[at + 1] !== undefined) return args[at + 1];
  console.log(
    `edge subdivision is skipped: pass ${OPTION} with the path of its repository (Python with torch is needed)`,
  );
  return undefined;
}

/** Runs it on a dense net in the box [-1, 1]^d; undefined, with the reason printed, where Python or torch fail. */
export function timeEdgeSubdivision(path: string, net: PwlNet): EdgeSubdivision | undefined {
  const affines = [...net.layers.map(({ argument }) => argument), net.output];
  const blocks = affines.map(({ terms }) => terms[0].block as DenseBlock);
  const request = {
    shape: [net.inputSize, ...blocks.map(({ rows }) => rows)],
    weights: blocks.map(({ rows, columns, values }) =>
      Array.from({ length: rows }, (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns))),
    ),
    biases: affines.map(({ bias }) => Array.from(bias)),
  };
  const { status, stdout, stderr, error } = spawnSync("python3", [SCRIPT, path], {
    input: `${JSON.stringify(request)}\n`,
    encoding: "utf8",
    timeout: 300_000,
  });
  const answer = stdout?.split("\n").find((line) => line.startsWith("{"));
  if (status === 0 && answer !== undefined) return JSON.parse(answer);
  const reason = error?.message ?? stderr.trim().split("\n").pop();
  console.log(`  edge subdivision failed: ${reason}`);
  return undefined;
}
