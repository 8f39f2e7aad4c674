import { reluNet } from "../../../src/pwl/net.js";

/** |x| + |y| - 1: its zero set is a diamond. */
export const diamond = reluNet(
  [
    [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ],
    [[1, 1, 1, 1]],
  ],
  [[0, 0, 0, 0], [-1]],
);
