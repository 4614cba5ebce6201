"""A training step of associative retrieval (specs/retrieval.fwp): 40 keys, batch 32, Adam.

Peers: capacity-parallel (setting 1: 40 pairs, additive memory of DPFP features, all pairs at once), updates-steps and
updates-solve (setting 2: 80 pairs, the delta rule, step after step or through one triangular system).
"""

from worker import serve, torch_with

PAIRS, BATCH, SIZE = 40, 32, 64
UNITS = int(1.1 * 2 * PAIRS)


def prepare(given):
    torch = torch_with(given.threads)
    nn = torch.nn
    setting, form = given.peer.split("-")
    length = PAIRS if setting == "capacity" else 2 * PAIRS

    def dpfp(x):
        r = torch.relu(torch.cat((x, -x), -1))
        return r * torch.roll(r, 1, -1)

    def sum_norm(x):
        return x / (x.sum(-1, keepdim=True) + 1e-6)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(PAIRS, UNITS)
            self.key = nn.Linear(PAIRS + UNITS, SIZE, bias=False)
            self.query = nn.Linear(UNITS, SIZE, bias=False)
            if setting == "updates":
                self.rate = nn.Linear(PAIRS + UNITS, 1, bias=False)

        def forward(self, keys, values, query):
            x = torch.cat((values, self.embedding(keys)), -1)
            k, q = dpfp(self.key(x)), dpfp(self.query(self.embedding(query)))
            if setting == "capacity":
                weight = torch.einsum("btk,bk->bt", k, q)
                answer = torch.einsum("bt,btv->bv", weight, values)
                return answer / (weight.sum(-1, keepdim=True) + 1e-6)
            k, q, rate = sum_norm(k), sum_norm(q), torch.sigmoid(self.rate(x))
            if form == "solve":
                weighted = rate * k
                system = torch.tril(weighted @ k.mT, -1)
                written = torch.linalg.solve_triangular(
                    system, rate * values, upper=False, unitriangular=True
                )
                return torch.einsum("bt,btv->bv", torch.einsum("btk,bk->bt", k, q), written)
            W = values.new_zeros(BATCH, PAIRS, k.shape[-1])
            for t in range(length):
                key = k[:, t, :, None]
                error = rate[:, t, :, None] * (values[:, t, :, None] - W @ key)
                W = W + error @ key.mT
            return (W @ q[..., None])[..., 0]

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    keys = torch.randint(0, PAIRS, (BATCH, length))
    drawn = torch.randint(0, PAIRS, (BATCH, length))
    values = nn.functional.one_hot(drawn, PAIRS).float()
    query, target = keys[:, 7].contiguous(), values[:, 7].contiguous()

    def step():
        optimizer.zero_grad(set_to_none=True)
        answer = model(keys, values, query)
        (0.5 * (answer - target).square().sum(-1).mean()).backward()
        optimizer.step()

    for _ in range(3):
        step()
    count = sum(p.numel() for p in model.parameters())
    return {"both": step}, None, {"torch": torch.__version__, "parameters": count}


if __name__ == "__main__":
    serve(prepare)
