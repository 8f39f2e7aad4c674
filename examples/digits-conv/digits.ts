/**
 * A small convolutional net learns handwritten digits; then one digit's exact affine template, as ten pictures.
 * In this folder: npm install, then npm start. The pictures go to out/ of where it was started.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type data, evaluate, fit, Generator, optim, tensor } from "crease";
import { plotAffineRows } from "crease/draw";
import { digitNet, templateOf } from "./network.js";

/** What the package mnist holds of each digit: images one after another, a number from 0 to 1 per pixel. */
type Digits = readonly { readonly raw: readonly number[] }[];

const PIXELS = 28 * 28;

/** Images number `from` to `to` (the latter excluded) of each of the ten digits. */
function imagesOf(digits: Digits, from: number, to: number): data.Dataset {
  const pixels = Float32Array.from(digits.flatMap(({ raw }) => raw.slice(from * PIXELS, to * PIXELS)));
  const labels = Int32Array.from({ length: 10 * (to - from) }, (_, i) => Math.floor(i / (to - from)));
  return { inputs: tensor(pixels).reshape([labels.length, 1, 28, 28]), labels: tensor(labels, { dtype: "int32" }) };
}

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  const digits = createRequire(import.meta.url)("mnist") as Digits;
  const training = imagesOf(digits, 0, 800);
  const unseen = imagesOf(digits, 800, 860);
  const net = digitNet(new Generator(1));
  const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.003 });
  const progress = process.stdout.isTTY ? (text: string) => process.stdout.write(`\r\x1b[K${text}`) : () => {};
  await fit(net, training, {
    epochs: 4,
    batchSize: 50,
    optimizer,
    schedule: new optim.StepSchedule(optimizer, { every: 3, factor: 0.2 }),
    seed: 1,
    onProgress: ({ epoch, epochs, batch, batches, loss }) => {
      progress(`epoch ${epoch} of ${epochs}, batch ${batch} of ${batches}, loss ${loss.toFixed(3)}`);
    },
  });
  progress("");
  const { accuracy } = evaluate(net, unseen);
  print(
    `${net.parameterCount} parameters, ${(100 * (accuracy ?? 0)).toFixed(1)} % of ${unseen.labels.size} unseen digits right`,
  );

  const image = unseen.inputs.slice([[3 * 60, 3 * 60 + 1]]).squeeze(0);
  const { pictures, offset, evidence, logits, difference, here } = templateOf(net, image);
  print(`at one image of a 3, ${here.net.layers.length} layers of ${here.pattern.length} gates become ten pictures:`);
  print(
    `  score of a digit = its picture · image + its offset, equal to the net's but for ${difference.toExponential(1)}`,
  );
  for (const [digit, score] of logits.data.entries()) print(`  ${digit}: ${score.toFixed(2).padStart(7)}`);
  print(`until the nearest crease, ${here.margin().toExponential(1)} away`);

  await mkdir(folder, { recursive: true });
  const names = Array.from(logits.data, (score, digit) => `${digit}: ${score.toFixed(1)}`);
  const files = {
    digit: plotAffineRows(image, { title: "The image", names: ["a 3"] }),
    template: plotAffineRows(pictures, { title: "What each digit's score looks for around this 3", names, b: offset }),
    evidence: plotAffineRows(evidence, { title: "What each pixel of this 3 adds to each score", names, b: offset }),
  };
  for (const [name, svg] of Object.entries(files)) {
    await writeFile(`${folder}/digits-${name}.svg`, svg);
    print(`drawn: ${folder}/digits-${name}.svg`);
  }
}

if (process.argv[1]?.endsWith("digits.ts")) await main();
