"""Bets by shares, and a watch that may be stopped: what they find, and that nothing is found where nothing is."""

import functools

import jax.random as jr
import numpy as np
import pytest

import onehalf as oh
from onehalf.evaluation.certificate import certificate
from onehalf.evaluation.certificate.certificate import bets_start, certify

QUICK = ("linear", "quadratic", "cells")


def normal(seed, n, mean=0.0):
    return np.random.default_rng(seed).normal(mean, size=(n, 1))


def test_the_bound_is_below_the_truth_and_comes_near():
    # N(0, 1) against N(1, 1): JSD 0.111421 nats, TV 0.382925
    found = [
        certify(jr.key(s), normal(s, 1000), normal(s + 99, 1000, 1.0)[:, None], kinds=QUICK)
        for s in range(20)
    ]
    assert sum(each.jsd_lower > 0.111421 for each in found) <= 4
    assert sum(each.tv_lower > 0.382925 for each in found) <= 4
    assert np.mean([each.jsd_lower for each in found]) > 0.75 * 0.111421
    assert np.mean([each.tv_lower for each in found]) > 0.8 * 0.382925
    assert np.mean([each.jsd_estimate for each in found]) == pytest.approx(0.111421, abs=0.006)
    assert all(each.log_e > 100 and each.p_value < 1e-6 for each in found)


def test_more_opponents_are_more_evidence():
    x = normal(0, 800)
    one, many = (
        certify(jr.key(0), x, normal(1, 800 * k, 1.0).reshape(800, k, 1), kinds=QUICK)
        for k in (1, 10)
    )
    assert many.log_e > 1.4 * one.log_e
    assert many.wealth[-1] == pytest.approx(many.log_e)


def test_each_critic_bets_on_rows_that_come_after_those_it_learned_from():
    found = certify(jr.key(0), normal(0, 1000), normal(1, 1000)[:, None], kinds=QUICK)
    assert found.starts == (250, 500, 750)
    assert [len(critic.past[0]) for critic in found.critics] == [250, 500, 750]
    assert len(found.wealth) == len(found.logits[0]) == 750


def test_few_pairs_have_one_critic_and_many_are_not_all_learned_from():
    assert bets_start(399) == [199]
    assert bets_start(400) == [100, 200, 300]
    assert bets_start(60_000) == [15_000, 20_000]


class Sampler:
    """As much of a fitted GAN as a watch asks for: the same seed, the same rows."""

    def __init__(self):
        self.seeds = []

    def sample(self, n, random_state):
        self.seeds.append(random_state)
        return normal(random_state, n)


def test_a_watch_is_shown_fresh_samples_each_time():
    sampler = Sampler()
    watch = oh.monitor([], sampler, seed=7)
    for seed in range(3):
        watch.update(normal(seed, 20))
    # two critics have learned, and two batches were bet on
    assert len(set(sampler.seeds)) == len(sampler.seeds) == 4


def test_a_watch_learns_from_the_latest_rows(monkeypatch):
    monkeypatch.setattr("onehalf.evaluation.certificate.monitor.MOST_ROWS", 30)
    watch = oh.monitor([], lambda n: normal(0, n))
    for start in (0.0, 20.0):
        watch.update(np.arange(start, start + 20)[:, None])
    assert watch.past.x.ravel().tolist() == list(range(10, 40))


def test_a_watch_sees_a_difference_and_may_be_stopped(monkeypatch):
    quick = functools.partial(certificate.learn, kinds=QUICK)
    monkeypatch.setattr("onehalf.evaluation.certificate.monitor.learn", quick)
    rng = np.random.default_rng(0)
    watch = oh.monitor([], lambda n: rng.normal(1.0, size=(n, 1)))
    lowers = [watch.update(normal(seed, 100)).jsd_lower for seed in range(12)]
    assert lowers == sorted(lowers)
    assert 0.05 < lowers[-1] < 0.111421
    assert watch.log_e > 50
    assert watch.rows_bet_on == 1100


def test_a_watch_refuses_what_does_not_fit():
    watch = oh.monitor([], lambda n: np.zeros((n, 2)))
    watch.update(normal(0, 10))
    with pytest.raises(
        oh.Refusal, match=r"batch: expected rows of the data's shape \(1,\); got \(2,\)"
    ):
        watch.update(np.zeros((5, 2)))
    with pytest.raises(oh.Refusal, match="sampler: expected rows of the data's shape"):
        watch.update(normal(0, 20))
    with pytest.raises(
        oh.Refusal, match=r"alpha: expected a number from 0\.000001 to 0\.5; got 0"
    ):
        oh.monitor([], lambda n: np.zeros((n, 2)), alpha=0)
