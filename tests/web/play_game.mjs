// Plays what tests/web/test_game.py wrote with the page's own modules, and prints the results as JSON.
// node play_game.mjs CASES.json
import { readFileSync } from "node:fs";

const root = new URL("../../src/onehalf/web/", import.meta.url);
const load = (name) => import(new URL(name, root));

const { Session } = await load("game/session.js");
const { Viewer } = await load("game/frame.js");
const { gradientD, gradientG } = await load("game/training.js");
const { defaultSettings } = await load("game/settings.js");
const { parseMoves } = await load("game/moves.js");
const { descend, startOptimiser } = await load("game/optimisers.js");
const { findData, findNoise } = await load("game/laws.js");
const theory = await load("game/theory.js");
const address = await load("lab/address.js");
const { PIECES } = await load("lab/pieces.js");
const { LANGUAGES } = await load("lab/texts.js");
const watch = await load("watch/texts.js");

const cases = JSON.parse(readFileSync(process.argv[2]));
const list = (values) => Array.from(values);
const floats = (values) => Float64Array.from(values);

function readNetwork({ sizes, weights, biases }, activation) {
    return { sizes, activation, weights: weights.map(floats), biases: biases.map(floats) };
}

const flatten = ({ weights, biases }) => [...weights, ...biases].flatMap(list);

/** Values and gradients on the first minibatch of each player. */
function differentiate({ settings, D, G, first }) {
    const [x, z, zG, shares] = ["x", "z", "z_G", "shares"].map((name) => floats(first[name]));
    const players = [readNetwork(D, settings.activation), readNetwork(G, settings.activation)];
    const Gz = floats(first.Gz);
    const ofD = gradientD(players[0], x, Gz, settings, shares);
    const ofG = gradientG(players[1], players[0], x, zG, settings);
    const stepped = ["D", "G"].map((name, at) => {
        const rule = { name: "adam", rate: settings[`rate${name}`], first: 0.5 };
        descend(players[at], [ofD, ofG][at].gradient, startOptimiser(players[at]), rule);
        return flatten(players[at]);
    });
    return {
        stepped_D: stepped[0],
        stepped_G: stepped[1],
        loss_D: ofD.loss,
        loss_G: ofG.loss,
        gradient_D: flatten(ofD.gradient),
        gradient_G: flatten(ofG.gradient),
    };
}

/** Rounds of a session on given minibatches. */
function playRounds({ settings, D, G, batches, rounds }) {
    const session = new Session({ ...defaultSettings(), ...settings });
    session.D = readNetwork(D, settings.activation);
    session.G = readNetwork(G, settings.activation);
    const take = (name) => () => floats(batches[name].shift());
    session.data = { sample: take("x") };
    session.noise = { ...session.noise, sample: take("z") };
    session.random = { uniforms: take("shares") };
    for (let round = 0; round < rounds; round += 1) session.playRound();
    return { D: flatten(session.D), G: flatten(session.G) };
}

function measure({ p, q, d }) {
    return {
        jsd: theory.jsd(p, q),
        C: theory.bestValue(p, q),
        D_star: list(theory.bestD(p, q)),
        V: theory.valueByCells(d, p, q),
    };
}

function pushMap({ window, cells, map, noise, knots }) {
    const grid = theory.createGrid([window], cells);
    const law = findNoise(noise);
    const maps = { square: (z) => z * z, waves: (z) => 2 * Math.sin(2 * z) };
    const z = law.knots(knots);
    const masses = theory.pushLine(grid, law.cdf, z, z.map(maps[map]));
    return { z: list(z), masses: list(masses) };
}

function findMasses({ name, window, cells }) {
    return list(findData(name, [], null).masses(theory.createGrid(window, cells)));
}

/** The JSD of data against data: of rows, of a density on a line, and of one in the plane. */
function findFloors(rows) {
    const settings = [
        { data: "rows", noise: "normal_1" },
        { data: "three", noise: "normal_1" },
        { data: "ring", noise: "normal_2" },
    ];
    return settings.map((each) => {
        const session = new Session({ ...defaultSettings(), ...each }, [], {
            points: rows,
            dim: 1,
        });
        return new Viewer(session).floor;
    });
}

/** A game with looks at it, one without, and one that was rewound: the same parameters. */
function rewind() {
    const settings = { ...defaultSettings(), m: 16, widthD: 8, widthG: 8 };
    const play = (session, look) => {
        for (let round = 0; round < 4; round += 1) {
            session.playRound();
            look?.look(session);
        }
        return [...flatten(session.D), ...flatten(session.G)];
    };
    const first = new Session(settings);
    const plain = play(first);
    first.rewind();
    const looked = new Session(settings);
    return { plain, rewound: play(first), looked: play(looked, new Viewer(looked)) };
}

/** A game with changes and steps, and the same game repeated from the text of its moves. */
function repeatMoves() {
    const settings = { ...defaultSettings(), m: 16, widthD: 8, widthG: 8, k: 2, lead: 3 };
    const game = new Session({ ...settings, k: 5 });
    game.change(settings); // before the first move
    for (let round = 0; round < 3; round += 1) game.playRound();
    game.change({ ...game.settings, k: 1, loss: "hinge", start: -2.5 });
    game.playD();
    game.playD();
    game.playG();
    game.playRound();
    const text = game.moves.toText(game.settings);
    const known = parseMoves(text, game.settings);
    const again = new Session(known.settings);
    for (const { name, value, kind, count } of known.moves) {
        if (name) again.change({ ...again.settings, [name]: value });
        for (let step = 0; step < count; step += 1) {
            if (kind === "round") again.playRound();
            else again[`play${kind}`]();
        }
    }
    game.change(game.settings, [[0, 0]]);
    return {
        text,
        isSame: String(flatten(again.G)) === String(flatten(game.G)),
        again: again.moves.toText(again.settings),
        drawn: game.moves.toText(game.settings),
        wrong: ["k-3", "3*x", "k-none*3", "9999999*D9999999"].map(
            (each) => parseMoves(each, settings).moves.length,
        ),
    };
}

/** V, C, JSD of each set piece with each of its variants after so many rounds. */
function playPieces(rounds) {
    return PIECES.map(({ name, settings, variants = [{}] }) => {
        const results = variants.map((variant) => {
            const session = new Session({ ...defaultSettings(), ...settings, ...variant });
            for (let round = 0; round < rounds[name]; round += 1) session.playRound();
            return {
                variant,
                ...new Viewer(session).look(session).numbers,
                trace: session.trace.at(-1),
            };
        });
        return { name, results };
    });
}

/** A state that is written into an address and read again. */
function readAgain(states) {
    return states.map((state) => address.decodeState(address.encodeState(state)));
}

function listKeys(texts, prefix = "") {
    return Object.entries(texts).flatMap(([key, value]) =>
        typeof value === "string" ? `${prefix}${key}` : listKeys(value, `${prefix}${key}.`),
    );
}

console.log(
    JSON.stringify({
        differentiated: cases.games.map(differentiate),
        played: cases.games.map(playRounds),
        measured: measure(cases.vectors),
        pushed: cases.maps.map(pushMap),
        masses: cases.laws.map(findMasses),
        window: findData("rows", [], { points: cases.rows, dim: 1 }).window,
        floors: findFloors(cases.rows),
        rewind: rewind(),
        moves: repeatMoves(),
        pieces: cases.pieces ? playPieces(cases.pieces) : null,
        addresses: readAgain(cases.states),
        wrong: address.decodeState("#k=many&data=nothing&m=9e9&points=zz"),
        listed: PIECES,
        watch_texts: Object.fromEntries(
            Object.entries(watch.LANGUAGES).map(([key, texts]) => [key, listKeys(texts)]),
        ),
        notes: cases.notes.map((note) => watch.translateNote(note, watch.LANGUAGES.zh)),
        texts: Object.fromEntries(
            Object.entries(LANGUAGES).map(([key, texts]) => [key, listKeys(texts)]),
        ),
        defaults: defaultSettings(),
    }),
);
