import { DrawError } from "../base/errors.js";
import { copyOf } from "../graph/new-tensor.js";
import type { Graph } from "../graph/trace.js";
import { row } from "../pwl/blocks.js";
import { evaluate, hingeSlope } from "../pwl/evaluate.js";
import { lowerGraph } from "../pwl/lower.js";
import { type Affine, gateCount, type PwlNet } from "../pwl/net.js";
import { dotString, plainText } from "./escape.js";
import { formatNumber } from "./labels.js";
import { palette } from "./palette.js";

/**
 * The neuron-level drawing: one node per input number, unit and output number, the weights on the edges between them.
 * It is read from the PwlNet, so residual, dense and weight-shared nets work as well as plain ones.
 */

/** Layout of all pairs of wide layers takes long and shows a carpet. */
const DEFAULT_LIMIT = 200;
const EDGES_PER_NODE = 40;

/** One column: the input, a layer of gates, or the output. */
interface Column {
  readonly title: string;
  /** What each node reads; null for the input. */
  readonly affine: Affine | null;
  readonly values: Float64Array;
  /** Whether a small change of what it reads changes it; always, for inputs and outputs. */
  readonly passes: readonly boolean[];
  readonly isGate: boolean;
  /** Argument rows of node i: one, or those that compete in a maximum. */
  readonly rowsOf: (i: number) => readonly number[];
}

/**
 * @throws DrawError where the graph was traced on a batch, or has more units than the limit; PiecewiseLinearError where
 *   it is not piecewise linear.
 */
export function* neuronLines(
  graph: Graph,
  direction: "TB" | "LR",
  title: string | null,
  legend: boolean,
  limit = DEFAULT_LIMIT,
): Generator<string> {
  const batched = graph.inputs.find(({ shape }) => shape.length >= 2 && shape[0] > 1);
  if (batched !== undefined) {
    throw new DrawError(
      `toDot: a neuron drawing shows one input, ${batched.name || "the input"} was traced with shape [${batched.shape.join(", ")}]; trace one row, of shape [1, ${batched.shape.slice(1).join(", ")}]`,
    );
  }
  const { net } = lowerGraph(graph);
  const count = net.inputSize + net.layers.reduce((sum, layer) => sum + gateCount(layer), 0) + net.output.size;
  if (count > limit) {
    throw new DrawError(
      `toDot: the neuron drawing has ${count} nodes, the limit is ${limit}; draw level: "tensor", a narrower net, or pass limit: Infinity`,
    );
  }
  const columns = columnsOf(net, Float64Array.from(graph.inputs.flatMap(({ value }) => Array.from(copyOf(value)))));
  const edges = edgesOf(columns);
  if (edges.length > EDGES_PER_NODE * limit) {
    throw new DrawError(
      `toDot: the neuron drawing has ${edges.length} edges, the limit is ${EDGES_PER_NODE * limit} (${EDGES_PER_NODE} for each node of limit: ${limit}); draw level: "tensor", or pass limit: Infinity`,
    );
  }
  yield "digraph {";
  yield* header(direction, title, legend);
  for (const [c, column] of columns.entries()) yield* columnLines(column, c, columns.length, direction);
  yield* edgeLines(edges, columns);
  yield "}";
}

function columnsOf(net: PwlNet, x: Float64Array): Column[] {
  const { sources, states, output } = evaluate(net, x);
  const always = (size: number): boolean[] => new Array(size).fill(true);
  const columns: Column[] = [
    {
      title: net.inputs.map(({ name }) => name || "input").join(", "),
      affine: null,
      values: sources[0],
      passes: always(net.inputSize),
      isGate: false,
      rowsOf: () => [],
    },
  ];
  net.layers.forEach((layer, l) => {
    const hinge = layer.kind === "hinge";
    const passes = Array.from(states[l], (state, i) => !hinge || hingeSlope(layer, i, state) !== 0);
    const active = hinge ? states[l].reduce((sum, state) => sum + state, 0) : 0;
    columns.push({
      title: `${layer.name}\n${hinge ? `${active} of ${states[l].length} active` : "winners"}`,
      affine: layer.argument,
      values: sources[l + 1],
      passes,
      isGate: true,
      // a maximum hangs on its winner alone
      rowsOf: hinge ? (i) => [i] : (i) => [layer.starts[i] + states[l][i]],
    });
  });
  columns.push({
    title: "output",
    affine: net.output,
    values: output,
    passes: always(net.output.size),
    isGate: false,
    rowsOf: (i) => [i],
  });
  return columns;
}

interface Edge {
  readonly from: readonly [column: number, node: number];
  readonly to: readonly [column: number, node: number];
  readonly weight: number;
}

function edgesOf(columns: readonly Column[]): Edge[] {
  return columns.flatMap(({ affine, values, rowsOf }, c) => {
    if (affine === null) return [];
    return Array.from(values, (_, i) =>
      rowsOf(i).flatMap((r) =>
        affine.terms.flatMap(({ source, block }) => {
          const { indices, values: weights } = row(block, r);
          return Array.from(indices, (j, k): Edge => ({ from: [source, j], to: [c, i], weight: weights[k] })).filter(
            ({ weight }) => weight !== 0,
          );
        }),
      ),
    ).flat();
  });
}

function* header(direction: "TB" | "LR", title: string | null, legend: boolean): Generator<string> {
  const lines = [
    ...(title === null ? [] : [plainText(title, 120)]),
    ...(legend
      ? [
          "edges: blue positive weight, vermilion negative weight, as thick as it is large",
          "units: blue if active, dashed if silent; grey edges change no output here",
        ]
      : []),
  ];
  const titled = title === null ? "" : ` class="titled"`;
  const caption = lines.length === 0 ? "" : ` label=${dotString(...lines)} labelloc="b"`;
  const font = `fontname="Helvetica"`;
  yield `  graph [rankdir=${direction} ${font} fontsize=9 fontcolor="${palette.darkGrey}" nodesep=0.07 ranksep=1.1 splines=line outputorder=edgesfirst mclimit=0.1 nslimit=2${titled}${caption}]`;
  yield `  node [shape=circle fixedsize=true width=0.4 style="filled" ${font} fontsize=7 fontcolor="${palette.black}" color="${palette.blue}" fillcolor="${palette.paleBlue}"]`;
  yield `  edge [arrowhead=none]`;
}

/** The nodes of a column, kept in order by invisible edges. */
function* columnLines(
  { title, values, passes, isGate }: Column,
  c: number,
  count: number,
  direction: "TB" | "LR",
): Generator<string> {
  yield `  subgraph cluster_${c} {`;
  yield `    graph [label=${dotString(...title.split("\n").map((line) => plainText(line)))} class="layer" peripheries=0 labelloc="t" fontsize=9 fontcolor="${palette.darkGrey}" margin=4]`;
  yield "    { rank=same";
  for (const [i, value] of values.entries()) {
    const silent = isGate && !passes[i];
    const style = silent
      ? ` style="filled,dashed" color="${palette.grey}" fillcolor="${palette.white}" fontcolor="${palette.grey}"`
      : c === count - 1
        ? ` color="${palette.green}" fillcolor="${palette.paleGreen}"`
        : c === 0
          ? ` color="${palette.darkGrey}" fillcolor="${palette.paleGrey}"`
          : "";
    yield `      u${c}_${i} [label=${dotString(formatShort(value))} id="u${c}_${i}" class="unit"${style}]`;
  }
  if (values.length > 1) {
    const chain = Array.from(values, (_, i) => `u${c}_${i}`);
    // left to right is laid out as top to bottom, and then turned: the first of a rank comes to stand lowest
    yield `      ${(direction === "LR" ? chain.reverse() : chain).join(" -> ")} [style=invis]`;
  }
  yield "    }";
  yield "  }";
}

/** Three digits at most, so that it fits into the circle. */
function formatShort(value: number): string {
  return Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.005)
    ? value.toExponential(0)
    : formatNumber(Number(value.toPrecision(2)));
}

/** Silent edges first, so that the others lie on top. */
function* edgeLines(edges: readonly Edge[], columns: readonly Column[]): Generator<string> {
  const live = liveness(edges, columns);
  const largest = columns.map(() => 0);
  for (const { to, weight } of edges) largest[to[0]] = Math.max(largest[to[0]], Math.abs(weight));
  const text = ({ from, to, weight }: Edge, alive: boolean): string => {
    const share = Math.abs(weight) / largest[to[0]];
    const look = alive
      ? `color="${weight > 0 ? palette.blue : palette.vermilion}" penwidth=${(0.25 + 2.25 * share).toFixed(2)}`
      : `color="${palette.lightGrey}" penwidth=0.35`;
    return `  u${from.join("_")} -> u${to.join("_")} [${look}]`;
  };
  for (const edge of edges) if (!live(edge)) yield text(edge, false);
  for (const edge of edges) if (live(edge)) yield text(edge, true);
}

/** Whether a change of the input goes along an edge and on to an output. Edges lead from earlier columns to later ones. */
function liveness(edges: readonly Edge[], columns: readonly Column[]): (edge: Edge) => boolean {
  const carries = columns.map(({ values }, c) => new Array<boolean>(values.length).fill(c === 0));
  const reaches = columns.map(({ values }, c) => new Array<boolean>(values.length).fill(c === columns.length - 1));
  const passes = ([c, i]: readonly [number, number]): boolean => columns[c].passes[i];
  for (const { from, to } of edges) {
    if (carries[from[0]][from[1]] && passes(to)) carries[to[0]][to[1]] = true;
  }
  for (const { from, to } of edges.toReversed()) {
    if (reaches[to[0]][to[1]] && passes(to)) reaches[from[0]][from[1]] = true;
  }
  return ({ from, to }) => carries[from[0]][from[1]] && passes(to) && reaches[to[0]][to[1]];
}
