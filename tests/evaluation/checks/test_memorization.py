"""What was copied: a copier is caught, and an honest generator seldom, however good or bad it is."""

import functools
import json

import numpy as np
import pytest
from scipy.special import expit

from helpers import is_rare, over_seeds
from onehalf._errors import Refusal
from onehalf.evaluation.certificate.bounds import p_value
from onehalf.evaluation.checks import memorization
from onehalf.evaluation.checks.memorization import (
    _advantage,
    _collisions,
    _guess_members,
    detect_copying,
)
from onehalf.evaluation.result import Memorization
from onehalf.evaluation.serialization import from_json, to_json

ALPHA = 0.05


def rows(rng, n=100, d=2, scale=1.0):
    return scale * rng.normal(size=(n, d))


def found(seed, make, n=100, m=100):
    rng = np.random.default_rng(seed)
    train = rows(rng, n)
    return detect_copying(rng, train, rows(rng, m), make(rng, train), ALPHA)


def copier(rng, train):
    return train + 0.01 * rng.normal(size=train.shape)


def honest(rng, train):
    return rows(rng)


def mode_seeking(rng, train):
    return rows(rng, scale=0.3)


def test_a_copier_is_caught():
    copied = found(0, copier, n=1000, m=1000)
    assert copied.p_value == copied.nearer_train.p_value == 0.0005
    assert copied.log_e > 100
    assert copied.advantage_lower > 0.6
    assert copied.guesses.epsilon_lower > 2
    assert "not differentially private" in " ".join(copied.sentences)
    assert copied.nearer_train.share > 0.9
    assert "nearer to the training rows" in copied.sentences[0]


def test_a_few_exact_copies_among_many_rows_are_caught():
    def one_in_twenty(rng, train):
        fakes = rows(rng, 1000)
        fakes[:50] = train[:50]
        return fakes

    copied = found(0, one_in_twenty, n=1000, m=1000)
    assert copied.p_value == 0.0005
    assert copied.log_e > np.log(1 / ALPHA)
    assert copied.advantage_lower > 0
    assert copied.duplicates.train.count == 50
    assert copied.duplicates.held_out.count == 0


@pytest.mark.parametrize("make", [honest, mode_seeking])
@over_seeds(100, 300)
def test_without_copying_each_alarm_comes_with_probability_alpha_at_most(
    seeds, make, monkeypatch
):
    monkeypatch.setattr(memorization, "p_value", functools.partial(p_value, deals=99))
    looks = [found(seed, make, m=120) for seed in range(seeds)]
    alarms = {
        "p": [look.p_value <= ALPHA for look in looks],
        "share": [look.nearer_train.p_value <= ALPHA for look in looks],
        "e": [look.log_e >= np.log(1 / ALPHA) for look in looks],
        "advantage": [look.advantage_lower > 0 for look in looks],
    }
    assert {name: sum(raised) for name, raised in alarms.items() if not is_rare(raised)} == {}
    assert np.mean([look.nearer_train.share for look in looks]) == pytest.approx(0.5, abs=0.03)
    # an e-value has mean 1; it is skewed, and its logarithm mostly below 0
    assert np.mean(np.exp([look.log_e for look in looks])) < 1.5


def test_the_advantage_stays_below_the_true_one():
    # half of the members were copied: exactly so many, so that the pairs are not quite independent
    n, seeds = 300, 300
    bounds = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        members = rng.permutation(np.repeat([1.0, 0.0], n // 2)) + rng.uniform(0, 0.1, n)
        bounds.append(_advantage(members, rng.uniform(size=n) * 1.1, ALPHA))
    # P(member > t) - P(other > t) is 0.5 - 0.1/1.1 at most, at t = 1
    assert np.mean(np.array(bounds) > 0.5 - 0.1 / 1.1) <= ALPHA
    assert np.mean(bounds) > 0.2


def randomized_response(seed, epsilon, n=200, values=2000):
    """Say of every value whether somebody has it, falsely with probability 1/(1 + e^(epsilon/2)).

    To replace a row changes two of the true answers at most: epsilon-differential privacy, and no less.
    """
    rng = np.random.default_rng(seed)
    train, held_out = rng.choice(values, (2, n))
    truth = np.isin(np.arange(values), train)
    said = np.where(rng.random(values) < expit(epsilon / 2), truth, ~truth)
    rows = [each[:, None].astype(float) for each in (train, held_out, np.flatnonzero(said))]
    return detect_copying(rng, *rows, ALPHA).guesses


@over_seeds(60, 400)
@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_the_epsilon_of_a_private_mechanism_is_seldom_exceeded(seeds, epsilon, monkeypatch):
    monkeypatch.setattr(memorization, "p_value", functools.partial(p_value, deals=9))
    bounds = [randomized_response(seed, epsilon).epsilon_lower for seed in range(seeds)]
    assert is_rare([bound > epsilon for bound in bounds])
    assert np.mean(bounds) > 0.1 * epsilon


@over_seeds(100, 400)
def test_no_epsilon_is_refuted_without_copying(seeds, monkeypatch):
    monkeypatch.setattr(memorization, "p_value", functools.partial(p_value, deals=9))
    assert is_rare([found(seed, honest).guesses.epsilon_lower > 0 for seed in range(seeds)])


def test_one_run_that_tells_all_or_nothing_is_no_evidence_for_more_than_it_tells():
    # clear pairs, all of them right: as far as 100 guesses reach, and no further
    guesses = _guess_members(np.full(100, 9.0), np.zeros(100), ALPHA)
    assert (guesses.n_pairs, guesses.n_right) == (100, 100)
    assert expit(guesses.epsilon_lower) == pytest.approx((ALPHA / 4) ** (1 / 100))


def test_pairs_that_nothing_parts_are_not_guessed_on():
    guesses = _guess_members(np.array([1.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0]), ALPHA)
    assert (guesses.n_pairs, guesses.n_right, guesses.epsilon_lower) == (1, 1, 0)


def test_training_rows_in_order_are_no_sign_of_copying():
    # of more training rows than held-out ones some are used: drawn at random, since the first may be the least
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        train, held_out, fakes = (rng.exponential(size=(n, 1)) for n in (200, 100, 100))
        alarms += (
            detect_copying(rng, np.sort(train, axis=0), held_out, fakes, ALPHA).p_value <= ALPHA
        )
    assert alarms <= 5


def test_labels_play_no_part_in_equal_rows():
    # each row is there twice, once under each label, and so are the fakes: nothing can tell train from held-out
    rng = np.random.default_rng(0)
    table = np.round(rows(rng, 200), 1)
    look = detect_copying(rng, table, table, table[:50], ALPHA)
    assert look.nearer_train.share == 0.5
    assert look.duplicates.train == look.duplicates.held_out
    assert look.duplicates.train.share == 1
    assert look.log_e < np.log(1 / ALPHA)
    assert look.advantage_lower == 0


def test_constant_rows_say_nothing():
    constant = np.ones((20, 3))
    look = detect_copying(np.random.default_rng(0), constant, constant, constant, ALPHA)
    assert (look.log_e, look.p_value, look.advantage_lower) == (pytest.approx(0), 1, 0)
    assert look.collisions.samples.support == 1


def test_minus_nought_equals_nought():
    zeros = np.zeros((5, 1))
    assert (
        detect_copying(
            np.random.default_rng(0), zeros, zeros, -zeros, ALPHA
        ).duplicates.train.count
        == 5
    )


@pytest.mark.parametrize("heavy", [0.0, 0.1])
def test_collisions_are_unbiased_and_their_interval_holds(heavy):
    p = np.full(200, (1 - heavy) / 200)
    p[0] += heavy
    truth = 1 / np.sum(p**2)
    rng = np.random.default_rng(0)
    looks = [_collisions(rng.choice(200, size=400, p=p), ALPHA) for _ in range(200)]
    rates = [look.rate for look in looks]
    assert np.mean(rates) == pytest.approx(1 / truth, abs=3.5 * np.std(rates) / np.sqrt(200))
    missed = [not look.interval[0] <= truth <= look.interval[1] for look in looks]
    assert np.mean(missed) <= ALPHA
    assert np.median([look.interval[1] for look in looks]) < 4 * truth
    assert np.median([look.at_least for look in looks]) > truth / 20


def test_without_a_collision_the_lower_limit_is_exceeded_with_probability_alpha_at_most():
    m, support, seeds = 30, 145, 2000  # the limit, m (m - 1)/(2 log 20), is 145.2
    rng = np.random.default_rng(0)
    looks = [_collisions(rng.integers(0, support, size=m), ALPHA) for _ in range(seeds)]
    wrong = sum(look.support is None and look.at_least >= support for look in looks)
    assert 0 < wrong <= ALPHA * seeds + 3 * np.sqrt(ALPHA * (1 - ALPHA) * seeds)


def test_collapse_is_seen_beside_the_table():
    def five_rows(rng, train):
        return rows(rng, 5)[rng.integers(0, 5, size=1000)]

    collisions = found(0, five_rows).collisions
    assert collisions.samples.support == pytest.approx(5, rel=0.1)
    assert collisions.samples.interval[0] <= 5 <= collisions.samples.interval[1]
    assert collisions.real.support is None


def test_the_result_is_plain_says_so_and_is_the_same_for_the_same_rng():
    look = found(3, copier, n=150, m=100)
    again = from_json(Memorization, json.loads(json.dumps(to_json(look))))
    assert again == look == found(3, copier, n=150, m=100)
    assert look.n_pairs == look.duplicates.n_rows == 100
    said = " ".join(look.sentences + found(3, honest).sentences).lower()
    assert not {"identical", "indistinguishable", "passes", "passed", "jsd"} & set(
        said.replace(",", "").split()
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"train": np.zeros((1, 2))}, "train"),
        ({"held_out": np.zeros((1, 2))}, "held_out"),
        ({"samples": np.zeros((9, 3))}, "samples"),
        ({"alpha": 1.0}, "alpha"),
    ],
)
def test_unfit_input_is_refused(change, word):
    given = {
        "train": np.zeros((9, 2)),
        "held_out": np.zeros((9, 2)),
        "samples": np.zeros((9, 2)),
        "alpha": ALPHA,
    }
    with pytest.raises((Refusal, TypeError), match=word):
        detect_copying(np.random.default_rng(0), **(given | change))
