"""What makes two samples trivially different, or their rows no independent draws: looked for before any critic is."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.evaluation.checks.findings.copies import find_copies
from onehalf.evaluation.checks.findings.numbers import find_in_column
from onehalf.evaluation.checks.findings.order import find_order
from onehalf.evaluation.checks.findings.phrases import (
    MOST_NAMED,
    SAMPLES,
    Show,
    as_value,
    name_columns,
)
from onehalf.evaluation.checks.findings.words import (
    count_lone_words,
    find_lone_words,
    find_missing,
)
from onehalf.evaluation.features.base import Columns, PlainColumns
from onehalf.evaluation.features.image_properties import sample_pixels
from onehalf.evaluation.features.precision import (
    NumberColumn,
    Values,
    compute_shares,
    drop_missing,
    find_lone_atoms,
    match_precision,
)
from onehalf.evaluation.result import (
    Atom,
    Audit,
    ColumnFacts,
    Finding,
    FlagPair,
    IntegerPair,
    NumberPair,
    WordShare,
)

__all__ = ["audit_samples"]

Flat = Shaped[np.ndarray, "_ d"]

MOST_LISTED = 100
"""The most columns, and words of a column, that are listed."""

PIXEL = "A pixel"
"""The name of the column of all pixels."""

FIRST = ("values", "dropped", "invented", "missing")
"""Kinds of findings that come before the others."""


class _Described(NamedTuple):
    """What the audit found out about one column."""

    findings: list[Finding]
    facts: ColumnFacts
    continuous: tuple[bool, bool]
    """Whether two equal values would be implausible, in the data and in the other sample."""


def audit_samples(
    real: Rows,
    other: Rows,
    columns: Columns,
    *,
    described: tuple[Flat, Flat] | None = None,
) -> Audit:
    """What a critic would see without learning anything: decimals, atoms, constants, copies, order and units.

    `columns` are those of a row's entries.

    Two number types are compared at the coarser one's precision. Of the cells of a table it also
    says what is missing, which words and ranges are found on one side only, and which numbers are
    none of the few that the data have; `columns` has each column's kind, and of words the share of those on one side.

    Of images, of which `columns` say what is `described`, all pixels are one column: they share a unit and a way to
    be written. Their order is judged by what is described.

    >>> rng = np.random.default_rng(0)
    >>> prices = rng.uniform(1, 9, size=(1000, 1))
    >>> audit_samples(prices.round(2), prices, PlainColumns(("price",))).findings[0].sentence
    'price has 2 decimals in the data and 9 or more decimals in the other sample: that alone tells them apart.'
    """
    findings: list[Finding] = []
    if real.dtype != other.dtype:
        rest = "Both are read at the coarser precision, so this alone is harmless"
        types = f"The data are {real.dtype} and the other sample is {other.dtype}"
        findings.append(Finding("type", f"{types}. {rest}."))
    entries = PlainColumns((PIXEL,)) if described else columns
    sides = (real, other) if entries.have_kinds else match_precision(real, other)
    x, y = (rows.reshape(len(rows), -1) for rows in sides)
    in_order = described or (_fill_missing(x), _fill_missing(y))
    names = columns.names
    if len(names) != in_order[0].shape[1]:
        refuse(
            "names",
            expected=f"{in_order[0].shape[1]} of them, one an entry of a row",
            got=len(names),
        )
    of_each = (
        [(sample_pixels(x)[:, 0], sample_pixels(y)[:, 0])]
        if described
        else zip(x.T, y.T, strict=True)
    )
    audited = [
        _describe_column(of_x, of_y, number, entries)
        for number, (of_x, of_y) in enumerate(of_each)
    ]
    of_columns = [
        (number, finding) for number, each in enumerate(audited) for finding in each.findings
    ]
    continuous = {
        side: any(each.continuous[place] for each in audited)
        for place, side in enumerate(SAMPLES)
    }
    duplicates, same_rows, of_copies = find_copies(x, y, continuous)
    findings += [*_gather(names, of_columns), *of_copies]
    for rows, side in zip(in_order, SAMPLES, strict=True):
        findings += find_order(rows, side, names)
    listed = tuple(each.facts for each in audited[:MOST_LISTED])
    return Audit(
        columns=listed,
        columns_listed=len(listed),
        duplicates=duplicates,
        same_rows=same_rows,
        findings=tuple(sorted(findings, key=_rank)),
        format_differs=any(
            finding.kind in ("decimals", "negative zero") for _, finding in of_columns
        ),
    )


def _rank(finding: Finding) -> tuple[bool, int]:
    """What is severe comes first, then what only tables have, the plainest first."""
    return not finding.severe, FIRST.index(finding.kind) if finding.kind in FIRST else len(
        FIRST
    )


def _describe_column(x: Values, y: Values, number: int, columns: Columns) -> _Described:
    """Find what one column gives away, and list its facts."""
    name, show = columns.names[number], functools.partial(columns.show, number)
    if not columns.have_kinds:
        return _describe_numbers(ColumnFacts(name=name), x, y, show, of_table=False)
    n, m = len(x), len(y)
    missing = float(np.isnan(x).mean()), float(np.isnan(y).mean())
    findings = list(find_missing(name, *missing, n, m))
    facts = ColumnFacts(
        name=name,
        kind=columns.kind(number),
        missing=NumberPair(real=missing[0], other=missing[1]),
    )
    x, y = drop_missing(x), drop_missing(y)
    if columns.is_category(number):
        lone = count_lone_words(x, y, n, m)
        findings += find_lone_words(name, lone, show)
        shares = {kind: _list_words(*words, show) for kind, words in lone.items()}
        return _Described(findings, dataclasses.replace(facts, **shares), (False, False))
    if not len(x) or not len(y):
        return _Described(findings, facts, (False, False))
    numbers = _describe_numbers(facts, x, y, show, of_table=True)
    return numbers._replace(findings=[*findings, *numbers.findings])


def _describe_numbers(
    facts: ColumnFacts, x: Values, y: Values, show: Show, *, of_table: bool
) -> _Described:
    """Find what the numbers of a column give away."""
    real, other = NumberColumn.fit(x), NumberColumn.fit(y)
    atoms = find_lone_atoms(real, other)
    findings = find_in_column(facts.name, real, other, atoms, show, of_table=of_table)
    return _Described(
        list(findings),
        _list_facts(facts, real, other, atoms, show),
        (real.is_continuous, other.is_continuous),
    )


def _list_words(words: Values, shares: Values, show: Show) -> tuple[WordShare, ...]:
    """The words that one side alone has, as the result lists them."""
    pairs = zip(words[:MOST_LISTED], shares[:MOST_LISTED], strict=True)
    return tuple(WordShare(value=show(word), share=float(each)) for word, each in pairs)


def _list_facts(
    facts: ColumnFacts, real: NumberColumn, other: NumberColumn, atoms: Values, show: Show
) -> ColumnFacts:
    """One column of numbers, as the result lists it."""
    return dataclasses.replace(
        facts,
        decimals=IntegerPair(real=real.decimals, other=other.decimals),
        whole=NumberPair(real=_share_whole(real.values), other=_share_whole(other.values)),
        atoms=tuple(
            Atom(
                value=as_value(atom, show),
                real=float(compute_shares(real.values, atom)),
                other=float(compute_shares(other.values, atom)),
            )
            for atom in atoms
        ),
        constant=FlagPair(real=real.is_constant, other=other.is_constant),
    )


def _share_whole(values: Values) -> float:
    """The share of whole numbers."""
    return float(np.mean(values == np.rint(values)))


def _gather(
    names: Sequence[str], of_columns: Iterable[tuple[int, Finding]]
) -> Iterator[Finding]:
    """A sentence a column, or one for all of a kind where there are more than MOST_NAMED."""
    alike: dict[tuple[str, bool], list[tuple[int, Finding]]] = {}
    for column, finding in of_columns:
        alike.setdefault((finding.kind, finding.severe), []).append((column, finding))
    for findings in alike.values():
        columns = list(dict.fromkeys(column for column, _ in findings))
        first = findings[0][1]
        if len(columns) > MOST_NAMED:
            where = (
                f"In {len(columns)} of {len(names)} columns ({name_columns(names, columns)})"
            )
            yield dataclasses.replace(
                first, sentence=f"{where} this or the like is so: {first.sentence}"
            )
        else:
            yield from (finding for _, finding in findings)


def _fill_missing(rows: Flat) -> Flat:
    """The rows, with the median of a column where it has something missing."""
    if rows.dtype.kind != "f" or not np.isnan(rows).any():
        return rows
    return np.where(
        np.isnan(rows),
        [
            np.median(drop_missing(column)) if drop_missing(column).size else 0
            for column in rows.T
        ],
        rows,
    )
