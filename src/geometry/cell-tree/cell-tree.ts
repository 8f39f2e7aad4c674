/**
 * The walk over all cells of a net: depth first, layer by layer, gate by gate. A polytope in which a gate changes state
 * is split there; a polytope in which all gates are decided is a cell.
 *
 * On entering a layer its map is brought up to date and every gate is classified over the whole polytope: the ones that
 * cut it are then tried again on the parts, the remotest first. (Counting sub-problems this way visits only non-empty
 * ones: Serra, Tjandraatmadja, Ramalingam, "Bounding and counting linear regions of deep neural networks", ICML 2018,
 * states the arrangement; the sign tree with linear programs is Rada and Černý, "A new algorithm for enumeration of cells
 * of hyperplane arrangements", SIAM J. Discrete Math. 32, 2018.)
 */

import type { MaxLayer } from "../../pwl/net.js";
import { ExactRows } from "./exact-rows.js";
import { LayerMap } from "./maps.js";
import { Maxima } from "./maxima.js";
import { type Candidate, DOMAIN, type HalfSpaces, type HyperplanePool, Path } from "./path.js";
import type { Plan } from "./plan.js";
import {
  CUTS,
  NEGATIVE,
  POSITIVE,
  type Polytopes,
  type Side,
  TOUCHES_NEGATIVE,
  TOUCHES_POSITIVE,
} from "./polytopes.js";
import { OPEN, type SubProblem } from "./sub-problem.js";

/** The state of a frame whose polytope is not searched: its successors start from it, or it was given away. */
const BASE = -2;

/** A pending polytope of the walk: the gate it was split at, and its state there. */
interface Frame {
  layer: number;
  position: number;
  state: number;
  hyperplanes: number;
  touches: number;
}

/** One walk. `step` visits cells; the visitor reads the walk's public fields. */
export class CellTree {
  readonly maps: readonly LayerMap[];
  readonly states: readonly Int32Array[];
  /** The packed pattern of the current cell. */
  readonly words: Uint32Array;
  readonly path: Path;
  readonly polytopes: Polytopes;
  /** Cells visited so far. */
  count = 0;
  /** Polytopes in which all gates of the layers up to this one are decided, completed so far. */
  readonly cellsPerLayer: Float64Array;
  /** Gates of the current cell that are zero on a part of its boundary without having cut it, or zero everywhere. */
  touches = 0;

  private readonly gateLayers: number;
  private readonly cutters: readonly Int32Array[];
  private readonly cutterCounts: Int32Array;
  private readonly frames: Frame[] = [];
  private depth = 0;
  private layer = 0;
  private position = 0;
  private running = false;
  private exactRows: ExactRows | undefined;
  private readonly candidate: Candidate;
  private readonly maxima: Maxima;
  /** Of the cutting gates that are being put in order. */
  private readonly remoteness: Float64Array;
  private readonly offsets: Int32Array[];

  /** Starts at the whole domain; `empty` tells whether it has no interior. */
  constructor(
    readonly plan: Plan,
    halfSpaces: HalfSpaces | undefined,
    polytopes: (plan: Plan, path: Path) => Polytopes,
    pool?: HyperplanePool,
  ) {
    this.gateLayers = plan.layers.length - 1;
    this.maps = plan.layers.map((_, index) => new LayerMap(plan, index));
    this.states = plan.layers.map(({ gateCount }) => new Int32Array(gateCount));
    this.words = new Uint32Array(plan.layout.words);
    this.cutters = plan.layers.map(({ gateCount }) => new Int32Array(gateCount));
    this.cutterCounts = new Int32Array(plan.layers.length);
    this.cellsPerLayer = new Float64Array(this.gateLayers);
    this.offsets = plan.layers.map(({ gateCount }, l) =>
      plan.layout.offsets.slice(plan.layout.layerStarts[l], plan.layout.layerStarts[l] + gateCount),
    );
    this.remoteness = new Float64Array(Math.max(...plan.layers.map(({ gateCount }) => gateCount)));
    this.path = new Path(plan, halfSpaces, this.maps, () => this.exactMaps(), pool);
    this.candidate = { rows: this.path.rows, offset: 0, error: 0, layer: 0, unit: 0, other: -1 };
    this.polytopes = polytopes(plan, this.path);
    this.maxima = new Maxima(this);
  }

  /** Exact rows of the current path. */
  exactMaps(): ExactRows {
    this.exactRows ??= new ExactRows(this.plan.net, this.states);
    return this.exactRows;
  }

  /** Cuts the box by the domain's half-spaces; false if nothing full-dimensional is left. */
  enterDomain(): boolean {
    const { path, candidate, polytopes, plan } = this;
    for (let h = 2 * plan.dimension; h < path.domainCount; h++) {
      candidate.rows = path.rows;
      candidate.offset = h * path.width;
      candidate.error = path.error[h];
      candidate.layer = DOMAIN;
      candidate.unit = h;
      candidate.other = -1;
      const side = polytopes.classify(candidate);
      if (side === CUTS) polytopes.clip(h, 1);
      else if (side === NEGATIVE || side === TOUCHES_NEGATIVE) return false;
    }
    return true;
  }

  /** Begins the search of a sub-problem (all of the domain by default) on a fresh tree; false if it holds no cell. */
  begin(problem?: SubProblem): boolean {
    this.layer = -1;
    this.position = 0;
    this.cutterCounts.fill(0);
    this.running = true;
    if (this.gateLayers === 0) {
      this.layer = 0;
      return true;
    }
    this.enterLayer(0, problem);
    if (problem === undefined) return true;
    const { layerStarts } = this.plan.layout;
    for (;;) {
      // decide every cutting gate as the sub-problem says; the first open one is where the search begins
      while (this.position < this.cutterCounts[this.layer]) {
        const gate = this.cutters[this.layer][this.position];
        const wanted = problem[layerStarts[this.layer] + gate];
        if (wanted === OPEN) return true;
        if (!this.impose(gate, wanted)) return this.stop();
        this.position++;
      }
      for (let gate = 0; gate < this.states[this.layer].length; gate++) {
        const wanted = problem[layerStarts[this.layer] + gate];
        if (wanted !== OPEN && wanted !== this.states[this.layer][gate]) return this.stop();
      }
      if (this.layer + 1 === this.gateLayers) return true;
      const next = layerStarts[this.layer + 1];
      const end = next + this.states[this.layer + 1].length;
      if (problem.slice(next, end).every((state) => state === OPEN)) return true;
      this.enterLayer(this.layer + 1, problem);
    }
  }

  private stop(): false {
    this.running = false;
    return false;
  }

  /** Restricts the current polytope to one state of a gate; false if no cell is left. */
  private impose(gate: number, wanted: number): boolean {
    const gates = this.plan.layers[this.layer].gates!;
    if (gates.kind === "max") {
      return this.maxima.clipToWinner(this.layer, gates, gate, wanted) && this.settle(gate, wanted);
    }
    this.aimAtHinge(gate);
    const side = this.polytopes.classify(this.candidate);
    if (side === CUTS) this.polytopes.clip(this.path.push(this.candidate), wanted === 1 ? 1 : -1);
    else if (this.settleHinge(side) !== wanted) return false;
    return this.settle(gate, wanted);
  }

  private settle(gate: number, state: number): true {
    this.setState(this.layer, gate, state);
    return true;
  }

  /**
   * Goes on until `most` more cells were visited or all are done. With no visitor, cells are only counted.
   *
   * @returns true when nothing is left.
   */
  step(most: number, visit: (() => void) | undefined): boolean {
    const { cellsPerLayer, gateLayers } = this;
    const last = gateLayers - 1;
    let visited = 0;
    while (this.running) {
      if (visited >= most) return false;
      if (gateLayers > 0 && this.position < this.cutterCounts[this.layer]) {
        const gate = this.cutters[this.layer][this.position];
        const gates = this.plan.layers[this.layer].gates!;
        if (gates.kind === "max") {
          this.branchOnMax(gates, gate);
          continue;
        }
        this.aimAtHinge(gate);
        const side = this.polytopes.classify(this.candidate);
        if (
          visit === undefined &&
          side === CUTS &&
          visited + 2 <= most &&
          this.layer === last &&
          this.position + 1 === this.cutterCounts[last]
        ) {
          // counting: both parts are cells, nobody asks which
          this.count += 2;
          cellsPerLayer[last] += 2;
          visited += 2;
          this.next();
          continue;
        }
        if (side === CUTS) {
          const hyperplane = this.path.push(this.candidate);
          this.pushFrame(1);
          this.polytopes.split(hyperplane);
          this.setState(this.layer, gate, 0);
        } else {
          this.setState(this.layer, gate, this.settleHinge(side));
        }
        this.position++;
        continue;
      }
      // the layer is decided
      if (gateLayers > 0) cellsPerLayer[this.layer]++;
      if (this.layer < last) {
        this.enterLayer(this.layer + 1);
        continue;
      }
      this.count++;
      visited++;
      if (visit !== undefined) visit();
      this.next();
    }
    return true;
  }

  /** What is left to search, the current polytope included, which comes last. */
  frontier(): SubProblem[] {
    if (!this.running) return [];
    const problems: SubProblem[] = [];
    for (let f = 0; f < this.depth; f++) {
      const frame = this.frames[f];
      if (frame.state !== BASE) problems.push(this.problemAt(frame.layer, frame.position, frame.state));
    }
    problems.push(this.problemAt(this.layer, this.position, OPEN));
    return problems;
  }

  /** Takes the pending polytope that the walk would come to last out of it; undefined if none is pending. */
  spare(): SubProblem | undefined {
    for (let f = 0; f < this.depth; f++) {
      const frame = this.frames[f];
      if (frame.state === BASE) continue;
      const problem = this.problemAt(frame.layer, frame.position, frame.state);
      frame.state = BASE; // its polytope stays on the stack, and is passed over
      return problem;
    }
    return undefined;
  }

  private problemAt(layer: number, position: number, state: number): SubProblem {
    const { layerStarts } = this.plan.layout;
    const problem: number[] = new Array(this.plan.layout.gates).fill(OPEN);
    for (let l = 0; l <= layer && l < this.gateLayers; l++) {
      for (let gate = 0; gate < this.states[l].length; gate++) problem[layerStarts[l] + gate] = this.states[l][gate];
    }
    for (let at = position; at < this.cutterCounts[layer]; at++) {
      problem[layerStarts[layer] + this.cutters[layer][at]] = at === position ? state : OPEN;
    }
    return problem;
  }

  /** Takes up the next pending polytope, or ends. */
  private next(): void {
    while (this.depth > 0) {
      const frame = this.frames[--this.depth];
      this.polytopes.pop();
      if (frame.state === BASE) continue;
      this.layer = frame.layer;
      this.position = frame.position + 1;
      this.path.count = frame.hyperplanes;
      this.touches = frame.touches;
      this.setState(frame.layer, this.cutters[frame.layer][frame.position], frame.state);
      return;
    }
    this.running = false;
  }

  private pushFrame(state: number): void {
    let frame = this.frames[this.depth];
    if (frame === undefined) {
      frame = { layer: 0, position: 0, state: 0, hyperplanes: 0, touches: 0 };
      this.frames.push(frame);
    }
    this.depth++;
    frame.layer = this.layer;
    frame.position = this.position;
    frame.state = state;
    frame.hyperplanes = this.path.count;
    frame.touches = this.touches;
  }

  /** Brings the layer's map up to date and classifies its gates; the cutting ones wait in `cutters`. */
  private enterLayer(layer: number, problem?: SubProblem): void {
    this.layer = layer;
    this.position = 0;
    const before = layer > 0 ? layer - 1 : 0;
    this.maps[layer].enter(this.maps, this.states, this.cutters[before], this.cutterCounts[before]);
    const gates = this.plan.layers[layer].gates!;
    const cutters = this.cutters[layer];
    let cutting = 0;
    const count = this.states[layer].length;
    for (let gate = 0; gate < count; gate++) {
      if (gates.kind === "hinge") {
        this.aimAtHinge(gate);
        const side = this.polytopes.classify(this.candidate);
        if (side === CUTS) cutters[cutting++] = gate;
        else this.setState(layer, gate, this.settleHinge(side));
      } else {
        const winner = this.maxima.soleWinner(layer, gates, gate);
        if (winner < 0) cutters[cutting++] = gate;
        else this.setState(layer, gate, winner);
      }
    }
    this.cutterCounts[layer] = cutting;
    if (gates.kind === "hinge") this.orderCutters(layer, cutting, problem);
  }

  /**
   * Puts the cutting gates that a sub-problem decides first, then those whose hyperplanes pass far from the middle: they
   * cut few parts, so all others are tried on fewer.
   */
  private orderCutters(layer: number, count: number, problem: SubProblem | undefined): void {
    if (count < 2) return;
    const cutters = this.cutters[layer];
    const { remoteness } = this;
    const first = this.plan.layout.layerStarts[layer];
    for (let at = 0; at < count; at++) {
      const gate = cutters[at];
      this.aimAtHinge(gate);
      const decided = problem !== undefined && problem[first + gate] !== OPEN;
      const far = decided ? Number.POSITIVE_INFINITY : this.polytopes.remoteness(this.candidate);
      const key = decided || far < Number.MAX_VALUE ? far : 0;
      let to = at;
      for (; to > 0 && remoteness[to - 1] < key; to--) {
        cutters[to] = cutters[to - 1];
        remoteness[to] = remoteness[to - 1];
      }
      cutters[to] = gate;
      remoteness[to] = key;
    }
  }

  /** Brings the output's map up to date for the current cell and gives it. */
  outputMap(): LayerMap {
    const { gateLayers } = this;
    const before = gateLayers > 0 ? gateLayers - 1 : 0;
    this.maps[gateLayers].enter(this.maps, this.states, this.cutters[before], this.cutterCounts[before]);
    return this.maps[gateLayers];
  }

  private setState(layer: number, gate: number, state: number): void {
    if (this.states[layer][gate] === state) return;
    const bit = this.offsets[layer][gate];
    this.words[bit >> 5] ^= (this.states[layer][gate] ^ state) << (bit & 31);
    this.states[layer][gate] = state;
  }

  private aimAtHinge(unit: number): void {
    const { candidate, layer } = this;
    candidate.rows = this.maps[layer].rows;
    candidate.offset = unit * this.path.width;
    candidate.error = this.plan.layers[layer].error[unit];
    candidate.layer = layer;
    candidate.unit = unit;
    candidate.other = -1;
  }

  /** The state that a side means; a hinge that is zero everywhere is inactive. */
  private settleHinge(side: Side): number {
    if (side === POSITIVE) return 1;
    if (side === NEGATIVE) return 0;
    this.touches++;
    return side === TOUCHES_POSITIVE ? 1 : 0;
  }

  /** One pending polytope per possible winner; the current one is done with. */
  private branchOnMax(gates: MaxLayer, group: number): void {
    this.pushFrame(BASE);
    const { depth } = this;
    try {
      this.maxima.branch(this.layer, gates, group, (winner) => this.pushFrame(winner));
    } catch (error) {
      this.depth = depth; // the gate is open again: what is left can still be told
      throw error;
    }
    this.next();
  }
}
