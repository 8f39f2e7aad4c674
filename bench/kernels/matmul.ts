/**
 * Square float32 matrix products on one thread: Crease's kernel, TensorFlow.js (wasm backend) and jax-js (wasm device),
 * in turns within one process, so that what disturbs the machine disturbs all of them.
 *
 *   npm ci --prefix bench && npx tsx bench/kernels/matmul.ts [--quick]
 *
 * Ours includes copying the operands into WASM memory and the result out of it, on ordinary arrays; the peers' operands
 * are in their memory already, and their results stay there (they are read once, untimed, to check them).
 */
import { simdLevel } from "../../src/array/wasm/features.js";
import { matmulWasm } from "../../src/array/wasm/gemm.js";
import { start as startJax } from "../peers/jax.js";
import { start as startTensorFlow } from "../peers/tensorflow.js";
import { quantile } from "../statistics.js";

interface Contestant {
  readonly name: string;
  /** Multiplies once; resolves when the result is there. */
  run(): unknown;
  result(): Promise<ArrayLike<number>>;
}

function randomMatrix(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size * size }, () => 2 * Math.random() - 1);
}

function crease(a: Float32Array, b: Float32Array, size: number): Contestant {
  const out = new Float32Array(size * size);
  return {
    name: "crease",
    run: () => {
      matmulWasm({ buffer: out }, 0, { buffer: a }, 0, { buffer: b }, 0, size, size, size, false, false);
    },
    result: async () => out,
  };
}

async function tensorflow(a: Float32Array, b: Float32Array, size: number): Promise<Contestant> {
  const tf = await startTensorFlow();
  const x = tf.tensor2d(a, [size, size]);
  const y = tf.tensor2d(b, [size, size]);
  return {
    name: "tfjs-wasm",
    run: () => {
      tf.matMul(x, y).dispose();
    },
    result: async () => {
      const product = tf.matMul(x, y);
      const data = await product.data();
      product.dispose();
      return data;
    },
  };
}

async function jaxjs(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>, size: number): Promise<Contestant> {
  const jax = await startJax();
  const x = jax.numpy.array(a).reshape([size, size]);
  const y = jax.numpy.array(b).reshape([size, size]);
  const multiply = jax.jit((p: typeof x, q: typeof x) => jax.numpy.matmul(p, q));
  return {
    name: "jax-js",
    run: async () => {
      const product = multiply(x.ref, y.ref);
      await product.blockUntilReady();
      product.dispose();
    },
    result: async () => multiply(x.ref, y.ref).dataSync() as Float32Array,
  };
}

async function measure(size: number, seconds: number): Promise<void> {
  const a = randomMatrix(size);
  const b = randomMatrix(size);
  const contestants = [crease(a, b, size), await tensorflow(a, b, size), await jaxjs(a, b, size)];
  const times = contestants.map(() => [] as number[]);
  for (const contestant of contestants) for (let i = 0; i < 3; i++) await contestant.run();
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; performance.now() < end || round < 5; round++) {
    for (const [index, contestant] of contestants.entries()) {
      const start = performance.now();
      await contestant.run();
      times[index]!.push(performance.now() - start);
    }
  }
  const reference = await contestants[0]!.result();
  for (const contestant of contestants) {
    const result = await contestant.result();
    for (let i = 0; i < reference.length; i++) {
      const difference = Math.abs(result[i]! - reference[i]!);
      if (!(difference <= 1e-4 * Math.sqrt(size))) {
        throw new Error(`${contestant.name} differs at element ${i}: ${result[i]} instead of ${reference[i]}`);
      }
    }
  }
  const ours = quantile(times[0]!, 0.5);
  const columns = contestants.map((contestant, index) => {
    const middle = quantile(times[index]!, 0.5);
    const rate = `${((2 * size ** 3) / middle / 1e6).toFixed(1)} GFLOP/s`;
    return `${contestant.name} ${middle.toFixed(2)} ms, ${rate}${index === 0 ? "" : `, ratio ${(middle / ours).toFixed(2)}`}`;
  });
  console.log(`${size}: ${columns.join(" | ")}`);
}

const quick = process.argv.includes("--quick");
console.log(`matmul float32, Node ${process.version}, SIMD: ${simdLevel()}; medians of interleaved runs`);
for (const size of [64, 128, 256, 512, 1024]) await measure(size, quick ? 1 : 4);
