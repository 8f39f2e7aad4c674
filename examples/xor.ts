/** A network without activations cannot learn xor, however deep; with ReLU it does. Run: npx tsx examples/xor.ts */
import { data, evaluate, fit, Generator, nn, optim } from "crease";

export async function main(print: (line: string) => void = console.log): Promise<void> {
  const corners = data.xor();
  for (const activation of ["none", "relu"] as const) {
    const net = nn.mlp([2, 16, 16, 1], { activation, generator: new Generator(1) });
    const optimizer = new optim.Adam(net.parameters(), { learningRate: 0.02 });
    await fit(net, corners, { epochs: 200, optimizer, seed: 1 });
    const { loss, accuracy } = evaluate(net, corners);
    print(`activation ${activation}: loss ${loss.toFixed(3)}, accuracy ${accuracy}`);
    const logits = net.forward(corners.inputs).data;
    (corners.inputs.toArray() as number[][]).forEach(([x, y], i) => {
      print(`  ${x} xor ${y} is ${logits[i] > 0 ? 1 : 0}`);
    });
  }
}

if (process.argv[1]?.endsWith("xor.ts")) await main();
