/** Small data sets, and their division into parts and batches. */
export {
  type BatchOptions,
  batches,
  type Dataset,
  type RandomSource,
  type SampleOptions,
  type SplitOptions,
  split,
} from "./dataset.js";
export {
  type BlobOptions,
  blobs,
  type CircleOptions,
  circles,
  moons,
  type SpiralOptions,
  spirals,
  xor,
} from "./planar.js";
