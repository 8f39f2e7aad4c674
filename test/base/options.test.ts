import { data, OptionError } from "crease";
import { describe, expect, it } from "vitest";
import { checkOptions } from "../../src/base/options.js";

describe("options", () => {
  it("are a record of known keys", () => {
    expect(() => checkOptions({ a: 1 }, ["a", "b"], "f")).not.toThrow();
    expect(() => checkOptions({ c: 1 }, ["a", "b"], "f")).toThrow('f: unknown option "c"; known are a, b');
  });

  it("are refused where they are a number, an array or null", () => {
    for (const wrong of [200, [1], null]) {
      expect(() => checkOptions(wrong as never, ["samples"], "moons")).toThrow(OptionError);
    }
    expect(() => data.moons(200 as never)).toThrow(/options are an object such as \{ samples: … \}, got 200/);
  });
});
