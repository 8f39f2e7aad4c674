/** Optimizers, schedules of the learning rate, and gradient clipping. */
export { Optimizer } from "./optimizer.js";
export { SGD, type SGDOptions } from "./sgd.js";
