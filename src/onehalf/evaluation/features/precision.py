"""How numbers are written, and not what they are: their decimals, -0.0, and the values that many rows share.

A critic that tells 0.25 from 0.2500000012 has measured that, not how p_g lies. So `harmonize` writes both samples
alike, by one and the same map, under which the JSD can only fall (data processing); and `extract_format` keeps nothing
but the format, for a critic of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import check

__all__ = ["NumberColumn", "extract_format", "harmonize", "match_precision"]

Numbers = Shaped[np.ndarray, "..."]
Values = Shaped[np.ndarray, " _"]

MOST_DECIMALS = 9
"""9 decimals or more: all that the number type can hold."""

CHANCE = 1 / 32
"""A number lies on a lattice only if it would by chance, its type being what it is, with a lower probability."""

EXCEPTIONS = 0.01
"""This share of the values may have more decimals than the column is said to have."""

ATOM = 0.05
"""A value is an atom if more than this share of the rows hold it, and at least `FEW_ROWS`."""

FEW_ROWS = 20
"""The least rows that hold an atom."""

PICKED = 5000
"""The most values of a column whose decimals are counted."""

BLOCK = 2**16
"""Numbers that fit into the processor's cache together."""


def harmonize(
    real: Rows, other: Rows, learned: int | None = None, numbers: Sequence[int] | None = None
) -> tuple[Float[np.ndarray, "_ ..."], Float[np.ndarray, "_ ..."]]:
    """T(real), T(other), both written alike: JSD(T(p), T(q)) <= JSD(p, q), T being one map for both (data processing).

    T takes each entry to the coarser number type of the two, rounds each column to the fewer decimals of the two, and
    makes -0.0 zero. A column that is constant in one of them says nothing about decimals, and keeps the more. The
    decimals are read off the first `learned` rows of each, so that what is judged on the others had no part in it. Both
    come back in float64 and in their own shape. Of a table `numbers` are the columns that hold some, and cells may be
    missing.

    >>> harmonize(np.array([[1.5, 2.0], [0.5, 7.0]]), np.array([[1.4821, 6.7], [-0.0123, 3.1]]))
    (array([[1.5, 2. ], [0.5, 7. ]]), array([[1.5, 7. ], [0. , 3. ]]))
    """
    if numbers is None:
        real, other = match_precision(real, other)
    left, right = (rows.reshape(len(rows), -1) for rows in (real, other))
    x, y = left.astype(np.float64), right.astype(np.float64)
    for column in range(x.shape[1]) if numbers is None else numbers:
        first = [drop_missing(rows[:learned, column]) for rows in (left, right)]
        if not all(map(len, first)):
            continue
        decimals = choose_decimals(*map(NumberColumn.fit, first))
        for rows in (x, y):
            rows[:, column] = round_decimals(rows[:, column], decimals)
    return x.reshape(real.shape), y.reshape(other.shape)


def extract_format(rows: Rows) -> Float[np.ndarray, "n d_format"]:
    """How each entry is written, and not what it is: two numbers an entry, its decimals and whether it is -0.0.

    Decimals count from 0 for a whole number to 9 for 9 or more. Each entry is judged by itself and by the number type,
    so this is one map for both samples where they share the type (`match_precision`). What the value lets through: one
    number in ten on a lattice of 2 decimals has only 1, and 0 is whole on any.

    >>> extract_format(np.array([[0.25, 7.0], [-0.0, 1 / 3]]))
    array([[2., 0., 0., 0.], [0., 1., 9., 0.]], dtype=float32)
    """
    entries = check("the rows", rows).reshape(len(rows), -1)
    blocks = np.array_split(entries, entries.size // BLOCK + 1)
    written = [
        np.stack([count_decimals(block), is_negative_zero(block)], axis=-1).astype(np.float32)
        for block in blocks
    ]
    return np.concatenate(written).reshape(len(entries), -1)


def match_precision(real: Rows, other: Rows) -> tuple[Rows, Rows]:
    """Both as floats of the coarser of their types, where these differ; a number beyond its range takes the last.

    >>> match_precision(np.array([[0.1, 1e30]]), np.array([[7, 2]], np.float16))
    (array([[1.0e-01, 6.55e+04]], dtype=float16), array([[7., 2.]], dtype=float16))
    """
    real, other = check("the data", real), check("the other sample", other)
    if real.shape[1:] != other.shape[1:]:
        refuse(
            "the other sample",
            expected=f"rows of the data's shape {real.shape[1:]}",
            got=other.shape[1:],
        )
    floats = [rows.dtype for rows in (real, other) if rows.dtype.kind == "f"]
    if not floats or real.dtype == other.dtype:
        return real, other
    coarser = np.finfo(min(floats, key=lambda dtype: dtype.itemsize))
    low, high = float(coarser.min), float(coarser.max)
    return np.clip(real, low, high).astype(coarser.dtype), np.clip(other, low, high).astype(
        coarser.dtype
    )


@dataclass(frozen=True)
class NumberColumn:
    """One column of one sample, in order of size.

    >>> prices = NumberColumn.fit(np.array([9.99, 0.25] * 10 + [0.0] * 20))
    >>> prices.decimals, prices.atoms, prices.is_constant
    (2, array([0.]), False)
    """

    values: Values
    atoms: Values
    """The values that hold more than ATOM of the rows."""
    rest: Values
    """The values without the atoms."""
    finer: Float[np.ndarray, " decimals"]
    """The share of the rest that has more than 0, 1, ..., 9 decimals."""

    @classmethod
    def fit(cls, values: Values) -> "NumberColumn":
        """Sort the values, find the atoms, and count the decimals of the rest."""
        values = np.sort(values)
        n = len(values)
        # a value of more than this share of the sorted rows is found at one of the places this share apart
        candidates = np.unique(values[:: max(int(ATOM * n), 1)])
        atoms = candidates[compute_shares(values, candidates) > max(ATOM, (FEW_ROWS - 1) / n)]
        return cls.leave_out(values, atoms)

    @classmethod
    def leave_out(cls, values: Values, atoms: Values) -> "NumberColumn":
        """Count the decimals of sorted values that are none of these atoms."""
        rest = values[~np.isin(values, atoms)]
        # at random: places that lie evenly could be in step with a lattice
        picked = rest if len(rest) <= PICKED else np.random.default_rng(0).choice(rest, PICKED)
        more = count_decimals(picked)[:, None] > np.arange(MOST_DECIMALS + 1)
        return cls(values, atoms, rest, more.sum(axis=0) / max(len(picked), 1))

    @property
    def is_constant(self) -> bool:
        """Whether all of its rows, two at least, hold one value."""
        return len(self.values) > 1 and bool(self.values[0] == self.values[-1])

    @property
    def decimals(self) -> int:
        """Those that almost all of the values make do with, and every atom."""
        return max(
            int(np.argmax(self.finer <= EXCEPTIONS)),
            int(count_decimals(self.atoms).max(initial=0)),
        )

    @property
    def negative_zeros(self) -> float:
        """The share of the rows that hold -0.0."""
        return float(np.mean(is_negative_zero(self.values)))

    @property
    def has_many_decimals(self) -> bool:
        """Whether it has all the decimals of a type that has many."""
        return self.decimals == MOST_DECIMALS and self.values.dtype != np.float16

    @property
    def is_continuous(self) -> bool:
        """Whether two equal values would be implausible."""
        return self.has_many_decimals and not len(self.atoms)

    def more_decimals(self, decimals: int) -> float:
        """The share of the rows whose value has more decimals than these."""
        atoms = self.atoms[count_decimals(self.atoms) > decimals]
        return float(
            self.finer[decimals] * len(self.rest) / len(self.values)
            + compute_shares(self.values, atoms).sum()
        )


def find_lone_atoms(left: NumberColumn, right: NumberColumn) -> Values:
    """The values that are an atom on one side and hold less than a tenth of its share on the other.

    A value is sought at the common decimals, or 0 would be an atom wherever 0.0013 is written as 0.
    """
    atoms, decimals = np.union1d(left.atoms, right.atoms), choose_decimals(left, right)
    least, most = np.sort(
        [
            compute_shares(round_decimals(side.values, decimals), atoms)
            for side in (left, right)
        ],
        axis=0,
    )
    likely = most * min(len(left.values), len(right.values)) >= FEW_ROWS
    return atoms[likely & (least < most / 10)]


def choose_decimals(left: NumberColumn, right: NumberColumn) -> int:
    """The decimals that both are rounded to: the fewer, but a constant says nothing of its own."""
    decimals = left.decimals, right.decimals
    return max(decimals) if left.is_constant or right.is_constant else min(decimals)


def count_decimals(values: Numbers) -> Int[np.ndarray, "..."]:
    """The least k for which the value is the nearest number of its type to one with k decimals.

    0.1 in float32 has 1. But 123456.78 in float32 is one of few numbers around, and would be on some lattice by chance:
    that it has 2 can't be known, and it gets all 9. Whole is whole.
    """
    if values.dtype.kind != "f":
        return np.zeros(values.shape, np.int64)
    whole = values == np.rint(values)
    decimals = np.where(whole, 0, MOST_DECIMALS)
    size, limit = np.abs(values.astype(np.float64)), CHANCE / float(np.finfo(values.dtype).eps)
    for k in reversed(range(1, MOST_DECIMALS)):
        decimals[~whole & (size <= limit / 10**k) & (round_decimals(values, k) == values)] = k
    return decimals


def round_decimals(values: Numbers, decimals: int) -> Numbers:
    """Round to this many decimals, and make -0.0 zero; 9 decimals or more, and numbers without more, stay."""
    if values.dtype.kind != "f":
        return values
    if decimals < MOST_DECIMALS:
        wide = values.astype(np.float64)
        fine = np.abs(wide) < 2**52 / 10**decimals
        wide[fine] = np.round(wide[fine], decimals)
        values = wide.astype(values.dtype)
    return values + values.dtype.type(0)


def drop_missing(values: Values) -> Values:
    """Drop missing values."""
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values


def is_negative_zero(values: Numbers) -> Bool[np.ndarray, "..."]:
    """Find -0.0."""
    return (values == 0) & np.signbit(values)


def compute_shares(ordered: Values, value: Any) -> Any:
    """The share of the rows, in order of size, that hold this value, or each of these."""
    return (
        np.searchsorted(ordered, value, "right") - np.searchsorted(ordered, value, "left")
    ) / len(ordered)
