import type { ContestantName } from "./child.js";
import type { Agreement } from "./measure.js";
import type { Workload } from "./workloads.js";

/** A ratio to reach, peer's time divided by ours: on Node 20, and from Node 24 on. */
type Aim = readonly [node20: number, node24: number];

/** One of ours at one workload, and whom it is compared with. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** Rows of the same work are measured together. */
  readonly work: string;
  readonly ours: ContestantName;
  readonly peers: Readonly<Partial<Record<ContestantName, Aim | null>>>;
}

interface Work {
  readonly workload: Workload;
  readonly agreement: Agreement;
}

const float32: Agreement = { steps: 20, tolerance: 1e-4 };

export const works: Readonly<Record<string, Work>> = {
  "mlp-2-16-16-1": {
    workload: { kind: "mlp", widths: [2, 16, 16, 1], batch: 100, loss: "mse", learningRate: 0.01 },
    agreement: { steps: 100, tolerance: 1e-4 },
  },
  "mlp-784-128-64-10": {
    workload: { kind: "mlp", widths: [784, 128, 64, 10], batch: 64, loss: "crossEntropy", learningRate: 0.01 },
    agreement: float32,
  },
  "mlp-784-512-512-10": {
    workload: { kind: "mlp", widths: [784, 512, 512, 10], batch: 256, loss: "crossEntropy", learningRate: 0.01 },
    agreement: { steps: 5, tolerance: 1e-4 },
  },
  convolution: {
    workload: { kind: "convolution", batch: 64, channels: [8, 16], kernel: 5, classes: 10, learningRate: 0.01 },
    agreement: { steps: 3, tolerance: 1e-4 },
  },
  "matmul-256": { workload: { kind: "matmul", size: 256 }, agreement: { steps: 1, tolerance: 1e-5 } },
  "matmul-512": { workload: { kind: "matmul", size: 512 }, agreement: { steps: 1, tolerance: 1e-5 } },
  "matmul-1024": { workload: { kind: "matmul", size: 1024 }, agreement: { steps: 1, tolerance: 1e-5 } },
  scalars: {
    workload: { kind: "scalars", widths: [2, 16, 16, 1], points: 100, learningRate: 0.1 },
    // float64, and sums in one order: differences are of rounding in the penalty's sum only.
    agreement: { steps: 2, tolerance: 1e-9 },
  },
  chain: { workload: { kind: "chain", size: 1_000_000 }, agreement: { steps: 1, tolerance: 1e-5 } },
};

/** Sizes where one thread of each library multiplies two square matrices. */
const products: readonly Row[] = [256, 512, 1024].map((size) => ({
  id: `matmul-${size}`,
  title: `matrix product ${size} x ${size}`,
  work: `matmul-${size}`,
  ours: "crease",
  peers: { "jax-js jit": [1.2, 2], "tfjs-wasm": [1.2, 2], "PyTorch 1 thread": null },
}));

export const rows: readonly Row[] = [
  {
    id: "mlp-small",
    title: "MLP step [2, 16, 16, 1], batch 100",
    work: "mlp-2-16-16-1",
    ours: "crease",
    peers: { "jax-js jit": [20, 25], "tfjs-wasm": [25, 30], "PyTorch 1 thread": [6, 8] },
  },
  {
    id: "mlp-small-compiled",
    title: "MLP step [2, 16, 16, 1], batch 100",
    work: "mlp-2-16-16-1",
    ours: "crease compiled",
    peers: { "jax-js jit": [60, 120], "tfjs-wasm": null, "PyTorch 1 thread": [20, 40] },
  },
  {
    id: "mlp-medium",
    title: "MLP step [784, 128, 64, 10], batch 64",
    work: "mlp-784-128-64-10",
    ours: "crease",
    peers: { "jax-js jit": null, "tfjs-wasm": null, "PyTorch 1 thread": null },
  },
  {
    id: "mlp-medium-compiled",
    title: "MLP step [784, 128, 64, 10], batch 64",
    work: "mlp-784-128-64-10",
    ours: "crease compiled",
    peers: { "jax-js jit": [3.5, 6], "tfjs-wasm": [8, 13], "PyTorch 1 thread": [0.6, 1] },
  },
  {
    id: "mlp-large",
    title: "MLP step [784, 512, 512, 10], batch 256",
    work: "mlp-784-512-512-10",
    ours: "crease",
    peers: { "jax-js jit": null, "tfjs-wasm": null, "PyTorch 1 thread": null },
  },
  {
    id: "mlp-large-threads",
    title: "MLP step [784, 512, 512, 10], batch 256",
    work: "mlp-784-512-512-10",
    ours: "crease compiled, 2 threads",
    peers: { "jax-js jit": [2.5, 4], "tfjs-wasm": null, "PyTorch 1 thread": [0.7, 1.2] },
  },
  {
    id: "convolution",
    title: "convolution step, 28 x 28, batch 64",
    work: "convolution",
    ours: "crease",
    peers: { "jax-js jit": null, "tfjs-wasm": null, "PyTorch 1 thread": null },
  },
  {
    id: "convolution-compiled",
    title: "convolution step, 28 x 28, batch 64",
    work: "convolution",
    ours: "crease compiled",
    peers: { "jax-js jit": [3, 5], "tfjs-wasm": [3, 5], "PyTorch 1 thread": null },
  },
  ...products,
  {
    id: "scalars",
    title: "65,000 scalar nodes, rebuilt each step",
    work: "scalars",
    ours: "crease",
    peers: { "micrograd in Python": [80, 80], "micrograd in JavaScript": [3, 3] },
  },
  {
    id: "scalars-compiled",
    title: "65,000 scalar nodes",
    work: "scalars",
    ours: "crease compiled",
    peers: { "micrograd in Python": [500, 500], "micrograd in JavaScript": null },
  },
  {
    id: "chain",
    title: "8 elementwise ops on 1,000,000 numbers",
    work: "chain",
    ours: "crease",
    peers: { "jax-js jit": null, "tfjs-wasm": null, "PyTorch 1 thread": null },
  },
  {
    id: "chain-compiled",
    title: "8 elementwise ops on 1,000,000 numbers",
    work: "chain",
    ours: "crease compiled",
    peers: { "jax-js jit": [1.2, 1.5], "tfjs-wasm": [10, 15], "PyTorch 1 thread": null },
  },
];
