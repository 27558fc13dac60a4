"""Two samples to be compared, as encoded rows; and checks of arrays, samplers, levels and seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from onehalf._errors import refuse
from onehalf.data.arrays.validation import Rows, check, to_array
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.rows import EvaluationRows

__all__ = [
    "MOST_INDEPENDENT",
    "MOST_PAST",
    "SAMPLES_PER_ROW",
    "KeyColumn",
    "NamedArray",
    "PastRows",
    "PlacedRows",
    "Samples",
    "Stream",
    "Streams",
    "TypePair",
    "check_alpha",
    "check_count",
    "check_seed",
    "choose_past",
    "choose_samples_per_row",
    "draw",
    "draw_array",
    "is_pair",
    "read_array",
    "settle_past",
]

SAMPLES_PER_ROW = 10
"""Samples for each real row where a sampler makes them."""

MOST_SAMPLES = 1_000_000
"""The most samples in all."""

MOST_ENTRIES = 2**29
"""The most numbers in all samples."""


MOST_PAST = 20_000
"""The most rows of the past on each side."""

MOST_INDEPENDENT = 100_000
"""The most samples that are drawn without regard to labels."""


class TypePair(NamedTuple):
    """The types of a column in the data and in the other sample, in words."""

    column: str
    real: str
    other: str


class KeyColumn(NamedTuple):
    """A column of ids that are all different in the data."""

    column: str
    rows: int
    """Rows of the other sample."""
    repeats: int
    """Those of them whose id is missing, or the id of an earlier row."""


class PastRows(NamedTuple):
    """Rows of both sides that were settled before the test: critics learn from them, and do not bet on them."""

    real: EvaluationRows
    other: EvaluationRows
    """Samples that are not among those that are bet on; `matched` ones have the labels of these real rows. None of
    them: some of the other sample are set aside."""


class Stream(NamedTuple):
    """One side of a comparison of more rows than fit into memory, of which some were drawn at random."""

    n: int
    """All rows."""
    numbers: Int[np.ndarray, " drawn"]
    """The numbers of the rows that were drawn, from 0."""
    read: "Callable[[], Iterator[PlacedRows]]"
    """Reads the rows that were not drawn."""


class PlacedRows(NamedTuple):
    """A batch of encoded rows, and the place of each in a random order of all rows."""

    places: Int[np.ndarray, " batch"]
    """Those that were drawn have the first places."""
    rows: EvaluationRows


class Streams(NamedTuple):
    """Both sides, if they are streams."""

    real: Stream
    other: Stream
    batch_size: int
    """The most rows of a batch."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What is compared: encoded rows, and how they are seen."""

    real: EvaluationRows
    other: EvaluationRows
    """If the samples are `matched`, as many for each real row, one after the other."""
    train: EvaluationRows | None = None
    """The rows that the generator was trained on."""
    free: EvaluationRows | None = None
    """Samples that were made without regard to the labels of the real rows; None means `other`."""
    past: PastRows | None = None
    """What critics learn from besides the test rows."""
    encoder: FeatureEncoder
    given: tuple[str, ...] = ()
    """The names of the labels of each real row which its own samples were made for."""
    left_out: tuple[str, ...] = ()
    """Columns of a table that are not compared."""
    unlabelled: tuple[str, ...] = ()
    """The sides that have no labels, where others have some, which then are not compared."""
    types: tuple[TypePair, ...] = ()
    """The types of columns that both have."""
    keys: tuple[KeyColumn, ...] = ()
    """The columns of ids that both have, if they are all different in the data."""
    encode: Callable[[str, Any], EvaluationRows] | None = None
    """Encodes further rows of a side, as the user has them, without labels: a word that no row here has is missing."""
    streams: Streams | None = None
    """Where the rows come from, if they are some of many."""

    @property
    def matched(self) -> bool:
        """Whether each real row has samples of its own."""
        return bool(self.given)

    @property
    def independent(self) -> EvaluationRows:
        """Samples that do not depend on the real rows."""
        return self.other if self.free is None else self.free


class NamedArray(NamedTuple):
    """An array, and the names of its columns, none if there are none."""

    names: tuple[str, ...]
    x: Rows


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


def check_count(what: str, rows: Any, n: int) -> None:
    """Refuse another number of rows than a sampler was asked for."""
    if len(rows) != n:
        refuse(what, expected=f"{n:,} rows when asked for {n:,}", got=f"{len(rows):,}")


def choose_samples_per_row(n: int, columns: int = 1) -> int:
    """The samples that are drawn for each of n real rows of this many columns."""
    return max(1, min(SAMPLES_PER_ROW, MOST_SAMPLES // n, MOST_ENTRIES // (n * columns)))


def read_array(what: str, rows: Any, like: NamedArray | None = None) -> NamedArray:
    """Names and checked rows, of the columns and the shape that they are compared with; one axis is one column.

    Columns of a frame are put into the order of the other frame's.
    """
    names = tuple(map(str, rows.columns)) if hasattr(rows, "columns") else ()
    if like and names and like.names and names != like.names:
        if set(names) != set(like.names):
            refuse(
                what,
                expected=f"the columns of the data, {', '.join(like.names)}",
                got=", ".join(names),
            )
        rows, names = rows[list(like.names)], like.names
    array = to_array(what, rows)
    array = check(what, array[:, None] if array.ndim == 1 else array)
    if like and array.shape[1:] != like.x.shape[1:]:
        sizes = array.ndim > 2 and array.shape[1:3] != like.x.shape[1:3]
        hint = "Bring all images to one size (--size)." if sizes else ""
        refuse(
            what,
            expected=f"rows of the data's shape {like.x.shape[1:]}",
            got=array.shape[1:],
            hint=hint,
        )
    return NamedArray(names, array)


def choose_past(seed: int, n_train: int, columns: int = 1) -> Int[np.ndarray, " past"]:
    """The training rows of this many columns that critics learn from, in a random order.

    >>> len(choose_past(0, 50_000)), len(choose_past(0, 50_000, columns=512 * 512 * 3))
    (20000, 682)
    """
    most = max(1, min(MOST_PAST, MOST_ENTRIES // columns))
    return np.random.default_rng([seed, 6]).permutation(n_train)[:most]


def settle_past(
    train: EvaluationRows | None,
    places: Int[np.ndarray, " past"],
    drawn: EvaluationRows | None,
    given: tuple[str, ...],
) -> PastRows | None:
    """Training rows at these places, and the samples that were drawn for critics to learn from.

    Where none were drawn, some of the other sample can be set aside later, unless each was made for a real row.
    """
    if train is None or (drawn is None and given):
        return None
    return PastRows(train[places], train[:0] if drawn is None else drawn)


def draw(sampler: Any, n: int, seed: int, given: Any = None) -> Any:
    """What a sampler makes when it is asked for n rows, or for one of each of these labels.

    Args:
        sampler: a fitted `GAN`, or anything else with its `sample`, or a function from n to n rows.
        n: the number of rows.
        seed: what settles the rows, if the sampler takes one.
        given: labels, one for each row that is wanted.
    """
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


def draw_array(sampler: Any, n: int, seed: int, like: NamedArray) -> Rows:
    """N rows of a sampler, checked; labels that come with them are dropped."""
    drawn = draw(sampler, n, seed)
    x = read_array("sampler", drawn[0] if is_pair(drawn) else drawn, like).x
    check_count("sampler", x, n)
    return x


def is_pair(rows: Any) -> bool:
    """Whether these are rows and their labels, (X, y)."""
    return isinstance(rows, tuple) and len(rows) == 2
