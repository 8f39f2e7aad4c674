/**
 * A network without activations is one affine map, however deep: here it is, and what it cannot do.
 * Run: npx tsx examples/linear-collapse.ts
 */
import { mkdir, writeFile } from "node:fs/promises";
import { collapse, data, evaluate, fit, Generator, nn, optim, PiecewiseLinearError, type Tensor } from "crease";
import { plotCreases } from "crease/draw";

const moons = data.moons({ samples: 400, noise: 0.12, seed: 3 });

async function trained(activation: "none" | "relu"): Promise<nn.Sequential> {
  const net = nn.mlp([2, 16, 16, 1], { activation, generator: new Generator(1) });
  const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.01 });
  await fit(net, moons, { epochs: 60, optimizer, seed: 1 });
  return net;
}

const percent = (share: number | null): string => `${(100 * (share ?? Number.NaN)).toFixed(1)} %`;

const numbers = (values: Tensor): string => `[${Array.from(values.data, (one) => one.toFixed(4)).join(", ")}]`;

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  const linear = await trained("none");
  const { A, b, steps, difference, bound } = collapse(linear, { steps: true });
  print(`without activations: ${linear.parameterCount} parameters, ${percent(evaluate(linear, moons).accuracy)} right`);
  for (const { name, A: product } of steps) print(`  after ${name}: x ↦ A x + b with A of shape [${product.shape}]`);
  print(`  in all: A = ${numbers(A)}, b = ${numbers(b)}`);
  print(`  which is the net but for rounding: ${difference.toExponential(1)}, at most ${bound.toExponential(1)}`);

  const folded = await trained("relu");
  print(`with ReLU: as many parameters, ${percent(evaluate(folded, moons).accuracy)} right`);
  try {
    collapse(folded);
  } catch (error) {
    if (!(error instanceof PiecewiseLinearError)) throw error;
    print(`  ${error.message}`);
  }

  await mkdir(folder, { recursive: true });
  for (const [name, net] of Object.entries({ linear, relu: folded })) {
    const picture = plotCreases(net, {
      box: [
        [-1.5, 2.5],
        [-1.25, 1.75],
      ],
      data: { points: moons.inputs, classes: moons.labels, names: ["upper moon", "lower moon"] },
      creases: false,
      title: name === "linear" ? "Three layers without activations" : "The same with ReLU",
    });
    await writeFile(`${folder}/moons-${name}.svg`, picture);
    print(`drawn: ${folder}/moons-${name}.svg`);
  }
}

if (process.argv[1]?.endsWith("linear-collapse.ts")) await main();
