export { type DotOptions, dotLines, toDot } from "./dot.js";
export { type RenderOptions, rasterize, render } from "./render.js";
