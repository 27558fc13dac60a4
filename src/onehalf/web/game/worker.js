/** The game in a worker: it plays, and sends the page what to draw. The page answers each
 * frame, so that frames never pile up. */

import { Viewer } from "./frame.js";
import { parseMoves } from "./moves.js";
import { Session } from "./session.js";

/** Milliseconds of play between two looks at the page's messages. */
const BUDGET = 25;

/** Milliseconds that slow motion shows a phase. */
const PHASE = 1800;

/** Rounds a second that no game reaches. */
const MOST_SPEED = 1e6;

let session = null;
let game = 0;
let viewer = null;
let isPlaying = false;
let speed = "fast";
let phases = null;
let pending = [];
let isAwaited = false;
let timer = null;
let owed = 0;
let last = 0;

/** Send a frame, unless the page is still busy with the last one. `isRepeated` is said once, when
 * the moves of an address have been repeated. */
function show(seen = null, isForced = false, isRepeated = false) {
  if (isAwaited && !isForced) return;
  isAwaited = true;
  const moves = session.moves.toText(session.settings);
  postMessage({ game, frame: viewer.look(session), seen, moves, isRepeated });
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
  const isRepeating = pending.length > 0;
  while (owed >= 1 && performance.now() - start < BUDGET) {
    if (isRepeating) repeatMove();
    else finishRound();
    owed -= 1;
    if (isRepeating && !pending.length) {
      isPlaying = false;
      show(null, true, true);
      return;
    }
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

/** Do the next of the moves that an address holds. */
function repeatMove() {
  const [move] = pending;
  if (move.name) {
    session.change({ ...session.settings, [move.name]: move.value });
    viewer = new Viewer(session);
    pending.shift();
    return;
  }
  if (move.kind === "round") session.playRound();
  else session[`play${move.kind}`]();
  move.count -= 1;
  if (!move.count) pending.shift();
}

/** Take one step of a player, or of both; a round that slow motion has begun is ended first. */
function step(name) {
  if (phases) finishRound();
  if (name === "both") session.playRound();
  else session[`play${name}`]();
}

const ACTIONS = {
  start({ settings, drawn, rows, number, moves }) {
    game = number;
    isPlaying = false;
    clearTimeout(timer);
    const known = parseMoves(moves, settings);
    pending = known.moves;
    session = new Session(known.settings, drawn, rows);
    viewer = new Viewer(session);
    phases = null;
    if (pending.length) ACTIONS.play({ speed: MOST_SPEED });
    else show(null, true);
  },
  change({ settings, drawn }) {
    phases = null;
    pending = [];
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
    pending = [];
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
