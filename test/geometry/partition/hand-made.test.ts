import { describe, expect, it } from "vitest";
import { partition } from "../../../src/geometry/partition/partition.js";
import { validate } from "../../../src/geometry/partition/validate.js";
import { type PwlNet, reluNet } from "../../../src/pwl/net.js";

const BOX = [
  [-1, 1],
  [-1, 1],
];

/** A net of one hidden layer with the given lines [a, b, c]. */
function arrangement(lines: readonly (readonly number[])[]): PwlNet {
  return reluNet([lines.map(([a, b]) => [a, b]), [lines.map((_, k) => k + 1)]], [lines.map(([, , c]) => c), [0]]);
}

function cellsOf(net: PwlNet, box = BOX): number {
  const p = partition(net, { box });
  expect(validate(p).cells).toBe(p.cells.length);
  expect(partition(net, { box, exact: "always" }).cells.length).toBe(p.cells.length);
  return p.cells.length;
}

/** The lines of the reflection group B2: both axes and both diagonals. */
const REFLECTIONS = [
  [1, 0, 0],
  [0, 1, 0],
  [1, 1, 0],
  [1, -1, 0],
];

describe("arrangements whose cells can be counted by hand", () => {
  it("no line leaves one cell, one line two", () => {
    expect(cellsOf(arrangement([[0, 0, 1]]))).toBe(1);
    expect(cellsOf(arrangement([[1, 0, 0]]))).toBe(2);
  });

  it("the reflections of the square: 2^2 · 2! cells around one point", () => {
    expect(cellsOf(arrangement(REFLECTIONS))).toBe(8);
  });

  it("copies, multiples and negations add none", () => {
    const copies = REFLECTIONS.flatMap(([a, b, c]) => [
      [a, b, c],
      [3 * a, 3 * b, 3 * c],
      [-a, -b, -c],
      [a / 8, b / 8, c / 8],
    ]);
    expect(cellsOf(arrangement(copies))).toBe(8);
  });

  it("the reflections at a point that no double is, and one that rounding moved beside it", () => {
    // through (1/3, 1/3) as integers: x and y at 1/3, both diagonals; all concurrent in exact arithmetic
    const lines = [
      [3, 0, -1],
      [0, 3, -1],
      [3, 3, -2],
      [1, -1, 0],
    ];
    expect(cellsOf(arrangement(lines))).toBe(8);
    // 0.1 · 3 is not 0.3: three lines still meet in one point, and the fourth, 5e-17 beside it, crosses 6 + 4 cells
    expect(0.1 * 3).not.toBe(0.3);
    const moved = [
      [1, 0, -0.1 * 3],
      [1, -1, 0],
      [0, 1, -0.3],
      [1, 1, -0.6],
    ];
    const exactly = [
      [1, 0, -0.3],
      [1, -1, 0],
      [0, 1, -0.3],
      [1, 1, -0.6],
    ];
    expect(cellsOf(arrangement(exactly))).toBe(8);
    expect(cellsOf(arrangement(moved))).toBe(10);
  });

  it("n lines in general position that cross in the box: 1 + n + n(n - 1)/2", () => {
    // tangents of a circle, of which all crossings lie in a large box
    const lines = Array.from({ length: 9 }, (_, k) => [Math.cos(k), Math.sin(k), -0.5]);
    const far = [
      [-100, 100],
      [-100, 100],
    ];
    expect(cellsOf(arrangement(lines), far)).toBe(1 + 9 + 36);
  });

  it("a line along the box's side, or through its corner only, cuts nothing", () => {
    expect(cellsOf(arrangement([[1, 0, -1]]))).toBe(1);
    expect(cellsOf(arrangement([[1, 1, -2]]))).toBe(1);
    expect(cellsOf(arrangement([[1, -1, 0]]))).toBe(2);
  });
});

describe("units that vanish", () => {
  it("a unit that is 0 on a cell is inactive there and does not cut it", () => {
    // second layer: relu(x) without bias is 0 on the left half; its unit is active exactly on the right half
    const net = reluNet([[[1, 0]], [[1]], [[1]]], [[0], [0], [0]]);
    const p = partition(net, { box: BOX });
    expect(p.cells.length).toBe(2);
    expect([...p.cells].map(({ pattern }) => String(pattern)).sort()).toEqual(["0 0", "1 1"]);
    validate(p);
  });

  it("a sum of copies that cancels is 0 everywhere", () => {
    const net = reluNet(
      [
        [
          [1, 2],
          [1, 2],
        ],
        [[1, -1]],
        [[1]],
      ],
      [[0.1, 0.1], [0], [0]],
    );
    const p = partition(net, { box: BOX });
    expect(p.cells.length).toBe(2);
    expect(p.pieces.length).toBe(1);
    expect([...p.cells].every(({ pattern }) => pattern.at(2) === 0)).toBe(true);
  });

  it("a cell as thin as 1e-16 is found, with its area", () => {
    const thin = 2 ** -53;
    const p = partition(
      arrangement([
        [1, 0, 0],
        [1, 0, -thin],
      ]),
      { box: BOX },
    );
    expect([...p.cells].map(({ area }) => area).sort((a, b) => a - b)).toEqual([2 * thin, 2 - 2 * thin, 2]);
    validate(p);
  });

  it("a net without gates is one cell and one piece", () => {
    const net = reluNet(
      [
        [
          [2, -1],
          [1, 1],
        ],
      ],
      [[0.5, 0]],
    );
    const p = partition(net, { box: BOX });
    validate(p);
    const [cell] = p.cells;
    expect(p.cells.length).toBe(1);
    expect([...cell.A, ...cell.b]).toEqual([2, -1, 1, 1, 0.5, 0]);
    expect(cell.area).toBe(4);
    expect(cell.vertices).toEqual([
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ]);
  });
});

describe("maxima", () => {
  /** max of the given affine functions [a, b, c] of the plane. */
  const maximum = (rows: readonly (readonly number[])[]): PwlNet => ({
    inputs: [{ name: "x", shape: [2] }],
    inputSize: 2,
    layers: [
      {
        kind: "max",
        name: "max",
        argument: {
          size: rows.length,
          terms: [
            {
              source: 0,
              block: {
                kind: "dense",
                rows: rows.length,
                columns: 2,
                values: Float64Array.from(rows.flatMap((row) => row.slice(0, 2))),
              },
            },
          ],
          bias: Float64Array.from(rows, ([, , c]) => c),
        },
        starts: Int32Array.of(0, rows.length),
      },
    ],
    output: {
      size: 1,
      terms: [{ source: 1, block: { kind: "dense", rows: 1, columns: 1, values: Float64Array.of(1) } }],
      bias: new Float64Array(1),
    },
    outputShape: [1],
    rounded: [],
  });

  it("of four directions has four cells that meet in one point", () => {
    const net = maximum([
      [1, 0, 0],
      [0, 1, 0],
      [-1, 0, 0],
      [0, -1, 0],
    ]);
    const p = partition(net, { box: BOX });
    expect(validate(p)).toMatchObject({ cells: 4, vertices: 5, edges: 8 });
    expect([...p.cells].map(({ area }) => area)).toEqual([1, 1, 1, 1]);
  });

  it("gives ties to the first, and none to those that only tie", () => {
    // x, 2x, 3x tie on x = 0; 2x never wins alone. The fourth copies the third.
    const p = partition(
      maximum([
        [1, 0, 0],
        [2, 0, 0],
        [3, 0, 0],
        [3, 0, 0],
      ]),
      { box: BOX },
    );
    expect([...p.cells].map(({ pattern }) => pattern.at(0)).sort()).toEqual([0, 2]);
    validate(p);
  });

  it("cuts no loser from another", () => {
    // x and -x differ on both sides of x = 0, but 5 wins everywhere
    expect(
      cellsOf(
        maximum([
          [1, 0, 0],
          [-1, 0, 0],
          [0, 0, 5],
        ]),
      ),
    ).toBe(1);
    expect(
      cellsOf(
        maximum([
          [1, 0, 0],
          [-1, 0, 0],
          [0, 0, 0.5],
        ]),
      ),
    ).toBe(3);
  });
});
