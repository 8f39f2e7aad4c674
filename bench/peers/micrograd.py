"""micrograd's algorithm in Python, as it is used in its demonstration: every number an object, the graph rebuilt at
each step. (github.com/karpathy/micrograd; written anew after its design.)
"""

import platform

from serve import Unavailable, serve


class Value:
    """A number that remembers what it was computed from."""

    def __init__(self, data, children=(), op=""):
        self.data = data
        self.grad = 0
        self._propagate = lambda: None
        self._children = set(children)
        self._op = op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def propagate():
            self.grad += out.grad
            other.grad += out.grad

        out._propagate = propagate
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def propagate():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._propagate = propagate
        return out

    __radd__ = __add__
    __rmul__ = __mul__

    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,), "ReLU")

        def propagate():
            self.grad += (out.data > 0) * out.grad

        out._propagate = propagate
        return out

    def backward(self):
        order = []
        visited = set()

        def visit(value):
            if value not in visited:
                visited.add(value)
                for child in value._children:
                    visit(child)
                order.append(value)

        visit(self)
        self.grad = 1
        for value in reversed(order):
            value._propagate()


class Neuron:
    def __init__(self, weights, bias, nonlinear):
        self.weights = [Value(weight) for weight in weights]
        self.bias = Value(bias)
        self.nonlinear = nonlinear

    def __call__(self, inputs):
        total = sum((weight * x for weight, x in zip(self.weights, inputs)), self.bias)
        return total.relu() if self.nonlinear else total

    def parameters(self):
        return self.weights + [self.bias]


def prepare(workload, arrays):
    if workload["kind"] != "scalars":
        raise Unavailable("scalars only")
    widths = workload["widths"]
    layers = []
    for depth, (before, width) in enumerate(zip(widths, widths[1:])):
        weights = arrays[f"weight{depth}"][1]
        biases = arrays[f"bias{depth}"][1]
        nonlinear = depth < len(widths) - 2
        layers.append([Neuron(weights[i * before : (i + 1) * before], biases[i], nonlinear) for i in range(width)])
    parameters = [value for layer in layers for neuron in layer for value in neuron.parameters()]
    inputs = arrays["inputs"][1]
    points = [inputs[i * widths[0] : (i + 1) * widths[0]] for i in range(workload["points"])]
    labels = arrays["targets"][1]
    last = [float("nan")]

    def score(point):
        x = [Value(one) for one in point]
        for layer in layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    def run(count):
        for _ in range(count):
            hinges = [(1 + -label * score(point)).relu() for point, label in zip(points, labels)]
            loss = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in parameters)
            for one in parameters:
                one.grad = 0
            loss.backward()
            for one in parameters:
                one.data -= workload["learningRate"] * one.grad
            last[0] = loss.data

    return run, lambda: last


if __name__ == "__main__":
    serve(lambda: f"micrograd's algorithm in Python {platform.python_version()}", prepare)
