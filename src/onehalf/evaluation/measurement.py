"""Two samples, measured: audited, bet on, explained, and set beside what data against data gives."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.random as jr
import numpy as np
from scipy import special
from threadpoolctl import threadpool_limits

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.splits import hashes
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import column_of
from onehalf.data.tables.schema import Schema
from onehalf.evaluation import wording
from onehalf.evaluation.certificate.certificate import (
    LEAST_ROWS,
    Certificate,
    Numbers,
    bets_start,
    certify,
)
from onehalf.evaluation.checks.audit import audit
from onehalf.evaluation.checks.coverage import cells, prdc_beside_data
from onehalf.evaluation.checks.memorization import copying
from onehalf.evaluation.checks.parzen import parzen
from onehalf.evaluation.checks.precision import format_of, harmonised, same_precision
from onehalf.evaluation.checks.sensitivity import detectable
from onehalf.evaluation.checks.utility import utility
from onehalf.evaluation.explain.marginals import ladder
from onehalf.evaluation.explain.per_class import by_class
from onehalf.evaluation.explain.regions import regions, telling
from onehalf.evaluation.features.image_properties import described, properties
from onehalf.evaluation.features.view import Entries, View
from onehalf.evaluation.pairing import Halves, PairedSamples, order_of
from onehalf.evaluation.samples import (
    Extra,
    Flat,
    Samples,
    check_alpha,
    check_seed,
    samples,
    shown,
)

__all__ = ["OPTIONAL", "Measurement", "measure"]

SHOWN = 20
"""Telling rows of each side."""

BARS, BINS, POINTS = 40, 10, 200
"""For the page: bars of the histogram of log ratios, bins of the calibration, points of the curve of wealth."""

OPTIONAL = ("prdc", "parzen", "cells")
"""Measurements that are made if they are asked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement(Numbers):
    """What `measure` found; `print` says it in sentences, `to_dict` gives it for JSON.

    The bounds hold for rows that are independent draws, at any number of them.
    """

    alpha: float
    seed: int
    n_real: int
    n_other: int
    null: dict[str, Any] | None
    """The same numbers for data against data, with the rows of a side as `n`."""
    harmonised: dict[str, Any] | None
    """The same numbers once both are written alike, and `format` for how they are written alone; if that differs."""
    detectable: dict[str, Any] | None
    """The least dropped group that was noticed nine times in ten when planted: `mass`, `jsd`, `rows`."""
    regions: list[dict[str, Any]]
    """Where they differ, with simultaneous intervals (`onehalf.evaluation.explain.regions`)."""
    ladder: list[dict[str, Any]]
    """What the best column and the best pair of columns show by themselves."""
    telling: dict[str, Any]
    """Real rows missing from the other sample, other rows that should not be there, and other rows that are most
    convincing, by their row numbers from 0; of tables with their `cells`, as they are written."""
    audit: dict[str, Any]
    """What differs without a look at the values (`onehalf.evaluation.checks.audit`)."""
    copying: dict[str, Any] | None
    """What was copied from the training rows (`onehalf.evaluation.checks.memorization`); None without them."""
    optional: dict[str, Any]
    """prdc, parzen, cells and utility, as far as they were asked for."""
    drawn: dict[str, Any]
    """For the page: log ratios of both samples in bars, the calibration of D, and wealth over the bets."""
    seconds: float = dataclasses.field(compare=False)
    left_out: list[str] = dataclasses.field(default_factory=list)
    """Columns of a table that are not compared: ids and free text."""
    given: list[str] = dataclasses.field(default_factory=list)
    """Columns of a table whose values in each real row the sampler was given; `class` of rows with labels."""
    classes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """Of rows with labels, class by class: shares, and the JSD of the class alone."""
    described: list[str] = dataclasses.field(default_factory=list)
    """What regions and the ladder say of a picture (`onehalf.evaluation.features.image_properties`)."""
    features: int = 0
    """How many features of each row critics saw."""
    unlabelled: list[str] = dataclasses.field(default_factory=list)
    """The sides without labels, where others have some, which then were not compared."""

    @property
    def sentences(self) -> list[str]:
        """All of it in plain words, the most important first."""
        return wording.of(vars(self))

    @property
    def sentence(self) -> str:
        """The one that matters most."""
        return self.sentences[0]

    def __str__(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.sentences)

    @classmethod
    def of(cls, named: dict[str, Any]) -> "Measurement":
        """The way back from `to_dict`."""
        return cls(
            **{
                field.name: named[field.name]
                for field in dataclasses.fields(cls)
                if field.name in named
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name, ready for JSON."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"sentence": self.sentence, **named}


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
    features: Extra = None,
) -> Measurement:
    """How far two samples are apart at least, with a guarantee; where; and what such a test would have seen.

    `real` and `other` are arrays with one row an example, or tables: data frames of pandas, polars or pyarrow.
    `sampler` instead of `other` is anything that makes rows: a fitted `GAN`, or a function from n to n rows. Then each
    real row meets ten fresh samples in the (k+1)-way bet; if the sampler has labels (`labels_`), samples of the real
    row's own, and what is compared is the rest of a row given its labels. `train` are the rows that the generator saw,
    which `real` must not hold: with them it is tested what was copied, and data against data is `real` against `train`
    rather than half of `real` against the other half. `optional` may name 'prdc' (precision, recall, density,
    coverage), 'parzen' (the 2014 paper's log-likelihood) and 'cells' (verified coverage).

    Of tables, the kinds of the columns are those of `real`, or of a `schema` that has been corrected. Ids and free text
    are left out, and need not be there; all other columns must be in both, in any order. A `target` asks how well a
    model that learned from the other sample guesses this column of the data, beside one that learned from data.

    Rows may have labels: `real=(X, y)`, and the others likewise. If all sides have some, a row is (x, label), and
    `classes` has the same class by class. Pictures, arrays of (h, w) or (h, w, colours), are looked at as such.
    `features` is a function from rows to as many vectors (a classifier's last layer, say), so that all that is said
    holds for the rows alone; or such vectors by side, {'real': ..., 'other': ..., 'train': ...}, and then it is said of
    rows with theirs. What makes them must have learned from no row of `real`, and of `train` neither if copying is
    asked about. Critics see them beside the rows; neighbours, for copying and prdc, and cells are sought in them alone.

    The rows are put in an order that depends on their values and the seed alone; which of the two is called real
    changes none of the numbers that compare them. A `ValueError` says in a sentence what is wrong with the input.

    >>> rng = np.random.default_rng(0)
    >>> found = measure(real=rng.normal(size=(1000, 1)), other=rng.normal(1.0, size=(1000, 1)))
    >>> found.jsd_lower, found.tv_lower                  # the true JSD is 0.111, the true TV 0.383
    (0.10..., 0.35...)
    """
    start = time.perf_counter()
    alpha, seed = check_alpha(alpha), check_seed(seed)
    optional = [optional] if isinstance(optional, str) else optional
    for word in optional:
        if word not in OPTIONAL:
            refuse("optional", expected=f"some of {', '.join(OPTIONAL)}", got=repr(word))
    rows = samples(real, other, train, sampler, schema, seed, features)
    for what in ("real", "other"):
        if len(getattr(rows, what)) < LEAST_ROWS:
            hint = "A bound above 0 takes some hundreds, unless the two lie far apart."
            refuse(
                what,
                expected=f"at least {LEAST_ROWS} rows",
                got=len(getattr(rows, what)),
                hint=hint,
            )
    if target is not None:
        if rows.coding is None:
            refuse("target", expected="a table to have it", got="an array")
        column_of("target", target, rows.coding)
    key, key_null, key_alike, key_planted = jr.split(jr.key(seed), 4)

    coding = rows.seen_as
    real, trained = rows.flat("real"), None if rows.train is None else rows.flat("train")
    piles = PairedSamples(seed, real, rows.flat("other"), coding, matched=bool(rows.given))
    free = rows.flat("free") if piles.matched else piles.other
    names, told_by, halves, audited = _in_words(rows, piles)
    parts: dict[str, Callable[[], Any]] = {
        "found": lambda: piles.certify(key, alpha),
        "detectable": lambda: detectable(key_planted, piles.real, alpha, coding=coding),
        "copying": lambda: (
            None if trained is None else _copying(seed, trained, piles, alpha, free)
        ),
        "null": lambda: _null(key_null, seed, real, trained, alpha, coding),
        "harmonised": lambda: (
            _written_alike(key_alike, rows, piles, alpha) if audited["format_differs"] else None
        ),
    }
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        done = dict(
            zip(parts, side_by_side.map(lambda part: part(), parts.values()), strict=True)
        )
    found = done.pop("found")
    extra = {word: _extra(word, seed, rows, piles, alpha) for word in optional}
    if target is not None and rows.coding is not None:
        extra["utility"] = utility(rows.flat("free"), real, rows.coding, target, seed, trained)
    return Measurement(
        alpha=alpha,
        seed=seed,
        n_real=len(rows.real),
        n_other=len(rows.other),
        **found.numbers(),
        **done,
        regions=regions(*halves, names, alpha, log_ratio=piles.past(found), coding=told_by),
        ladder=ladder(*halves, names, alpha, coding=told_by),
        telling=_telling(piles, found, rows),
        audit=audited,
        optional=extra,
        drawn=_drawn(piles, found),
        seconds=time.perf_counter() - start,
        left_out=list(rows.left_out),
        given=list(rows.given),
        classes=by_class(jr.fold_in(key, 0), rows, piles, found, free, trained, alpha)
        if rows.labels
        else [],
        described=properties(names) if told_by is not rows.coding else [],
        features=rows.entries.features if rows.entries else 0,
        unlabelled=list(rows.unlabelled),
    )


def _in_words(
    rows: Samples, piles: PairedSamples
) -> tuple[Sequence[str], TableEncoder | None, Halves, dict[str, Any]]:
    """What regions and the ladder speak of: names, a coding, halves to learn from and to judge; and the audit."""
    apart = rows.other[:: piles.step]
    if rows.entries is None or not rows.entries.are_pixels:
        halves = piles.halves(
            piles.real[:, : len(rows.names)], piles.other[:, : len(rows.names)]
        )
        return rows.names, rows.coding, halves, audit(rows.real, apart, rows.names, rows.coding)
    # single pixels are nothing to a person, so other things are said of pictures
    coding, said = described({"real": rows.real, "other": rows.other}, rows.labels)
    audited = audit(
        rows.real, apart, coding.names, described=(said["real"], said["other"][:: piles.step])
    )
    halves = piles.halves(*(said[side][piles.places[side]] for side in ("real", "other")))
    return coding.names, coding, halves, audited


def _null(
    key: PRNGKey,
    seed: int,
    real: Flat,
    train: Flat | None,
    alpha: float,
    coding: TableEncoder | Entries | None,
) -> dict[str, Any] | None:
    """Real rows against the training rows, or half of the real rows against the other half."""
    if train is None:
        if len(real) < 2 * LEAST_ROWS:
            return None
        shuffled = real[order_of(hashes(real), seed, 2)]
        real, train = shuffled[::2], shuffled[1::2]
    numbers = PairedSamples(seed, real, train, coding).certify(key, alpha).numbers()
    return {"n_real": len(real), "n_other": len(train), **numbers}


def _written_alike(
    key: PRNGKey, rows: Samples, piles: PairedSamples, alpha: float
) -> dict[str, Any]:
    """The numbers under one map of both, whose decimals are read off rows that are learned from; and of formats."""
    order = piles.places
    # features are of the rows as they were written, and could show that
    without = rows.entries and dataclasses.replace(rows.entries, features=0)
    rows = dataclasses.replace(rows, features={}, entries=without)
    seen, coding, matched = bets_start(len(piles.x))[0], rows.seen_as, piles.matched
    real, other = rows.real[order["real"]], rows.other[order["other"]]
    if rows.coding is not None:
        places = [
            i
            for i, column in enumerate(rows.coding.columns)
            if column.kind in ("integer", "continuous")
        ]
        alike = harmonised(real, other, seen, places)
        written = [format_of(np.nan_to_num(each[:, places])) for each in (real, other)]
    elif rows.entries and rows.entries.are_pixels:
        # they share a way to be written, of which the mean over a picture is left
        shape = real.shape[1:]
        pixels = harmonised(real.reshape(-1, 1), other.reshape(-1, 1), seen * math.prod(shape))
        alike = [each.reshape(-1, *shape) for each in pixels]
        numbers = same_precision(real, other)
        written = [format_of(each).reshape(len(each), -1, 2).mean(axis=1) for each in numbers]
    else:
        alike = harmonised(real, other, seen)
        written = [format_of(each) for each in same_precision(real, other)]
    back = [
        rows.flat(what, each[np.argsort(order[what])])[order[what]]
        for what, each in zip(order, alike, strict=True)
    ]
    found = certify(key, *piles.paired(*back), alpha, coding=coding, matched=matched).numbers()
    written = [each.astype(np.float64) for each in written]
    return {
        **found,
        "format": certify(key, *piles.paired(*written), alpha, matched=matched).numbers(),
    }


def _telling(
    piles: PairedSamples, found: Certificate, rows: Samples
) -> dict[str, list[dict[str, Any]]]:
    """Rows by their numbers in the user's files, with their log ratio in nats."""
    (l_real, l_other), (real, other) = piles.sided(*found.logits), piles.bet_on(found)
    of = {
        "missing": (l_real, real),
        "unexpected": (l_other, other),
        "convincing": (l_other, other),
    }
    told = {
        name: [{"row": int(of[name][1][i]), "log_ratio": float(of[name][0][i])} for i in chosen]
        for name, chosen in telling(l_real, l_other, SHOWN).items()
    }
    if (coding := rows.coding) is not None:
        for side, cells in zip(told.values(), (rows.real, rows.other, rows.other), strict=True):
            for row in side:
                row["cells"] = {
                    name: shown(coding, i, cells[row["row"], i])
                    for i, name in enumerate(rows.names)
                }
    return told


def _copying(
    seed: int, train: Flat, piles: PairedSamples, alpha: float, fakes: Flat | None = None
) -> dict[str, Any]:
    """What was copied; fakes that were made for the real rows' own labels are no use here, so others are taken."""
    # of both kinds of rows together: the labels that are guessed must have no part in the distances
    view = View.of(np.concatenate([train, piles.real]), piles.coding)
    fakes = piles.other if fakes is None else fakes
    marked = piles.coding.array if isinstance(piles.coding, Entries) else None
    found = copying(
        np.random.default_rng([seed, 3]),
        train,
        piles.real,
        fakes,
        alpha,
        seen=view.scaled,
        marked=marked,
    )
    if isinstance(piles.coding, Entries) and piles.coding.features:
        found["sentences"].append(OF_FEATURES)
    return found


OF_FEATURES = "Neighbours were sought in the features; all this holds if these were not learned from the training rows."


def _extra(
    word: str, seed: int, rows: Samples, piles: PairedSamples, alpha: float
) -> dict[str, Any]:
    """An optional measurement, beside the same for data against data."""
    learn_real, learn_other, test_real, test_other = halves = piles.halves(
        piles.real, piles.other
    )
    view = View.of(learn_real, piles.coding)
    rng = np.random.default_rng([seed, 4])
    if word == "parzen":
        # in the user's own units, but pixels of 0 to 255 as in the paper; a table has none that all of it shares
        pixels = rows.entries is not None and rows.entries.are_pixels
        unit = 255 if pixels and rows.real.dtype == np.uint8 else 1
        own = (each[:, : len(rows.names)].astype(np.float64) / unit for each in halves)
        learn_real, learn_other, test_real, test_other = (
            map(view.scaled, halves) if rows.coding else own
        )
        kernels, validation = learn_real[::2], learn_real[1::2]
        return {
            "other": parzen(
                np.concatenate([learn_other, test_other])[: len(kernels)], validation, test_real
            ),
            "data": parzen(kernels, validation, test_real),
            "unit": "pixels from 0 to 1" if unit == 255 else "as given",
        }
    learn_real, learn_other, test_real, test_other = map(view.scaled, halves)
    if word == "cells":
        return cells(rng, learn_real, test_real, test_other, alpha)
    return prdc_beside_data(
        rng, np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other])
    )


def _drawn(piles: PairedSamples, found: Certificate) -> dict[str, Any]:
    """Log ratios in bars, D's calibration in ten bins of D, and the curve of log wealth."""
    l_real, l_other = piles.sided(*found.logits)
    both = np.concatenate([l_real, l_other])
    low, high = np.quantile(both, [0.001, 0.999])
    edges = np.linspace(low - 1e-6, high + 1e-6, BARS + 1)
    bars = [
        np.histogram(np.clip(logits, low, high), edges)[0] / len(logits)
        for logits in (l_real, l_other)
    ]
    D, weight = (
        special.expit(both),
        np.repeat([0.5 / len(l_real), 0.5 / len(l_other)], [len(l_real), len(l_other)]),
    )
    # rows of equal D are taken from both piles in turn
    order = np.lexsort(
        (np.concatenate([np.arange(len(each)) / len(each) for each in (l_real, l_other)]), D)
    )
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    is_real = np.arange(len(both)) < len(l_real)
    some = np.unique(np.linspace(0, len(found.wealth) - 1, POINTS).astype(int))
    return {
        "log_ratio": {
            "edges": edges.tolist(),
            "real": bars[0].tolist(),
            "other": bars[1].tolist(),
        },
        "calibration": {
            "D": [float(np.average(D[part], weights=weight[part])) for part in bins],
            "real": [float(np.average(is_real[part], weights=weight[part])) for part in bins],
        },
        "wealth": {"pairs": (some + 1).tolist(), "log_e": found.wealth[some].tolist()},
    }
