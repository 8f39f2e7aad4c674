import { flatten } from "../../ops/reshape.js";
import type { Tensor } from "../../tensor/tensor.js";
import { Module } from "../module.js";
import { joinArguments } from "./describe.js";

/** Axes `start` to `end` as one; all but the batch axis unless told. */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }

  override describe(): string {
    if (this.end !== -1) return joinArguments(this.start, this.end);
    return this.start === 1 ? "" : String(this.start);
  }
}
