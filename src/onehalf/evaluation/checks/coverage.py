"""What was dropped: cells of the real rows that have too few of the other rows, and PRDC with its baseline."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.cluster.vq import vq
from scipy.spatial.distance import cdist

from onehalf._errors import refuse
from onehalf.data.arrays.validation import check
from onehalf.evaluation.certificate.bounds import proportion
from onehalf.evaluation.certificate.members import find_centres
from onehalf.evaluation.explain.regions import binary_jsd
from onehalf.evaluation.result import PRDC, Cell, Cells, PRDCScores, Proportion
from onehalf.evaluation.wording import at_least, confidence, percent

__all__ = ["compare_prdc", "count_cells", "prdc"]

Rows = Float[np.ndarray, "_ d"]

FEWEST_CELLS = 10
"""The least number of cells."""

MOST_CELLS = 30
"""The greatest number of cells."""

ROWS_A_CELL = 50
"""Test rows for each cell, within these limits: finer cells find smaller groups, wider intervals fewer."""

STARTS = 5
"""Starts of k-means, of which the tightest cells are kept."""

LEARNED = 20_000
"""The most rows that are clustered."""

COMPARED = 10_000
"""The most rows of each kind that enter PRDC, whose time grows with their square."""

DISTANCES = 4_000_000
"""The most distances that are held in memory at once."""


def count_cells(
    rng: np.random.Generator,
    learn: Float[np.ndarray, "n d"],
    test_real: Float[np.ndarray, "m d"],
    test_other: Float[np.ndarray, "k d"],
    alpha: float,
) -> Cells:
    """JSD >= js(a, b), where a cell holds a share a of real rows or more and b of the others or less, or vice versa.

    js is the JSD of two coins, in nats. K-means lays cells over `learn`, real rows that are in no test sample. Then
    both test samples are counted in them. All the intervals (Clopper-Pearson, alpha shared out over two for each cell)
    hold at once with probability 1 - alpha. By data processing the JSD is no less than that of 'in the cell or not',
    which grows as the two shares part: the near ends of two intervals that do not meet give its least value.

    Each cell has its `centre`, the two counts, shares and intervals, its `jsd_lower`, and `finding`: 'dropped' (the
    other sample has too few rows there, and none in this test), 'too seldom', 'too often', or 'no difference shown'.
    The greatest `jsd_lower` comes first. That of the result is the greatest of any cell or union of the first few.

    >>> rng = np.random.default_rng(0)
    >>> def table(n, modes):
    ...     return np.column_stack([8 * rng.integers(0, modes, size=n), rng.normal(size=n)])
    >>> found = count_cells(rng, table(2000, 5), table(2000, 5), table(2000, 4), alpha=0.05)
    >>> found.jsd_lower > 0.01, found.cells[0].finding
    (True, 'dropped')
    """
    for what, rows in (("learn", learn), ("test_real", test_real), ("test_other", test_other)):
        _refuse_unfit(what, rows, learn.shape[1], fewest=2)
    if not 0 < alpha < 1:
        refuse("alpha", expected="a probability between 0 and 1", got=alpha)
    wanted = min(len(test_real), len(test_other)) // ROWS_A_CELL
    count = min(max(FEWEST_CELLS, min(MOST_CELLS, wanted)), len(learn))
    drawn = learn[rng.permutation(len(learn))[:LEARNED]].astype(np.float64)
    middles = find_centres(rng, drawn, count, STARTS)
    counts = [
        np.bincount(vq(rows, middles)[0], minlength=len(middles))
        for rows in (test_real, test_other)
    ]
    share = alpha / (2 * len(middles))
    found = [
        _cell(
            centre,
            proportion(int(a), len(test_real), share),
            proportion(int(b), len(test_other), share),
        )
        for centre, a, b in zip(middles, *counts, strict=True)
    ]
    found.sort(key=lambda cell: -cell.jsd_lower)
    result = Cells(
        n_cells=len(found),
        n_real=len(test_real),
        n_other=len(test_other),
        jsd_lower=_joined(found),
        cells=tuple(found),
    )
    return dataclasses.replace(result, sentences=_sentences(result, alpha))


def prdc(
    real: Float[np.ndarray, "n d"], other: Float[np.ndarray, "m d"], k: int = 5
) -> PRDCScores:
    """Precision, recall, density and coverage, by balls that reach to the k-th neighbour (Naeem et al. 2020).

    - precision: the share of other rows inside the ball of some real row (Kynkaanniemi et al. 2019);
    - recall: the share of real rows inside the ball of some other row;
    - density: the mean number of real rows' balls that an other row is in, divided by k: it can exceed 1;
    - coverage: the share of real rows whose ball has some other row in it.

    A row on the edge is inside (<=, so that copies of constant rows are inside). None of this comes with a guarantee
    or means much alone: `compare_prdc` gives the same numbers for data against data. Of more than 10,000 rows, as
    many are taken, evenly spaced; memory is linear in them, time is not.

    >>> x, y = np.random.default_rng(0).normal(size=(2, 1000, 2))
    >>> prdc(x, y + 10)
    PRDCScores(precision=0.0, recall=0.0, density=0.0, coverage=0.0)
    >>> prdc(x, y).coverage                                                  # 0.97 is expected of data against data
    0.97
    """
    if k < 1:
        refuse("k", expected="at least 1 neighbour", got=k)
    for what, rows in (("real", real), ("other", other)):
        _refuse_unfit(what, rows, real.shape[1], fewest=k + 1)
    real, other = _spread(real, COMPARED), _spread(other, COMPARED)
    reach_real, reach_other = _reach(real, k), _reach(other, k)
    precise, recalled, covered, inside = np.zeros(len(other), dtype=bool), 0, 0, 0
    for part in _parts(len(real), len(other)):
        # cdist rounds a distance in one way wherever it stands, so that ties are ties
        distance = cdist(real[part], other)
        within = distance <= reach_real[part, None]
        precise |= within.any(axis=0)
        recalled += int((distance <= reach_other).any(axis=1).sum())
        covered += int(within.any(axis=1).sum())
        inside += int(within.sum())
    return PRDCScores(
        precision=float(precise.mean()),
        recall=recalled / len(real),
        density=inside / (k * len(other)),
        coverage=covered / len(real),
    )


def compare_prdc(
    rng: np.random.Generator,
    real: Float[np.ndarray, "n d"],
    other: Float[np.ndarray, "m d"],
    k: int = 5,
) -> PRDC:
    """PRDC of the other rows, and of data against data: the same half of the real rows judges them and the other half.

    The numbers depend on how many rows there are, so there are `n` of each: half of the real ones, drawn at random, or
    fewer. For data against data coverage is 1 - prod_t (n - 1 - t)/(2 n - 1 - t) over t < k on average, about 1 - 2^-k.

    >>> rng = np.random.default_rng(0)
    >>> found = compare_prdc(rng, rng.normal(size=(1000, 2)), 0.1 * rng.normal(size=(1000, 2)))
    >>> found.n, found.other.coverage, found.data.coverage
    (500, 0.0..., 0.97...)
    """
    _refuse_unfit("real", real, real.shape[1], fewest=2 * (k + 1))
    _refuse_unfit("other", other, real.shape[1], fewest=k + 1)
    n = min(len(real) // 2, len(other), COMPARED)
    order = rng.permutation(len(real))
    half = real[order[:n]]
    return PRDC(
        n=n,
        other=prdc(half, other[rng.permutation(len(other))[:n]], k),
        data=prdc(half, real[order[n : 2 * n]], k),
    )


def _refuse_unfit(what: str, rows: Rows, columns: int, fewest: int) -> None:
    check(what, rows)
    if rows.ndim != 2 or rows.shape[1] != columns:
        refuse(
            what,
            expected=f"rows of {columns} columns, as the real ones have",
            got=f"shape {rows.shape}",
        )
    if len(rows) < fewest:
        refuse(what, expected=f"at least {fewest} rows", got=len(rows))


def _cell(centre: Float[np.ndarray, " d"], real: Proportion, other: Proportion) -> Cell:
    """Compare the two intervals of one cell."""
    real_low, real_high = real.interval
    other_low, other_high = other.interval
    jsd_lower, finding = 0.0, "no difference shown"
    if other_high < real_low:
        jsd_lower = binary_jsd(real_low, other_high)
        finding = "too seldom" if other.count else "dropped"
    elif real_high < other_low:
        jsd_lower, finding = binary_jsd(real_high, other_low), "too often"
    return Cell(
        centre=tuple(centre.tolist()),
        real=real,
        other=other,
        jsd_lower=jsd_lower,
        finding=finding,
    )


def _joined(found: Sequence[Cell]) -> float:
    """The greatest bound by 'in one of the first cells or not': intervals that hold at once have ends that add up."""
    best = 0.0
    by_real = [(cell.real.interval, cell.other.interval) for cell in found]
    for intervals in (by_real, [(other, real) for real, other in by_real]):
        apart = [(near[0], far[1]) for near, far in intervals if far[1] < near[0]]
        lows = np.cumsum([low for low, _ in apart])
        highs = np.cumsum([high for _, high in apart])
        # the lows of shares add up to 1 at most, unless an interval misses its share
        best = max(
            [
                best,
                *(
                    binary_jsd(low, high)
                    for low, high in zip(lows, highs, strict=True)
                    if low <= 1
                ),
            ]
        )
    return best


def _sentences(result: Cells, alpha: float) -> tuple[str, ...]:
    """What was counted, what differs, and what that does not show."""
    at_once = f"at {confidence(alpha)} confidence for all cells at once"
    counted = (
        f"{result.n_real:,} real and {result.n_other:,} other rows were counted in {result.n_cells} cells "
        "that were laid over real rows beforehand"
    )
    differ = [
        f"A cell with {_share(cell.real)} of the real rows has {_share(cell.other)} of the others: "
        f"{'not one was seen' if cell.finding == 'dropped' else cell.finding}."
        for cell in result.cells
        if cell.jsd_lower > 0
    ]
    if not differ:
        return (
            f"{counted}: no cell was shown to differ, {at_once}. This does not show that all is covered: "
            "rows may be missing within the cells, or by less than these counts can tell.",
        )
    return (
        f"{counted}: {len(differ)} of the cells differ, {at_once}, "
        f"so the two are at least {at_least(result.jsd_lower)} nats apart (0.693 is the most).",
        *differ,
    )


def _share(counted: Proportion) -> str:
    low, high = counted.interval
    return (
        f"{100 * counted.share:.1f} % ({percent(low)} to {math.ceil(1000 * high) / 10:.1f} %)"
    )


def _spread(rows: Rows, most: int) -> Rows:
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]


def _parts(n: int, others: int) -> list[slice]:
    """Parts of n rows whose distances to the others fit in memory."""
    size = max(1, DISTANCES // others)
    return [slice(start, start + size) for start in range(0, n, size)]


def _reach(rows: Rows, k: int) -> Float[np.ndarray, " n"]:
    """The distance from each row to its k-th neighbour among the others; the nearest of all is the row itself."""
    nearest = [
        np.partition(cdist(rows[part], rows), k, axis=1)[:, k]
        for part in _parts(len(rows), len(rows))
    ]
    return np.concatenate(nearest)
