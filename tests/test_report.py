"""What a report says: the numbers of a fit, in words that claim no more than they show, and a page that is whole."""

import copy
import dataclasses
import json
import math
import re
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import onehalf as oh
from onehalf import report
from onehalf.distributions import Digits
from onehalf.distributions.empirical import Empirical
from onehalf.evaluation.measurement import Measurement
from onehalf.gan import GAN
from onehalf.recipe import Recipe
from onehalf.theory.pushforward import known

KEYS = [
    "rounds",
    "seconds",
    "rounds_per_s",
    "V",
    "D_x",
    "D_Gz",
    "seeds",
    "stopped_because",
    "certificate",
    "truth",
]
BANNED = re.compile(
    r"identical|indistinguishable|passe[sd]|same as the data|\b1\.0\b(?! ?%)", re.IGNORECASE
)
NUMBERS = {
    "jsd_lower": 0.0205,
    "jsd_estimate": 0.052,
    "jsd_se": 0.010,
    "log_e": 12.0,
    "p_value": 0.0004,
    "tv_lower": 0.107,
    "accuracy": 0.5535,
}
NULL = dict.fromkeys(NUMBERS, 0.0) | {
    "jsd_estimate": 0.001,
    "jsd_se": 0.002,
    "p_value": 0.6,
    "accuracy": 0.5,
}
SHARES = [{"share": 0.1, "low": 0.06, "high": 0.15}, {"share": 0.0, "low": 0.0, "high": 0.01}]


def measured(n, **more):
    """A certificate of rows of n columns, in which a region of the first column was found."""
    rule = {
        "rule": "x1 > 0.5",
        "conditions": [["x1", ">", 0.5]],
        "certain": True,
        "jsd_lower": 0.02,
    }
    sides = {"real": 0, "other": 0}
    column = {"decimals": sides, "whole": sides, "atoms": [], "constant": sides}
    return Measurement(
        **{
            "alpha": 0.05,
            "seed": 5,
            "n_real": 60,
            "n_other": 90,
            **NUMBERS,
            "null": {"n_real": 60, "n_other": 280, **NULL},
            "harmonised": None,
            "detectable": {"mass": 0.08, "jsd": 0.0286, "rows": 30, "trials": 10, "noticed": 9},
            "regions": [rule | {"real": SHARES[0], "other": SHARES[1]}],
            "ladder": [{"columns": ["x1"], "jsd_lower": 0.01, "jsd_estimate": 0.02}],
            "telling": {
                "missing": [{"row": row, "log_ratio": 1.5} for row in (7, 3)],
                "unexpected": [{"row": row, "log_ratio": -1.5} for row in (88, 2)],
            },
            "audit": {
                "columns": [{"name": f"x{i + 1}", **column} for i in range(n)],
                "columns_listed": n,
                "findings": [
                    {
                        "kind": "type",
                        "severe": False,
                        "sentence": "The data are in order of x1.",
                    }
                ],
            },
            "copying": {
                "sentences": ["No sign of copying was found.", "Nor among duplicates."],
                "shown": False,
            },
            "optional": {},
            "drawn": {
                "log_ratio": {
                    "edges": [-1.0, 0.0, 1.0],
                    "real": [0.3, 0.7],
                    "other": [0.6, 0.4],
                },
                "calibration": {"D": [0.3, 0.7], "real": [0.2, 0.8]},
                "wealth": {"pairs": [1, 50], "log_e": [0.5, 12.0]},
            },
            "seconds": 1.0,
            **more,
        }
    )


CERTIFICATE = measured(2)


ROUNDS = 200


def row(t, **look):
    """A row of history of two games, the second a little ahead."""
    V, D = [-1.0 - t / 1000, -1.1 - t / 1000], [0.6, 0.58]
    gradients = {"gradient_D": [0.3, 0.2], "gradient_G": [2.0, 1.5]}
    return {
        "t": t,
        "seconds": 1.0 + t / 100,
        "V": V,
        "D_x": D,
        "D_Gz": [0.4, 0.43],
        **gradients,
        **look,
    }


def look(jsd, se):
    return {
        "jsd_estimate": jsd,
        "jsd_se": se,
        "jsd_lower": [value / 2 for value in jsd],
        "log_e": [9.0] * len(jsd),
    }


@pytest.fixture
def gan():
    """What a fit of two games over 200 rounds leaves behind; tests/test_cli.py reports fits that were played."""
    gan = GAN(rounds=ROUNDS, width=16, seeds=2, random_state=5)
    gan.recipe_ = Recipe.solve(gan.get_params(), Empirical(jnp.zeros((280, 2))))
    gan.stopped_because_ = "all rounds played"
    gan.state_ = SimpleNamespace(t=np.array([ROUNDS, ROUNDS]))
    gan.history_ = [
        row(100, **look([0.31, 0.22], [0.02, 0.02]), null=NULL),
        row(200, **look([0.19, 0.25], [0.03, 0.02])),
    ]
    gan.certificate_ = CERTIFICATE
    return gan


def like(gan, **attributes):
    """The same fit with other attributes."""
    other = copy.copy(gan)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


def one_seed(gan):
    per_game = ("V", "D_x", "D_Gz", "gradient_D", "gradient_G", *look([], []))
    rows = [
        {name: value[:1] if name in per_game else value for name, value in row.items()}
        for row in gan.history_
    ]
    return like(gan, recipe_=dataclasses.replace(gan.recipe_, seeds=1), history_=rows)


def interrupted(gan):
    other = like(gan, history_=gan.history_[:1], stopped_because_="interrupted")
    other.history_ = [
        {name: value for name, value in row.items() if name not in (*look([], []), "null")}
        for row in other.history_
    ]
    del other.certificate_
    return other


def text(page):
    """What is read on the page, without figures and styles."""
    return re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)


@pytest.mark.parametrize(
    "p", [oh.distributions.Mixture(), oh.distributions.Ring()], ids=["line", "plane"]
)
def test_where_the_density_is_known_the_truth_stands_beside(gan, p):
    rows, samples = (np.asarray(p.sample(jax.random.key(seed), 2000)) for seed in (0, 1))
    truth = known(p.masses, rows, samples + 0.5)
    told = report.numbers(gan, truth)["truth"]
    assert told == {
        name: getattr(truth, name) for name in ("jsd", "jsd_se", "jsd_wide", "C", "n")
    }
    (sentence,) = (
        each for each in report.sentences(gan, truth) if "from 2,000 samples" in each
    )
    assert f"C(G) = -log 4 + 2 JSD = {truth.C:.4f} nats" in sentence
    seen = like(gan, logits=lambda x: np.zeros(len(x)))
    assert "<h2>The truth</h2>" in report.page(seen, rows, samples, "x", truth)
    assert "<h2>The truth</h2>" not in report.page(gan, rows, samples, "x")


def test_the_numbers_are_those_of_the_fit(gan):
    found = report.numbers(gan)
    assert list(found) == KEYS
    assert found["rounds"] == 200
    assert found["stopped_because"] == "all rounds played"
    assert found["certificate"] == gan.certificate_.to_dict()
    assert (found["V"], found["D_x"], found["D_Gz"]) == pytest.approx((-1.15, 0.6, 0.4))
    assert found["rounds_per_s"] == pytest.approx(200 / found["seconds"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_seeds_have_their_best_looks_and_the_spread(gan):
    seeds = report.numbers(gan)["seeds"]
    assert [seed["seed"] for seed in seeds["each"]] == [5, 6]
    best = [
        [seed[name] for name in ("jsd_estimate", "jsd_se", "jsd_lower", "t")]
        for seed in seeds["each"]
    ]
    assert best == [[0.19, 0.03, 0.095, 200], [0.22, 0.02, 0.11, 100]]
    assert seeds["chosen"] == 5
    assert seeds["spread"] == pytest.approx(0.03)


def test_there_is_no_spread_over_one_seed(gan):
    assert report.numbers(one_seed(gan))["seeds"]["spread"] is None


def test_numbers_without_a_value_are_none(gan):
    lost = like(gan, history_=[row | {"V": [math.nan, math.nan]} for row in gan.history_])
    assert report.numbers(lost)["V"] is None
    assert report.numbers(interrupted(gan))["certificate"] is None


def test_the_sentences_contain_the_numbers(gan):
    told = report.sentences(gan)
    words = " ".join(told)
    assert "200 of 200 rounds" in told[0]
    assert "all rounds played" in told[0]
    assert "60 test rows, which neither player saw, were set against 90 samples" in told[1]
    assert told[2:-2] == gan.certificate_.sentences
    assert "at least 0.020 nats; the estimate is 0.052 ± 0.010" in words
    assert (
        "round 200 of seed 5: the estimate on validation rows was least there (0.190 ± 0.030 nats)"
        in words
    )
    assert "run from 0.190 to 0.220, a spread of 0.030 nats" in words
    assert "-log 4 = -1.386 shows nothing by itself" in words


def test_what_is_not_known_is_said(gan):
    assert "only seed" in " ".join(report.sentences(one_seed(gan)))
    blind = {"chosen": 0, "each": [{"seed": 0, "t": 60, "jsd_estimate": 0.0, "jsd_se": 0.0}]}
    assert (
        "round 60 of seed 0: critics could tell nothing by the validation rows"
        in report._kept(blind)[0]
    )
    assert "not been looked at" in " ".join(report.sentences(interrupted(gan)))
    assert "There is no certificate" in " ".join(report.sentences(like(gan, certificate_=None)))
    assert report.numbers(like(gan, certificate_=None))["certificate"] is None
    lost = row(100, **look([math.nan] * 2, [math.nan] * 2))
    assert "on validation rows" not in " ".join(report.sentences(like(gan, history_=[lost])))


def test_the_line_says_where_the_game_stands(gan):
    rows = [
        {
            "t": t,
            "seconds": 10 + t / 500,
            "V": [-1.352],
            "D_x": [0.53],
            **look([0.041], [0.003]),
        }
        for t in (100, 1600)
    ]
    told = report.line(
        like(
            gan, recipe_=dataclasses.replace(gan.recipe_, seeds=1, rounds=10_000), history_=rows
        )
    )
    assert told.startswith(
        "t 200/10,000  500 rounds/s  V -1.352 (-1.386)  D(x) 0.53 (0.50)  held-out 0.041 ± 0.003 nats (at least 0.020)"
    )
    assert told.endswith("  17 s left")
    assert report.line(like(gan, history_=[])) == "t 200/200"
    assert "held-out" not in report.line(interrupted(gan))


KINDS = {
    "points": lambda n: np.random.default_rng(n).normal(size=(n, 2)),
    "one column": lambda n: np.random.default_rng(n).normal(size=(n, 1)),
    "many columns": lambda n: np.random.default_rng(n).normal(size=(n, 20)),
    "grey images": lambda n: Digits.rows()[:n],
    "colour images": lambda n: np.random.default_rng(n).integers(
        0, 256, size=(n, 8, 8, 3), dtype=np.uint8
    ),
}


FITS = {
    "two seeds": like,
    "one seed": one_seed,
    "interrupted": interrupted,
    "no certificate": lambda gan: like(gan, certificate_=None),
}


def checked(page, title):
    """The figures of a page that is whole: nothing fetched, no name used twice, all of it explained."""
    assert f"<h1>{title}</h1>" in page
    assert not re.search(r"https?:|<script|<link|@import|\bsrc=|url\((?!#)", page)
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    for figure in figures:
        assert re.search(r'<svg role="img" aria-label="[^"]{20,}"', figure)
        assert (
            "How to read it:"
            in re.search(r"<figcaption>(.*?)</figcaption>", figure, flags=re.DOTALL)[1]
        )
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', page)) <= set(names)
    assert not BANNED.search(text(re.split("<h2>The recipe</h2>|<footer>", page)[0]))
    return figures


@pytest.mark.parametrize(
    ("kind", "fit", "count"),
    [
        *((kind, "two seeds", 9) for kind in KINDS if "images" not in kind),
        *((kind, "two seeds", 8) for kind in KINDS if "images" in kind),
        ("points", "one seed", 9),
        ("points", "interrupted", 4),
        ("points", "no certificate", 5),
    ],
)
def test_a_page_is_whole_for_every_kind_of_rows_and_fit(gan, kind, fit, count):
    if "images" in kind:
        gan.certificate_ = dataclasses.replace(gan.certificate_, regions=[])
    page = report.page(FITS[fit](gan), KINDS[kind](60), KINDS[kind](90), "<My> data & more")
    figures = checked(page, "&lt;My&gt; data &amp; more")
    assert len(figures) == count
    assert all("currentColor" in figure for figure in figures) or "images" in kind
    assert ("<h2>The seeds</h2>" in page) == (fit != "one seed")
    assert (
        "The most telling rows" not in page
    )  # they are test rows, which the page does not have


@pytest.mark.parametrize(
    ("kind", "count"), [("points", 5), ("many columns", 5), ("grey images", 6)]
)
def test_a_page_of_a_measurement_is_whole(kind, count):
    real, other = KINDS[kind](60), KINDS[kind](90)
    found = measured(
        min(math.prod(real.shape[1:]), 100), **({"regions": []} if "images" in kind else {})
    )
    page = report.measured_page(found, real, other, (), "<a> against b")
    assert len(checked(page, "&lt;a&gt; against b")) == count
    words = " ".join(
        text(page).replace("&#39;", "'").replace("&gt;", ">").replace("\u00a0", " ").split()
    )
    for sentence in found.sentences:
        assert sentence.strip() in words
    assert "data against data" in words
    assert "The recipe" not in words


def test_the_most_telling_rows_are_those_of_the_files():
    real, other = KINDS["points"](60), KINDS["points"](90)
    words = text(report.measured_page(measured(2), real, other))
    for row in (real[7], real[3], other[88], other[2]):
        assert f"{row[0]:.5g}" in words
    fresh = text(report.measured_page(measured(2), real, other[:89]))
    assert "Data least like the other sample" in fresh
    assert "Of the other sample" not in fresh


def test_a_page_of_a_real_measurement_has_all_of_it():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(60, 2)).round(1), rng.normal(size=(60, 2))
    found = oh.measure(real=real, other=other, optional=("prdc", "parzen", "cells"))
    page = report.measured_page(found, real, other, ("age", "income"))
    checked(page, "Two samples")
    for words in (
        "how they are written alone",
        "coverage",
        "log_likelihood",
        "9 or more",
        "age",
    ):
        assert words in page


def test_a_page_has_the_sentences_the_recipe_and_the_versions(gan):
    words = text(report.page(gan, KINDS["points"](60), KINDS["points"](90), "ring"))
    told = " ".join(
        words.replace("\u00a0", " ").replace("&#39;", "'").replace("&gt;", ">").split()
    )
    for sentence in report.sentences(gan):
        assert sentence.strip() in told
    for name, value in dataclasses.asdict(gan.recipe_).items():
        assert re.search(
            rf"{name} {value:g}" if isinstance(value, float) else rf"{name} {value}", told
        )
    assert f"jax {jax.__version__}" in told


def test_the_same_fit_gives_the_same_page(gan):
    first, second = (
        report.page(gan, KINDS["points"](60), KINDS["points"](90), "ring") for _ in range(2)
    )
    assert first == second
