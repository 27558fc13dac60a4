/** The four charts of a run or of several: V, D, held-out nats, and the norms of gradients. */

import { drawSeries, findRound } from "../drawing/series.js";
import { fill, setText } from "../drawing/text.js";
import { formatBound, formatNats, formatRound } from "./texts.js";

const NAMES = ["V", "D", "nats", "gradients"];

/** Colours and dashes of runs; letters tell apart those that share them. */
export const STYLES = 4;
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

/** The least span of an axis around its dashed line. */
const SPAN = 0.1;

/** The charts on the page. `onPick(t)` hears of a round that a person points at. */
export class Charts {
  constructor(root, onPick) {
    this.figures = Object.fromEntries(
      NAMES.map((name) => [name, root.querySelector(`[data-chart="${name}"]`)]),
    );
    for (const figure of Object.values(this.figures)) {
      const canvas = figure.querySelector("canvas");
      const pick = ({ offsetX }) => onPick(findRound(canvas, offsetX, this.last));
      canvas.addEventListener("pointerdown", pick);
      canvas.addEventListener("pointermove", (event) => event.buttons && pick(event));
    }
  }

  /** Draw `runs` ({view, letter, style}) with what is after round `cursor` faint. */
  draw(runs, { cursor, last, texts, colours }) {
    this.last = last;
    const isMany = runs.length > 1;
    const drawn = runs
      .filter(({ view }) => view.history)
      .map((run) => ({
        ...run,
        colour: isMany ? colours[`run-${run.style}`] : colours.text,
        dash: isMany ? DASHES[run.style] : [],
        isMany,
      }));
    const options = { cursor, last, texts, colours };
    this.drawV(drawn, options);
    this.drawD(drawn, options);
    this.drawNats(drawn, options);
    this.drawGradients(drawn, options);
  }

  drawV(runs, { texts, colours, ...options }) {
    const level = runs.map(({ view }) => view.value_at_equilibrium).find(Number.isFinite);
    const curves = runs.map((run) => makeCurve(run, "V", run.isMany ? run.letter : "V"));
    const range = findRange(curves, level);
    const levels = Number.isFinite(level)
      ? [{ value: level, name: texts.labels.level, colour: colours.soft }]
      : [];
    const caption = levels.length ? texts.charts.V : texts.charts.V_open;
    this.show("V", caption, runs, texts, options.cursor);
    drawSeries(this.canvas("V"), { curves, levels, range, colours, ...options });
  }

  drawD(runs, { texts, colours, ...options }) {
    const isMany = runs.length > 1;
    const curves = runs.flatMap((run) => {
      if (isMany) {
        const thin = { ...makeCurve(run, "D_Gz"), width: 1 };
        return [{ ...makeCurve(run, "D_x", run.letter), width: 2.4 }, thin];
      }
      const data = { ...makeCurve(run, "D_x", "D(x)"), colour: colours.data };
      return [data, { ...makeCurve(run, "D_Gz", "D(G(z))"), colour: colours.samples }];
    });
    const isOpen = runs.some(({ view }) => view.value_at_equilibrium === null);
    const levels = isOpen ? [] : [{ value: 0.5, name: texts.labels.half, colour: colours.soft }];
    this.show("D", isMany ? texts.charts.D_many : texts.charts.D, runs, texts, options.cursor);
    const range = findRange(curves, 0.5);
    drawSeries(this.canvas("D"), { curves, levels, range, colours, ...options });
  }

  drawNats(runs, { texts, colours, ...options }) {
    const found = runs.filter(({ view }) => view.evaluations?.t.length);
    const marks = found.map(({ view, colour, isMany }) => ({
      t: view.evaluations.t,
      values: view.evaluations.estimate,
      errors: view.evaluations.se,
      colour: isMany ? colour : colours.samples,
      kept: view.kept?.t,
    }));
    const curves = found.map(({ view, colour, isMany, letter }) => ({
      t: view.evaluations.t,
      values: view.evaluations.lower,
      colour: isMany ? colour : colours.samples,
      width: 1.2,
      dash: [1, 3],
      name: isMany ? letter : "",
    }));
    const bands = found
      .filter(({ view }) => view.null)
      .map(({ view: { null: { estimate, se } } }) => ({
        low: estimate - se,
        high: estimate + se,
        colour: colours.band,
      }));
    const ends = marks.map(({ t, values, errors }) => ({
      t,
      values: values.flatMap((value, at) => [value - errors[at], value + errors[at]]),
    }));
    const edges = bands.map(({ low, high }) => ({ values: [low, high, 0] }));
    const range = findRange([...ends, ...curves, ...edges]);
    this.show("nats", texts.charts.nats, runs, texts, options.cursor);
    drawSeries(this.canvas("nats"), { curves, marks, bands, range, colours, ...options });
  }

  drawGradients(runs, { texts, colours, ...options }) {
    const found = runs.filter(({ view }) => view.history.gradient_D);
    const curves = found.flatMap((run) => [
      { ...makeCurve(run, "gradient_D", run.isMany ? run.letter : "D"), width: 2.4 },
      { ...makeCurve(run, "gradient_G", run.isMany ? "" : "G"), width: 1 },
    ]);
    const values = curves.flatMap((curve) => curve.values).filter((value) => value > 0);
    const range = values.length
      ? [Math.min(...values) / 1.3, Math.max(...values) * 1.3]
      : [0.1, 10];
    this.figures.gradients.hidden = runs.length > 0 && !found.length;
    this.show("gradients", texts.charts.gradients, runs, texts, options.cursor);
    if (this.figures.gradients.hidden) return;
    const axis = { range, isLogarithmic: true };
    drawSeries(this.canvas("gradients"), { curves, colours, ...axis, ...options });
  }

  canvas(name) {
    return this.figures[name].querySelector("canvas");
  }

  /** Show the caption of a chart, and the numbers of the round that is shown. */
  show(name, caption, runs, texts, cursor) {
    const figure = this.figures[name];
    setText(figure.querySelector("figcaption"), caption);
    const readings = runs.map(({ view, letter, isMany }) => {
      const reading = readNumbers(name, view, cursor, texts);
      return isMany ? `${letter}: ${reading}` : reading;
    });
    figure.querySelector(".reading").textContent = readings.join(" · ");
    const label = [texts.canvas[name], ...readings].join(". ");
    this.canvas(name).setAttribute("aria-label", label);
  }
}

function makeCurve({ view, colour, dash }, key, name = "") {
  return { t: view.history.t, values: view.history[key], colour, dash, name };
}

/** Find the range of an axis that holds all curves and the level, with some room. */
function findRange(curves, level) {
  const values = curves.flatMap((curve) => curve.values).filter(Number.isFinite);
  if (Number.isFinite(level)) values.push(level - SPAN, level + SPAN);
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.06 * (high - low || 1);
  return [low - room, high + room];
}

/** Say the numbers of a chart at the last of a run's rounds up to the one that is shown. */
function readNumbers(name, view, cursor, texts) {
  const source = name === "nats" ? view.evaluations : view.history;
  const at = source ? source.t.findLastIndex((t) => t <= cursor) : -1;
  if (at < 0) return name === "nats" ? texts.no_evaluations : "";
  if (name === "gradients" && !source.gradient_D) return texts.no_gradients;
  const number = (key) => (key === "lower" ? formatBound : formatNats)(source[key]?.[at]);
  const numbers = Object.fromEntries(
    Object.keys(source).map((key) => [key, key === "t" ? "" : number(key)]),
  );
  const isAlone = name === "nats" && !view.null;
  const baseline = view.null ? formatNats(view.null.estimate) : "";
  const text = texts.readings[isAlone ? "nats_alone" : name];
  const reading = fill(text, { ...numbers, null: baseline });
  return fill(texts.at_round, { t: formatRound(source.t[at]), reading });
}
