"""Attacks on single rows: a copier is caught by each, an honest generator seldom, and what fails proves nothing."""

import numpy as np
import pyarrow as pa
import pytest

from helpers import is_rare, over_seeds
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.bounds import proportion
from onehalf.evaluation.checks.attacks import attack, attacks
from onehalf.evaluation.checks.attacks.attacker import Attacker, Method
from onehalf.evaluation.checks.attacks.attacks import _judge
from onehalf.evaluation.checks.attacks.inference import Inference
from onehalf.evaluation.checks.attacks.linkability import Linkability
from onehalf.evaluation.checks.attacks.singling_out import SinglingOut
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.images import ImageEncoder
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.rows import wrap

ALPHA = 0.05
NAMES = {"singling out", "linkability", "inference"}


def attacked(seed, make, n=300, d=4):
    rng = np.random.default_rng(seed)
    train, held_out = rng.normal(size=(2, n, d))
    samples = make(rng, train)
    return attack(
        rng, wrap(train), wrap(held_out), wrap(samples), ALPHA, encoder=ArrayEncoder()
    )


def copier(rng, train):
    return train + 0.001 * rng.normal(size=train.shape)


def half_copier(rng, train):
    return np.concatenate([copier(rng, train[::2]), rng.normal(size=train[::2].shape)])


def honest(rng, train):
    return rng.normal(size=train.shape)


def poor(rng, train):
    return rng.normal(0.5, 0.2, size=train.shape)


def prepare(samples, columns=None):
    encoder = TableFeatureEncoder(columns) if columns else ArrayEncoder()
    rows = wrap(samples)
    return Attacker.from_samples(rows, encoder.column_space(rows), encoder.columns)


@pytest.mark.parametrize("make", [copier, half_copier])
def test_each_attack_catches_a_generator_that_copies(make):
    found = attacked(0, make)
    assert set(found.by_name) == NAMES
    for each in found.by_name.values():
        assert each.excess[0] > 0.2
        assert each.train.share > each.held_out.share + 0.35
        assert each.random_guess < 0.2
    assert found.shown
    assert "Attacks on single rows succeed more often" in found.sentences[0]


@pytest.mark.parametrize("make", [honest, poor])
@over_seeds(60, 400)
def test_an_honest_generator_is_seldom_accused(seeds, make):
    found = [attacked(seed, make, n=60, d=2) for seed in range(seeds)]
    assert is_rare([each.shown for each in found])
    assert all("does not prove privacy" in each.sentences[0] for each in found)


class Chance(Method):
    """Succeed on a row, (rate, together), at this rate: on all such rows, or on each by itself."""

    def attempt(self, rng, rows):
        rate, together = rows.x[0]
        return np.full(len(rows), rng.random() < rate) if together else self.guess(rng, rows)

    def guess(self, rng, rows):
        return rng.random(len(rows)) < rows.x[0, 0]


@pytest.mark.parametrize("together", [False, True])
@over_seeds(300, 3000)
def test_the_excess_lies_above_the_true_one_seldom(seeds, together):
    # outcomes of training rows may depend on each other: then it is judged by what came of them
    targets, controls = (
        wrap(np.tile([0.3, together], (80, 1))),
        wrap(np.tile([0.1, 0], (80, 1))),
    )
    above = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        each = _judge(rng, Chance(), targets, controls, ALPHA)
        truth = (each.train.share if together else 0.3) - 0.1
        above.append(each.excess[0] > truth)
        assert each.excess[0] <= each.train.share - each.held_out.share <= each.excess[1]
    assert is_rare(above)


def test_all_attacks_share_one_level(monkeypatch):
    levels = []

    def noted(count, n, alpha):
        levels.append(alpha)
        return proportion(count, n, alpha)

    monkeypatch.setattr(attacks, "proportion", noted)
    attacked(0, honest, n=40)
    assert len(levels) == attacks.INTERVALS
    assert sum(levels) == pytest.approx(ALPHA)


def test_a_rule_holds_nearer_than_half_way_and_for_no_other_training_row():
    method = SinglingOut.prepare(
        prepare(np.array([[0.0], [10.0], [10.0], [40.0]])), wrap(np.array([[41.0]]))
    )
    rng, rows = np.random.default_rng(0), wrap(np.array([[4.9], [5.1], [24.0], [39.0], [-6.0]]))
    # the fourth row is where another training row is, the third and the fifth are too far away
    assert method.attempt(rng, rows).tolist() == [True, True, False, False, False]


def test_a_lone_sample_makes_a_rule_for_everybody():
    rows = wrap(np.arange(5.0)[:, None])
    method = SinglingOut.prepare(prepare(np.ones((9, 1))), rows)
    assert not method.attempt(np.random.default_rng(0), rows).any()


def test_no_target_has_a_part_in_the_outcome_of_another():
    rng = np.random.default_rng(0)
    attacker = prepare(rng.normal(size=(100, 3)))
    rows = wrap(rng.normal(size=(50, 3)))
    for method in (
        SinglingOut.prepare(attacker, wrap(rng.normal(size=(9, 3)))),
        Linkability.prepare(rng, attacker),
    ):
        alone = [method.attempt(rng, rows[i : i + 1])[0] for i in range(len(rows))]
        assert method.attempt(rng, rows).tolist() == alone
        assert 0 < sum(alone) < 50


def test_halves_that_many_share_link_nobody():
    # 500 samples are equally near to a half: the two must not take the same few of them
    rng = np.random.default_rng(0)
    samples = rng.integers(2, size=(1000, 2)).astype(float)
    method = Linkability.prepare(rng, prepare(samples))
    assert method.attempt(rng, wrap(samples)).mean() < 0.3


def test_a_secret_word_must_be_right_and_a_number_nearly():
    table = pa.table(
        {"age": [float(i) for i in range(101)] * 2, "sex": (["F"] * 101 + ["M"] * 101)}
    )
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    method = Inference.prepare(np.random.default_rng(0), prepare(cells, TableColumns(encoder)))
    assert method.tolerances[0] == pytest.approx(0.05 * 90)

    def is_right(row, column):
        # against the sample of number 50, age 50 and sex F
        return bool(
            method._is_right(wrap(np.array([row])), np.array([column]), np.array([50]))[0]
        )

    women, men = cells[50, 1], cells[151, 1]
    assert is_right([54.4, women], 0)
    assert not is_right([54.6, women], 0)
    assert not is_right([np.nan, women], 0)
    assert is_right([0.0, women], 1)
    assert not is_right([0.0, men], 1)


def test_two_missing_cells_are_equal():
    samples = np.array([[np.nan, 1.0], [2.0, 2.0], [3.0, np.nan]])
    encoder = TableEncoder.fit(pa.table({"a": [1.5, None, 3.5], "b": [2.5, 1.5, None]}))
    method = Inference.prepare(
        np.random.default_rng(0), prepare(samples, TableColumns(encoder))
    )
    assert method._is_right(wrap(samples[:1]), np.array([0]), np.array([0]))[0]


def test_one_column_can_only_be_singled_out():
    found = attacked(0, copier, d=1)
    assert set(found.by_name) == {"singling out"}
    assert found.linkability is None


def test_images_are_not_attacked_pixel_by_pixel():
    pixels = wrap(np.random.default_rng(0).normal(size=(40, 64)))
    rng = np.random.default_rng(0)
    encoder = ImageEncoder((8, 8))
    assert attack(rng, pixels, pixels, pixels, ALPHA, encoder=encoder) is None


def test_few_rows_and_constant_ones_are_attacked_too():
    rng = np.random.default_rng(0)
    few, constant = wrap(rng.normal(size=(2, 3))), wrap(np.ones((20, 3)))
    assert not attack(rng, few, few, few, ALPHA, encoder=ArrayEncoder()).shown
    found = attack(rng, constant, constant, constant, ALPHA, encoder=ArrayEncoder())
    assert not found.shown
    assert found.inference.train.share == found.inference.held_out.share == 1
