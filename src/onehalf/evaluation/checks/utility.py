"""What samples are good for: a model trained on them guesses one column of the data, beside one trained on data."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from onehalf._errors import refuse
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.result import Difference, Scores, Utility
from onehalf.evaluation.samples import check_seed

__all__ = ["check_target", "evaluate_utility"]

LEAST_KNOWN_ROWS = 20
"""The least rows that are trained on, and tested on."""

TRAINED = 20_000
"""The most rows that are trained on."""

TESTED = 20_000
"""The most rows that are tested on."""

CLASSES = 20
"""The most values of the target that are classes of their own."""

CATEGORIES = 255
"""The most words of another column that the trees tell apart."""

MADE = 5
"""Training rows of the data that a class has before it counts as lacking among the samples."""

PLACES = {
    "samples": "among the samples",
    "data": "among the data to train on",
    "test": "among the data to test on",
}

RESAMPLES = 200
"""Times that the test rows are drawn again, for the standard errors."""

Rows = Float[np.ndarray, "_ _"]
"""Cells of a coded table."""

Values = Float[np.ndarray, " _"]
Guess = Float[np.ndarray, "_ ..."]
"""What a model says of each row: a number, or the probability of each class."""


def check_target(columns: Columns, target: str, data: Rows) -> int:
    """Return the place of the target; refuses, before the work, one that no model can guess.

    Args:
        columns: The columns.
        target: The name of one of them.
        data: The data to train on.

    Raises:
        Refusal: There is no such column, it is the only one, or its values are all alike or too few.
    """
    place = columns.find("the target", target)
    if len(columns.names) < 2:
        refuse(
            "the target",
            expected="other columns to guess it from",
            got=f"a table of {target!r} alone",
        )
    values = data[:, place]
    known = values[~np.isnan(values)]
    if len(known) < LEAST_KNOWN_ROWS:
        refuse(
            f"the target {target!r}",
            expected=f"at least {LEAST_KNOWN_ROWS} rows that hold it",
            got=f"{len(known)} {PLACES['data']}",
        )
    if len(np.unique(known)) < 2:
        refuse(
            "the target",
            expected="a column with different values",
            got=f"{target!r}, which is constant {PLACES['data']}",
        )
    return place


def evaluate_utility(
    samples: Rows,
    test: Rows,
    columns: Columns,
    target: str,
    seed: int,
    train: Rows | None = None,
) -> Utility:
    """Train on samples, test on data: how well a model guesses one column of data rows from the other columns.

    Beside it stand a model that is trained on data, of as many rows where there are as many, and a guess that never
    changes: the most frequent answer, or the mean. All three are tested on the same data rows. The data are trained on
    `train`, or else on a random half of `test`, and then the other half is tested on.

    The models are scikit-learn's histogram gradient boosting, as it comes. Words, truth values and numbers of few
    values are classes, the 20 most frequent ones and one for the rest; other numbers and dates are numbers. Rows whose
    target is missing are left out, and of those left at most 20,000 are trained on, and as many tested on.

    Returns
    - `scores`: of 'samples', 'data' and 'constant', each a dict: `accuracy` and `f1` (the mean over the classes), and
      `auc` where there are two classes; or `error` (the mean of absolute errors, in the target's unit; days for dates)
      and `r2`;
    - `differences`: of each score, the one trained on samples less the one trained on data, as `value` and `se`, the
      standard error over draws of test rows; what another training set would give is not in it;
    - `n_train`, `n_test`: rows trained on, of either, and tested on; `left_out`: rows without a target, of each;
    - `lacking`: the classes, five training rows or more of the data, that the samples do not have;
    - `target`, `kind` ('classes' or 'numbers'), and `sentence`.

    >>> import pyarrow as pa
    >>> x = np.random.default_rng(0).normal(size=(900, 2))
    >>> from onehalf.data.tables.encoding import TableEncoder
    >>> from onehalf.evaluation.features.tables import TableColumns
    >>> table = pa.table({"height": x[:, 0], "weight": x[:, 0] + 0.5 * x[:, 1]})
    >>> columns = TableColumns(TableEncoder.fit(table))
    >>> rows = np.stack([x[:, 0], x[:, 0] + 0.5 * x[:, 1]], axis=1)
    >>> shuffled = np.stack([x[:, 0], rows[::-1, 1]], axis=1)
    >>> found = evaluate_utility(shuffled[:300], rows[300:], columns, "weight", seed=0)
    >>> found.scores["samples"]["r2"], found.scores["data"]["r2"]
    (-0.3, 0.7)
    """
    rng = np.random.default_rng(check_seed(seed))
    if train is None:
        order = rng.permutation(len(test))
        train, test = test[order[: len(test) // 2]], test[order[len(test) // 2 :]]
    place = check_target(columns, target, train)
    tables, left_out = {"samples": samples, "data": train, "test": test}, {}
    for name, rows in tables.items():
        known = rows[~np.isnan(rows[:, place])]
        left_out[name] = len(rows) - len(known)
        if len(known) < LEAST_KNOWN_ROWS:
            got = f"{len(known)} {PLACES[name]}"
            refuse(
                f"the target {target!r}",
                expected=f"at least {LEAST_KNOWN_ROWS} rows that hold it",
                got=got,
            )
        tables[name] = rng.permutation(known)[: TESTED if name == "test" else TRAINED]
    as_many = min(len(tables["samples"]), len(tables["data"]))
    tables |= {name: tables[name][:as_many] for name in ("samples", "data")}

    answers = {name: rows[:, place] for name, rows in tables.items()}
    in_classes = columns.is_category(place) or columns.has_few_values(place)
    classes = _frequent(answers["data"], CLASSES) if in_classes else None
    if classes is not None:
        answers = {name: _numbered(values, classes) for name, values in answers.items()}
    features = _features(tables, columns, place)
    categorical = [
        columns.is_category(column) for column in range(len(columns.names)) if column != place
    ]
    guesses = {}
    # two threads that wait for each other lose more than they gain, where other programs run
    with threadpool_limits(1):
        for name in ("samples", "data"):
            model = _model(features[name], answers[name], categorical, classes, seed)
            guesses[name] = model(features["test"])
    usual = answers["data"].mean() if classes is None else np.eye(len(classes) + 1)[0]
    guesses["constant"] = np.broadcast_to(usual, (len(tables["test"]), *np.shape(usual)))

    is_date = columns.kind(place) == "date"
    unit = columns.days_per_unit(place) if is_date else 1.0
    score = (
        functools.partial(_numbers, unit=unit)
        if classes is None
        else functools.partial(_labels, classes=classes)
    )
    found = Utility(
        target=target,
        kind="classes" if in_classes else "numbers",
        scores={name: score(answers["test"], guess) for name, guess in guesses.items()},
        differences=_differences(score, answers["test"], guesses, rng),
        n_train=as_many,
        n_test=len(tables["test"]),
        left_out=left_out,
        lacking=() if classes is None else _lacking(answers, classes, columns, place),
    )
    return dataclasses.replace(
        found, sentence=_sentence(found, unit_name=" days" if is_date else "")
    )


def _frequent(values: Values, most: int) -> Values:
    """The most frequent values, the first of them the most frequent."""
    distinct, counts = np.unique(values, return_counts=True)
    return distinct[np.argsort(-counts, kind="stable")][:most]


def _numbered(values: Values, classes: Values) -> Values:
    """The place of each value among the classes; any other value gets the place after the last."""
    nearest = np.abs(values[:, None] - classes).argmin(axis=1)
    # 15.6 in float32 is meant to be 15.6
    return np.where(
        np.isclose(values, classes[nearest], rtol=1e-6, atol=0), nearest, len(classes)
    ).astype(np.float64)


def _features(tables: Mapping[str, Rows], columns: Columns, place: int) -> dict[str, Rows]:
    """All columns but the target; words that are rare in the data trained on are one word."""
    features = {name: np.delete(rows, place, axis=1) for name, rows in tables.items()}
    others = [column for column in range(len(columns.names)) if column != place]
    for at, column in enumerate(others):
        if columns.category_count(column) > CATEGORIES:
            kept = _frequent(tables["data"][:, column], CATEGORIES)[:-1]
            for rows in features.values():
                cells = rows[:, at]
                rows[:, at] = np.where(np.isnan(cells) | np.isin(cells, kept), cells, -1)
    return features


def _model(
    rows: Rows, answers: Values, categorical: Sequence[bool], classes: Values | None, seed: int
) -> Callable[[Rows], Guess]:
    """A model of the target, trained on these rows."""
    # the trees' bins can't be laid where nothing is known
    rows = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    options: dict[str, Any] = {
        "categorical_features": categorical,
        "random_state": seed % 2**32,
    }
    if classes is None:
        return HistGradientBoostingRegressor(**options).fit(rows, answers).predict
    if np.unique(answers, return_counts=True)[1].min() < 2:
        # to stop early, rows of each class are set aside, and a class of one row has none to spare
        options["early_stopping"] = False
    model = HistGradientBoostingClassifier(**options).fit(rows, answers)

    def probabilities(test: Rows) -> Guess:
        every = np.zeros((len(test), len(classes) + 1))
        learned = model.classes_.astype(int)
        every[:, learned] = model.predict_proba(test)[:, : len(learned)]
        return every

    return probabilities


def _labels(truth: Values, guess: Guess, classes: Values) -> Scores:
    """The accuracy and f1, and auc between two classes."""
    # sklearn.metrics gives the same values in 5 to 45 times the time, and this is called 400 times: 2 to 4 seconds
    guessed, n = guess.argmax(axis=1), guess.shape[1]
    hits = np.bincount(truth[guessed == truth].astype(int), minlength=n)
    there, said = (np.bincount(each.astype(int), minlength=n) for each in (truth, guessed))
    f1 = (2 * hits / np.maximum(there + said, 1))[there > 0].mean()
    scores = {"accuracy": hits.sum() / len(truth), "f1": f1}
    if len(classes) == 2 and there[2] == 0 and there[:2].all():
        ranks = rankdata(guess[:, 1] - guess[:, 0])[truth == 1].sum()
        scores["auc"] = (ranks - there[1] * (there[1] + 1) / 2) / (there[0] * there[1])
    return {name: float(score) for name, score in scores.items()}


def _numbers(truth: Values, guess: Values, unit: float) -> Scores:
    """The error and r2."""
    # sklearn.metrics gives the same values in 11 to 38 times the time
    spread = np.square(truth - truth.mean()).sum()
    r2 = 1 - np.square(truth - guess).sum() / spread if spread > 0 else math.nan
    return {"error": float(np.abs(truth - guess).mean() * unit), "r2": float(r2)}


def _differences(
    score: Callable[..., Scores],
    truth: Values,
    guesses: Mapping[str, Guess],
    rng: np.random.Generator,
) -> dict[str, Difference]:
    """Trained on samples less trained on data: of each score, and its standard deviation over draws of test rows."""

    def difference(rows: Any) -> Scores:
        ours, theirs = (score(truth[rows], guesses[name][rows]) for name in ("samples", "data"))
        return {name: ours[name] - theirs[name] for name in ours}

    # scipy.stats.bootstrap takes as long for each score alone, and the three scores share their work here
    draws = [difference(rng.integers(len(truth), size=len(truth))) for _ in range(RESAMPLES)]
    return {
        name: Difference(
            value=value,
            se=float(np.nanstd([draw.get(name, math.nan) for draw in draws])),
        )
        for name, value in difference(slice(None)).items()
    }


def _lacking(
    answers: Mapping[str, Values], classes: Values, columns: Columns, place: int
) -> tuple[str, ...]:
    """The classes that the samples do not have, the most frequent first."""
    there, made = (
        np.bincount(answers[name].astype(int), minlength=len(classes))
        for name in ("data", "samples")
    )
    gone = [
        cell for cell, n, m in zip(classes, there, made, strict=False) if n >= MADE and not m
    ]
    return tuple(columns.show(place, float(cell)) for cell in gone)


def _sentence(found: Utility, unit_name: str) -> str:
    """What it comes to, for somebody who has never heard of a score."""
    scores, rows = found.scores, f"{found.n_test:,} data rows"
    who = f"A model that predicts {found.target} from the other columns, trained on {found.n_train:,} samples,"
    trained = "trained on as many data rows, it is"
    if found.kind == "classes":
        right = {name: f"{100 * each['accuracy']:.1f} %" for name, each in scores.items()}
        apart = _apart(100, found.differences["accuracy"])
        sentence = (
            f"{who} is right on {right['samples']} of {rows}; {trained} right on {right['data']} (a difference "
            f"of {apart} points). Always predicting the most frequent class is right on {right['constant']}."
        )
    else:
        off = {name: f"{each['error']:,.4g}{unit_name}" for name, each in scores.items()}
        apart = _apart(1, found.differences["error"]) + unit_name
        sentence = (
            f"{who} is off by {off['samples']} on average on {rows}; {trained} off by {off['data']} (a difference "
            f"of {apart}). Always predicting the mean is off by {off['constant']}."
        )
    if found.lacking:
        listed = ", ".join(found.lacking[:3])
        sentence += (
            f" No sample has {found.target} = {listed}"
            + (", or others" if len(found.lacking) > 3 else "")
            + "."
        )
    if lost := found.left_out["test"] + found.left_out["data"]:
        sentence += (
            f" Left out are {lost:,} data rows and {found.left_out['samples']:,} samples that "
            f"lack {found.target}."
        )
    return sentence


def _apart(scale: float, difference: Difference) -> str:
    """A difference without its sign, to as many digits as its standard error deserves."""
    value, se = difference.value, difference.se
    fine = max(1, -math.floor(math.log10(scale * se))) if se > 0 else 1
    return f"{scale * abs(value):,.{fine}f} ± {scale * se:,.{fine}f}"
