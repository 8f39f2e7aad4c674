/** What all plots of a plane can be told about their frame. */

import type { OptionKinds } from "../base/options.js";

export interface PlotOptions {
  readonly title?: string;
  readonly caption?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Of the longer side of the plotting area; default 420. */
  readonly size?: number;
}

/** The kinds of `PlotOptions`, for `checkOptions`. */
export const PLOT_OPTIONS = {
  ...{ title: "a text", caption: "a text", xLabel: "a text", yLabel: "a text" },
  size: "a finite number above 0",
} satisfies OptionKinds;
