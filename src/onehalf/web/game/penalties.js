/** The penalties of src/onehalf/penalties.py: what D pays for being steep. Each acts on the
 * gradient of the logit by one example; `shares` are uniform numbers for the points between. */

import { addTangentGradient, backward, forward } from "./networks.js";

/** By the library's names: where the slope is taken, and what is paid for a squared norm s:
 * `paid` and its derivative by s. */
const KINDS = {
  R1: { at: (x) => x, paid: (s) => s / 2, byS: () => 1 / 2 },
  R2: { at: (x, Gz) => Gz, paid: (s) => s / 2, byS: () => 1 / 2 },
  gradient_penalty: {
    at: mix,
    paid: (s) => (Math.sqrt(s) - 1) ** 2,
    byS: (s) => (s > 0 ? 1 - 1 / Math.sqrt(s) : 0),
  },
};

/** The penalties that each choice of the page stands for. */
export const PENALTIES = {
  none: [],
  R1: ["R1"],
  R2: ["R2"],
  R1_R2: ["R1", "R2"],
  gradient_penalty: ["gradient_penalty"],
};

/** Points on the segments between data and samples; `shares` are the data's. */
function mix(x, Gz, shares) {
  const dim = x.length / shares.length;
  return x.map((value, at) => {
    const share = shares[Math.floor(at / dim)];
    return share * value + (1 - share) * Gz[at];
  });
}

/** Add the gradient of one penalty to D's gradient, and return its value. */
export function addPenalty(name, gamma, D, x, Gz, shares, gradient) {
  const { at, paid, byS } = KINDS[name];
  const points = at(x, Gz, shares);
  const dim = D.sizes[0];
  const n = points.length / dim;
  const pass = forward(D, points, n);
  const slopes = backward(D, pass, new Float64Array(n).fill(1));
  let sum = 0;
  for (let row = 0; row < n; row += 1) {
    let square = 0;
    for (let j = 0; j < dim; j += 1) square += slopes[row * dim + j] ** 2;
    sum += paid(square);
    const factor = (2 * gamma * byS(square)) / n;
    for (let j = 0; j < dim; j += 1) slopes[row * dim + j] *= factor;
  }
  addTangentGradient(D, pass, slopes, gradient);
  return (gamma * sum) / n;
}
