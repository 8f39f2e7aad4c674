/** What is measured of a cell beyond its facets: the inscribed ball, the vertices, the volume. */

import type { CellTree } from "../cell-tree/cell-tree.js";
import type { Candidate, Path } from "../cell-tree/path.js";
import type { Plan } from "../cell-tree/plan.js";
import { CUTS, type Polytopes } from "../cell-tree/polytopes.js";
import { ChebyshevBalls } from "../polytopes/chebyshev.js";
import type { VertexList } from "../polytopes/vertex-list.js";
import { FacetOverflow, VertexPolytopes, wordsFor } from "../polytopes/vertex-polytopes.js";
import { Triangulation, VolumeEstimate } from "../polytopes/volume.js";
import type { Want } from "./cells.js";
import { MOST_DIMENSIONS_BY_VERTICES } from "./job.js";

/** Measures cells of one enumeration; every `read` overwrites the fields. */
export class CellMeasures {
  readonly centre: Float64Array;
  radius = 0;
  /** The current cell's vertices, if wanted or known. */
  vertices: VertexList | undefined;
  volume = 0;
  volumeError = 0;

  private readonly balls: ChebyshevBalls;
  private readonly triangulation: Triangulation;
  private estimate: VolumeEstimate | undefined;
  private builder: VertexPolytopes | undefined;
  private builderPath: Path | undefined;
  private rows = new Float64Array(0);

  constructor(
    private readonly plan: Plan,
    private readonly want: ReadonlySet<Want>,
  ) {
    this.balls = new ChebyshevBalls(plan.lower, plan.upper);
    this.centre = this.balls.centre;
    this.triangulation = new Triangulation(plan.dimension);
  }

  /** Measures the walk's current cell, whose witness was just asked for. */
  read(tree: CellTree): void {
    const { polytopes, path } = tree;
    const { want } = this;
    const count = polytopes.facets();
    this.readRows(polytopes, path, count);
    if (want.has("chebyshev")) this.radius = this.balls.solve(this.rows, count, polytopes.point);
    this.vertices = polytopes instanceof VertexPolytopes ? polytopes.current : undefined;
    const exact = want.has("volume") && this.plan.dimension <= MOST_DIMENSIONS_BY_VERTICES;
    if (want.has("vertices") || exact) this.vertices ??= this.build(polytopes, path, count);
    if (!want.has("volume")) return;
    let measured: { volume: number; error: number };
    if (this.vertices !== undefined) {
      measured = this.triangulation.measure(this.vertices);
    } else {
      this.estimate ??= new VolumeEstimate(this.plan.dimension);
      measured = this.estimate.measure(this.rows, count, polytopes.point);
    }
    this.volume = measured.volume;
    this.volumeError = measured.error;
  }

  private readRows(polytopes: Polytopes, path: Path, count: number): void {
    const { width } = path;
    if (count * width > this.rows.length) this.rows = new Float64Array(2 * count * width);
    for (let f = 0; f < count; f++) {
      const from = polytopes.hyperplanes[f] * width;
      for (let c = 0; c < width; c++) this.rows[f * width + c] = polytopes.signs[f] * path.rows[from + c];
    }
  }

  /** The vertices of a cell known by half-spaces: the box, cut by each of its facets. */
  private build(polytopes: Polytopes, path: Path, count: number): VertexList {
    if (this.builder === undefined || this.builderPath !== path) {
      this.builder = new VertexPolytopes(this.plan, path, wordsFor(2 * this.plan.dimension));
      this.builderPath = path;
    }
    for (;;) {
      const builder: VertexPolytopes = this.builder;
      try {
        builder.restart();
        for (let f = 0; f < count; f++) {
          const h = polytopes.hyperplanes[f];
          if (builder.classify(candidateOf(path, h)) === CUTS) builder.clip(h, polytopes.signs[f]);
        }
        return builder.current;
      } catch (error) {
        if (!(error instanceof FacetOverflow)) throw error;
        this.builder = new VertexPolytopes(this.plan, path, builder.words + 1);
      }
    }
  }
}

function candidateOf(path: Path, h: number): Candidate {
  return {
    rows: path.rows,
    offset: h * path.width,
    error: path.error[h],
    layer: path.layer[h],
    unit: path.unit[h],
    other: path.other[h],
  };
}
