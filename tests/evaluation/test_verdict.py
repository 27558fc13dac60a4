"""The verdict: three outcomes, wrong at level alpha at most, whatever else a measurement certifies."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest

import onehalf as oh
from helpers import is_rare, over_seeds, plant_nothing
from onehalf.evaluation import measurement, pairing
from onehalf.evaluation.certificate.certificate import certify
from onehalf.evaluation.result import DetectableEffect, Marginal

ALPHA = 0.05
QUICK = ("linear", "quadratic", "cells")


def effect(mass):
    return DetectableEffect(mass=mass, jsd=0.03, rows=200, trials=10, noticed=9)


@pytest.fixture(scope="module")
def quick_measure():
    """`measure` with cheap critics, and without trials."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (pairing, measurement):
            patch.setattr(module, "certify", functools.partial(certify, kinds=QUICK))
        plant_nothing(patch)
        patch.setattr(measurement, "find_detectable", lambda *_: effect(0.08))
        yield oh.measure


@pytest.fixture(scope="module")
def null(quick_measure):
    rng = np.random.default_rng(0)
    found = quick_measure(real=rng.normal(size=(60, 2)), other=rng.normal(size=(60, 2)))
    return replace(found, p_value=0.5, log_e=0.0, jsd_lower=0.0, tv_lower=0.0)


LAWS = {
    "normal": lambda rng: rng.normal(size=(2, 40, 2)),
    "heavy tails": lambda rng: rng.standard_cauchy((2, 40, 1)),
    "two values": lambda rng: (rng.random((2, 40, 1)) < 0.3).astype(float),
}


@over_seeds(25, 200)
@pytest.mark.parametrize("law", LAWS)
def test_they_differ_is_said_of_equal_laws_seldom(quick_measure, seeds, law):
    draws = [LAWS[law](np.random.default_rng(seed)) for seed in range(seeds)]
    found = [
        quick_measure(real=real, other=other, seed=seed)
        for seed, (real, other) in enumerate(draws)
    ]
    assert is_rare([each.verdict.outcome == "they differ" for each in found])
    # the outcome and its bound together
    assert is_rare(
        [each.verdict.outcome == "they differ" or each.verdict.jsd_lower > 0 for each in found]
    )


def test_they_differ_is_said_where_they_do(quick_measure):
    rng = np.random.default_rng(0)
    found = quick_measure(real=rng.normal(size=(400, 2)), other=rng.normal(1, size=(400, 2)))
    assert found.verdict.outcome == "they differ"
    assert found.verdict.jsd_lower == found.jsd_lower > 0
    assert "by at least 0." in found.verdict.sentence


@pytest.mark.parametrize(
    ("p", "outcome"), [(0.05, "they differ"), (0.0501, "no difference found")]
)
def test_the_permutation_test_decides_at_level_alpha(null, p, outcome):
    found = replace(null, p_value=p, detectable=effect(0.08))
    assert found.verdict.outcome == outcome
    assert found.verdict.test == "permutation test"
    assert "p = 0.05" in found.verdict.sentence


@pytest.mark.parametrize(
    "certified",
    [
        {"jsd_lower": 0.1},
        {"tv_lower": 0.1, "accuracy": 0.55},
        {"log_e": 4.0},
        {"marginals": (Marginal(columns=("x1",), jsd_lower=0.1, jsd_estimate=0.1),)},
    ],
)
def test_nothing_else_changes_the_outcome_or_adds_a_bound(null, certified):
    verdict = replace(null, **certified).verdict
    assert verdict.outcome != "they differ"
    assert verdict.jsd_lower == 0


@pytest.mark.parametrize("e", [1, -1])
def test_below_a_level_of_one_in_a_thousand_the_e_value_decides(null, e):
    alpha = 1e-6
    found = replace(null, alpha=alpha, p_value=1e-9, log_e=math.log(1 / alpha) + e)
    assert found.verdict.test == "e-value"
    assert (found.verdict.outcome == "they differ") == (e > 0)
    assert "(e = " in found.verdict.sentence


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [
        (None, "too few rows to tell"),
        (effect(0.32), "too few rows to tell"),
        (effect(0.16), "no difference found"),
        (effect(0.005), "no difference found"),
    ],
)
def test_without_a_difference_the_trials_decide_whether_rows_were_enough(null, limit, outcome):
    verdict = replace(null, detectable=limit).verdict
    assert verdict.outcome == outcome
    assert verdict.can_be_missed == (0.16 if outcome == "too few rows to tell" else None)
    assert ("16 % of the rows missing can go unnoticed" in verdict.sentence) == bool(
        verdict.can_be_missed
    )
    if limit and not verdict.can_be_missed:
        share = f"{100 * limit.mass:g} %"
        assert f"the loss of {share} of the rows is noticed in 9 of 10" in verdict.sentence


def test_a_difference_without_a_bound_is_said_to_have_none(null):
    verdict = replace(null, p_value=0.02).verdict
    assert verdict.sentence == (
        "They differ (p = 0.02); by how much is not certified (at least 0 nats)."
    )


def test_the_verdict_is_in_the_json_and_is_not_read_back(null):
    printed = null.to_dict()
    assert printed["verdict"]["outcome"] == null.verdict.outcome
    assert printed["verdict"]["sentence"] == null.verdict.sentence
    assert oh.Measurement.from_dict(printed) == null
