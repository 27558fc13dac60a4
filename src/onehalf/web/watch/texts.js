/** The languages of the page, and the sentence about a run in them. */

import { fill } from "../drawing/text.js";
import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };

/** Say in a sentence what a run is at: the run's own, unless the language has sentences. */
export function describeRun(run, texts) {
  const { sentences } = texts;
  if (!sentences[run.state]) return run.sentence;
  const { rounds, seconds, kept, certificate } = run;
  if (!rounds) return sentences[run.state];
  const isLast = run.state === "training" && rounds.next_evaluation === null;
  return fill(sentences[isLast ? "training_last" : run.state], {
    done: formatRound(rounds.done),
    planned: formatRound(rounds.planned),
    next: rounds.next_evaluation && formatRound(rounds.next_evaluation),
    spent: formatTime(seconds?.so_far, sentences),
    left: formatTime(seconds?.left, sentences),
    total: formatTime(seconds?.total, sentences),
    nats: kept ? describeKept(kept, run.null, sentences) : "",
    certificate: certificate
      ? fill(sentences.certificate, { lower: formatBound(certificate.jsd_lower) })
      : "",
  });
}

/** Say a note of a run, which comes in English, in the language of the page. */
export function translateNote(note, texts) {
  for (const [name, english] of Object.entries(ENGLISH.notes)) {
    const words = english.split(/\{(\w+)\}/);
    const pattern = words.map((word, at) =>
      at % 2 ? `(?<${word}>.*)` : word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    );
    const found = note.match(new RegExp(`^${pattern.join("")}$`, "s"));
    if (found) return fill(texts.notes[name], found.groups ?? {});
  }
  return note;
}

function describeKept(kept, baseline, sentences) {
  const [estimate, se] = [kept.estimate, kept.se].map(formatNats);
  if (!baseline) return fill(sentences.nats_alone, { estimate, se });
  return fill(sentences.nats, { estimate, se, null: formatNats(baseline.estimate) });
}

function formatTime(seconds, { unknown, ...words }) {
  if (!Number.isFinite(seconds)) return unknown;
  const [name, size] =
    seconds < 90 ? ["seconds", 1] : seconds < 5400 ? ["minutes", 60] : ["hours", 3600];
  return fill(words[name], { count: Math.round(seconds / size) });
}

/** Write nats, or another number of its size, with three digits after the point. */
export function formatNats(value) {
  if (!Number.isFinite(value)) return "–";
  return value.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−");
}

/** Write a lower bound: never more than it is. */
export function formatBound(value) {
  if (!Number.isFinite(value)) return formatNats(value);
  return formatNats(Math.floor(value * 1000) / 1000);
}

/** Write the number of a round. */
export function formatRound(t) {
  return t.toLocaleString("en");
}
