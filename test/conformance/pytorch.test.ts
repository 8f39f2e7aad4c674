import { existsSync, readFileSync } from "node:fs";
import type { DType } from "crease";
import { describe, expect, it } from "vitest";
import { type Case, runCase } from "./pytorch.js";

/** A few of the cases, so that something is compared also where the shared file is absent. */
const copied: Case[] = JSON.parse(readFileSync(new URL("pytorch-cases.json", import.meta.url), "utf8"));

const FILE = new URL("../../../shared/autograd/pytorch.json", import.meta.url);
const present = existsSync(FILE);
const cases: Case[] = present ? JSON.parse(readFileSync(FILE, "utf8")) : [];

describe("reference cases computed by PyTorch", () => {
  if (!present) it.skip("../shared/autograd/pytorch.json is absent", () => {});
  for (const dtype of ["float64", "float32"] as const satisfies readonly DType[]) {
    const seen = new Map<string, number>();
    for (const one of cases) {
      const count = (seen.get(one.op) ?? 0) + 1;
      seen.set(one.op, count);
      it(`${one.op} ${count} agrees in ${dtype}`, () => {
        expect(runCase(one, dtype)).toBeNull();
      });
    }
  }
  if (present) {
    it("are 136 over 56 ops", () => {
      expect(cases.length).toBe(136);
      expect(new Set(cases.map(({ op }) => op)).size).toBe(56);
    });

    it("fail where a number is changed", () => {
      const one = structuredClone(cases.find(({ op }) => op === "tanh")) as Case;
      one.grads[0][0] += 1e-6;
      expect(runCase(one, "float64")).toMatch(/gradient 0 differs/);
    });
  }
});

describe.each(["float64", "float32"] as const)("copied reference cases in %s", (dtype) => {
  it.each(copied.map((one) => [one.op, one] as const))("%s agrees", (_, one) => {
    expect(runCase(one, dtype)).toBeNull();
  });
});
