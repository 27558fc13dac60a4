"""What makes two samples trivially different, or their rows no independent draws: looked for before any critic is."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from scipy import stats

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.splits import hashes
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.checks.precision import (
    FEW_ROWS,
    MOST_DECIMALS,
    Column,
    Values,
    known,
    lone_atoms,
    same_precision,
    share,
)
from onehalf.evaluation.features.image_properties import some_pixels
from onehalf.evaluation.samples import shown

__all__ = ["audit"]

Flat = Shaped[np.ndarray, "_ d"]

CODES = (-9999, -999, -99, -9, -1, 99, 999, 9999)
"""What is often written for a missing value."""

FAR = 1000
"""Spreads that are so many times greater are in other units."""

IN_ORDER = 2000
"""At most so many rows whose order is looked at."""

SURE = 4.5
"""Standard errors of a rank correlation: among a thousand columns in random order one is this far off in 150 audits."""

LISTED, NAMED = 100, 3
"""At most so many columns in the list, and in a sentence."""

SIDES = {"real": "the data", "other": "the other sample"}

PIXEL = "A pixel"
"""The name of the column of all pixels."""

APART = "that alone tells them apart"


RARELY = 14
"""Of rows on one side only: the logarithm of how seldom chance puts so many there, one time in a million."""

FEW, ROWS_EACH = 20, 10
"""A number takes few values if they are at most so many, with so many rows each on average."""

FIRST = ("values", "dropped", "invented", "missing")
"""Kinds of findings that come before the others."""

Show = Callable[[Any], str]
"""A value as a person reads it."""


class Clue(NamedTuple):
    """One finding."""

    kind: str
    sentence: str
    severe: bool = False
    """Whether any distance is trivial with it, or its guarantee void."""


def audit(
    real: Rows,
    other: Rows,
    names: Sequence[str],
    coding: TableEncoder | None = None,
    *,
    described: tuple[Flat, Flat] | None = None,
) -> dict[str, Any]:
    """What a critic would see without learning anything: decimals, atoms, constants, copies, order and units.

    `names` has one name an entry of a row. The result is ready for JSON: `columns` (the first 100 of them:
    `columns_listed`), with decimals from 0 to 9, where 9 stands for 9 or more, the share of whole numbers, the atoms
    that one side lacks, and whether a side is constant; `duplicates`, the rows that repeat an earlier one within each
    side, and the different rows that occur on both; `same_rows`, whether both hold the same rows as often;
    `format_differs`, whether `harmonised` and a critic on `format_of` are worth their while; and `findings`: a kind, a
    sentence, and whether it is severe: with it any distance is trivial or its guarantee void.

    Two number types are compared at the coarser one's precision. Of the cells of a table, which come with their
    `coding`, it also says what is missing, which words and ranges are found on one side only, and which numbers are
    none of the few that the data have; `columns` has each column's kind, and of words the share of those on one side.

    Of pictures, of which the names say what is `described`, all pixels are one column: they share a unit and a way to
    be written. Whether their rows are in an order is told by what is described.

    >>> rng = np.random.default_rng(0)
    >>> prices = rng.uniform(1, 9, size=(1000, 1))
    >>> audit(prices.round(2), prices, ["price"])["findings"][0]["sentence"]
    'price has 2 decimals in the data and 9 or more decimals in the other sample: that alone tells them apart.'
    """
    clues: list[Clue] = []
    if real.dtype != other.dtype:
        rest = "Both are read at the coarser precision, so this by itself is harmless"
        clues.append(
            Clue(
                "type",
                f"The data are {real.dtype} and the other sample is {other.dtype}. {rest}.",
            )
        )
    sides = (real, other) if coding else same_precision(real, other)
    x, y = (rows.reshape(len(rows), -1) for rows in sides)
    in_order = described or (_filled(x), _filled(y))
    if len(names) != in_order[0].shape[1]:
        refuse(
            "names",
            expected=f"{in_order[0].shape[1]} of them, one an entry of a row",
            got=len(names),
        )
    columns = (
        [(PIXEL, some_pixels(x)[:, 0], some_pixels(y)[:, 0])]
        if described
        else zip(names, x.T, y.T, strict=True)
    )
    listed, of_columns, continuous = [], [], dict.fromkeys(SIDES, False)
    for number, (name, of_x, of_y) in enumerate(columns):
        clues_here, facts, fine = _described(name, of_x, of_y, number, coding)
        of_columns += [(number, clue) for clue in clues_here]
        continuous = {side: already or fine[side] for side, already in continuous.items()}
        if number < LISTED:
            listed.append({"name": name, **facts})
    copies, of_copies = _copies(x, y, continuous)
    clues += [*_gathered(names, of_columns), *of_copies]
    clues += [
        clue
        for rows, side in zip(in_order, SIDES, strict=True)
        for clue in _order_clues(rows, side, names)
    ]
    return {
        "columns": listed,
        "columns_listed": len(listed),
        **copies,
        "findings": [clue._asdict() for clue in sorted(clues, key=_turn)],
        "format_differs": any(
            clue.kind in ("decimals", "negative zero") for _, clue in of_columns
        ),
    }


def _turn(clue: Clue) -> tuple[bool, int]:
    """What is severe comes first, then what only tables have, the plainest first."""
    return not clue.severe, FIRST.index(clue.kind) if clue.kind in FIRST else len(FIRST)


def _described(
    name: str, x: Values, y: Values, number: int, coding: TableEncoder | None
) -> tuple[list[Clue], dict[str, Any], dict[str, bool]]:
    """What one column gives away, how the result lists it, and on which sides two equal values would be a wonder."""
    clues, facts, fine = [], {}, dict.fromkeys(SIDES, False)
    n, m, show = len(x), len(y), _shown
    if coding:
        missing = float(np.isnan(x).mean()), float(np.isnan(y).mean())
        clues += _missing_clues(name, *missing, n, m)
        facts |= {
            "kind": coding.columns[number].kind,
            "missing": dict(zip(SIDES, missing, strict=True)),
        }
        x, y, show = known(x), known(y), functools.partial(shown, coding, number)
    if coding and name in coding.words:
        alone = _alone(x, y, n, m)
        clues += _alone_clues(name, alone, show)
        for kind, (words, shares) in alone.items():
            some = zip(words[:LISTED], shares[:LISTED], strict=True)
            facts[kind] = [
                {"value": show(word), "share": float(portion)} for word, portion in some
            ]
    elif len(x) and len(y):
        real, other = Column.of(x), Column.of(y)
        atoms = lone_atoms(real, other)
        clues += _column_clues(name, real, other, atoms, show, of_table=coding is not None)
        facts |= _listing(real, other, atoms, show)
        fine = {"real": real.continuous, "other": other.continuous}
    return clues, facts, fine


def _listing(real: Column, other: Column, atoms: Values, show: Show) -> dict[str, Any]:
    """One column as the result lists it."""
    sides, ordered = (
        {"real": real, "other": other},
        {"real": real.values, "other": other.values},
    )
    held = [
        {side: float(share(values, atom)) for side, values in ordered.items()} for atom in atoms
    ]
    return {
        "decimals": {side: column.decimals for side, column in sides.items()},
        "whole": {
            side: float(np.mean(values == np.rint(values))) for side, values in ordered.items()
        },
        "atoms": [
            {"value": _value(atom, show), **shares}
            for atom, shares in zip(atoms, held, strict=True)
        ],
        "constant": {side: column.constant for side, column in sides.items()},
    }


def _missing_clues(name: str, real: float, other: float, n: int, m: int) -> Iterator[Clue]:
    """A column that has more missing on one side."""
    both = (real * n + other * m) / (n + m)
    if abs(real - other) > SURE * math.sqrt(both * (1 - both) * (1 / n + 1 / m)):
        yield Clue(
            "missing",
            f"{name} is missing in {_of_each(real, other)}.",
            severe=abs(real - other) > 0.5,
        )


def _alone(x: Values, y: Values, n: int, m: int) -> dict[str, tuple[Values, Values]]:
    """The words that one side never has, though chance would hardly leave them out: the most frequent first, shares."""
    words, where = np.unique(np.concatenate([x, y]), return_inverse=True)
    real, other = (
        np.bincount(each, minlength=len(words)) for each in np.split(where, [len(x)])
    )
    found = {}
    for kind, here, there, rows in (
        ("dropped", real, other, (n, m)),
        ("invented", other, real, (m, n)),
    ):
        alone = np.flatnonzero((there == 0) & _wonder(here, *rows))
        alone = alone[np.argsort(-here[alone], kind="stable")]
        found[kind] = words[alone], here[alone] / rows[0]
    return found


def _alone_clues(
    name: str, alone: dict[str, tuple[Values, Values]], show: Show
) -> Iterator[Clue]:
    for (kind, (words, shares)), (here, there) in zip(
        alone.items(), (("real", "other"), ("other", "real")), strict=True
    ):
        if len(words):
            portion = float(shares.sum())
            told = f"{name} is {_named([show(word) for word in words])} in {_percent(portion)} of {SIDES[here]}"
            yield Clue(kind, f"{told}, and never in {SIDES[there]}.", severe=portion > 0.5)


def _wonder(count: Any, here: int, there: int) -> Any:
    """Whether it would be one that rows of `here` only are so many of the pooled rows: (here/(here + there))^count."""
    return count * math.log1p(there / here) > RARELY


def _span_clues(name: str, x: Values, y: Values, show: Show) -> Iterator[Clue]:
    """Values that are none of the few that the data have, or else beyond one of the two ranges."""
    few = np.unique(x)
    strange = (
        y[~np.isin(y, few)] if FEW * ROWS_EACH >= len(few) * ROWS_EACH <= len(x) else y[:0]
    )
    if _wonder(len(strange), len(y), len(x)):
        values = (
            f"only {_named([show(value) for value in few])}"
            if len(few) <= NAMED
            else f"only {len(few)} values"
        )
        portion, first = len(strange) / len(y), show(strange[len(strange) // 2])
        told = f"{name} takes {values} in the data; {_percent(portion)} of the other sample are others, such as {first}"
        yield Clue(
            "values", told + (f": {APART}." if portion > 0.5 else "."), severe=portion > 0.5
        )
        return
    for side, mine, theirs in (("other", y, x), ("real", x, y)):
        beyond = mine[(mine < theirs[0]) | (mine > theirs[-1])]
        if _wonder(len(beyond), len(mine), len(theirs)):
            span = (
                f"goes {_span(theirs, show)} in {SIDES['real' if side == 'other' else 'other']}"
            )
            outside = f"{_percent(len(beyond) / len(mine))} of {SIDES[side]} lie outside"
            rest = f"{outside}, where it goes {_span(mine, show)}"
            yield Clue("range", f"{name} {span}; {rest}.")


def _column_clues(
    name: str, real: Column, other: Column, atoms: Values, show: Show, *, of_table: bool
) -> Iterator[Clue]:
    """All that one column gives away; what follows from another clue is not said again."""
    x, y = real.values, other.values
    for code in np.union1d(_codes(x), _codes(y)):
        rest = "far from every other value: if it stands for a missing one, it is no number to compare"
        yield Clue(
            "missing code",
            f"{name} is {show(code)} in {_of_each(share(x, code), share(y, code))}, {rest}.",
        )
    if real.constant or other.constant:
        yield _constant_clue(name, real, other, show)
        return
    yield from _format_clues(name, real, other)
    for atom in atoms:
        held = float(share(x, atom)), float(share(y, atom))
        yield Clue(
            "atom",
            f"{name} is {show(atom)} in {_of_each(*held)}.",
            severe=abs(held[0] - held[1]) > 0.5,
        )
    units = list(_unit_clues(name, x, y, show))
    yield from units
    if of_table and not units:
        yield from _span_clues(name, x, y, show)


def _constant_clue(name: str, real: Column, other: Column, show: Show) -> Clue:
    """One of the two is constant, or both."""
    here, there = SIDES.values()
    constant, varied = real, other
    if not real.constant:
        here, there, constant, varied = there, here, other, real
    value, held = show(constant.values[0]), share(varied.values, constant.values[0])
    if held == 1:
        return Clue("constant", f"{name} is {value} in every row of both, which is harmless.")
    where = f"{value} in every row of {here}, and in {_percent(held)} of {there}"
    return Clue(
        "constant",
        f"{name} is {where}{f': {APART}' if held < 0.5 else ''}.",
        severe=bool(held < 0.5),
    )


def _unit_clues(name: str, x: Values, y: Values, show: Show) -> Iterator[Clue]:
    """Ranges that do not meet, or middle halves of which one is far wider."""
    middles = [values[[len(values) // 4, 3 * len(values) // 4]] for values in (x, y)]
    spreads = [float(high) - float(low) for low, high in middles]
    if max(x[0], y[0]) > min(x[-1], y[-1]):
        yield Clue(
            "apart",
            f"{name} goes {_spans((x, y), show)}: {APART}. Are they in the same units?",
            severe=True,
        )
    elif max(spreads) > FAR * min(spreads) > 0:
        told = f"The middle half of {name} goes {_spans(middles, show)}: are they in the same units?"
        yield Clue("scale", told, severe=True)


def _format_clues(name: str, real: Column, other: Column) -> Iterator[Clue]:
    """Decimals, and as far as these are the same: steps between neighbours, and -0.0."""
    if real.decimals != other.decimals:
        words = _each(_decimals_word(real.decimals), _decimals_word(other.decimals))
        finer, side = (real, "real") if real.decimals > other.decimals else (other, "other")
        more = finer.more_decimals(min(real.decimals, other.decimals))
        rest = APART if more >= 0.5 else f"{_percent(more)} of {SIDES[side]} have the more"
        yield Clue("decimals", f"{name} has {words}: {rest}.", severe=more >= 0.5)
        return
    gaps = np.abs(real.finer - other.finer)
    most, rows = int(np.argmax(gaps)), min(len(real.rest), len(other.rest))
    if rows and gaps[most] > 0.1 + 3 / rows**0.5:
        few = f"numbers of {_decimals_word(most)} or fewer" if most else "whole numbers"
        shares = _each(_percent(1 - real.finer[most]), _percent(1 - other.finer[most]))
        yield Clue(
            "decimals", f"Of the values of {name} that repeat little, {few} are {shares}."
        )
    distinct = [len(np.unique(column.values)) for column in (real, other)]
    fresh = [
        (n - len(c.atoms)) / max(len(c.rest), 1)
        for n, c in zip(distinct, (real, other), strict=True)
    ]
    if real.many_decimals and other.many_decimals and abs(fresh[0] - fresh[1]) > 0.5:
        counts = _each(f"{distinct[0]:,} different values", f"{distinct[1]:,}")
        rest = "its steps alone tell them apart. Round both to the same ones first"
        yield Clue("steps", f"{name} takes {counts}: {rest}.", severe=True)
    zeros = real.negative_zeros, other.negative_zeros
    if min(zeros) == 0 and max(zeros) * min(len(real.values), len(other.values)) >= FEW_ROWS:
        yield Clue("negative zero", f"{name} is -0.0 in {_of_each(*zeros)}.")


def _codes(ordered: Values) -> Values:
    """The CODES that lie far outside of all other values: none of these is within half a code of it."""
    coded = np.isin(ordered, CODES)
    rest = ordered[~coded]
    if len(np.unique(rest)) < 3:
        return rest[:0]
    codes = np.unique(ordered[coded]).astype(np.float64)
    return codes[
        np.maximum(float(rest[0]) - codes, codes - float(rest[-1])) >= np.abs(codes) / 2
    ]


def _gathered(names: Sequence[str], of_columns: Iterable[tuple[int, Clue]]) -> Iterator[Clue]:
    """A sentence a column, or one for all of a kind where there are more than NAMED."""
    alike: dict[tuple[str, bool], list[tuple[int, Clue]]] = {}
    for column, clue in of_columns:
        alike.setdefault((clue.kind, clue.severe), []).append((column, clue))
    for clues in alike.values():
        columns = list(dict.fromkeys(column for column, _ in clues))
        first = clues[0][1]
        if len(columns) > NAMED:
            where = f"In {len(columns)} of {len(names)} columns ({_several(names, columns)})"
            yield first._replace(sentence=f"{where} this or the like is so: {first.sentence}")
        else:
            yield from (clue for _, clue in clues)


def _copies(x: Flat, y: Flat, continuous: dict[str, bool]) -> tuple[dict[str, Any], list[Clue]]:
    """Rows that repeat others, counted by a 64-bit hash, and what is to be said of them."""
    real, other = np.sort(hashes(x)), np.sort(hashes(y))
    ordered = {"real": real, "other": other}
    distinct = {side: np.unique(hashed) for side, hashed in ordered.items()}
    copies = {side: len(hashed) - len(distinct[side]) for side, hashed in ordered.items()}
    across, fewest = len(np.intersect1d(real, other)), min(map(len, distinct.values()))
    clues = []
    for side, called in SIDES.items():
        n, repeated = len(ordered[side]), copies[side]
        if n > 1 and len(distinct[side]) == 1:
            sentence = f"All {n:,} rows of {called} are equal: there is nothing to compare."
            clues.append(Clue("equal rows", sentence, severe=True))
        elif repeated > 0.01 * n:
            told = f"{repeated:,} of the {n:,} rows of {called} repeat another"
            clues.append(
                _copies_clue("duplicates", told, repeated / n, wonder=continuous[side])
            )
    same = np.array_equal(real, other)
    if same:
        sentence = "The data and the other sample hold the same rows: is it one file twice?"
        clues.append(Clue("same rows", sentence, severe=fewest >= FEW_ROWS))
    elif across > 0.01 * fewest:
        told = f"{across:,} different rows occur in both"
        clues.append(
            _copies_clue("shared rows", told, across / fewest, wonder=all(continuous.values()))
        )
    return {"duplicates": {**copies, "across": across}, "same_rows": same}, clues


def _copies_clue(kind: str, told: str, portion: float, *, wonder: bool) -> Clue:
    """Such a portion of the rows are copies, which by chance would be a wonder or not."""
    why = "as may happen by chance where columns hold few different values;"
    if wonder:
        why = "which hardly happens by chance to numbers with all their decimals:"
    return Clue(
        kind,
        f"{told}, {why} copies are not independent draws.",
        severe=wonder and portion > 0.1,
    )


def _order_clues(rows: Flat, side: str, names: Sequence[str]) -> Iterator[Clue]:
    """Whether the row's number says something about its entries: Spearman's rho, and that of each row with the next.

    The latter is taken among rows all over the file (sorted, grouped, drifting) and among adjacent ones (a chain).
    """
    m = min(len(rows), IN_ORDER)
    if m <= SURE**2:
        return
    start, everywhere = (len(rows) - m) // 2, np.linspace(0, len(rows) - 1, m).astype(int)
    trend, chain = np.maximum(
        _rank_correlations(rows[everywhere]), _rank_correlations(rows[start : start + m])
    )
    found = np.maximum(trend, chain)
    columns = np.argsort(-found, kind="stable")[
        : np.count_nonzero(found * m**0.5 > SURE)
    ].tolist()
    if columns:
        how = (
            "in order of"
            if trend[columns[0]] > 0.9
            else "sorted, grouped or drifting, or like their neighbours, in"
        )
        rest = "if they were made label by label, or one from another, they may not be independent draws"
        yield Clue(
            "order", f"The rows of {SIDES[side]} are {how} {_several(names, columns)}; {rest}."
        )


def _rank_correlations(rows: Flat) -> Float[np.ndarray, "2 d"]:
    """How strongly, without a sign, each column goes with the row's number, and each row with the next."""
    m = len(rows)
    ranks, place, most = (
        stats.rankdata(rows, axis=0) - (m + 1) / 2,
        np.arange(m) - (m - 1) / 2,
        (m**2 - 1) / 12,
    )
    variance = np.mean(ranks**2, axis=0)
    # of a column with nearly all rows at one value the few others decide, and their correlation is not normal
    variance = np.where(variance > 0.15 * most, variance, np.inf)
    trend, chain = (
        place @ ranks / np.sqrt(variance * most),
        np.sum(ranks[1:] * ranks[:-1], axis=0) / variance,
    )
    return np.abs([trend, chain]) / m


def _spans(sides: Sequence[Values], show: Show) -> str:
    return _each(*(_span(values, show) for values in sides))


def _span(ordered: Values, show: Show) -> str:
    return f"from {show(ordered[0])} to {show(ordered[-1])}"


def _named(words: Sequence[str]) -> str:
    """Up to NAMED of these, and how many others there are: 'a, b or c', 'a, b, c or 9 others'."""
    named, others = list(words[:NAMED]), len(words) - NAMED
    named += [f"{others} other{'s' * (others > 1)}"] if others > 0 else []
    return " or ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)


def _filled(rows: Flat) -> Flat:
    """The rows, with the median of a column where it has something missing."""
    if rows.dtype.kind != "f" or not np.isnan(rows).any():
        return rows
    return np.where(
        np.isnan(rows),
        [np.median(known(column)) if known(column).size else 0 for column in rows.T],
        rows,
    )


def _each(real: str, other: str) -> str:
    return f"{real} in {SIDES['real']} and {other} in {SIDES['other']}"


def _of_each(real: float, other: float) -> str:
    return f"{_percent(real)} of {SIDES['real']} and {_percent(other)} of {SIDES['other']}"


def _number(value: Any) -> float:
    """As Python's own; 0.1 in float32 is 0.1, and -0.0 is 0."""
    return float(str(value)) + 0.0 if value.dtype.kind == "f" else int(value)


def _value(value: Any, show: Show) -> float | str:
    """A number as it is, and a date as it is written."""
    return _number(value) if show(value) == _shown(value) else show(value)


def _shown(value: Any) -> str:
    return f"{_number(value):.9g}"


def _percent(portion: float) -> str:
    return f"{100 * portion:.3g} %"


def _decimals_word(decimals: int) -> str:
    if decimals == 0:
        return "whole numbers only"
    more = " or more" if decimals == MOST_DECIMALS else ""
    return f"{decimals}{more} decimal{'s' * (decimals > 1)}"


def _several(names: Sequence[str], columns: Sequence[int]) -> str:
    """Up to NAMED of these columns by name, and how many others there are."""
    named, others = ", ".join(names[column] for column in columns[:NAMED]), len(columns) - NAMED
    return named if others <= 0 else f"{named} and {others} other{'s' * (others > 1)}"
