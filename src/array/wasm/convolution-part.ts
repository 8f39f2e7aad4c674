/** The convolution's kernels as parts of a job for threads: each part's arguments stand in a table in the shared memory. */
import { type Local, ModuleBuilder } from "./assembler.js";
import { addConvolution, convolutionArguments, type convolutionParameters } from "./convolution-module.js";
import { i32, v128 } from "./instructions.js";
import { mostPages } from "./threads-product.js";
import { type FloatType, vectorOf } from "./vectors.js";

/** What the parts of a job compute, in the order of the kernel's `operation`. */
export const operations = ["forward", "imageGradient", "kernelGradient"] as const;

/**
 * A part's arguments: those of the kernels, of which `padded` (-1 where there is no padding), `patches` and `work` count
 * from the thread's working memory; then how many images it takes, and bytes from one to the next, and of their outputs.
 */
export const partArguments = [...convolutionArguments, "images", "imageStep", "outputStep"] as const;

export const partBytes = 4 * partArguments.length;

/** Arguments of the job: all but the part's index and the working memory. */
export const partArity = 2;

const partParameters = { part: "i32", operation: "i32", table: "i32", work: "i32" } as const;

type Names = (typeof partArguments)[number];

/** The binary module, exporting `part`. */
export function partConvolutionModule(dtype: FloatType, relaxed: boolean): Uint8Array {
  const module = new ModuleBuilder(mostPages);
  const vector = vectorOf(dtype);
  const kernels = addConvolution(module, vector, relaxed);
  module.function("part", partParameters, (f, p) => {
    const entry = f.keep(i32.add(p.table, i32.mul(p.part, partBytes)));
    const at = Object.fromEntries(
      partArguments.map((name, index) => [name, f.keep(i32.load(entry, 4 * index))]),
    ) as unknown as Readonly<Record<Names, Local<"i32">>>;
    const isPadded = f.keep(i32.geS(at.padded, 0));
    for (const name of ["padded", "patches", "work"] as const) f.increment(at[name], p.work);
    const paddedEnd = i32.mul(at.channels, i32.mul(at.paddedHeight, at.paddedWidth));
    const cleared = f.local("i32");
    const values = Object.keys(kernels.forward.parameters) as (keyof typeof convolutionParameters)[];
    f.while(i32.gtS(at.images, 0), () => {
      f.if(
        isPadded,
        // Whole vectors: what lies behind the padded image holds nothing yet.
        () =>
          f.loop(cleared, at.padded, i32.add(at.padded, i32.shl(paddedEnd, vector.shift)), 16, () =>
            f.add(v128.store(cleared, vector.constant(0))),
          ),
        () => f.set(at.padded, at.image),
      );
      operations.forEach((name, index) => {
        f.if(i32.eq(p.operation, index), () => f.call(kernels[name], ...values.map((value) => at[value])));
      });
      f.increment(at.image, at.imageStep);
      f.increment(at.output, at.outputStep);
      f.increment(at.images, -1);
    });
  });
  return module.bytes();
}
