"""The child's side of a measurement, for contestants written in Python: requests as lines of JSON on standard input.

Mirrors serve.ts: prepare, values, time.
"""

import json
import os
import sys
import time
from array import array


class Unavailable(Exception):
    """Why a peer is left out."""


def read_workload(folder):
    """The workload, and its arrays by name as (shape, array.array)."""
    with open(os.path.join(folder, "workload.json"), encoding="utf8") as file:
        manifest = json.load(file)
    with open(os.path.join(folder, "arrays.bin"), "rb") as file:
        content = file.read()
    codes = {"float32": "f", "float64": "d", "int32": "i"}
    arrays = {}
    for entry in manifest["arrays"]:
        values = array(codes[entry["dtype"]])
        start = entry["offset"]
        values.frombytes(content[start : start + entry["size"] * values.itemsize])
        arrays[entry["name"]] = (entry["shape"], values)
    return manifest["workload"], arrays


def serve(describe, prepare):
    """Answers requests until standard input ends. `prepare(workload, arrays)` gives (run, values)."""
    run = values = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                run, values = prepare(*read_workload(request["folder"]))
                answer = {"description": describe()}
            elif request["do"] == "values":
                taken = []
                for _ in range(request["steps"]):
                    run(1)
                    taken.extend(values())
                answer = {"values": taken}
            else:
                clock = time.process_time if request["clock"] == "processor" else time.perf_counter
                start = clock()
                run(request["count"])
                answer = {"milliseconds": 1000 * (clock() - start)}
        except Unavailable as reason:
            answer = {"unavailable": str(reason)}
        except Exception as error:  # the parent reports it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
