/** What is shown, in the address of the page, so that a link opens the same. */

/** Write a state as the part of an address after #; the latest round and all runs need no words. */
export function encodeState({ t, hidden, language }) {
  const parts = new URLSearchParams();
  if (language) parts.set("language", language);
  if (t !== null) parts.set("t", t);
  if (hidden.size) parts.set("hidden", [...hidden].sort((a, b) => a - b).join("."));
  return parts.toString();
}

/** Read a state; what an address does not say, or says wrongly, is as at the start. */
export function decodeState(text) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  const whole = (word) => (/^\d{1,10}$/.test(word ?? "") ? Number(word) : null);
  const hidden = (parts.get("hidden") ?? "").split(".").map(whole);
  return {
    t: whole(parts.get("t")),
    hidden: new Set(hidden.filter((number) => number !== null)),
    language: parts.get("language") ?? "",
  };
}
