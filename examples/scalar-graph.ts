/** A scalar expression, its gradients, and its picture. Run: npx tsx examples/scalar-graph.ts */
import { mkdir, writeFile } from "node:fs/promises";
import { tensor, toDot } from "crease";
import { render } from "crease/draw";

export async function main(print: (line: string) => void = console.log, folder = "out"): Promise<void> {
  const a = tensor(2, { requiresGrad: true, name: "a" });
  const b = tensor(-3, { requiresGrad: true, name: "b" });
  const y = a.mul(b).add(a.pow(3)).relu();
  y.backward({ retainGraph: true });
  print(`y = relu(a b + a³) = ${y.item()}`);
  print(`dy/da = ${a.grad?.item()}, dy/db = ${b.grad?.item()}`);

  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/scalar-graph.svg`, await render(toDot(y, { gates: true })));
  print(`drawn: ${folder}/scalar-graph.svg`);
}

if (process.argv[1]?.endsWith("scalar-graph.ts")) await main();
