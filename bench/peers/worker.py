"""What all workers share: arguments, the conversation with the benchmark, arrays in files, and the clock.

A worker makes its work ready and says so in one line of JSON. Then it reads lines: `WAY COUNT` runs the work that often
and answers the milliseconds of each run, `check` writes results as files beside the inputs, `quit` or the end of the
input ends it. What libraries print goes to standard error, so that answers stay alone on standard output.
"""

import argparse
import json
import os
import sys
import time
import traceback

_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def _say(answer):
    _answers.write(json.dumps(answer) + "\n")
    _answers.flush()


def arguments():
    """`--peer NAME --threads N --data FOLDER`, and the process kept to so many processors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--data", default=".")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        # XLA has no other switch: it makes as many threads as there are processors that it may use.
        if 0 < given.threads < len(mine):
            os.sched_setaffinity(0, mine[: given.threads])
        given.threads = given.threads or len(mine)
    else:
        given.threads = given.threads or os.cpu_count()
    return given


class Files:
    """Arrays of float32 in files `NAME.f32` of one folder, row-major."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, name, shape):
        import numpy

        path = os.path.join(self.folder, name + ".f32")
        return numpy.fromfile(path, dtype=numpy.float32).reshape(shape)

    def write(self, name, array):
        import numpy

        path = os.path.join(self.folder, name + ".f32")
        numpy.ascontiguousarray(array, dtype=numpy.float32).tofile(path)


def torch_with(threads):
    """PyTorch on so many threads, its seed set."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    return torch


def serve(prepare):
    """Runs a worker. `prepare(arguments)` gives (ways, check, facts):

    ways: what can be timed, as a dictionary of functions or as a function from a name to a function;
    check: writes results as files and gives their names, or None;
    facts: what to report, such as versions.
    """
    try:
        ways, check, facts = prepare(arguments())
        _say({"ready": True, "facts": facts})
        for line in sys.stdin:
            words = line.split()
            if not words:
                continue
            if words[0] == "quit":
                break
            if words[0] == "check":
                _say({"files": check() if check is not None else []})
                continue
            work = ways(words[0]) if callable(ways) else ways[words[0]]
            times = []
            for _ in range(int(words[1])):
                start = time.perf_counter()
                work()
                times.append(1000 * (time.perf_counter() - start))
            _say({"ms": times})
    except Exception as problem:  # told to the benchmark, which goes on without this peer
        traceback.print_exc()
        text = str(problem).strip().splitlines()
        _say({"error": (type(problem).__name__ + ": " + (text[0] if text else ""))[:300]})
        sys.exit(1)
