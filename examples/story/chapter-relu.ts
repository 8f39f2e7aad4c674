import { linearize, tensor, toDot, trace } from "crease";
import { plotCreases, render } from "crease/draw";
import { boxOf } from "./data-sets.js";
import { type Chapter, escapeHtml, figure, paragraph, row, table } from "./page.js";
import { percent, type Subject } from "./subject.js";

/** Three flowers: one of each species. */
const FLOWERS = [
  { name: "a setosa", row: 0 },
  { name: "a versicolor", row: 55 },
  { name: "a virginica", row: 143 },
] as const;

/** What a ReLU net does with the plane, and what it is at three flowers. */
export async function reluChapter(
  { set, relu }: Subject,
  write: (name: string, content: string) => void,
): Promise<Chapter> {
  const creases = plotCreases(relu.net, {
    box: boxOf(set),
    data: { points: set.inputs, classes: set.labels, names: [...set.classes] },
    xLabel: set.axes[0],
    yLabel: set.axes[1],
    labels: false,
  });
  const flowers: string[] = [];
  for (const { name, row: index } of FLOWERS) {
    const point = (set.inputs.toArray() as number[][])[index];
    const here = linearize(relu.net, tensor(point));
    const graph = trace((x) => relu.net.forward(x), tensor([point], { name: "petal" }));
    const dot = toDot(graph, { gates: true, direction: "LR", modules: "fold", legend: false });
    const svg = await render(dot, { format: "svg" });
    const file = name.split(" ")[1];
    write(`${file}.dot`, dot);
    write(`${file}.svg`, svg);
    const A = here.A.toArray() as number[][];
    const b = here.b.toArray() as number[];
    const logits = A.map((weights, i) => weights.reduce((sum, w, k) => sum + w * point[k], b[i]));
    flowers.push(
      `<h3>${escapeHtml(`${name[0].toUpperCase()}${name.slice(1)}: petal ${point[0].toFixed(1)} cm long, ${point[1].toFixed(1)} cm wide`)}</h3>`,
      `<div class="graph">${figure(svg, "The forward pass of this flower. Coloured cells are active units; what inactive ones cut off is dashed.")}</div>`,
      table([
        ["", "length", "width", "offset", "value here"],
        ...A.map((weights, i) => [`logit: ${set.classes[i]}`, ...weights.map(fixed), fixed(b[i]), fixed(logits[i])]),
      ]),
      paragraph(
        `${here.onCrease ? "The flower lies on a crease." : `In this flower's cell the whole net is this affine map. The nearest crease is ${here.margin().toFixed(4)} cm away: within that distance, in any direction, the numbers above are the net.`}`,
      ),
    );
  }
  return {
    id: "relu",
    title: "3. With ReLU, every unit is a crease",
    body: [
      paragraph(
        "Put the activations back. In the plane a unit's kink is a line, w·x + b = 0: its crease. On one side the unit is silent, on the other it is linear. A crease is perpendicular to the unit's weight vector, and the bias says how far it is shifted.",
      ),
      row(
        figure(
          creases,
          `Iris petals, ReLU net, ${percent(relu.accuracy)} right: the creases of the first layer with their weight vectors, the active side shaded, and the net's values behind.`,
        ),
      ),
      paragraph(
        "Between creases nothing bends. So at any input the net is an affine map, a matrix and an offset that can be written down, and one can say how far that holds.",
      ),
      ...flowers,
    ].join(""),
  };
}

/** Four digits behind the point, and a minus as long as a plus. */
function fixed(value: number): string {
  return value.toFixed(4).replace("-", "−");
}
