"""Recurrences without a parallel form, forward and backward: batch 8, 4 heads of 32, 256 steps.

`recurrent`: a Recurrent Delta Net's core; `referential`: a self-referential weight matrix.
Peers: recurrent-torch, recurrent-jax, recurrent-numpy, referential-torch, referential-jax, referential-numpy.
"""

from worker import Files, serve, torch_with

BATCH, HEADS, TIME, SIZE = 8, 4, 256, 32
ROWS = 3 * SIZE + 4

# Shapes in the files, where time comes before heads; parameters have neither batch nor time.
SEQUENCES = {
    "recurrent": {
        "k": (BATCH, TIME, HEADS, SIZE),
        "v": (BATCH, TIME, HEADS, SIZE),
        "q": (BATCH, TIME, HEADS, SIZE),
        "b": (BATCH, TIME, HEADS),
    },
    "referential": {"x": (BATCH, TIME, HEADS, SIZE)},
}
PARAMETERS = {
    "recurrent": {
        "Rk": (HEADS, SIZE, SIZE),
        "Rv": (HEADS, SIZE, SIZE),
        "Rq": (HEADS, SIZE, SIZE),
        "rb": (HEADS, SIZE),
    },
    "referential": {"W": (HEADS, ROWS, SIZE)},
}


def arrays(files, rule):
    import numpy

    sequences = {
        name: numpy.ascontiguousarray(files.read(name, shape).swapaxes(1, 2))
        for name, shape in SEQUENCES[rule].items()
    }
    parameters = {name: files.read(name, shape) for name, shape in PARAMETERS[rule].items()}
    return {**sequences, **parameters}


def writer(files, rule, named):
    for name, array in named.items():
        timed = not any(name == "d_" + p for p in PARAMETERS[rule])
        files.write("peer_" + name, array.swapaxes(1, 2) if timed else array)
    return list(named)


def torch_rules(torch):
    def head_product(R, h):
        return torch.einsum("hij,bhj->bhi", R, h)

    def apply(W, x):
        return torch.einsum("bhij,bhj->bhi", W, x)

    def recurrent(k, v, q, b, Rk, Rv, Rq, rb):
        W = k.new_zeros(BATCH, HEADS, SIZE, SIZE)
        y = k.new_zeros(BATCH, HEADS, SIZE)
        outputs = []
        for t in range(TIME):
            r = torch.tanh(y)
            key = torch.softmax(k[:, :, t] + head_product(Rk, r), -1)
            query = torch.softmax(q[:, :, t] + head_product(Rq, r), -1)
            value = v[:, :, t] + head_product(Rv, r)
            rate = torch.sigmoid(b[:, :, t] + torch.einsum("hj,bhj->bh", rb, r))
            change = rate[..., None] * (value - apply(W, key))
            W = W + change[..., None] * key[..., None, :]
            y = apply(W, query)
            outputs.append(y)
        return torch.stack(outputs, 2)

    def referential(x, W):
        W = W.expand(BATCH, HEADS, ROWS, SIZE)
        sizes = (SIZE, SIZE, SIZE, 4)
        outputs = []
        for t in range(TIME):
            y, q, k, b = apply(W, torch.softmax(x[:, :, t], -1)).split(sizes, -1)
            key = torch.softmax(k, -1)
            rates = torch.sigmoid(b).split(1, -1)
            rate = torch.cat([r.expand(BATCH, HEADS, n) for r, n in zip(rates, sizes)], -1)
            change = rate * (apply(W, torch.softmax(q, -1)) - apply(W, key))
            W = W + change[..., None] * key[..., None, :]
            outputs.append(y)
        return torch.stack(outputs, 2)

    return {"recurrent": recurrent, "referential": referential}


def torch_peer(given, files, rule):
    torch = torch_with(given.threads)
    form = torch_rules(torch)[rule]
    inputs = {n: torch.from_numpy(x).requires_grad_() for n, x in arrays(files, rule).items()}

    def both():
        y = form(*inputs.values())
        return y, torch.autograd.grad(y.square().sum(), list(inputs.values()))

    def check():
        y, gradients = both()
        named = {"d_" + n: g for n, g in zip(inputs, gradients)}
        named["y"] = y
        return writer(files, rule, {n: x.detach().numpy() for n, x in named.items()})

    both()
    return {"both": both}, check, {"torch": torch.__version__}


def jax_rules(jax, jnp):
    def head_product(R, h):
        return jnp.einsum("hij,bhj->bhi", R, h)

    def apply(W, x):
        return jnp.einsum("bhij,bhj->bhi", W, x)

    def time_first(x):
        return jnp.moveaxis(x, 2, 0)

    def recurrent(k, v, q, b, Rk, Rv, Rq, rb):
        def step(carried, now):
            W, y = carried
            k, v, q, b = now
            r = jnp.tanh(y)
            key = jax.nn.softmax(k + head_product(Rk, r), axis=-1)
            query = jax.nn.softmax(q + head_product(Rq, r), axis=-1)
            value = v + head_product(Rv, r)
            rate = jax.nn.sigmoid(b + jnp.einsum("hj,bhj->bh", rb, r))
            change = rate[..., None] * (value - apply(W, key))
            W = W + change[..., None] * key[..., None, :]
            y = apply(W, query)
            return (W, y), y

        start = (
            jnp.zeros((BATCH, HEADS, SIZE, SIZE), jnp.float32),
            jnp.zeros((BATCH, HEADS, SIZE), jnp.float32),
        )
        sequences = tuple(time_first(x) for x in (k, v, q, b))
        return jnp.moveaxis(jax.lax.scan(step, start, sequences)[1], 0, 2)

    def referential(x, W):
        import numpy

        block = numpy.repeat(numpy.arange(4), [SIZE, SIZE, SIZE, 4])

        def step(W, x):
            read = apply(W, jax.nn.softmax(x, axis=-1))
            y, q, k, b = jnp.split(read, [SIZE, 2 * SIZE, 3 * SIZE], axis=-1)
            key = jax.nn.softmax(k, axis=-1)
            rate = jax.nn.sigmoid(b)[..., block]
            change = rate * (apply(W, jax.nn.softmax(q, axis=-1)) - apply(W, key))
            return W + change[..., None] * key[..., None, :], y

        start = jnp.broadcast_to(W, (BATCH, HEADS, ROWS, SIZE))
        return jnp.moveaxis(jax.lax.scan(step, start, time_first(x))[1], 0, 2)

    return {"recurrent": recurrent, "referential": referential}


def jax_peer(files, rule):
    import jax
    import jax.numpy as jnp

    form = jax_rules(jax, jnp)[rule]
    inputs = {n: jnp.asarray(x) for n, x in arrays(files, rule).items()}

    def loss(*given):
        y = form(*given)
        return jnp.sum(y**2), y

    gradient = jax.jit(jax.grad(loss, argnums=tuple(range(len(inputs))), has_aux=True))

    def both():
        return jax.block_until_ready(gradient(*inputs.values()))

    def check():
        import numpy

        gradients, y = both()
        named = {"d_" + n: g for n, g in zip(inputs, gradients)}
        named["y"] = y
        return writer(files, rule, {n: numpy.asarray(x) for n, x in named.items()})

    both()
    return {"both": both}, check, {"jax": jax.__version__}


def numpy_peer(files, rule):
    """Forward only: an account of the rules that needs no library for gradients."""
    import numpy

    inputs = arrays(files, rule)

    def softmax(x):
        e = numpy.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def sigmoid(x):
        return 1 / (1 + numpy.exp(-x))

    def apply(W, x):
        return (W @ x[..., None])[..., 0]

    def recurrent(k, v, q, b, Rk, Rv, Rq, rb):
        W = numpy.zeros((BATCH, HEADS, SIZE, SIZE), k.dtype)
        y = numpy.zeros((BATCH, HEADS, SIZE), k.dtype)
        outputs = numpy.empty_like(k)
        for t in range(TIME):
            r = numpy.tanh(y)
            key = softmax(k[:, :, t] + apply(Rk, r))
            query = softmax(q[:, :, t] + apply(Rq, r))
            rate = sigmoid(b[:, :, t] + (rb * r).sum(-1))
            change = rate[..., None] * (v[:, :, t] + apply(Rv, r) - apply(W, key))
            W = W + change[..., None] * key[..., None, :]
            y = outputs[:, :, t] = apply(W, query)
        return outputs

    def referential(x, W):
        W = numpy.broadcast_to(W, (BATCH, HEADS, ROWS, SIZE))
        block = numpy.repeat(numpy.arange(4), [SIZE, SIZE, SIZE, 4])
        outputs = numpy.empty_like(x)
        for t in range(TIME):
            y, q, k, b = numpy.split(apply(W, softmax(x[:, :, t])), [SIZE, 2 * SIZE, 3 * SIZE], -1)
            key = softmax(k)
            change = sigmoid(b)[..., block] * (apply(W, softmax(q)) - apply(W, key))
            W = W + change[..., None] * key[..., None, :]
            outputs[:, :, t] = y
        return outputs

    form = {"recurrent": recurrent, "referential": referential}[rule]

    def forward():
        return form(*inputs.values())

    def check():
        return writer(files, rule, {"y": forward()})

    return {"forward": forward}, check, {"numpy": numpy.__version__}


def prepare(given):
    rule, library = given.peer.split("-")
    files = Files(given.data)
    if library == "torch":
        return torch_peer(given, files, rule)
    return jax_peer(files, rule) if library == "jax" else numpy_peer(files, rule)


if __name__ == "__main__":
    serve(prepare)
