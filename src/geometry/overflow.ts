/** The refusal of numbers that overflowed: what would follow from them is wrong. */

import { GeometryError } from "../base/errors.js";

/** Throws a GeometryError where a number is infinite or NaN; `what` says what they are. */
export function requireFinite(numbers: Float64Array | readonly number[], what: string): void {
  for (let k = 0; k < numbers.length; k++) {
    if (!Number.isFinite(numbers[k])) {
      throw new GeometryError(
        `${what} is ${numbers[k]}: what the net multiplies and adds is beyond the range of doubles, about 1.8e308; scale its weights or its inputs down`,
      );
    }
  }
}
