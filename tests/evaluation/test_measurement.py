"""Two samples measured: the numbers, what they don't depend on, and what is refused."""

import functools
import json

import numpy as np
import pytest

import onehalf as oh
from helpers import is_rare, over_seeds, plant_nothing
from onehalf.evaluation import measurement, pairing
from onehalf.evaluation.certificate.certificate import certify
from onehalf.evaluation.measurement import _detect_copying
from onehalf.evaluation.pairing import PairedSamples
from onehalf.evaluation.rows import wrap
from onehalf.evaluation.samples import check_alpha, check_seed


def grid(rng, n, modes):
    """A 5 x 5 grid of narrow modes, of which the first `modes` are there."""
    mode = rng.integers(0, modes, n)
    return np.stack([mode % 5, mode // 5], axis=1) + rng.normal(size=(n, 2)) / 40


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return grid(rng, 1500, 25), grid(rng, 1500, 24)


@pytest.fixture(scope="module")
def found(rows):
    return oh.measure(real=rows[0], other=rows[1])


@pytest.fixture
def swift(monkeypatch):
    """A measurement without nets, and with nothing planted."""
    quick = functools.partial(certify, kinds=("linear", "quadratic", "cells"))
    monkeypatch.setattr(pairing, "certify", quick)
    monkeypatch.setattr(measurement, "certify", quick)
    plant_nothing(monkeypatch)


def test_a_dropped_mode_is_certified_and_named(found):
    assert 0.004 < found.jsd_lower < 0.014067
    assert (
        found.tv_lower > 0.01
    )  # 0.04, but for the luck that the level allows: test_guarantees.py counts it
    assert found.accuracy == (1 + found.tv_lower) / 2
    assert found.p_value < 1e-4
    region = found.regions[0]
    assert region.certain
    assert {name for name, _, _ in region.conditions} <= {"x1", "x2"}
    assert region.other.share == 0
    assert found.baseline.jsd_lower == 0
    assert found.detectable.mass <= 0.08
    missing = [row.row for row in found.examples.missing]
    assert len(missing) == 20


def test_the_most_telling_rows_are_those_of_the_dropped_mode(rows, found):
    telling = rows[0][[row.row for row in found.examples.missing]]
    assert (np.abs(telling - [4, 4]).max(axis=1) < 0.2).all()


def test_what_is_drawn_adds_up(found):
    bars, calibration = found.plots.log_ratio, found.plots.calibration
    assert sum(bars.real) == pytest.approx(1)
    assert sum(bars.other) == pytest.approx(1)
    # where D is greater, more rows are real ones
    assert list(calibration.D) == sorted(calibration.D)
    assert calibration.D[-1] > 0.5 < calibration.real[-1]
    assert found.plots.wealth.log_e[-1] == found.log_e


def test_it_is_ready_for_json_and_says_its_sentences(found):
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert found.verdict.sentence in str(found)
    assert "at least" in found.sentence


@pytest.mark.parametrize(
    "pair",
    [
        lambda rng: (x := rng.normal(size=(80, 3)), x),
        lambda rng: (x := rng.normal(size=(80, 3)), x[::-1]),
        lambda rng: (np.ones((100, 2)), np.ones((150, 2))),
        lambda rng: (np.ones((100, 1)), np.ones((20, 1))),
        lambda rng: (np.repeat([[0, 1]], 200, axis=0), np.repeat([[0, 1]], 200, axis=0)),
    ],
    ids=["a sample twice", "in another order", "constants", "few constants", "integers"],
)
def test_equal_rows_give_exactly_0(pair):
    real, other = pair(np.random.default_rng(0))
    found = oh.measure(real=real, other=other)
    assert found.jsd_lower == 0
    assert found.tv_lower == 0
    assert found.log_e <= 0
    assert found.p_value > 0.05


@pytest.mark.usefixtures("swift")
def test_disjoint_samples_come_near_log_2():
    rng = np.random.default_rng(0)
    found = oh.measure(real=rng.normal(size=(2000, 2)), other=rng.normal(size=(2000, 2)) + 50)
    assert 0.65 < found.jsd_lower <= np.log(2)
    assert found.accuracy > 0.99


@pytest.mark.usefixtures("swift")
def test_decimals_are_found_and_taken_away():
    rng = np.random.default_rng(0)
    found = oh.measure(real=rng.normal(size=(600, 2)).round(2), other=rng.normal(size=(600, 2)))
    assert found.audit.format_differs
    assert found.harmonized.format.jsd_lower > 0.5
    assert found.harmonized.jsd_lower == 0
    assert "decimals" in " ".join(found.sentences[:3])


@pytest.mark.usefixtures("swift")
def test_a_sampler_is_asked_for_ten_rows_each():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 1))
    by_sampler = oh.measure(real=real, sampler=lambda n: rng.normal(1.0, size=(n, 1)))
    by_file = oh.measure(real=real, other=rng.normal(1.0, size=(400, 1)))
    assert by_sampler.n_other == 4000
    assert by_sampler.log_e > by_file.log_e


@pytest.mark.usefixtures("swift")
def test_copies_are_found_with_training_rows():
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=(2, 400, 4))
    copied = oh.measure(
        real=held_out, other=train + 1e-3 * rng.normal(size=(400, 4)), train=train
    ).memorization
    honest = oh.measure(
        real=held_out, other=rng.normal(size=(400, 4)), train=train
    ).memorization
    assert copied.p_value == 0.0005
    assert copied.advantage_lower > 0.5
    assert honest.p_value > 0.01
    assert honest.advantage_lower == 0


def test_optional_measurements_stand_beside_data_against_data():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(400, 2)), rng.normal([3.0, 0.0], size=(400, 2))
    optional = oh.measure(real=real, other=other, optional=("prdc", "parzen", "cells")).optional
    assert optional.prdc.data.coverage > 0.9 > optional.prdc.other.coverage
    assert optional.parzen.data.log_likelihood > optional.parzen.other.log_likelihood
    assert optional.cells.jsd_lower > 0


class Frame:
    """As much of a data frame as is asked of one."""

    def __init__(self, columns):
        self.data = columns

    @property
    def columns(self):
        return list(self.data)

    def __getitem__(self, names):
        return Frame({name: self.data[name] for name in names})

    def __array__(self, dtype=None, copy=None):
        return np.stack([np.asarray(column) for column in self.data.values()], axis=1)


def test_columns_of_frames_are_matched_by_name():
    rng = np.random.default_rng(0)
    a, b = Frame({"age": rng.normal(size=200), "income": rng.normal(9, size=200)}), None
    b = Frame({"income": rng.normal(9, size=200), "age": rng.normal(size=200)})
    found = oh.measure(real=a, other=b)
    assert found.jsd_lower == 0
    assert [column.name for column in found.audit.columns] == ["age", "income"]
    with pytest.raises(
        oh.Refusal, match="other: expected the columns of the data, age, income; got age, wage"
    ):
        oh.measure(
            real=a, other=Frame({"age": rng.normal(size=200), "wage": rng.normal(size=200)})
        )


@pytest.mark.parametrize("law", ["lognormal", "flags"])
@over_seeds(12, 40)
def test_far_rows_that_were_held_out_are_no_sign_of_copying(seeds, law):
    # without copying, an alarm comes with probability 0.05 at most, whatever the law
    alarms = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        normal, flags = rng.normal(size=(3, 40, 60)), rng.random((3, 40, 60)) < 0.01
        train, real, other = np.exp(3 * normal) if law == "lognormal" else 1.0 * flags
        pair = PairedSamples(seed, real, other)
        found = _detect_copying(seed, wrap(train), pair, 0.05, pair.other)
        alarms.append(found.p_value <= 0.05)
    assert is_rare(alarms)


def test_levels_and_seeds_are_checked():
    for alpha in ("0.05", 1e-9, 0.6, None):
        with pytest.raises(oh.Refusal, match="alpha: expected a number from"):
            check_alpha(alpha)
    for seed in (0.5, -1, 2**70, None):
        with pytest.raises(oh.Refusal, match="seed: expected a whole number from 0 to"):
            check_seed(seed)


ROWS = np.random.default_rng(0).normal(size=(50, 2))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"other": ROWS[:, :1]},
            r"other: expected rows of the data's shape \(2,\); got \(1,\)",
        ),
        (
            {"other": ROWS[:7]},
            "other: expected at least 20 rows; got 7. A bound above 0 takes some hundreds",
        ),
        ({"other": np.full((50, 2), np.nan)}, "other: expected finite numbers; got 100 NaN"),
        ({"other": ROWS.astype(str)}, "other: expected numbers only; got dtype <U"),
        (
            {"other": ROWS, "alpha": 1.5},
            "alpha: expected a number from 0.000001 to 0.5; got 1.5",
        ),
        ({"other": ROWS, "seed": -1}, "seed: expected a whole number from 0 to"),
        (
            {"other": [[1.0], [1.0, 2.0]]},
            "other: expected one row an example, all of one length",
        ),
        (
            {"sampler": ROWS},
            "sampler: expected a fitted GAN or a function from n to n rows; got ndarray",
        ),
        ({"sampler": lambda n: None}, "sampler: expected numbers only"),
        (
            {"other": ROWS, "optional": "kid"},
            "optional: expected some of prdc, fid, parzen, cells; got 'kid'",
        ),
        (
            {"other": ROWS, "optional": ["kid"]},
            "optional: expected some of prdc, fid, parzen, cells; got 'kid'",
        ),
        ({"other": ROWS, "train": ROWS[:, :1]}, "train: expected rows of the data's shape"),
        ({}, "other: expected one of other and sampler; got none"),
        ({"other": ROWS, "sampler": len}, "other: expected one of other and sampler; got both"),
        (
            {"sampler": lambda n: np.zeros((3, 2))},
            "sampler: expected 500 rows when asked for 500; got 3",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(asked, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.measure(real=ROWS, **asked)


def test_trials_have_no_more_rows_than_the_other_sample():
    rng = np.random.default_rng(0)
    found = oh.measure(real=rng.normal(size=(400, 1)), other=rng.normal(size=(25, 1)))
    assert found.detectable is None or found.detectable.rows <= 25
    assert found.verdict.outcome == "too few rows to tell"
