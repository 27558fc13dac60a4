/** The plane: D as a heat map, data, samples, the image of the grid of z, and arrows. */

import {
  createRamp,
  createScale,
  drawArrow,
  drawMark,
  drawPath,
  findTicks,
  formatTick,
  openCanvas,
} from "./canvas.js";

const MARGIN = { left: 30, right: 6, top: 6, bottom: 22 };

/** Fewer expected draws than this of 4,000 data and as many samples: nobody is there. */
const EMPTY = 0.5 / 4000;

/** An arrow is this part of the window long for a slope of 1, and at most CAP of it. */
const REACH = 0.08;
const CAP = 0.14;

/** Scales of a square plot on a canvas; `units` turn what players see into the user's units. */
function layOut({ width, height }, window) {
  return {
    x: createScale(window[0], [MARGIN.left, width - MARGIN.right]),
    y: createScale(window[1], [height - MARGIN.bottom, MARGIN.top]),
  };
}

/** Draw one number for each of `cells` x `cells` parts of a window as a heat map; `opacity` hides
 * cells. */
function drawHeat(context, scales, { cells, window }, values, ramp, opacity) {
  const image = new ImageData(cells, cells);
  for (let cell = 0; cell < cells * cells; cell += 1) {
    const row = cells - 1 - Math.floor(cell / cells);
    const at = 4 * (row * cells + (cell % cells));
    const [r, g, b] = ramp[Math.round(255 * values[cell])] ?? ramp[128];
    image.data.set([r, g, b, 255 * (opacity ? opacity(cell) : 1)], at);
  }
  const small = new OffscreenCanvas(cells, cells);
  small.getContext("2d").putImageData(image, 0, 0);
  const [left, right] = window[0].map(scales.x);
  const [bottom, top] = window[1].map(scales.y);
  context.imageSmoothingEnabled = !opacity;
  context.drawImage(small, left, top, right - left, bottom - top);
}

/** Draw D: in the middle of each cell, and finer where it is known halfway between these too. */
function drawD(context, scales, { grid, D, fineD }, ramp) {
  drawHeat(context, scales, grid, D, ramp, null);
  if (!fineD) return;
  const window = grid.window.map(([low, high]) => {
    const quarter = (high - low) / grid.cells / 4;
    return [low + quarter, high - quarter];
  });
  drawHeat(context, scales, { cells: 2 * grid.cells - 1, window }, fineD, ramp, null);
}

function drawAxes(context, scales, frame, colours, units) {
  const [left, right] = frame.grid.window[0].map(scales.x);
  const [bottom, top] = frame.grid.window[1].map(scales.y);
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.strokeRect(left, top, right - left, bottom - top);
  context.fillStyle = colours.soft;
  context.textAlign = "center";
  const range = (axis) => frame.grid.window[axis].map((value) => units.show(value, axis));
  for (const tick of findTicks(range(0))) {
    const place = scales.x(units.hide(tick, 0));
    if (place > left + 8 && place < right - 8)
      context.fillText(formatTick(tick), place, bottom + 15);
  }
  context.textAlign = "right";
  for (const tick of findTicks(range(1))) {
    const place = scales.y(units.hide(tick, 1));
    if (place > top + 4 && place < bottom - 4)
      context.fillText(formatTick(tick), left - 4, place + 4);
  }
}

/** Name the axes, inside the plot, if they have names. */
function nameAxes(context, scales, frame, colours, names) {
  if (!names) return;
  const right = scales.x(frame.grid.window[0][1]);
  const bottom = scales.y(frame.grid.window[1][0]);
  context.fillStyle = colours.text;
  context.textAlign = "right";
  context.fillText(`${names[0]} →`, right - 6, bottom - 8);
  context.textAlign = "left";
  context.fillText(`↑ ${names[1]}`, scales.x(frame.grid.window[0][0]) + 6, MARGIN.top + 16);
}

/** Draw data and samples in turn, so that where both are neither covers the other. */
function drawMarks(context, scales, kinds, colours) {
  const most = Math.max(0, ...Object.values(kinds).map((points) => points.length));
  for (let at = 0; at < most; at += 2) {
    for (const [kind, points] of Object.entries(kinds)) {
      if (at >= points.length) continue;
      drawMark(context, kind, scales.x(points[at]), scales.y(points[at + 1]), 2.4, colours);
    }
  }
}

/** Draw where G sends the lines of the grid of z. */
function drawLattice(context, scales, { image, along }, colours) {
  for (let start = 0; start < image.length; start += 2 * along) {
    const line = Array.from({ length: along }, (_, at) => at);
    const xs = line.map((at) => scales.x(image[start + 2 * at]));
    const ys = line.map((at) => scales.y(image[start + 2 * at + 1]));
    drawPath(context, xs, ys, { colour: colours.text, width: 0.7 });
  }
}

/** Draw where each sample is pulled. */
function drawPulls(context, scales, { samples, pulls, grid }, colours) {
  const size = grid.window[0][1] - grid.window[0][0];
  for (let at = 0; at < pulls.length; at += 2) {
    const slope = Math.hypot(pulls[at], pulls[at + 1]);
    if (!(slope > 0)) continue;
    const length = (size * Math.min(CAP, REACH * slope)) / slope;
    const from = [samples[at], samples[at + 1]];
    const to = [from[0] + length * pulls[at], from[1] + length * pulls[at + 1]];
    const place = ([x, y]) => [scales.x(x), scales.y(y)];
    drawArrow(context, place(from), place(to), { colour: colours.text });
  }
}

/** Draw D and what both players made. */
export function drawPlane(canvas, frame, { colours, layers, units, emphasis }) {
  const { context, ...size } = openCanvas(canvas);
  const scales = layOut(size, frame.grid.window);
  if (frame.D) drawD(context, scales, frame, createRamp(colours));
  clip(context, scales, frame, () => {
    if (layers.lattice && frame.lattice) drawLattice(context, scales, frame.lattice, colours);
    const data = layers.data ? (emphasis?.x ?? frame.x) : [];
    const samples = layers.samples ? (emphasis?.Gz ?? frame.samples) : [];
    drawMarks(context, scales, { data, samples }, colours);
    if (layers.pulls) drawPulls(context, scales, frame, colours);
  });
  drawAxes(context, scales, frame, colours, units);
  nameAxes(context, scales, frame, colours, units.names);
  return scales;
}

/** Draw D*, which is nothing where neither data nor samples are. */
export function drawBestPlane(canvas, frame, { colours, units }) {
  const { context, ...size } = openCanvas(canvas);
  const scales = layOut(size, frame.grid.window);
  const isEmpty = (cell) => frame.pData[cell] + frame.pG[cell] < EMPTY;
  const opacity = (cell) => (isEmpty(cell) ? 0 : 1);
  drawHeat(context, scales, frame.grid, frame.bestD, createRamp(colours), opacity);
  drawAxes(context, scales, frame, colours, units);
  nameAxes(context, scales, frame, colours, units.names);
}

function clip(context, scales, frame, draw) {
  const [left, right] = frame.grid.window[0].map(scales.x);
  const [bottom, top] = frame.grid.window[1].map(scales.y);
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  draw();
  context.restore();
}
