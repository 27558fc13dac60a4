/** The page of `onehalf watch`: runs live, or replayed from what was saved. */

import { readColours } from "../drawing/canvas.js";
import { chooseLanguage, fill, setText } from "../drawing/text.js";
import { decodeState, encodeState } from "./address.js";
import { Charts, STYLES } from "./charts.js";
import { RunPicture } from "./pictures.js";
import { openSource } from "./source.js";
import { LANGUAGES, describeRun, formatBound, formatNats, formatRound } from "./texts.js";

/** Milliseconds between two steps of the replay, and with reduced motion. */
const STEP = 600;
const CALM = 1500;

/** Runs with a picture each, at most. */
const MOST_PICTURES = 6;

const root = document.getElementById("watch");
const byId = (id) => document.getElementById(id);
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const charts = new Charts(root, pickRound);
const pictures = [];

let state = decodeState(location.hash);
let texts = LANGUAGES.en;
let runs = [];
let steps = [];
let connection = { name: "opening", sentence: "" };
let timer = null;
let isQueued = false;

/** Draw soon, once for all changes until then. */
function queue() {
  if (isQueued) return;
  isQueued = true;
  requestAnimationFrame(() => {
    isQueued = false;
    show();
  });
}

/** The runs that are drawn, with their letter and style. */
function findShown() {
  return runs
    .map((view, number) => ({
      view,
      number,
      letter: nameRun(number),
      style: number % STYLES,
    }))
    .filter(({ number }) => !state.hidden.has(number));
}

function nameRun(number) {
  return number < 26 ? String.fromCharCode(65 + number) : String(number + 1);
}

/** List the rounds that the replay goes through: those of evaluations, else all of the history. */
function listSteps(shown) {
  const rounds = new Set();
  for (const { view } of shown) {
    const frames = view.picture?.frames.map(({ t }) => t) ?? [];
    const evaluated = frames.length ? frames : (view.evaluations?.t ?? []);
    for (const t of evaluated.length ? evaluated : (view.history?.t ?? [])) rounds.add(t);
    const last = view.history?.t.at(-1);
    if (last !== undefined) rounds.add(last);
  }
  return [...rounds].sort((a, b) => a - b);
}

/** Show everything. */
function show() {
  if (!root.clientWidth) return;
  const shown = findShown();
  steps = listSteps(shown);
  const latest = steps.at(-1) ?? 0;
  const cursor = state.t === null ? latest : findStep(state.t);
  const last = Math.max(1, latest, ...shown.map(({ view }) => view.rounds?.planned ?? 0));
  const colours = readColours();
  showRuns();
  const isEmpty = !shown.some(({ view }) => view.history?.t.length);
  byId("parts").hidden = isEmpty;
  byId("transport").hidden = isEmpty;
  showConnection();
  if (isEmpty) return;
  showTransport(cursor, shown);
  charts.draw(shown, { cursor, last, texts, colours });
  showPictures(shown, { cursor, texts, colours });
}

/** The step at or before a round; the first one if there is none. */
function findStep(t) {
  return steps.findLast((step) => step <= t) ?? steps[0] ?? 0;
}

/** Show the sentence of one run, or the table of several. */
function showRuns() {
  const isMany = runs.length > 1;
  byId("sentence").hidden = isMany;
  byId("runs").hidden = !isMany;
  byId("name").textContent = runs.map(({ label }) => label).join(" · ");
  const [first] = runs;
  const sentence = first ? describeRun(first, texts) : texts.no_runs;
  if (byId("sentence").textContent !== sentence) byId("sentence").textContent = sentence;
  root.dataset.state = isMany || !first ? "" : first.state;
  if (root.dataset.page !== undefined && first) {
    document.title = isMany ? "onehalf watch" : `${texts.states[first.state]} · ${first.label}`;
  }
  if (isMany) showTable();
}

function showTable() {
  const { table } = texts;
  const head = ["run", "state", "rounds", "kept", "null", "certificate"].map((name) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = table[name];
    return cell;
  });
  const rows = runs.map((view, number) => {
    const row = document.createElement("tr");
    const cells = [
      texts.states[view.state],
      view.rounds ? `${formatRound(view.rounds.done)} / ${formatRound(view.rounds.planned)}` : "",
      formatEstimate(view.kept),
      formatEstimate(view.null),
      view.certificate ? fill(texts.at_least, { nats: formatBound(view.certificate.jsd_lower) }) : "",
    ].map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text || table.none;
      return cell;
    });
    cells[0].title = describeRun(view, texts);
    row.append(buildRunCell(view, number), ...cells);
    return row;
  });
  const focused = document.activeElement?.dataset?.run;
  byId("runs").querySelector("caption").textContent = table.caption;
  byId("runs").querySelector("thead tr").replaceChildren(...head);
  byId("runs").querySelector("tbody").replaceChildren(...rows);
  if (focused !== undefined) root.querySelector(`[data-run="${focused}"]`)?.focus();
}

function formatEstimate(found) {
  return found ? `${formatNats(found.estimate)} ± ${formatNats(found.se)}` : "";
}

/** Build the first cell of a run: whether it is drawn, and how. */
function buildRunCell(view, number) {
  const cell = document.createElement("th");
  cell.scope = "row";
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.dataset.run = number;
  box.checked = !state.hidden.has(number);
  box.setAttribute("aria-label", fill(texts.table.show, { label: view.label }));
  box.addEventListener("change", () => {
    if (box.checked) state.hidden.delete(number);
    else state.hidden.add(number);
    showAddress();
    queue();
  });
  const swatch = document.createElement("span");
  swatch.className = `swatch run run-${number % STYLES}`;
  label.append(box, swatch, `${nameRun(number)} ${view.label}`);
  cell.append(label);
  return cell;
}

function showTransport(cursor, shown) {
  const slider = byId("slider");
  slider.max = Math.max(0, steps.length - 1);
  slider.value = Math.max(0, steps.indexOf(cursor));
  slider.disabled = steps.length < 2;
  byId("play").disabled = steps.length < 2;
  byId("latest").disabled = state.t === null;
  const planned = Math.max(0, ...shown.map(({ view }) => view.rounds?.planned ?? 0));
  const t = formatRound(cursor);
  const text = planned
    ? fill(texts.round, { t, planned: formatRound(planned) })
    : fill(texts.round_alone, { t });
  byId("round").textContent = text;
  slider.setAttribute("aria-valuetext", text);
  byId("play").textContent = timer ? texts.pause : texts.play;
}

function showPictures(shown, options) {
  const drawn = shown.slice(0, MOST_PICTURES);
  while (pictures.length < drawn.length) {
    const element = document.createElement("section");
    element.className = "picture";
    byId("pictures").append(element);
    pictures.push(new RunPicture(element));
  }
  pictures.forEach(({ element }, at) => {
    element.hidden = at >= drawn.length;
  });
  drawn.forEach(({ view, letter }, at) => {
    const base = new URL("run/0.json", document.baseURI).href;
    const title = runs.length > 1 ? `${letter} ${view.label}` : "";
    pictures[at].draw(view, { ...options, base, title });
  });
}

/** Say how the connection is, unless it is as it should be. */
function showConnection() {
  const { name } = connection;
  const names = runs.map(({ label }) => label).join(", ");
  const text = name === "open" ? "" : fill(texts.connection[name], { names });
  byId("connection").hidden = !text;
  byId("connection").dataset.name = name;
  if (byId("connection").textContent !== text) byId("connection").textContent = text;
}

/** Show the round of a step, and keep to the latest one if it is that. */
function goTo(at) {
  const step = Math.max(0, Math.min(steps.length - 1, at));
  state.t = step === steps.length - 1 ? null : steps[step];
  showAddress();
  queue();
}

function currentStep() {
  return state.t === null ? steps.length - 1 : steps.indexOf(findStep(state.t));
}

function pickRound(t) {
  if (!steps.length) return;
  pause();
  const distance = (at) => Math.abs(steps[at] - t);
  goTo(steps.reduce((best, _, at) => (distance(at) < distance(best) ? at : best), 0));
}

/** Replay from the round that is shown, from the start if that is the last one. */
function play() {
  if (currentStep() === steps.length - 1) goTo(0);
  timer = setInterval(
    () => {
      goTo(currentStep() + 1);
      if (currentStep() === steps.length - 1) pause();
    },
    isCalm.matches ? CALM : STEP,
  );
  queue();
}

function pause() {
  clearInterval(timer);
  timer = null;
  queue();
}

function showAddress() {
  const words = encodeState(state);
  if (root.dataset.page === undefined || `#${words}` === location.hash) return;
  window.history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
}

/** Put the texts of a language everywhere. */
function showTexts() {
  const language = chooseLanguage(LANGUAGES, state.language, navigator.language ?? "");
  texts = LANGUAGES[language];
  if (root.dataset.page !== undefined) {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }
  root.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of root.querySelectorAll("[data-text]")) {
    setText(element, texts[element.dataset.text]);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", texts[element.dataset.label]);
  }
  byId("language").value = language;
}

/** Keys work wherever no field takes them. */
function type(event) {
  if (event.target.closest("input, select, button, summary, a, textarea")) return;
  const moves = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key === " ") {
    if (timer) pause();
    else play();
  } else if (moves[event.key]) {
    pause();
    goTo(currentStep() + moves[event.key]);
  } else return;
  event.preventDefault();
}

function listen() {
  byId("play").addEventListener("click", () => (timer ? pause() : play()));
  byId("latest").addEventListener("click", () => goTo(steps.length - 1));
  byId("slider").addEventListener("input", ({ target }) => {
    pause();
    goTo(Number(target.value));
  });
  byId("language").addEventListener("change", ({ target }) => {
    state.language = target.value;
    showTexts();
    showAddress();
    queue();
  });
  if (root.dataset.page !== undefined) document.addEventListener("keydown", type);
  window.addEventListener("hashchange", () => {
    state = decodeState(location.hash);
    showTexts();
    queue();
  });
  new ResizeObserver(queue).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", queue);
}

byId("language").replaceChildren(
  ...Object.entries(LANGUAGES).map(([key, { name }]) => new Option(name, key)),
);
showTexts();
listen();
byId("no-script").hidden = true;
root.hidden = false;
openSource({
  onRuns(views) {
    runs = views;
    queue();
  },
  onRun(number, view) {
    runs[number] = view;
    queue();
  },
  onState(name) {
    connection = { name };
    queue();
  },
});
