"""The Delta Net language model of language_model.fwp: width 256, 4 blocks, 4 heads of 64, 256 tokens.

Peers: step-eager, step-compile (a training step: batch 8, 256 steps, AdamW); token-eager (one token, batch 1, the state
carried).
"""

from delta import torch_form
from worker import serve, torch_with

VOCAB, WIDTH, HEADS, DEPTH, BATCH, TIME, CHUNK = 256, 256, 4, 4, 8, 256, 32
SIZE = WIDTH // HEADS


def model_class(torch):
    nn, F = torch.nn, torch.nn.functional

    by_chunks = torch_form(torch, CHUNK)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before = nn.LayerNorm(WIDTH)
            self.after = nn.LayerNorm(WIDTH)
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
            self.rate = nn.Linear(WIDTH, HEADS)
            self.out = nn.Linear(WIDTH, WIDTH, bias=False)
            self.up = nn.Linear(WIDTH, 4 * WIDTH)
            self.down = nn.Linear(4 * WIDTH, WIDTH)

        def slow(self, x):
            """Query, key, value [.., 3, heads, size] and rate of what the slow net sees."""
            h = self.before(x)
            made = self.qkv(h).unflatten(-1, (3, HEADS, SIZE))
            q, k, v = made.unbind(-3)
            q, k = F.normalize(F.silu(q), dim=-1), F.normalize(F.silu(k), dim=-1)
            return q, k, v, self.rate(h).sigmoid()

        def finish(self, x, y):
            x = x + self.out(y)
            return x + self.down(F.relu(self.up(self.after(x))))

        def forward(self, x):
            q, k, v, rate = self.slow(x)
            y = by_chunks(*(z.transpose(1, 2) for z in (q, k, v, rate)))
            return self.finish(x, y.transpose(1, 2).flatten(-2))

        def token(self, x, state):
            """One token of one sequence; the state [heads, key, value] is changed in place."""
            q, k, v, rate = self.slow(x)
            error = rate[:, None] * (v - torch.einsum("hk,hkv->hv", k, state))
            state += k[:, :, None] * error[:, None, :]
            y = torch.einsum("hk,hkv->hv", q, state) * SIZE**-0.5
            return self.finish(x, y.flatten())

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCAB, WIDTH)
            self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
            self.norm = nn.LayerNorm(WIDTH)
            self.logits = nn.Linear(WIDTH, VOCAB)

        def forward(self, tokens):
            x = self.embedding(tokens)
            for block in self.blocks:
                x = block(x)
            return self.logits(self.norm(x))

        def token(self, token, states):
            x = self.embedding(token)
            for block, state in zip(self.blocks, states):
                x = block.token(x, state)
            return self.logits(self.norm(x))

    return Model


def training(torch, compiled):
    model = model_class(torch)()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    tokens = torch.randint(0, VOCAB, (BATCH, TIME + 1))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)
    run = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        logits = run(inputs)
        torch.nn.functional.cross_entropy(logits.reshape(-1, VOCAB), targets).backward()
        optimizer.step()

    for _ in range(3):
        step()
    return model, {"both": step}


def streaming(torch):
    model = model_class(torch)().eval()
    states = [torch.zeros(HEADS, SIZE, SIZE) for _ in range(DEPTH)]
    tokens = torch.randint(0, VOCAB, (64,))
    at = [0]

    def token():
        with torch.inference_mode():
            model.token(tokens[at[0] % 64], states)
        at[0] += 1

    # The token by token way computes what the whole sequence does.
    with torch.inference_mode():
        whole = model(tokens[None])[0]
        one = torch.stack([model.token(t, states) for t in tokens])
        off = ((one - whole).square().mean() / whole.square().mean()).sqrt().item()
        for state in states:
            state.zero_()
    if not off < 1e-4:
        raise ValueError(f"token by token and whole sequence differ by {off:.1e}")
    return model, {"token": token}


def prepare(given):
    torch = torch_with(given.threads)
    kind, how = given.peer.split("-")
    made = training(torch, how == "compile") if kind == "step" else streaming(torch)
    model, ways = made
    count = sum(p.numel() for p in model.parameters())
    return ways, None, {"torch": torch.__version__, "parameters": count}


if __name__ == "__main__":
    serve(prepare)
