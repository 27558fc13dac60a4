/** The laws of data and noise. A law has `dim`, a `window` to show, `sample(random, n)`, and
 * `masses(grid)`, the exact probability of each cell. */

import { histogram, normalCdf } from "./theory.js";

const ROOT_3 = Math.sqrt(3);

/** The standard deviation of the spot that a stroke of the brush leaves. */
export const BRUSH = 0.12;

/** A mixture of normals, each with the same spread along both axes. */
function createMixture(window, means, stds, weights = null) {
  const dim = window.length;
  const total = weights ? weights.reduce((sum, weight) => sum + weight, 0) : means.length;
  const shares = means.map((_, mode) => (weights ? weights[mode] : 1) / total);
  const ends = [];
  shares.forEach((share, mode) => ends.push(share + (mode ? ends[mode - 1] : 0)));
  const spread = (mode) => (typeof stds === "number" ? stds : stds[mode]);
  return {
    dim,
    window,
    sample(random, n) {
      const points = new Float64Array(n * dim);
      for (let row = 0; row < n; row += 1) {
        const u = random.uniform();
        const found = ends.findIndex((end) => u < end);
        const mode = found < 0 ? means.length - 1 : found;
        for (let axis = 0; axis < dim; axis += 1) {
          points[row * dim + axis] = means[mode][axis] + spread(mode) * random.normal();
        }
      }
      return points;
    },
    masses(grid) {
      return sumProducts(grid, means.length, (mode) => ({
        weight: shares[mode],
        cdf: (axis, x) => normalCdf((x - means[mode][axis]) / spread(mode)),
      }));
    },
  };
}

/** The uniform law on [-r, r] in each coordinate. */
function createBox(window, r) {
  const dim = window.length;
  return {
    dim,
    window,
    sample: (random, n) => random.uniforms(n * dim).map((u) => r * (2 * u - 1)),
    masses: (grid) =>
      sumProducts(grid, 1, () => ({
        weight: 1,
        cdf: (axis, x) => Math.min(1, Math.max(0, (x + r) / (2 * r))),
      })),
  };
}

/** Rows that a person gave: each of them as likely as the others. `count` is how many. */
export function createRows(points, dim) {
  const n = points.length / dim;
  return {
    dim,
    count: n,
    window: Array.from({ length: dim }, (_, axis) => findWindow(points, dim, axis)),
    sample(random, count) {
      const drawn = new Float64Array(count * dim);
      for (let row = 0; row < count; row += 1) {
        const from = random.integer(n) * dim;
        for (let axis = 0; axis < dim; axis += 1) drawn[row * dim + axis] = points[from + axis];
      }
      return drawn;
    },
    masses: (grid) => histogram(grid, points),
  };
}

/** From the 0.5 % to the 99.5 % quantile, with a quarter of that on either side. */
function findWindow(points, dim, axis) {
  const values = Float64Array.from(points)
    .filter((_, at) => at % dim === axis)
    .sort();
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const [low, high] = [at(0.005), at(0.995)];
  const room = (high - low) / 4 || 1;
  return [low - room, high + room];
}

/** Masses of a sum of products over the axes. */
function sumProducts(grid, terms, describe) {
  const masses = new Float64Array(grid.count + 1);
  for (let term = 0; term < terms; term += 1) {
    const { weight, cdf } = describe(term);
    const along = grid.window.map(([low], axis) =>
      Float64Array.from({ length: grid.cells }, (_, cell) => {
        const edge = low + cell * grid.steps[axis];
        return cdf(axis, edge + grid.steps[axis]) - cdf(axis, edge);
      }),
    );
    for (let cell = 0; cell < grid.count; cell += 1) {
      const across = grid.dim > 1 ? along[1][Math.floor(cell / grid.cells)] : 1;
      masses[cell] += weight * along[0][cell % grid.cells] * across;
    }
  }
  const inside = masses.reduce((sum, mass) => sum + mass, 0);
  masses[grid.count] = Math.max(0, 1 - inside);
  return masses;
}

const line = (low, high) => [[low, high]];
const plane = (r) => [
  [-r, r],
  [-r, r],
];

/** Means on a circle. */
function placeOnCircle(modes, radius) {
  return Array.from({ length: modes }, (_, mode) => {
    const angle = (2 * Math.PI * mode) / modes;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/** Means on a square grid. */
function placeOnGrid(side, spacing) {
  const reach = (spacing * (side - 1)) / 2;
  return Array.from({ length: side * side }, (_, mode) => [
    spacing * (mode % side) - reach,
    spacing * Math.floor(mode / side) - reach,
  ]);
}

/** Means along two half circles that reach into each other, around the middle. */
function placeOnMoons(points) {
  return Array.from({ length: 2 * points }, (_, at) => {
    const t = (Math.PI * ((at % points) + 0.5)) / points;
    const upper = at < points;
    const x = upper ? Math.cos(t) : 1 - Math.cos(t);
    const y = upper ? Math.sin(t) : 0.5 - Math.sin(t);
    return [1.15 * (x - 0.5), 1.15 * (y - 0.25)];
  });
}

/** The built-in laws of data, by name. */
const DATA = {
  normal: () => createMixture(line(-4, 8), [[0]], 1),
  two: () => createMixture(line(-4, 4), [[-1.5], [1.5]], 0.4),
  three: () => createMixture(line(-5, 7), [[-2], [0.5], [3]], [0.5, 0.3, 0.8], [5, 3, 2]),
  uniform: () => createBox(line(-3.5, 3.5), ROOT_3),
  chi: () => createMixture(line(-2, 6), [[1], [3]], [0.6, 0.9], [3, 1]),
  // the window puts 0 in the middle of a cell
  point: () => createMixture(line(-2, 2.025), [[0]], 1e-9),
  pair: () =>
    createMixture(
      plane(3),
      [
        [-1.1, -0.6],
        [1.1, 0.6],
      ],
      0.4,
    ),
  ring: () => createMixture(plane(2.4), placeOnCircle(8, 1.5), 0.12),
  grid: () => createMixture(plane(2.4), placeOnGrid(5, 0.8), 0.08),
  square: () => createBox(plane(3), ROOT_3),
  moons: () => createMixture(plane(2.4), placeOnMoons(40), 0.1),
};

/** Names of the built-in laws on a line, and in the plane. */
export const LINE_DATA = ["normal", "two", "three", "uniform", "chi", "point"];
export const PLANE_DATA = ["pair", "ring", "grid", "square", "moons"];

/** Find the law of the data: a built-in one, spots that were drawn, or rows that were given. */
export function findData(name, drawn, rows) {
  if (name === "drawn") {
    const means = drawn.length ? drawn : [[0, 0]];
    return createMixture(plane(2.4), means, BRUSH);
  }
  if (name === "rows") return createRows(rows.points, rows.dim);
  return DATA[name]();
}

/** The laws of noise: `quantile` and `cdf` of one coordinate, all of them independent and of
 * variance 1. */
const NOISES = {
  normal: {
    draw: (random, n) => random.normals(n),
    cdf: normalCdf,
    knots: (n) => Float64Array.from({ length: n }, (_, at) => -5 + (10 * at) / (n - 1)),
  },
  uniform: {
    draw: (random, n) => random.uniforms(n).map((u) => ROOT_3 * (2 * u - 1)),
    cdf: (z) => Math.min(1, Math.max(0, (z / ROOT_3 + 1) / 2)),
    knots: (n) =>
      Float64Array.from({ length: n }, (_, at) => ROOT_3 * ((2 * at) / (n - 1) - 1)),
  },
};

/** Find a law of noise by its name, such as `normal_2`. */
export function findNoise(name) {
  const [kind, dim] = name.split("_");
  const noise = NOISES[kind];
  return {
    ...noise,
    kind,
    dim: Number(dim),
    sample: (random, n) => noise.draw(random, n * Number(dim)),
  };
}
