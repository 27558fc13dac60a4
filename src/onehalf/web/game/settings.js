/** Every setting of the lab, once: what it may be, and where it begins. The address of the page
 * holds those that differ from the default. */

import { LINE_DATA, PLANE_DATA } from "./laws.js";
import { LOSSES } from "./losses.js";
import { PENALTIES } from "./penalties.js";

const WIDTHS = [4, 8, 16, 32, 64];
const DEPTHS = [1, 2];
const MAPS_G = ["network", "shift", "point", "square", "waves"];
const MAPS_D = ["network", "line", "slope"];

const choice = (start, choices) => ({ start, choices });
const number = (start, low, high, isWhole = false) => ({ start, low, high, isWhole });

export const SETTINGS = {
  data: choice("ring", [...LINE_DATA, ...PLANE_DATA, "drawn", "rows"]),
  noise: choice("normal_2", ["normal_1", "normal_2", "uniform_1", "uniform_2"]),
  mapG: choice("network", MAPS_G),
  widthG: choice(32, WIDTHS),
  depthG: choice(2, DEPTHS),
  mapD: choice("network", MAPS_D),
  widthD: choice(32, WIDTHS),
  depthD: choice(2, DEPTHS),
  activation: choice("leaky_relu", ["leaky_relu", "relu", "tanh"]),
  k: number(1, 1, 50, true),
  m: number(128, 8, 512, true),
  rateD: number(0.002, 0, 1),
  rateG: number(0.001, 0, 1),
  optimiser: choice("adam", ["adam", "sgd"]),
  loss: choice("non_saturating", Object.keys(LOSSES)),
  penalty: choice("none", Object.keys(PENALTIES)),
  gamma: number(0.1, 0, 100),
  learns: choice("both", ["both", "D", "G"]),
  lead: number(0, 0, 2000, true),
  rest: number(0, 0, 100000, true),
  start: number(4, -6, 6),
  seed: number(0, 0, 999999, true),
};

/** The settings at the start. */
export function defaultSettings() {
  return Object.fromEntries(Object.entries(SETTINGS).map(([name, { start }]) => [name, start]));
}

/** Read one setting from text; null if it is not one of what it may be. */
export function parseSetting(name, text) {
  const { choices, low, high, isWhole } = SETTINGS[name];
  if (choices) return choices.find((each) => String(each) === String(text)) ?? null;
  const value = String(text).trim() === "" ? NaN : Number(text);
  const isGood = value >= low && value <= high && (!isWhole || Number.isInteger(value));
  return isGood ? value : null;
}

/** The number of coordinates of the data. */
export function dataDimension(settings, rows) {
  if (settings.data === "rows") return rows.dim;
  return LINE_DATA.includes(settings.data) ? 1 : 2;
}

/** Make settings fit each other: players that are made for a line need data on a line, and rows
 * need rows. */
export function reconcile(settings, rows) {
  const fitted = { ...settings };
  if (fitted.data === "rows" && !rows) fitted.data = "ring";
  const isLine = dataDimension(fitted, rows) === 1;
  if (!isLine) {
    fitted.mapG = "network";
    if (fitted.mapD === "slope") fitted.mapD = "network";
  }
  if (fitted.mapG !== "network") fitted.noise = fitted.noise.replace("2", "1");
  return fitted;
}
