"""Times edge subdivision (Berzins, ICML 2023) on networks given as JSON: one per line of the standard input.

    python3 edge-subdivision.py PATH

PATH is a checkout of that method's repository. A line in is {"shape", "weights", "biases"}, for the box [-1, 1]^d; a line
out is {"seconds", "vertices", "edges"}, the best of three runs on one thread. The output is no unit and is left out.
"""

import json
import sys
from time import perf_counter

import torch

sys.path.insert(0, sys.argv[1])
from edge_subdivision import skeletal_subdivision  # noqa: E402
from NN import Net  # noqa: E402

torch.set_num_threads(1)

for line in sys.stdin:
    given = json.loads(line)
    net = Net(given["shape"])
    net.ls = net.ls[:-1]
    with torch.no_grad():
        for layer, weights, bias in zip(net.fcs, given["weights"], given["biases"]):
            layer.weight.copy_(torch.tensor(weights))
            layer.bias.copy_(torch.tensor(bias))
        best = float("inf")
        for _ in range(3):
            start = perf_counter()
            vertices, edges, _signs = skeletal_subdivision(net, bbox=(-1, 1), device=torch.device("cpu"), verbose=False)
            best = min(best, perf_counter() - start)
    print(json.dumps({"seconds": best, "vertices": len(vertices), "edges": len(edges)}), flush=True)
