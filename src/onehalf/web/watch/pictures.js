/** What the samples of a run look like at one evaluation, by the kind of data. */

import { WORD, drawHistogram, drawPair, drawWords, formatPercent } from "../drawing/bars.js";
import { buildCaption, buildItem, buildSwatch } from "../drawing/legend.js";
import { drawLine } from "../drawing/line.js";
import { drawBestPlane, drawPlane } from "../drawing/plane.js";
import { fill, setText } from "../drawing/text.js";
import { formatRound, translateNote } from "./texts.js";

const LAYERS = { data: true, samples: true, lattice: true, pulls: false };

/** The picture of a run in an element of the page. */
export class RunPicture {
  constructor(element) {
    this.element = element;
    this.key = "";
    this.canvases = new Map();
  }

  /** Draw the frame of the round that is shown. */
  draw(view, { cursor, texts, colours, base, title }) {
    const { picture } = view;
    const frame = picture?.frames.findLast(({ t }) => t <= cursor);
    const key = JSON.stringify([picture?.kind, Boolean(frame), title, texts.name, shapeOf(picture)]);
    if (key !== this.key) {
      this.key = key;
      this.build(view, Boolean(frame), texts, title);
    }
    if (!frame) return;
    setText(this.when, fill(texts.frame, { t: formatRound(frame.t) }));
    const options = { view, picture, frame, texts, colours, base };
    KINDS[picture.kind].draw(this, options);
  }

  /** Make the elements of a kind of picture. */
  build(view, hasFrame, texts, title) {
    const { picture } = view;
    this.canvases.clear();
    this.when = makeElement("p", "when");
    const heading = makeElement("h3", "");
    heading.textContent = title;
    heading.hidden = !title;
    this.element.dataset.view = picture?.kind ?? "";
    const parts = hasFrame ? KINDS[picture.kind].build(this, picture, texts) : [];
    if (!hasFrame) {
      setText(this.when, picture ? texts.no_frame : texts.no_picture);
    }
    const notes = view.notes.map((note) => {
      const line = makeElement("p", "note");
      line.textContent = translateNote(note, texts);
      return line;
    });
    this.element.replaceChildren(heading, this.when, ...parts, ...notes);
  }

  /** Make a figure with a canvas of this name. */
  addFigure(name, caption = "") {
    const figure = makeElement("figure", name.split(".")[0]);
    const text = document.createElement("figcaption");
    setText(text, caption);
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    figure.append(text, canvas);
    this.canvases.set(name, canvas);
    return figure;
  }

  /** Say what a canvas shows, for those who do not see it. */
  describe(name, text) {
    this.canvases.get(name).setAttribute("aria-label", text);
  }
}

function makeElement(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

/** What of a picture decides which elements there are. */
function shapeOf(picture) {
  if (picture?.columns) return picture.columns.map(({ name, labels }) => [name, labels.length]);
  return [picture?.p_data_known ? 1 : 0, picture?.z ? 1 : 0, Boolean(picture?.data_sheet)];
}

function makeLegend(items) {
  const legend = makeElement("div", "legend");
  legend.append(
    ...items.map(([swatch, text, after]) => {
      const parts = [buildSwatch(swatch), buildCaption(text)];
      return buildItem(...(after ? [buildCaption(after), ...parts] : parts));
    }),
  );
  return legend;
}

const numbers = (values) => values.map((value) => value ?? NaN);

const line = {
  build(owner, picture, { legend, captions }) {
    const items = [
      ["data", picture.p_data_known ? legend.p_data : legend.rows],
      ["samples", legend.p_g],
      ["D", legend.D],
    ];
    if (picture.p_data_known) items.push(["best", legend.best]);
    const caption = picture.z ? captions.line : captions.line_bare;
    return [owner.addFigure("line", fill(caption, picture)), makeLegend(items)];
  },
  draw(owner, { view, picture, frame, texts, colours }) {
    const { edges, z, p_data_known: known } = picture;
    const p_data = known ?? picture.p_data;
    const count = edges.length - 1;
    const { walk } = frame;
    const units = { show: (value) => value, hide: (value) => value };
    const cells = {
      grid: { window: [[edges[0], edges[count]]], count, steps: [edges[1] - edges[0]] },
      pData: [...p_data, 0],
      peak: findPeak(picture, p_data),
      pG: frame.p_g,
      D: frame.D && numbers(frame.D),
      bestD: frame.D_star && numbers(frame.D_star),
      lattice: z && walk ? { z, image: numbers(walk) } : null,
    };
    drawLine(owner.canvases.get("line"), cells, { colours, layers: LAYERS, units });
    owner.describe("line", fill(texts.canvas.line, view));
  },
};

/** The height of the axis of densities: the same in all frames, so that they can be compared. */
function findPeak({ frames }, p_data) {
  const highest = Math.max(...p_data);
  const samples = Math.max(...frames.flatMap(({ p_g }) => p_g));
  return 1.1 * Math.min(Math.max(highest, samples), 3 * highest);
}

/** Turn cells that go along y first into rows along x. */
function transpose(values, columns, rows) {
  return Array.from({ length: columns * rows }, (_, cell) => {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    return values[column * rows + row];
  });
}

function interleave(x, y) {
  return x.flatMap((value, at) => [value ?? NaN, y[at] ?? NaN]);
}

const plane = {
  build(owner, picture, { legend, captions }) {
    const [frame] = picture.frames;
    const sides = [picture.x_edges, picture.y_edges].map(({ length }) => length - 1);
    const grid = sides.map((cells) => (frame.D_fine ? 2 * cells - 1 : cells)).join(" × ");
    const counts = { grid, data: picture.data_x?.length ?? 0, samples: frame.x.length };
    const caption = frame.D ? fill(captions.plane, counts) : captions.plane_bare;
    const figures = makeElement("div", "pair");
    figures.append(owner.addFigure("plane", caption));
    if (picture.p_data_known) figures.append(owner.addFigure("best", captions.best));
    const items = [
      ["data", legend.data],
      ["samples", legend.samples],
    ];
    if (frame.D) items.push(["ramp", legend.ramp_high, legend.ramp_low]);
    return [figures, makeLegend(items)];
  },
  draw(owner, { view, picture, frame, texts, colours }) {
    const { x_edges: xs, y_edges: ys, names } = picture;
    const [columns, rows] = [xs.length - 1, ys.length - 1];
    const units = { show: (value) => value, hide: (value) => value, names };
    const bestD = frame.D_star && numbers(transpose(frame.D_star, columns, rows));
    const shown = {
      grid: {
        cells: columns,
        window: [
          [xs[0], xs[columns]],
          [ys[0], ys[rows]],
        ],
      },
      D: frame.D && numbers(transpose(frame.D, columns, rows)),
      fineD: frame.D_fine && numbers(transpose(frame.D_fine, 2 * columns - 1, 2 * rows - 1)),
      bestD,
      pData: bestD && bestD.map((value) => (Number.isFinite(value) ? 1 : 0)),
      pG: bestD && bestD.map(() => 0),
      x: picture.data_x ? interleave(picture.data_x, picture.data_y) : [],
      samples: interleave(frame.x, frame.y),
    };
    const options = { colours, layers: LAYERS, units };
    drawPlane(owner.canvases.get("plane"), shown, options);
    owner.describe("plane", fill(texts.canvas.plane, view));
    if (!owner.canvases.has("best") || !bestD) return;
    drawBestPlane(owner.canvases.get("best"), shown, options);
    owner.describe("best", fill(texts.canvas.best, view));
  },
};

const columns = {
  build(owner, picture, texts) {
    const { captions, legend } = texts;
    const shown = picture.columns.length;
    const text = makeElement("p", "when");
    const words = shown < picture.total ? captions.columns_some : captions.columns;
    setText(text, fill(words, { shown, total: picture.total }));
    const grid = makeElement("div", "columns");
    picture.columns.forEach((column, at) => {
      const figure = owner.addFigure(`column.${at}`);
      const canvas = owner.canvases.get(`column.${at}`);
      figure.dataset.bars = column.bars;
      if (column.bars === "words") canvas.style.height = `${WORD * column.labels.length}px`;
      grid.append(figure);
    });
    const bars = [
      ["bar data", legend.bars_data],
      ["bar samples", legend.bars_samples],
    ];
    owner.pairs = makeElement("div", "pairs");
    return [makeLegend(bars), text, grid, owner.pairs];
  },
  draw(owner, { picture, frame, texts, colours }) {
    picture.columns.forEach((column, at) => {
      const canvas = owner.canvases.get(`column.${at}`);
      const bars = { ...column, samples: frame.samples[at] };
      const difference = formatPercent(frame.differences[at]);
      const words = { name: column.name, difference };
      setText(canvas.previousElementSibling, fill(texts.captions.column, words));
      (column.bars === "words" ? drawWords : drawHistogram)(canvas, bars, colours);
      owner.describe(`column.${at}`, fill(texts.canvas.column, words));
    });
    drawPairs(owner, frame.pairs, texts, colours);
  },
};

/** Draw the pairs of columns that differ most; which these are changes from frame to frame. */
function drawPairs(owner, pairs, texts, colours) {
  owner.pairs.hidden = !pairs.length;
  const { captions, legend } = texts;
  if (owner.pairs.childElementCount !== (pairs.length ? pairs.length + 2 : 0)) {
    const heading = makeElement("h4", "");
    heading.textContent = captions.pairs;
    const figures = pairs.map((_, at) => owner.addFigure(`pair.${at}`));
    const ramp = makeLegend([["ramp", legend.pair_high, legend.pair_low]]);
    owner.pairs.replaceChildren(...(pairs.length ? [heading, ramp, ...figures] : []));
  }
  pairs.forEach((pair, at) => {
    const canvas = owner.canvases.get(`pair.${at}`);
    const words = {
      names: pair.names.join(" × "),
      difference: formatPercent(pair.difference),
      baseline: formatPercent(pair.baseline),
    };
    setText(canvas.previousElementSibling, fill(captions.pair, words));
    drawPair(canvas, pair, colours);
    owner.describe(`pair.${at}`, fill(texts.canvas.pair, words));
  });
}

const images = {
  build(owner, picture, { captions }) {
    const figures = makeElement("div", "pair");
    const count = { count: picture.count };
    figures.append(owner.addFigure("images", fill(captions.images, count)));
    if (picture.data_sheet) figures.append(owner.addFigure("images_data", captions.images_data));
    owner.sheets = new Map();
    return [figures];
  },
  draw(owner, { view, picture, frame, texts, base }) {
    showSheet(owner, "images", new URL(frame.sheet, base).href);
    owner.describe("images", fill(texts.canvas.images, view));
    if (!picture.data_sheet) return;
    showSheet(owner, "images_data", new URL(picture.data_sheet, base).href);
    owner.describe("images_data", fill(texts.canvas.images_data, view));
  },
};

/** Show a sheet once it is decoded; until then the one before stays, so that nothing flashes. */
async function showSheet(owner, name, address) {
  const { sheets } = owner;
  const canvas = owner.canvases.get(name);
  canvas.dataset.sheet = address;
  if (!sheets.has(address)) {
    const image = new Image();
    image.src = address;
    sheets.set(address, image.decode().then(() => image));
  }
  const image = await sheets.get(address).catch(() => sheets.delete(address));
  if (!(image instanceof Image) || canvas.dataset.sheet !== address) return;
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.style.aspectRatio = `${image.width} / ${image.height}`;
  canvas.getContext("2d").drawImage(image, 0, 0);
}

const KINDS = { line, plane, table: columns, array: columns, images };
