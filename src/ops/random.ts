import { checkDtype, type DType } from "../array/dtype.js";
import { checkShape, type Shape } from "../array/shape.js";
import { DtypeError } from "../base/errors.js";
import { defaultGenerator, type Generator } from "../base/random.js";
import { defineOp, type OpFunction } from "../graph/op.js";
import type { Tensor } from "../graph/tensor.js";
import { finish, type TensorOptions } from "./create.js";

/** Random numbers are an op without inputs, so that whatever replays a recorded computation draws anew, as eager does. */

export interface RandomOptions extends TensorOptions {
  /** Where the numbers come from; default: the stream that `manualSeed` restarts. */
  generator?: Generator;
}

type Distribution = "uniform" | "normal" | "mask";

interface Drawing {
  readonly distribution: Distribution;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly generator: Generator;
  /** For masks: the probability of a zero. */
  readonly p: number;
}

const drawn: OpFunction<readonly [], Drawing> = defineOp<readonly [], Drawing>({
  name: "random",
  doc: "numbers drawn from a generator: uniform in [0, 1), standard normal, or a mask of 0 and 1 / (1 − p)",
  kind: "random",
  shape: (_, { shape }) => shape,
  dtype: (_, { dtype }) => dtype,
  forward: ({ buffer, offset, size, dtype }, _, { distribution, generator, p }) => {
    // Rounding a uniform number to float32 could give 1: round down to a multiple of 2^-24 first.
    const step = dtype === "float32" ? 16777216 : 0;
    const kept = p === 1 ? 0 : 1 / (1 - p);
    for (let i = offset; i < offset + size; i++) {
      if (distribution === "normal") buffer[i] = generator.normal();
      else {
        const u = generator.uniform();
        if (distribution === "mask") buffer[i] = u < p ? 0 : kept;
        else buffer[i] = step === 0 ? u : Math.floor(u * step) / step;
      }
    }
  },
  vjp: [],
  samples: [],
});

function draw(distribution: Distribution, shape: Shape, options: RandomOptions, where: string): Tensor {
  const { dtype = "float32", generator = defaultGenerator } = options;
  if (dtype === "int32") {
    throw new DtypeError(`${where}: random numbers are float32 or float64, got int32; scale, floor and convert them`);
  }
  const values = drawn({
    distribution,
    shape: Object.freeze([...checkShape(shape, where)]),
    dtype: checkDtype(dtype, where),
    generator,
    p: 0,
  });
  return finish(values, options, where, ["generator"]);
}

/** Uniform random numbers in [0, 1). */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return draw("uniform", shape, options, "rand");
}

/** Standard normal random numbers. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return draw("normal", shape, options, "randn");
}

/** What dropout multiplies by: 0 with probability p, else 1 / (1 − p). */
export function dropoutMask(shape: Shape, dtype: DType, p: number, generator: Generator): Tensor {
  return drawn({ distribution: "mask", shape, dtype, generator, p });
}
