"""What a measurement says: every number honest, nothing claimed that a test can't show."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

import onehalf as oh
from onehalf.evaluation import wording
from onehalf.evaluation.result import DetectableEffect, Marginal

pytestmark = pytest.mark.usefixtures("critics_without_nets")

BANNED = re.compile(
    r"identical|indistinguishable|passe[sd]|same as the data|\b1\.0\b(?! ?%)|p = below",
    re.IGNORECASE,
)


def rows(seed, n=60, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1, size=(n, 2))


MEASURED = {
    "twice": lambda: oh.measure(real=rows(0), other=rows(0)),
    "constant": lambda: oh.measure(real=np.ones((60, 2)), other=np.ones((50, 2))),
    "one column constant": lambda: oh.measure(real=rows(0) * [1, 0], other=rows(1) * [1, 0]),
    "disjoint": lambda: oh.measure(real=rows(0), other=rows(1, mean=50)),
    "few rows": lambda: oh.measure(real=rows(0, 20), other=rows(1, 20)),
    "a sampler": lambda: oh.measure(real=rows(0, 40), sampler=lambda n: rows(1, n)),
    "with train": lambda: oh.measure(
        real=rows(0), other=rows(1), train=rows(2), optional=("cells",)
    ),
    "train from elsewhere": lambda: oh.measure(
        real=rows(0), other=rows(1), train=rows(2, mean=3)
    ),
    "copies": lambda: oh.measure(real=rows(0), other=rows(1), train=rows(1)),
    "decimals": lambda: oh.measure(real=rows(0).round(1), other=rows(1)),
    "integers": lambda: oh.measure(
        real=rows(0).round().astype(int), other=rows(1, mean=1).round().astype(int)
    ),
}


@pytest.fixture(scope="module")
def measured():
    return {name: make() for name, make in MEASURED.items()}


@pytest.fixture
def null(measured):
    """Nothing found, with halves of the data to compare with."""
    return measured["one column constant"]


def told(found):
    return " ".join(wording.describe(found))


@pytest.mark.parametrize("name", MEASURED)
def test_no_sentence_claims_too_much(measured, name):
    for sentence in wording.describe(measured[name]):
        assert not BANNED.search(sentence)
        assert re.search(r"[.:?]$", sentence)
        assert (
            sentence.startswith("  ") or not sentence[0].islower() or re.match(r"x\d", sentence)
        )


@pytest.mark.parametrize("name", MEASURED)
def test_where_nothing_is_found_it_is_not_called_closeness(measured, name):
    found = measured[name]
    nothing = found.jsd_lower == 0 and found.p_value > 0.05
    assert ("which does not show that the two are the same" in told(found)) == nothing
    assert ("A classifier can tell" in told(found)) == (found.tv_lower > 0)
    assert nothing or name not in ("twice", "constant", "few rows")


@pytest.mark.parametrize("name", MEASURED)
def test_what_could_have_been_missed_and_the_baseline_are_always_said(measured, name):
    assert "What could have been missed" in told(measured[name])
    assert ("For comparison, " in told(measured[name])) == (name != "few rows")
    assert ("the data against the training rows" in told(measured[name])) == (
        measured[name].memorization is not None
    )


@pytest.mark.parametrize("name", MEASURED)
def test_attacks_are_told_with_what_they_do_not_show(measured, name):
    attacks = measured[name].attacks
    assert ("An attack that fails does not prove privacy" in told(measured[name])) == (
        attacks is not None
    )
    accused = ("copies", "train from elsewhere")
    assert (attacks is not None and attacks.shown) == (name in accused)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("disjoint", "that alone tells them apart"),
        ("decimals", "1 decimal in the data"),
        ("twice", "one file twice"),
    ],
)
def test_what_tells_them_apart_trivially_comes_before_any_number(measured, name, rule):
    assert rule in wording.describe(measured[name])[0]
    assert "nats" not in wording.describe(measured[name])[0]


def test_without_such_a_finding_a_rule_that_parts_them_comes_first(measured):
    found = measured["disjoint"]
    found = replace(found, audit=replace(found.audit, findings=()))
    assert wording.describe(found)[0].startswith("One rule separates nearly all rows: ")


def certified(null, **numbers):
    base = {
        "jsd_lower": 0.0447 * math.log(2),
        "tv_lower": 0.0978,
        "accuracy": 0.5489,
        "p_value": 2e-9,
        "log_e": 80.0,
    }
    return replace(null, **(base | {"jsd_estimate": 0.04, "jsd_se": 0.004} | numbers))


def test_certified_numbers_are_rounded_down(null):
    words = told(certified(null))
    assert "at least 0.044 bit" in words
    assert "at least 0.030 nats; the estimate is 0.040 ± 0.004" in words
    assert "at least 54.8 % (chance: 50 %), with 95 % confidence" in words
    assert "refuted at level 0.05 (p < 0.0001). E-value against it: 10^34" in words


@pytest.mark.parametrize("bound", [1e-5, 6.93e-5, 0.00708, 0.0299, 0.1, 0.69314718])
def test_a_bound_is_never_rounded_up_nor_to_nothing(bound):
    assert 0 < float(wording.at_least(bound)) <= bound
    assert float(wording.at_least(bound)) > 0.9 * bound


def test_the_level_is_the_callers(null):
    words = told(certified(null, alpha=0.01))
    assert "With 99 % confidence" in words
    assert "by chance it is 100 or more at most once in 100 times" in words


@pytest.mark.parametrize("name", MEASURED)
def test_evidence_of_a_difference_is_claimed_by_the_verdict_alone(measured, name):
    found = measured[name]
    differ = found.verdict.outcome == "they differ"
    assert ("evidence that the two differ (p" in told(found)) == (
        differ and found.jsd_lower == 0
    )
    assert ("no difference was found" in told(found).lower()) == (not differ)


def test_a_bound_without_a_verdict_is_said_to_be_alone(null):
    words = told(replace(null, jsd_lower=0.02, p_value=0.06))
    assert "No difference was found by the permutation test (p = 0.06), which decides" in words
    assert "the bound alone is above 0" in words
    assert "at least 0.020" in words
    assert "the two differ" not in words


def test_what_is_refuted_depends_on_the_level(null):
    assert "is refuted at level 0.05" in told(replace(null, p_value=0.03))
    assert "is not refuted at level 0.01" in told(replace(null, p_value=0.03, alpha=0.01))
    assert (
        "is chance"
        not in told(
            replace(null, alpha=0.01, baseline=replace(null.baseline, p_value=0.03))
        ).split("For comparison")[1]
    )


def test_a_difference_without_a_size_is_said_to_have_none(null):
    words = told(certified(null, jsd_lower=0.0, tv_lower=0.0, p_value=0.02))
    assert "evidence that the two differ (p = 0.02), but the critics could not certify" in words
    assert "A classifier can tell" in told(certified(null, jsd_lower=0.0))
    assert "A classifier can tell" not in told(certified(null, tv_lower=0.0))


@pytest.mark.parametrize("shown", [{"jsd_lower": 0.01}, {"p_value": 0.04}])
def test_a_difference_between_random_halves_is_called_chance(null, shown):
    words = told(replace(null, baseline=replace(null.baseline, **shown)))
    assert "so this is chance, at most once in 10 times" in words
    assert "so this is chance" not in told(null)


def test_data_that_differ_from_the_training_rows_put_the_rest_in_doubt(measured):
    assert "are in doubt" in told(measured["train from elsewhere"])
    assert "are in doubt" not in told(measured["with train"])


def test_regions_are_listed_under_a_line_that_explains_the_brackets(measured):
    where = wording.parts(measured["disjoint"])["where"]
    assert "in brackets (95 % confidence for all of them together):" in where[0]
    assert where[1].startswith("  ")
    assert "could not be narrowed down" in told(certified(measured["few rows"]))


def test_fewer_columns_are_told_beside_all_of_them(measured):
    steps = (
        Marginal(columns=("x1",), jsd_lower=0.0, jsd_estimate=0.0),
        Marginal(columns=("x1", "x2"), jsd_lower=0.02, jsd_estimate=0.03),
    )
    assert "x1, alone shows nothing for certain." in told(
        certified(measured["few rows"], marginals=steps)
    )
    audit = measured["few rows"].audit
    audit = replace(audit, findings=(), columns=3 * audit.columns)
    found = certified(measured["few rows"], marginals=steps, audit=audit)
    assert "the most telling pair, x1 and x2, alone shows at least 0.020 nats." in told(found)


def test_a_marginal_is_named_where_it_alone_is_certified(null):
    step = Marginal(columns=("x1",), jsd_lower=0.01, jsd_estimate=0.02)
    named = told(replace(null, marginals=(step,)))
    assert "The most telling column, x1, alone shows at least 0.010 nats." in named


def test_the_marginal_of_the_only_column_is_named_if_it_shows_more(null):
    step = Marginal(columns=("x1",), jsd_lower=0.04, jsd_estimate=0.05)
    audit = replace(null.audit, columns=null.audit.columns[:1])
    one = replace(null, audit=audit, marginals=(step,))
    sentence = "A histogram of x1 certifies more than the critics do: at least 0.040 nats."
    assert sentence in told(one)
    assert sentence in told(certified(one))
    assert "histogram" not in told(certified(one, jsd_lower=0.05))


def test_the_limit_of_detection_is_that_of_the_trials(null):
    limit = DetectableEffect(mass=0.08, jsd=0.0286, rows=750, trials=10, noticed=9)
    words = told(replace(null, detectable=limit))
    assert "a group of 8.0 % of the rows (0.029 nats) was noticed 9 times in 10" in words


def test_a_table_has_the_same_numbers_for_a_measurement_and_its_baseline(null):
    assert list(wording.table(null)) == list(wording.table(null.baseline))
    assert wording.table(certified(null))["permutation test"] == "p < 0.0001"
