import { expect, it } from "vitest";
import { unnamedTypes } from "./public-types.js";

/** What stands in public declarations for the library's own use: nobody makes, keeps or passes one. */
const INNER = [
  "Axis (tensor/tensor.ts)", // the type of ops, which is exported, by a shorter name
  "BatchNorm (nn/layers/normalization.ts)",
  "BinaryCode (array/expression.ts)",
  "Both (nn/layers/images.ts)",
  "Candidate (geometry/cell-tree/path.ts)",
  "Each (graph/op.ts)",
  "Effect (compile/program.ts)",
  "ExactLine (exact/homogeneous.ts)",
  "ExactPoint (exact/homogeneous.ts)",
  "ExactPoint (pwl/exact.ts)",
  "ExactSliceMaps (geometry/plane/exact-maps.ts)",
  "Extras (graph/tensor.ts)",
  "Making (graph/making.ts)",
  "MomentOptimizer (nn/optim/adam.ts)",
  "ReduceOptions (tensor/tensor.ts)", // as Axis
  "Results (compile/capture.ts)",
  "Step (compile/program.ts)",
  "Switch (compile/program.ts)",
  "TensorFunction (autodiff/functional.ts)",
  "TensorFunction (pwl/read.ts)",
  "Tie (pwl/signs.ts)",
  "TreeLayer (geometry/plane/pattern-tree.ts)",
  "UnaryCode (array/expression.ts)",
  "Value (compile/program.ts)",
  "WithAttributes (graph/op.ts)",
];

it("every type that exported functions take or give is exported, but for inner ones", { timeout: 180_000 }, () => {
  expect(unnamedTypes(["index.ts", "draw/index.ts"])).toEqual(INNER);
});
