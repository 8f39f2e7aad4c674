import { type Tensor, tensor } from "crease";
import { describe, expect, test } from "vitest";
import { CreaseError } from "../../src/base/errors.js";

/** A bad call: the class that it raises, and what the message says (what, where, both values, the remedy). */
export type Bad = readonly [what: string, call: () => unknown, Class: new (...args: never[]) => Error, message: RegExp];

/** Options that the types refuse. */
export const wrong = <T>(options: T): never => options as never;

/** Tests that every call raises its error, and that all works afterwards. */
export function testBadCalls(groups: Readonly<Record<string, readonly Bad[]>>): void {
  describe.each(Object.entries(groups))("%s", (_, calls) => {
    test.each(calls)("%s", (_what, call, Class, message) => {
      let raised: unknown = null;
      try {
        call();
      } catch (error) {
        raised = error;
      }
      expect(raised).toBeInstanceOf(Class);
      expect(raised).toBeInstanceOf(CreaseError);
      expect((raised as Error).name).toBe(Class.name);
      expect((raised as Error).message).toMatch(message);
    });
  });

  test("after bad calls gradients are as ever", () => {
    for (const calls of Object.values(groups)) for (const [, call] of calls) expect(call).toThrow();
    const y: Tensor = tensor(1, { requiresGrad: true });
    y.square().backward();
    expect(y.grad?.item()).toBe(2);
    expect(tensor([1]).exp().isLeaf).toBe(true);
  });
}
