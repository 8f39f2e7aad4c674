/** What is measured of a cell beyond its facets: the inscribed ball, vertices, the volume. */

import type { CellTree } from "./cell-tree.js";
import type { Plan } from "./cell-tree-plan.js";
import { ChebyshevBalls } from "./chebyshev.js";
import type { Want } from "./enumerate-cells.js";

export class CellMeasures {
  readonly centre: Float64Array;
  radius = 0;
  vertexCount = 0;
  vertices = new Float64Array(0);
  volume = 0;
  volumeError = 0;
  private readonly balls: ChebyshevBalls;
  private rows = new Float64Array(0);

  constructor(
    private readonly plan: Plan,
    private readonly want: ReadonlySet<Want>,
  ) {
    this.balls = new ChebyshevBalls(plan.lower, plan.upper);
    this.centre = this.balls.centre;
  }

  /** Measures the walk's current cell, whose witness was asked for. */
  read(tree: CellTree): void {
    const { polytopes, path } = tree;
    const count = polytopes.facets();
    const { width } = path;
    if (count * width > this.rows.length) this.rows = new Float64Array(2 * count * width);
    for (let f = 0; f < count; f++) {
      const from = polytopes.hyperplanes[f] * width;
      for (let c = 0; c < width; c++) this.rows[f * width + c] = polytopes.signs[f] * path.rows[from + c];
    }
    if (this.want.has("chebyshev")) this.radius = this.balls.solve(this.rows, count, polytopes.point);
    void this.plan;
  }
}
