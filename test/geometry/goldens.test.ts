import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { countRegions, differences, regionsFiles } from "../conformance/regions.js";

const directory = "../shared/regions";

describe.skipIf(!existsSync(directory))(
  "the networks with known counts (skipped where ../shared/regions is absent)",
  () => {
    const files = existsSync(directory) ? regionsFiles(directory) : [];
    it.each(files.map((file) => [file.name, file] as const))("%s", async (_, file) => {
      expect(differences(file, await countRegions(file))).toEqual([]);
    });
  },
);
