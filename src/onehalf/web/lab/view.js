/** What the page shows of a frame: figures, charts, numbers, and sentences. */

import { drawChart } from "../drawing/chart.js";
import { readColours } from "../drawing/canvas.js";
import { drawLine } from "../drawing/line.js";
import { drawOrbit } from "../drawing/orbit.js";
import { drawBestPlane, drawPlane } from "../drawing/plane.js";
import { fill, formatNumber, renderText, setText } from "../drawing/text.js";
import { MINUS_LOG_4 } from "../game/theory.js";

const byId = (id) => document.getElementById(id);

/** The part of the flow that a phase of slow motion lights up. */
const ACTIVE = {
  data: ["x"],
  samples: ["z", "G", "Gz"],
  D: ["x", "Gz", "D"],
  noise: ["z", "G", "Gz"],
  G: ["Gz", "G"],
  done: [],
};

/** The losses whose D ascends V. */
const ASCENDING_V = ["minimax", "non_saturating", "maximum_likelihood"];

/** The lowest V that the chart shows. */
const LOWEST = -4;

/** Name the kind of figure: plane, line or orbit. */
export function findView(frame) {
  if (frame.grid.dim === 2) return "plane";
  return frame.trace.length ? "orbit" : "line";
}

/** Draw the figures; returns the scales of the plane, which a pen on it needs. */
export function drawFigures(frame, { texts, layers, units, seen }) {
  const view = findView(frame);
  document.body.dataset.view = view;
  const colours = readColours();
  const options = { colours, layers, units, emphasis: seen };
  setText(byId("first").querySelector("figcaption"), texts[`first_${view}`]);
  describe(byId("game"), texts[`first_${view}`], frame, texts);
  let scales = null;
  if (view === "plane") {
    scales = drawPlane(byId("game"), frame, options);
    drawBestPlane(byId("best"), frame, options);
  } else {
    drawLine(byId("game"), frame, options);
    if (view === "orbit") drawOrbit(byId("best"), frame, options);
  }
  if (view !== "line") {
    const key = view === "plane" ? "second_plane" : "second_orbit";
    setText(byId("second").querySelector("figcaption"), texts[key]);
    describe(byId("best"), texts[key], frame, texts);
  }
  return scales;
}

/** Say in words what a canvas shows. */
function describe(canvas, view, frame, texts) {
  const { numbers } = frame;
  const [V, C, jsd] = [numbers.V, numbers.C, numbers.jsd].map((value) => formatNumber(value));
  const [DX, DGz] = [numbers.DX, numbers.DGz].map((value) => formatNumber(value, 2));
  const plain = view.replace(/[_^]\{([^}]*)\}/g, "$1");
  const text = fill(texts.canvas_game, { view: plain, t: frame.t, V, C, jsd, DX, DGz });
  canvas.setAttribute("aria-label", text);
}

/** Draw both charts. */
export function drawCharts(history, before, frame, texts) {
  const colours = readColours();
  const values = history.rows.map(({ V }) => V).filter(Number.isFinite);
  const low = Math.max(LOWEST, Math.min(-1.6, ...values));
  drawChart(byId("values"), {
    history,
    before,
    colours,
    range: [low, 0.05],
    levels: [{ value: MINUS_LOG_4, name: texts.curves.level, colour: colours.soft }],
    curves: [
      { key: "C", name: "C", colour: colours.band, width: 2.2 },
      { key: "V", name: "V", colour: colours.text },
    ],
  });
  const floor = { value: frame.numbers.floor, name: texts.curves.floor, colour: colours.soft };
  const top = { value: Math.log(2), name: "log 2", colour: colours.soft, dash: [1, 4] };
  drawChart(byId("jsd"), {
    history,
    before,
    colours,
    range: [0, 0.72],
    levels: [floor, top],
    curves: [{ key: "jsd", name: "JSD", colour: colours.text }],
  });
  describe(byId("values"), texts.values_chart, frame, texts);
  describe(byId("jsd"), texts.jsd_chart, frame, texts);
}

/** Show the numbers of a frame. */
export function showNumbers(frame, texts) {
  const { numbers, norms } = frame;
  const all = { ...numbers, normD: norms.D, normG: norms.G };
  const items = Object.entries(texts.numbers).map(([key, caption]) => {
    const item = document.createElement("div");
    const [term, value] = [document.createElement("dt"), document.createElement("dd")];
    term.append(renderText(caption));
    const isExact = key === "floor" && numbers.floor === 0;
    value.textContent = isExact ? texts.floor_exact : formatNumber(all[key]);
    item.append(term, value);
    return item;
  });
  byId("numbers").replaceChildren(...items);
  const { t, steps, settings } = frame;
  const isEven = steps.G === t && steps.D === t * settings.k;
  const round = t.toLocaleString("en");
  byId("round").textContent = fill(isEven ? texts.round : texts.round_apart, {
    t: round,
    ...steps,
  });
}

/** Find the sentence that fits the numbers. */
export function judge({ t, steps, numbers, trace, settings }) {
  const { V, C, jsd, floor, DGz } = numbers;
  if (!t && !steps.D && !steps.G) return "start";
  if (![V, C, jsd].every(Number.isFinite)) return "diverged";
  if (trace.length && jsd > 0.6) return "points";
  if (jsd < 1.5 * floor + 0.012) return "won";
  if (!ASCENDING_V.includes(settings.loss)) return "other";
  if (V < MINUS_LOG_4 - 0.06) return "late";
  if (DGz < 0.06) return "sure";
  if (V > C - 0.05) return "best";
  if (Math.abs(V - MINUS_LOG_4) < 0.06) return "blind";
  return "far";
}

/** Say in one sentence what a phase of slow motion does, and light up its part of the flow. */
export function showPhase(seen, frame, texts) {
  const active = seen ? ACTIVE[seen.phase] : [];
  for (const part of byId("flow").querySelectorAll("[data-part]")) {
    part.classList.toggle("active", active.includes(part.dataset.part));
  }
  if (!seen) return setText(byId("now"), "");
  const { settings } = frame;
  const text = fill(texts.phases[seen.phase], {
    k: settings.k,
    m: settings.m,
    step: seen.step ?? 1,
    t: frame.t,
    V: seen.V === undefined ? "" : formatNumber(seen.V),
    lossD: texts.losses_D[settings.loss],
    lossG: texts.losses_G[settings.loss],
  });
  return setText(byId("now"), text);
}
