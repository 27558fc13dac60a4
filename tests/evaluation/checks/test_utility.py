"""Train on samples, test on data: known answers, what is missing or lacking, and the baselines beside it."""

import datetime
import functools
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
)

import onehalf as oh
from helpers import over_seeds
from onehalf import Refusal
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.checks import utility as module
from onehalf.evaluation.checks.utility import evaluate_utility
from onehalf.evaluation.features.tables import TableColumns

N = 1200


@functools.cache
def people():
    """Income follows from age and sex, wage and birthday from age; town says nothing."""
    rng = np.random.default_rng(0)
    age, sex = rng.integers(18, 90, N), rng.choice(["F", "M"], N)
    income = np.where((age > 50) ^ (rng.random(N) < 0.1), "high", "low")
    table = pa.table(
        {
            "age": pa.array(np.where(rng.random(N) < 0.1, np.nan, age), from_pandas=True),
            "sex": sex,
            "town": [f"town {k}" for k in rng.integers(0, 300, N)],
            "income": np.where(rng.random(N) < 0.05, None, income),
            "wage": np.round(20 * age + rng.normal(0, 50, N), 2),
            "children": np.minimum(age // 20, 3),
            "born": [
                datetime.date(2024, 1, 1) - datetime.timedelta(days=int(365 * years))
                for years in age
            ],
            "nobody": pa.array([None] * (N - 2) + [1.5, 2.5]),
        }
    )
    encoder = TableEncoder.fit(table)
    return TableColumns(encoder), encoder.encode(table)


def parts(n=400):
    columns, rows = people()
    return columns, rows[:n].copy(), rows[n:]


def shuffled(rows):
    rng = np.random.default_rng(1)
    return np.stack([rng.permutation(column) for column in rows.T], axis=1)


@pytest.mark.parametrize("target", ["income", "wage", "children", "born"])
def test_samples_like_data_train_as_well_and_shuffled_columns_teach_nothing(target):
    columns, samples, data = parts()
    good = evaluate_utility(samples, data, columns, target, seed=0)
    bad = evaluate_utility(shuffled(samples), data, columns, target, seed=0)
    main = "accuracy" if good.kind == "classes" else "r2"
    assert good.kind == ("numbers" if target in ("wage", "born") else "classes")
    difference = good.differences[main]
    assert abs(difference.value) < 4 * difference.se + 0.05
    assert bad.scores["samples"][main] < bad.scores["constant"][main] + 0.15
    assert bad.scores["data"][main] > bad.scores["constant"][main] + 0.2
    assert bad.differences[main].value < -4 * bad.differences[main].se
    left_out = good.left_out
    assert good.n_train == 400 - max(left_out["samples"], left_out["data"])
    assert good.n_test == 400 - left_out["test"]


def test_the_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, p = rng.integers(0, 2, 300).astype(float), rng.random(300)
    guess = np.stack([1 - p, p, np.zeros(300)], axis=1)
    ours = module._labels(truth, guess, np.array([0.0, 1.0]))
    label = guess.argmax(axis=1)
    assert ours["accuracy"] == pytest.approx(accuracy_score(truth, label))
    assert ours["f1"] == pytest.approx(f1_score(truth, label, average="macro"))
    assert ours["auc"] == pytest.approx(roc_auc_score(truth, p))
    three = rng.integers(0, 3, 300).astype(float)
    ours = module._labels(three, guess, np.arange(3.0))
    assert ours["f1"] == pytest.approx(f1_score(three, label, average="macro"))
    assert "auc" not in ours
    x, y = rng.normal(size=(2, 300))
    assert module._numbers(x, y, unit=2.0) == {
        "error": pytest.approx(2 * mean_absolute_error(x, y)),
        "r2": pytest.approx(r2_score(x, y)),
    }


@over_seeds(15, 40)
def test_the_standard_error_is_the_spread_over_test_sets(seeds):
    """Two guessers that are right 80 % and 70 % of the time: over many test sets their difference has that spread."""
    score = functools.partial(module._labels, classes=np.arange(3.0))

    def draw(seed):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 3, 400).astype(float)
        guesses = {}
        for name, right in (("samples", 0.8), ("data", 0.7)):
            label = np.where(rng.random(400) < right, truth, (truth + 1) % 3).astype(int)
            guesses[name] = np.eye(4)[label]
        return module._differences(score, truth, guesses, rng)

    found = [draw(seed) for seed in range(seeds)]
    for name in ("accuracy", "f1"):
        values, errors = (
            [getattr(each[name], key) for each in found] for key in ("value", "se")
        )
        assert np.mean(values) == pytest.approx(0.1, abs=0.02)
        # the relative error of a standard deviation is 1/sqrt(2 seeds)
        assert np.std(values) == pytest.approx(np.mean(errors), rel=3.1 / math.sqrt(2 * seeds))


def test_with_training_rows_all_of_the_test_rows_are_tested_on():
    columns, samples, data = parts()
    found = evaluate_utility(samples, data[:300], columns, "wage", seed=0, train=data[300:])
    assert (found.n_test, found.n_train) == (300, 400)


def test_it_is_the_same_again_with_the_same_seed():
    columns, samples, data = parts()
    assert evaluate_utility(samples, data, columns, "income", seed=3) == evaluate_utility(
        samples, data, columns, "income", seed=3
    )


def test_what_samples_lack_is_told():
    columns, samples, data = parts()
    place = columns.names.index("income")
    samples[:, place] = columns.encoder.words["income"].index("low")
    found = evaluate_utility(samples, data, columns, "income", seed=0)
    assert found.lacking == ("high",)
    assert "No sample has income = high." in found.sentence
    assert found.scores["samples"]["auc"] == 0.5
    assert found.scores["samples"]["f1"] == pytest.approx(
        1 / 3, abs=0.05
    )  # 2/3 of one class, 0 of the other


def test_values_that_the_data_never_hold_count_as_wrong():
    columns, samples, data = parts()
    place = columns.names.index("children")
    samples[:, place] += np.random.default_rng(0).normal(0, 0.1, len(samples))
    found = evaluate_utility(samples, data, columns, "children", seed=0)
    assert found.scores["samples"]["accuracy"] == 0
    assert sorted(found.lacking) == ["0", "1", "2", "3"]
    samples[:, place] = np.float32(np.round(samples[:, place]) + 0.0)
    assert (
        evaluate_utility(samples, data, columns, "children", seed=0).scores["samples"][
            "accuracy"
        ]
        > 0.9
    )


def test_sentences_have_their_baselines():
    columns, samples, data = parts()
    number = r"[\d.,]+"
    told = evaluate_utility(samples, data, columns, "income", seed=0).sentence
    assert re.fullmatch(
        rf"A model that predicts income from the other columns, trained on {number} samples, is right on {number} % of "
        rf"{number} data rows; trained on as many data rows, it is right on {number} % \(a difference of {number} ± "
        rf"{number} points\)\. Always predicting the most frequent class is right "
        rf"on {number} %. Left out are \d+ data rows and \d+ samples that lack "
        r"income\.",
        told,
    )
    told = evaluate_utility(samples, data, columns, "born", seed=0).sentence
    assert re.search(
        rf"is off by {number} days on average .* Always predicting the mean is off by {number} days\.$",
        told,
    )
    assert (
        evaluate_utility(shuffled(samples), data, columns, "born", seed=0).scores["constant"][
            "error"
        ]
        > 1000
    )


@pytest.mark.parametrize(
    ("target", "rows", "said"),
    [
        ("incom", slice(None), "got 'incom'. Did you mean income?"),
        (
            "nobody",
            slice(None),
            "expected at least 20 rows that hold it; got 0 among the data to train on",
        ),
        ("income", slice(12), "among the samples"),
    ],
)
def test_what_cannot_be_done_is_refused(target, rows, said):
    columns, samples, data = parts()
    with pytest.raises(Refusal, match=re.escape(said)):
        evaluate_utility(samples[rows], data, columns, target, seed=0)


def test_a_target_that_never_changes_or_stands_alone_is_refused():
    table = pa.table({"x": np.arange(100) % 7, "y": ["a"] * 100})
    encoder = TableEncoder.fit(table)
    columns, rows = TableColumns(encoder), encoder.encode(table)
    with pytest.raises(Refusal, match="different values; got 'y', which is constant"):
        evaluate_utility(rows, rows, columns, "y", seed=0)
    alone = TableColumns(TableEncoder.fit(table.select(["x"])))
    with pytest.raises(Refusal, match="other columns"):
        evaluate_utility(rows[:, :1], rows[:, :1], alone, "x", seed=0)


def test_a_target_that_never_changes_is_refused_before_the_work(monkeypatch):
    def too_late(*_, **__):
        raise AssertionError("the target is checked first")

    monkeypatch.setattr("onehalf.evaluation.measurement.run_side_by_side", too_late)
    table = pa.table({"x": np.arange(100.0) % 7, "y": ["a"] * 100})
    with pytest.raises(Refusal, match="different values; got 'y', which is constant"):
        oh.measure(real=table, other=table, target="y")
