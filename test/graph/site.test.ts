import { describe, expect, it } from "vitest";
import { placesOf } from "../../src/graph/site.js";

describe("the user's line", () => {
  it("is outside the published files and, as source maps name them, their sources", () => {
    expect(placesOf("file:///home/a/node_modules/crease/dist/graph/site.js")).toEqual([
      "/home/a/node_modules/crease/dist/",
      "/home/a/node_modules/crease/src/",
    ]);
    expect(placesOf("https://host/crease/dist/graph/site.js")).toEqual([
      "https://host/crease/dist/",
      "https://host/crease/src/",
    ]);
  });

  it("is outside the sources, run as they are", () => {
    expect(placesOf("file:///home/dist/crease/src/graph/site.ts")).toEqual(["/home/dist/crease/src/"]);
  });

  it("is not known in a script without a place", () => expect(placesOf(undefined)).toEqual([]));
});
