/** Reading networks: the canonical form, the affine map at a point, the one map of a net without gates, patterns, bounds. */
export {
  type ActivationPatterns,
  activationPatterns,
  type GateName,
} from "./activation-patterns.js";
export { bounds, type Intervals, type LayerBounds, type NetBounds } from "./bounds.js";
export type { Box } from "./box.js";
export { type Collapsed, type CollapseOptions, type CollapseStep, collapse } from "./collapse.js";
export type { CreaseId, HalfSpace, HalfSpaces, NearestCrease } from "./halfspaces.js";
export { type Linearization, type Linearizations, linearize, linearizeAll } from "./linearize.js";
export {
  type Affine,
  type AffineTerm,
  type GateLayer,
  gateCount,
  type HingeLayer,
  type MaxLayer,
  type PwlInput,
  type PwlNet,
  reluNet,
} from "./net.js";
export type { ActivationPattern, PatternLayout } from "./pattern.js";
export type { Point } from "./point.js";
export { type InputSpec, lower, type Readable } from "./read.js";
export type { CreaseAt, Decision } from "./signs.js";
export { countsOf, formatNet, type PwlCounts } from "./text.js";
