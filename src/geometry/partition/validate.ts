/**
 * The checker that a partition is trusted by. It asks the net itself (its forward pass, and exact arithmetic at points),
 * not the machinery that made the partition, except for the vertices' exact coordinates.
 */

import { GeometryError, ValidationError } from "../../base/errors.js";
import { coordinates, doubledArea, type ExactPoint, side } from "../../exact/homogeneous.js";
import { evaluate } from "../../pwl/evaluate.js";
import { requireFinite } from "../overflow.js";
import { BOX_SIDE } from "../plane/complex.js";
import { inputAt, reachOf } from "../plane/slice.js";
import { valueTolerances } from "../value-tolerance.js";
import { type Cell, Cells } from "./cell.js";
import { forEachDifference, type PartitionData } from "./data.js";
import { CompensatedSum } from "./extremes.js";

/** What was checked, and found in order. */
export interface ValidationSummary {
  readonly cells: number;
  readonly vertices: number;
  /** Final edges: those that bound cells. */
  readonly edges: number;
  /** Of the found cells, beside the box's own. */
  readonly area: number;
  readonly boxArea: number;
  readonly complete: boolean;
}

/** Numbers of forward passes at vertices kept: 32 MB. */
const MOST_KEPT = 2 ** 22;

/** Violations listed before the rest is counted only. */
const MOST_LISTED = 50;

/**
 * Checks that
 * 1. the cells' areas are positive and sum to the box's (1e-12 relative; incomplete: at most the box's), and V - E + F = 1;
 * 2. cells are strictly convex and counter-clockwise, decided exactly;
 * 3. neighbours are mutual: an edge's two cells list it, once in each direction;
 * 4. every cell's pattern is that of a point inside: the forward pass at its centre, or, where that differs, exact
 *    arithmetic at an exact interior point; and no two cells share a pattern;
 * 5. neighbours differ in at least the edge's own gate, and only in gates that change nowhere but at the edge: their
 *    arguments are at the threshold at both its ends, within the error bound of the forward pass there, or else exactly,
 *    and the end is then within its own bound of where the lines meet;
 * 6. the affine map gives the forward pass's value at the centre, and neighbours' maps agree at the ends of their edge.
 *
 * @returns a summary.
 * @throws ValidationError listing every violation; GeometryError for what is no partition, or where maps or values are
 * beyond the range of doubles.
 */
export function validate(partition: PartitionData): ValidationSummary {
  if (typeof partition !== "object" || partition === null || !("complex" in partition)) {
    throw new GeometryError(
      "validate: expected what partition gave; what enumerate gave is checked by validateEnumeration",
    );
  }
  return new Validation(partition).run();
}

class Validation {
  readonly #violations: string[] = [];
  #count = 0;
  readonly #kept = new Map<number, readonly Float64Array[]>();
  readonly #cells: Cells;
  readonly #tolerances: Float64Array;

  constructor(readonly data: PartitionData) {
    this.#cells = new Cells(data);
    this.#tolerances = valueTolerances(data.net, reachOf(data.slice));
  }

  run(): ValidationSummary {
    const summary = this.#totals();
    const patterns = new Map<string, number>();
    for (const cell of this.#cells) {
      this.#shape(cell);
      this.#inside(cell);
      const { key } = cell.pattern;
      this.#require(!patterns.has(key), () => `cells ${patterns.get(key)} and ${cell.index} have the same pattern`);
      patterns.set(key, cell.index);
    }
    this.#edges();
    if (this.#count > 0) {
      const more = this.#count > MOST_LISTED ? `\n... and ${this.#count - MOST_LISTED} more` : "";
      throw new ValidationError(
        `the partition contradicts itself or the net in ${this.#count} ways:\n${this.#violations.join("\n")}${more}`,
        this.#violations,
      );
    }
    return summary;
  }

  #require(holds: boolean, violation: () => string): void {
    if (holds) return;
    if (this.#count++ < MOST_LISTED) this.#violations.push(violation());
  }

  /** 1. */
  #totals(): ValidationSummary {
    const { complex, slice, stopped } = this.data;
    const sum = new CompensatedSum();
    for (const cell of this.#cells) {
      const { area } = cell;
      this.#require(area > 0, () => `cell ${cell.index} has area ${area}`);
      sum.add(area);
    }
    const boxArea = (slice.s[1] - slice.s[0]) * (slice.t[1] - slice.t[0]);
    const tolerance = 1e-12 * boxArea;
    const excess = sum.value - boxArea;
    const fits = stopped === undefined ? Math.abs(excess) <= tolerance : excess <= tolerance;
    this.#require(fits, () => `the areas sum to ${sum.value}, but the box has ${boxArea}`);
    let edges = 0;
    for (let edge = 0; edge < complex.edgeCount; edge++) {
      if (complex.edgeLeft[edge] >= 0 || complex.edgeRight[edge] >= 0) edges++;
    }
    const cells = complex.cellCount;
    const used = new Set([...this.#cells].flatMap(({ corners }) => corners));
    const vertices = used.size;
    if (stopped === undefined) {
      this.#require(
        vertices - edges + cells === 1,
        () => `Euler's formula fails: ${vertices} vertices - ${edges} edges + ${cells} cells is not 1`,
      );
      this.#require(
        vertices === complex.vertexCount,
        () => `${complex.vertexCount - vertices} vertices bound no cell: cells are missing`,
      );
    }
    return { cells, vertices, edges, area: sum.value, boxArea, complete: stopped === undefined };
  }

  /** 2: at every corner, and at the first one between any other two, the turn is to the left. */
  #shape({ index, corners, directedEdges }: Cell): void {
    const { complex } = this.data;
    const count = corners.length;
    this.#require(count >= 3, () => `cell ${index} has ${count} corners`);
    directedEdges.forEach((directed, k) => {
      const next = directedEdges[(k + 1) % count];
      this.#require(
        complex.end(directed) === complex.start(next),
        () => `cell ${index}: edge ${directed >> 1} does not end where edge ${next >> 1} begins`,
      );
    });
    for (let k = 1; k + 1 < count; k++) {
      const convex = this.#turnsLeft(corners[0], corners[k], corners[k + 1]);
      const strict = this.#turnsLeft(corners[k - 1], corners[k], corners[k + 1]);
      this.#require(convex && strict, () => `cell ${index} is not strictly convex and counter-clockwise at ${k}`);
    }
  }

  /** Whether three vertices turn to the left: by their coordinates where the errors allow it, else in integers. */
  #turnsLeft(p: number, q: number, r: number): boolean {
    const { complex, exact } = this.data;
    const { vertexS, vertexT, errorS, errorT } = complex;
    const qs = vertexS[q] - vertexS[p];
    const qt = vertexT[q] - vertexT[p];
    const rs = vertexS[r] - vertexS[p];
    const rt = vertexT[r] - vertexT[p];
    // every coordinate and every difference is off by at most e, in units of s and of t
    const es = errorS[p] + Math.max(errorS[q], errorS[r]) + 2 ** -52 * (Math.abs(qs) + Math.abs(rs));
    const et = errorT[p] + Math.max(errorT[q], errorT[r]) + 2 ** -52 * (Math.abs(qt) + Math.abs(rt));
    const turn = qs * rt - qt * rs;
    const error = es * (Math.abs(qt) + Math.abs(rt) + et) + et * (Math.abs(qs) + Math.abs(rs) + es);
    if (Math.abs(turn) > 2 * error) return turn > 0;
    return doubledArea([exact.point(p), exact.point(q), exact.point(r)])[0] > 0n;
  }

  /** 4, and the first half of 6. */
  #inside(cell: Cell): void {
    const { net, slice, tree, exact } = this.data;
    const [s, t = (slice.t[0] + slice.t[1]) / 2] = cell.center;
    const { states, output } = evaluate(net, inputAt(slice, s, t));
    const own = tree.states(cell.index);
    if (!sameStates(own, states)) {
      const point = meanPoint(cell.corners.slice(0, 3).map((vertex) => exact.point(vertex)));
      const inner = exact.maps.statesAt(point);
      this.#require(sameStates(own, inner), () => `cell ${cell.index}: an interior point has another pattern`);
    }
    const { A, b, mapError } = cell;
    const { dimension } = slice;
    requireFinite(output, `validate: an output at the centre of cell ${cell.index}`);
    for (let k = 0; k < net.output.size; k++) {
      const value = A[k * dimension] * s + (dimension === 2 ? A[k * dimension + 1] * t : 0) + b[k];
      this.#require(
        Math.abs(value - output[k]) <= 2 * mapError[k] + this.#tolerances[k],
        () => `cell ${cell.index}: its map gives ${value} as output ${k} at its centre, the forward pass ${output[k]}`,
      );
    }
  }

  /** 3, 5 and the second half of 6. */
  #edges(): void {
    const { complex } = this.data;
    const listed = new Map<number, number>();
    for (const { index, directedEdges } of this.#cells) {
      for (const directed of directedEdges) {
        const holder = (directed & 1) === 0 ? complex.edgeLeft[directed >> 1] : complex.edgeRight[directed >> 1];
        this.#require(holder === index, () => `cell ${index} lists edge ${directed >> 1}, which names cell ${holder}`);
        this.#require(!listed.has(directed), () => `cells ${listed.get(directed)} and ${index} overlap at an edge`);
        listed.set(directed, index);
      }
    }
    for (let edge = 0; edge < complex.edgeCount; edge++) {
      const left = complex.edgeLeft[edge];
      const right = complex.edgeRight[edge];
      this.#require(left < 0 || listed.get(2 * edge) === left, () => `edge ${edge} names cell ${left}, not mutual`);
      this.#require(right < 0 || listed.get(2 * edge + 1) === right, () => `edge ${edge} names ${right}, not mutual`);
      const border = complex.lineLayer[complex.edgeLine[edge]] === BOX_SIDE;
      if (border) this.#onSide(edge);
      if (left >= 0 && right >= 0) {
        this.#require(!border, () => `border edge ${edge} has cells on both sides`);
        const known = Math.max(left, right) < complex.cellCount;
        this.#require(known, () => `edge ${edge} names cells ${left} and ${right} of ${complex.cellCount}`);
        if (!border && known) this.#across(edge, left, right);
      } else if (this.data.stopped === undefined && (left >= 0 || right >= 0)) {
        this.#require(border, () => `edge ${edge} inside the box has a cell on one side only`);
      }
    }
  }

  /** The ends of a border edge lie on their side of the box. */
  #onSide(edge: number): void {
    const { lineA, lineB, lineC, edgeLine, edgeFrom, edgeTo, vertexS, vertexT, errorS, errorT } = this.data.complex;
    const line = edgeLine[edge];
    for (const vertex of [edgeFrom[edge], edgeTo[edge]]) {
      const [s, t] = [vertexS[vertex], vertexT[vertex]];
      const off = Math.abs(lineA[line] * s + lineB[line] * t + lineC[line]);
      this.#require(
        off <= errorS[vertex] + errorT[vertex],
        () => `vertex ${vertex} is at (${s}, ${t}), ${off} away from its side of the box`,
      );
    }
  }

  #across(edge: number, left: number, right: number): void {
    const { complex, net, exact, tree } = this.data;
    const line = complex.edgeLine[edge];
    const ownLayer = complex.lineLayer[line];
    const ends = [complex.edgeFrom[edge], complex.edgeTo[edge]];
    const forward = ends.map((vertex) => this.#argumentsAt(vertex));
    let own = false;
    forEachDifference(this.data, left, right, (layer, unit) => {
      const gates = net.layers[layer];
      const first = gates.kind === "hinge" ? unit : gates.starts[unit];
      own ||= layer === ownLayer && complex.lineRow[line] >= first;
      const z = forward.map((preactivations) => preactivations[layer]);
      const node = layer === 0 ? 0 : tree.ancestor(tree.layers.length - 1, left, layer - 1);
      const states = [left, right].map((cell) =>
        tree.state(layer, tree.ancestor(tree.layers.length - 1, cell, layer), unit),
      );
      z.forEach((values, k) => {
        const gap =
          gates.kind === "hinge"
            ? values[unit] - gates.threshold[unit]
            : values[first + states[0]] - values[first + states[1]];
        const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-300);
        if (Math.abs(gap) <= 1e-10 * scale) return;
        // rounding may have moved the end: ask exactly
        const cut =
          gates.kind === "hinge"
            ? exact.cut(layer, node, unit, -1)
            : exact.cut(layer, node, first + states[0], first + states[1]);
        this.#place(ends[k]);
        this.#require(
          side(cut, exact.point(ends[k])) === 0,
          () =>
            `cells ${left} and ${right} differ in gate ${unit} of layer ${layer}, which does not change at edge ${edge}`,
        );
      });
    });
    this.#require(own, () => `cells ${left} and ${right} do not differ in the gate of their edge ${edge}`);
    this.#mapsAgree(edge, left, right, ends);
  }

  /** A vertex's coordinates are its exact ones within their error bounds. */
  #place(vertex: number): void {
    const { vertexS, vertexT, errorS, errorT } = this.data.complex;
    const [s, t] = coordinates(this.data.exact.point(vertex));
    const near = (x: number, exact: number, error: number) => Math.abs(x - exact) <= error + 2 ** -52 * Math.abs(exact);
    this.#require(
      near(vertexS[vertex], s, errorS[vertex]) && near(vertexT[vertex], t, errorT[vertex]),
      () => `vertex ${vertex} is at (${vertexS[vertex]}, ${vertexT[vertex]}), but its lines meet in (${s}, ${t})`,
    );
  }

  /** The forward pass's arguments of every layer at a vertex; kept for the other edges there. */
  #argumentsAt(vertex: number): readonly Float64Array[] {
    const known = this.#kept.get(vertex);
    if (known !== undefined) return known;
    const { complex, net, slice } = this.data;
    const gates = net.layers.reduce((sum, { argument }) => sum + argument.size, 1);
    if (this.#kept.size > MOST_KEPT / gates) this.#kept.clear();
    const { preactivations } = evaluate(net, inputAt(slice, complex.vertexS[vertex], complex.vertexT[vertex]));
    this.#kept.set(vertex, preactivations);
    return preactivations;
  }

  #mapsAgree(edge: number, left: number, right: number, ends: readonly number[]): void {
    const { complex, net, slice } = this.data;
    const maps = [left, right].map((index) => {
      const cell = this.#cells.at(index);
      return { A: cell.A, b: cell.b, error: cell.mapError };
    });
    for (let k = 0; k < net.output.size; k++) {
      for (const vertex of ends) {
        const s = complex.vertexS[vertex];
        const t = complex.vertexT[vertex];
        const [f, g] = maps.map(({ A, b }) =>
          slice.dimension === 2 ? A[2 * k] * s + A[2 * k + 1] * t + b[k] : A[k] * s + b[k],
        );
        const slopes = maps.reduce((sum, { A }) => {
          const row = slice.dimension === 2 ? [A[2 * k], A[2 * k + 1]] : [A[k], 0];
          return sum + Math.abs(row[0]) * complex.errorS[vertex] + Math.abs(row[1]) * complex.errorT[vertex];
        }, 0);
        requireFinite([f, g], `validate: output ${k} at a corner of cell ${left} or ${right}`);
        const tolerance = maps[0].error[k] + maps[1].error[k] + slopes;
        this.#require(
          Math.abs(f - g) <= tolerance,
          () => `cells ${left} and ${right} disagree by ${Math.abs(f - g)} in output ${k} on their edge ${edge}`,
        );
      }
    }
  }
}

function sameStates(own: readonly Int32Array[], other: readonly Int32Array[]): boolean {
  return own.every((states, layer) => states.every((state, unit) => state === other[layer][unit]));
}

/** The mean of points: inside any triangle of them. */
function meanPoint(points: readonly ExactPoint[]): ExactPoint {
  const weight = points.reduce((product, [, , w]) => product * w, 1n);
  const sum = (k: 0 | 1) => points.reduce((total, p) => total + p[k] * (weight / p[2]), 0n);
  return [sum(0), sum(1), weight * BigInt(points.length)];
}
