/** Entries of a legend: a swatch, and what it stands for. */

import { setText } from "./text.js";

/** Make the swatch of a class of the style sheet. */
export function buildSwatch(name) {
  const swatch = document.createElement("span");
  swatch.className = `swatch ${name}`;
  return swatch;
}

/** Make a text with subscripts. */
export function buildCaption(text) {
  const caption = document.createElement("span");
  setText(caption, text);
  return caption;
}

/** Make one entry of its parts. */
export function buildItem(...parts) {
  const item = document.createElement("span");
  item.className = "item";
  item.append(...parts);
  return item;
}
