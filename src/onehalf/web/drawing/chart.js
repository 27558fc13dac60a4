/** Line charts over rounds, and the history that they show. */

import { createScale, drawPath, findTicks, formatTick, openCanvas } from "./canvas.js";

/** Room around a chart. */
export const MARGIN = { left: 44, right: 58, top: 10, bottom: 22 };

/** Points kept of each curve; when there are more, every second one is dropped. */
const KEPT = 1200;

/** Numbers over rounds, thinned as they grow. */
export class History {
  constructor() {
    this.rows = [];
    this.every = 1;
    this.count = 0;
  }

  add(t, numbers) {
    if (this.rows.at(-1)?.t === t) this.rows.pop();
    else this.count += 1;
    if (this.count % this.every) return;
    this.rows.push({ t, ...numbers });
    if (this.rows.length > KEPT) {
      this.rows = this.rows.filter((_, at) => at % 2 === 0);
      this.every *= 2;
    }
  }
}

/** Draw curves of a history on one axis, the history before it faintly, and fixed levels.
 * Names stand at the ends of the curves. */
export function drawChart(canvas, { history, before, curves, levels, range, colours }) {
  const { context, width, height } = openCanvas(canvas);
  const { rows } = history;
  const last = Math.max(20, rows.at(-1)?.t ?? 0);
  const x = createScale([0, last], [MARGIN.left, width - MARGIN.right]);
  const y = createScale(range, [height - MARGIN.bottom, MARGIN.top]);
  drawFrame(context, { x, y, width, height }, last, range, colours);
  const names = [];
  for (const { value, name, colour, dash = [6, 4] } of levels) {
    drawPath(context, [MARGIN.left, width - MARGIN.right], [y(value), y(value)], {
      colour,
      width: 1.2,
      dash,
    });
    names.push({ name, colour, place: y(value) });
  }
  const clipped = (value) => y(Math.max(range[0], Math.min(range[1], value)));
  for (const { key, colour, name, width: thick = 1.8, dash } of curves) {
    if (before) {
      const old = before.rows.filter(({ t }) => t <= last);
      const style = { colour: colours.soft, width: 1, dash: [1, 3] };
      drawPath(
        context,
        old.map(({ t }) => x(t)),
        old.map((row) => clipped(row[key])),
        style,
      );
    }
    drawPath(
      context,
      rows.map(({ t }) => x(t)),
      rows.map((row) => clipped(row[key])),
      { colour, width: thick, dash },
    );
    if (rows.length) names.push({ name, colour, place: clipped(rows.at(-1)[key]) });
  }
  drawNames(context, names, width);
}

/** Draw the lines of a grid, and their numbers. */
export function drawFrame(
  context,
  { x, y, width, height },
  last,
  range,
  colours,
  ticks = findTicks(range),
) {
  context.fillStyle = colours.soft;
  context.textAlign = "right";
  for (const tick of ticks) {
    drawPath(context, [MARGIN.left, width - MARGIN.right], [y(tick), y(tick)], {
      colour: colours.line,
      width: 1,
    });
    context.fillText(formatTick(tick), MARGIN.left - 6, y(tick) + 4);
  }
  context.textAlign = "center";
  for (const tick of findTicks([0, last])) {
    if (Number.isInteger(tick))
      context.fillText(tick.toLocaleString("en"), x(tick), height - 6);
  }
}

/** Write names at the right, pushed apart so that none covers another. */
export function drawNames(context, names, width) {
  const sorted = [...names].sort((a, b) => a.place - b.place);
  let free = 0;
  context.textAlign = "left";
  for (const { name, colour, place } of sorted) {
    const at = Math.max(place + 4, free);
    context.fillStyle = colour;
    context.fillText(name, width - MARGIN.right + 6, at);
    free = at + 13;
  }
}
