import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main as hinges } from "../../examples/hinges-1d.js";
import { main as linearCollapse } from "../../examples/linear-collapse.js";
import { main as reluCreases } from "../../examples/relu-creases.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "crease-"));
});

afterAll(() => rm(folder, { recursive: true }));

type Main = (print: (line: string) => void, folder: string) => Promise<void>;

async function linesOf(main: Main): Promise<string[]> {
  const lines: string[] = [];
  await main((line) => lines.push(line), folder);
  return lines;
}

/** Every number in a line. */
const numbersIn = (line: string): number[] => Array.from(line.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]\d+)?/g), Number);

const drawn = (name: string): Promise<string> => readFile(join(folder, `${name}.svg`), "utf8");

describe("examples", () => {
  it("hinges-1d: as many hinges as kinks make a curve of straight pieces, the more the closer", async () => {
    const lines = await linesOf(hinges);
    const titles = lines.filter((line) => line.includes("kinks")).map(numbersIn);
    const [[three, kinksOfThree, worstOfThree], [sixteen, kinksOfSixteen, worstOfSixteen]] = titles;
    expect([three, kinksOfThree, sixteen]).toEqual([3, 3, 16]);
    expect(kinksOfSixteen).toBeLessThanOrEqual(16);
    expect(worstOfThree).toBeLessThan(0.25);
    expect(worstOfSixteen).toBeLessThan(0.05);
    const pieces = lines.filter((line) => /^[\d\s.-]+$/.test(line)).map(numbersIn);
    expect(pieces).toHaveLength(kinksOfThree + 1 + kinksOfSixteen + 1);
    pieces.slice(0, kinksOfThree).forEach(([, to, slope, offset], i) => {
      const [from, , nextSlope, nextOffset] = pieces[i + 1];
      expect(from).toBe(to);
      // the printed numbers have two decimals
      expect(Math.abs(nextSlope * to + nextOffset - (slope * to + offset))).toBeLessThan(0.05);
    });
    for (const name of ["hinges-3", "hinges-16"]) expect(await drawn(name)).toContain("sin x");
  });

  it("linear-collapse: the deep linear net is one affine map to rounding, and ReLU does better", async () => {
    const lines = await linesOf(linearCollapse);
    const line = (start: string): string => lines.find((one) => one.includes(start)) ?? "";
    expect(lines.filter((one) => one.includes("after"))).toHaveLength(3);
    const [difference, bound] = numbersIn(line("rounding"));
    expect(difference).toBeLessThanOrEqual(bound);
    expect(bound).toBeLessThan(1e-3);
    expect(numbersIn(line("without"))[1]).toBeLessThan(92);
    expect(numbersIn(line("with ReLU"))[0]).toBeGreaterThan(98);
    expect(line("collapse:")).toMatch(/bends at relu .*linear-collapse\.ts:\d+/);
    for (const name of ["moons-linear", "moons-relu"]) expect(await drawn(name)).toContain("decision boundary");
  });

  it("relu-creases: names the cells, and the affine map that the net is at a point", async () => {
    const lines = await linesOf(reluCreases);
    const [cells] = numbersIn(lines[1]);
    const [visited] = numbersIn(lines[2]);
    // 8 lines cut the plane into at most 1 + 8 + 28 cells
    expect(cells).toBeGreaterThan(8);
    expect(cells).toBeLessThanOrEqual(37);
    expect(visited).toBeLessThanOrEqual(cells);
    const [x, y] = numbersIn(lines[3]);
    const [a, c, b, value] = numbersIn(lines[4]);
    expect(Math.abs(a * x + c * y + b - value)).toBeLessThan(0.005);
    const [, margin, nearX, nearY] = numbersIn(lines[5]);
    expect(Math.abs(Math.hypot(nearX - x, nearY - y) - margin)).toBeLessThan(0.002);
    expect(await drawn("circles-creases")).toContain("weight vector");
    expect(await drawn("circles-patterns")).toContain("distinct patterns");
  });
});
