/** Columns as pairs of bars, and pairs of columns as squares. */

import { createRamp, drawPath, formatTick, openCanvas } from "./canvas.js";

/** Height of a word's pair of bars. */
export const WORD = 26;

/** Room for the words, and around histograms. */
const WORDS = 110;
const LINE = 14;
const MARGIN = { left: 6, right: 8, top: 6, bottom: 20 };

/** Draw the shares of words, a pair of bars each: data above samples. */
export function drawWords(canvas, { labels, data, samples }, colours) {
  const { context, width } = openCanvas(canvas);
  const room = width - WORDS - 52;
  const largest = Math.max(...data, ...samples, 1e-9);
  labels.forEach((label, at) => {
    const top = at * WORD;
    context.fillStyle = colours.text;
    context.textAlign = "right";
    context.fillText(shorten(context, label, WORDS - 8), WORDS - 8, top + 16);
    context.textAlign = "left";
    for (const [row, side, share] of [
      [0, "data", data[at]],
      [1, "samples", samples[at]],
    ]) {
      const length = Math.max((room * share) / largest, share > 0 ? 1 : 0);
      context.fillStyle = colours[side];
      context.fillRect(WORDS, top + 3 + 10 * row, length, 9);
    }
    context.fillStyle = colours.soft;
    context.font = "11px system-ui, sans-serif";
    const longest = WORDS + (room * Math.max(data[at], samples[at])) / largest + 5;
    context.fillText(formatShares(data[at], samples[at]), longest, top + 17);
    context.font = "12px system-ui, sans-serif";
  });
}

function formatShares(data, samples) {
  const percent = (share) => (100 * share).toFixed(share < 0.0995 ? 1 : 0);
  return `${percent(data)} | ${percent(samples)}`;
}

/** Draw histograms: data filled, samples as narrower bars in front of it, other bars at the right. */
export function drawHistogram(canvas, { labels, data, samples, edges }, colours) {
  const { context, width, height } = openCanvas(canvas);
  const intervals = edges.length - 1;
  const extra = data.length - intervals;
  const floor = height - MARGIN.bottom - (extra ? LINE : 0);
  const step = (width - MARGIN.left - MARGIN.right) / (data.length + (extra ? 0.6 : 0));
  const largest = Math.max(...data, ...samples, 1e-9);
  const place = (at) => MARGIN.left + step * (at + (at >= intervals && extra ? 0.6 : 0));
  data.forEach((share, at) => {
    const tall = (value) => ((floor - MARGIN.top) * value) / largest;
    const half = Math.max(1, step / 2 - 0.5);
    context.fillStyle = colours.data;
    context.fillRect(place(at), floor - tall(share), half, tall(share));
    context.fillStyle = colours.samples;
    context.fillRect(place(at) + half, floor - tall(samples[at]), half, tall(samples[at]));
  });
  const right = place(intervals - 1) + step;
  drawPath(context, [MARGIN.left, right], [floor, floor], { colour: colours.soft, width: 1 });
  context.fillStyle = colours.soft;
  context.textAlign = "left";
  context.fillText(labels[0], MARGIN.left, floor + 15);
  context.textAlign = "right";
  context.fillText(labels[intervals], right, floor + 15);
  if (extra) context.fillText(labels.at(-1), width - MARGIN.right, floor + 15 + LINE);
}

/** Draw a pair of columns: a square for each cell, as large as its share of data and samples, in
 * the colour of data/(data + samples). */
export function drawPair(canvas, { labels, data, samples }, colours) {
  const { context, width, height } = openCanvas(canvas);
  const [rows, columns] = labels;
  const margin = { left: Math.min(132, width * 0.4), bottom: 64, top: 4, right: 4 };
  const stepX = (width - margin.left - margin.right) / columns.length;
  const stepY = (height - margin.top - margin.bottom) / rows.length;
  const ramp = createRamp(colours);
  const largest = Math.max(...data.flat().map((share, at) => share + samples.flat()[at]), 1e-9);
  context.font = "11px system-ui, sans-serif";
  rows.forEach((label, i) => {
    const y = margin.top + (i + 0.5) * stepY;
    context.fillStyle = colours.text;
    context.textAlign = "right";
    context.fillText(shorten(context, label, margin.left - 10), margin.left - 6, y + 4);
    columns.forEach((_, j) => {
      const total = data[i][j] + samples[i][j];
      if (!(total > 0)) return;
      const side = Math.max(2, Math.min(stepX, stepY) * Math.sqrt(total / largest) * 0.96);
      const [r, g, b] = ramp[Math.round((255 * data[i][j]) / total)];
      context.fillStyle = `rgb(${r}, ${g}, ${b})`;
      const x = margin.left + (j + 0.5) * stepX;
      context.fillRect(x - side / 2, y - side / 2, side, side);
    });
  });
  const bottom = height - margin.bottom;
  columns.forEach((label, j) => {
    context.save();
    context.translate(margin.left + (j + 0.5) * stepX + 4, bottom + 12);
    context.rotate(-Math.PI / 5);
    context.fillStyle = colours.text;
    context.textAlign = "right";
    context.fillText(shorten(context, label, 84), 0, 0);
    context.restore();
  });
}

/** Cut a text to a width. */
function shorten(context, text, width) {
  let short = String(text);
  if (context.measureText(short).width <= width) return short;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) {
    short = short.slice(0, -1);
  }
  return `${short}…`;
}

/** Write a difference in percent. */
export function formatPercent(share) {
  return `${formatTick(Number((100 * share).toFixed(1)))} %`;
}
