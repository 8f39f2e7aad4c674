import { checkDtype, newArray } from "../../array/dtype.js";
import { DtypeError, OptionError } from "../../base/errors.js";
import type { Generator } from "../../base/random.js";
import { fromArray } from "../../graph/new-tensor.js";
import { checkOptions } from "../../ops/create.js";
import { checkCount, checkNumber } from "../checks.js";
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

/** The corners of the unit square, of class 0 where both coordinates are equal. By default the 4 corners themselves. */
export function xor(options: SampleOptions = {}): Dataset {
  checkOptions(options, KNOWN, "xor");
  return planar("xor", 2, options, { samples: 4 }, (label, index) => {
    const x = index % 2;
    return [x, label === 0 ? x : 1 - x];
  });
}

export interface CircleOptions extends SampleOptions {
  /** The radius of the inner circle, between 0 and 1; default 0.5. */
  factor?: number;
}

/** Two circles around the origin: radius 1 is class 0, radius `factor` class 1. By default 200 samples without noise. */
export function circles(options: CircleOptions = {}): Dataset {
  checkOptions(options, [...KNOWN, "factor"], "circles");
  const { factor = 0.5 } = options;
  if (!(factor >= 0 && factor <= 1)) {
    throw new OptionError(`circles: factor is a radius from 0 to 1, got ${String(factor)}`);
  }
  return planar("circles", 2, options, { samples: 200 }, (label, index, count) => {
    const angle = (2 * Math.PI * index) / count;
    const radius = label === 0 ? 1 : factor;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

export interface SpiralOptions extends SampleOptions {
  /** How many spirals, each a class; default 2. */
  arms?: number;
  /** How often each goes round; default 1. */
  turns?: number;
}

/** Spirals from the origin to radius 1, evenly turned. By default 200 samples without noise. */
export function spirals(options: SpiralOptions = {}): Dataset {
  checkOptions(options, [...KNOWN, "arms", "turns"], "spirals");
  const { turns = 1 } = options;
  const arms = checkCount(options.arms ?? 2, "arms", "spirals");
  checkNumber(turns, "turns", "spirals");
  return planar("spirals", arms, options, { samples: 200 }, (label, index, count) => {
    const radius = (index + 1) / count;
    const angle = 2 * Math.PI * (turns * radius + label / arms);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

export interface BlobOptions extends SampleOptions {
  /** Where they are, or how many to draw at random from [−10, 10]²; default 3. */
  centers?: number | readonly (readonly [x: number, y: number])[];
}

/** Normal clouds around centers, each a class, with standard deviation `noise`, by default 1; by default 200 samples. */
export function blobs(options: BlobOptions = {}): Dataset {
  checkOptions(options, [...KNOWN, "centers"], "blobs");
  const { centers: given = 3, ...rest } = options;
  const generator = generatorOf(options, "blobs");
  let centers: readonly (readonly [x: number, y: number])[];
  if (typeof given === "number") {
    checkCount(given, "the number of centers", "blobs");
    const coordinate = (): number => 20 * generator.uniform() - 10;
    centers = Array.from({ length: given }, () => [coordinate(), coordinate()] as const);
  } else {
    centers = given;
    if (centers.length === 0 || centers.some((center) => center.length !== 2 || !center.every(Number.isFinite))) {
      throw new OptionError(`blobs: centers are points such as [[0, 0], [3, 1]], got ${JSON.stringify(centers)}`);
    }
  }
  const { seed: _, ...sampling } = rest;
  return planar(
    "blobs",
    centers.length,
    { ...sampling, generator },
    { samples: 200, noise: 1 },
    (label) => centers[label],
  );
}
