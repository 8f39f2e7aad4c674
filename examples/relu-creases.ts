/**
 * What a ReLU network does with the plane: the creases of its units, the cells between them, and the affine map that it
 * is in the cell of one point. Run: npx tsx examples/relu-creases.ts
 */
import { mkdir, writeFile } from "node:fs/promises";
import { activationPatterns, data, evaluate, fit, Generator, linearize, nn, optim, partition, tensor } from "crease";
import { plotCreases, plotPatterns } from "crease/draw";

const circles = data.circles({ samples: 200, noise: 0.07, seed: 2 });
const box = [
  [-1.5, 1.5],
  [-1.5, 1.5],
] as const;

const fixed = (values: ArrayLike<number>): string => Array.from(values, (one) => one.toFixed(3)).join(", ");

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  const net = nn.mlp([2, 8, 1], { generator: new Generator(2) });
  const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.02 });
  await fit(net, circles, { epochs: 150, optimizer, seed: 1 });
  print(`8 ReLU units, ${100 * (evaluate(net, circles).accuracy ?? 0)} % of ${circles.labels.size} points right`);

  const { cells, pieces } = partition(net, { box });
  print(`their creases cut the box into ${cells.length} cells, which make ${pieces.length} linear pieces`);
  const patterns = activationPatterns(net, circles.inputs);
  print(`the points lie in ${patterns.distinct} of them; ${patterns.dead().length} units are never active there`);

  const point = tensor([-0.3, 0.1]);
  const here = linearize(net, point);
  print(`at x = (${fixed(point.data)}) the units are ${here.pattern}`);
  print(`  net(x) = (${fixed(here.A.data)}) · x + ${fixed(here.b.data)} = ${net.forward(point).item().toFixed(3)}`);
  const nearest = here.nearest();
  if (nearest !== null) {
    print(`  until the crease of W${nearest.unit + 1}, ${here.margin().toFixed(3)} away at (${fixed(nearest.point)})`);
  }

  await mkdir(folder, { recursive: true });
  const names = ["outer circle", "inner circle"];
  const pictures = {
    creases: plotCreases(net, { box, data: { points: circles.inputs, classes: circles.labels, names } }),
    patterns: plotPatterns(patterns, { classes: circles.labels, classNames: names }),
  };
  for (const [name, svg] of Object.entries(pictures)) {
    await writeFile(`${folder}/circles-${name}.svg`, svg);
    print(`drawn: ${folder}/circles-${name}.svg`);
  }
}

if (process.argv[1]?.endsWith("relu-creases.ts")) await main();
