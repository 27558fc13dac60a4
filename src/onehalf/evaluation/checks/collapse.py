"""Collapse: samples that are all alike, or lack values that many rows of the data have."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from onehalf._text import join_names
from onehalf.evaluation.checks.lost_modes import find_lost_modes
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["find_class_collapse", "find_collapse"]

Rows = Shaped[np.ndarray, "_ ..."]

LEVEL = 1e-4
"""How often samples from the distribution of the data may be called collapsed, at most."""

ALIKE = 0.05
"""Samples of an array are alike if they spread over less than this share of the data's range."""

MOST_ROWS = 2000
"""Rows of an array that are looked at, at most."""

LEAST_OF_CLASS = 20
"""Rows of a class that are compared, at least."""

LEAST_SHARE = 0.05
"""The least share of rows that a number or a date must have to be missed; words may have less."""

MOST_NAMED = 3
"""Values that are named, at most."""


def find_collapse(real: Rows, other: Rows, columns: Columns) -> str:
    """Say what samples lack that the data have; '' if nothing was found.

    A value that K of n rows have is missed in m samples of the same distribution with a probability of at most
    (n / (n + m))^K. K is such that this happens to any value of any column with at most `LEVEL`.

    Args:
        real: Rows that the samples have not learned from, as cells or as an array.
        other: Samples.
        columns: What the columns are.

    >>> from onehalf.evaluation.features.base import UNNAMED
    >>> real = np.random.default_rng(0).normal(size=(100, 2))
    >>> find_collapse(real, real + 1, UNNAMED)
    ''
    >>> find_collapse(real, np.zeros((400, 2)) + real[:1], UNNAMED)
    'all samples are nearly alike (they spread over 0 of the range of the data)'
    """
    if not columns.have_kinds:
        return _find_alike(real, other) or find_lost_modes(real, other, LEVEL)
    least = _count_least(len(real), len(other), real.shape[1])
    lost = [
        f"{columns.names[column]} is always {columns.show(column, value)}"
        if is_constant
        else f"no sample has {columns.names[column]}={columns.show(column, value)}"
        for column in range(real.shape[1])
        for value, is_constant in _find_lost(
            real[:, column], other[:, column], least, is_category=columns.is_category(column)
        )
    ]
    is_one = all(_is(cells, cells[0]).all() for cells in other.T)
    if lost and is_one:
        return "all samples are the same row"
    return join_names(lost, most=MOST_NAMED)


def find_class_collapse(
    real: EvaluationRows, other: EvaluationRows, classes: Shaped[np.ndarray, " classes"]
) -> str:
    """Say of which classes of an array all samples are nearly alike, though its rows are not; '' if of none.

    Args:
        real: Rows that the samples have not learned from.
        other: Samples.
        classes: What the labels stand for.

    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> real, other = (EvaluationRows(rng.normal(size=(100, 2)), y[:, None], np.empty((100, 0))) for _ in "ab")
    >>> other.x[y == 1] = 0.5
    >>> find_class_collapse(real, other, np.array(["cat", "dog"]))
    'all samples of dog are nearly alike (they spread over 0 of the range of the data)'
    """
    found = []
    for place, name in enumerate(classes.tolist() if real.labels.shape[1] else ()):
        own = [rows.x[rows.labels[:, 0] == place] for rows in (real, other)]
        if min(map(len, own)) >= LEAST_OF_CLASS:
            found.append(_find_alike(*own, of=f" of {name}"))
    return join_names([each for each in found if each], most=MOST_NAMED)


def _find_alike(real: Rows, other: Rows, of: str = "") -> str:
    """Whether samples of an array vary far less than the data, by quartiles, as heavy tails have no variance."""
    spread = _spread(real)
    share = _spread(other) / (spread or 1.0)
    if not spread or share >= ALIKE:
        return ""
    return f"all samples{of} are nearly alike (they spread over {share:.1g} of the range of the data)"


def _spread(rows: Rows) -> float:
    """The sum of the interquartile ranges of all entries."""
    low, high = np.percentile(rows[:MOST_ROWS].astype(np.float64), [25, 75], axis=0)
    return float((high / 2 - low / 2).sum())


def _count_least(n: int, m: int, columns: int) -> int:
    """The least rows that must have a value for it to be missed: K.

    >>> _count_least(100, 400, 10)
    9
    """
    least = 1
    while columns * n / least * (n / (n + m)) ** least > LEVEL and least < n:
        least += 1
    return least


def _find_lost(
    real: Rows, other: Rows, least: int, *, is_category: bool
) -> Iterator[tuple[Any, bool]]:
    """The only value of samples, if the data have others; or the values of the data that no sample has."""
    values, counts = np.unique(real, return_counts=True)
    only = other[0]
    if _is(other, only).all() and (~_is(real, only)).sum() >= least:
        yield only, True
        return
    enough = least if is_category else max(least, LEAST_SHARE * len(real))
    for value in values[counts >= enough]:
        if not _is(other, value).any():
            yield value, False


def _is(cells: Rows, value: Any) -> Bool[np.ndarray, " _"]:
    """Where cells have this value, which may be missing."""
    return np.isnan(cells) if np.isnan(value) else cells == value
