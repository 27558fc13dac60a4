/** The page: it sends what a person does to the game in the worker, and draws what comes back. */

import { History } from "../drawing/chart.js";
import { buildCaption, buildItem } from "../drawing/legend.js";
import { chooseLanguage, fill, setText } from "../drawing/text.js";
import { defaultSettings, reconcile } from "../game/settings.js";
import { SPEEDS, decodeState, encodeState } from "./address.js";
import { Controls } from "./controls.js";
import { Pen } from "./pen.js";
import { PIECES } from "./pieces.js";
import { LANGUAGES } from "./texts.js";
import { drawCharts, drawFigures, findView, judge, showNumbers, showPhase } from "./view.js";

const byId = (id) => document.getElementById(id);

/** With reduced motion, milliseconds between two pictures. */
const CALM = 700;

/** Milliseconds between two sentences about the game. */
const READING = 2500;

/** Rounds a second that no game reaches. */
const FAST = 1e6;

/** The settings with which rows of a file begin. */
const OF_ROWS = { data: "rows", activation: "tanh", rateD: 0.01, rateG: 0.003, k: 2 };

const rows = JSON.parse(byId("rows").textContent);
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const layersOf = {
  plane: { data: true, samples: true, lattice: false, pulls: true },
  line: { data: true, samples: true, lattice: true, pulls: true },
};

/** Players see rows of a file with mean 0 and deviation 1; people see their units. */
const fileUnits = {
  names: rows?.names,
  show: (value, axis) => rows.mean[axis] + rows.std[axis] * value,
  hide: (value, axis) => (value - rows.mean[axis]) / rows.std[axis],
};
const ownUnits = { show: (value) => value, hide: (value) => value };

let state = { settings: defaultSettings(), drawn: [], piece: "", language: "", speed: "fast", moves: "" };
let texts = LANGUAGES.en;
let history = new History();
let before = null;
let latest = null;
let scales = null;
let isPlaying = false;
let isQueued = false;
let game = 0;
let judged = { name: "", time: 0 };

const worker = new Worker(
  URL.createObjectURL(new Blob([byId("worker").textContent], { type: "text/javascript" })),
);
const send = (action, message = {}) => worker.postMessage({ action, ...message });
const controls = new Controls(byId("controls"), rows, changeSetting, (text) => {
  setText(byId("settings-note"), text);
});
const pen = new Pen(
  byId("game"),
  () => scales,
  (points) => {
    state.drawn = [...points];
    sendChange();
  },
);

worker.onmessage = ({ data }) => {
  if (data.game !== game) return; // a frame of the game before the last rewind
  latest = data;
  const { frame } = data;
  if (data.isRepeated) stopPlaying();
  history.add(frame.t, frame.numbers);
  if (isQueued) return;
  isQueued = true;
  if (isCalm.matches && isPlaying) setTimeout(() => requestAnimationFrame(draw), CALM);
  else requestAnimationFrame(draw);
};

/** Draw the latest frame. */
function draw() {
  isQueued = false;
  if (!latest) return;
  const { frame, seen } = latest;
  const units = frame.settings.data === "rows" ? fileUnits : ownUnits;
  const view = findView(frame);
  if (document.body.dataset.view !== view) showLegend(view);
  const layers = findLayers(view);
  scales = drawFigures(frame, { texts, layers, units, seen });
  drawCharts(history, before, frame, texts);
  byId("ghost").hidden = !before;
  showNumbers(frame, texts);
  showPhase(seen, frame, texts);
  showVerdict(frame);
  if (!isPlaying && state.moves !== latest.moves) {
    state.moves = latest.moves;
    showAddress();
  }
  send("drawn");
}

/** The layers that a person sees of a view. */
function findLayers(view) {
  return layersOf[view === "plane" ? "plane" : "line"];
}

/** Show the sentence that fits, no more often than it can be read. */
function showVerdict(frame) {
  const name = judge(frame);
  const isEarly = isPlaying && performance.now() - judged.time < READING;
  if (name === judged.name || (isEarly && judged.name)) return;
  judged = { name, time: performance.now() };
  setText(byId("verdict"), texts.verdicts[name]);
}

/** Start the game of the state from its beginning, and repeat these moves. */
function start(moves = "") {
  state.settings = reconcile(state.settings, rows);
  state.moves = moves;
  isPlaying = moves !== "";
  showPlaying();
  game += 1;
  if (history.rows.length > 2) before = history;
  history = new History();
  judged = { name: "", time: 0 };
  pen.points = [...state.drawn];
  send("start", { settings: state.settings, drawn: state.drawn, rows, number: game, moves });
  showState();
}

/** Tell the game of changed settings; it goes on. */
function sendChange() {
  state.settings = reconcile(state.settings, rows);
  send("change", { settings: state.settings, drawn: state.drawn });
  showState();
}

function changeSetting(name, value) {
  const data = state.settings.data;
  state.settings = { ...state.settings, [name]: value };
  const isNewStart = ["seed", "lead", "start"].includes(name) || state.settings.data !== data;
  if (isNewStart && !isPlaying) start();
  else sendChange();
}

/** Show the state in the form, the set piece, and the address. */
function showState() {
  controls.show(state.settings);
  byId("speed").value = state.speed;
  pen.set(state.settings.data === "drawn");
  byId("drawing").hidden = state.settings.data !== "drawn";
  for (const button of byId("pieces").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.piece === state.piece));
  }
  for (const button of byId("piece").querySelectorAll("[data-change]")) {
    const [name, value] = button.dataset.change.split("=");
    button.setAttribute("aria-pressed", String(String(state.settings[name]) === value));
  }
  showAddress();
}

function showAddress() {
  const address = `#${encodeState(state)}`;
  if (address !== location.hash) window.history.replaceState(null, "", address);
}

function play() {
  isPlaying = true;
  state.moves = "";
  showAddress();
  showPlaying();
  const { speed } = state;
  send("play", { speed: speed === "slow" ? "slow" : speed === "fast" ? FAST : Number(speed) });
}

function pause() {
  stopPlaying();
  send("pause");
}

function stopPlaying() {
  isPlaying = false;
  showPlaying();
}

function showPlaying() {
  byId("play").textContent = isPlaying ? texts.pause : texts.play;
}

/** Open a set piece from its start. */
function openPiece(piece) {
  const settings = { ...defaultSettings(), ...piece.settings };
  state = { ...state, settings, piece: piece.name, speed: piece.speed };
  showPiece();
  history = new History();
  before = null;
  start();
}

/** Show the sentence, the formula, the source and the variants of the set piece. */
function showPiece() {
  const piece = PIECES.find(({ name }) => name === state.piece);
  byId("piece").hidden = !piece;
  if (!piece) return;
  const { text, formula } = texts.piece[piece.name];
  const lines = [
    ["", text],
    ["formula", formula],
    [
      "source",
      fill(piece.formula ? texts.more : texts.more_unnumbered, {
        formula: piece.formula,
        chapter: piece.chapter,
        run: `onehalf theory ${piece.run}`,
      }),
    ],
  ].map(([name, line]) => {
    const paragraph = document.createElement("p");
    paragraph.className = name;
    setText(paragraph, line, name === "formula");
    return paragraph;
  });
  byId("piece").replaceChildren(...lines, ...(piece.variants ? [buildVariants(piece)] : []));
}

function buildVariants(piece) {
  const paragraph = document.createElement("p");
  paragraph.className = "variants";
  paragraph.append(texts.try);
  for (const variant of piece.variants) {
    const [[name, value]] = Object.entries(variant);
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.change = `${name}=${value}`;
    setText(button, texts.variants[button.dataset.change]);
    button.addEventListener("click", () => changeSetting(name, value));
    paragraph.append(button);
  }
  return paragraph;
}

/** Build the legend, whose entries switch layers on and off. */
function showLegend(view) {
  const names = view === "plane" ? texts.layers : texts.layers_line;
  const layers = findLayers(view);
  const items = Object.entries(names).map(([name, text]) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = layers[name];
    box.addEventListener("change", () => {
      layers[name] = box.checked;
      draw();
    });
    label.append(box, buildSwatch(name, view), buildCaption(text));
    return label;
  });
  byId("legend").replaceChildren(...items, ...(view === "plane" ? buildRamp() : buildCurves()));
}

function buildSwatch(name, view) {
  const swatch = document.createElement("span");
  const isArrow = name === "pulls" || (name === "lattice" && view !== "plane");
  swatch.className = `swatch ${isArrow ? "arrows" : name}`;
  if (isArrow) swatch.textContent = name === "pulls" ? "→" : "↗";
  return swatch;
}

function buildRamp() {
  const low = buildCaption(texts.ramp_low);
  return [buildItem(low, buildSwatch("ramp", "plane"), buildCaption(texts.ramp_high))];
}

function buildCurves() {
  return [
    buildItem(buildSwatch("D", "line"), buildCaption(texts.curve_D)),
    buildItem(buildSwatch("best", "line"), buildCaption(texts.curve_best)),
  ];
}

/** Put the texts of a language everywhere. */
function showTexts() {
  const language = chooseLanguage(LANGUAGES, state.language, navigator.language ?? "");
  texts = LANGUAGES[language];
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    setText(element, texts[element.dataset.text]);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", texts[element.dataset.label]);
  }
  byId("language").value = language;
  byId("speed").replaceChildren(
    ...SPEEDS.map((value) => new Option(texts.speeds[value], value)),
  );
  byId("pieces").replaceChildren(texts.pieces, ...PIECES.map(buildPieceButton));
  byId("rows-note").textContent = rows ? fill(texts.rows_note, { note: rows.note }) : "";
  controls.build(texts);
  judged = { name: "", time: 0 };
  showPlaying();
  showPiece();
  if (latest) showLegend(findView(latest.frame));
}

function buildPieceButton(piece) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.piece = piece.name;
  button.textContent = texts.piece[piece.name].name;
  button.addEventListener("click", () => openPiece(piece));
  return button;
}

/** Listen to buttons, the address, and the size of the window. */
function listen() {
  byId("play").addEventListener("click", () => (isPlaying ? pause() : play()));
  byId("rewind").addEventListener("click", () => start());
  for (const player of ["D", "G", "both"]) {
    byId(`step-${player}`).addEventListener("click", () => {
      pause();
      send("step", { player });
    });
  }
  byId("speed").addEventListener("change", ({ target }) => {
    state.speed = target.value;
    showState();
    if (isPlaying) play();
  });
  byId("clear").addEventListener("click", () => {
    state.drawn = [];
    start();
  });
  byId("language").addEventListener("change", ({ target }) => {
    state.language = target.value;
    showTexts();
    showState();
    draw();
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => open(decodeState(location.hash)));
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

/** Open a state; without one, the file that was given, or the first set piece. */
function open(found) {
  if (found) {
    state = found;
    showTexts();
    start(found.moves);
  } else if (rows) {
    const noise = `normal_${rows.dim}`;
    state.settings = { ...defaultSettings(), ...OF_ROWS, noise };
    showTexts();
    start();
  } else {
    showTexts();
    openPiece(PIECES[0]);
  }
}

byId("language").replaceChildren(
  ...Object.entries(LANGUAGES).map(([key, { name }]) => new Option(name, key)),
);
listen();
open(decodeState(location.hash));
byId("no-script").hidden = true;
byId("lab").hidden = false;
draw();
