/** The line: Figure 1 of Goodfellow et al. 2014. Above, p_data, p_g, D and D*; below, arrows that
 * carry the noise z to G(z). */

import {
  createScale,
  drawArrow,
  drawPath,
  findTicks,
  formatTick,
  openCanvas,
} from "./canvas.js";

const MARGIN = { left: 34, right: 40, top: 10, bottom: 24 };

/** The part of the height that the arrows from z take. */
const ARROWS = 0.28;

/** Noises whose arrows are drawn. */
const NOISES = 31;

const REACH = 0.05;
const CAP = 0.1;

/** Draw the figure; without D, D* or the lattice of a frame, the rest of it. */
export function drawLine(canvas, frame, { colours, layers, units }) {
  const { context, width, height } = openCanvas(canvas);
  const { grid } = frame;
  const hasNoise = Boolean(frame.lattice);
  const floor = height - MARGIN.bottom - (hasNoise ? ARROWS * height : 0);
  const x = createScale(grid.window[0], [MARGIN.left, width - MARGIN.right]);
  const D = createScale([0, 1], [floor, MARGIN.top]);
  const centres = Array.from({ length: grid.count }, (_, cell) =>
    x(grid.window[0][0] + (cell + 0.5) * grid.steps[0]),
  );
  const peak = frame.peak ?? Math.max(...frame.pData.slice(0, -1)) * 1.35;
  const mass = (masses) => centres.map((_, cell) => D(masses[cell] / peak));
  drawTicks(context, { x, D, floor, width }, frame, colours, units);
  context.save();
  context.beginPath();
  context.rect(
    MARGIN.left,
    MARGIN.top - 2,
    width - MARGIN.left - MARGIN.right,
    floor - MARGIN.top + 4,
  );
  context.clip();
  if (layers.data) fillUnder(context, centres, mass(frame.pData), floor, colours.data);
  if (layers.samples) {
    drawPath(context, centres, mass(frame.pG), { colour: colours.samples, width: 2.2 });
  }
  context.restore();
  const isThere = (cell) => frame.pData[cell] + frame.pG[cell] > 1e-6;
  if (frame.bestD) {
    const best = centres.map((_, cell) => (isThere(cell) ? D(frame.bestD[cell]) : NaN));
    drawPath(context, centres, best, { colour: colours.band, width: 2.4, dash: [2, 4] });
  }
  if (frame.D) {
    drawPath(context, centres, [...frame.D].map(D), { colour: colours.text, width: 1.8 });
  }
  if (layers.pulls) drawPulls(context, x, floor, frame, colours);
  if (hasNoise) drawNoise(context, { x, floor, height }, frame, colours, layers.lattice);
}

function drawTicks(context, { x, D, floor, width }, frame, colours, units) {
  const [left, right] = frame.grid.window[0].map(x);
  drawPath(context, [left, right], [D(0.5), D(0.5)], { colour: colours.half, width: 1 });
  drawPath(context, [left, right], [floor, floor], { colour: colours.soft, width: 1 });
  context.fillStyle = colours.soft;
  context.textAlign = "left";
  for (const [value, name] of [
    [0, "0"],
    [0.5, "½"],
    [1, "1"],
  ]) {
    context.fillText(name, width - MARGIN.right + 6, D(value) + 4);
  }
  context.fillText("D", width - 14, D(0.5) + 4);
  context.textAlign = "center";
  const range = frame.grid.window[0].map((value) => units.show(value, 0));
  for (const tick of findTicks(range, 7)) {
    context.fillText(formatTick(tick), x(units.hide(tick, 0)), floor + 15);
  }
  context.fillText("x", left - 14, floor + 4);
  if (units.names) {
    context.textAlign = "right";
    context.fillText(`x: ${units.names[0]}`, right, MARGIN.top + 12);
  }
}

function fillUnder(context, xs, ys, floor, colour) {
  context.beginPath();
  context.moveTo(xs[0], floor);
  xs.forEach((place, at) => context.lineTo(place, ys[at]));
  context.lineTo(xs[xs.length - 1], floor);
  context.globalAlpha = 0.35;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
  drawPath(context, xs, ys, { colour, width: 2 });
}

/** Draw where samples are pulled, above the axis. */
function drawPulls(context, x, floor, { samples, pulls, grid }, colours) {
  const size = grid.window[0][1] - grid.window[0][0];
  for (let at = 0; at < Math.min(24, pulls.length); at += 1) {
    const reach = Math.max(-CAP, Math.min(CAP, REACH * pulls[at])) * size;
    const y = floor - 6 - (at % 4) * 6;
    if (samples[at] < grid.window[0][0] || samples[at] > grid.window[0][1]) continue;
    drawArrow(context, [x(samples[at]), y], [x(samples[at] + reach), y], {
      colour: colours.text,
    });
  }
}

/** Draw the line of z below, and where G carries it. */
function drawNoise(context, { x, floor, height }, frame, colours, hasArrows) {
  const { z, image } = frame.lattice;
  const bottom = height - MARGIN.bottom;
  const [left, right] = frame.grid.window[0].map(x);
  const ofZ = createScale([z[0] * 1.15, z[z.length - 1] * 1.15], [left, right]);
  drawPath(context, [left, right], [bottom, bottom], { colour: colours.soft, width: 1 });
  context.fillStyle = colours.soft;
  context.textAlign = "center";
  for (const tick of findTicks([z[0], z[z.length - 1]], 5)) {
    context.fillText(formatTick(tick), ofZ(tick), bottom + 15);
  }
  context.fillText("z", left - 14, bottom + 4);
  if (!hasArrows) return;
  const step = (z.length - 1) / (NOISES - 1);
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  for (let at = 0; at < z.length; at += step) {
    const to = [x(image[Math.round(at)]), floor + 20];
    drawArrow(context, [ofZ(z[Math.round(at)]), bottom - 2], to, {
      colour: colours.samples,
      width: 1,
    });
  }
  context.restore();
}
