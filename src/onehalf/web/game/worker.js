/** The game in a worker: it plays, and sends the page what to draw. The page answers each
 * frame, so that frames never pile up. */

import { Viewer } from "./frame.js";
import { Session } from "./session.js";

/** Milliseconds of play between two looks at the page's messages. */
const BUDGET = 25;

/** Milliseconds that slow motion shows a phase. */
const PHASE = 1800;

let session = null;
let game = 0;
let viewer = null;
let isPlaying = false;
let speed = "fast";
let phases = null;
let isAwaited = false;
let timer = null;
let owed = 0;
let last = 0;

/** Send a frame, unless the page is still busy with the last one. */
function show(seen = null, isForced = false) {
  if (isAwaited && !isForced) return;
  isAwaited = true;
  postMessage({ game, frame: viewer.look(session), seen });
}

function play() {
  timer = null;
  if (!isPlaying) return;
  if (speed === "slow") {
    advancePhase();
    timer = setTimeout(play, PHASE);
    return;
  }
  const start = performance.now();
  owed = Math.min(owed + ((start - last) / 1000) * speed, speed / 5 + 1);
  last = start;
  while (owed >= 1 && performance.now() - start < BUDGET) {
    finishRound();
    owed -= 1;
  }
  if (owed >= 1) owed = 1;
  show();
  timer = setTimeout(play, 4);
}

/** Show the next phase of the round. */
function advancePhase() {
  phases ??= session.round();
  const { value } = phases.next();
  if (value.phase === "done") phases = null;
  show(value, true);
}

/** Play the round to its end, from the phase that slow motion has come to. */
function finishRound() {
  for (const _ of phases ?? session.round());
  phases = null;
}

/** Take one step of a player, or of both; a round that slow motion has begun is ended first. */
function step(name) {
  if (phases) finishRound();
  if (name === "both") session.playRound();
  else session[`play${name}`]();
}

const ACTIONS = {
  start({ settings, drawn, rows, number }) {
    game = number;
    isPlaying = false;
    clearTimeout(timer);
    session = new Session(settings, drawn, rows);
    viewer = new Viewer(session);
    phases = null;
    show(null, true);
  },
  change({ settings, drawn }) {
    phases = null;
    session.change(settings, drawn);
    viewer = new Viewer(session);
    show(null, true);
  },
  play(message) {
    isPlaying = true;
    speed = message.speed;
    owed = 1;
    last = performance.now();
    clearTimeout(timer);
    play();
  },
  pause() {
    isPlaying = false;
    clearTimeout(timer);
    show(null, true);
  },
  step({ player }) {
    step(player);
    show(null, true);
  },
  drawn() {
    isAwaited = false;
  },
};

onmessage = ({ data }) => ACTIONS[data.action](data);
