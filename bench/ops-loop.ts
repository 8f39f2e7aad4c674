/** The process that ops.ts starts: prints what one eager op costs, over a list of ops and shapes. */
import { broadcastTo, matmul, randn, type Tensor, tensor, zeros } from "../src/index.js";
import { gradientDescent } from "../src/nn/optim/updates.js";
import { quantile } from "./statistics.js";

const hidden = randn([100, 16]);
const other = randn([100, 16]);
const inputs = randn([100, 2]);
const column = randn([100, 1]);
const kernel = randn([16, 16]);
const first = randn([16, 2]);
const last = randn([1, 16]);
const bias = randn([16]);
const vector = randn([16]);
const scalar = tensor(0.01);
const parameter = randn([16], { requiresGrad: true });
const left = { transposeA: true };
const right = { transposeB: true };

/** What a step of the MLP [2, 16, 16, 1] at batch 100 consists of, and the smallest ops there are. */
const ops: Readonly<Record<string, () => unknown>> = {
  "[] + []": () => scalar.add(scalar),
  "[16] + [16]": () => bias.add(vector),
  "[16] + [16], recorded": () => parameter.add(vector),
  "zeros [100, 16]": () => zeros([100, 16]),
  "relu [100, 16]": () => hidden.relu(),
  "[100, 16] * [100, 16]": () => hidden.mul(other),
  "[100, 16] + [16]": () => hidden.add(bias),
  "[100, 1] - [100, 1]": () => column.sub(column),
  "broadcast [] to [100, 1]": () => broadcastTo(scalar, [100, 1]),
  "mean [100, 1]": () => column.mean(),
  "sum [100, 16] over rows": () => hidden.sum(0),
  "[100, 2] · [16, 2]ᵀ": () => matmul(inputs, first, right),
  "[100, 16] · [16, 16]ᵀ": () => matmul(hidden, kernel, right),
  "[100, 16] · [1, 16]ᵀ": () => matmul(hidden, last, right),
  "[100, 16] · [16, 16]": () => matmul(hidden, kernel),
  "[100, 1] · [1, 16]": () => matmul(column, last),
  "[100, 16]ᵀ · [100, 16]": () => matmul(hidden, other, left),
  "[100, 16]ᵀ · [100, 2]": () => matmul(hidden, inputs, left),
  "[100, 1]ᵀ · [100, 16]": () => matmul(column, hidden, left),
  "update [16, 16]": () => gradientDescent(kernel, kernel, scalar, { weightDecay: 0 }),
  "update [16]": () => gradientDescent(bias, vector, scalar, { weightDecay: 0 }),
  "assign [16, 16]": (): Tensor => kernel.assign_(kernel),
};

const ROUNDS = 9;
const COUNT = 3000;

// All in turns first, so that shared call sites see what they see in real programs.
for (let round = 0; round < COUNT; round++) for (const op of Object.values(ops)) op();
for (const [name, op] of Object.entries(ops)) {
  const nanoseconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < COUNT; i++) op();
    const { user, system } = process.cpuUsage(start);
    nanoseconds.push((1000 * (user + system)) / COUNT);
  }
  console.log(`${name.padEnd(26)} ${quantile(nanoseconds, 0.5).toFixed(0).padStart(6)} ns`);
}
