"""What was dropped: cells that are named are dropped indeed, and PRDC is what its definition says."""

import json

import numpy as np
import pytest

from helpers import is_rare, over_seeds
from onehalf._errors import Refusal
from onehalf.evaluation.checks.coverage import compare_prdc, count_cells, prdc
from onehalf.evaluation.explain.regions import binary_jsd
from onehalf.evaluation.result import Cells
from onehalf.evaluation.serialization import from_json, to_json

ALPHA = 0.05


def table(rng, n, modes=25):
    return np.column_stack([4 * rng.integers(0, modes, size=n), 0.1 * rng.normal(size=n)])


def looked(seed, modes, n=2000):
    rng = np.random.default_rng(seed)
    return count_cells(rng, table(rng, n), table(rng, n), table(rng, n, modes), ALPHA)


def test_a_dropped_mode_is_named_and_the_bound_is_below_the_truth():
    looks = [looked(seed, modes=24) for seed in range(20)]
    # 1 of 25 modes is missing: 0.014067 nats (docs/explanation/notation.md)
    assert all(0 < look.jsd_lower < 0.014067 for look in looks)
    for look in looks:
        first = look.cells[0]
        assert first.finding == "dropped"
        assert first.centre[0] > 90
        assert "not one was seen" in look.sentences[1]


def test_cells_of_one_group_are_joined():
    # two modes of which the second is missing, 0.215762 nats, laid out in 15 cells or so each
    rng = np.random.default_rng(0)
    look = count_cells(
        rng, table(rng, 2000, 2), table(rng, 2000, 2), table(rng, 2000, 1), ALPHA
    )
    assert 0.05 < look.jsd_lower < 0.215762
    assert look.jsd_lower > 3 * look.cells[0].jsd_lower
    assert sum(cell.real.count for cell in look.cells) == look.n_real == 2000
    assert sum(cell.finding == "dropped" for cell in look.cells) > 5


@over_seeds(40, 200)
def test_with_nothing_dropped_a_cell_is_named_with_probability_alpha_at_most(seeds):
    looks = [looked(seed, modes=25, n=300) for seed in range(seeds)]
    assert is_rare([look.jsd_lower > 0 for look in looks])
    assert "does not show" in looks[0].sentences[0]


def test_all_intervals_hold_at_once():
    # four well-parted modes, each a cell or several; the truth of a cell comes from many other rows
    seeds, missed = 100, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        look = count_cells(
            rng,
            table(rng, 300, 4),
            rng.permutation(table(rng, 200, 4)),
            table(rng, 200, 4),
            ALPHA,
        )
        centres = np.array([cell.centre for cell in look.cells])
        many = table(rng, 20_000, 4)
        nearest = np.argmin(((many[:, None] - centres) ** 2).sum(axis=2), axis=1)
        truth = np.bincount(nearest, minlength=len(centres)) / len(many)
        missed += any(
            not low - 0.01 <= share <= high + 0.01
            for share, cell in zip(truth, look.cells, strict=True)
            for low, high in (cell.real.interval, cell.other.interval)
        )
    assert missed <= ALPHA * seeds + 3 * np.sqrt(ALPHA * (1 - ALPHA) * seeds)


def test_too_often_is_seen_as_well():
    rng = np.random.default_rng(0)
    other = np.concatenate([table(rng, 1000), table(rng, 1000, modes=1)])
    first = count_cells(rng, table(rng, 2000), table(rng, 2000), other, ALPHA).cells[0]
    assert first.finding == "too often"
    assert abs(first.centre[0]) < 0.1


def test_jsd_of_two_coins():
    assert binary_jsd(0.0, 1.0) == pytest.approx(np.log(2))
    assert binary_jsd(0.3, 0.3) == 0
    assert binary_jsd(0.04, 0.0) == pytest.approx(0.0140, abs=1e-4)


def test_cells_are_plain_and_the_same_for_the_same_rng():
    look = looked(1, modes=24)
    again = from_json(Cells, json.loads(json.dumps(to_json(look))))
    assert again == look == looked(1, modes=24)


def test_constant_rows_make_one_cell():
    constant = np.ones((50, 2))
    look = count_cells(np.random.default_rng(0), constant, constant, constant, ALPHA)
    assert (look.n_cells, look.jsd_lower) == (1, 0)


def naive(real, other, k):
    """The four definitions, word by word."""

    def distance(a, b):
        return np.sqrt(((a - b) ** 2).sum())

    def ball(rows, i):
        return sorted(distance(rows[i], rows[j]) for j in range(len(rows)) if j != i)[k - 1]

    real_balls = [ball(real, i) for i in range(len(real))]
    other_balls = [ball(other, j) for j in range(len(other))]
    in_real = np.array(
        [[distance(x, y) <= r for y in other] for x, r in zip(real, real_balls, strict=True)]
    )
    in_other = np.array(
        [[distance(x, y) <= r for y, r in zip(other, other_balls, strict=True)] for x in real]
    )
    return {
        "precision": np.mean([any(in_real[:, j]) for j in range(len(other))]),
        "recall": np.mean([any(in_other[i]) for i in range(len(real))]),
        "density": sum(in_real[:, j].sum() for j in range(len(other))) / (k * len(other)),
        "coverage": np.mean([any(in_real[i]) for i in range(len(real))]),
    }


@pytest.mark.parametrize(("k", "lattice"), [(1, False), (3, False), (5, True)])
def test_prdc_is_its_definition(k, lattice, monkeypatch):
    rng = np.random.default_rng(k)
    real, other = rng.normal(size=(60, 2)), 0.7 * rng.normal(size=(45, 2)) + 0.5
    if lattice:
        real, other = np.round(real), np.round(other)
    assert vars(prdc(real, other, k)) == pytest.approx(naive(real, other, k))
    monkeypatch.setattr("onehalf.evaluation.checks.coverage.DISTANCES", 100)
    assert vars(prdc(real, other, k)) == pytest.approx(naive(real, other, k))


def test_constant_rows_are_inside():
    found = prdc(np.ones((20, 3)), np.ones((20, 3)))
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


@over_seeds(15, 40)
def test_coverage_of_data_against_data_is_what_theory_says(seeds):
    n, k = 100, 3
    expected = 1 - np.prod([(n - 1 - t) / (2 * n - 1 - t) for t in range(k)])
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        found.append(compare_prdc(rng, rng.normal(size=(2 * n, 2)), rng.normal(size=(n, 2)), k))
    for kind in ("data", "other"):
        covered = [getattr(look, kind).coverage for look in found]
        assert np.mean(covered) == pytest.approx(
            expected, abs=4 * np.std(covered) / np.sqrt(seeds)
        )


def test_both_columns_have_equally_many_rows():
    rng = np.random.default_rng(0)
    assert compare_prdc(rng, rng.normal(size=(101, 2)), rng.normal(size=(30, 2))).n == 30
    assert compare_prdc(rng, rng.normal(size=(101, 2)), rng.normal(size=(300, 2))).n == 50


def test_unfit_input_is_refused():
    few, many = np.zeros((5, 2)), np.zeros((50, 2))
    with pytest.raises(Refusal, match="at least 6 rows"):
        prdc(few, many)
    with pytest.raises(Refusal, match="at least 12 rows"):
        compare_prdc(np.random.default_rng(0), few, many)
    with pytest.raises(Refusal, match="alpha"):
        count_cells(np.random.default_rng(0), many, many, many, 0.0)
    with pytest.raises(Refusal, match="at least 1 neighbour"):
        prdc(many, many, 0)
