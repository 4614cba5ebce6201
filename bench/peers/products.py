"""Products of matrices. Ways are named KIND:ROWS:IN:OUT, where x is [rows, in], y is [rows, out], w is [out, in]:

y (outputs from x and w), x (gradient of the inputs, from y and w), w (gradient of the weights, from y and x).
Peer: torch.
"""

from worker import serve, torch_with


def prepare(given):
    torch = torch_with(given.threads)
    made = {}

    def way(name):
        if name not in made:
            kind, rows, width, to = name.split(":")
            rows, width, to = int(rows), int(width), int(to)
            x, y, w = torch.randn(rows, width), torch.randn(rows, to), torch.randn(to, width)
            sides = {"y": (x, w.mT, y), "x": (y, w, x), "w": (y.mT, x, w)}[kind]
            first, second, out = sides
            work = lambda: torch.mm(first, second, out=out)
            for _ in range(3):
                work()
            made[name] = work
        return made[name]

    return way, None, {"torch": torch.__version__}


if __name__ == "__main__":
    serve(prepare)
