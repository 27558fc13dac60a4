/** Gradient steps: Adam as optax.adam (Kingma & Ba 2015), and plain descent as optax.sgd. */

import { zeroGradient } from "./networks.js";

const SECOND = 0.999;
const EPSILON = 1e-8;

/** What Adam remembers before its first step. */
export function startOptimiser(network) {
  return { mean: zeroGradient(network), square: zeroGradient(network), steps: 0 };
}

/** Change the parameters of a network by one step down the gradient. `rule` has `name` (adam or
 * sgd), `rate` and `first`, the rate at which Adam forgets gradients. */
export function descend(network, gradient, memory, rule) {
  memory.steps += 1;
  for (const kind of ["weights", "biases"]) {
    network[kind].forEach((values, layer) => {
      if (network.frozen?.[kind]) return;
      const slopes = gradient[kind][layer];
      if (rule.name === "sgd") {
        for (let at = 0; at < values.length; at += 1) values[at] -= rule.rate * slopes[at];
      } else {
        stepAdam(values, slopes, memory.mean[kind][layer], memory.square[kind][layer], {
          ...rule,
          unbiasMean: 1 - rule.first ** memory.steps,
          unbiasSquare: 1 - SECOND ** memory.steps,
        });
      }
    });
  }
}

function stepAdam(values, slopes, mean, square, rule) {
  for (let at = 0; at < values.length; at += 1) {
    mean[at] = rule.first * mean[at] + (1 - rule.first) * slopes[at];
    square[at] = SECOND * square[at] + (1 - SECOND) * slopes[at] ** 2;
    const scale = Math.sqrt(square[at] / rule.unbiasSquare) + EPSILON;
    values[at] -= (rule.rate * mean[at]) / rule.unbiasMean / scale;
  }
}

/** The norm of a gradient, all parameters together. */
export function norm(gradient) {
  const squares = [...gradient.weights, ...gradient.biases].map((values) =>
    values.reduce((sum, value) => sum + value ** 2, 0),
  );
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
}
