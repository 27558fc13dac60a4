/** The settings of the page: a form made from the table of settings. */

import { SETTINGS, dataDimension, parseSetting } from "../game/settings.js";
import { fill, setText } from "../drawing/text.js";

const GROUPS = {
  data: ["data", "noise", "seed"],
  players: ["mapG", "start", "widthG", "depthG", "mapD", "widthD", "depthD", "activation"],
  rules: ["loss", "penalty", "gamma", "k", "m"],
  steps: ["learns", "optimiser", "rateD", "rateG", "lead", "rest"],
};

/** Settings that matter only with certain others. */
const IS_SHOWN = {
  start: (settings) => settings.mapG === "shift",
  widthG: (settings) => settings.mapG === "network",
  depthG: (settings) => settings.mapG === "network",
  widthD: (settings) => settings.mapD === "network",
  depthD: (settings) => settings.mapD === "network",
  gamma: (settings) => settings.penalty !== "none",
};

/** Whether a choice can be made: small players need data on a line, and a map of a line noise of
 * one number. */
function isOffered(name, value, settings, rows) {
  const isLine = dataDimension(settings, rows) === 1;
  if (name === "data" && value === "rows") return Boolean(rows);
  if (name === "mapG") return isLine || value === "network";
  if (name === "mapD") return isLine || value !== "slope";
  if (name === "noise" && settings.mapG !== "network") return String(value).endsWith("1");
  return true;
}

/** The form of the settings. `onChange(name, value)` hears of each change. */
export class Controls {
  constructor(form, rows, onChange, onInvalid) {
    this.form = form;
    this.rows = rows;
    this.onChange = onChange;
    this.onInvalid = onInvalid;
    this.fields = {};
  }

  /** Build the form in a language. */
  build(texts) {
    this.texts = texts;
    this.form.replaceChildren(
      ...Object.entries(GROUPS).map(([group, names]) => {
        const fieldset = document.createElement("fieldset");
        const legend = document.createElement("legend");
        legend.textContent = texts.groups[group];
        fieldset.append(legend, ...names.map((name) => this.buildField(name)));
        return fieldset;
      }),
    );
    this.note = document.createElement("p");
    this.note.className = "note";
    this.note.id = "settings-note";
    this.note.setAttribute("aria-live", "polite");
    this.form.append(this.note);
  }

  buildField(name) {
    const label = document.createElement("label");
    const caption = document.createElement("span");
    setText(caption, this.texts.settings[name]);
    const field = document.createElement(SETTINGS[name].choices ? "select" : "input");
    field.name = name;
    if (!SETTINGS[name].choices) {
      field.inputMode = SETTINGS[name].isWhole ? "numeric" : "decimal";
      field.autocomplete = "off";
    }
    field.addEventListener("change", () => this.read(name));
    label.append(caption, field);
    this.fields[name] = field;
    return label;
  }

  /** Read what a person chose or typed; what it can't be is marked, and changes nothing. */
  read(name) {
    const field = this.fields[name];
    const value = parseSetting(name, field.value.replace(",", "."));
    field.toggleAttribute("aria-invalid", false);
    if (value === null) {
      const { low, high, isWhole } = SETTINGS[name];
      const text = isWhole ? this.texts.invalid_whole : this.texts.invalid;
      field.setAttribute("aria-invalid", "true");
      this.onInvalid(fill(text, { name: this.texts.settings[name], low, high }));
      return;
    }
    this.onChange(name, value);
  }

  /** Show settings. */
  show(settings) {
    for (const [name, field] of Object.entries(this.fields)) {
      if (SETTINGS[name].choices) this.showChoices(name, field, settings);
      else if (field !== document.activeElement || Number(field.value) !== settings[name]) {
        field.value = settings[name];
      }
      field.toggleAttribute("aria-invalid", false);
      field.closest("label").hidden = !(IS_SHOWN[name]?.(settings) ?? true);
    }
    setText(this.note, this.findNote(settings));
  }

  showChoices(name, field, settings) {
    const { choices } = this.texts;
    const offered = SETTINGS[name].choices.filter((value) =>
      isOffered(name, value, settings, this.rows),
    );
    field.replaceChildren(
      ...offered.map((value) => {
        const text = choices[`${name}.${value}`] ?? choices[value] ?? String(value);
        return new Option(text, value, false, value === settings[name]);
      }),
    );
  }

  findNote(settings) {
    const { notes } = this.texts;
    if (settings.loss === "wasserstein" && settings.penalty !== "gradient_penalty") {
      return notes.wasserstein;
    }
    if (settings.loss === "relativistic") return notes.relativistic;
    const isPlane = dataDimension(settings, this.rows) === 2;
    if (isPlane && settings.noise.endsWith("1")) return notes.curve;
    return notes.resize;
  }
}
