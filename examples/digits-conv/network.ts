import { type Generator, type Linearization, linearize, nn, type Tensor } from "crease";

/**
 * A convolutional net for images [1, 28, 28], or batches of them: 2,352 gates.
 *
 * It shrinks images by stride. Max-pooling would do as well, but an image's empty background puts it exactly on creases:
 * where all pixels of a window are 0, all arguments of the maximum are the same number, but different functions.
 */
export function digitNet(generator: Generator): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 8, 5, { stride: 2, padding: 2, generator }),
    new nn.ReLU(),
    new nn.Conv2d(8, 16, 5, { stride: 2, padding: 2, generator }),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(16 * 7 * 7, 10, { generator }),
  );
}

/** The net at one image: logits = template · image + offset, exactly the net's wherever its gates are as here. */
export interface Template {
  /** Ten pictures, [10, 1, 28, 28], and [10]. */
  readonly pictures: Tensor;
  readonly offset: Tensor;
  /** Picture times image: what each pixel adds to each logit, [10, 1, 28, 28]. */
  readonly evidence: Tensor;
  /** What pictures and offset give for the image, [10]. */
  readonly logits: Tensor;
  /** The largest difference from the net's own logits, which are rounded to float32. */
  readonly difference: number;
  readonly here: Linearization;
}

/** Reads the affine template of an image [1, 28, 28]. */
export function templateOf(net: nn.Sequential, image: Tensor): Template {
  const here = linearize(net, image);
  const evidence = here.A.mul(image);
  const logits = evidence.sum([1, 2, 3]).add(here.b);
  const own = net.forward(image.unsqueeze(0)).flatten();
  return { pictures: here.A, offset: here.b, evidence, logits, difference: logits.sub(own).abs().max().item(), here };
}
