/** A game in progress: the players, what their optimisers remember, and the random numbers.
 * The same settings give the same game, however it is looked at. */

import { findData, findNoise } from "./laws.js";
import { value } from "./losses.js";
import { Moves } from "./moves.js";
import { forward } from "./networks.js";
import { descend, norm, startOptimiser } from "./optimisers.js";
import { startD, startG } from "./players.js";
import { Random } from "./random.js";
import { dataDimension, reconcile } from "./settings.js";
import { gradientD, gradientG } from "./training.js";

/** What starts a player anew when it changes. */
const OF_D = ["mapD", "widthD", "depthD", "activation", "seed"];
const OF_G = ["mapG", "widthG", "depthG", "activation", "seed", "start"];

/** Places of the Dirac-GAN that are kept. */
const TRACE = 3000;

export class Session {
  /** Start a game. `drawn` are points of the canvas, `rows` the rows of a file, or null. */
  constructor(settings, drawn = [], rows = null) {
    this.drawn = drawn;
    this.rows = rows;
    this.settings = reconcile(settings, rows);
    this.rewind();
  }

  /** Go back to the same start. */
  rewind() {
    this.moves = new Moves(this.settings);
    this.isInRound = false;
    this.random = new Random(this.settings.seed, "play");
    this.t = 0;
    this.steps = { D: 0, G: 0 };
    this.norms = { D: null, G: null };
    this.setUpLaws();
    this.startPlayer("D");
    this.startPlayer("G");
    this.trace = [];
    this.keepPlace();
    for (let step = 0; step < this.settings.lead; step += 1) this.playD();
    this.steps = { D: 0, G: 0 };
    this.moves = new Moves(this.settings);
  }

  setUpLaws() {
    this.dim = dataDimension(this.settings, this.rows);
    this.data = findData(this.settings.data, this.drawn, this.rows);
    this.noise = findNoise(this.settings.noise);
    this.seenX = null;
  }

  startPlayer(name) {
    this[name] =
      name === "D"
        ? startD(this.settings, this.dim)
        : startG(this.settings, this.noise.dim, this.dim);
    this[`memory${name}`] = startOptimiser(this[name]);
  }

  /** Change settings while the game goes on; a player whose size changes starts anew. Before the
   * first move, the game begins anew. */
  change(settings, drawn = this.drawn) {
    const before = this.settings;
    const dims = [this.dim, this.noise.dim];
    // an address can hold neither half a round nor points that were drawn later
    const isRepeatable = !this.isInRound && String(drawn) === String(this.drawn);
    this.settings = reconcile(settings, this.rows);
    this.drawn = drawn;
    if (this.moves.isEmpty && !this.isInRound) {
      this.rewind();
      return;
    }
    this.moves.isWhole &&= isRepeatable;
    this.moves.change(before, this.settings);
    this.isInRound = false;
    const differs = (names) => names.some((name) => before[name] !== this.settings[name]);
    this.setUpLaws();
    const isReshaped = this.dim !== dims[0];
    if (isReshaped || differs(OF_D)) this.startPlayer("D");
    if (isReshaped || this.noise.dim !== dims[1] || differs(OF_G)) this.startPlayer("G");
    if (differs(["optimiser"])) {
      this.memoryD = startOptimiser(this.D);
      this.memoryG = startOptimiser(this.G);
    }
  }

  rule(name) {
    const { optimiser, [`rate${name}`]: rate } = this.settings;
    return { name: optimiser, rate, first: 0.5 };
  }

  drawX() {
    this.seenX = this.data.sample(this.random, this.settings.m);
    return this.seenX;
  }

  drawZ() {
    return this.noise.sample(this.random, this.settings.m);
  }

  /** One step of D on fresh minibatches, in phases that slow motion shows: formula (41). */
  *stepD() {
    const { settings } = this;
    const x = this.drawX();
    yield { phase: "data", x };
    const z = this.drawZ();
    const Gz = forward(this.G, z, settings.m).output;
    yield { phase: "samples", x, Gz };
    const shares = this.random.uniforms(settings.m);
    const seen = gradientD(this.D, x, Gz, settings, shares);
    this.norms.D = norm(seen.gradient);
    const V = value(seen.dX, seen.dGz);
    yield { phase: "D", x, Gz, V, loss: seen.loss };
    descend(this.D, seen.gradient, this.memoryD, this.rule("D"));
    this.steps.D += 1;
    this.keepPlace();
  }

  /** One step of G on fresh noise, against the new D: formula (42) or (43). */
  *stepG() {
    const x = this.seenX ?? this.drawX();
    const z = this.drawZ();
    const Gz = forward(this.G, z, this.settings.m).output;
    yield { phase: "noise", Gz };
    const seen = gradientG(this.G, this.D, x, z, this.settings);
    this.norms.G = norm(seen.gradient);
    yield { phase: "G", Gz, loss: seen.loss };
    if (!this.G.map) descend(this.G, seen.gradient, this.memoryG, this.rule("G"));
    this.steps.G += 1;
    this.keepPlace();
  }

  /** One round: k steps of D, then one of G; from round `rest` on D rests, if it is not 0. */
  *round() {
    const { k, learns, rest } = this.settings;
    const isResting = rest > 0 && this.t >= rest;
    this.isInRound = true;
    if (learns !== "G" && !isResting) {
      for (let step = 1; step <= k; step += 1) {
        for (const seen of this.stepD()) yield { ...seen, step };
      }
    }
    if (learns !== "D") yield* this.stepG();
    this.t += 1;
    this.isInRound = false;
    this.moves.add("round");
    yield { phase: "done" };
  }

  playRound() {
    for (const _ of this.round());
  }

  playD() {
    for (const _ of this.stepD());
    this.moves.add("D");
  }

  playG() {
    for (const _ of this.stepG());
    this.moves.add("G");
  }

  /** Remember where the Dirac-GAN is: (theta, psi). */
  keepPlace() {
    if (this.settings.mapG !== "point" || this.settings.mapD !== "slope") return;
    if (!this.D || !this.G) return;
    this.trace.push([this.G.biases[0][0], this.D.weights[0][0]]);
    if (this.trace.length > TRACE) this.trace.shift();
  }
}
