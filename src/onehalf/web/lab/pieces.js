/** The set pieces: settings that show one thing of the theory. `formula` is its number in the
 * derivation, docs/explanation/derivation.md; `chapter` is its heading there; `run` is the
 * experiment that checks it. Variants are changes to try while it plays. `speed` is in rounds a
 * second. */

const dirac = {
  data: "point",
  noise: "normal_1",
  mapG: "point",
  mapD: "slope",
  optimiser: "sgd",
  loss: "minimax",
  rateD: 0.2,
  rateG: 0.2,
  gamma: 0.3,
  m: 16,
};

const shift = {
  data: "normal",
  noise: "normal_1",
  mapG: "shift",
  mapD: "line",
  optimiser: "sgd",
  rateD: 0.1,
  rateG: 0.02,
  k: 10,
};

const line = { noise: "normal_1", activation: "tanh", widthG: 16, m: 256 };

export const PIECES = [
  {
    name: "won",
    speed: "fast",
    settings: { ...line, data: "three", rateD: 0.01, rateG: 0.003, k: 3 },
    formula: 36,
    chapter: "The value of the best reply",
    run: "known-answers",
  },
  {
    name: "plane",
    speed: "fast",
    settings: { data: "moons", activation: "tanh", rateD: 0.01, rateG: 0.003, k: 2 },
    formula: 24,
    chapter: "The best discriminator",
    run: "learned-d",
  },
  {
    name: "collapse",
    speed: "60",
    settings: {
      ...line,
      data: "two",
      widthD: 16,
      rateD: 0.01,
      rateG: 0.005,
      k: 3,
      loss: "minimax",
      rest: 120,
    },
    variants: [{ rest: 120 }, { rest: 0 }],
    formula: 10,
    chapter: "The game",
    run: "min-max",
  },
  {
    name: "saturation",
    speed: "60",
    settings: { ...shift, loss: "minimax", start: 6 },
    variants: [{ loss: "minimax" }, { loss: "non_saturating" }],
    formula: 43,
    chapter: "What was really run",
    run: "saturation",
  },
  {
    name: "dirac",
    speed: "10",
    settings: dirac,
    variants: [{ penalty: "none" }, { penalty: "R1" }],
    chapter: "After 2014",
    run: "dirac-gan",
  },
  {
    name: "steps",
    speed: "60",
    settings: { ...line, data: "two", widthD: 16, rateD: 0.003, rateG: 0.002, k: 1 },
    variants: [{ k: 1 }, { k: 5 }],
    formula: 38,
    chapter: "Descending C",
    run: "steps-of-d",
  },
  {
    name: "strong",
    speed: "10",
    settings: {
      ...shift,
      mapD: "network",
      widthD: 16,
      activation: "tanh",
      rateG: 0.05,
      loss: "minimax",
      gamma: 1,
      start: 5,
      k: 5,
      lead: 1000,
    },
    variants: [{ penalty: "none" }, { penalty: "R1" }, { loss: "non_saturating" }],
    formula: 42,
    chapter: "From expectations to minibatches",
    run: "saturation",
  },
  {
    name: "folds",
    speed: "10",
    settings: { ...line, data: "chi", mapG: "square", rateD: 0.01 },
    variants: [{ mapG: "square" }, { mapG: "waves" }],
    formula: 2,
    chapter: "The game",
    run: "folds",
  },
];
