import { checkDtype, newArray } from "../../array/dtype.js";
import { DtypeError, OptionError } from "../../base/errors.js";
import type { Generator } from "../../base/random.js";
import { fromArray } from "../../graph/tensor.js";
import { checkOptions } from "../../ops/create.js";
import { type Dataset, generatorOf, type SampleOptions } from "./dataset.js";

/** Point sets in the plane with classes, `inputs` [n, 2] and `labels` [n]. Classes take turns: sample i is of class i mod k. */

const KNOWN = ["samples", "noise", "dtype", "generator", "seed"];

/** What places a sample: its class, its number among the `count` of its class, and a generator for randomness. */
type Place = (label: number, index: number, count: number, generator: Generator) => readonly [x: number, y: number];

function planar(
  name: string,
  classes: number,
  options: SampleOptions,
  defaults: { samples: number; noise?: number },
  place: Place,
): Dataset {
  const { samples = defaults.samples, noise = defaults.noise ?? 0, dtype = "float32" } = options;
  if (!Number.isInteger(samples) || samples < 0) {
    throw new OptionError(`${name}: samples is a non-negative integer, got ${String(samples)}`);
  }
  if (!(noise >= 0 && noise < Infinity)) {
    throw new OptionError(`${name}: noise is a standard deviation of at least 0, got ${String(noise)}`);
  }
  if (checkDtype(dtype, name) === "int32") throw new DtypeError(`${name}: points are float32 or float64, got int32`);
  const generator = generatorOf(options, name);
  const points = newArray(dtype, 2 * samples);
  const labels = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    const label = i % classes;
    const count = Math.ceil((samples - label) / classes);
    const [x, y] = place(label, Math.floor(i / classes), count, generator);
    points[2 * i] = noise === 0 ? x : x + noise * generator.normal();
    points[2 * i + 1] = noise === 0 ? y : y + noise * generator.normal();
    labels[i] = label;
  }
  return { inputs: fromArray(points, dtype, [samples, 2]), labels: fromArray(labels, "int32", [samples]) };
}

/** Evenly spaced from 0 to 1, both included. */
const along = (index: number, count: number): number => (count > 1 ? index / (count - 1) : 0);

/**
 * Two interleaved half circles of radius 1: the upper one around (0, 0) is class 0, the lower one around (1, 0.5)
 * class 1. By default 200 samples without noise.
 */
export function moons(options: SampleOptions = {}): Dataset {
  checkOptions(options, KNOWN, "moons");
  return planar("moons", 2, options, { samples: 200 }, (label, index, count) => {
    const angle = Math.PI * along(index, count);
    return label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
  });
}
