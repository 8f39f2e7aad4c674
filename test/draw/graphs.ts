/** Graphs that the drawing tests share. */
import { type Graph, manualSeed, nn, randn, softmax, type Tensor, tensor, trace } from "../../src/index.js";

/** A ReLU net of the given widths, traced at one input or a batch of them. */
export function mlpGraph(
  widths: readonly number[],
  input: Tensor = tensor([widths.map(() => 0.5).slice(0, widths[0])]),
): Graph {
  manualSeed(7);
  const net = nn.mlp(widths, { activation: "relu" });
  return trace((x) => net.forward(x), input);
}

/** x + b(relu(a(x))) with the second branch's gate silent. */
export class SilentBranch extends nn.Module {
  readonly a = new nn.Linear(4, 4);
  readonly b = new nn.Linear(4, 4);

  constructor() {
    super();
    this.b.bias?.assign_(tensor([-99, -99, -99, -99]));
  }

  forward(x: Tensor): Tensor {
    return x.add(this.b.forward(this.a.forward(x).relu()).relu());
  }
}

/** Two convolutions, max-pooling and a softmax on an 8 × 8 image. */
export function convGraph(): Graph {
  manualSeed(3);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(4, 8, 3),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(32, 10),
  );
  return trace((x) => softmax(net.forward(x)), randn([1, 1, 8, 8]));
}

/** Lines of DOT text that declare nodes, and lines that declare edges. */
export function partsOf(dot: string): { nodes: string[]; edges: string[] } {
  const lines = dot.split("\n").map((line) => line.trim());
  return {
    nodes: lines.filter((line) => /^(n|out)\d+ \[/.test(line)),
    edges: lines.filter((line) => /^(n|out|u)\d+ -> /.test(line)),
  };
}

/** The label of a node as its lines. */
export function labelOf(line: string): string[] {
  return (/label="((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? "").split("\\n");
}
