"""What makes two samples trivially different, or their rows no independent draws: looked for before any critic is.

A critic that tells 0.25 from 0.2500000012 has measured how numbers are written, not how p_g lies. So the formats are
compared first; `harmonised` writes both samples alike, by one and the same map, under which the JSD can only fall
(data processing); and `format_of` keeps nothing but the format, for a critic of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import stats

from onehalf._base import refuse
from onehalf.data.arrays import Rows, check
from onehalf.data.roles import hashes

__all__ = ["audit", "format_of", "harmonised", "same_precision"]

Flat = Shaped[np.ndarray, "_ d"]
Values = Shaped[np.ndarray, " _"]

MOST_DECIMALS = 9
"""So many decimals or more: all that the number type can hold."""

CHANCE = 1 / 32
"""A number lies on a lattice only if it would by chance, its type being what it is, with a lower probability."""

ALMOST_ALL = 0.99

ATOM, FEW_ROWS = 0.05, 20
"""A value is an atom if it holds more than this share of the rows, and at least so many."""

PICKED, IN_ORDER = 5000, 2000
"""At most so many values of a column whose decimals are counted, and so many rows whose order is looked at."""

CODES = (-9999, -999, -99, -9, -1, 99, 999, 9999)
"""What is often written for a missing value."""

FAR = 1000
"""Spreads or sizes that are so many times greater are in other units."""

SURE = 4.5
"""Standard errors of a rank correlation: among a thousand columns in random order one is this far off in 150 audits."""

LISTED, NAMED = 100, 3
"""At most so many columns in the list, and in a sentence."""

SIDES = {"real": "the data", "other": "the other sample"}

Clue = tuple[str, bool, str]
"""Kind, whether it is severe, and the sentence."""


def audit(real: Rows, other: Rows, names: Sequence[str]) -> dict[str, Any]:
    """What a critic would see without learning anything: decimals, atoms, constants, copies, order and units.

    `names` has one name an entry of a row. The result is ready for JSON: `columns` (the first 100 of them:
    `columns_listed`), with decimals from 0 to 9, where 9 stands for 9 or more, the share of whole numbers, the atoms
    that one side lacks, and whether a side is constant; `duplicates`, the rows that repeat an earlier one within each
    side, and the different rows that occur on both; `same_rows`, whether both hold the same rows as often;
    `format_differs`, whether `harmonised` and a critic on `format_of` are worth their while; and `findings`: a kind, a
    sentence, and whether it is severe: with it any distance is trivial or its guarantee void.

    Two number types are compared at the coarser one's precision.

    >>> rng = np.random.default_rng(0)
    >>> prices = rng.uniform(1, 9, size=(1000, 1))
    >>> audit(prices.round(2), prices, ["price"])["findings"][0]["sentence"]
    'price has 2 decimals in the data and 9 or more decimals in the other sample: that alone tells them apart.'
    """
    types = real.dtype, other.dtype
    real, other = same_precision(*_checked(real, other))
    x, y = _flat(real), _flat(other)
    if len(names) != x.shape[1]:
        refuse("names", expected=f"{x.shape[1]} of them, one an entry of a row", got=len(names))
    listed, clues, continuous = [], [], dict.fromkeys(SIDES, False)
    for name, left, right in zip(names, x.T, y.T, strict=True):
        sides = {"real": _Column.of(left), "other": _Column.of(right)}
        atoms = _lone_atoms(**sides)
        clues.append(list(_column_clues(name, **sides, atoms=atoms)))
        continuous = {side: known or sides[side].continuous for side, known in continuous.items()}
        if len(listed) < LISTED:
            listed.append(_listing(name, sides, atoms))
    copies, same, copy_clues = _copies(x, y, continuous)
    findings = [*_type_clues(*types), *_gathered(names, clues), *copy_clues]
    findings += [*_order_clues(x, "real", names), *_order_clues(y, "other", names)]
    findings.sort(key=lambda clue: not clue[1])
    return {
        "columns": listed,
        "columns_listed": len(listed),
        "duplicates": copies,
        "same_rows": same,
        "findings": [{"kind": kind, "severe": severe, "sentence": sentence} for kind, severe, sentence in findings],
        "format_differs": any(kind in ("decimals", "negative zero") for kind, _, _ in findings),
    }


def harmonised(
    real: Rows, other: Rows, seen: int | None = None
) -> tuple[Float[np.ndarray, "_ ..."], Float[np.ndarray, "_ ..."]]:
    """T(real), T(other), both written alike: JSD(T(p), T(q)) <= JSD(p, q), T being one map for both (data processing).

    T takes each entry to the coarser number type of the two, rounds each column to the fewer decimals of the two, and
    makes -0.0 zero. A column that is constant in one of them says nothing about decimals, and keeps the more. The
    decimals are read off the first `seen` rows of each, so that what is judged on the others had no part in it. Both
    come back in float64 and in their own shape.

    >>> harmonised(np.array([[1.5, 2.0], [0.5, 7.0]]), np.array([[1.4821, 6.7], [-0.0123, 3.1]]))
    (array([[1.5, 2. ], [0.5, 7. ]]), array([[1.5, 7. ], [0. , 3. ]]))
    """
    real, other = same_precision(*_checked(real, other))
    x, y = (rows.astype(np.float64).reshape(len(rows), -1) for rows in (real, other))
    for column, (left, right) in enumerate(zip(_flat(real).T, _flat(other).T, strict=True)):
        lattice = _lattice(_Column.of(left[:seen]), _Column.of(right[:seen]))
        for rows in (x, y):
            rows[:, column] = _rounded(rows[:, column], lattice)
    return x.reshape(real.shape), y.reshape(other.shape)


def format_of(rows: Rows) -> Float[np.ndarray, "n d_format"]:
    """How each entry is written, and not what it is: two numbers an entry, its decimals and whether it is -0.0.

    Decimals count from 0 for a whole number to 9 for 9 or more. Each entry is judged by itself and by the number type,
    so this is one map for both samples where they share the type (`harmonised` gives them float64). What the value lets
    through: one number in ten on a lattice of 2 decimals has only 1, and 0 is whole on any.

    >>> format_of(np.array([[0.25, 7.0], [-0.0, 1 / 3]]))
    array([[2., 0., 0., 0.], [0., 1., 9., 0.]], dtype=float32)
    """
    flat = _flat(check("the rows", rows))
    written = np.empty((*flat.shape, 2), np.float32)
    for block in _blocks(flat):
        written[block, :, 0] = _decimals(flat[block])
        written[block, :, 1] = _negative_zero(flat[block])
    return written.reshape(len(flat), -1)


@dataclass(frozen=True)
class _Column:
    """One column of one sample, in order of size."""

    values: Values
    atoms: Values
    """The values that hold more than ATOM of the rows."""
    written: Float[np.ndarray, " decimals"]
    """The share of the other values that have 0, 1, ... decimals or fewer; NaN if there are none."""
    picked: int
    """Among how many of them that share was counted."""

    @classmethod
    def of(cls, values: Values) -> "_Column":
        """Sort the values, find the atoms, and count the decimals of the rest."""
        values = np.sort(values)
        n = len(values)
        # who holds more than a share of the rows stands at one of the places that lie that share apart
        candidates = np.unique(values[:: max(int(ATOM * n), 1)])
        atoms = candidates[_count(values, candidates) > max(ATOM * n, FEW_ROWS - 1)]
        # places spread evenly, but with no period that could be in step with a lattice
        places = (np.arange(PICKED) * (5**0.5 - 1) / 2 % 1 * n).astype(int) if n > PICKED else np.arange(n)
        rest = values[places]
        rest = rest[~np.isin(rest, atoms)]
        counts = np.bincount(_decimals(rest), minlength=MOST_DECIMALS + 1)
        written = np.cumsum(counts) / len(rest) if len(rest) else np.full(MOST_DECIMALS + 1, np.nan)
        return cls(values, atoms, written, len(rest))

    @property
    def constant(self) -> bool:
        return len(self.values) > 1 and bool(self.values[0] == self.values[-1])

    @property
    def decimals(self) -> int:
        """Those that almost all of the values make do with, and every atom."""
        rest = int(np.argmax(self.written >= ALMOST_ALL)) if self.picked else 0
        return max(rest, int(_decimals(self.atoms).max(initial=0)))

    @property
    def many(self) -> bool:
        """Whether it has all the decimals of a type that has many."""
        return self.decimals == MOST_DECIMALS and self.values.dtype != np.float16

    @property
    def continuous(self) -> bool:
        """Whether two rows with the same value would be a wonder."""
        return self.many and not len(self.atoms)

    @property
    def distinct(self) -> int:
        return 1 + int(np.count_nonzero(self.values[1:] != self.values[:-1]))

    @property
    def rest(self) -> int:
        """How many rows hold no atom."""
        return len(self.values) - int(_count(self.values, self.atoms).sum())

    @property
    def fresh(self) -> float:
        """The share of the rows without an atom that are the first with their value: 1/4 if each comes four times."""
        return (self.distinct - len(self.atoms)) / max(self.rest, 1)

    @property
    def whole(self) -> float:
        return float(np.mean(self.values == np.rint(self.values))) if self.values.dtype.kind == "f" else 1.0

    @property
    def negative_zero(self) -> float:
        first, last = np.searchsorted(self.values, 0, "left"), np.searchsorted(self.values, 0, "right")
        return float(_negative_zero(self.values[first:last]).sum() / len(self.values))

    @property
    def quartiles(self) -> tuple[Any, Any]:
        n = len(self.values)
        return self.values[n // 4], self.values[3 * n // 4]

    @property
    def spread(self) -> float:
        """The range of the middle half."""
        low, high = self.quartiles
        return float(high) - float(low)

    @property
    def size(self) -> float:
        """How large its numbers are: the median without its sign, or the spread."""
        return max(abs(float(self.values[len(self.values) // 2])), self.spread)

    def more_decimals(self, lattice: int) -> float:
        """The share of the rows whose value is off the lattice."""
        off = self.rest / len(self.values) * (1 - float(self.written[lattice])) if self.picked else 0.0
        return off + sum(self.share(atom) for atom in self.atoms[_decimals(self.atoms) > lattice])

    def share(self, value: Any) -> float:
        """The share of the rows that hold this value."""
        return float(_count(self.values, value) / len(self.values))

    def rounded(self, lattice: int) -> "_Column":
        return _Column(_rounded(self.values, lattice), self.atoms, self.written, self.picked)

    def codes(self) -> Values:
        """The CODES that lie far outside of all other values: none of these is within half a code of it."""
        first, last = 0, len(self.values) - 1
        while first < last and self.values[first] in CODES:
            first = int(np.searchsorted(self.values, self.values[first], "right"))
        while last > first and self.values[last] in CODES:
            last = int(np.searchsorted(self.values, self.values[last], "left")) - 1
        outside = np.unique(np.concatenate([self.values[:first], self.values[last + 1 :]])).astype(np.float64)
        if not len(outside) or len(np.unique(self.values[first : last + 1])) < 3:
            return outside[:0]
        low, high = float(self.values[first]), float(self.values[last])
        return outside[np.maximum(low - outside, outside - high) >= np.abs(outside) / 2]


def _listing(name: str, sides: dict[str, _Column], atoms: Values) -> dict[str, Any]:
    """One column as the result lists it."""
    return {
        "name": name,
        "decimals": {side: column.decimals for side, column in sides.items()},
        "whole": {side: column.whole for side, column in sides.items()},
        "atoms": [{"value": _number(atom), **{s: c.share(atom) for s, c in sides.items()}} for atom in atoms],
        "constant": {side: column.constant for side, column in sides.items()},
    }


def _column_clues(name: str, real: _Column, other: _Column, atoms: Values) -> Iterator[Clue]:
    """All that one column gives away; what follows from another clue is not said again."""
    for code in np.union1d(real.codes(), other.codes()):
        shares = _each(_percent(real.share(code)), _percent(other.share(code)))
        rest = "far from every other value: if it stands for a missing one, it is no number to compare"
        yield "missing code", False, f"{name} is {code:g} for {shares}, {rest}."
    if real.constant or other.constant:
        yield _constant_clue(name, real, other)
        return
    yield from _format_clues(name, real, other)
    for atom in atoms:
        shares = real.share(atom), other.share(atom)
        yield "atom", abs(shares[0] - shares[1]) > 0.5, f"{name} is {_shown(atom)} for {_each(*map(_percent, shares))}."
    if real.values[-1] < other.values[0] or other.values[-1] < real.values[0]:
        ranges = _each(*(f"from {_shown(c.values[0])} to {_shown(c.values[-1])}" for c in (real, other)))
        yield "apart", True, f"{name} goes {ranges}: that alone tells them apart. Are they in the same units?"
    elif _far(real.spread, other.spread) or _far(real.size, other.size):
        middles = _each(*("from {} to {}".format(*map(_shown, column.quartiles)) for column in (real, other)))
        yield "scale", True, f"The middle half of {name} goes {middles}: are they in the same units?"


def _constant_clue(name: str, real: _Column, other: _Column) -> Clue:
    if real.constant and other.constant:
        values = _shown(real.values[0]), _shown(other.values[0])
        if real.values[0] == other.values[0]:
            return "constant", False, f"{name} is {values[0]} in every row of both, which is harmless."
        return "constant", True, f"{name} is always {_each(*values)}: that alone tells them apart."
    here, there = ("real", "other") if real.constant else ("other", "real")
    constant, varied = (real, other) if real.constant else (other, real)
    share = varied.share(constant.values[0])
    where = f"{_shown(constant.values[0])} in every row of {SIDES[here]}, and in {_percent(share)} of {SIDES[there]}"
    return "constant", share < 0.5, f"{name} is {where}" + (": that alone tells them apart." if share < 0.5 else ".")


def _format_clues(name: str, real: _Column, other: _Column) -> Iterator[Clue]:
    if real.decimals != other.decimals:
        words = _each(_decimals_word(real.decimals), _decimals_word(other.decimals))
        lattice = min(real.decimals, other.decimals)
        finer, side = (other, "other") if other.decimals > lattice else (real, "real")
        share = finer.more_decimals(lattice)
        rest = (
            ": that alone tells them apart" if share >= 0.5 else f": {_percent(share)} of {SIDES[side]} have the more"
        )
        yield "decimals", share >= 0.5, f"{name} has {words}{rest}."
        return
    if real.picked and other.picked:
        gaps = np.abs(real.written - other.written)
        most = int(np.argmax(gaps))
        if gaps[most] > 0.1 + 3 / min(real.picked, other.picked) ** 0.5:
            few = "whole numbers" if most == 0 else f"numbers of {_decimals_word(most)} or fewer"
            shares = _each(_percent(real.written[most]), _percent(other.written[most]))
            yield "decimals", False, f"Of the values of {name} that repeat little, {few} are {shares}."
    if real.many and other.many and abs(real.fresh - other.fresh) > 0.5:
        counts = _each(f"{real.distinct:,} different values", f"{other.distinct:,}")
        yield (
            "steps",
            True,
            f"{name} takes {counts}: its steps alone tell them apart. Round both to the same ones first.",
        )
    zeros = {"real": real.negative_zero, "other": other.negative_zero}
    if min(zeros.values()) == 0:
        for side, share in zeros.items():
            if share * min(len(real.values), len(other.values)) >= FEW_ROWS:
                yield "negative zero", False, f"{name} is -0.0 for {_percent(share)} of {SIDES[side]}, and only there."


def _lone_atoms(real: _Column, other: _Column) -> Values:
    """The values that are an atom on one side and hold less than a tenth of its share on the other.

    A value is sought at the coarser lattice, or 0 would be an atom wherever 0.0013 is written as 0.
    """
    if real.decimals != other.decimals:
        lattice = _lattice(real, other)
        real, other = real.rounded(lattice), other.rounded(lattice)
    atoms = np.union1d(real.atoms, other.atoms)
    shares = np.array([[real.share(atom), other.share(atom)] for atom in atoms]).reshape(-1, 2)
    likely = shares.max(axis=1) * min(len(real.values), len(other.values)) >= FEW_ROWS
    return atoms[likely & (shares.min(axis=1) < shares.max(axis=1) / 10)]


def _type_clues(left: np.dtype, right: np.dtype) -> Iterator[Clue]:
    if left != right:
        rest = "Both are read at the coarser precision, so this by itself is harmless"
        yield "type", False, f"The data are {left} and the other sample is {right}. {rest}."


def _gathered(names: Sequence[str], clues: list[list[Clue]]) -> Iterator[Clue]:
    """A sentence a column, or one for all of a kind where there are more than NAMED."""
    found: dict[tuple[str, bool], dict[int, list[str]]] = {}
    for column, of_column in enumerate(clues):
        for kind, severe, sentence in of_column:
            found.setdefault((kind, severe), {}).setdefault(column, []).append(sentence)
    for (kind, severe), columns in found.items():
        sentences = [sentence for of_column in columns.values() for sentence in of_column]
        if len(columns) > NAMED:
            where = f"In {len(columns)} of {len(names)} columns ({_several(names, list(columns))})"
            sentences = [f"{where} this or the like is so: {sentences[0]}"]
        yield from ((kind, severe, sentence) for sentence in sentences)


def _copies(x: Flat, y: Flat, continuous: dict[str, bool]) -> tuple[dict[str, int], bool, list[Clue]]:
    """Rows that repeat others, counted by a 64-bit hash, and what is to be said of them."""
    ordered = {"real": np.sort(hashes(x)), "other": np.sort(hashes(y))}
    distinct = {side: hashed[np.r_[True, hashed[1:] != hashed[:-1]]] for side, hashed in ordered.items()}
    both = int(np.intersect1d(distinct["real"], distinct["other"], assume_unique=True).size)
    copies = {side: len(hashed) - len(distinct[side]) for side, hashed in ordered.items()}
    same = np.array_equal(ordered["real"], ordered["other"])
    clues: list[Clue] = []
    for side, called in SIDES.items():
        n, repeated = len(ordered[side]), copies[side]
        if n > 1 and len(distinct[side]) == 1:
            clues.append(("equal rows", True, f"All {n:,} rows of {called} are equal: there is nothing to compare."))
        elif repeated > 0.01 * n:
            count = f"{repeated:,} of the {n:,} rows of {called} repeat another"
            severe = continuous[side] and repeated > 0.1 * n
            clues.append(("duplicates", severe, f"{count}{_why_copies(wonder=continuous[side])}."))
    if same:
        severe = len(distinct["real"]) >= FEW_ROWS
        clues.append(("same rows", severe, "The data and the other sample hold the same rows: is it one file twice?"))
    elif both > 0.01 * min(map(len, distinct.values())):
        every = all(continuous.values())
        severe = every and both > 0.1 * min(map(len, distinct.values()))
        clues.append(("shared rows", severe, f"{both:,} different rows occur in both{_why_copies(wonder=every)}."))
    return {**copies, "across": both}, same, clues


def _why_copies(*, wonder: bool) -> str:
    if wonder:
        return ", which hardly happens by chance to numbers with all their decimals: copies are not independent draws"
    return ", as may happen by chance where columns hold few different values; copies are not independent draws"


def _order_clues(flat: Flat, side: str, names: Sequence[str]) -> Iterator[Clue]:
    """Whether the row's number says something about its entries: Spearman's rho, and that of each row with the next.

    The latter is taken among rows all over the file (sorted, grouped, drifting) and among adjacent ones (a chain).
    """
    m = min(len(flat), IN_ORDER)
    if m <= SURE**2:
        return
    start = (len(flat) - m) // 2
    trend, found = np.zeros(len(names)), np.zeros(len(names))
    for rows in (_evenly(flat, m), flat[start : start + m]):
        ranks = stats.rankdata(rows, axis=0) - (m + 1) / 2
        variance, full = np.mean(ranks**2, axis=0), (m**2 - 1) / 12
        # of a column with nearly all rows at one value the few others decide, and their correlation is not normal
        variance = np.where(variance > 0.15 * full, variance, np.inf)
        index = np.arange(m)[:, None] - (m - 1) / 2
        trend = np.maximum(trend, np.abs(np.mean(index * ranks, axis=0)) / np.sqrt(variance * full))
        found = np.maximum(found, np.abs(np.sum(ranks[1:] * ranks[:-1], axis=0)) / (m * variance))
    found = np.maximum(found, trend)
    columns = np.flatnonzero(found * m**0.5 > SURE)
    if len(columns):
        columns = columns[np.argsort(-found[columns], kind="stable")]
        how = "in order of" if trend[columns[0]] > 0.9 else "sorted, grouped or drifting, or like their neighbours, in"
        rest = "if they were made label by label, or one from another, they may not be independent draws"
        sentence = f"The rows of {SIDES[side]} are {how} {_several(names, columns.tolist())}; {rest}."
        yield "order", False, sentence


def _checked(real: Rows, other: Rows) -> tuple[Rows, Rows]:
    real, other = check("the data", real), check("the other sample", other)
    if real.shape[1:] != other.shape[1:]:
        refuse("the other sample", expected=f"rows of the data's shape {real.shape[1:]}", got=other.shape[1:])
    return real, other


def same_precision(real: Rows, other: Rows) -> tuple[Rows, Rows]:
    """Both as floats of the coarser of their types, where these differ; a number beyond its range takes the last."""
    floats = [rows.dtype for rows in (real, other) if rows.dtype.kind == "f"]
    if not floats or real.dtype == other.dtype:
        return real, other
    coarser = np.finfo(min(floats, key=lambda dtype: dtype.itemsize))
    low, high = float(coarser.min), float(coarser.max)
    return tuple(np.clip(rows, low, high).astype(coarser.dtype) for rows in (real, other))  # pyright: ignore


def _flat(rows: Rows) -> Flat:
    """One column an entry; booleans are 0 and 1."""
    flat = rows.reshape(len(rows), -1)
    return flat.view(np.uint8) if flat.dtype == bool else flat


def _decimals(values: Shaped[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """The least k for which the value is the nearest number of its type to one with k decimals.

    0.1 in float32 has 1. But 123456.78 in float32 is one of few numbers around, and would be on some lattice by chance:
    that it has 2 can't be known, and it gets all 9. Whole is whole.
    """
    if values.dtype.kind != "f":
        return np.zeros(values.shape, np.int64)
    decimals = np.where(values == np.rint(values), 0, MOST_DECIMALS).ravel()
    limit = CHANCE / float(np.finfo(values.dtype).eps)
    narrow = values.ravel()
    left = np.flatnonzero(decimals)
    for k in range(1, MOST_DECIMALS):
        tried = left[np.abs(narrow[left]) <= limit / 10**k]
        on = _rounded(narrow[tried].astype(np.float64), k).astype(values.dtype) == narrow[tried]
        decimals[tried[on]] = k
        left = left[decimals[left] == MOST_DECIMALS]
    return decimals.reshape(values.shape)


def _lattice(left: _Column, right: _Column) -> int:
    """The decimals that both are rounded to: the fewer, but a constant says nothing of its lattice."""
    decimals = left.decimals, right.decimals
    return max(decimals) if left.constant or right.constant else min(decimals)


def _rounded(values: Shaped[np.ndarray, "..."], decimals: int) -> Shaped[np.ndarray, "..."]:
    """To so many decimals, and no -0.0. All of them change nothing, nor do numbers change that hold no more anyway."""
    if values.dtype.kind != "f":
        return values
    if decimals == MOST_DECIMALS:
        return values + values.dtype.type(0)
    wide = values.astype(np.float64)
    fine = np.abs(wide) < 2**52 / 10**decimals
    rounded = np.rint(np.where(fine, wide, 0) * 10**decimals) / 10**decimals
    return np.where(fine, rounded, wide).astype(values.dtype) + values.dtype.type(0)


def _negative_zero(values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    return (values == 0) & np.signbit(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)


def _blocks(flat: Flat) -> Iterator[slice]:
    """Rows that fit into the processor's cache together."""
    step = max(1, 2**16 // max(flat.shape[1], 1))
    return (slice(start, start + step) for start in range(0, len(flat), step))


def _evenly(flat: Flat, m: int) -> Flat:
    return flat[np.linspace(0, len(flat) - 1, min(m, len(flat))).astype(int)]


def _count(ordered: Values, value: Any) -> Any:
    """How often each value stands in an array that is in order."""
    return np.searchsorted(ordered, value, "right") - np.searchsorted(ordered, value, "left")


def _each(real: str, other: str) -> str:
    return f"{real} in {SIDES['real']} and {other} in {SIDES['other']}"


def _far(left: float, right: float) -> bool:
    return max(left, right) > FAR * min(left, right) > 0


def _number(value: Any) -> float:
    """As Python's own; 0.1 in float32 is 0.1, and -0.0 is 0."""
    return int(value) if value.dtype.kind in "iu" else float(str(value)) + 0.0


def _shown(value: Any) -> str:
    return f"{_number(value):.9g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _decimals_word(count: int) -> str:
    if count == 0:
        return "whole numbers only"
    if count == MOST_DECIMALS:
        return f"{count} or more decimals"
    return "1 decimal" if count == 1 else f"{count} decimals"


def _several(names: Sequence[str], columns: Sequence[int]) -> str:
    """Up to NAMED of these columns by name, and how many others there are."""
    others = len(columns) - NAMED
    return ", ".join(names[column] for column in columns[:NAMED]) + (
        f" and {others} other{'s' * (others > 1)}" if others > 0 else ""
    )
