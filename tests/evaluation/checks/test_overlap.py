"""Test rows that are training rows: named by their number and left out, unless equal rows are natural."""

import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from onehalf import Refusal
from onehalf.domains import find_domain
from onehalf.evaluation.checks.overlap import leave_out_trained

pytestmark = pytest.mark.usefixtures("critics_without_nets")


def check(real, train, least=20):
    encode = find_domain(real).encode_samples
    sides = {"real": real, "other": real, "train": train}
    return leave_out_trained(
        encode(sides, sampler=None, schema=None, features=None, seed=0), least
    )


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_training_rows_among_the_data_are_left_out_and_counted(rng):
    train, real, other = rng.normal(size=(3, 100, 2))
    real[10:17] = train[:7]
    found = oh.measure(real=real, other=other, train=train)
    clean = oh.measure(real=np.delete(real, slice(10, 17), axis=0), other=other, train=train)
    assert (found.n_real, found.overlap.n_equal, found.overlap.n_rows) == (93, 7, 100)
    assert found.overlap.is_left_out
    sentence = "7 of 100 rows of the data are among the training rows and were left out"
    assert any(sentence in each for each in found.sentences)
    assert found.bounds() == clean.bounds()
    assert clean.overlap is None


def test_listed_rows_keep_their_numbers(rng):
    train, real, other = rng.normal(size=(3, 60, 1))
    real[:20] = train[:20]
    real[-1] = 50.0
    found = oh.measure(real=real, other=other, train=train)
    assert all(example.row >= 20 for example in found.examples.missing)
    rows = {example.row for example in found.examples.missing}
    assert rows <= set(range(20, 60))
    assert max(rows) > 39


def test_too_few_rows_that_are_left_are_refused(rng):
    train = rng.normal(size=(100, 2))
    with pytest.raises(
        Refusal,
        match=r"at least 20 rows that are not training rows; got 10: 90 of 100 rows are among",
    ):
        check(np.concatenate([train[:90], rng.normal(size=(10, 2))]), train)


def test_rows_that_repeat_by_themselves_are_not_taken_for_training_rows(rng):
    def bits(n):
        return pa.table({name: rng.integers(2, size=n) for name in "abc"})

    found = check(bits(300), bits(300))
    assert found.overlap is None
    assert len(found.samples.real) == 300


def test_more_equal_rows_than_repeats_explain_are_said_and_kept(rng):
    def table(n):
        return rng.integers(30, size=(n, 2)).astype(float)

    train = table(300)
    real = np.concatenate([train[:200], table(100)])
    found = check(real, train)
    assert found.overlap.n_equal > 200
    assert not found.overlap.is_left_out
    assert "more than chance explains" in found.overlap.sentence
    assert len(found.samples.real) == 300


def test_a_few_repeats_do_not_hide_training_rows(rng):
    train, real = rng.normal(size=(2, 500, 2))
    train[-1] = train[-2]
    real[:50] = train[:50]
    found = check(real, train)
    assert found.overlap.is_left_out
    assert len(found.samples.real) == 450


def test_no_natural_table_is_said_to_hold_training_rows(rng):
    """Of tables whose rows repeat at several rates, none is accused."""
    accused = 0
    for values in (8, 30, 100) * 60:
        train, real = rng.integers(values, size=(2, 200, 2)).astype(float)
        overlap = check(real, train).overlap
        # where no training row repeats, equal rows are taken for the same rows
        accused += overlap is not None and overlap.repeats > 0
    assert accused == 0


def test_samples_of_their_own_leave_with_their_rows(rng):
    train, real = rng.normal(size=(2, 60, 2))
    labels = rng.integers(2, size=60)
    real[:5] = train[:5]

    class Sampler:
        labels_ = ("class",)

        def sample(self, n=None, random_state=None, given=None):
            y = np.zeros(n, int) if given is None else np.asarray(given)
            return np.random.default_rng(1).normal(size=(len(y), 2)), y

    train_labels = labels.copy()
    found = oh.measure(real=(real, labels), train=(train, train_labels), sampler=Sampler())
    assert (found.n_real, found.n_other, found.overlap.n_equal) == (55, 550, 5)
