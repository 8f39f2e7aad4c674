import { collapse } from "crease";
import { plotAffineRows, plotCreases } from "crease/draw";
import { boxOf } from "./data-sets.js";
import { type Chapter, figure, paragraph, row, table } from "./page.js";
import { percent, type Subject } from "./subject.js";

/** A net without activations is one affine map, however deep. */
export function collapseChapter(subjects: readonly Subject[]): Chapter {
  const [iris] = subjects;
  const flat = collapse(iris.linear.net, { shape: [2], steps: true });
  const steps = flat.steps.map(
    ({ name, A, b }, i) => `after layer ${i + 1} (${name}): A is ${A.shape.join(" × ")}, b has ${b.size} numbers`,
  );
  const offsets = flat.b.toArray() as number[];
  const rows = (flat.A.toArray() as number[][]).map(
    (weights, i) =>
      `logit ${i} = ${weights.map((w, k) => `${signed(w, k > 0)} · ${["length", "width"][k]}`).join(" ")} ${signed(offsets[i], true)}`,
  );
  return {
    id: "linear",
    title: "2. Without activations, depth is nothing",
    body: [
      paragraph(
        "Take the activations out of a network of widths 2, 16, 16, 2, and train it. Each layer is a matrix and an offset, and matrices multiply: three layers are one matrix. The net has 354 parameters, and as a function it has six.",
      ),
      table([
        ["Data", "Linear-only net", "ReLU net, same widths"],
        ...subjects.map(({ set, linear, relu }) => [set.title, percent(linear.accuracy), percent(relu.accuracy)]),
      ]),
      `<pre>${[...steps, "", "the whole net on iris petals, exactly:", ...rows].join("\n")}</pre>`,
      row(
        ...flat.steps.map(({ A }, i) =>
          figure(
            plotAffineRows([A.transpose().data], {
              shape: [A.shape[1], A.shape[0]],
              names: [["W₁", "W₂ W₁", "W₃ W₂ W₁"][i]],
              cell: 16,
            }),
            [
              "The first matrix, transposed: 2 × 16 numbers.",
              "Times the second: again 2 × 16.",
              "Times the third: 2 × 2. That is the net.",
            ][i],
          ),
        ),
      ),
      paragraph(
        `The product is computed, not asserted: on probe inputs it differs from the forward pass by at most ${flat.difference.toExponential(1)}, where rounding alone may account for ${flat.bound.toExponential(1)}. A classifier of this form draws one straight line. Versicolor lies between setosa and virginica, and no straight line parts a middle from both ends.`,
      ),
      row(
        ...subjects.map(({ set, linear }) =>
          figure(
            plotCreases(linear.net, {
              box: boxOf(set),
              creases: false,
              data: { points: set.inputs, classes: set.labels, names: [...set.classes] },
              xLabel: set.axes[0],
              yLabel: set.axes[1],
            }),
            `${set.title}, linear-only net: one affine map, one straight boundary; ${percent(linear.accuracy)} right.`,
          ),
        ),
      ),
    ].join(""),
  };
}

function signed(value: number, spaced: boolean): string {
  const size = Math.abs(value).toFixed(3);
  if (!spaced) return value < 0 ? `−${size}` : size;
  return value < 0 ? `− ${size}` : `+ ${size}`;
}
