import { DrawError, OptionError, ValueError } from "../base/errors.js";
import { Tensor } from "../graph/tensor.js";
import { type Graph, type GraphNode, recordedGraph } from "../graph/trace.js";
import { checkOptions } from "../ops/create.js";
import { type Drawing, drawingOf, type Frame, isOperation, type Vertex } from "./drawing.js";
import { dotString, dotStringLeft, plainText } from "./escape.js";
import { type GateReading, readGates } from "./gates.js";
import { vertexLines } from "./labels.js";
import { neuronLines } from "./neurons.js";
import { palette } from "./palette.js";
import { foldRepeats } from "./repeats.js";
import { type Silence, silenceOf } from "./silence.js";
import { type Activity, gateLabel, glyphs } from "./strip.js";

/** How a graph is drawn. */
export interface DotOptions {
  /**
   * One node per op; or one node per unit with the weights on the edges, for piecewise-linear nets traced at one input,
   * of which only direction, legend, title and limit (default 200) are options. Default "tensor".
   */
  level?: "tensor" | "neuron";
  /** Which way values flow: top to bottom, or left to right. Default "TB", for neurons "LR". */
  direction?: "TB" | "LR";
  /**
   * Show for every gate which units are active, and dash what inactive units cut off. For a batch, how often each unit
   * is active; for a batch of two, which units flip. Default false.
   */
  gates?: boolean;
  /** The same function traced at another input: gates show which units flip between the two. Implies `gates`. */
  compare?: Graph;
  /** Whether axis 0 of gates with two or more axes counts the inputs of a batch. Default true. */
  batched?: boolean;
  /** Composed ops (softmax, conv2d, mean, …) as one node each, or as what they are made of. Default "fold". */
  composed?: "fold" | "unfold";
  /** Modules as frames around their ops, or innermost modules as one node each. Default "frame". */
  modules?: "frame" | "fold";
  /** Blocks that are repeated three times or more once, marked × n, or one by one. Default "fold". */
  repeats?: "fold" | "unfold";
  /** Values and gradients are written where they have at most this many elements. Default 4; 0 for none. */
  values?: number;
  /** Default: with `gates`. */
  legend?: boolean;
  title?: string;
  /** More nodes than this raise DrawError. Default 2,000; Infinity for all. */
  limit?: number;
}

const KNOWN_OPTIONS = [
  ...["level", "direction", "gates", "compare", "batched", "composed", "modules", "repeats"],
  ...["values", "legend", "title", "limit"],
];

const DEFAULT_LIMIT = 2_000;

/**
 * A graph in the DOT language of Graphviz. The same graph and options give the same bytes; names are escaped.
 *
 * @param subject a traced graph, or a tensor, of which everything that led to it is drawn.
 * @throws DrawError when more nodes than the limit would be drawn; DrawError when `compare` is of another function.
 */
export function toDot(subject: Graph | Tensor, options: DotOptions = {}): string {
  return `${[...dotLines(subject, options)].join("\n")}\n`;
}

/** The lines of `toDot`, one by one, for graphs too large for one string. */
export function* dotLines(subject: Graph | Tensor, options: DotOptions = {}): Generator<string> {
  checkChoices(options);
  if (options.level === "neuron") {
    const { direction = "LR", title = null, legend = true, limit } = options;
    yield* neuronLines(graphOf(subject), direction, title, legend, limit);
    return;
  }
  const { direction = "TB", composed = "fold", modules = "frame", repeats = "fold", batched = true } = options;
  const { compare, limit = DEFAULT_LIMIT } = options;
  const { gates = compare !== undefined } = options;
  const graph = graphOf(subject);
  const unfolded = drawingOf(graph, { composed, modules });
  const drawing = repeats === "fold" ? foldRepeats(unfolded) : unfolded;
  if (drawing.vertices.length > limit) throw tooLarge(drawing.vertices.length, limit, options);

  const readings: ReadonlyMap<GraphNode, GateReading> = gates ? readGates(graph, batched) : new Map();
  const writer = new Writer(
    options,
    readings,
    compare === undefined ? null : matchReadings(graph, compare, batched),
    gates ? silenceOf(graph, readings) : null,
  );
  yield "digraph {";
  yield* header(direction, options, legendLines(readings, compare !== undefined));
  yield* writer.frames(frameTree(drawing.vertices), 1);
  for (const vertex of drawing.vertices) yield* writer.edges(vertex);
  yield* writer.outputs(drawing);
  yield "}";
}

function graphOf(subject: Graph | Tensor): Graph {
  if (subject instanceof Tensor) return recordedGraph(subject);
  if (typeof subject === "object" && subject !== null && Array.isArray(subject.nodes)) return subject;
  throw new ValueError(
    `toDot: expected a graph or a tensor, got ${typeof subject}; record one with trace(fn, ...inputs)`,
  );
}

function checkChoices(options: DotOptions): void {
  checkOptions(options, KNOWN_OPTIONS, "toDot");
  const choices: [keyof DotOptions, readonly string[]][] = [
    ["level", ["tensor", "neuron"]],
    ["direction", ["TB", "LR"]],
    ["composed", ["fold", "unfold"]],
    ["modules", ["frame", "fold"]],
    ["repeats", ["fold", "unfold"]],
  ];
  for (const [name, allowed] of choices) {
    const value = options[name];
    if (value !== undefined && !allowed.includes(String(value))) {
      throw new OptionError(
        `toDot: ${name} is ${allowed.map((one) => `"${one}"`).join(" or ")}, got ${JSON.stringify(value)}`,
      );
    }
  }
  const { limit = 1, values = 0 } = options;
  if (!(limit >= 1)) throw new OptionError(`toDot: limit is a number of nodes of at least 1, got ${limit}`);
  if (!(values >= 0)) throw new OptionError(`toDot: values is a number of elements of at least 0, got ${values}`);
}

function tooLarge(count: number, limit: number, { composed, repeats, modules }: DotOptions): DrawError {
  const remedies = [
    ...(composed === "unfold" ? ['composed: "fold"'] : []),
    ...(repeats === "unfold" ? ['repeats: "fold"'] : []),
    ...(modules === "fold" ? [] : ['modules: "fold"']),
    "limit: Infinity to write all of it",
  ];
  return new DrawError(`toDot: the drawing has ${count} nodes, the limit is ${limit}; pass ${remedies.join(", or ")}`);
}

/** The readings of the graph to compare with, by the nodes of the first. */
function matchReadings(graph: Graph, other: Graph, batched: boolean): ReadonlyMap<GraphNode, GateReading> {
  const same =
    graph.nodes.length === other.nodes.length && graph.nodes.every((node, i) => node.op === other.nodes[i].op);
  if (!same) {
    throw new DrawError(
      `toDot: the graph to compare has ${other.nodes.length} nodes, this one ${graph.nodes.length}, and they must be the same ops; trace the same function twice, with the same branches taken`,
    );
  }
  const readings = readGates(other, batched);
  const matched = new Map<GraphNode, GateReading>();
  graph.nodes.forEach((node, i) => {
    const reading = readings.get(other.nodes[i]);
    if (reading !== undefined) matched.set(node, reading);
  });
  return matched;
}

function* header(direction: string, options: DotOptions, legend: readonly string[]): Generator<string> {
  const label = [
    ...(options.title === undefined ? [] : [plainText(options.title, 120)]),
    ...((options.legend ?? true) ? legend : []),
  ];
  const caption = label.length === 0 ? "" : ` label=${dotStringLeft(...label)} labelloc="b" labeljust="l"`;
  const font = `fontname="Helvetica"`;
  const titled = options.title === undefined ? "" : ` class="titled"`;
  yield `  graph [rankdir=${direction} ${font} fontsize=9 fontcolor="${palette.darkGrey}" nodesep=0.22 ranksep=0.32${titled}${caption}]`;
  yield `  node [shape=box style="rounded,filled" ${font} fontsize=10 fontcolor="${palette.black}" color="${palette.grey}" fillcolor="${palette.white}" margin="0.12,0.06" height=0.2 width=0.3]`;
  yield `  edge [color="${palette.grey}" arrowsize=0.55 ${font} fontsize=6 fontcolor="${palette.grey}" labeldistance=1.25 labelangle=32]`;
}

/** Explains what the gates show; `render` paints the cells and the colour words. */
function legendLines(readings: ReadonlyMap<GraphNode, GateReading>, compares: boolean): string[] {
  const all = [...readings.values()];
  const hinges = all.filter(({ kind }) => kind === "hinge");
  const cells: string[] = [];
  if (hinges.length > 0) cells.push(`${glyphs.active} active`, `${glyphs.inactive} inactive`);
  if (hinges.some(({ batch }) => batch > 2)) cells.push(`${glyphs.shares[3]} active for a part of the inputs`);
  if (all.some(({ kind, winners }) => kind === "choice" && winners === null)) {
    cells.push(`${glyphs.first} first wins`, `${glyphs.second} second wins`);
  }
  if (compares || all.some(({ batch }) => batch === 2)) cells.push(`${glyphs.flipped} flips between the two inputs`);
  if (hinges.length === 0) return cells.length === 0 ? [] : [cells.join("   ")];
  return [
    cells.join("   "),
    "gates: blue if all units are active, orange if some, dashed grey if none",
    "dashed: cut off by inactive units",
  ];
}

interface FrameTree {
  readonly frame: Frame | null;
  readonly parts: (FrameTree | Vertex)[];
}

/** Vertices in their frames, in order of appearance. */
function frameTree(vertices: readonly Vertex[]): FrameTree {
  const root: FrameTree = { frame: null, parts: [] };
  const trees = new Map<Frame, FrameTree>();
  for (const vertex of vertices) {
    let tree = root;
    for (const frame of vertex.path) {
      let inner = trees.get(frame);
      if (inner === undefined) {
        inner = { frame, parts: [] };
        trees.set(frame, inner);
        tree.parts.push(inner);
      }
      tree = inner;
    }
    tree.parts.push(vertex);
  }
  return root;
}

const gateColours: Record<Activity, { line: string; fill: string }> = {
  active: { line: palette.blue, fill: palette.paleBlue },
  mixed: { line: palette.orange, fill: palette.paleOrange },
  inactive: { line: palette.grey, fill: palette.paleGrey },
};

/** Writes the parts of one drawing. */
class Writer {
  private frameCount = 0;

  constructor(
    private readonly options: DotOptions,
    private readonly readings: ReadonlyMap<GraphNode, GateReading>,
    private readonly compared: ReadonlyMap<GraphNode, GateReading> | null,
    private readonly silence: Silence | null,
  ) {}

  *frames(tree: FrameTree, depth: number): Generator<string> {
    const indent = "  ".repeat(depth);
    for (const part of tree.parts) {
      if (!("parts" in part)) {
        yield `${indent}${this.node(part)}`;
        continue;
      }
      const { frame } = part;
      if (frame === null) continue;
      const repeat = frame.kind === "repeat";
      yield `${indent}subgraph cluster_${this.frameCount++} {`;
      yield `${indent}  graph [label=${dotString(plainText(frame.label))} class="${repeat ? "repeat" : "module"}" labelloc="t" labeljust="l" style="rounded${repeat ? ",bold" : ""}" color="${repeat ? palette.purple : palette.lightGrey}" fontcolor="${repeat ? palette.purple : palette.darkGrey}" fontsize=${repeat ? 11 : 9} margin=7]`;
      yield* this.frames(part, depth + 1);
      yield `${indent}}`;
    }
  }

  private node(vertex: Vertex): string {
    const lines = vertexLines(vertex, this.options.values ?? 4);
    const silent =
      this.silence !== null && [vertex, ...vertex.copies].every((copy) => this.silence?.isSilent(copy.result));
    const gate = this.gateOf(vertex);
    const attributes = [`id="n${vertex.id}"`];
    if (gate === null) attributes.push(...leafStyle(vertex, silent));
    else {
      lines.push(...gate.lines);
      const { line, fill } = gateColours[gate.activity];
      const dashed = silent || gate.activity === "inactive" ? ",dashed" : "";
      attributes.push(
        `class="op gate" style="rounded,filled${dashed}" color="${line}" fillcolor="${fill}" penwidth=1.6`,
      );
      if (silent) attributes.push(`fontcolor="${palette.grey}"`);
    }
    return `n${vertex.id} [label=${dotString(...lines)} ${attributes.join(" ")}]`;
  }

  /** The strip of a gate, and of each of its copies. A folded call shows its one gate, if all else in it is affine. */
  private gateOf(vertex: Vertex): { lines: string[]; activity: Activity } | null {
    const labels = [vertex, ...vertex.copies].flatMap((copy) => {
      const node = gateIn(copy);
      const reading = node === null ? undefined : this.readings.get(node);
      if (node === null || reading === undefined) return [];
      return [gateLabel(reading, this.compared?.get(node) ?? null)];
    });
    if (labels.length === 0) return null;
    const { activity } = labels[0];
    return {
      lines: labels.flatMap(({ lines }) => lines),
      activity: labels.every((label) => label.activity === activity) ? activity : "mixed",
    };
  }

  *edges(vertex: Vertex): Generator<string> {
    for (const [i, { from, edges }] of vertex.operands.entries()) {
      const silent = this.silence !== null && edges.every(({ node, index }) => this.silence?.isSilentEdge(node, index));
      const leaf = from.role === "parameter" || from.role === "constant";
      const attributes = [
        ...(silent ? [`style="dashed" color="${palette.lightGrey}"`] : []),
        // the way of the data is drawn straight, parameters stand beside it
        ...(leaf ? [] : ["weight=4"]),
        ...(vertex.operands.length > 1 ? [`headlabel="${i + 1}"`] : []),
      ];
      yield `  n${from.id} -> n${vertex.id}${attributes.length === 0 ? "" : ` [${attributes.join(" ")}]`}`;
    }
  }

  *outputs({ outputs }: Drawing): Generator<string> {
    for (const [i, vertex] of outputs.entries()) {
      const label = outputs.length === 1 ? "output" : `output ${i}`;
      yield `  out${i} [label="${label}" id="out${i}" class="output" shape=box style="rounded,filled" color="${palette.green}" fillcolor="${palette.paleGreen}"]`;
      yield `  n${vertex.id} -> out${i}`;
    }
  }
}

function gateIn(vertex: Vertex): GraphNode | null {
  const gates = vertex.members.filter((node) => node.op?.kind === "gate");
  const linear = vertex.members.every(({ op }) => op === null || ["affine", "bilinear", "gate"].includes(op.kind));
  return gates.length === 1 && linear ? gates[0] : null;
}

function leafStyle(vertex: Vertex, silent: boolean): string[] {
  const faded = silent ? `fontcolor="${palette.grey}"` : "";
  const dashed = silent ? ",dashed" : "";
  const style = (kind: string, color: string, fill: string): string[] =>
    [
      `class="${kind}" style="rounded,filled${dashed}" color="${silent ? palette.lightGrey : color}" fillcolor="${silent ? palette.white : fill}"`,
      faded,
    ].filter((text) => text !== "");
  if (isOperation(vertex))
    return silent || vertex.members.length > 1 ? style("op", palette.grey, palette.white) : [`class="op"`];
  if (vertex.role === "input") return style("input", palette.blue, palette.paleBlue);
  if (vertex.role === "parameter") return style("parameter", palette.lightGrey, palette.paleGrey);
  return style("constant", palette.white, palette.white);
}
