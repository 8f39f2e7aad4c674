/**
 * Cuts the box by one gate layer after the other, depth first.
 *
 * A cell of the first l layers is one convex polygon, on which the arguments of layer l are affine. Its gates are taken in
 * order. First the polygon's bounding box decides most of them; each of the rest has, at every vertex, the sign -, 0 or +
 * (by float, by the error bound, else exactly), and cuts the polygon iff both - and + occur. A vertex at 0 belongs to
 * both parts, and then only its outgoing edge changes; an edge with both ends at 0 is never cut; a gate that is 0 on the
 * whole polygon is inactive and does not cut it. When all gates of the layer are decided, the part goes on to the next.
 */

import type { GateLayer, HingeLayer, MaxLayer } from "../../pwl/net.js";
import { growInts } from "../growable.js";
import type { AffineCursor } from "./affine-cursor.js";
import { type AffineRows, errorOf } from "./affine-rows.js";
import type { PlanarComplex } from "./complex.js";
import type { ExactPlane } from "./exact-plane.js";
import { MaximumCutter } from "./maximum-cutter.js";
import { type PatternTree, writeState } from "./pattern-tree.js";
import { proportionalToEarlier } from "./proportional.js";
import { WorkPolygon } from "./work-polygon.js";

/** What ended a run early. */
export type Stop = "cells" | "seconds" | "aborted";

/** Asked before every further cell, with the number found so far; anything but undefined ends the run. */
export type StopCheck = (cells: number) => Stop | undefined;

/** What one layer works with; the next layer has its own, so that a layer can go on where it was. */
class HingeFrame {
  readonly polygon = new WorkPolygon();
  /** The layer's states on the current polygon, packed. */
  readonly words: Int32Array;
  /** The units that the parent's bounding box leaves open, and a·s + b·t + c with the error of each. */
  readonly units: Int32Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly error: Float64Array;
  /** The complex's line of each open unit, -1 until it cuts. */
  readonly lines: Int32Array;
  /** For every unit 1 iff it never cuts, because an earlier unit already did on the same line. */
  readonly repeats: Uint8Array;
  open = 0;
  /** Polygons still to do: edges, states, next open unit, number of edges; from the bottom up. */
  stack: Int32Array = new Int32Array(256);
  top = 0;

  constructor(layer: GateLayer, words: number, filtered: boolean) {
    const units = layer.kind === "hinge" ? layer.argument.size : 0;
    this.repeats = filtered && layer.kind === "hinge" ? proportionalToEarlier(layer) : new Uint8Array(units);
    this.words = new Int32Array(words);
    this.units = new Int32Array(units);
    this.a = new Float64Array(units);
    this.b = new Float64Array(units);
    this.c = new Float64Array(units);
    this.error = new Float64Array(units);
    this.lines = new Int32Array(units);
  }
}

export class Splitter {
  readonly #cursor: AffineCursor;
  readonly #tree: PatternTree;
  readonly #complex: PlanarComplex;
  readonly #exact: ExactPlane;
  readonly #check: StopCheck;
  readonly #frames: readonly HingeFrame[];
  #inside: Int32Array = new Int32Array(32);
  #outside: Int32Array = new Int32Array(32);
  /** Why the run ended early; undefined as long as it did not. */
  stopped: Stop | undefined = undefined;

  constructor(cursor: AffineCursor, complex: PlanarComplex, exact: ExactPlane, check: StopCheck) {
    this.#cursor = cursor;
    this.#tree = cursor.tree;
    this.#complex = complex;
    this.#exact = exact;
    this.#check = check;
    this.#frames = cursor.net.layers.map((layer, l) => new HingeFrame(layer, cursor.words[l].length, cursor.filtered));
  }

  /** Cuts the whole box. */
  run(): void {
    this.#layer(0, 0, Int32Array.of(0, 2, 4, 6), 4);
  }

  /** Cuts one polygon, the cell `node` of the layers before `layer`, by `layer` and all that follow. */
  #layer(layer: number, node: number, edges: Int32Array, length: number): void {
    if (layer === this.#frames.length) {
      this.stopped = this.#check(this.#complex.cellCount);
      if (this.stopped === undefined) this.#complex.addCell(edges, length);
      return;
    }
    const rows = this.#cursor.sync(layer);
    const gates = this.#cursor.net.layers[layer];
    if (gates.kind === "hinge") this.#hinges(layer, node, rows, gates, edges, length);
    else this.#maxima(layer, node, rows, gates, edges, length);
  }

  /** A finished polygon of a layer: becomes a node, and goes on to the next layer. */
  #finish(layer: number, parent: number, words: Int32Array, edges: Int32Array, length: number): void {
    this.#cursor.words[layer].set(words);
    const node = this.#tree.add(layer, parent, words);
    this.#layer(layer + 1, node, edges, length);
  }

  #hinges(layer: number, node: number, rows: AffineRows, gates: HingeLayer, edges: Int32Array, length: number): void {
    const frame = this.#frames[layer];
    const { polygon, words } = frame;
    polygon.load(this.#complex, edges, 0, length);
    this.#openUnits(gates, rows, frame);
    let unit = 0;
    for (;;) {
      unit = this.#nextCut(layer, node, frame, unit);
      if (unit < frame.open) {
        this.#cut(layer, node, frame, unit++);
        continue;
      }
      this.#finish(layer, node, words, polygon.edges, polygon.length);
      if (frame.top === 0) return;
      if (this.stopped !== undefined) {
        frame.top = 0;
        return;
      }
      unit = this.#pop(frame);
    }
  }

  /** Takes a layer's maxima in order; a part is pushed with its states so far and the maximum that comes next. */
  #maxima(
    layer: number,
    node: number,
    rows: AffineRows,
    { starts }: MaxLayer,
    edges: Int32Array,
    length: number,
  ): void {
    const cutter = new MaximumCutter(this.#complex, this.#exact, rows, layer, node);
    const { packing } = this.#tree.layers[layer];
    const polygon = new WorkPolygon();
    const todo = [{ edges: Array.from(edges.subarray(0, length)), words: new Int32Array(packing.words), next: 0 }];
    for (let part = todo.pop(); part !== undefined && this.stopped === undefined; part = todo.pop()) {
      const { words } = part;
      polygon.load(this.#complex, part.edges, 0, part.edges.length);
      for (let gate = part.next; gate < packing.gates; gate++) {
        const [first, ...others] = cutter.cut(polygon, starts[gate], starts[gate + 1]);
        for (const region of others.reverse()) {
          const own = words.slice();
          writeState(packing, own, 0, gate, region.winner - starts[gate]);
          todo.push({ edges: region.edges, words: own, next: gate + 1 });
        }
        writeState(packing, words, 0, gate, first.winner - starts[gate]);
        if (others.length > 0) polygon.load(this.#complex, first.edges, 0, first.edges.length);
      }
      this.#finish(layer, node, words, polygon.edges, polygon.length);
    }
  }

  /** Decides the units whose sign the polygon's bounding box settles, and lists the others. */
  #openUnits({ threshold }: HingeLayer, rows: AffineRows, frame: HingeFrame): void {
    const { polygon, words, units } = frame;
    const { a, b, c, m, relativeError, zeroIsExact } = rows;
    const { centerS, centerT, halfS, halfT } = polygon;
    words.fill(0);
    let open = 0;
    for (let unit = 0; unit < rows.size; unit++) {
      const t = threshold[unit];
      if (zeroIsExact && m[unit] === 0) {
        if (t < 0) words[unit >> 5] |= 1 << (unit & 31);
        continue;
      }
      const ua = a[unit];
      const ub = b[unit];
      const uc = c[unit] - t;
      const error = errorOf(relativeError, m[unit] + Math.abs(t));
      const value = ua * centerS + ub * centerT + uc;
      const reach = Math.abs(ua) * halfS + Math.abs(ub) * halfT + error;
      if (value > reach) {
        words[unit >> 5] |= 1 << (unit & 31);
      } else if (!(value < -reach)) {
        units[open] = unit;
        frame.a[open] = ua;
        frame.b[open] = ub;
        frame.c[open] = uc;
        frame.error[open] = error;
        frame.lines[open] = -1;
        open++;
      }
    }
    frame.open = open;
  }

  /** Decides open units from `index` on until one cuts the polygon: its index, or `frame.open` when none does. */
  #nextCut(layer: number, node: number, frame: HingeFrame, index: number): number {
    const { polygon, units, words, a, b, c, error, repeats } = frame;
    const { s, t, errorS, errorT, signs, length, centerS, centerT, halfS, halfT } = polygon;
    for (; index < frame.open; index++) {
      const ua = a[index];
      const ub = b[index];
      const uc = c[index];
      const e = error[index];
      const absA = Math.abs(ua);
      const absB = Math.abs(ub);
      const middle = ua * centerS + ub * centerT + uc;
      const reach = absA * halfS + absB * halfT + e;
      const unit = units[index];
      if (middle > reach) {
        words[unit >> 5] |= 1 << (unit & 31);
        continue;
      }
      if (middle < -reach) continue;
      if (repeats[unit] === 1) {
        if (this.#sideOf(layer, node, frame, index) > 0) words[unit >> 5] |= 1 << (unit & 31);
        continue;
      }
      let positive = false;
      let negative = false;
      for (let k = 0; k < length; k++) {
        const value = ua * s[k] + ub * t[k] + uc;
        const bound = absA * errorS[k] + absB * errorT[k] + e;
        const sign = value > bound ? 1 : value < -bound ? -1 : this.#decide(layer, node, unit, polygon.vertices[k]);
        signs[k] = sign;
        if (sign > 0) positive = true;
        else if (sign < 0) negative = true;
      }
      if (!positive) continue;
      if (negative) return index;
      words[unit >> 5] |= 1 << (unit & 31);
    }
    return index;
  }

  /** The sign, on the whole polygon, of an open unit that does not cut it: that of any vertex where it is not 0. */
  #sideOf(layer: number, node: number, frame: HingeFrame, index: number): number {
    const { polygon, units, a, b, c, error } = frame;
    const { s, t, errorS, errorT, vertices, length } = polygon;
    for (let k = 0; k < length; k++) {
      const value = a[index] * s[k] + b[index] * t[k] + c[index];
      const bound = Math.abs(a[index]) * errorS[k] + Math.abs(b[index]) * errorT[k] + error[index];
      if (value > bound) return 1;
      if (value < -bound) return -1;
    }
    for (let k = 0; k < length; k++) {
      const sign = this.#decide(layer, node, units[index], vertices[k]);
      if (sign !== 0) return sign;
    }
    return 0;
  }

  #decide(layer: number, node: number, unit: number, vertex: number): number {
    return this.#exact.side(this.#exact.cut(layer, node, unit, -1), vertex);
  }

  /** Cuts the polygon by an open unit whose signs at the vertices are known; keeps one part and stacks the other. */
  #cut(layer: number, node: number, frame: HingeFrame, index: number): void {
    const complex = this.#complex;
    const { polygon, units, words, lines } = frame;
    const { length, edges, signs, vertices } = polygon;
    const unit = units[index];
    if (lines[index] < 0) {
      lines[index] = complex.addLine(
        frame.a[index],
        frame.b[index],
        frame.c[index],
        frame.error[index],
        layer,
        node,
        unit,
        -1,
      );
    }
    const line = lines[index];
    if (length + 2 > this.#inside.length) {
      this.#inside = growInts(this.#inside, length + 2);
      this.#outside = growInts(this.#outside, length + 2);
    }
    const inside = this.#inside;
    const outside = this.#outside;
    // the new edge runs from where the walk leaves the positive part to where it enters it: positive on its left
    const fresh = complex.addEdge(-1, -1, line);
    let insideLength = 0;
    let outsideLength = 0;
    let previous = signs[length - 1];
    for (let k = 0; k < length; k++) {
      const sign = signs[k];
      const next = k + 1 < length ? signs[k + 1] : signs[0];
      const directed = edges[k];
      if (sign === 0) {
        // previous and next differ, or the polygon would lie on one side: this vertex ends one part and begins the other
        if (previous > 0) {
          complex.edgeFrom[fresh] = vertices[k];
          inside[insideLength++] = 2 * fresh;
        } else {
          complex.edgeTo[fresh] = vertices[k];
          outside[outsideLength++] = 2 * fresh + 1;
        }
      }
      if (sign * next < 0) {
        const children = complex.cutEdge(directed >> 1, line);
        const reversed = directed & 1;
        const first = 2 * (children + reversed) + reversed;
        const second = 2 * (children + 1 - reversed) + reversed;
        const vertex = complex.edgeTo[children];
        if (sign > 0) {
          inside[insideLength++] = first;
          inside[insideLength++] = 2 * fresh;
          outside[outsideLength++] = second;
          complex.edgeFrom[fresh] = vertex;
        } else {
          outside[outsideLength++] = first;
          outside[outsideLength++] = 2 * fresh + 1;
          inside[insideLength++] = second;
          complex.edgeTo[fresh] = vertex;
        }
      } else if (sign + next > 0) {
        inside[insideLength++] = directed;
      } else {
        outside[outsideLength++] = directed;
      }
      previous = sign;
    }
    this.#push(frame, outside, outsideLength, index + 1);
    words[unit >> 5] |= 1 << (unit & 31);
    polygon.load(complex, inside, 0, insideLength);
  }

  #push(frame: HingeFrame, edges: Int32Array, length: number, next: number): void {
    const { words } = frame;
    let top = frame.top;
    const needed = top + length + words.length + 2;
    if (needed > frame.stack.length) frame.stack = growInts(frame.stack, needed);
    const { stack } = frame;
    for (let k = 0; k < length; k++) stack[top++] = edges[k];
    for (let k = 0; k < words.length; k++) stack[top++] = words[k];
    stack[top++] = next;
    stack[top++] = length;
    frame.top = top;
  }

  /** Takes up the polygon stacked last; gives the open unit that comes next for it. */
  #pop(frame: HingeFrame): number {
    const { stack, words } = frame;
    let top = frame.top;
    const length = stack[--top];
    const next = stack[--top];
    top -= words.length;
    for (let k = 0; k < words.length; k++) words[k] = stack[top + k];
    top -= length;
    frame.polygon.load(this.#complex, stack, top, length);
    frame.top = top;
    return next;
  }
}
