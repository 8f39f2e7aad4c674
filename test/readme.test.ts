import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}test/.readme`;
const snippets = [...readFileSync(`${root}README.md`, "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code,
);

describe("every snippet of the README runs", () => {
  beforeAll(() => mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("there are snippets", () => expect(snippets.length).toBeGreaterThan(5));

  snippets.forEach((code, i) => {
    it(`snippet ${i + 1}: ${code.split("\n")[0]}`, async () => {
      const path = `${folder}/snippet-${i + 1}.ts`;
      writeFileSync(path, code);
      const log = vi.spyOn(console, "log").mockImplementation(() => {});
      try {
        await import(path);
        for (const values of log.mock.calls) for (const value of values) expect(value).not.toBeUndefined();
      } finally {
        log.mockRestore();
      }
    });
  });
});
