/** What a game looks like at one moment: everything that the page draws, as plain arrays. Its
 * random numbers are its own, so that looking changes nothing. */

import { sigmoid } from "./losses.js";
import { forward } from "./networks.js";
import { Random } from "./random.js";
import {
  bestD,
  bestValue,
  cellCentres,
  createGrid,
  histogram,
  jsd,
  pushLine,
  valueByCells,
} from "./theory.js";
import { pullSamples } from "./training.js";

const LINE_CELLS = 160;
const PLANE_CELLS = 40;

/** Samples that are counted in cells, and points that are drawn. */
const COUNTED = 4000;
const DRAWN = 220;
const ARROWS = 40;

/** Draws of data against data, whose mean is the floor. */
const FLOORS = 5;

/** Knots of a G on a line. */
const KNOTS = 801;

/** The lines of the grid of z, and the points along each. */
const LINES = 13;
const ALONG = 37;

/** Count the cells of an axis: fewer where the rows of a file are few. */
function countCells(dim, rows = Infinity) {
  if (dim === 1) return Math.min(LINE_CELLS, Math.max(20, Math.round(1.5 * rows ** 0.5)));
  return Math.min(PLANE_CELLS, Math.max(10, Math.round(4 * rows ** 0.25)));
}

/** Looks at games with the same data and noise; it keeps what does not change. */
export class Viewer {
  constructor(session) {
    const { data, noise, dim, settings } = session;
    this.grid = createGrid(data.window, countCells(dim, data.count));
    this.centres = cellCentres(this.grid);
    this.pData = data.masses(this.grid);
    this.isExact = dim === 1 && noise.dim === 1;
    const random = new Random(settings.seed, "view");
    this.x = data.sample(random, DRAWN);
    this.z = noise.sample(random, this.isExact ? DRAWN : COUNTED);
    this.knots = this.isExact ? noise.knots(KNOTS) : null;
    this.lattice = dim === 1 && noise.dim === 2 ? null : layLattice(noise);
    this.floor = this.isExact && !data.count ? 0 : this.findFloor(data, random);
  }

  /** The JSD of fresh data from the data: what chance alone leaves of a perfect G. They are as
   * many as the samples, or as the rows of a file, which are themselves a draw. */
  findFloor(data, random) {
    const n = Math.min(COUNTED, data.count ?? COUNTED);
    let sum = 0;
    for (let draw = 0; draw < FLOORS; draw += 1) {
      sum += jsd(this.pData, histogram(this.grid, data.sample(random, n)));
    }
    return sum / FLOORS;
  }

  /** Look at a game. */
  look(session) {
    const { D, G, noise, dim } = session;
    const n = this.z.length / noise.dim;
    const samples = forward(G, this.z, n).output;
    const pG = this.isExact
      ? pushLine(this.grid, noise.cdf, this.knots, forward(G, this.knots, KNOTS).output)
      : histogram(this.grid, samples);
    const d = forward(D, this.centres, this.grid.count).output;
    const shown = samples.slice(0, DRAWN * dim);
    const { lattice } = this;
    return {
      t: session.t,
      steps: { ...session.steps },
      norms: { ...session.norms },
      settings: session.settings,
      grid: this.grid,
      pData: this.pData,
      pG,
      D: d.map(sigmoid),
      bestD: bestD(this.pData, pG),
      x: this.x,
      samples: shown,
      pulls: this.pull(session, shown),
      lattice: lattice && {
        z: lattice,
        image: forward(G, lattice, lattice.length / noise.dim).output,
        along: noise.dim === 2 ? ALONG : lattice.length,
        noise: noise.kind,
      },
      trace: session.trace,
      numbers: this.measure(d, pG),
    };
  }

  pull(session, shown) {
    const { dim } = session;
    const x = this.x.slice(0, ARROWS * dim);
    return pullSamples(session.D, x, shown.slice(0, ARROWS * dim), session.settings);
  }

  /** V, C and JSD by cells. All that lies outside is one more cell, whose d is 0. */
  measure(d, pG) {
    const everywhere = new Float64Array(d.length + 1);
    everywhere.set(d);
    const { pData } = this;
    const mean = (masses) =>
      everywhere.reduce((sum, logit, cell) => sum + masses[cell] * sigmoid(logit), 0);
    return {
      V: valueByCells(everywhere, pData, pG),
      C: bestValue(pData, pG),
      jsd: jsd(pData, pG),
      floor: this.floor,
      DX: mean(pData),
      DGz: mean(pG),
      outside: pG[pG.length - 1],
    };
  }
}

/** Points of the grid of z whose image is drawn: on a line, evenly; in the plane, lines in both
 * directions. */
function layLattice(noise) {
  const reach = noise.kind === "normal" ? 2.2 : Math.sqrt(3);
  const place = (at, n) => reach * ((2 * at) / (n - 1) - 1);
  if (noise.dim === 1) return Float64Array.from({ length: 241 }, (_, at) => place(at, 241));
  const points = [];
  for (let line = 0; line < LINES; line += 1) {
    for (let at = 0; at < ALONG; at += 1) points.push(place(line, LINES), place(at, ALONG));
  }
  for (let line = 0; line < LINES; line += 1) {
    for (let at = 0; at < ALONG; at += 1) points.push(place(at, ALONG), place(line, LINES));
  }
  return Float64Array.from(points);
}
