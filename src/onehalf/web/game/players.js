/** The players that the lab can start: networks, and the small ones of the theory. */

import { createNetwork } from "./networks.js";
import { Random } from "./random.js";

/** Maps of a line that no inverse undoes; they do not learn. */
const MAPS = { square: (z) => z * z, waves: (z) => 2 * Math.sin(2 * z) };

/** A linear map of one layer, of whose parameters those named in `frozen` do not learn. */
function createLinear(weights, bias, frozen = {}) {
  return {
    sizes: [weights.length, 1],
    activation: "relu",
    weights: [Float64Array.from(weights)],
    biases: [Float64Array.of(bias)],
    frozen,
  };
}

/** Start D: a network, a line a x + b (the form of d* between normal laws of equal spread), or
 * the slope psi x of the Dirac-GAN. */
export function startD(settings, dim) {
  if (settings.mapD === "slope") return createLinear([1], 0, { biases: true });
  if (settings.mapD === "line") return createLinear(new Array(dim).fill(0), 0);
  const hidden = new Array(settings.depthD).fill(settings.widthD);
  return createNetwork(
    new Random(settings.seed, "D"),
    [dim, ...hidden, 1],
    settings.activation,
  );
}

/** Start G: a network, z + theta, the point theta of the Dirac-GAN, or a fixed map. */
export function startG(settings, noiseDim, dim) {
  if (settings.mapG === "shift") return createLinear([1], settings.start, { weights: true });
  if (settings.mapG === "point") return createLinear([0], 1, { weights: true });
  if (settings.mapG !== "network") {
    const map = MAPS[settings.mapG];
    return { sizes: [1, 1], map: (z) => z.map(map), weights: [], biases: [] };
  }
  const hidden = new Array(settings.depthG).fill(settings.widthG);
  const sizes = [noiseDim, ...hidden, dim];
  return createNetwork(new Random(settings.seed, "G"), sizes, settings.activation);
}
