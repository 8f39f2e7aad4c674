"""PyTorch on the processor, one thread."""

import re

import torch
from serve import Unavailable, serve

torch.set_num_threads(1)


def to_tensor(entry):
    shape, values = entry
    kinds = {"f": torch.float32, "d": torch.float64, "i": torch.int32}
    return torch.frombuffer(values, dtype=kinds[values.typecode]).clone().reshape(shape)


def training(layers, criterion, inputs, targets, learning_rate):
    """Steps as users write them, as ours are: modules, and the library's own optimizer."""
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
    last = [float("nan")]

    def run(count):
        for _ in range(count):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(network(inputs), targets)
            loss.backward()
            optimizer.step()
        last[0] = loss.detach()

    return run, lambda: [last[0].item()]


def computing(work):
    last = [None]

    def run(count):
        with torch.no_grad():
            for _ in range(count):
                last[0] = work()

    def values():
        flat = last[0].reshape(-1)
        count = min(len(flat), 97)
        return [flat[i * (len(flat) - 1) // (count - 1)].item() for i in range(count)]

    return run, values


def with_values(layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(to_tensor(weight))
        layer.bias.copy_(to_tensor(bias))
    return layer


def prepare(workload, arrays):
    nn = torch.nn
    kind = workload["kind"]
    if kind == "mlp":
        widths = workload["widths"]
        layers = []
        for i, (before, width) in enumerate(zip(widths, widths[1:])):
            layers += [nn.ReLU()] if i > 0 else []
            layers.append(with_values(nn.Linear(before, width), arrays[f"weight{i}"], arrays[f"bias{i}"]))
        targets = to_tensor(arrays["targets"])
        if workload["loss"] == "mse":
            criterion = nn.MSELoss()
        else:
            criterion, targets = nn.CrossEntropyLoss(), targets.long()
        return training(layers, criterion, to_tensor(arrays["inputs"]), targets, workload["learningRate"])
    if kind == "convolution":
        layers = []
        for i, (before, channels) in enumerate(zip([1, workload["channels"][0]], workload["channels"])):
            layer = nn.Conv2d(before, channels, workload["kernel"])
            layers += [with_values(layer, arrays[f"kernels{i}"], arrays[f"bias{i}"]), nn.ReLU(), nn.MaxPool2d(2)]
        classes, features = arrays["weight2"][0]
        layers += [nn.Flatten(), with_values(nn.Linear(features, classes), arrays["weight2"], arrays["bias2"])]
        targets = to_tensor(arrays["targets"]).long()
        return training(layers, nn.CrossEntropyLoss(), to_tensor(arrays["inputs"]), targets, workload["learningRate"])
    if kind == "matmul":
        a, b = to_tensor(arrays["a"]), to_tensor(arrays["b"])
        return computing(lambda: a @ b)
    if kind == "chain":
        x, w, b = (to_tensor(arrays[name]) for name in ("x", "w", "b"))
        return computing(lambda: torch.exp(torch.square(torch.relu(torch.tanh(x * w + b) * 0.5 + 0.25))))
    raise Unavailable("not measured on scalars")


def blas():
    """The library that multiplies matrices: distributions' PyTorch takes the system's, which may be the slow reference."""
    try:
        with open("/proc/self/maps", encoding="utf8") as file:
            paths = {line.split()[-1] for line in file if "blas" in line}
    except OSError:
        return "its own BLAS"
    if not paths:
        return "its own BLAS"
    optimized = [path for path in paths if re.search("openblas|mkl|blis|atlas", path)]
    if optimized:
        return "BLAS " + max(optimized, key=len).rsplit("/", 1)[-1]
    return "the reference BLAS, which is slow: install libopenblas0"


if __name__ == "__main__":
    serve(lambda: f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread, {blas()}", prepare)
