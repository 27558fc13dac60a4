"""Rules that every row of the data keeps, and which of them the other sample breaks."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.features.precision import (
    MOST_DECIMALS,
    NumberColumn,
    count_decimals,
    drop_missing,
)
from onehalf.evaluation.result import RuleCheck, Violation
from onehalf.evaluation.samples import KeyColumn, TypePair

__all__ = ["check_rules"]

Cells = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]

LEVEL = 0.05
"""A range or an order counts as broken if fresh data would break it so often with a lower probability than this."""

MOST_ORDERED = 60
"""The most columns whose order within a row is compared: the first ones."""


def check_rules(
    real: Cells,
    other: Cells,
    columns: Columns,
    *,
    types: Sequence[TypePair] = (),
    keys: Sequence[KeyColumn] = (),
    described: bool = False,
    train: Cells | None = None,
) -> tuple[RuleCheck, ...]:
    """Check types, ranges, words, missing cells, keys, whole numbers, decimals, constants and orders.

    Args:
        real: The data; NaN is missing.
        other: The other sample.
        columns: What the columns are.
        types: The types of each column in both.
        keys: Columns of ids.
        described: Whether the columns are properties of images, and not entries; those have ranges alone.
        train: Training rows, if there are any: their words are words of the data.
    """
    all_places = range(len(columns.names))
    words = [place for place in all_places if columns.is_category(place)]
    numbers = [place for place in all_places if place not in set(words)]
    found = [_check_ranges(real, other, columns, numbers)]
    if described:
        return tuple(found)
    found = [
        _collect("types", len(types), _changed_types(types), len(other)),
        *found,
        _check_words(
            real if train is None else np.concatenate([real, train]), other, columns, words
        ),
        _check_missing(real, other, columns),
        _check_keys(keys),
        _check_whole(real, other, columns, numbers),
        _check_decimals(real, other, columns, numbers),
        _check_constants(real, other, columns),
    ]
    if columns.have_kinds:
        found.append(_check_orders(real, other, columns, numbers))
    return tuple(each for each in found if each.checked)


def is_beyond_chance(rows: int, n: int, m: int, level: float = LEVEL) -> bool:
    """Whether fresh data would hardly break a rule in this many rows of m, as no row of n does: (m/(n + m))^rows.

    All these rows are in the other sample, which is one of the ways to deal them out.

    >>> is_beyond_chance(4, 100, 100), is_beyond_chance(5, 100, 100)
    (False, True)
    """
    return rows > 0 and rows * math.log(m / (n + m)) < math.log(level)


def _collect(kind: str, checked: int, broken: Iterable[Violation], m: int) -> RuleCheck:
    """All rules of a kind, the most often broken first."""
    ordered = sorted(broken, key=lambda each: -(m if each.rows is None else each.rows))
    return RuleCheck(kind=kind, checked=checked, broken=tuple(ordered))


def _violation(
    columns: tuple[str, ...], breaks: Bool[np.ndarray, " _"], rule: str
) -> Violation:
    rows = int(np.count_nonzero(breaks))
    return Violation(columns=columns, rows=rows, share=rows / len(breaks), rule=rule)


def _changed_types(types: Sequence[TypePair]) -> Iterator[Violation]:
    for each in types:
        if each.real != each.other:
            rule = f"{each.column} has {each.real} in the data and {each.other} in the other sample"
            yield Violation(columns=(each.column,), rows=None, share=None, rule=rule)


def _check_ranges(
    real: Cells, other: Cells, columns: Columns, numbers: Sequence[int]
) -> RuleCheck:
    """Numbers and dates beyond the least and the greatest of the data."""
    broken = []
    for place in numbers:
        known = drop_missing(real[:, place])
        if not len(known):
            continue
        low, high = known.min(), known.max()
        below, above = other[:, place] < low, other[:, place] > high
        if any(
            is_beyond_chance(int(side.sum()), len(known), len(other), LEVEL / 2)
            for side in (below, above)
        ):
            name, show = columns.names[place], columns.show
            span = f"between {show(place, low)} and {show(place, high)}"
            rule = f"{name} is {span if low < high else show(place, low)} in the data"
            broken.append(_violation((name,), below | above, rule))
    return _collect("ranges", len(numbers), broken, len(other))


def _check_words(
    real: Cells, other: Cells, columns: Columns, words: Sequence[int]
) -> RuleCheck:
    """Words that the data do not have, where more rows hold such than rows of fresh data would.

    That many hold a new word as hold one that occurs once (Good 1953).
    """
    broken = []
    for place in words:
        cells = other[:, place]
        unknown = ~np.isnan(cells) & ~np.isin(cells, real[:, place])
        _, counts = np.unique(drop_missing(real[:, place]), return_counts=True)
        once = np.count_nonzero(counts == 1) / len(real)
        if stats.binom.sf(unknown.sum() - 1, len(cells), once) < LEVEL:
            name = columns.names[place]
            first = columns.show(place, cells[np.argmax(unknown)])
            rule = f"{name} has no word that is new, such as {first}"
            broken.append(_violation((name,), unknown, rule))
    return _collect("words", len(words), broken, len(other))


def _check_missing(real: Cells, other: Cells, columns: Columns) -> RuleCheck:
    """Columns of which nothing is missing in the data, and more in the other sample than by chance."""
    full = [place for place in range(real.shape[1]) if not np.isnan(real[:, place]).any()]
    broken = []
    for place in full:
        gaps = np.isnan(other[:, place])
        if is_beyond_chance(int(gaps.sum()), len(real), len(other)):
            name = columns.names[place]
            broken.append(_violation((name,), gaps, f"{name} is never missing"))
    return _collect("missing", len(full) if columns.have_kinds else 0, broken, len(other))


def _check_keys(keys: Sequence[KeyColumn]) -> RuleCheck:
    """Ids that occur once."""
    broken = [
        Violation(
            columns=(key.column,),
            rows=key.repeats,
            share=key.repeats / key.rows,
            rule=f"{key.column} is different in each row",
        )
        for key in keys
        if key.repeats
    ]
    return _collect("keys", len(keys), broken, 0)


def _check_whole(
    real: Cells, other: Cells, columns: Columns, numbers: Sequence[int]
) -> RuleCheck:
    """Numbers that are all whole."""
    whole, broken = 0, []
    for place in numbers:
        known = drop_missing(real[:, place])
        if not columns.is_number(place) or not len(known) or (known != np.rint(known)).any():
            continue
        whole += 1
        cells = other[:, place]
        split = ~np.isnan(cells) & (cells != np.rint(cells))
        if split.any():
            name = columns.names[place]
            broken.append(_violation((name,), split, f"{name} is whole"))
    return _collect("whole numbers", whole, broken, len(other))


def _check_decimals(
    real: Cells, other: Cells, columns: Columns, numbers: Sequence[int]
) -> RuleCheck:
    """Numbers with few decimals, but not whole."""
    checked, broken = 0, []
    for place in numbers:
        known = drop_missing(real[:, place])
        if not columns.is_number(place) or not len(known):
            continue
        decimals = NumberColumn.fit(known).decimals
        if decimals in (0, MOST_DECIMALS):
            continue
        checked += 1
        allowed = float(np.mean(count_decimals(known) > decimals))
        finer = count_decimals(np.nan_to_num(other[:, place])) > decimals
        if finer.mean() > allowed + 0.01:
            name = columns.names[place]
            rule = f"{name} has at most {decimals} decimal{'s' * (decimals > 1)}"
            broken.append(_violation((name,), finer, rule))
    return _collect("decimals", checked, broken, len(other))


def _check_constants(real: Cells, other: Cells, columns: Columns) -> RuleCheck:
    """Columns with one value."""
    constant, broken = 0, []
    for place, cells in enumerate(real.T):
        known = drop_missing(cells)
        if len(known) < 2 or known.min() < known.max():
            continue
        constant += 1
        others = ~np.isnan(other[:, place]) & (other[:, place] != known[0])
        if others.any():
            name = columns.names[place]
            rule = f"{name} is always {columns.show(place, known[0])}"
            broken.append(_violation((name,), others, rule))
    return _collect("constants", constant, broken, len(other))


def _check_orders(
    real: Cells, other: Cells, columns: Columns, numbers: Sequence[int]
) -> RuleCheck:
    """Two numbers, or two dates, of which one is never greater, though their ranges overlap."""
    orders, broken = 0, []
    for a, b in itertools.permutations(numbers[:MOST_ORDERED], 2):
        if columns.is_number(a) != columns.is_number(b) or not _is_ordered(
            real[:, a], real[:, b]
        ):
            continue
        orders += 1
        reverse = other[:, a] > other[:, b]
        if is_beyond_chance(int(reverse.sum()), len(real), len(other)):
            names = columns.names[a], columns.names[b]
            broken.append(_violation(names, reverse, f"{names[0]} <= {names[1]}"))
    return _collect("orders", orders, broken, len(other))


def _is_ordered(a: Values, b: Values) -> bool:
    """Whether a <= b in all rows that have both, at least two, and this does not follow from their ranges."""
    known = ~(np.isnan(a) | np.isnan(b))
    if np.count_nonzero(known) < 2 or (a > b).any():
        return False
    a, b = a[known], b[known]
    return bool(a.max() > b.min() and a.min() < a.max() and b.min() < b.max())
