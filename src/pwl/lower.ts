/**
 * Lowering: a traced graph becomes a PwlNet. One walk in the graph's order carries every value that depends on the input
 * as an affine map of the net's sources; constants are folded by the trace. What an op means comes from its record: a
 * scalar formula, a kind, gradient rules. No op is known by name.
 */

import type { Scalars } from "../array/expression.js";
import { formatShape, sizeOf } from "../array/shape.js";
import { PiecewiseLinearError } from "../base/errors.js";
import { copyOf } from "../graph/new-tensor.js";
import { noteRead } from "../graph/tensor.js";
import type { Graph, GraphNode } from "../graph/trace.js";
import { row } from "./blocks.js";
import { checkNet } from "./check.js";
import { addAffine, composeAffine, constantAffine, Roundings, selection, sourceAffine } from "./compose.js";
import { gateStates, gateValues } from "./evaluate.js";
import { type Linear, symbolLinear } from "./linear-function.js";
import { LinearOp } from "./linear-op.js";
import { type Affine, type AffineBlock, type GateLayer, gateCount, type PwlNet, printsAsNet } from "./net.js";
import { broadcastPlaces, combineRows, evaluateRows, type Operand } from "./operand.js";
import { type ReadGate, ScalarReader } from "./scalar-reader.js";

/** A net, and which ops its gates stand for. */
export interface Lowered {
  readonly net: PwlNet;
  /**
   * The states in which a run of the function saw every gate: of the traced values themselves, in their own precision.
   * The graph must be of the same function as the one that was lowered.
   */
  statesSeen(graph: Graph): Int32Array[];
}

/** One affine op, as the walk met it: `offset + Σ block · input` over the inputs that vary. */
export interface AffineStep {
  readonly node: GraphNode;
  readonly parts: readonly { readonly input: GraphNode; readonly block: AffineBlock }[];
  readonly offset: Float64Array;
  /** The op's value as a map of the net's sources. */
  readonly value: Affine;
}

/** Watches the walk: every affine op, and every gate layer before it is added. */
export interface LoweringObserver {
  affine(step: AffineStep): void;
  gate(node: string): void;
}

const FROZEN =
  "was computed before the function ran, so it does not follow the input; compute it inside the function, or, where it is a constant, pass it through detach()";

/** Gives a layer's arguments as the values of a run have them; `gates[s]` is what gate layer s of the same run gave. */
type Witness = (graph: Graph, gates: readonly Float64Array[]) => Float64Array;

/**
 * Lowers a graph of one output.
 *
 * @param dropBatch whether inputs and output have a leading axis of 1 that is not the function's own.
 * @throws PiecewiseLinearError with node, user's line and remedy where the graph is not piecewise linear.
 */
export function lowerGraph(graph: Graph, dropBatch = false, observer: LoweringObserver | null = null): Lowered {
  for (const { value, op } of graph.nodes) if (op === null) noteRead(value);
  return new Lowering(graph, dropBatch, observer).run();
}

class Lowering {
  readonly layers: GateLayer[] = [];
  readonly witnesses: Witness[] = [];
  readonly rounded: string[] = [];
  /** Values that depend on the input; a node that is absent is constant. */
  readonly values = new Map<GraphNode, Affine>();
  readonly inputSize: number;

  constructor(
    readonly graph: Graph,
    readonly dropBatch: boolean,
    readonly observer: LoweringObserver | null,
  ) {
    if (graph.inputs.length === 0) {
      throw new PiecewiseLinearError(
        "lower: the graph has no inputs, so nothing in it varies: pass a graph of trace(fn, ...inputs), which knows them",
      );
    }
    if (graph.outputs.length !== 1) {
      throw new PiecewiseLinearError(
        `lower: the function has ${graph.outputs.length} outputs, a PwlNet has one: return concat of them, or one alone`,
      );
    }
    this.inputSize = graph.inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  run(): Lowered {
    this.#placeInputs();
    const needed = ancestors(this.graph.outputs);
    for (const node of this.graph.nodes) {
      if (needed.has(node) && node.op?.kind === "random") {
        fail(node, "draws random numbers, so that no two runs are the same: call eval() where dropout trains");
      }
      if (needed.has(node) && !node.outside) this.#refuseFrozen(node);
      if (node.op === null || !needed.has(node) || !node.inputs.some((input) => this.values.has(input))) continue;
      this.#requireNumbers(node);
      const roundings = new Roundings();
      this.values.set(node, this.#read(node, roundings));
      if (roundings.numbers > 0) this.rounded.push(roundedLine(node, roundings));
    }
    const output = this.graph.outputs[0];
    if (output.outside) fail(output, FROZEN);
    const affine = this.values.get(output) ?? constantAffine(copyOf(output.value));
    const shapeOf = ({ shape }: GraphNode) => (this.dropBatch && shape[0] === 1 ? shape.slice(1) : shape);
    const net = checkNet(
      printsAsNet({
        inputs: this.graph.inputs.map((node) => ({ name: node.name, shape: shapeOf(node) })),
        inputSize: this.inputSize,
        layers: this.layers,
        output: requireFinite(affine, output),
        outputShape: shapeOf(output),
        rounded: this.rounded,
      }),
    );
    return { net, statesSeen: (graph) => this.#statesSeen(graph) };
  }

  #placeInputs(): void {
    let start = 0;
    for (const node of this.graph.inputs) {
      const size = sizeOf(node.shape);
      if (node.dtype === "int32") {
        fail(node, "is int32: a function of indices is a table, not piecewise linear; declare float inputs");
      }
      const index = Int32Array.from({ length: size }, (_, i) => start + i);
      const term = { source: 0, block: selection(index, this.inputSize) };
      this.values.set(node, { size, terms: [term], bias: new Float64Array(size) });
      start += size;
    }
  }

  /** Constants that meet the input must be numbers; infinite ones may yet drop out (bounds, masks). */
  #requireNumbers(node: GraphNode): void {
    for (const input of node.inputs) {
      if (this.values.has(input)) continue;
      const { buffer, offset, size } = input.value;
      for (let i = 0; i < size; i++) {
        if (Number.isNaN(buffer[offset + i])) {
          const name = input.name === "" ? `the constant %${input.id}` : `${input.role} "${input.name}"`;
          fail(
            node,
            `reads ${name}, whose element ${i} is NaN; a net is read exactly only with numbers: check how it was trained`,
          );
        }
      }
    }
  }

  /** A value that was recorded before the function ran may come from the same input: taken as constant, it would be wrong. */
  #refuseFrozen(node: GraphNode): void {
    const { op, inputs } = node;
    // affine, but without a gradient: it was cut off on purpose, by detach
    if (op?.kind === "affine" && Array.isArray(op.rules) && op.rules[0] === null) return;
    const frozen = inputs.find(({ outside }) => outside);
    if (frozen !== undefined) fail(node, `reads ${describe(frozen)}, which ${FROZEN}`);
  }

  #read(node: GraphNode, roundings: Roundings): Affine {
    const op = node.op as NonNullable<GraphNode["op"]>;
    if (node.dtype === "int32") refuse(node, "gives integers that depend on the input, a step");
    if (op.scalar !== null) return this.#readElementwise(node, roundings);
    if (op.kind === "affine" || op.kind === "bilinear") return this.#readLinear(node, roundings);
    if (op.competition !== null) return this.#readMaximum(node, roundings);
    if (op.kind === "gate") {
      fail(
        node,
        "is a gate, but its record does not say which elements compete; give it a competition or a scalar formula",
      );
    }
    return refuse(node, op.kind === "step" ? "is a step function of the input" : "is a smooth function of the input");
  }

  #readLinear(node: GraphNode, roundings: Roundings): Affine {
    const op = node.op as NonNullable<GraphNode["op"]>;
    const varies = node.inputs.map((input) => this.values.has(input));
    if (op.kind === "bilinear" && varies.filter((one) => one).length > 1) {
      refuse(node, "multiplies two values that depend on the input");
    }
    const tensors = node.inputs.map((input) => input.value);
    const linear = new LinearOp(op, node.attrs, tensors, varies, (reason) => fail(node, reason));
    let result = constantAffine(linear.offset);
    const parts: AffineStep["parts"][number][] = [];
    node.inputs.forEach((input, i) => {
      const value = this.values.get(input);
      if (value === undefined) return;
      const block = linear.block(i);
      const bad = block.values.find((weight) => !Number.isFinite(weight));
      if (bad !== undefined) fail(node, `has the weight ${bad}; a net is read exactly only with finite weights`);
      const part = composeAffine(block, value, new Float64Array(block.rows), roundings);
      result = addAffine(result, part, roundings);
      parts.push({ input, block });
    });
    this.observer?.affine({ node, parts, offset: linear.offset, value: result });
    return result;
  }

  #readElementwise(node: GraphNode, roundings: Roundings): Affine {
    const op = node.op as NonNullable<GraphNode["op"]>;
    const size = sizeOf(node.shape);
    const places = node.inputs.map((input) => broadcastPlaces(input.shape, node.shape));
    const symbols: Operand[] = [];
    const operands = node.inputs.map((input, i): Linear => {
      const affine = this.values.get(input);
      if (affine === undefined) {
        const value = copyOf(input.value);
        return { constant: Float64Array.from(places[i], (place) => value[place]), scales: new Map() };
      }
      symbols.push({ affine, places: places[i], seen: (graph) => copyOf(graph.nodes[input.id].value) });
      return symbolLinear(size, symbols.length - 1, places[i].keys());
    });
    const emit = (gate: ReadGate): number => {
      const { elements } = gate;
      const rows = gate.kind === "hinge" ? [gate.argument] : gate.arguments;
      const argument = combineRows(symbols, rows, elements, roundings);
      const name = layerName(node);
      const layer: GateLayer =
        gate.kind === "hinge"
          ? { kind: "hinge", name, argument, threshold: gate.threshold, lo: gate.lo, hi: gate.hi }
          : { kind: "max", name, argument, starts: Int32Array.from({ length: elements.length + 1 }, (_, k) => 2 * k) };
      const source = this.#push(node, layer, (graph, gates) => evaluateRows(symbols, rows, elements, graph, gates));
      const unitOf = new Int32Array(size).fill(-1);
      elements.forEach((e, k) => {
        unitOf[e] = k;
      });
      const affine = sourceAffine(source, elements.length);
      symbols.push({ affine, places: unitOf, seen: (_, gates) => gates[source - 1] });
      return symbols.length - 1;
    };
    const reader = new ScalarReader(size, roundings, (reason) => refuse(node, reason), emit);
    const result = reader.finish(op.scalar?.(reader as unknown as Scalars<unknown>, ...operands, node.attrs));
    const elements = Int32Array.from({ length: size }, (_, e) => e);
    const value = combineRows(symbols, [result], elements, roundings);
    if (this.observer !== null) {
      const varying = node.inputs.filter((input) => this.values.has(input));
      const parts = varying.map((input, symbol) => {
        const scale = result.scales.get(symbol) ?? new Float64Array(size);
        return { input, block: selection(symbols[symbol].places, sizeOf(input.shape), scale) };
      });
      this.observer.affine({ node, parts, offset: result.constant, value });
    }
    return value;
  }

  #readMaximum(node: GraphNode, roundings: Roundings): Affine {
    const op = node.op as NonNullable<GraphNode["op"]>;
    const [input] = node.inputs;
    const affine = this.values.get(input) as Affine;
    const { starts, indices } =
      op.competition?.(input.shape, node.attrs) ?? refuse(node, "is a gate without arguments");
    // a constant -∞ (padding, a mask) never wins: it drops out, unless its group holds nothing else
    const drops = neverWins(affine);
    const kept: number[] = [];
    const ends = new Int32Array(starts.length);
    for (let g = 0; g + 1 < starts.length; g++) {
      const group = indices.subarray(starts[g], starts[g + 1]);
      const winners = group.filter((place) => drops[place] === 0);
      kept.push(...(winners.length > 0 ? winners : group.subarray(0, 1)));
      ends[g + 1] = kept.length;
    }
    const argument = composeAffine(selection(kept, affine.size), affine, new Float64Array(kept.length), roundings);
    const layer: GateLayer = { kind: "max", name: layerName(node), argument, starts: ends };
    const source = this.#push(node, layer, (graph) => {
      const value = copyOf(graph.nodes[input.id].value);
      return Float64Array.from(kept, (place) => value[place]);
    });
    return sourceAffine(source, gateCount(layer));
  }

  /** Adds a layer; gives its source number. */
  #push(node: GraphNode, layer: GateLayer, witness: Witness): number {
    this.observer?.gate(describe(node));
    requireFinite(layer.argument, node);
    if (layer.kind === "hinge" && !layer.threshold.every(Number.isFinite)) {
      fail(node, "has an infinite or NaN bound where a finite one is needed; check the bound");
    }
    this.layers.push(layer);
    this.witnesses.push(witness);
    return this.layers.length;
  }

  #statesSeen(graph: Graph): Int32Array[] {
    const gates: Float64Array[] = [];
    return this.layers.map((layer, l) => {
      const argument = this.witnesses[l](graph, gates);
      const states = gateStates(layer, argument);
      gates.push(gateValues(layer, argument, states));
      return states;
    });
  }
}

/** Says that a node is not piecewise linear, by the name that its user knows: the composed op, if it is part of one. */
function refuse(node: GraphNode, reason: string): never {
  const innermost = node.scope.at(-1);
  const within = innermost !== undefined && /^[a-z]\w*$/.test(innermost) ? innermost : null;
  throw new PiecewiseLinearError(
    `lower: ${within ?? node.op?.name} is not piecewise linear: ${describe(node)} ${reason}; read the network up to the values before it (logits, without softmax and loss), use piecewise-linear ops in its place (relu, maximum, clamp, where on constants), and call eval() where batch norm is training`,
  );
}

function fail(node: GraphNode, what: string): never {
  throw new PiecewiseLinearError(`lower: ${describe(node)} ${what}`);
}

/** What a node is to its user: op, number, name, modules and composed ops around it, and line. */
function describe(node: GraphNode): string {
  const name = node.name === "" ? "" : ` "${node.name}"`;
  const scope = node.scope.length === 0 ? "" : ` in ${node.scope.join(" / ")}`;
  const site = node.site === null ? "" : ` at ${node.site}`;
  return `${node.op?.name ?? node.role} (%${node.id}${name}, ${formatShape(node.shape)}${scope}${site})`;
}

/** "0: Linear / relu"; an op that is its own scope is named once. */
function layerName(node: GraphNode): string {
  if (node.name !== "") return node.name;
  const op = node.op?.name ?? node.role;
  return (node.scope.at(-1) === op ? node.scope : [...node.scope, op]).join(" / ");
}

function roundedLine(node: GraphNode, { numbers, largest }: Roundings): string {
  return `${describe(node)}: ${numbers} ${numbers === 1 ? "number" : "numbers"}, by at most ${largest.toPrecision(2)}`;
}

function ancestors(outputs: readonly GraphNode[]): Set<GraphNode> {
  const found = new Set(outputs);
  for (const node of found) for (const input of node.inputs) found.add(input);
  return found;
}

/** Which rows are the constant -∞. */
function neverWins({ size, terms, bias }: Affine): Uint8Array {
  const drops = Uint8Array.from({ length: size }, (_, i) => (bias[i] === Number.NEGATIVE_INFINITY ? 1 : 0));
  if (!drops.includes(1)) return drops;
  for (const { block } of terms) {
    drops.forEach((drop, i) => {
      if (drop === 1 && row(block, i).values.some((value) => value !== 0)) drops[i] = 0;
    });
  }
  return drops;
}

function requireFinite(affine: Affine, node: GraphNode): Affine {
  const check = (values: Float64Array, what: string) => {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      fail(
        node,
        `has ${values[bad]} as ${what} ${bad} of what it reads; a net is read exactly only with finite numbers: check the weights and constants before it`,
      );
    }
  };
  for (const { block } of affine.terms) check(block.values, "weight");
  check(affine.bias, "bias");
  return affine;
}
