/**
 * Accelerations of a simulated helicopter from lagged states and controls: a linear model, and the same with ReLU
 * features added. Run: npx tsx examples/dynamics/dynamics.ts
 */
import { mkdir, writeFile } from "node:fs/promises";
import { activationPatterns, fit, Generator, linearizeAll, losses, optim, type Tensor } from "crease";
import { plotLines } from "crease/draw";
import { ACCELERATION_NOISE, axisNames, fly, SAMPLE } from "./helicopter.js";
import { LAGS, LinearModel, place, ReluNetworkModel, windows } from "./models.js";

const UNITS = 128;
const EPOCHS = 12;
const [FORWARD, UP] = [axisNames.indexOf("forward"), axisNames.indexOf("up")];

/** Root mean square of each column. */
const rms = (errors: Tensor): Tensor => errors.square().mean(0).sqrt();

/**
 * What a model has learnt of drag: its forward acceleration per forward speed, all lags together, read off the affine
 * maps that it is at windows [n, ...]; the mean over those whose speed is within 1 m/s of each given one.
 */
function dragAt(speeds: readonly number[], model: LinearModel, inputs: Tensor): number[] {
  const vx = inputs.slice([null, [0, 1]]).data;
  const drag = Array.from(linearizeAll(model, inputs), ({ A }) => {
    const row = A.slice([[FORWARD, FORWARD + 1]]).data;
    return Array.from({ length: LAGS }, (_, lag) => row[place("vx", lag)]).reduce((sum, one) => sum + one);
  });
  return speeds.map((speed) => {
    const near = drag.filter((_, i) => Math.abs(vx[i] - speed) < 1);
    return near.reduce((sum, one) => sum + one, 0) / near.length;
  });
}

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  const generator = new Generator(1);
  const flights = (count: number) => windows(Array.from({ length: count }, () => fly(1500, generator)));
  const training = flights(12);
  const unseen = flights(4);
  print(`${training.inputs.shape[0]} windows of ${LAGS} samples to learn from, ${unseen.inputs.shape[0]} to test on`);

  const linear = new LinearModel(training, generator);
  const relu = new ReluNetworkModel(training, UNITS, generator);
  const optimizer = new optim.Adam(relu.parameters(), { learningRate: 0.002 });
  // axes count alike: each by what the linear model leaves of it
  const scale = rms(training.labels.sub(linear.forward(training.inputs))).detach();
  await fit(relu, training, {
    epochs: EPOCHS,
    batchSize: 100,
    loss: (prediction, labels) => losses.mseLoss(prediction.div(scale), labels.div(scale)),
    optimizer,
    schedule: new optim.CosineSchedule(optimizer, { steps: EPOCHS }),
    generator,
  });

  const columns = (values: readonly number[], digits: number): string =>
    values.map((one) => one.toFixed(digits).padStart(8)).join("");
  print("RMS error on flights not learnt from (m/s², rad/s²), and the noise of the measurements");
  print("axis        linear    ReLU  better   noise");
  const [before, after] = [linear, relu].map((model) => rms(unseen.labels.sub(model.forward(unseen.inputs))).data);
  axisNames.forEach((name, i) => {
    const better = `${(100 * (1 - after[i] / before[i])).toFixed(0)} %`.padStart(8);
    print(`${name.padEnd(10)}${columns([before[i], after[i]], 3)}${better}${columns([ACCELERATION_NOISE[i]], 2)}`);
  });

  const some = unseen.inputs.slice([[null, null, 10]]);
  const patterns = activationPatterns(relu, some);
  print(`${patterns.length} of the windows lie in ${patterns.distinct} different cells`);
  const speeds = [-7, -5, -3, -1, 1, 3, 5, 7];
  print("forward acceleration per forward speed (1/s): drag grows with speed, which a linear model cannot say");
  print(`at m/s    ${columns(speeds, 0)}`);
  print(`linear    ${columns(dragAt(speeds, linear, some), 2)}`);
  print(`ReLU      ${columns(dragAt(speeds, relu, some), 2)}`);

  const stretch = [100, 100 + 8 / SAMPLE] as const;
  const shown = unseen.inputs.slice([stretch]);
  const x = Array.from({ length: shown.shape[0] }, (_, i) => i * SAMPLE);
  const up = (accelerations: Tensor): Tensor => accelerations.slice([null, [UP, UP + 1]]).flatten();
  const picture = plotLines(
    [
      { name: "measured", x, y: up(unseen.labels.slice([stretch])) },
      { name: "linear model", x, y: up(linear.forward(shown)), dashed: true },
      { name: "with ReLU features", x, y: up(relu.forward(shown)) },
    ],
    { title: "Eight seconds not learnt from", xLabel: "time (s)", yLabel: "upward acceleration (m/s²)", width: 700 },
  );
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/dynamics.svg`, picture);
  print(`drawn: ${folder}/dynamics.svg`);
}

if (process.argv[1]?.endsWith("dynamics.ts")) await main();
