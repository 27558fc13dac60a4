/** What has been done in a game since its start, as text that an address can hold:
 * `k-3*120*k-5*D2*40` is a game that began with k = 3, played 120 rounds, went on with k = 5,
 * took two steps of D, and played 40 rounds. */

import { SETTINGS, parseSetting } from "./settings.js";

/** Changes and runs of rounds that a text holds, at most; a game of more has none. */
const MOST = 200;

/** Rounds and steps that a text may ask for, at most. */
const MOST_STEPS = 1e6;

/** The moves of a game: `{ kind, count }` of rounds or steps, or `{ name, value }` of a setting. */
export class Moves {
  /** Begin with the settings of the start. */
  constructor(settings) {
    this.start = settings;
    this.list = [];
    this.isWhole = true;
  }

  get isEmpty() {
    return !this.list.length;
  }

  /** Add a round, or a step of D or of G. */
  add(kind) {
    const last = this.list.at(-1);
    if (last?.kind === kind) last.count += 1;
    else this.list.push({ kind, count: 1 });
  }

  /** Add what has changed between settings. */
  change(before, after) {
    for (const name of Object.keys(SETTINGS)) {
      if (before[name] !== after[name]) this.list.push({ name, value: after[name] });
    }
  }

  /** Write all of it, for a game that has these settings now; empty where it can't be repeated. */
  toText(settings) {
    if (this.isEmpty || !this.isWhole || this.list.length > MOST) return "";
    const start = Object.keys(SETTINGS)
      .filter((name) => this.start[name] !== settings[name])
      .map((name) => ({ name, value: this.start[name] }));
    const write = ({ kind, count, name, value }) =>
      name ? `${name}-${value}` : `${kind === "round" ? "" : kind}${count}`;
    return [...start, ...this.list].map(write).join("*");
  }
}

/** Read the settings of the start and the moves; of a text that is wrong, no moves. */
export function parseMoves(text, settings) {
  const moves = text ? text.split("*").map(parseMove) : [];
  const steps = moves.reduce((sum, move) => sum + (move?.count ?? 0), 0);
  if (moves.includes(null) || steps > MOST_STEPS) return { settings, moves: [] };
  const first = moves.findIndex(({ kind }) => kind);
  const start = Object.fromEntries(
    moves.slice(0, Math.max(0, first)).map(({ name, value }) => [name, value]),
  );
  return { settings: { ...settings, ...start }, moves: first < 0 ? [] : moves.slice(first) };
}

function parseMove(word) {
  const [, player, count] = word.match(/^([DG]?)([1-9]\d{0,6})$/) ?? [];
  if (count) return { kind: player || "round", count: Number(count) };
  const [, name, text] = word.match(/^(\w+)-(.*)$/) ?? [];
  const value = Object.hasOwn(SETTINGS, name ?? "") ? parseSetting(name, text) : null;
  return value === null ? null : { name, value };
}
