/**
 * The main job: trains small networks on real and made data, reads them exactly, and tells the story in one page,
 * out/index.html, which needs nothing else. Every number in it is computed here.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cellsChapter } from "./chapter-cells.js";
import { collapseChapter } from "./chapter-collapse.js";
import { curveChapter } from "./chapter-curves.js";
import { patternChapter } from "./chapter-patterns.js";
import { reluChapter } from "./chapter-relu.js";
import { irisPetals, twoMoons } from "./data-sets.js";
import { page } from "./page.js";
import { Progress } from "./progress.js";
import { percent, study } from "./subject.js";

const OUT = "out";

async function main(): Promise<void> {
  const started = performance.now();
  mkdirSync(OUT, { recursive: true });
  const write = (name: string, content: string): void => writeFileSync(`${OUT}/${name}`, content);
  const progress = new Progress();
  const iris = await study(irisPetals(), progress);
  const moons = await study(twoMoons(), progress);
  const chapters = [
    curveChapter(progress),
    collapseChapter([iris, moons]),
    await reluChapter(iris, write),
    cellsChapter([iris, moons], write),
    patternChapter(iris),
  ];
  progress.done("Read the nets: creases, cells, affine maps");
  write(
    "index.html",
    page(
      "Where a network folds",
      "Why do networks need activation functions, and how does so simple a function as max(x, 0) capture what is not linear? Six small networks, read exactly.",
      chapters,
      `Made by Crease in ${((performance.now() - started) / 1000).toFixed(0)} seconds. Weights are float32 numbers, read without change; every sign, cell and boundary is that of exact arithmetic on them.`,
    ),
  );
  console.log(`
                 linear-only    ReLU
${[iris, moons].map(({ set, linear, relu }) => `  ${set.title.padEnd(14)} ${percent(linear.accuracy).padEnd(14)} ${percent(relu.accuracy)}`).join("\n")}

Open ${OUT}/index.html. Beside it: the graph of a flower, as DOT and SVG.`);
}

await main();
