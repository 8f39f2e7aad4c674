import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main as exportDot } from "../../examples/export-dot.js";
import { main as scalarGraph } from "../../examples/scalar-graph.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crease-"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("examples", () => {
  it("scalar-graph: prints value and gradients, and draws them", async () => {
    const lines: string[] = [];
    await scalarGraph((line) => lines.push(line), folder);
    expect(lines.slice(0, 2)).toEqual(["y = relu(a b + a³) = 2", "dy/da = 9, dy/db = 2"]);
    expect(await readFile(join(folder, "scalar-graph.svg"), "utf8")).toContain("gradient 9");
  });

  it("export-dot: writes every drawing as DOT and SVG", async () => {
    const lines: string[] = [];
    await exportDot((line) => lines.push(line), folder);
    expect(lines).toHaveLength(4);
    for (const name of ["ops", "modules", "flips", "neurons"]) {
      expect(await readFile(join(folder, `${name}.dot`), "utf8")).toMatch(/^digraph \{/);
      expect(await readFile(join(folder, `${name}.svg`), "utf8")).toContain("of 8 active");
    }
  });
});
