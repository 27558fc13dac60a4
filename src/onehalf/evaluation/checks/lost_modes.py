"""Lost modes: groups of rows that lie apart, and where no sample is."""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

__all__ = ["find_lost_modes"]

MOST_NUMBERS = 8
"""Numbers of a row, at most: with more, hardly any group lies apart from the others."""

MOST_ROWS = 2000
"""Rows of the data that are looked at, at most, beside four times as many samples."""

GROUPS = 24
"""Groups of rows and samples, at most."""

STEPS = 5
"""Steps of Lloyd's algorithm, which forms them."""

APART = 5.0
"""A row lies apart if samples are this many times as far away as the nearest other row, in the median of its group."""

LEAST_SHARE = 0.05
"""The least share of the rows that is said to be lost."""

MOST_SHARE = 0.9
"""The greatest: where even more is lost, samples are elsewhere, which is no collapse."""

MOST_PLACES = 3
"""Numbers of a place that is said, at most."""

Rows = Shaped[np.ndarray, "_ ..."]
Points = Float[np.ndarray, "_ _"]
Places = Int[np.ndarray, " _"]


def find_lost_modes(real: Rows, other: Rows, level: float) -> str:
    """Say where many rows are and no sample; '' if nothing was found, or rows have many numbers.

    Groups are formed from rows and samples together, without looking which is which. If both have the same
    distribution, a group of K is of rows alone with a probability of at most (n / (n + m))^K. A group counts if that
    times the number of groups is at most `level`, and if it lies apart from the samples.

    Args:
        real: Rows that the samples have not learned from.
        other: Samples.
        level: How often samples of the same distribution may be said to lack something, at most.

    >>> rng = np.random.default_rng(0)
    >>> real = rng.choice([-3.0, 1.0, 3.0], 300)[:, None] + rng.normal(0, 0.1, (300, 1))
    >>> find_lost_modes(real, real[real > 0][:, None], 1e-4)
    'no sample lies where 21 % of the data do (around -3)'
    """
    x = _flatten(real, MOST_ROWS)
    y = _flatten(other, 4 * MOST_ROWS)
    n = len(x)
    both = np.concatenate([x, y])
    if both.shape[1] > MOST_NUMBERS or not np.isfinite(both).all():
        return ""
    scale = both.std(axis=0)
    points = both / np.where(scale > 0, scale, 1)
    groups = _form_groups(points)
    rows, samples = (np.bincount(each, minlength=GROUPS) for each in (groups[:n], groups[n:]))
    chance = GROUPS * (n / len(both)) ** rows
    is_lost = (samples == 0) & (chance <= level)
    is_lost &= _lie_apart(points[:n], points[n:], groups[:n])
    share = rows[is_lost].sum() / n
    if not LEAST_SHARE <= share <= MOST_SHARE:
        return ""
    largest = np.argmax(np.where(is_lost, rows, 0))
    place = _say_place(x[groups[:n] == largest].mean(axis=0))
    return f"no sample lies where {100 * share:.0f} % of the data do{place}"


def _lie_apart(x: Points, y: Points, groups: Places) -> Bool[np.ndarray, " groups"]:
    """Which groups of rows lie apart from the samples."""
    from scipy.spatial import KDTree

    to_samples = KDTree(y).query(x)[0]
    to_rows = KDTree(x).query(x, k=2)[0][:, 1]
    return np.array(
        [
            bool((groups == group).any())
            and np.median(to_samples[groups == group])
            > APART * np.median(to_rows[groups == group])
            for group in range(GROUPS)
        ]
    )


def _flatten(rows: Rows, most: int) -> Points:
    """The first rows as vectors."""
    return rows[:most].reshape(min(len(rows), most), -1).astype(np.float64)


def _form_groups(points: Points) -> Places:
    """Group points by k-means, whatever their order."""
    from scipy.spatial import KDTree

    order = np.lexsort(points.T[::-1])
    ordered = points[order]
    first = np.random.default_rng(0).choice(
        len(points), min(GROUPS, len(points)), replace=False
    )
    centers = ordered[np.sort(first)]
    groups = np.zeros(len(points), np.int64)
    for _ in range(STEPS):
        groups = KDTree(centers).query(ordered)[1]
        sizes = np.bincount(groups, minlength=len(centers))
        for axis, column in enumerate(ordered.T):
            sums = np.bincount(groups, column, minlength=len(centers))
            centers[:, axis] = np.where(
                sizes > 0, sums / np.maximum(sizes, 1), centers[:, axis]
            )
    found = np.empty_like(groups)
    found[order] = groups
    return found


def _say_place(middle: Float[np.ndarray, " _"]) -> str:
    """The middle of a group, where a person can make something of it."""
    if len(middle) > MOST_PLACES:
        return ""
    numbers = ", ".join(f"{value:.2g}" for value in middle)
    return f" (around {numbers if len(middle) == 1 else f'({numbers})'})"
