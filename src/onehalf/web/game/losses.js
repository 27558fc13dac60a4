/** The losses of src/onehalf/losses.py: what D and G descend, from logits alone, with their
 * derivatives. All are means over the minibatch. */

/** log(1 + e^d), without overflow. */
export function softplus(d) {
  return Math.max(d, 0) + Math.log1p(Math.exp(-Math.abs(d)));
}

/** 1/(1 + e^-d), without overflow. */
export function sigmoid(d) {
  if (d >= 0) return 1 / (1 + Math.exp(-d));
  const small = Math.exp(d);
  return small / (1 + small);
}

/** V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))], in nats; formula (1) of the derivation. */
export function value(dX, dGz) {
  let sum = 0;
  for (let index = 0; index < dX.length; index += 1) {
    sum -= softplus(-dX[index]) + softplus(dGz[index]);
  }
  return sum / dX.length;
}

/** D as in the minimax game, which half of the losses share. */
const ascendV = {
  value: (x, g) => softplus(-x) + softplus(g),
  byX: (x) => -sigmoid(-x),
  byGz: (x, g) => sigmoid(g),
};

/** G descends -E[d(G(z))], as in three of the losses. */
const raiseLogit = { value: (x, g) => -g, byGz: () => -1 };

/** Above this logit the exponential of maximum likelihood is continued by its tangent. */
const CEILING = 20;

/** By the library's names: for each player the loss of one pair (d(x), d(G(z))), and its
 * derivatives by either. */
export const LOSSES = {
  minimax: {
    D: ascendV,
    G: { value: (x, g) => -softplus(g), byGz: (x, g) => -sigmoid(g) },
  },
  non_saturating: {
    D: ascendV,
    G: { value: (x, g) => softplus(-g), byGz: (x, g) => -sigmoid(-g) },
  },
  maximum_likelihood: {
    D: ascendV,
    G: {
      value: (x, g) => -Math.exp(Math.min(g, CEILING)) * (1 + g - Math.min(g, CEILING)),
      byGz: (x, g) => -Math.exp(Math.min(g, CEILING)),
    },
  },
  least_squares: {
    D: {
      value: (x, g) => ((x - 1) ** 2 + (g + 1) ** 2) / 2,
      byX: (x) => x - 1,
      byGz: (x, g) => g + 1,
    },
    G: { value: (x, g) => g ** 2 / 2, byGz: (x, g) => g },
  },
  hinge: {
    D: {
      value: (x, g) => Math.max(0, 1 - x) + Math.max(0, 1 + g),
      byX: (x) => (x < 1 ? -1 : 0),
      byGz: (x, g) => (g > -1 ? 1 : 0),
    },
    G: raiseLogit,
  },
  wasserstein: {
    D: { value: (x, g) => g - x, byX: () => -1, byGz: () => 1 },
    G: raiseLogit,
  },
  relativistic: {
    D: {
      value: (x, g) => softplus(g - x),
      byX: (x, g) => -sigmoid(g - x),
      byGz: (x, g) => sigmoid(g - x),
    },
    G: { value: (x, g) => softplus(x - g), byGz: (x, g) => -sigmoid(x - g) },
  },
};

/** The mean loss of one player over pairs of logits. */
export function meanLoss(loss, dX, dGz) {
  let sum = 0;
  for (let index = 0; index < dX.length; index += 1) {
    sum += loss.value(dX[index], dGz[index]);
  }
  return sum / dX.length;
}

/** The derivative of the mean loss by each logit: `side` is "byX" or "byGz". */
export function lossSlopes(loss, side, dX, dGz) {
  const n = dX.length;
  return Float64Array.from({ length: n }, (_, at) => loss[side](dX[at], dGz[at]) / n);
}
