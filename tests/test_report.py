"""What a report says: the numbers of a fit, in words that claim no more than they show, and a page that is whole."""

import copy
import dataclasses
import json
import math
import re
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from onehalf import report
from onehalf.data import Digits
from onehalf.gan import GAN
from onehalf.recipe import Recipe

KEYS = ["rounds", "seconds", "rounds_per_s", "V", "D_x", "D_Gz", "seeds", "stopped_because", "certificate"]
BANNED = re.compile(r"identical|indistinguishable|passed|\b1\.0\b", re.IGNORECASE)
CERTIFICATE = {
    "n_real": 270,
    "n_other": 270,
    "jsd_estimate": 0.052,
    "jsd_se": 0.010,
    "null": {"jsd_estimate": 0.001, "jsd_se": 0.002},
    "looks": 1,
}


ROUNDS = 200


def row(t, **look):
    """A row of history of two games, the second a little ahead."""
    V, D = [-1.0 - t / 1000, -1.1 - t / 1000], [0.6, 0.58]
    gradients = {"gradient_D": [0.3, 0.2], "gradient_G": [2.0, 1.5]}
    return {"t": t, "seconds": 1.0 + t / 100, "V": V, "D_x": D, "D_Gz": [0.4, 0.43], **gradients, **look}


@pytest.fixture
def gan():
    """What a fit of two games over 200 rounds leaves behind; tests/test_cli.py reports fits that were played."""
    gan = GAN(rounds=ROUNDS, width=16, seeds=2, random_state=5)
    gan.recipe_ = Recipe.solve(gan.get_params(), 280, 2)
    gan.stopped_because_ = "all rounds played"
    gan.state_ = SimpleNamespace(t=np.array([ROUNDS, ROUNDS]))
    gan.history_ = [
        row(100, jsd=[0.31, 0.22], se=[0.02, 0.02], null=[0.001, 0.004]),
        row(200, jsd=[0.19, 0.25], se=[0.03, 0.02]),
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
    per_game = ("V", "D_x", "D_Gz", "gradient_D", "gradient_G", "jsd", "se")
    rows = [{name: value[:1] if name in per_game else value for name, value in row.items()} for row in gan.history_]
    return like(gan, recipe_=dataclasses.replace(gan.recipe_, seeds=1), history_=rows)


def interrupted(gan):
    other = like(gan, history_=gan.history_[:1], stopped_because_="interrupted")
    other.history_ = [
        {name: value for name, value in row.items() if name not in ("jsd", "se", "null")} for row in other.history_
    ]
    del other.certificate_
    return other


def text(page):
    """What is read on the page, without figures and styles."""
    return re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)


def test_the_numbers_are_those_of_the_fit(gan):
    found = report.numbers(gan)
    assert list(found) == KEYS
    assert found["rounds"] == 200
    assert found["stopped_because"] == "all rounds played"
    assert found["certificate"] == gan.certificate_
    assert (found["V"], found["D_x"], found["D_Gz"]) == pytest.approx((-1.15, 0.6, 0.4))
    assert found["rounds_per_s"] == pytest.approx(200 / found["seconds"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_seeds_have_theirbest_looks_and_the_spread(gan):
    seeds = report.numbers(gan)["seeds"]
    assert [seed["seed"] for seed in seeds["each"]] == [5, 6]
    assert [(seed["jsd"], seed["se"], seed["t"]) for seed in seeds["each"]] == [(0.19, 0.03, 200), (0.22, 0.02, 100)]
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
    assert 3 <= len(told) <= 6
    words = " ".join(told)
    for number in ("200 of 200 rounds", "all rounds played", "270 test rows", "at least about 0.052 ± 0.010 nats"):
        assert number in words
    assert "data against data gives 0.001 ± 0.002" in words
    assert "round 200 of seed 5: the value on validation rows was least there (0.190 ± 0.030 nats)" in words
    assert "run from 0.190 to 0.220, a spread of 0.030 nats" in words
    assert "-log 4 = -1.386 shows nothing by itself" in words
    assert "without a guarantee" in words


def test_bits_and_the_best_guess_follow_from_the_estimate(gan):
    """JSD/log 2 is the information in a row, and TV >= JSD/log 2, so the best guess is right (1 + TV)/2 of the time."""
    words = " ".join(report.sentences(like(gan, certificate_=CERTIFICATE | {"jsd_estimate": math.log(2) / 4})))
    assert "0.25 of the 1 bit" in words
    assert "at least about 62% of the time" in words


@pytest.mark.parametrize("jsd", [-0.06, -1e-5, 0.0, 0.015])
def test_no_difference_found_is_not_called_closeness(gan, jsd):
    words = " ".join(report.sentences(like(gan, certificate_=CERTIFICATE | {"jsd_estimate": jsd})))
    assert "That does not show that the samples are close" in words
    assert "best guesser" not in words
    assert "-0.000" not in words


def test_what_is_not_known_is_said(gan):
    assert "only seed" in " ".join(report.sentences(one_seed(gan)))
    assert "not been looked at" in " ".join(report.sentences(interrupted(gan)))
    assert "look number 3" in " ".join(report.sentences(like(gan, certificate_=CERTIFICATE | {"looks": 3})))
    lost = CERTIFICATE | {"jsd_estimate": math.nan, "jsd_se": math.nan}
    assert "no finite number" in " ".join(report.sentences(like(gan, certificate_=lost)))


def test_the_line_says_where_the_game_stands(gan):
    rows = [
        {"t": t, "seconds": 10 + t / 500, "V": [-1.352], "D_x": [0.53], "jsd": [0.041], "se": [0.003]}
        for t in (100, 1600)
    ]
    told = report.line(like(gan, recipe_=dataclasses.replace(gan.recipe_, seeds=1, rounds=10_000), history_=rows))
    assert told.startswith(
        "t 200/10,000  500 rounds/s  V -1.352 (-1.386)  D(x) 0.53 (0.50)  held-out 0.041 ± 0.003 nats"
    )
    assert told.endswith("  17 s left")
    assert report.line(like(gan, history_=[])) == "t 200/200"
    assert "held-out" not in report.line(interrupted(gan))


KINDS = {
    "points": lambda n: np.random.default_rng(n).normal(size=(n, 2)),
    "one column": lambda n: np.random.default_rng(n).normal(size=(n, 1)),
    "many columns": lambda n: np.random.default_rng(n).normal(size=(n, 20)),
    "grey images": lambda n: Digits.rows()[:n],
    "colour images": lambda n: np.random.default_rng(n).integers(0, 256, size=(n, 8, 8, 3), dtype=np.uint8),
}


FITS = {"two seeds": like, "one seed": one_seed, "interrupted": interrupted}


@pytest.mark.parametrize(
    ("kind", "fit"), [*((kind, "two seeds") for kind in KINDS), ("points", "one seed"), ("points", "interrupted")]
)
def test_a_page_is_whole_for_every_kind_of_rows_and_fit(gan, kind, fit):
    page = report.page(FITS[fit](gan), KINDS[kind](60), KINDS[kind](90), "<My> data & more")
    assert "<h1>&lt;My&gt; data &amp; more</h1>" in page
    assert not re.search(r"https?:|<script|<link|@import|\bsrc=|url\((?!#)", page)
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == (4 if fit == "interrupted" else 5)
    for figure in figures:
        assert re.search(r'<svg role="img" aria-label="[^"]{20,}"', figure)
        assert "How to read it:" in re.search(r"<figcaption>(.*?)</figcaption>", figure, flags=re.DOTALL)[1]
        assert "currentColor" in figure or "images" in kind
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', page)) <= set(names)
    assert ("<h2>The seeds</h2>" in page) == (fit != "one seed")
    assert not BANNED.search(text(page.split("<h2>The recipe</h2>")[0]))


def test_a_page_has_the_sentences_the_recipe_and_the_versions(gan):
    words = text(report.page(gan, KINDS["points"](60), KINDS["points"](90), "ring"))
    told = " ".join(words.split())
    for sentence in report.sentences(gan):
        assert sentence in told.replace("&#39;", "'")
    for name, value in dataclasses.asdict(gan.recipe_).items():
        assert re.search(rf"{name} {value:g}" if isinstance(value, float) else rf"{name} {value}", told)
    assert f"jax {jax.__version__}" in told


def test_the_same_fit_gives_the_same_page(gan):
    first, second = (report.page(gan, KINDS["points"](60), KINDS["points"](90), "ring") for _ in range(2))
    assert first == second
