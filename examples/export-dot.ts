/** Four drawings of one net: its ops, its modules, two inputs compared, its neurons. Run: npx tsx examples/export-dot.ts */
import { mkdir, writeFile } from "node:fs/promises";
import { type DotOptions, manualSeed, nn, type Tensor, tensor, toDot, trace } from "crease";
import { render } from "crease/draw";

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  manualSeed(1);
  const net = new nn.Sequential(
    new nn.Linear(2, 8),
    new nn.ReLU(),
    new nn.Linear(8, 8),
    new nn.ReLU(),
    new nn.Linear(8, 1),
  );
  const forward = (x: Tensor): Tensor => net.forward(x);
  const here = trace(forward, tensor([[0.3, -0.7]]));
  const there = trace(forward, tensor([[-0.5, 0.9]]));
  const drawings: Record<string, DotOptions> = {
    ops: { gates: true },
    modules: { gates: true, modules: "fold", direction: "LR" },
    flips: { compare: there, modules: "fold" },
    neurons: { level: "neuron" },
  };
  await mkdir(folder, { recursive: true });
  for (const [name, options] of Object.entries(drawings)) {
    const dot = toDot(here, options);
    await writeFile(`${folder}/${name}.dot`, dot);
    await writeFile(`${folder}/${name}.svg`, await render(dot));
    print(`${folder}/${name}.dot: ${dot.split("\n").length} lines, and ${name}.svg`);
  }
}

if (process.argv[1]?.endsWith("export-dot.ts")) await main();
