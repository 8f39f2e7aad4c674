/** All that holds for compiled functions holds without WASM too, where every step runs by its op's own code. */
import { backendInfo, limitSimd } from "crease";
import { expect, it } from "vitest";

limitSimd("none");
await import("./compile.test.js");
await import("./images.test.js");
await import("./arguments.test.js");
await import("./effects.test.js");
await import("./switches.test.js");
await import("./fusion.test.js");

it("computes by plain loops here", () => {
  expect(backendInfo().simd).toBe("none");
});
