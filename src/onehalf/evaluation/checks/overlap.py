"""Test rows that are training rows: found by their values, and left out where an equal row can only be the same row."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Integer

from onehalf._errors import refuse
from onehalf._text import percent
from onehalf.evaluation.result import Measurement, Overlap
from onehalf.evaluation.samples import Samples

__all__ = ["NonOverlapping", "leave_out_trained", "restore_rows"]

MOST_REPEATS = 0.01
"""Up to this share of training rows that equal another one, test rows that equal training rows can be left out: that
changes the distribution of the others by no more than this (in total variation)."""

PERMUTATIONS = 100
"""Times that all rows are dealt anew into data and training rows."""

EXCESS = 4.0
"""Equal rows that exceed the mean of these deals by more than this many standard deviations are not there by chance."""


Hashes = Integer[np.ndarray, " _"]


class NonOverlapping(NamedTuple):
    """What is compared, without test rows that are training rows, and what was found."""

    samples: Samples
    overlap: Overlap | None
    """None if no test row equals a training row more often than by chance."""
    kept: Bool[np.ndarray, " n"]
    """Which real rows were kept."""


def leave_out_trained(samples: Samples, least: int) -> NonOverlapping:
    """Leave out real rows that equal training rows.

    If training rows repeat by themselves, as in a table of few values, equal rows are to be expected, and to leave them
    out would change the distribution that is measured. So they are left out if training rows do not repeat; or if
    hardly any do (`MOST_REPEATS`), and equal rows are far more than if all rows are dealt at random into data and
    training rows (`EXCESS`). If they are far more, but repeats are common, none is left out, and this is said.

    Args:
        samples: The rows.
        least: The least rows that must be left.

    Raises:
        Refusal: Too few rows are left.
    """
    kept = np.ones(len(samples.real), dtype=bool)
    if samples.train is None:
        return NonOverlapping(samples, None, kept)
    train = samples.train.hashes()
    _, counts = np.unique(train, return_counts=True)
    repeats = float(counts[counts > 1].sum() / len(train))
    real = samples.real.hashes()
    equal = np.isin(real, train)
    n = len(equal)
    n_equal = int(equal.sum())
    if n_equal == 0 or (repeats > 0 and not _is_excessive(n_equal, real, train)):
        return NonOverlapping(samples, None, kept)
    is_left_out = repeats <= MOST_REPEATS
    overlap = Overlap(
        n_rows=n,
        n_equal=n_equal,
        repeats=repeats,
        is_left_out=is_left_out,
        sentence=_describe(n, n_equal, repeats, is_left_out=is_left_out),
    )
    if not is_left_out:
        return NonOverlapping(samples, overlap, kept)
    if n - n_equal < least:
        expected = f"at least {least} rows that are not training rows"
        got = f"{n - n_equal}: {n_equal:,} of {n:,} rows are among the training rows"
        hint = "Rows that the generator was trained on can't test it."
        refuse("real", expected=expected, got=got, hint=hint)
    return NonOverlapping(_select(samples, ~equal), overlap, ~equal)


def restore_rows(found: Measurement, kept: Bool[np.ndarray, " n"]) -> Measurement:
    """Give the listed real rows the numbers that they have in the user's file."""
    places = np.flatnonzero(kept)
    missing = tuple(
        dataclasses.replace(example, row=int(places[example.row]))
        for example in found.examples.missing
    )
    return dataclasses.replace(
        found, examples=dataclasses.replace(found.examples, missing=missing)
    )


def _is_excessive(n_equal: int, real: Hashes, train: Hashes) -> bool:
    """Whether more data rows equal training rows than if all rows were dealt at random into both."""
    _, groups, sizes = np.unique(
        np.concatenate([real, train]), return_inverse=True, return_counts=True
    )
    n_repeated = int((sizes[groups] > 1).sum())
    _, groups = np.unique(groups[sizes[groups] > 1], return_inverse=True)
    rng = np.random.default_rng(0)
    dealt = []
    for _ in range(PERMUTATIONS):
        n_real = rng.hypergeometric(len(real), len(train), n_repeated)
        some = rng.permutation(np.arange(n_repeated) < n_real)
        in_train = np.bincount(groups[~some], minlength=groups.max() + 1) > 0
        dealt.append(int((in_train[groups] & some).sum()))
    return bool(n_equal > np.mean(dealt) + EXCESS * max(np.std(dealt), 0.5))


def _select(samples: Samples, kept: Bool[np.ndarray, " n"]) -> Samples:
    """Keep some of the real rows, and the samples that were made for them."""
    other = samples.other
    if samples.matched:
        other = other[np.repeat(kept, len(other) // len(kept))]
    return dataclasses.replace(samples, real=samples.real[kept], other=other)


def _describe(n: int, n_equal: int, repeats: float, *, is_left_out: bool) -> str:
    rows = f"{n_equal:,} of {n:,} rows of the data are among the training rows"
    if is_left_out:
        return f"{rows} and were left out: rows that a generator was trained on can't test it."
    return (
        f"{rows}, more than chance explains ({percent(repeats)} of the training rows equal another one). They can't be "
        "told from chance repeats, so they were not left out, and the distance may come out too small."
    )
