/**
 * Counts the cells of every network in a directory and compares with the counts in its file.
 *
 *     npx tsx test/conformance/regions.ts DIR
 *
 * Each JSON file holds `weights`, `biases`, `box` and `expect` (see `RegionsFile`). Prints one line per network and ends
 * with `N passed, M failed`; the exit code is 1 if any failed.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { enumerate } from "../../src/geometry/enumerate/enumerate.js";
import { enumeratedPieces } from "../../src/geometry/enumerate/pieces.js";
import { partition } from "../../src/geometry/partition/partition.js";
import { pieces } from "../../src/geometry/partition/pieces.js";
import { reluNet } from "../../src/pwl/net.js";

/** A ReLU network and what is known of its cells in a box. */
export interface RegionsFile {
  readonly name: string;
  readonly widths: readonly number[];
  readonly weights: readonly (readonly (readonly number[])[])[];
  readonly biases: readonly (readonly number[])[];
  readonly box: readonly (readonly [number, number])[];
  readonly expect: {
    readonly regions: number;
    readonly distinct_affine_maps?: number;
    readonly linear_pieces_connected?: number;
    readonly regions_with_output_split?: number;
  };
}

/** What was counted; an absent count was not asked for or cannot be had in that dimension. */
export interface Counts {
  readonly regions: number;
  readonly distinct_affine_maps?: number;
  readonly linear_pieces_connected?: number;
  readonly regions_with_output_split?: number;
}

/** The counts of one dimension's method. */
export async function countRegions(file: RegionsFile): Promise<Counts> {
  const net = reluNet(file.weights, file.biases);
  if (net.inputSize > 2) return countInSpace(file);
  const plain = partition(net, { box: file.box });
  const merged = pieces(plain);
  return {
    regions: plain.cells.length,
    distinct_affine_maps: merged.distinctMaps,
    linear_pieces_connected: merged.length,
    regions_with_output_split: partition(net, { box: file.box, splitAtOutputZero: true }).cells.length,
  };
}

/** The counts in three and more dimensions. */
async function countInSpace({ weights, biases, box }: RegionsFile): Promise<Counts> {
  const net = reluNet(weights, biases);
  const plain = await enumerate(net, { box });
  const merged = enumeratedPieces(plain);
  const split = await enumerate(net, { box, splitAtOutputZero: true, countOnly: true });
  return {
    regions: plain.count,
    distinct_affine_maps: merged.distinctMaps,
    linear_pieces_connected: merged.length,
    regions_with_output_split: split.count,
  };
}

/** The counts that the file states and the method did not meet, one line each; empty when all agree. */
export function differences(file: RegionsFile, counts: Counts): string[] {
  const names = ["regions", "distinct_affine_maps", "linear_pieces_connected", "regions_with_output_split"] as const;
  return names
    .filter((name) => file.expect[name] !== undefined && counts[name] !== file.expect[name])
    .map((name) => `${name}: ${counts[name]} counted, ${file.expect[name]} expected`);
}

/** The networks of a directory, by name. */
export function regionsFiles(directory: string): RegionsFile[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as RegionsFile);
}

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined || !existsSync(directory)) {
    console.error(`no such directory: ${directory ?? "(none given)"}\nusage: npx tsx test/conformance/regions.ts DIR`);
    return 1;
  }
  let passed = 0;
  let failed = 0;
  for (const file of regionsFiles(directory)) {
    const start = performance.now();
    let problems: string[];
    let counted = "";
    try {
      const counts = await countRegions(file);
      counted = Object.entries(counts)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ");
      problems = differences(file, counts);
    } catch (error) {
      problems = [String(error)];
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(3);
    console.log(`${problems.length === 0 ? "pass" : "FAIL"} ${file.name}: ${counted} (${seconds} s)`);
    for (const problem of problems) console.log(`     ${problem}`);
    if (problems.length === 0) passed++;
    else failed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv[2]).then((code) => {
    process.exitCode = code;
  });
}
