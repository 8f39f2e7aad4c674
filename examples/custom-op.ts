/** An op of your own with its gradient, which is checked, differentiated twice, and trained. Run: npx tsx examples/custom-op.ts */
import { checkGradients, defineOp, fit, Generator, grad, mul, nn, type Tensor, tensor, type Unary } from "crease";

/** The derivative of bump; an op of its own, so that it has a derivative in turn. */
const slope = defineOp<Unary>({
  name: "bumpSlope",
  doc: "−2x e^(−x²)",
  kind: "smooth",
  scalar: (e, x) => e.mul(e.mul(e.constant(-2), x), e.exp(e.neg(e.mul(x, x)))),
  vjp: [(dy, x) => mul(dy, bump(x).mul(x.square().mul(4).sub(2)))],
  samples: [{ inputs: [[2, 3]] }],
});

const bump: (x: Tensor) => Tensor = defineOp<Unary>({
  name: "bump",
  doc: "e^(−x²)",
  kind: "smooth",
  scalar: (e, x) => e.exp(e.neg(e.mul(x, x))),
  vjp: [(dy, x) => mul(dy, slope(x))],
  samples: [{ inputs: [[2, 3]] }],
});

class Bump extends nn.Module {
  forward(x: Tensor): Tensor {
    return bump(x);
  }
}

export async function main(print: (line: string) => void = console.log): Promise<void> {
  checkGradients(bump, [tensor([-1, 0, 0.5], { dtype: "float64" })]);
  print("bump: first and second derivative agree with finite differences");
  print(`bump''(0) = ${grad(grad(bump))(tensor(0)).item()}`);

  // The op as an activation: eight bumps learn a wave.
  const inputs = tensor(Array.from({ length: 41 }, (_, i) => [(i - 20) / 10]));
  const wave = { inputs, labels: inputs.mul(3).cos() };
  const net = nn.mlp([1, 8, 1], { activation: () => new Bump(), generator: new Generator(1) });
  const { history } = await fit(net, wave, { epochs: 200, batchSize: 41 });
  print(
    `mean squared error on cos 3x: ${history[0].loss.toFixed(3)} at first, ${history[199].loss.toFixed(4)} at last`,
  );
}

if (process.argv[1]?.endsWith("custom-op.ts")) await main();
