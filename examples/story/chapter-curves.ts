import { lower } from "crease";
import { plotHinges } from "crease/draw";
import { fitSine } from "./curves.js";
import { type Chapter, figure, paragraph } from "./page.js";
import type { Progress } from "./progress.js";

/** One dimension: hinges add up to a curve. */
export function curveChapter(progress: Progress): Chapter {
  const pictures = [3, 16].map((hinges) => {
    const fitted = fitSine(hinges);
    progress.done(`One dimension: ${hinges} hinges fit sin x within ${fitted.worst.toFixed(3)}`);
    const svg = plotHinges(lower(fitted.net, { shape: [1] }), {
      domain: [-Math.PI, Math.PI],
      target: Math.sin,
      targetName: "sin x",
    });
    return figure(
      svg,
      `${hinges} hinges. Left: each hinge by itself. Right: their sum (solid) and sin x (dashed); the largest distance is ${fitted.worst.toFixed(3)}.`,
    );
  });
  return {
    id: "curve",
    title: "1. A curve is a sum of hinges",
    body: [
      paragraph(
        "A ReLU unit computes max(w·x + b, 0): zero on one side of a point, a straight ramp on the other. It has a single kink, a hinge. One hinge is hardly a function worth having.",
      ),
      paragraph(
        "But a layer adds hinges up, each with a place, a slope and a sign of its own. With k hinges the sum can bend in k places; training only decides where, and how much.",
      ),
      ...pictures,
      paragraph(
        "That is all the non-linearity there is in a ReLU network. Everything below is the same in more dimensions: the kinks become lines, and the straight parts become flat cells.",
      ),
    ].join(""),
  };
}
