import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type EnumerationMethod, enumerate } from "../../../src/geometry/enumerate/enumerate.js";
import { reluNet } from "../../../src/pwl/net.js";

const directory = "../shared/regions";
const methods: readonly EnumerationMethod[] = ["vertices", "linear-programs"];
const names = ["d1_20", "d1_3x10", "d2_16x16", "d2_dead", "d2_dup", "d3_16x16", "d4_10x10", "bunny_3_3x16"];

describe.skipIf(!existsSync(directory))("the networks of ../shared/regions (skipped where it is absent)", () => {
  for (const name of names) {
    const file = `${directory}/${name}.json`;
    for (const method of methods) {
      it.skipIf(!existsSync(file))(`${name} has as many cells by ${method} as two other programs found`, async () => {
        const { weights, biases, box, expect: known } = JSON.parse(readFileSync(file, "utf8"));
        const net = reluNet(weights, biases);
        const counted = await enumerate(net, { box, method, countOnly: true });
        expect([counted.count, counted.complete]).toEqual([known.regions, true]);
        const split = await enumerate(net, { box, method, splitAtOutputZero: true, want: [] });
        expect([split.count, split.cells.length]).toEqual(Array(2).fill(known.regions_with_output_split));
      });
    }
  }
});
