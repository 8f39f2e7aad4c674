import { AxisError, data, OptionError } from "crease";
import { describe, expect, it } from "vitest";
import { checkIndex, checkOptions } from "../../src/base/options.js";
import { shown } from "../../src/base/shown.js";

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

  it("may be of a kind, one of some texts, or a record of options", () => {
    const known = { on: "true or false", way: ["up", "down"], limits: { cells: "a number above 0" } } as const;
    const check = (options: object) => () => checkOptions(options, known, "f");
    expect(check({})).not.toThrow();
    expect(check({ on: undefined, limits: undefined })).not.toThrow();
    expect(check({ on: false, way: "up", limits: { cells: 3 } })).not.toThrow();
    expect(check({ on: 1 })).toThrow("f: on is 1; pass true or false");
    expect(check({ on: null })).toThrow("f: on is null; pass true or false");
    expect(check({ way: "left" })).toThrow('f: way is "left"; pass "up" or "down"');
    expect(check({ limits: 3 })).toThrow("f: limits is an object such as { cells: … }, got 3; known are cells");
    expect(check({ limits: { cell: 3 } })).toThrow('f: unknown option "limits.cell"; known are cells');
    expect(check({ limits: { cells: 0 } })).toThrow("f: limits.cells is 0; pass a number above 0");
    expect(check({ of: 1 })).toThrow('f: unknown option "of"; known are on, way, limits');
  });
});

describe("an index", () => {
  it("is a whole number from 0 to the length less one", () => {
    for (const index of [0, 1, 2]) expect(() => checkIndex(index, 3, "cell")).not.toThrow();
    for (const wrong of [-1, 3, 0.5, Number.NaN, "0", undefined]) {
      expect(() => checkIndex(wrong as never, 3, "cell")).toThrow(AxisError);
    }
    expect(() => checkIndex(3, 3, "cell")).toThrow("there is no cell 3: they are numbered from 0 to 2");
    expect(() => checkIndex(0, 0, "cell")).toThrow("there is no cell 0: there are none");
  });
});

describe("values in messages", () => {
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [-0.5, "-0.5"],
    ["a", '"a"'],
    ["x".repeat(50), `"${"x".repeat(37)}..."`],
    [[1, "a", null], '[1, "a", null]'],
    [new Float64Array(2), "[0, 0]"],
    [[[1], [2]], "a list of 2"],
    [new Array(9).fill(0), "a list of 9"],
    [{ a: 1 }, "a plain object"],
    [Object.create(null), "an object"],
    [new Map(), "a Map"],
    [new AbortController(), "an AbortController"],
    [function named() {}, "the function named"],
    [() => 0, "a function"],
  ])("%o is %s", (value, text) => {
    expect(shown(value)).toBe(text);
  });
});
