"""What a report says: numbers, words that claim no more than they show, and a whole page."""

import dataclasses
import functools
import html
import json
import math
import re

import jax
import numpy as np
import pytest

import onehalf as oh
from helpers import FIT_KEYS
from onehalf import fitting, report
from onehalf.data.dataset import from_objects
from onehalf.distributions import Digits
from onehalf.domains import infer_domain
from onehalf.evaluation.result import (
    Audit,
    Baseline,
    Calibration,
    Condition,
    DetectableEffect,
    Examples,
    LogRatios,
    Marginal,
    Measurement,
    Memorization,
    Optional,
    PlotData,
    Region,
    RowExample,
    Share,
    Wealth,
)
from onehalf.evaluation.serialization import from_json
from onehalf.hyperparameters import Hyperparameters
from onehalf.report.summary import SeedsSummary, SeedSummary
from onehalf.report.text import _describe_seeds
from onehalf.theory.ground_truth import estimate_ground_truth

pytestmark = pytest.mark.usefixtures("critics_without_nets")

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
REGION = Region(
    real=Share(share=0.1, low=0.06, high=0.15),
    other=Share(share=0.0, low=0.0, high=0.01),
    jsd_lower=0.02,
    certain=True,
    rule="x1 > 0.5",
    conditions=(Condition("x1", ">", 0.5),),
)
PLOTS = PlotData(
    log_ratio=LogRatios(edges=(-1.0, 0.0, 1.0), real=(0.3, 0.7), other=(0.6, 0.4)),
    calibration=Calibration(D=(0.3, 0.7), real=(0.2, 0.8)),
    wealth=Wealth(pairs=(1, 50), log_e=(0.5, 12.0)),
)
EXAMPLES = Examples(
    missing=tuple(RowExample(row=row, log_ratio=1.5) for row in (7, 3)),
    unexpected=tuple(RowExample(row=row, log_ratio=-1.5) for row in (88, 2)),
)
MEMORIZATION = from_json(
    Memorization,
    {
        "n_pairs": 60,
        "n_fakes": 90,
        "log_e": 0.0,
        "p_value": 0.5,
        "advantage_lower": 0.0,
        "nearer_train": {"share": 0.5, "p_value": 0.5},
        "duplicates": {
            "n_rows": 60,
            "train": {"count": 0, "share": 0.0, "interval": [0.0, 0.05]},
            "held_out": {"count": 0, "share": 0.0, "interval": [0.0, 0.05]},
        },
        "collisions": {
            side: {
                "n_rows": 60,
                "rate": 0.0,
                "support": None,
                "interval": None,
                "at_least": 900,
            }
            for side in ("fakes", "real")
        },
        "shown": False,
        "sentences": ["No sign of copying was found.", "Nor among duplicates."],
    },
)


def audit(n):
    """An audit of n columns of whole numbers."""
    zero = {"real": 0, "other": 0}
    none = {"real": False, "other": False}
    written = {"decimals": zero, "whole": zero, "atoms": [], "constant": none}
    sentence = "The data are in order of x1."
    return from_json(
        Audit,
        {
            "columns": [{"name": f"x{i + 1}", **written} for i in range(n)],
            "columns_listed": n,
            "duplicates": {"real": 0, "other": 0, "across": 0},
            "same_rows": False,
            "findings": [{"kind": "type", "severe": False, "sentence": sentence}],
            "format_differs": False,
        },
    )


def measured(n, **more):
    """A certificate of rows of n columns, in which a region of the first column was found."""
    effect = DetectableEffect(mass=0.08, jsd=0.0286, rows=30, trials=10, noticed=9)
    return Measurement(
        **{
            "alpha": 0.05,
            "seed": 5,
            "n_real": 60,
            "n_other": 90,
            **NUMBERS,
            "baseline": Baseline(n_real=60, n_other=280, **NULL),
            "harmonized": None,
            "detectable": effect,
            "regions": (REGION,),
            "marginals": (Marginal(columns=("x1",), jsd_lower=0.01, jsd_estimate=0.02),),
            "examples": EXAMPLES,
            "audit": audit(n),
            "memorization": MEMORIZATION,
            "optional": Optional(),
            "plots": PLOTS,
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


KINDS = {
    "points": lambda n: np.random.default_rng(n).normal(size=(n, 2)),
    "one column": lambda n: np.random.default_rng(n).normal(size=(n, 1)),
    "many columns": lambda n: np.random.default_rng(n).normal(size=(n, 20)),
    "grey images": lambda n: Digits.rows()[:n],
    "colour images": lambda n: np.random.default_rng(n).integers(
        0, 256, size=(n, 8, 8, 3), dtype=np.uint8
    ),
}


def fit_of(X):
    """What a fit of two games over 200 rounds on X leaves, its history made up."""
    data = from_objects(X)
    domain = infer_domain(data)
    asked = Hyperparameters(rounds=ROUNDS, width=16, seeds=2, random_state=5).check()
    fit, _ = fitting.start(domain, domain.encode(data), asked)
    return dataclasses.replace(
        fit,
        history=(
            row(100, **look([0.31, 0.22], [0.02, 0.02]), null=NULL),
            row(200, **look([0.19, 0.25], [0.03, 0.02])),
        ),
        rounds=ROUNDS,
        stopped_because="all rounds played",
        is_measured=True,
        measurement=CERTIFICATE,
    )


@functools.cache
def fit_of_kind(kind):
    return fit_of(KINDS[kind](60))


@pytest.fixture
def fit():
    """A fit of points."""
    return fit_of_kind("points")


def page_of(fit, X, samples, title="x", truth=None):
    """The page of a fit of X, and samples as the user has them."""
    rows, drawn = (fit.domain.encode(from_objects(each)) for each in (X, samples))
    return report.render_fit_page(fit, rows, drawn, title, truth)


def one_seed(fit):
    per_game = ("V", "D_x", "D_Gz", "gradient_D", "gradient_G", *look([], []))
    rows = tuple(
        {name: value[:1] if name in per_game else value for name, value in row.items()}
        for row in fit.history
    )
    recipe = dataclasses.replace(fit.recipe, seeds=1)
    return dataclasses.replace(fit, recipe=recipe, history=rows)


def interrupted(fit):
    first = {
        name: value
        for name, value in fit.history[0].items()
        if name not in (*look([], []), "null")
    }
    return dataclasses.replace(
        fit,
        history=(first,),
        rounds=100,
        stopped_because="interrupted",
        is_measured=False,
        measurement=None,
    )


def without_certificate(fit):
    return dataclasses.replace(fit, measurement=None)


def text(page):
    """What is read on the page, without figures and styles."""
    return re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)


@pytest.mark.parametrize(
    "p", [oh.distributions.Mixture(), oh.distributions.Ring()], ids=["line", "plane"]
)
def test_where_the_density_is_known_the_truth_stands_beside(p):
    rows, samples = (np.asarray(p.sample(jax.random.key(seed), 2000)) for seed in (0, 1))
    fit = fit_of(rows)
    truth = estimate_ground_truth(p.masses, rows, samples + 0.5)
    told = report.summarize(fit, truth).to_dict()["truth"]
    assert told == {
        name: getattr(truth, name) for name in ("jsd", "jsd_se", "jsd_wide", "C", "n")
    }
    (sentence,) = (
        each for each in report.describe_fit(fit, truth) if "from 2,000 samples" in each
    )
    assert f"C(G) = -log 4 + 2 JSD = {truth.C:.4f} nats" in sentence
    assert "<h2>The truth</h2>" in page_of(fit, rows, samples, truth=truth)
    assert "<h2>The truth</h2>" not in page_of(fit, rows, samples)


def test_the_numbers_are_those_of_the_fit(fit):
    found = report.summarize(fit).to_dict()
    assert list(found) == FIT_KEYS
    assert found["rounds"] == 200
    assert found["stopped_because"] == "all rounds played"
    assert found["certificate"] == fit.measurement.to_dict()
    assert (found["V"], found["D_x"], found["D_Gz"]) == pytest.approx((-1.15, 0.6, 0.4))
    assert found["rounds_per_s"] == pytest.approx(200 / found["seconds"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_rounds_evaluation_and_all_of_it_are_timed_as_what_they_are(fit):
    first, last = fit.history
    timed = dataclasses.replace(
        fit,
        history=(first, last | {"seconds": 90.0, "seconds_evaluation": 30.0}),
        measurement=dataclasses.replace(fit.measurement, seconds=31.0),
        seconds_setup=4.0,
    )
    found = report.summarize(timed).to_dict()
    names = ("seconds", "seconds_training", "seconds_evaluation", "seconds_total")
    assert [found[name] for name in names] == [90.0, 60.0, 61.0, 125.0]
    assert report.describe_fit(timed)[0] == (
        "Trained 200 rounds in 1 min 0 s; evaluated in 1 min 1 s; 2 min 5 s in all."
    )


def test_the_seeds_have_their_best_looks_and_the_spread(fit):
    seeds = report.summarize(fit).to_dict()["seeds"]
    assert [seed["seed"] for seed in seeds["each"]] == [5, 6]
    best = [
        [seed[name] for name in ("jsd_estimate", "jsd_se", "jsd_lower", "t")]
        for seed in seeds["each"]
    ]
    assert best == [[0.19, 0.03, 0.095, 200], [0.22, 0.02, 0.11, 100]]
    assert seeds["chosen"] == 5
    assert seeds["spread"] == pytest.approx(0.03)


def test_a_later_evaluation_as_good_as_the_lowest_is_told_as_such(fit):
    again = one_seed(fit).history[1] | {"t": 300, "jsd_estimate": [0.21]}
    later = dataclasses.replace(
        one_seed(fit), history=(*one_seed(fit).history, again), rounds=300
    )
    (seed,) = report.summarize(later).to_dict()["seeds"]["each"]
    assert (seed["t"], seed["jsd_estimate"]) == (300, 0.21)
    assert seed["lowest"] == {"estimate": 0.19, "se": 0.03, "t": 200}
    assert (
        "the latest one whose estimate on validation data is within one standard error of the lowest, "
        "0.190 ± 0.030 at round 200 (0.210 ± 0.030 nats)"
        in " ".join(report.describe_fit(later))
    )


def test_there_is_no_spread_over_one_seed(fit):
    assert report.summarize(one_seed(fit)).to_dict()["seeds"]["spread"] is None


def test_numbers_without_a_value_are_none(fit):
    lost = dataclasses.replace(
        fit, history=tuple(row | {"V": [math.nan, math.nan]} for row in fit.history)
    )
    assert report.summarize(lost).to_dict()["V"] is None
    assert report.summarize(interrupted(fit)).to_dict()["certificate"] is None


def test_the_sentences_contain_the_numbers(fit):
    told = report.describe_fit(fit)
    words = " ".join(told)
    assert told[0].startswith("Trained 200 rounds in ")
    assert "of 200 rounds in " in report.describe_fit(interrupted(fit))[0]
    assert "(interrupted)" in report.describe_fit(interrupted(fit))[0]
    assert "compares 60 test rows, which were not used for training, with 90 samples" in told[1]
    assert told[2:-2] == fit.measurement.sentences
    assert "at least 0.020 nats; the estimate is 0.052 ± 0.010" in words
    assert (
        "round 200 of seed 5: it had the lowest estimate on validation data "
        "(0.190 ± 0.030 nats)" in words
    )
    assert "range from 0.190 to 0.220, a spread of 0.030 nats" in words
    assert "Estimates of 1 other seed are within one standard error" in words
    assert "-log 4 = -1.386 is no evidence of convergence" in words


def test_what_is_not_known_is_said(fit):
    assert "With a single seed" in " ".join(report.describe_fit(one_seed(fit)))
    blind = SeedsSummary((SeedSummary(0, 0.0, 0.0, 0.0, 60),), 0, None)
    (sentence,) = _describe_seeds(blind)
    assert "round 60 of seed 0: evaluations on validation data gave no number" in sentence
    assert "have not been used yet" in " ".join(report.describe_fit(interrupted(fit)))
    recipe = dataclasses.replace(fit.recipe, evaluate=False)
    alone = dataclasses.replace(interrupted(fit), recipe=recipe)
    assert "asked to leave evaluation out" in " ".join(report.describe_fit(alone))
    assert "There is no certificate" in " ".join(report.describe_fit(without_certificate(fit)))
    assert report.summarize(without_certificate(fit)).to_dict()["certificate"] is None
    lost = row(100, **look([math.nan] * 2, [math.nan] * 2))
    blind = dataclasses.replace(fit, history=(lost,))
    assert "on validation data" not in " ".join(report.describe_fit(blind))


def first_screen(fit, truth=None, n_rows=60):
    summary = report.summarize(fit, truth, n_rows)
    return str(report.summarize_fit(summary, "ring.npy", "runs/ring-1", ".npy"))


def test_the_first_screen_is_a_dozen_lines_with_the_numbers_of_the_json(fit):
    lines = first_screen(fit).splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("ring.npy   60 rows, 2 columns ")
    assert lines[0].endswith(" trained 3 s, evaluated 1 s")
    assert "samples v data" in lines[1]
    assert re.search(r"at least 0\.020 +0 ", lines[2])
    assert "They differ by at least 0.020 nats (95 % confidence; p = 0.0004)." in lines[6]
    assert "10.0 % of data, 0 % of samples: x1 > 0.5" in lines[7]
    step = " ".join(" ".join(lines[9:]).split())
    assert step == (
        "Next onehalf sample runs/ring-1 -n 60 -o samples.npy open runs/ring-1/report.html"
    )
    numbers = report.summarize(fit, None, 60).to_dict()
    assert [numbers[name] for name in ("n_rows", "n_columns", "row_shape", "left_out")] == (
        [60, 2, [2], []]
    )


def test_the_first_screen_has_the_true_distance_where_it_is_known(fit):
    p = oh.distributions.Ring()
    data, samples = (np.asarray(p.sample(jax.random.key(seed), 1000)) for seed in (0, 1))
    truth = estimate_ground_truth(p.masses, data, samples)
    shown = f"true (in cells) {truth.jsd:.4f}"
    assert shown in first_screen(fit, truth)
    assert shown not in first_screen(fit)


@pytest.mark.parametrize("kind", ["interrupted", "no certificate"])
def test_the_first_screen_says_why_there_is_no_distance(fit, kind):
    text = " ".join(first_screen(FITS[kind](fit)).split())
    reason = {
        "interrupted": "Distance The test rows have not been used yet",
        "no certificate": "Distance There is no certificate",
    }
    assert reason[kind] in text
    assert "Verdict" not in text
    assert "Next onehalf sample" in text


@pytest.mark.parametrize("kind", ["one seed", "no certificate"])
def test_what_must_be_known_of_a_fit_is_said_with_and_without_a_certificate(fit, kind):
    lowered = dataclasses.replace(FITS[kind](fit), lowered="V is NaN")
    assert "Note      Rates were lowered: V is NaN." in first_screen(lowered)
    X = KINDS["points"](60)
    assert "Rates were lowered: V is NaN." in page_of(lowered, X, X)


def test_test_rows_that_were_used_before_are_the_first_note(fit):
    summary = dataclasses.replace(report.summarize(fit), measured_at=(8000,))
    screen = report.summarize_fit(summary, "ring.npy", "run", ".npy")
    assert "Note      The test rows were used before, at round 8,000" in str(screen)
    assert "Note" not in first_screen(fit)


def test_the_first_screen_of_images_has_their_size():
    assert "60 rows, 8 x 8 pixels" in first_screen(fit_of_kind("grey images"))


FITS = {
    "two seeds": lambda fit: fit,
    "one seed": one_seed,
    "interrupted": interrupted,
    "no certificate": without_certificate,
}


def checked(page, title):
    """The figures of a whole page: nothing fetched, no name used twice, all of it explained."""
    assert f"<h1>{title}</h1>" in page
    fetched = r'https?:|<script|<link|@import|\bsrc=(?!"data:)|url\((?!#)'
    assert not re.search(fetched, page)
    figures = re.findall(r"<figure[ >].*?</figure>", page, flags=re.DOTALL)
    for figure in figures:
        drawn = r'<svg role="img" aria-label="[^"]{20,}"|<img class="pixels" alt="[^"]{20,}"'
        assert re.search(drawn, figure)
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
        *((kind, "two seeds", 9 if "images" in kind else 10) for kind in KINDS),
        ("points", "one seed", 10),
        ("points", "interrupted", 4),
        ("points", "no certificate", 5),
    ],
)
def test_a_page_is_whole_for_every_kind_of_rows_and_fit(kind, fit, count):
    shown = FITS[fit](fit_of_kind(kind))
    if "images" in kind:
        found = dataclasses.replace(CERTIFICATE, regions=())
        shown = dataclasses.replace(shown, measurement=found)
    page = page_of(shown, KINDS[kind](60), KINDS[kind](90), "<My> data & more")
    figures = checked(page, "&lt;My&gt; data &amp; more")
    assert len(figures) == count
    assert all("currentColor" in figure for figure in figures) or "images" in kind
    assert ("<h2>The seeds</h2>" in page) == (fit != "one seed")
    assert (
        "The most telling rows" not in page
    )  # they are test rows, which the page does not have


@pytest.mark.parametrize(
    ("kind", "count"), [("points", 6), ("many columns", 6), ("grey images", 6)]
)
def test_a_page_of_a_measurement_is_whole(kind, count):
    real, other = KINDS[kind](60), KINDS[kind](90)
    found = measured(
        min(math.prod(real.shape[1:]), 100), **({"regions": ()} if "images" in kind else {})
    )
    page = report.render_measurement_page(found, real, other, "<a> against b")
    assert len(checked(page, "&lt;a&gt; against b")) == count
    words = " ".join(html.unescape(text(page)).replace("\u00a0", " ").split())
    for sentence in found.sentences:
        assert sentence.strip() in words
    assert "data against data" in words
    assert "The recipe" not in words


def measurement_page(**changes):
    """The page of a measurement of points, changed in some fields."""
    found = dataclasses.replace(measured(2), **changes)
    return report.render_measurement_page(
        found, KINDS["points"](60), KINDS["points"](90), "a.npy"
    )


def test_the_verdict_and_four_numbers_come_first():
    page = measurement_page()
    first = text(page.split("<details")[0])
    assert "They differ by at least 0.020 nats" in html.unescape(first).replace("\u00a0", " ")
    assert '<div class="banner they-differ">' in page
    tiles = re.findall(r"<h3>(.*?)</h3>\n<p class=\"value\">(.*?)</p>", page)
    words = [(name, re.sub("<.*?>", "", value)) for name, value in tiles]
    assert words == [
        ("Distance", "≥ 0.020 nats"),
        ("Copying", "no sign p = 0.5"),
        ("Power", "8 % of the rows"),
        ("Use", "not tested"),
    ]


def test_tiles_say_what_is_not_known():
    page = measurement_page(memorization=None, detectable=None)
    tiles = re.findall(r"<p class=\"value\">(.*?)</p>", page)
    assert tiles[1:] == ["not tested", "low", "not tested"]


def test_the_regions_are_pairs_of_bars_as_long_as_their_shares():
    page = measurement_page()
    (bars,) = re.findall(r'<figure class="bars">.*?</figure>', page, flags=re.DOTALL)
    assert re.findall(r'<rect class="(\w+)" .*? width="([\d.]+)"', bars) == [
        ("data", "66.67"),
        ("samples", "0.0"),
    ]
    assert re.findall(r'd="M([\d.]+) 5H([\d.]+)"', bars) == [("40.0", "100.0"), ("0.0", "6.67")]
    assert "10.0 % (6.0 to 15.0 %)" in text(bars)
    assert "The longest line is 15 % of the rows." in bars


def test_no_bars_are_drawn_unless_they_differ():
    assert '<figure class="bars">' not in measurement_page(p_value=0.5)
    uncertain = dataclasses.replace(REGION, certain=False)
    page = measurement_page(regions=(uncertain,))
    assert '<figure class="bars">' not in page
    assert "could not be narrowed down to a rule about one to three columns" in page


def test_what_a_reader_must_know_is_below_the_verdict():
    failed = dataclasses.replace(CERTIFICATE.baseline, p_value=0.01)
    (banner,) = re.findall(
        r'<div class="banner.*?</div>', measurement_page(baseline=failed), flags=re.DOTALL
    )
    assert "The data differ from the training rows" in banner
    assert "differ from the training rows" not in measurement_page()


def test_all_sections_with_a_heading_open_on_a_click(fit):
    for page in (
        measurement_page(),
        page_of(fit, KINDS["points"](60), KINDS["points"](90)),
    ):
        sections = re.findall(r'<details class="section">\n<summary><h2>(.*?)</h2>', page)
        assert sections[0] == "All findings"
        assert len(sections) >= 4
        assert page.count("<h2>") == len(sections) + 1
        assert " open>" not in page


def test_figures_have_a_version_of_one_column_for_narrow_screens():
    page = measurement_page()
    assert page.count('<div class="narrow">') == page.count('<div class="broad">') == 2
    widths = re.findall(r'<div class="(?:narrow|broad)"><svg[^>]* width="([\d.]+)pt"', page)
    assert sorted(map(float, widths))[1] < 320


def test_the_most_telling_rows_are_those_of_the_files():
    real, other = KINDS["points"](60), KINDS["points"](90)
    words = text(report.render_measurement_page(measured(2), real, other))
    for row in (real[7], real[3], other[88], other[2]):
        assert f"{row[0]:.5g}" in words
    fresh = text(report.render_measurement_page(measured(2), real, other[:89]))
    assert "Data least like the other sample" in fresh
    assert "Other sample: least like the data" not in fresh


def test_a_page_of_a_real_measurement_has_all_of_it():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(60, 2)).round(1), rng.normal(size=(60, 2))
    found = oh.measure(
        real=real, other=other, train=real[::-1] + 1, optional=("prdc", "parzen", "cells")
    )
    page = report.render_measurement_page(found, real, other)
    checked(page, "Two samples")
    for words in (
        "decimals and signs alone",
        "coverage",
        "log_likelihood",
        "9 or more",
        "Privacy attacks",
        "linkability",
        "does not prove privacy",
    ):
        assert words in page


def test_a_page_has_the_sentences_the_recipe_and_the_versions(fit):
    words = text(page_of(fit, KINDS["points"](60), KINDS["points"](90), "ring"))
    told = " ".join(html.unescape(words).replace("\u00a0", " ").split())
    for sentence in report.describe_fit(fit):
        assert sentence.strip() in told
    for name, value in dataclasses.asdict(fit.recipe).items():
        assert re.search(
            rf"{name} {value:g}" if isinstance(value, float) else rf"{name} {value}", told
        )
    assert f"jax {jax.__version__}" in told


def test_the_same_fit_gives_the_same_page(fit):
    first, second = (
        page_of(fit, KINDS["points"](60), KINDS["points"](90), "ring") for _ in range(2)
    )
    assert first == second
