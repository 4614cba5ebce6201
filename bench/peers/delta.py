"""The delta rule alone: batch 8, 4 heads of 64, 512 steps. Peers: torch-32, torch-64, compile-64, jax, numpy."""

from worker import Files, serve, torch_with

BATCH, HEADS, TIME, SIZE = 8, 4, 512, 64


def arrays(files):
    """q, k, v [batch, heads, time, size] and rate [batch, heads, time]. In files time comes before heads."""
    import numpy

    shapes = {name: (BATCH, TIME, HEADS, SIZE) for name in ("q", "k", "v")}
    shapes["rate"] = (BATCH, TIME, HEADS)
    return [
        numpy.ascontiguousarray(files.read(name, shape).swapaxes(1, 2))
        for name, shape in shapes.items()
    ]


def writer(files, named):
    """Writes results with time before heads again."""
    for name, array in named.items():
        files.write("peer_" + name, array.swapaxes(1, 2))
    return list(named)


def torch_form(torch, length):
    """The rule by chunks: inside a chunk all corrections come from one triangular system."""

    def form(q, k, v, rate):
        batch, heads, time, size = q.shape
        chunks = time // length

        def cut(x):
            return x.reshape(batch, heads, chunks, length, -1)

        q, k, v, rate = cut(q * size**-0.5), cut(k), cut(v), cut(rate)
        weighted = rate * k
        system = torch.tril(weighted @ k.mT, -1)
        right = torch.cat((rate * v, weighted), -1)
        solved = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True)
        values, keys = solved[..., :size], solved[..., size:]
        inside = torch.tril(q @ k.mT)
        state = q.new_zeros(batch, heads, size, size)
        outputs = []
        for c in range(chunks):
            written = values[:, :, c] - keys[:, :, c] @ state
            outputs.append(q[:, :, c] @ state + inside[:, :, c] @ written)
            state = state + k[:, :, c].mT @ written
        return torch.stack(outputs, 2).reshape(batch, heads, time, size)

    return form


def torch_peer(given, files, length, compiled):
    torch = torch_with(given.threads)
    form = torch_form(torch, length)
    if compiled:
        form = torch.compile(form)
    inputs = [torch.from_numpy(x).requires_grad_() for x in arrays(files)]

    def forward():
        with torch.no_grad():
            return form(*inputs)

    def both():
        y = form(*inputs)
        return y, torch.autograd.grad(y.square().sum(), inputs)

    def check():
        y, gradients = both()
        named = dict(zip(("d_q", "d_k", "d_v", "d_rate"), gradients))
        named["y"] = y
        named["y_forward"] = forward()
        return writer(files, {n: x.detach().numpy() for n, x in named.items()})

    for _ in range(2):
        forward()
        both()
    return {"forward": forward, "both": both}, check, {"torch": torch.__version__}


def jax_peer(files):
    import jax
    import jax.numpy as jnp

    def sequence(q, k, v, rate):
        def step(state, now):
            q, k, v, rate = now
            state = state + rate * jnp.outer(k, v - k @ state)
            return state, q @ state

        start = jnp.zeros((SIZE, SIZE), jnp.float32)
        return jax.lax.scan(step, start, (q, k, v, rate))[1]

    def form(q, k, v, rate):
        return jax.vmap(jax.vmap(sequence))(q * SIZE**-0.5, k, v, rate)

    def loss(*inputs):
        y = form(*inputs)
        return jnp.sum(y**2), y

    inputs = [jnp.asarray(x) for x in arrays(files)]
    compiled = jax.jit(form)
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1, 2, 3), has_aux=True))

    def forward():
        return jax.block_until_ready(compiled(*inputs))

    def both():
        return jax.block_until_ready(gradient(*inputs))

    def check():
        import numpy

        gradients, y = both()
        named = dict(zip(("d_q", "d_k", "d_v", "d_rate"), gradients))
        named["y"] = y
        named["y_forward"] = forward()
        return writer(files, {n: numpy.asarray(x) for n, x in named.items()})

    forward()
    both()
    return {"forward": forward, "both": both}, check, {"jax": jax.__version__}


def numpy_peer(files):
    import numpy

    q, k, v, rate = arrays(files)
    scaled = q * numpy.float32(SIZE**-0.5)

    def forward():
        state = numpy.zeros((BATCH, HEADS, SIZE, SIZE), numpy.float32)
        y = numpy.empty_like(v)
        for t in range(TIME):
            key = k[:, :, t, :, None]
            error = v[:, :, t] - (state @ key)[..., 0]
            state += (rate[:, :, t, None] * error)[..., None] * key.swapaxes(-1, -2)
            y[:, :, t] = (state @ scaled[:, :, t, :, None])[..., 0]
        return y

    def check():
        return writer(files, {"y": forward()})

    return {"forward": forward}, check, {"numpy": numpy.__version__}


def prepare(given):
    files = Files(given.data)
    if given.peer == "jax":
        return jax_peer(files)
    if given.peer == "numpy":
        return numpy_peer(files)
    kind, length = given.peer.split("-")
    return torch_peer(given, files, int(length), kind == "compile")


if __name__ == "__main__":
    serve(prepare)
