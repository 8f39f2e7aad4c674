import { describe, expect, test } from "vitest";
import * as errors from "../../src/base/errors.js";

describe.each(Object.entries(errors))("%s", (name, Class) => {
  test("is an Error and a CreaseError that carries its name and message", () => {
    const error = new (Class as new (message: string, violations: string[]) => Error)("what, where, remedy", []);
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(errors.CreaseError);
    expect(error.name).toBe(name);
    expect(String(error)).toBe(`${name}: what, where, remedy`);
  });
});
