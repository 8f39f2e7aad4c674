import { align } from "../array/wasm/scratch.js";
import type { Site } from "../array/wasm/threads.js";
import {
  endOf,
  multiplyShared,
  newSharedMemory,
  productSite,
  workAreas,
  worthThreads,
} from "../array/wasm/threads-product.js";
import type { FloatType } from "../array/wasm/vectors.js";
import { isDirect, packedArguments, WORKSPACE } from "./emit.js";
import type { Value } from "./program.js";
import { type ProductUnit, productSizes, type ScheduledUnit } from "./units.js";

/** The products of a program that are large enough for threads to help, if there are any threads. */
export function productsForThreads(units: readonly ScheduledUnit[]): ReadonlySet<ScheduledUnit> {
  return new Set(
    units.filter((unit) => {
      if (unit.kind !== "product" || isDirect(unit)) return false;
      const { m, n, k } = productSizes(unit.step);
      return worthThreads(m, n, k);
    }),
  );
}

/** The memory of a program with such products, shared with the threads, whose working memory lies behind its own. */
export class SharedProducts {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly #sites = new Map<FloatType, Site>();
  readonly #first: number;

  constructor(products: ReadonlySet<ScheduledUnit>, bytes: number) {
    this.#first = align(bytes);
    const types = [...new Set([...products].map((unit) => productSizes((unit as ProductUnit).step).dtype))];
    const ends = types.map((dtype) => endOf(workAreas(dtype, this.#first)));
    const memory = newSharedMemory(Math.max(...ends));
    this.memory = memory;
    for (const dtype of types) this.#sites.set(dtype, productSite(dtype, memory));
  }

  /** The host's code for one of the products. */
  callOf(unit: ProductUnit, addressOf: (value: Value) => number): () => void {
    const { dtype } = productSizes(unit.step);
    const site = this.#sites.get(dtype) as Site;
    const values = packedArguments(unit, addressOf);
    const areas = workAreas(dtype, this.#first);
    return () => multiplyShared(site, values, WORKSPACE, areas);
  }
}
