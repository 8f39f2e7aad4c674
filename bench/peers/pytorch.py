"""PyTorch on the processor, one thread."""

import re

import torch
from serve import Unavailable, serve

torch.set_num_threads(1)


def to_tensor(entry):
    shape, values = entry
    kinds = {"f": torch.float32, "d": torch.float64, "i": torch.int32}
    return torch.frombuffer(values, dtype=kinds[values.typecode]).clone().reshape(shape)


def training(parameters, learning_rate, loss_of):
    # The plain loop over the parameters is the fastest optimizer on small networks (torch.optim.SGD takes longer).
    last = [float("nan")]

    def run(count):
        for _ in range(count):
            loss = loss_of()
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for one, gradient in zip(parameters, gradients):
                    one.sub_(gradient, alpha=learning_rate)
        last[0] = loss

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


def leaf(entry):
    return to_tensor(entry).requires_grad_()


def prepare(workload, arrays):
    functional = torch.nn.functional
    kind = workload["kind"]
    if kind == "mlp":
        depth = len(workload["widths"]) - 1
        parameters = [leaf(arrays[f"{name}{i}"]) for i in range(depth) for name in ("weight", "bias")]
        inputs = to_tensor(arrays["inputs"])
        targets = to_tensor(arrays["targets"])
        if workload["loss"] == "crossEntropy":
            targets = targets.long()
        criterion = functional.mse_loss if workload["loss"] == "mse" else functional.cross_entropy

        def mlp_loss():
            x = inputs
            for i in range(depth):
                x = functional.linear(x, parameters[2 * i], parameters[2 * i + 1])
                if i < depth - 1:
                    x = functional.relu(x)
            return criterion(x, targets)

        return training(parameters, workload["learningRate"], mlp_loss)
    if kind == "convolution":
        names = ("kernels0", "bias0", "kernels1", "bias1", "weight2", "bias2")
        parameters = [leaf(arrays[name]) for name in names]
        inputs = to_tensor(arrays["inputs"])
        targets = to_tensor(arrays["targets"]).long()

        def convolution_loss():
            x = inputs
            for i in (0, 2):
                x = functional.conv2d(x, parameters[i], parameters[i + 1])
                x = functional.max_pool2d(functional.relu(x), 2)
            logits = functional.linear(x.flatten(1), parameters[4], parameters[5])
            return functional.cross_entropy(logits, targets)

        return training(parameters, workload["learningRate"], convolution_loss)
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
