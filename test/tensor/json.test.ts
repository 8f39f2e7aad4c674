import { DtypeError, nn, ones, optim, ShapeError, StateError, tensor, tensorFromJson, ValueError } from "crease";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("a tensor in JSON", () => {
  it("keeps every bit of float64, float32 and int32, also what JSON has no number for", () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 12 }), (numbers) => {
        for (const values of [numbers, Float32Array.from(numbers), Int32Array.from(numbers)]) {
          const x = tensor(values);
          const read = tensorFromJson(JSON.parse(JSON.stringify(x)));
          expect([read.dtype, read.shape]).toEqual([x.dtype, x.shape]);
          read.data.forEach((value, i) => {
            expect(Object.is(value, values[i])).toBe(true);
          });
        }
      }),
    );
  });

  it("is its dtype, shape and values, of views too", () => {
    const x = tensor([
      [1, 2],
      [3, -0],
    ]);
    expect(JSON.parse(JSON.stringify(x.slice([null, [1, null, 1]])))).toEqual({
      dtype: "float32",
      shape: [2, 1],
      values: [2, "-0"],
    });
    expect(tensorFromJson({ dtype: "float64", shape: [], values: ["NaN"] }).item()).toBeNaN();
  });

  it("is refused where it is none, or its parts do not fit", () => {
    const json = (parts: object) => parts as ReturnType<ReturnType<typeof tensor>["toJSON"]>;
    expect(() => tensorFromJson(json({ values: [1] }))).toThrow(ValueError);
    expect(() => tensorFromJson(json({ values: [1] }))).toThrow(/expected \{ dtype, shape, values \}/);
    expect(() => tensorFromJson(ones([2]) as never)).toThrow(/got a Tensor/);
    expect(() => tensorFromJson(json({ dtype: "float32", shape: [1], values: ["one"] }))).toThrow(/value 0 is "one"/);
    expect(() => tensorFromJson(json({ dtype: "float32", shape: [3], values: [1] }))).toThrow(ShapeError);
    expect(() => tensorFromJson(json({ dtype: "float16", shape: [1], values: [1] }))).toThrow(DtypeError);
  });
});

describe("a state in JSON", () => {
  it("of a net and its optimizer continues a training to the last bit", () => {
    const step = (net: nn.Sequential, optimizer: optim.Adam): number => {
      optimizer.zeroGrad();
      const loss = net
        .forward(ones([4, 2]))
        .square()
        .mean();
      loss.backward();
      optimizer.step();
      return loss.item();
    };
    const make = (): [nn.Sequential, optim.Adam] => {
      const net = nn.mlp([2, 5, 1]);
      return [net, new optim.Adam(net.parameters(), { learningRate: 0.1 })];
    };
    const [net, optimizer] = make();
    for (let i = 0; i < 3; i++) step(net, optimizer);
    const text = JSON.stringify({ net: net.stateDict(), optimizer: optimizer.stateDict() });
    const [otherNet, otherOptimizer] = make();
    const saved = JSON.parse(text);
    otherNet.loadStateDict(saved.net);
    otherOptimizer.loadStateDict(saved.optimizer);
    for (let i = 0; i < 3; i++) expect(step(otherNet, otherOptimizer)).toBe(step(net, optimizer));
  });

  it("with something that is no tensor is refused with what it is", () => {
    const net = nn.mlp([1, 1]);
    expect(() => net.loadStateDict({ "0.weight": [[1]] as never, "0.bias": ones([1]) })).toThrow(StateError);
    expect(() => net.loadStateDict({ "0.weight": "w" as never, "0.bias": ones([1]) })).toThrow(
      /not a tensor: 0.weight is "w"/,
    );
  });
});
