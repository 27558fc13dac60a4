"""What a measurement is handed: arrays, frames, samplers, levels and seeds, checked before anything is begun."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from onehalf._errors import refuse
from onehalf.data.arrays.scaler import Rows
from onehalf.data.arrays.validation import check, numbered
from onehalf.data.labels import Labels, paired
from onehalf.data.tables.encoding import NOT_CODED, TableEncoder
from onehalf.data.tables.reader import is_frame, table_of
from onehalf.data.tables.schema import Schema
from onehalf.evaluation.features.view import Entries
from onehalf.evaluation.wording import SIDES

__all__ = [
    "FRESH",
    "Samples",
    "check_alpha",
    "check_seed",
    "flat",
    "made",
    "read",
    "samples",
    "shown",
]

FRESH, MOST_FRESH, MOST_ENTRIES, MOST_FREE = 10, 1_000_000, 2**29, 100_000
"""Samples for each real row where a sampler makes them; at most so many in all, and so many numbers; at most so many
under no condition."""

BATCH = 1000
"""Rows whose features are asked for at a time."""

Extra = Callable[[Any], Any] | Mapping[str, Any] | None
"""Features: a function of rows, or arrays by side."""

FEW = 32
"""Rows whose features are asked for twice."""

Named = tuple[tuple[str, ...], Rows]
"""The names of the columns, none if there are none, and the rows."""


def check_alpha(alpha: Any) -> float:
    """A level from a millionth to one half.

    >>> check_alpha(0.05)
    0.05
    """
    if not isinstance(alpha, int | float | np.number) or not 1e-6 <= alpha <= 0.5:
        refuse("alpha", expected="a number from 0.000001 to 0.5", got=repr(alpha))
    return float(alpha)


def check_seed(seed: Any) -> int:
    """A whole number that both NumPy and JAX take as a seed."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        refuse("seed", expected="a whole number from 0 to 2^63 - 1", got=repr(seed))
    return int(seed)


Flat = Float[np.ndarray, "_ columns"]


@dataclass(frozen=True)
class Samples:
    """What is compared, as rows of numbers; tables as cells, with their coding."""

    names: tuple[str, ...]
    real: Rows
    other: Rows
    train: Rows | None
    free: Rows
    """The other rows, or as good ones that a sampler made without a look at the labels of the real ones."""
    coding: TableEncoder | None = None
    given: tuple[str, ...] = ()
    """The labels of each real row, which its own other rows were made for."""
    left_out: tuple[str, ...] = ()
    """Columns that are not compared."""
    entries: Entries | None = None
    """What a row is, of pictures and of arrays with labels or features."""
    features: Mapping[str, Float[np.ndarray, "_ features"]] = field(default_factory=dict)
    """Of the rows of each side, if there are any."""
    labels: Mapping[str, Labels] = field(default_factory=dict)
    """Of the rows of each side, if all sides have some."""
    unlabelled: tuple[str, ...] = ()
    """The sides that have no labels, where others have some, which then are not compared."""

    @property
    def seen_as(self) -> TableEncoder | Entries | None:
        """How critics are to read a row."""
        return self.coding or self.entries

    @cached_property
    def classes(self) -> Labels:
        """All labels that occur, in order."""
        return (
            np.unique(np.concatenate(list(self.labels.values())))
            if self.labels
            else np.empty(0, int)
        )

    def flat(self, what: str, instead: Rows | None = None) -> Flat:
        """The rows of a side as critics see them: an array, or what stands in its place, its features, its class.

        Pixels of 16 bits and less and of single precision need no more than that, if there are no features.
        """
        rows = getattr(self, what) if instead is None else instead
        if self.entries is None:
            return flat(rows)
        narrow = self.entries.are_pixels and not self.features
        kind = np.result_type(
            *(getattr(self, side).dtype for side in self.sides),
            np.float32 if narrow else np.float64,
        )
        parts = [rows.reshape(len(rows), -1)]
        parts += [self.features[what]] if self.features else []
        parts += (
            [np.searchsorted(self.classes, self.labels[what])[:, None]] if self.labels else []
        )
        return (
            np.concatenate([part.astype(kind) for part in parts], axis=1)
            if parts[1:]
            else parts[0].astype(kind)
        )

    @property
    def sides(self) -> tuple[str, ...]:
        """Those that there are."""
        return ("real", "other") if self.train is None else ("real", "other", "train")


def samples(
    real: Any,
    other: Any,
    train: Any,
    sampler: Any,
    schema: Schema | None,
    seed: int,
    features: Extra = None,
) -> Samples:
    """The samples that `measure` was handed, read and checked against each other."""
    if (other is None) == (sampler is None):
        refuse(
            "other",
            expected="one of other and sampler",
            got="none" if other is None else "both",
        )
    asked = {
        what: rows for what, rows in (("other", other), ("train", train)) if rows is not None
    }
    if is_frame(real):
        if features is not None:
            refuse("features", expected="an array to go with them", got="a table")
        return _tables(table_of(real, to_learn=schema is None), asked, sampler, schema, seed)
    for what, rows in asked.items():
        if is_frame(rows):
            refuse(what, expected="an array, as the data are", got="a table")
    if schema is not None:
        refuse("schema", expected="a table to go by it", got="an array")
    return _arrays({"real": real, **asked}, sampler, features, seed)


def _arrays(asked: dict[str, Any], sampler: Any, features: Extra, seed: int) -> Samples:
    labels: dict[str, Labels] = {}
    data = names, real = _parted("real", asked["real"], labels)
    rows = {"real": real} | {
        what: _parted(what, asked[what], labels, data)[1] for what in asked if what != "real"
    }
    given = ()
    if sampler is not None:
        n, each = len(real), fresh(*real.reshape(len(real), -1).shape)
        given = tuple(getattr(sampler, "labels_", ())) if "real" in labels else ()
        wanted = np.repeat(labels["real"], each) if given else None
        rows["other"] = _parted(
            "sampler", _asked(sampler, n * each, seed, wanted), labels, data, "other", n * each
        )[1]
        if wanted is not None:
            if not np.array_equal(labels.get("other", ()), wanted):
                refuse("sampler", expected="rows of the labels that it was given", got="others")
            most = min(n * each, MOST_FREE)
            rows["free"] = _parted(
                "sampler", _asked(sampler, most, seed + 1), labels, data, "free", most
            )[1]
    unlabelled = tuple(what for what in rows if what not in labels) if labels else ()
    words = {what for what, each in labels.items() if each.dtype.kind == "U"}
    if not unlabelled and 0 < len(words) < len(labels):
        refuse(
            "the labels",
            expected="words on all sides, or numbers",
            got=f"words with {SIDES[min(words)]} only",
        )
    labels = {} if unlabelled else labels
    extra = _features(features, rows, sampler) if features is not None else {}
    entries = Entries(
        real.shape[1:], extra["real"].shape[1] if extra else 0, labelled=bool(labels)
    )
    return Samples(
        names or numbered(real.shape[1:]),
        real,
        rows["other"],
        rows.get("train"),
        rows.get("free", rows["other"]),
        given=given,
        entries=entries if entries.are_pixels or extra or labels else None,
        features=extra,
        labels=labels,
        unlabelled=unlabelled,
    )


def _parted(
    what: str,
    rows: Any,
    labels: dict[str, Labels],
    like: Named | None = None,
    side: str = "",
    n: int | None = None,
) -> Named:
    """Rows, read; labels that come with them, or with n rows that were made, go to their side."""
    rows, y = rows if isinstance(rows, tuple) and len(rows) == 2 else (rows, None)
    named = read(what, rows, like)
    if n is not None and len(named[1]) != n:
        refuse(what, expected=f"{n:,} rows when asked for {n:,}", got=f"{len(named[1]):,}")
    if y is not None:
        labels[side or what] = paired(f"the labels of {SIDES[side or what]}", named[1], y).y
    return named


def _features(
    features: Extra, rows: Mapping[str, Rows], sampler: Any
) -> dict[str, Float[np.ndarray, "_ features"]]:
    """The features of each side's rows, checked."""
    if isinstance(features, Mapping):
        if sampler is not None:
            refuse(
                "features",
                expected="a function of rows, for a sampler makes new ones",
                got="arrays",
            )
        if set(features) != set(rows):
            refuse(
                "features",
                expected=f"arrays for {', '.join(rows)}",
                got=", ".join(map(str, features)) or "none",
            )
        found = {what: np.asarray(features[what]) for what in rows}
    elif callable(features):
        found = {
            what: np.concatenate(
                [
                    np.asarray(features(each[start : start + BATCH]))
                    for start in range(0, len(each), BATCH)
                ]
            )
            for what, each in rows.items()
        }
    else:
        refuse(
            "features",
            expected="a function of rows, or arrays by side",
            got=type(features).__name__,
        )
    for what, each in found.items():
        check(f"the features of {SIDES[what]}", each)
        wanted = (len(rows[what]), found["real"].shape[1])
        if each.shape != wanted:
            refuse(f"the features of {SIDES[what]}", expected=f"shape {wanted}", got=each.shape)
        if callable(features):
            _check_alone(features, rows[what], each)
    return found


def _check_alone(features: Callable[[Any], Any], rows: Rows, found: np.ndarray) -> None:
    """Refuse a function whose value at a row depends on the rows beside it, on their order, or on chance."""
    some = np.unique(np.linspace(len(rows) - 1, 0, FEW).astype(int))[::-1]
    again, first = np.asarray(features(rows[some])), found[some]
    if again.shape != first.shape or not np.allclose(
        again, first, rtol=1e-3, atol=1e-3 * float(np.std(first))
    ):
        hint = "A network is to be in its mode for evaluation, model.eval() in PyTorch."
        refuse(
            "features",
            expected="the same features for a row, whatever stands beside it",
            got="others",
            hint=hint,
        )


def fresh(n: int, columns: int = 1) -> int:
    """Samples for each of n real rows of so many columns."""
    return max(1, min(FRESH, MOST_FRESH // n, MOST_ENTRIES // (n * columns)))


def _tables(
    real: pa.Table, asked: dict[str, Any], sampler: Any, schema: Schema | None, seed: int
) -> Samples:
    for what, rows in asked.items():
        if not is_frame(rows):
            refuse(what, expected="a table, as the data are", got="an array")
    tables = {what: table_of(rows, to_learn=False) for what, rows in asked.items()}
    n, each, given = len(real), fresh(len(real)), tuple(getattr(sampler, "labels_", ()))
    if sampler is not None:
        if given:
            labels = real.select(given).take(np.repeat(np.arange(n), each))
            tables["other"] = _drawn(sampler, n * each, seed, labels)
            tables["free"] = _drawn(sampler, min(n * each, MOST_FREE), seed + 1)
        else:
            tables["other"] = _drawn(sampler, n * each, seed)
    extra = [
        name
        for what, table in tables.items()
        for name in _check_columns(what, table, real, schema)
    ]
    coding = TableEncoder.of(real, *tables.values(), schema=schema)
    tables = {"real": real, **tables}
    cells = {what: coding.rows(table, what) for what, table in tables.items()}
    _same_precision(cells, tables, coding)
    for rows in cells.values():
        rows[np.isnan(rows)] = np.nan  # of one sign, so that equal rows have equal hashes
    places = [coding.names.index(name) for name in given if name in coding.names]
    if given and not np.array_equal(
        np.repeat(cells["real"][:, places], each, axis=0),
        cells["other"][:, places],
        equal_nan=True,
    ):
        refuse("sampler", expected="rows of the labels that it was given", got="others")
    left_out = tuple(dict.fromkeys([*coding.left_out, *extra]))
    free = cells.get("free", cells["other"])
    return Samples(
        coding.names,
        cells["real"],
        cells["other"],
        cells.get("train"),
        free,
        coding,
        given,
        left_out,
    )


def _asked(sampler: Any, n: int, seed: int, given: Any = None) -> Any:
    """What a sampler makes when it is asked for n rows, or for one of each of these labels."""
    if given is not None:
        return sampler.sample(given=given, random_state=seed)
    if hasattr(sampler, "sample"):
        return sampler.sample(n, random_state=seed)
    if not callable(sampler):
        refuse(
            "sampler",
            expected="a fitted GAN or a function from n to n rows",
            got=type(sampler).__name__,
        )
    return sampler(n)


def _drawn(sampler: Any, n: int, seed: int, given: pa.Table | None = None) -> pa.Table:
    """What a sampler of tables makes: n rows, or one for each row of labels."""
    rows = _asked(sampler, n, seed, given)
    if not is_frame(rows):
        refuse("sampler", expected="a table, as the data are", got=type(rows).__name__)
    table = table_of(rows, to_learn=False)
    if len(table) != n:
        refuse("sampler", expected=f"{n:,} rows when asked for {n:,}", got=f"{len(table):,}")
    return table


def _check_columns(
    what: str, table: pa.Table, real: pa.Table, schema: Schema | None
) -> list[str]:
    """Refuse a table that lacks a column of the data, or has another one; ids and free text do not matter.

    The other ones that do not matter are given back.
    """
    lacking = [name for name in real.column_names if name not in table.column_names]
    kinds = (
        {
            column.name: column.kind
            for column in (schema or Schema.of(real.select(lacking))).columns
        }
        if lacking
        else {}
    )
    for name in lacking:
        if kinds.get(name) not in NOT_CODED:
            nearest = difflib.get_close_matches(name, table.column_names, n=1, cutoff=0.5)
            hint = f"Is it {nearest[0]!r}?" if nearest else ""
            refuse(what, expected=f"a column {name!r}, as the data have", got="none", hint=hint)
    extra = [name for name in table.column_names if name not in real.column_names]
    for column in Schema.of(table.select(extra)).columns if extra else ():
        if column.kind not in NOT_CODED:
            hint = "Remove it, or add it to the data."
            refuse(
                what,
                expected="the columns of the data",
                got=f"{column.name!r} besides",
                hint=hint,
            )
    return extra


def _same_precision(
    cells: dict[str, Rows], tables: dict[str, pa.Table], coding: TableEncoder
) -> None:
    """What is float32 in one table becomes in all of them the number that is written: 0.1, and not 0.10000000149."""
    for place, about in enumerate(coding.columns):
        if about.kind not in ("integer", "continuous"):
            continue
        types = [table.schema.field(about.name).type for table in tables.values()]
        if not any(
            is_coarse(each)
            for each in types
            for is_coarse in (pa.types.is_float16, pa.types.is_float32)
        ):
            continue
        coarser = np.float16 if any(map(pa.types.is_float16, types)) else np.float32
        low, high = float(np.finfo(coarser).min), float(np.finfo(coarser).max)
        for rows in cells.values():
            values, where = np.unique(
                np.clip(rows[:, place], low, high).astype(coarser), return_inverse=True
            )
            rows[:, place] = np.array([float(str(value)) for value in values])[where]


def read(what: str, rows: Any, like: Named | None = None) -> Named:
    """Names and checked rows, of the columns and the shape that they are compared with; one axis is one column.

    Columns of a frame are put into the order of the other frame's.
    """
    names = tuple(map(str, rows.columns)) if hasattr(rows, "columns") else ()
    if like and names and like[0] and names != like[0]:
        if set(names) != set(like[0]):
            refuse(
                what,
                expected=f"the columns of the data, {', '.join(like[0])}",
                got=", ".join(names),
            )
        rows, names = rows[list(like[0])], like[0]
    try:
        array = np.asarray(rows)
    except ValueError:
        refuse(
            what,
            expected="one row an example, all of one length",
            got="rows of several lengths",
        )
    array = check(what, array[:, None] if array.ndim == 1 else array)
    if like and array.shape[1:] != like[1].shape[1:]:
        sizes = array.ndim > 2 and array.shape[1:3] != like[1].shape[1:3]
        hint = "Bring all pictures to one size (--size)." if sizes else ""
        refuse(
            what,
            expected=f"rows of the data's shape {like[1].shape[1:]}",
            got=array.shape[1:],
            hint=hint,
        )
    return names, array


def made(sampler: Any, n: int, seed: int, like: Named) -> Rows:
    """What a sampler makes when it is asked for n rows: a fitted `GAN`, from this seed, or a function of n."""
    return _parted("sampler", _asked(sampler, n, seed), {}, like, n=n)[1]


def shown(coding: TableEncoder, column: int, cell: Any) -> str:
    """A cell as a person reads it: the word, the date, or the number, to nine digits.

    >>> shown(TableEncoder.of(pa.table({"inches": [14, 15]})), 0, 14.6)
    '14.6'
    """
    is_number = coding.columns[column].kind in ("integer", "continuous") and not np.isnan(cell)
    return f"{cell + 0.0:.9g}" if is_number else coding.shown(column, cell)


def flat(rows: Rows) -> Flat:
    """Rows as float64 vectors."""
    return rows.reshape(len(rows), -1).astype(np.float64)
