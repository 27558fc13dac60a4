/** Canvases that are sharp on every screen, in the colours of the page. */

/** Read the colours of the style sheet, light or dark. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["text", "soft", "line", "back", "tile", "data", "samples", "band", "half"];
  names.push("run-0", "run-1", "run-2", "run-3");
  return Object.fromEntries(
    names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  );
}

/** Fit a canvas to its place on the page; returns its context, cleared, and its size. */
export function openCanvas(canvas) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.lineJoin = "round";
  return { context, width, height };
}

/** A map from numbers to pixels. */
export function createScale([low, high], [from, to]) {
  const factor = (to - from) / (high - low);
  const scale = (value) => from + (value - low) * factor;
  scale.invert = (pixel) => low + (pixel - from) / factor;
  return scale;
}

/** Four or so round numbers in a range. */
export function findTicks([low, high], about = 4) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) {
    ticks.push(Number(tick.toPrecision(12)));
  }
  return ticks;
}

/** Write a number for a tick: short, with a true minus sign. */
export function formatTick(value) {
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** Draw a line through points; one that is not finite breaks it. */
export function drawPath(context, xs, ys, { colour, width = 1.6, dash = [] }) {
  context.beginPath();
  let isDown = false;
  for (let at = 0; at < xs.length; at += 1) {
    const isGood = Number.isFinite(ys[at]);
    if (isGood && isDown) context.lineTo(xs[at], ys[at]);
    else if (isGood) context.moveTo(xs[at], ys[at]);
    isDown = isGood;
  }
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/** Draw an arrow, with a head as long as there is room. */
export function drawArrow(context, [x0, y0], [x1, y1], { colour, width = 1.2 }) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1.5) return;
  const head = Math.min(6, length * 0.5);
  const angle = Math.atan2(y1 - y0, x1 - x0);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(x1, y1);
    context.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn));
  }
  context.stroke();
}

/** The marks of data and samples differ in shape as well as in colour. */
export const MARKS = {
  data(context, x, y, size) {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
  },
  samples(context, x, y, size) {
    const r = size * 1.25;
    context.beginPath();
    context.moveTo(x, y - r);
    context.lineTo(x + r, y);
    context.lineTo(x, y + r);
    context.lineTo(x - r, y);
    context.closePath();
  },
};

/** Draw a mark with an edge that keeps it visible on any ground. */
export function drawMark(context, kind, x, y, size, colours) {
  MARKS[kind](context, x, y, size);
  context.fillStyle = colours[kind];
  context.fill();
  context.strokeStyle = colours.back;
  context.lineWidth = 0.8;
  context.stroke();
}

/** Mix two colours given as #rrggbb; returns [r, g, b]. */
export function mixColours(from, to, share) {
  const read = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const [start, end] = [read(from), read(to)];
  return start.map((value, at) => Math.round(value + (end[at] - value) * share));
}

/** The colours of D from 0 to 1 in 256 steps: samples, grey at 1/2, data. */
export function createRamp(colours) {
  return Array.from({ length: 256 }, (_, step) => {
    const D = step / 255;
    const side = D < 0.5 ? colours.samples : colours.data;
    return mixColours(colours.half, side, Math.abs(2 * D - 1));
  });
}
