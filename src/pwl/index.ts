/** Reading networks: the canonical form, the affine map at a point, the one map of a net without gates, patterns, bounds. */
export {
  type ActivationPatterns,
  activationPatterns,
} from "./activation-patterns.js";
export { bounds, type NetBounds } from "./bounds.js";
export { type Collapsed, type CollapseOptions, collapse } from "./collapse.js";
export { type Evaluation, evaluate as evaluateNet } from "./evaluate.js";
export { type Linearization, type Linearizations, linearize, linearizeAll } from "./linearize.js";
export { type GateLayer, gateCount, type PwlNet, reluNet } from "./net.js";
export { type InputSpec, lower, type Readable } from "./read.js";
export { countsOf, formatNet, type PwlCounts } from "./text.js";
