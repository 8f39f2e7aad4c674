/** Optimizers, schedules of the learning rate, and gradient clipping. */
export { Adam, type AdamOptions, AdamW } from "./adam.js";
export { clipGradientNorm, clipGradientValue } from "./clip.js";
export { Optimizer } from "./optimizer.js";
export { CosineSchedule, Schedule, type ScheduleState, StepSchedule } from "./schedule.js";
export { SGD, type SGDOptions } from "./sgd.js";
