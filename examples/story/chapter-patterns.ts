import { activationPatterns } from "crease";
import { plotPatterns } from "crease/draw";
import { type Chapter, figure, paragraph } from "./page.js";
import type { Subject } from "./subject.js";

/** Which cells the data visit. */
export function patternChapter({ set, relu }: Subject): Chapter {
  const patterns = activationPatterns(relu.net, set.inputs);
  return {
    id: "patterns",
    title: "5. The data visit few cells",
    body: [
      paragraph(
        `A cell is named by its activation pattern: which of the 32 units are on. The ${patterns.length} flowers visit ${patterns.distinct} patterns; ${patterns.dead().length} units are silent on all of them, and ${patterns.alwaysActive().length} are on for all of them: for these data they are a constant 0 and a plain linear unit.`,
      ),
      figure(
        plotPatterns(patterns, { classes: set.labels, classNames: [...set.classes] }),
        "A row per flower, a column per unit, dark where it is active. Flowers of one cell stand together.",
      ),
    ].join(""),
  };
}
