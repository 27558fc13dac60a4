/** Divergences and the best D, as in src/onehalf/theory: of two vectors of masses, in nats. */

import { softplus } from "./losses.js";

/** -log 4, the value of the game where D = 1/2: formula (27). */
export const MINUS_LOG_4 = -Math.log(4);

/** Sum mass * value, where nothing times infinity is nothing. */
function expect(mass, values) {
  let sum = 0;
  for (let at = 0; at < mass.length; at += 1) if (mass[at] > 0) sum += mass[at] * values(at);
  return sum;
}

/** JSD(p, q) = KL(p || m)/2 + KL(q || m)/2, m = (p + q)/2: formula (35). */
export function jsd(p, q) {
  const ofP = expect(p, (at) => Math.log((2 * p[at]) / (p[at] + q[at])));
  const ofQ = expect(q, (at) => Math.log((2 * q[at]) / (p[at] + q[at])));
  return (ofP + ofQ) / 2;
}

/** D* = p_data/(p_data + p_g), 1/2 where neither has mass: formula (24). */
export function bestD(pData, pG) {
  return Float64Array.from(pData, (mass, at) => {
    const both = mass + pG[at];
    return both > 0 ? mass / both : 0.5;
  });
}

/** C(G) = E[log D*(x)] + E[log(1 - D*(G(z)))]: formula (28). */
export function bestValue(pData, pG) {
  const best = bestD(pData, pG);
  return expect(pData, (at) => Math.log(best[at])) + expect(pG, (at) => Math.log1p(-best[at]));
}

/** V(D, G) of a D that is known by its logit in each cell: formula (19). */
export function valueByCells(d, pData, pG) {
  return -expect(pData, (at) => softplus(-d[at])) - expect(pG, (at) => softplus(d[at]));
}

/** erf(x) to 1e-15: its series near 0, a continued fraction of erfc beyond. */
export function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size > 2.5) return Math.sign(x) * (1 - erfcFraction(size));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** erfc(x) for x > 2 by Laplace's continued fraction. */
function erfcFraction(x) {
  let fraction = x;
  for (let n = 60; n > 0; n -= 1) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** P(Z < z) for Z from N(0, 1). */
export function normalCdf(z) {
  return (1 + erf(z / Math.SQRT2)) / 2;
}

/** Cells of equal size on a window, and one more for all that is outside: the last. `window` has
 * a low and a high end for each dimension. */
export function createGrid(window, cells) {
  const dim = window.length;
  return {
    dim,
    window,
    cells,
    count: cells ** dim,
    steps: window.map(([low, high]) => (high - low) / cells),
  };
}

/** The cell of a point, from 0; `grid.count` if it is outside. The first coordinate varies
 * fastest. */
export function findCell(grid, points, row) {
  let cell = 0;
  for (let axis = grid.dim - 1; axis >= 0; axis -= 1) {
    const place = (points[row * grid.dim + axis] - grid.window[axis][0]) / grid.steps[axis];
    if (!(place >= 0 && place < grid.cells)) return grid.count;
    cell = cell * grid.cells + Math.floor(place);
  }
  return cell;
}

/** The share of points in each cell. */
export function histogram(grid, points) {
  const masses = new Float64Array(grid.count + 1);
  const n = points.length / grid.dim;
  for (let row = 0; row < n; row += 1) masses[findCell(grid, points, row)] += 1 / n;
  return masses;
}

/** The middle of each cell. */
export function cellCentres(grid) {
  const points = new Float64Array(grid.count * grid.dim);
  for (let cell = 0; cell < grid.count; cell += 1) {
    let rest = cell;
    for (let axis = 0; axis < grid.dim; axis += 1) {
      const place = rest % grid.cells;
      points[cell * grid.dim + axis] = grid.window[axis][0] + (place + 0.5) * grid.steps[axis];
      rest = Math.floor(rest / grid.cells);
    }
  }
  return points;
}

/** The masses of the cells under the law of G(z), z on a line: exact if G is linear between the
 * knots, as in src/onehalf/theory/pushforward.py. Each piece of G is cut where it crosses the
 * edge of a cell. */
export function pushLine(grid, cdf, z, Gz) {
  const masses = new Float64Array(grid.count + 1);
  const [low] = grid.window[0];
  const [step] = grid.steps;
  const find = (x) => (x >= low ? Math.min(grid.cells, Math.floor((x - low) / step)) : -1);
  const clip = (cell) => (cell < 0 || cell >= grid.cells ? grid.count : cell);
  let before = 0;
  for (let piece = 0; piece + 1 < z.length; piece += 1) {
    const [start, stop] = [Gz[piece], Gz[piece + 1]];
    const end = piece + 2 < z.length ? cdf(z[piece + 1]) : 1;
    let cell = find(start);
    const last = find(stop);
    const direction = Math.sign(last - cell);
    while (cell !== last) {
      const edge = low + (direction > 0 ? cell + 1 : cell) * step;
      const share = Math.min(1, Math.max(0, (edge - start) / (stop - start)));
      const cut = Math.max(before, cdf(z[piece] + share * (z[piece + 1] - z[piece])));
      masses[clip(cell)] += cut - before;
      before = cut;
      cell += direction;
    }
    masses[clip(last)] += end - before;
    before = end;
  }
  return masses;
}
