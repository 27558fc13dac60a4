"""Which columns the law of each column sees, where all of those before it would be too many."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from onehalf._blocks import take_evenly
from onehalf.players.trees.scales import Scales

__all__ = ["MOST_PARENTS", "choose_parents"]

MOST_PARENTS = 100
"""Columns that the law of a column sees, at most; a table of one more is not screened."""

MOST_ROWS = 2000
"""Rows that associations are computed from."""

VIEWS = 3
"""Numbers that stand for a cell: of numbers the rank, a wave of it, and whether it is missing; of words whether it is
the first, second or third most frequent."""

LEVELS = 64
"""Those numbers are whole, up to this: the sum of 2,000 products of two is exact in float32, in whatever order."""

BLOCK = 128
"""Columns whose associations with all others are held at a time."""

Codes = Int[np.ndarray, "rows columns"]


def choose_parents(
    codes: Codes, scales: Sequence[Scales], order: Sequence[int], given: Sequence[int]
) -> list[tuple[int, ...]]:
    """Choose the columns that each column's law sees: those before it that are most associated with it.

    The association of two columns is the sum of squared correlations between their views. Columns that samples may be
    asked for by are always seen. The time is that of a matrix product: it grows with the square of the columns, but
    10,000 of them take a minute, where trees that see all columns would take days.

    Args:
        codes: The code of each cell.
        scales: The values of each column.
        order: All columns, in the order in which they are drawn.
        given: Those that samples may be asked for by, which come first.

    Returns:
        For each column of `order` those that it sees, in that order.
    """
    if len(order) - 1 <= MOST_PARENTS:
        return [tuple(order[:place]) for place in range(len(order))]
    chosen = []
    for place, scores in enumerate(_associations(codes, scales, order)):
        earlier = scores[:place]
        earlier[: len(given)] = np.inf
        best = np.argsort(-earlier, kind="stable")[:MOST_PARENTS]
        chosen.append(tuple(order[each] for each in sorted(best.tolist())))
    return chosen


def _associations(
    codes: Codes, scales: Sequence[Scales], order: Sequence[int]
) -> Iterator[Float[np.ndarray, " earlier"]]:
    """The association of each column with those before it, and some more, in their order."""
    rows = take_evenly(codes, MOST_ROWS)
    views = np.concatenate([_view(rows[:, j], scales[j]) for j in order], axis=1)
    norms = np.sqrt(np.square(views, dtype=np.float64).sum(axis=0)).astype(np.float32)
    for start in range(0, len(order), BLOCK):
        block = slice(VIEWS * start, VIEWS * (start + BLOCK))
        before = slice(0, block.stop)
        products = views[:, block].T @ views[:, before]
        correlations = products / np.maximum(norms[block, None] * norms[before], 1)
        squares = np.square(correlations).reshape(len(correlations) // VIEWS, VIEWS, -1, VIEWS)
        yield from squares.sum(axis=(1, 3))


def _view(codes: Int[np.ndarray, " rows"], scales: Scales) -> Float[np.ndarray, "rows views"]:
    """The numbers that stand for the cells of a column, around 0."""
    if scales.is_word:
        views = [codes == word for word in range(VIEWS)]
    else:
        middle = (np.cumsum(scales.counts) - scales.counts / 2) / max(scales.counts.sum(), 1)
        is_missing = codes < 0
        rank = np.where(is_missing, 0.5, middle[codes]) if len(middle) else is_missing
        views = [rank, np.cos(2 * np.pi * rank), is_missing]
    numbers = np.stack(views, axis=1).astype(np.float64)
    numbers -= numbers.mean(axis=0)
    largest = np.abs(numbers).max(axis=0)
    return np.rint(LEVELS * numbers / np.where(largest > 0, largest, 1)).astype(np.float32)
