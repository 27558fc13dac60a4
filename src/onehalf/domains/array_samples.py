"""Arrays to be compared: parsed once, checked against each other, and encoded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from onehalf._errors import refuse
from onehalf.data.arrays.validation import Labels, Rows, check, check_labels, numbered, to_array
from onehalf.evaluation.features.base import FeatureEncoder, PlainColumns
from onehalf.evaluation.rows import EvaluationRows, wrap
from onehalf.evaluation.samples import (
    MOST_INDEPENDENT,
    NamedArray,
    Samples,
    check_count,
    choose_past,
    choose_samples_per_row,
    draw,
    is_pair,
    read_array,
    settle_past,
)
from onehalf.evaluation.wording import SIDES

__all__ = ["FeatureSource", "encode_array_samples"]

BATCH_SIZE = 1000
"""Rows whose features are asked for at a time."""

ASKED_TWICE = 32
"""Rows whose features are asked for twice."""

FeatureSource = Callable[[Any], Any] | Mapping[str, Any] | None
"""Features: a function of rows, or arrays by side."""

Features = Float[np.ndarray, "_ features"]

ChooseEncoder = Callable[[PlainColumns, Sequence[Rows], Labels], FeatureEncoder]
"""From the columns, the rows of all sides and the classes to what is seen of them."""


class _Arrays(NamedTuple):
    """Arrays by side, and the labels of those sides that have some."""

    rows: dict[str, Rows]
    labels: dict[str, Labels]


def encode_array_samples(
    sides: dict[str, Any],
    sampler: Any,
    features: FeatureSource,
    seed: int,
    choose_encoder: ChooseEncoder,
) -> Samples:
    """Parse arrays, check them against each other, and encode them.

    Args:
        sides: Arrays, or pairs of arrays and labels: 'real', and perhaps 'other' and 'train'.
        sampler: What makes the other sample, if it is not there.
        features: Further features of the rows: a function, or arrays by side.
        seed: Settles what the sampler makes.
        choose_encoder: Gives the encoder for the columns, all sides and the classes.

    Raises:
        Refusal: They can't be compared.
    """
    arrays = _Arrays({}, {})
    data = _read_side(arrays, "real", "real", sides["real"])
    for side, rows in sides.items():
        if side != "real":
            _read_side(arrays, side, side, rows, data)
    given = ()
    places = choose_past(seed, len(arrays.rows.get("train", ())), data.x[0].size)
    if sampler is not None:
        given = _draw_sides(arrays, data, sampler, seed, places)
    unlabelled = _check_labels(arrays)
    labels = {} if unlabelled else arrays.labels
    extra = {} if features is None else _read_features(features, arrays.rows, sampler)
    classes = np.unique(np.concatenate(list(labels.values()))) if labels else np.empty(0, int)

    def encode(side: str) -> EvaluationRows:
        places = np.searchsorted(classes, labels[side]) if labels else None
        return wrap(arrays.rows[side], places, extra.get(side))

    columns = PlainColumns(data.names or numbered(data.x.shape[1:]))
    compared = [arrays.rows[side] for side in ("real", "other", "train") if side in arrays.rows]
    train = encode("train") if "train" in arrays.rows else None
    return Samples(
        real=encode("real"),
        other=encode("other"),
        train=train,
        free=encode("free") if "free" in arrays.rows else None,
        past=settle_past(
            train, places, encode("past") if "past" in arrays.rows else None, given
        ),
        encoder=choose_encoder(columns, compared, classes),
        given=given,
        unlabelled=unlabelled,
        encode=lambda side, rows: wrap(read_array(side, rows, data).x),
    )


def _draw_sides(
    arrays: _Arrays, data: NamedArray, sampler: Any, seed: int, past: Int[np.ndarray, " _"]
) -> tuple[str, ...]:
    """Draw the other sample, for the labels of the real rows if the sampler has labels; their names are returned.

    As many samples again are drawn for critics to learn from as there are places of training rows in `past`.
    """
    n = len(data.x)
    each = choose_samples_per_row(n, data.x[0].size)
    given = tuple(getattr(sampler, "labels_", ())) if "real" in arrays.labels else ()
    wanted = np.repeat(arrays.labels["real"], each) if given else None
    drawn = draw(sampler, n * each, seed, wanted)
    _read_side(arrays, "sampler", "other", drawn, data, n * each)
    if wanted is not None:
        if not np.array_equal(arrays.labels.get("other", ()), wanted):
            refuse("sampler", expected="rows of the labels that it was given", got="others")
        most = min(n * each, MOST_INDEPENDENT)
        _read_side(arrays, "sampler", "free", draw(sampler, most, seed + 1), data, most)
    if len(past) and (wanted is None or "train" in arrays.labels):
        labels = None if wanted is None else arrays.labels["train"][past]
        drawn = draw(sampler, len(past), seed + 2, labels)
        _read_side(arrays, "sampler", "past", drawn, data, len(past))
    return given


def _read_side(
    arrays: _Arrays,
    what: str,
    side: str,
    rows: Any,
    like: NamedArray | None = None,
    n: int | None = None,
) -> NamedArray:
    """Read the rows of a side, of which there must be n, and the labels that come with them."""
    x, y = rows if is_pair(rows) else (rows, None)
    named = read_array(what, x, like)
    if n is not None:
        check_count(what, named.x, n)
    arrays.rows[side] = named.x
    if y is not None:
        arrays.labels[side] = check_labels(f"the labels of {SIDES[side]}", y, len(named.x))
    return named


def _check_labels(arrays: _Arrays) -> tuple[str, ...]:
    """Refuse words beside numbers; the sides that have no labels, where others have some, are returned."""
    labels = arrays.labels
    unlabelled = tuple(side for side in arrays.rows if side not in labels) if labels else ()
    words = {side for side, each in labels.items() if each.dtype.kind == "U"}
    if not unlabelled and 0 < len(words) < len(labels):
        refuse(
            "the labels",
            expected="words on all sides, or numbers",
            got=f"words with {SIDES[min(words)]} only",
        )
    return unlabelled


def _read_features(
    features: FeatureSource, rows: Mapping[str, Rows], sampler: Any
) -> dict[str, Features]:
    """The features of each side's rows, checked."""
    if isinstance(features, Mapping):
        if sampler is not None:
            refuse(
                "features",
                expected="a function of rows, for a sampler makes new ones",
                got="arrays",
            )
        if set(features) != set(rows):
            refuse(
                "features",
                expected=f"arrays for {', '.join(rows)}",
                got=", ".join(map(str, features)) or "none",
            )
        answers = {side: to_array("features", features[side]) for side in rows}
    elif callable(features):
        answers = {
            side: np.concatenate(
                [
                    to_array("features", features(each[start : start + BATCH_SIZE]))
                    for start in range(0, len(each), BATCH_SIZE)
                ]
            )
            for side, each in rows.items()
        }
    else:
        refuse(
            "features",
            expected="a function of rows, or arrays by side",
            got=type(features).__name__,
        )
    for side, each in answers.items():
        check(f"the features of {SIDES[side]}", each)
        wanted = (len(rows[side]), answers["real"].shape[1])
        if each.shape != wanted:
            refuse(f"the features of {SIDES[side]}", expected=f"shape {wanted}", got=each.shape)
        if callable(features):
            _check_independence(features, rows[side], each)
    return {side: each.astype(np.float64) for side, each in answers.items()}


def _check_independence(
    features: Callable[[Any], Any], rows: Rows, first_answers: np.ndarray
) -> None:
    """Refuse a function whose value at a row depends on the rows beside it, on their order, or on chance."""
    some = np.unique(np.linspace(len(rows) - 1, 0, ASKED_TWICE).astype(int))[::-1]
    again, first = to_array("features", features(rows[some])), first_answers[some]
    if again.shape != first.shape or not np.allclose(
        again, first, rtol=1e-3, atol=1e-3 * float(np.std(first))
    ):
        hint = "A network is to be in its mode for evaluation, model.eval() in PyTorch."
        refuse(
            "features",
            expected="the same features for a row, whatever the other rows are",
            got="others",
            hint=hint,
        )
