import { lower, partition, productBound, validate } from "crease";
import { plotLines, plotPartition } from "crease/draw";
import { boxOf } from "./data-sets.js";
import { type Chapter, figure, paragraph, row, table } from "./page.js";
import type { Subject } from "./subject.js";

/** The exact cells of the nets, and how they grow. */
export function cellsChapter(subjects: readonly Subject[], write: (name: string, content: string) => void): Chapter {
  const cut = subjects.map((subject) => {
    const { set, relu, linear } = subject;
    const box = boxOf(set);
    const p = partition(relu.net, { box });
    validate(p);
    return {
      ...subject,
      p,
      flat: partition(linear.net, { box }),
      bound: productBound(lower(relu.net, { shape: [2] })),
    };
  });
  return {
    id: "cells",
    title: "4. The creases cut the plane into cells",
    body: [
      paragraph(
        "Second-layer units are kinked too, but their creases are bent: they change direction wherever they cross a crease of the first layer, because there the map below them changes. Together all creases cut the plane into convex cells, and in each cell the net is another affine map.",
      ),
      paragraph(
        "These are all of them, found by exact arithmetic: no sampling grid, no tolerance. The linear-only net has one.",
      ),
      ...cut.map(({ set, p, flat }) => {
        const look = {
          boundary: true,
          data: { points: set.inputs, classes: set.labels, names: [...set.classes] },
          xLabel: set.axes[0],
          yLabel: set.axes[1],
        } as const;
        const cells = plotPartition(p, { ...look, colour: "pattern", size: 460 });
        write(`${set.name}-cells.svg`, cells);
        return row(
          figure(
            plotPartition(flat, { ...look, colour: "value", output: 1, size: 460 }),
            `${set.title}, linear-only: ${flat.cells.length} cell.`,
          ),
          figure(
            cells,
            `${set.title}, ReLU: ${p.cells.length} cells, ${p.pieces.length} flat pieces, and the exact decision boundary.`,
          ),
        );
      }),
      table([
        ["Data", "Cells, linear-only", "Cells, ReLU", "Flat pieces", "At most (product of the layers)"],
        ...cut.map(({ set, flat, p, bound }) => [
          set.title,
          String(flat.cells.length),
          String(p.cells.length),
          String(p.pieces.length),
          bound.toLocaleString("en"),
        ]),
      ]),
      paragraph(
        "The bound counts what two layers of 16 lines could do at best. A trained network uses a small part of it: it puts its creases where the data need them.",
      ),
      figure(
        plotLines(
          cut.map(({ set, growth }) => ({ name: set.title, x: growth.epochs, y: growth.cells })),
          { xLabel: "epoch", yLabel: "cells in the box" },
        ),
        "The number of cells around the data, as the nets learn.",
      ),
    ].join(""),
  };
}
