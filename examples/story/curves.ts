import { linspace, losses, manualSeed, nn, noGrad, optim, sin } from "crease";

/** One hidden layer of hinges, fitted to sin x over [-π, π]. */
export interface FittedCurve {
  readonly net: nn.Sequential;
  readonly hinges: number;
  /** Largest |net(x) − sin x| on 401 points. */
  readonly worst: number;
}

/** Fits `hinges` hinges to sin x; several starts, of which the best is kept, as few hinges may begin badly placed. */
export function fitSine(hinges: number, starts = 6, steps = 1500): FittedCurve {
  const x = linspace(-Math.PI, Math.PI, 401).reshape([401, 1]);
  const target = sin(x);
  let best: FittedCurve | null = null;
  for (let start = 0; start < starts; start++) {
    manualSeed(10 + start);
    const net = nn.mlp([1, hinges, 1]);
    const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.03 });
    const schedule = new optim.CosineSchedule(optimizer, { steps });
    for (let step = 0; step < steps; step++) {
      optimizer.zeroGrad();
      losses.mseLoss(net.forward(x), target).backward();
      optimizer.step();
      schedule.step();
    }
    const worst = noGrad(() => net.forward(x).sub(target).abs().max().item());
    if (best === null || worst < best.worst) best = { net, hinges, worst };
  }
  return best as FittedCurve;
}
