import { formatShape, sameShape } from "../array/shape.js";
import { DtypeError, GradientError, ShapeError, ValueError } from "../base/errors.js";
import { mode } from "../graph/modes.js";
import { copyOf } from "../graph/new-tensor.js";
import { Tensor, tick } from "../graph/tensor.js";

/**
 * Gives `target` the values of `source`, in place: what optimizers do to parameters. The old values are not
 * overwritten in memory, so a tensor that shares them (a detached copy, a reshape) keeps what it had; a graph that
 * was recorded with the old values and is differentiated afterwards raises an error.
 */
export function assign(target: Tensor, source: Tensor): Tensor {
  if (!(source instanceof Tensor)) {
    throw new ValueError("assign_: the source is a tensor; make one of numbers or arrays with tensor(...)");
  }
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      `assign_: shape ${formatShape(source.shape)} does not fit ${formatShape(target.shape)}; reshape or broadcastTo first`,
    );
  }
  if (target.dtype !== source.dtype) {
    throw new DtypeError(
      `assign_: ${source.dtype} values for a ${target.dtype} tensor; convert with .to("${target.dtype}")`,
    );
  }
  if (target.op !== null) {
    throw new GradientError(
      `assign_: the target was computed by ${target.op.name}; only leaves (parameters, inputs, constants) can be written, or use detach() first`,
    );
  }
  if (source.isResident) target.moveTo(copyOf(source), 0, false);
  else target.moveTo(source.buffer, source.offset, false);
  target.written = tick();
  mode.observer?.assigned?.(target, source);
  return target;
}
