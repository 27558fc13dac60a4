/** Charts over rounds of one run or several: curves, marks with error bars, bands, and where the
 * replay is. */

import { createScale, drawPath, findTicks, openCanvas } from "./canvas.js";
import { MARGIN, drawFrame, drawNames } from "./chart.js";

/** How faint a curve is after the round that is shown. */
const FAINT = 0.3;

/** Draw a chart. What is after round `cursor` is faint.
 *
 * `curves` have t, values, colour, and maybe name, width, dash; `marks` have t, values, errors,
 * colour, and the round `kept`; `bands` have low, high, colour; `levels` have value, name, colour. */
export function drawSeries(canvas, chart) {
  const { curves, marks = [], bands = [], levels = [], last, cursor, colours } = chart;
  const { context, width, height } = openCanvas(canvas);
  const x = createScale([0, last], [MARGIN.left, width - MARGIN.right]);
  const { y, ticks } = createAxis(chart, height);
  const ends = [MARGIN.left, width - MARGIN.right];
  for (const { low, high, colour } of bands) {
    context.globalAlpha = 0.4;
    context.fillStyle = colour;
    context.fillRect(ends[0], y(high), ends[1] - ends[0], Math.max(3, y(low) - y(high)));
    context.globalAlpha = 1;
  }
  drawFrame(context, { x, y, width, height }, last, null, colours, ticks);
  const names = levels.map(({ value, name, colour }) => {
    drawPath(context, ends, [y(value), y(value)], { colour, width: 1.2, dash: [6, 4] });
    return { name, colour, place: y(value) };
  });
  drawPath(context, [x(cursor), x(cursor)], [MARGIN.top, height - MARGIN.bottom], {
    colour: colours.soft,
    width: 1,
  });
  for (const curve of curves) {
    drawCurve(context, x, y, curve, cursor);
    const end = curve.values.findLast(Number.isFinite);
    if (curve.name && end !== undefined) {
      names.push({ name: curve.name, colour: curve.colour, place: y(end) });
    }
  }
  for (const each of marks) drawMarks(context, x, y, each, cursor, colours);
  drawNames(context, names, width);
}

/** Make the scale of the values and its ticks; a logarithmic one has powers of ten. */
function createAxis({ range, isLogarithmic }, height) {
  const pixels = [height - MARGIN.bottom, MARGIN.top];
  if (!isLogarithmic) {
    const scale = createScale(range, pixels);
    return { y: (value) => (Number.isFinite(value) ? scale(value) : NaN), ticks: findTicks(range) };
  }
  const powers = range.map(Math.log10);
  const scale = createScale(powers, pixels);
  const isNarrow = powers[1] - powers[0] < 1.5;
  const ticks = [];
  for (let power = Math.floor(powers[0]); power <= powers[1]; power += 1) {
    for (const digit of isNarrow ? [1, 2, 5] : [1]) ticks.push(digit * 10 ** power);
  }
  return {
    y: (value) => (value > 0 ? scale(Math.log10(value)) : NaN),
    ticks: ticks.filter((tick) => tick >= range[0] && tick <= range[1]),
  };
}

/** Draw a curve; a single point as a dot. */
function drawCurve(context, x, y, { t, values, ...style }, cursor) {
  const places = values.map(y);
  const draw = (isThere) => {
    const ys = places.map((place, at) => (isThere(at) ? place : NaN));
    drawPath(context, t.map(x), ys, style);
  };
  const count = t.filter((round) => round <= cursor).length;
  context.globalAlpha = FAINT;
  draw((at) => at >= count - 1);
  context.globalAlpha = 1;
  draw((at) => at < count);
  if (t.length === 1 && Number.isFinite(places[0])) {
    context.fillStyle = style.colour;
    fillDot(context, x(t[0]), places[0], 3);
  }
}

/** Draw points with one standard error, and a ring around the one that is kept. */
function drawMarks(context, x, y, { t, values, errors, colour, kept }, cursor, colours) {
  t.forEach((round, at) => {
    const place = y(values[at]);
    if (!Number.isFinite(place)) return;
    context.globalAlpha = round <= cursor ? 1 : FAINT;
    const ends = [y(values[at] - errors[at]), y(values[at] + errors[at])];
    drawPath(context, [x(round), x(round)], ends, { colour, width: 1.2 });
    context.fillStyle = colour;
    fillDot(context, x(round), place, 3);
    context.globalAlpha = 1;
    if (round !== kept) return;
    context.beginPath();
    context.arc(x(round), place, 7, 0, 2 * Math.PI);
    context.strokeStyle = colours.text;
    context.lineWidth = 1.6;
    context.stroke();
  });
}

function fillDot(context, x, y, size) {
  context.beginPath();
  context.arc(x, y, size, 0, 2 * Math.PI);
  context.fill();
}

/** The round on a chart that is nearest to a pixel. */
export function findRound(canvas, pixel, last) {
  const ends = [MARGIN.left, canvas.clientWidth - MARGIN.right];
  return createScale([0, last], ends).invert(pixel);
}
