import { interpolateViridis } from "d3-scale-chromatic";
import { requireFinite } from "../../geometry/overflow.js";
import { outputMaps } from "../../geometry/partition/output-maps.js";
import type { Partition } from "../../geometry/partition/partition.js";
import { fillCells, hex, roundSteps, stepScale } from "./bands.js";
import type { LegendEntry, LegendScale } from "./figure.js";
import { mixed } from "./marks.js";
import type { Panel } from "./panel.js";

/**
 * Nearly grey, so that none looks like the colour of a class; light, so that creases and data stand out. A plane map needs
 * four colours, a greedy choice rarely more than six.
 */
const tints = [...["#f3f5f7", "#dae0e6", "#ede6da", "#c7d0d8", "#d9d0c1", "#fcfaf5", "#b9c4cd", "#c8bfae", "#ffffff"]];

/** Fills cells so that neighbours differ; the tints say nothing else. */
export function fillByPattern(panel: Panel, p: Partition): LegendEntry[] {
  const colours = differentFromNeighbours(p);
  fillCells(panel, p, (cell) => tints[colours[cell]]);
  const used = tints.filter((_, i) => colours.includes(i));
  if (used.length < 2) return [];
  return [{ label: "cells, neighbours in different tints", colours: used.slice(0, 3), ticks: [] }];
}

/** For each cell the first tint that no earlier neighbour has. */
function differentFromNeighbours(p: Partition): Int32Array {
  const { complex } = p;
  const colours = new Int32Array(complex.cellCount).fill(-1);
  for (let cell = 0; cell < complex.cellCount; cell++) {
    let taken = 0;
    for (let k = complex.cellStarts[cell]; k < complex.cellStarts[cell + 1]; k++) {
      const directed = complex.cellEdges[k];
      const across = (directed & 1) === 0 ? complex.edgeRight[directed >> 1] : complex.edgeLeft[directed >> 1];
      if (across >= 0 && colours[across] >= 0) taken |= 1 << colours[across];
    }
    let first = 0;
    while (first < tints.length - 1 && (taken & (1 << first)) !== 0) first++;
    colours[cell] = first;
  }
  return colours;
}

/** Steps of slope, about. */
const SLOPE_STEPS = 9;

/** Fills cells by the length of an output's gradient. */
export function fillBySlope(panel: Panel, p: Partition, output: number): LegendScale {
  const { a, b } = outputMaps(p, output);
  const slopes = Float64Array.from(a, (value, cell) => Math.hypot(value, b[cell]));
  requireFinite(slopes, `a slope of output ${output}`);
  const sorted = Float64Array.from(slopes).sort();
  // the steepest hundredth shares the last colour
  const most = sorted[Math.floor(0.99 * (sorted.length - 1))] || 1;
  const steps = roundSteps(most, SLOPE_STEPS);
  const last = steps.of(most);
  const stepOf = (slope: number): number => Math.min(last, steps.of(slope));
  const colour = (at: number): string => hex(interpolateViridis(0.12 + (0.88 * at) / Math.max(1, last)));
  fillCells(panel, p, (cell) => colour(stepOf(slopes[cell])));
  const [least, largest] = [sorted[0], sorted[sorted.length - 1]];
  const label = p.net.output.size > 1 ? `slope of output ${output}` : "slope of the output";
  return stepScale(label, steps, [stepOf(least), stepOf(largest)], [least, largest], colour);
}

/** Fills cells by the deepest layer whose crease bounds them, the deeper the darker. */
export function fillByDepth(panel: Panel, p: Partition): LegendScale {
  const depth = depths(p);
  const most = depth.reduce((a, b) => Math.max(a, b), 0);
  const colour = (d: number): string => mixed("#74818e", 0.06 + (0.44 * d) / Math.max(1, most));
  fillCells(panel, p, (cell) => colour(depth[cell]));
  const used = Array.from({ length: most + 1 }, (_, d) => d).filter((d) => depth.includes(d));
  return {
    label: "deepest layer whose crease bounds the cell",
    colours: used.map(colour),
    ticks: used.map((d, i) => ({ at: i + 0.5, label: d === 0 ? "none" : String(d) })),
  };
}

/** The deepest layer, counted from 1, whose crease bounds each cell; 0 for none. */
function depths(p: Partition): Int32Array {
  const { complex } = p;
  return Int32Array.from({ length: complex.cellCount }, (_, cell) => {
    let deepest = 0;
    for (let k = complex.cellStarts[cell]; k < complex.cellStarts[cell + 1]; k++) {
      deepest = Math.max(deepest, layerOf(p, complex.cellEdges[k] >> 1));
    }
    return deepest;
  });
}

/** The layer, counted from 1, whose crease an edge is; 0 for a side of the box. */
export function layerOf({ complex }: Partition, edge: number): number {
  return Math.max(0, complex.lineLayer[complex.edgeLine[edge]] + 1);
}
