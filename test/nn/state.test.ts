import { nn, StateError, tensor, zeros } from "crease";
import { describe, expect, it } from "vitest";

const net = (): nn.Sequential => nn.mlp([2, 3, 1]);

describe("stateDict and loadStateDict", () => {
  it("carry all values over to another net", () => {
    const from = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3));
    from.forward(
      tensor([
        [1, 2],
        [3, -1],
      ]),
    );
    const to = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3));
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] });
    const x = tensor([[0.5, -0.25]]);
    expect(to.eval().forward(x).toArray()).toEqual(from.eval().forward(x).toArray());
    expect(to.parameters().every((one) => one.requiresGrad)).toBe(true);
  });

  it("name running statistics as PyTorch does", () => {
    expect(Object.keys(new nn.Sequential(new nn.BatchNorm1d(3)).stateDict())).toEqual([
      "0.weight",
      "0.bias",
      "0.running_mean",
      "0.running_var",
    ]);
  });

  it("a state is a snapshot: later updates leave it, and changing it leaves the net", () => {
    const model = net();
    const state = model.stateDict();
    const before = state["0.bias"].toArray();
    model.parameters()[1].assign_(tensor([7, 7, 7]));
    expect(state["0.bias"].toArray()).toEqual(before);
    state["2.bias"].assign_(tensor([9]));
    expect(model.stateDict()["2.bias"].toArray()).not.toEqual([9]);
    expect(Object.values(state).some((one) => one.requiresGrad)).toBe(false);
  });

  it("lists missing, unexpected, wrong shapes and wrong dtypes at once, and loads nothing", () => {
    const model = net();
    const before = model.stateDict();
    const { "0.weight": _, ...rest } = model.stateDict();
    const state = {
      ...rest,
      "0.bias": zeros([4]),
      "2.weight": zeros([1, 3], { dtype: "float64" }),
      "2.bias": zeros([1]),
      "3.weight": zeros([1]),
    };
    expect(() => model.loadStateDict(state)).toThrow(StateError);
    let message = "";
    try {
      model.loadStateDict(state);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("missing: 0.weight float32[3, 2]");
    expect(message).toContain("unexpected: 3.weight");
    expect(message).toContain("wrong shape: 0.bias is [4], expected [3]");
    expect(message).toContain("wrong dtype: 2.weight is float64, expected float32");
    expect(message).not.toContain("2.bias");
    for (const [name, value] of Object.entries(model.stateDict())) {
      expect(value.toArray()).toEqual(before[name].toArray());
    }
  });

  it("without strict take what matches and return the other names, but still refuse wrong shapes", () => {
    const model = net();
    const state = { "0.bias": tensor([1, 2, 3]), other: zeros([1]) };
    expect(model.loadStateDict(state, { strict: false })).toEqual({
      missing: ["0.weight", "2.weight", "2.bias"],
      unexpected: ["other"],
    });
    expect(model.stateDict()["0.bias"].toArray()).toEqual([1, 2, 3]);
    expect(() => model.loadStateDict({ "0.bias": zeros([1]) }, { strict: false })).toThrow(/wrong shape: 0.bias/);
  });

  it("one name of a shared parameter is enough, and two must agree", () => {
    const shared = new nn.Linear(1, 1, { bias: false });
    const model = new nn.Sequential(shared, shared);
    model.loadStateDict({ "1.weight": tensor([[3]]) });
    expect(shared.weight.item()).toBe(3);
    const two = { "0.weight": tensor([[1]]), "1.weight": tensor([[2]]) };
    expect(() => model.loadStateDict(two)).toThrow(/0.weight and 1.weight are one tensor/);
  });

  it("refuse what is not a tensor, and unknown options", () => {
    const state = { ...net().stateDict(), "2.bias": [1] } as never;
    expect(() => net().loadStateDict(state)).toThrow(/not a tensor: 2.bias/);
    expect(() => net().loadStateDict(net().stateDict(), { stric: false } as never)).toThrow(/unknown option "stric"/);
  });
});
