/** One step of either player, as in the alternating schedule of src/onehalf/training.py. */

import { LOSSES, lossSlopes, meanLoss } from "./losses.js";
import { backward, forward, zeroGradient } from "./networks.js";
import { PENALTIES, addPenalty } from "./penalties.js";

/** D's loss and its gradient on m data and m samples: formula (41), penalties included. */
export function gradientD(D, x, Gz, rules, shares) {
  const m = x.length / D.sizes[0];
  const loss = LOSSES[rules.loss].D;
  const passX = forward(D, x, m);
  const passGz = forward(D, Gz, m);
  const gradient = zeroGradient(D);
  backward(D, passX, lossSlopes(loss, "byX", passX.output, passGz.output), gradient);
  backward(D, passGz, lossSlopes(loss, "byGz", passX.output, passGz.output), gradient);
  let paid = 0;
  for (const name of PENALTIES[rules.penalty]) {
    paid += addPenalty(name, rules.gamma, D, x, Gz, shares, gradient);
  }
  const lossD = meanLoss(loss, passX.output, passGz.output) + paid;
  return { loss: lossD, gradient, dX: passX.output, dGz: passGz.output };
}

/** G's loss and its gradient on m noises: formula (42) or (43), by the loss. */
export function gradientG(G, D, x, z, rules) {
  const m = z.length / G.sizes[0];
  const loss = LOSSES[rules.loss].G;
  const passG = forward(G, z, m);
  const dX = forward(D, x, m).output;
  const passD = forward(D, passG.output, m);
  const gradient = zeroGradient(G);
  const pull = backward(D, passD, lossSlopes(loss, "byGz", dX, passD.output));
  if (!G.map) backward(G, passG, pull, gradient);
  return { loss: meanLoss(loss, dX, passD.output), gradient };
}

/** Minus the derivative of G's loss by each sample: where the sample is pulled, for one sample
 * in the mean. */
export function pullSamples(D, x, Gz, rules) {
  const m = Gz.length / D.sizes[0];
  const loss = LOSSES[rules.loss].G;
  const pass = forward(D, Gz, m);
  const slopes = lossSlopes(loss, "byGz", forward(D, x, m).output, pass.output);
  return backward(
    D,
    pass,
    slopes.map((slope) => -m * slope),
  );
}
