import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { countRegions, differences, regionsFiles } from "../conformance/regions.js";

const directory = "../shared/regions";

describe.skipIf(!existsSync(directory))(
  "the networks with known counts (skipped where ../shared/regions is absent)",
  () => {
    const files = existsSync(directory) ? regionsFiles(directory) : [];
    it.each(files.filter(({ widths }) => widths[0] <= 2).map((file) => [file.name, file] as const))("%s", (_, file) => {
      expect(differences(file, countRegions(file))).toEqual([]);
    });
  },
);
