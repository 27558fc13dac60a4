"""What the numbers of a column give away: codes for missing values, constants, atoms, units and ranges."""

from collections.abc import Iterator, Sequence

import numpy as np

from onehalf.evaluation.checks.findings.formats import find_formats
from onehalf.evaluation.checks.findings.phrases import (
    APART,
    MOST_NAMED,
    SAMPLES,
    Show,
    in_each,
    is_implausible,
    name_some,
    of_each,
    percent,
)
from onehalf.evaluation.features.precision import NumberColumn, Values, compute_shares
from onehalf.evaluation.result import Finding

__all__ = ["find_in_column"]

CODES = (-9999, -999, -99, -9, -1, 99, 999, 9999)
"""What is often written for a missing value."""

FAR = 1000
"""The ratio of spreads from which the units are taken to differ."""

MOST_VALUES = 20
"""A column of numbers has few values if it has at most this many, ..."""

ROWS_A_VALUE = 10
"""... with this many rows for each on average."""


def find_in_column(
    name: str,
    real: NumberColumn,
    other: NumberColumn,
    atoms: Values,
    show: Show,
    *,
    of_table: bool,
) -> Iterator[Finding]:
    """All that one column gives away; what follows from another clue is not said again."""
    x, y = real.values, other.values
    for code in np.union1d(_find_codes(x), _find_codes(y)):
        rest = "far from every other value: if it marks a missing value, leave it empty before comparing"
        yield Finding(
            "missing code",
            f"{name} is {show(code)} in {of_each(compute_shares(x, code), compute_shares(y, code))}, {rest}.",
        )
    if real.is_constant or other.is_constant:
        yield _describe_constant(name, real, other, show)
        return
    yield from find_formats(name, real, other)
    for atom in atoms:
        held = float(compute_shares(x, atom)), float(compute_shares(y, atom))
        yield Finding(
            "atom",
            f"{name} is {show(atom)} in {of_each(*held)}.",
            severe=abs(held[0] - held[1]) > 0.5,
        )
    units = list(_find_units(name, x, y, show))
    yield from units
    if of_table and not units:
        yield from _find_beyond(name, x, y, show)


def _find_codes(ordered: Values) -> Values:
    """The CODES that lie far outside of all other values: none of these is within half a code of it."""
    coded = np.isin(ordered, CODES)
    rest = ordered[~coded]
    if len(np.unique(rest)) < 3:
        return rest[:0]
    codes = np.unique(ordered[coded]).astype(np.float64)
    return codes[
        np.maximum(float(rest[0]) - codes, codes - float(rest[-1])) >= np.abs(codes) / 2
    ]


def _describe_constant(
    name: str, real: NumberColumn, other: NumberColumn, show: Show
) -> Finding:
    """One of the two is constant, or both."""
    here, there = SAMPLES.values()
    constant, varied = real, other
    if not real.is_constant:
        here, there, constant, varied = there, here, other, real
    value, held = show(constant.values[0]), compute_shares(varied.values, constant.values[0])
    if held == 1:
        return Finding(
            "constant", f"{name} is {value} in every row of both, which is harmless."
        )
    where = f"{value} in every row of {here}, and in {percent(held)} of {there}"
    return Finding(
        "constant",
        f"{name} is {where}{f': {APART}' if held < 0.5 else ''}.",
        severe=bool(held < 0.5),
    )


def _find_units(name: str, x: Values, y: Values, show: Show) -> Iterator[Finding]:
    """Ranges that do not meet, or middle halves of which one is far wider."""
    middles = [values[[len(values) // 4, 3 * len(values) // 4]] for values in (x, y)]
    spreads = [float(high) - float(low) for low, high in middles]
    if max(x[0], y[0]) > min(x[-1], y[-1]):
        yield Finding(
            "apart",
            f"{name} goes {_spans((x, y), show)}: {APART}. Are they in the same units?",
            severe=True,
        )
    elif max(spreads) > FAR * min(spreads) > 0:
        sentence = f"The middle half of {name} goes {_spans(middles, show)}: are they in the same units?"
        yield Finding("scale", sentence, severe=True)


def _find_beyond(name: str, x: Values, y: Values, show: Show) -> Iterator[Finding]:
    """Values that are none of the few that the data have, or else beyond one of the two ranges."""
    few = np.unique(x)
    strange = (
        y[~np.isin(y, few)]
        if MOST_VALUES * ROWS_A_VALUE >= len(few) * ROWS_A_VALUE <= len(x)
        else y[:0]
    )
    if is_implausible(len(strange), len(y), len(x)):
        values = (
            f"only {name_some([show(value) for value in few])}"
            if len(few) <= MOST_NAMED
            else f"only {len(few)} values"
        )
        portion, first = len(strange) / len(y), show(strange[len(strange) // 2])
        others = f"{percent(portion)} of the other sample are others, such as {first}"
        sentence = f"{name} takes {values} in the data; {others}"
        yield Finding(
            "values", sentence + (f": {APART}." if portion > 0.5 else "."), severe=portion > 0.5
        )
        return
    for side, mine, theirs in (("other", y, x), ("real", x, y)):
        beyond = mine[(mine < theirs[0]) | (mine > theirs[-1])]
        if is_implausible(len(beyond), len(mine), len(theirs)):
            span = f"goes {_span(theirs, show)} in {SAMPLES['real' if side == 'other' else 'other']}"
            outside = f"{percent(len(beyond) / len(mine))} of {SAMPLES[side]} lie outside"
            rest = f"{outside}, where it goes {_span(mine, show)}"
            yield Finding("range", f"{name} {span}; {rest}.")


def _spans(sides: Sequence[Values], show: Show) -> str:
    return in_each(*(_span(values, show) for values in sides))


def _span(ordered: Values, show: Show) -> str:
    return f"from {show(ordered[0])} to {show(ordered[-1])}"
