import { describe, expect, it } from "vitest";
import { main as customOp } from "../../examples/custom-op.js";
import { main as xor } from "../../examples/xor.js";

async function linesOf(main: (print: (line: string) => void) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  await main((line) => lines.push(line));
  return lines;
}

describe("examples", () => {
  it("xor: without activations at most 3 of 4 are right, with ReLU all", async () => {
    const lines = await linesOf(xor);
    const [linear, relu] = lines.filter((line) => line.startsWith("activation"));
    expect(Number(/accuracy (.*)/.exec(linear)?.[1])).toBeLessThanOrEqual(0.75);
    expect(relu).toMatch(/^activation relu: .*accuracy 1$/);
    expect(lines.slice(6).sort()).toEqual(["  0 xor 0 is 0", "  0 xor 1 is 1", "  1 xor 0 is 1", "  1 xor 1 is 0"]);
  });

  it("custom-op: has derivatives of any order, and trains", async () => {
    const lines = await linesOf(customOp);
    expect(lines[1]).toBe("bump''(0) = -2");
    const [, first, last] = /: (\S+) at first, (\S+) at last/.exec(lines[2]) ?? [];
    expect(Number(last)).toBeLessThan(Number(first) / 20);
  });
});
