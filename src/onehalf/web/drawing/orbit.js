/** The orbit of the Dirac-GAN: theta, where the sample is, and psi, the slope of D's logit. */

import { createScale, drawMark, drawPath, openCanvas } from "./canvas.js";

const MARGIN = 26;

/** Draw where both players have been. */
export function drawOrbit(canvas, frame, { colours }) {
  const { context, width, height } = openCanvas(canvas);
  const reach = 2.05;
  const side = Math.min(width, height);
  const x = createScale(
    [-reach, reach],
    [(width - side) / 2 + MARGIN, (width + side) / 2 - MARGIN],
  );
  const y = createScale([-reach, reach], [side - MARGIN, MARGIN]);
  for (const [xs, ys] of [
    [
      [-reach, reach],
      [0, 0],
    ],
    [
      [0, 0],
      [-reach, reach],
    ],
  ]) {
    drawPath(context, xs.map(x), ys.map(y), { colour: colours.line, width: 1 });
  }
  context.fillStyle = colours.soft;
  context.textAlign = "center";
  context.fillText("θ", x(reach) + 12, y(0) + 4);
  context.fillText("ψ", x(0), y(reach) - 8);
  for (const tick of [-2, -1, 1, 2]) {
    context.fillText(String(tick).replace("-", "−"), x(tick), y(0) + 15);
    context.fillText(String(tick).replace("-", "−"), x(0) - 12, y(tick) + 4);
  }
  const { trace } = frame;
  const xs = trace.map(([theta]) => x(theta));
  const ys = trace.map(([, psi]) => y(psi));
  drawPath(context, xs, ys, { colour: colours.samples, width: 1.4 });
  drawMark(context, "data", x(0), y(0), 4, colours);
  if (trace.length)
    drawMark(context, "samples", xs[xs.length - 1], ys[ys.length - 1], 6, colours);
}
