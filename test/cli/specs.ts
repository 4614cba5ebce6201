/** Small specs that the tests of the command line run. */

/** Two heads, a learned first state, a state that does not start at zero. */
export const DELTA = `import std.maps
import std.instructions

/// A small delta net.
layer Delta(heads = 2, key = 3, rule: instruction = delta, phi: map = elu1) {
  in x: [width]
  slow net {
    k: [heads, key] = linear(x, bias: false)
    v: [heads, key] = linear(x)
    rate: [heads] = sigmoid(linear(x))
  }
  fast net { W: [heads, key, key] = learned normal(0, 0.5) }
  program { W <- rule(W, key: phi(k), value: v, rate: rate) }
  out y: [width] = linear(W @ phi(k), bias: false)
}
`;

/** Softmax attention: states that grow. */
export const ATTENTION = `layer Attention(key = 3) {
  in x: [width]
  slow net {
    k: [key] = linear(x)
    v: [key] = linear(x)
    q: [key] = linear(x)
  }
  fast net {
    K: [past, key] = empty
    V: [past, key] = empty
  }
  program {
    K <- append(K, k)
    V <- append(V, v)
  }
  a = softmax(K @ q)
  out y: [width] = linear(einsum(a[t], V[t, h] -> [h]))
}
`;

export const TOKENS = `model Words(vocab = 5, width = 4) {
  in tokens: token[vocab]
  x = embed(tokens, width)
  out logits: [vocab] = linear(x)
}
`;
