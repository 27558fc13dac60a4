/** The state of the page in its address, so that a link opens the same game. */

import { parseMoves } from "../game/moves.js";
import { SETTINGS, defaultSettings, parseSetting } from "../game/settings.js";

/** Rounds a second; `slow` shows the phases of a round, `fast` plays as many as it can. */
export const SPEEDS = ["slow", "2", "10", "60", "fast"];

/** Drawn points that an address holds, at most, and their range. */
export const MOST_DRAWN = 400;
const REACH = 2.4;
const STEPS = 36 ** 2 - 1;

/** Write drawn points as four letters each. */
function encodePoints(points) {
  const word = (value) => {
    const step = Math.round(((value + REACH) / (2 * REACH)) * STEPS);
    return Math.max(0, Math.min(STEPS, step)).toString(36).padStart(2, "0");
  };
  return points.map(([x, y]) => word(x) + word(y)).join("");
}

function decodePoints(text) {
  const words = text.slice(0, 4 * MOST_DRAWN).match(/[0-9a-z]{4}/g) ?? [];
  const number = (word) => (parseInt(word, 36) / STEPS) * 2 * REACH - REACH;
  return words.map((word) => [number(word.slice(0, 2)), number(word.slice(2))]);
}

/** Write a state as the part of an address after #. */
export function encodeState({ settings, drawn, piece, language, speed, moves }) {
  const parts = new URLSearchParams();
  if (language) parts.set("language", language);
  if (piece) parts.set("piece", piece);
  if (speed !== "fast") parts.set("speed", speed);
  for (const [name, { start }] of Object.entries(SETTINGS)) {
    if (settings[name] !== start) parts.set(name, settings[name]);
  }
  if (drawn.length && settings.data === "drawn") parts.set("points", encodePoints(drawn));
  if (moves) parts.set("moves", moves);
  return parts.toString();
}

/** Read a state; what an address does not say, or says wrongly, is as at the start. Returns null
 * for an empty address. */
export function decodeState(text) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  if (![...parts].length) return null;
  const settings = defaultSettings();
  for (const name of Object.keys(SETTINGS)) {
    const value = parts.has(name) ? parseSetting(name, parts.get(name)) : null;
    if (value !== null) settings[name] = value;
  }
  const moves = parts.get("moves") ?? "";
  return {
    settings,
    drawn: decodePoints(parts.get("points") ?? ""),
    piece: parts.get("piece") ?? "",
    language: parts.get("language") ?? "",
    speed: SPEEDS.find((speed) => speed === parts.get("speed")) ?? "fast",
    moves: parseMoves(moves, settings).moves.length ? moves : "",
  };
}
