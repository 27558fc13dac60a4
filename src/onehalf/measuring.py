"""The door to a measurement: arrays, data frames and samplers are parsed once, and then compared."""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onehalf._errors import Refusal, refuse
from onehalf._text import join_names
from onehalf.data.dataset import from_objects
from onehalf.data.random_order import RandomOrder
from onehalf.data.sources import (
    BATCH_SIZE,
    MOST_IN_MEMORY,
    MemoryRows,
    Source,
    draw_rows,
    load_some,
    open_large,
    take,
)
from onehalf.data.tables.frames import is_data_frame, to_table
from onehalf.data.tables.schema import Schema
from onehalf.domains import find_domain
from onehalf.domains.array_samples import FeatureSource
from onehalf.evaluation.certificate.certificate import LEAST_ROWS
from onehalf.evaluation.checks.optional import check_optional
from onehalf.evaluation.checks.overlap import leave_out_trained, restore_rows
from onehalf.evaluation.checks.quick import check_quickly
from onehalf.evaluation.measurement import check_rows, compare
from onehalf.evaluation.ranking import rank_samples
from onehalf.evaluation.result import Measurement, QuickTable, Ranking, Steps
from onehalf.evaluation.samples import (
    PlacedRows,
    Samples,
    Stream,
    Streams,
    check_alpha,
    check_seed,
)
from onehalf.evaluation.steps import measure_checkpoints

__all__ = [
    "encode_samples",
    "encode_streams",
    "measure",
    "measure_steps",
    "open_large_sides",
    "quick_table",
    "rank",
]

MOST_DRAWN = 100_000
"""Rows that are drawn at random from each side that is read in batches."""

TURNS = {"real": 8, "other": 9}
"""What the random order of each side is drawn by, beside the seed."""


def measure(
    *,
    real: Any,
    other: Any = None,
    train: Any = None,
    sampler: Any = None,
    alpha: float = 0.05,
    seed: int = 0,
    optional: Sequence[str] = (),
    schema: Schema | None = None,
    target: str | None = None,
    features: FeatureSource = None,
    on_quick: Callable[[QuickTable], object] | None = None,
) -> Measurement:
    """How far two samples are apart at least, with a guarantee; where; and what such a test would have seen.

    `real` and `other` are arrays with one row an example, or tables: data frames of pandas, polars or pyarrow; or
    paths. A .npy file, or a Parquet file or a folder of them, of more than 200,000 rows is read in batches: critics
    learn from rows that are drawn at random and bet on all others (`streamed` in the result), so that memory does not
    grow with the rows. With `train` or a `sampler`, files are read at once; of more than a million rows, as many are
    drawn at random.
    `sampler` instead of `other` is anything that makes rows: a fitted `GAN`, or a function from n to n rows. Then each
    real row meets ten fresh samples in the (k+1)-way bet; if the sampler has labels (`labels_`), samples of the real
    row's own, and what is compared is the rest of a row given its labels. `train` are the rows that the generator saw:
    with them it is tested what was copied, and data against data is `real` against `train` rather than half of `real`
    against the other half. `real` must not hold them: those that it holds are left out, and `overlap` counts them.
    `optional` may name 'prdc' (precision, recall, density, coverage), 'fid' (the Fréchet
    distance, of arrays or of `features`), 'parzen' (the 2014 paper's log-likelihood) and
    'cells' (verified coverage).

    Of tables, the kinds of the columns are those of `real`, or of a `schema` that has been corrected. Ids and free text
    are left out, and need not be there; all other columns must be in both, in any order. A `target` asks how well a
    model that learned from the other sample guesses this column of the data, beside one that learned from data.

    Rows may have labels: `real=(X, y)`, and the others likewise. If all sides have some, a row is (x, label), and
    `classes` has the same class by class. Images, arrays of (h, w) or (h, w, colours), are compared as images.
    `features` is a function from rows to as many vectors (a classifier's last layer, say), so that all that is said
    holds for the rows alone; or such vectors by side, {'real': ..., 'other': ..., 'train': ...}, and then it is said of
    rows with theirs. What makes them must have learned from no row of `real`, and of `train` neither if copying is
    asked about. Critics see them beside the rows; neighbours, for copying and prdc, and cells are sought in them alone.

    `on_quick` is called with the result of `quick_table` before any critic learns. The rows are put in an order that
    depends on their values and the seed alone; which of the two is called real
    changes none of the numbers that compare them. A `ValueError` says in a sentence what is wrong with the input.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = measure(real=rng.normal(size=(1000, 1)), other=rng.normal(1.0, size=(1000, 1)))
    >>> found.jsd_lower, found.tv_lower                  # the true JSD is 0.111, the true TV 0.383
    (0.10..., 0.35...)
    """
    start = time.perf_counter()
    alpha, seed = check_alpha(alpha), check_seed(seed)
    optional = check_optional(optional)
    large = open_large_sides(real, other) if train is None and sampler is None else None
    if large:
        samples = encode_streams(large, schema, seed, features)
    else:
        real, other, train = map(read_path, (real, other, train))
        samples = encode_samples(real, other, train, sampler, schema, seed, features)
    samples, overlap, kept = leave_out_trained(samples, LEAST_ROWS)
    result = compare(
        samples, alpha=alpha, seed=seed, optional=optional, target=target, on_quick=on_quick
    )
    if samples.streams is None:
        result = restore_rows(result, kept)
    seconds = time.perf_counter() - start
    return dataclasses.replace(result, overlap=overlap, seconds=seconds)


def quick_table(
    *,
    real: Any,
    other: Any = None,
    sampler: Any = None,
    seed: int = 0,
    schema: Schema | None = None,
) -> QuickTable:
    """Compare two samples in about a second, column by column and pair by pair, without any guarantee.

    Each distance is shown beside its ceiling: the greatest distance of 19 pairs of samples of the same sizes that are
    drawn from the data. Rules that the data keep are checked too: types, ranges, words, ids that are all different,
    whole numbers, decimals, constants, and orders such as start <= end. No critics learn, so differences that need
    three or more columns go unseen, and nothing is said about copies: for these, see `measure`.

    Args:
        real: The data: an array, a pair of one and its labels, a table, or a path; a few rows are enough.
            Of more than 200,000 rows in a .npy or Parquet file, 100,000 are drawn at random.
        other: The other sample.
        sampler: What makes rows, instead of `other`.
        seed: Settles what is drawn.
        schema: The kinds of the columns, if they are not to be inferred.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> data = rng.integers(1, 7, size=(500, 2))
    >>> found = quick_table(real=data, other=rng.uniform(1, 7, size=(500, 2)))
    >>> found.columns[0].is_above, found.broken[0].rule
    (True, 'x1 is whole')
    """
    seed = check_seed(seed)
    large = open_large_sides(real, other) if sampler is None else None
    if large:
        return check_quickly(encode_streams(large, schema, seed, None), seed)
    real, other = map(read_path, (real, other))
    return check_quickly(encode_samples(real, other, None, sampler, schema, seed), seed)


def rank(
    *,
    real: Any,
    others: Mapping[str, Any],
    train: Any = None,
    alpha: float = 0.05,
    seed: int = 0,
    optional: Sequence[str] = (),
    schema: Schema | None = None,
    target: str | None = None,
) -> Ranking:
    """Measure several samples against the same data, and tell of each two which one is nearer, as far as critics see.

    Args:
        real: The data, as for `measure`.
        others: At least two samples by name, each as `other` of `measure`.
        train: The rows that the generators saw, none of them in `real`: what each sample copied is tested.
        alpha: The lower bounds on the JSD of all samples and all comparisons hold at once with confidence 1 - alpha.
        seed: Settles all that is drawn.
        optional: As for `measure`.
        schema: As for `measure`.
        target: As for `measure`.

    Raises:
        Refusal: The samples can't be compared; nothing has been computed yet.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, near, far = (rng.normal(mean, size=(100, 1)) for mean in (0, 0.1, 3))
    >>> (comparison,) = rank(real=real, others={"near": near, "far": far}).comparisons
    >>> comparison.nearer, comparison.at_least > 0.1
    ('near', True)
    """
    alpha, seed = check_alpha(alpha), check_seed(seed)
    optional = check_optional(optional)
    if len(others) < 2:
        refuse(
            "others",
            expected="at least 2 samples",
            got=len(others),
            hint="For one there is measure.",
        )
    samples = {
        name: _encode_named(name, real, rows, train, schema, seed)
        for name, rows in others.items()
    }
    return rank_samples(samples, alpha=alpha, seed=seed, optional=optional, target=target)


def measure_steps(
    *,
    real: Any,
    checkpoints: Mapping[int, Any],
    alpha: float = 0.05,
    seed: int = 0,
    schema: Schema | None = None,
) -> Steps:
    """Measure samples of several checkpoints, by step, against the same rows of data.

    Args:
        real: The data, as for `measure`.
        checkpoints: At least two samples, each as `other` of `measure`.
        alpha: All lower bounds hold at once with confidence 1 - alpha.
        seed: Settles all that is drawn.
        schema: As for `measure`.

    Raises:
        Refusal: The samples can't be compared; nothing has been computed yet.
    """
    alpha, seed = check_alpha(alpha), check_seed(seed)
    if len(checkpoints) < 2:
        refuse("checkpoints", expected="at least 2 samples", got=len(checkpoints))
    samples = {
        step: _encode_named(f"step {step}", real, rows, None, schema, seed)
        for step, rows in checkpoints.items()
    }
    return measure_checkpoints(samples, alpha=alpha, seed=seed)


def _encode_named(
    name: str, real: Any, rows: Any, train: Any, schema: Schema | None, seed: int
) -> Samples:
    """Encode one of several samples; a refusal names it, and all columns that it has not in common with the data."""
    try:
        samples = encode_samples(real, rows, train, None, schema, seed)
    except Refusal as refusal:
        what, _, rest = str(refusal).partition(":")
        if what != "other":
            raise
        _refuse_columns(name, real, rows)
        raise Refusal(f"{name}:{rest}") from None
    check_rows("real", samples.real)
    check_rows(name, samples.other)
    return samples


def _refuse_columns(name: str, real: Any, rows: Any) -> None:
    """Refuse a table that has other columns than the data, and name all of them."""
    if not is_data_frame(real) or not is_data_frame(rows):
        return
    expected, got = (to_table(side, allow_empty=True).column_names for side in (real, rows))
    lacking = [f"no {column!r}" for column in expected if column not in got]
    extra = [f"{column!r} besides" for column in got if column not in expected]
    if lacking or extra:
        refuse(name, expected="the columns of the data", got=join_names([*lacking, *extra]))


def encode_samples(
    real: Any,
    other: Any,
    train: Any,
    sampler: Any,
    schema: Schema | None,
    seed: int,
    features: FeatureSource = None,
) -> Samples:
    """What `measure` was given, parsed, checked against each other, and encoded.

    Raises:
        Refusal: The sides can't be compared.
    """
    if (other is None) == (sampler is None):
        got = "none" if other is None else "both"
        refuse("other", expected="one of other and sampler", got=got)
    given = {"real": real, "other": other, "train": train}
    sides = {side: rows for side, rows in given.items() if rows is not None}
    return find_domain(real).encode_samples(
        sides, sampler=sampler, schema=schema, features=features, seed=seed
    )


def read_path(rows: Any) -> Any:
    """Read what a path leads to, or a million rows of it; anything else is returned as it is."""
    return load_some(str(rows), allow_empty=True).to_objects() if _is_path(rows) else rows


def open_large_sides(real: Any, other: Any) -> dict[str, Source] | None:
    """Open both sides to be read in batches, if one of them is a path to more rows than are read at once; else None.

    Args:
        real: The data: a path, a source, or rows.
        other: The other sample.
    """
    sides = {"real": real, "other": other}
    sources = {side: _open_large(rows) for side, rows in sides.items()}
    if all(source is None for source in sources.values()):
        return None
    return {side: source or _keep(side, sides[side]) for side, source in sources.items()}


def encode_streams(
    sides: Mapping[str, Source], schema: Schema | None, seed: int, features: FeatureSource
) -> Samples:
    """Draw rows of both sides at random, encode them, and say how the others are read and encoded."""
    if features is not None:
        expected = f"none with more than {MOST_IN_MEMORY:,} rows"
        refuse("features", expected=expected, got="some")
    orders = {
        side: RandomOrder(len(source), [seed, TURNS[side]]) for side, source in sides.items()
    }
    drawn = {
        side: draw_rows(source, orders[side], MOST_DRAWN) for side, source in sides.items()
    }
    samples = encode_samples(
        drawn["real"].values, drawn["other"].values, None, None, schema, seed
    )
    encode = samples.encode

    def read(side: str) -> Iterator[PlacedRows]:
        start = 0
        for batch in sides[side].read_batches():
            places = orders[side].places(start, start + len(batch))
            start += len(batch)
            left = np.flatnonzero(places >= MOST_DRAWN)
            if len(left) and encode:
                yield PlacedRows(places[left], encode(side, take(batch, left)))

    streams = {
        side: Stream(len(source), drawn[side].numbers, functools.partial(read, side))
        for side, source in sides.items()
    }
    return dataclasses.replace(samples, streams=Streams(**streams, batch_size=BATCH_SIZE))


def _open_large(rows: Any) -> Source | None:
    if _is_path(rows):
        return open_large(str(rows))
    return rows if isinstance(rows, Source) else None


def _keep(side: str, rows: Any) -> Source:
    """Rows in memory as a source, without labels."""
    data = from_objects(read_path(rows), what=side, allow_empty=True)
    return MemoryRows(data.values)


def _is_path(rows: Any) -> bool:
    return isinstance(rows, str | Path)
