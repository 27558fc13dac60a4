"""Two samples, measured: audited, bet on, explained, and set beside what data against data gives."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import Float
from scipy import special
from threadpoolctl import threadpool_limits

from onehalf._arrays import PRNGKey
from onehalf._base import refuse
from onehalf.data.coding import Coding
from onehalf.data.conditions import column_of
from onehalf.data.roles import hashes
from onehalf.data.schema import Schema
from onehalf.measuring import sentences
from onehalf.measuring.audit import audit
from onehalf.measuring.certificate import LEAST_ROWS, Certificate, Numbers, bets_start, certify
from onehalf.measuring.coverage import cells, prdc_beside_data
from onehalf.measuring.formats import format_of, harmonised, same_precision
from onehalf.measuring.inputs import FRESH, Samples, check_alpha, check_seed, flat, samples, shown
from onehalf.measuring.ladder import ladder
from onehalf.measuring.leak import copying
from onehalf.measuring.parzen import parzen
from onehalf.measuring.planted import detectable
from onehalf.measuring.regions import regions, telling
from onehalf.measuring.utility import utility
from onehalf.measuring.view import View

__all__ = ["OPTIONAL", "Measurement", "measure"]

Flat = Float[np.ndarray, "_ columns"]

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
    """Where they differ, with simultaneous intervals (`onehalf.measuring.regions`)."""
    ladder: list[dict[str, Any]]
    """What the best column and the best pair of columns show by themselves."""
    telling: dict[str, Any]
    """Real rows missing from the other sample, and other rows that should not be there, by their row numbers from 0;
    of tables with their `cells`, as they are written."""
    audit: dict[str, Any]
    """What differs without a look at the values (`onehalf.measuring.audit`)."""
    copying: dict[str, Any] | None
    """What was copied from the training rows (`onehalf.measuring.leak`); None without them."""
    optional: dict[str, Any]
    """prdc, parzen, cells and utility, as far as they were asked for."""
    drawn: dict[str, Any]
    """For the page: log ratios of both samples in bars, the calibration of D, and wealth over the bets."""
    seconds: float = dataclasses.field(compare=False)
    left_out: list[str] = dataclasses.field(default_factory=list)
    """Columns of a table that are not compared: ids and free text."""
    given: list[str] = dataclasses.field(default_factory=list)
    """Columns of a table whose values in each real row the sampler was given."""

    @property
    def sentences(self) -> list[str]:
        """All of it in plain words, the most important first."""
        return sentences.of(vars(self))

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
        return cls(**{field.name: named[field.name] for field in dataclasses.fields(cls) if field.name in named})

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
    rows = samples(real, other, train, sampler, schema, seed)
    for what in ("real", "other"):
        if len(getattr(rows, what)) < LEAST_ROWS:
            hint = "A bound above 0 takes some hundreds, unless the two lie far apart."
            refuse(what, expected=f"at least {LEAST_ROWS} rows", got=len(getattr(rows, what)), hint=hint)
    if target is not None:
        if rows.coding is None:
            refuse("target", expected="a table to have it", got="an array")
        column_of("target", target, rows.coding)
    key, key_null, key_alike, key_planted = jr.split(jr.key(seed), 4)

    names, coding = rows.names, rows.coding
    real, trained = flat(rows.real), None if rows.train is None else flat(rows.train)
    piles = _Piles(seed, real, flat(rows.other), coding, matched=bool(rows.given))
    audited = audit(rows.real, rows.other[:: piles.step], names, coding)
    learn, test = piles.halves()
    parts: dict[str, Callable[[], Any]] = {
        "found": lambda: piles.certify(key, alpha),
        "detectable": lambda: detectable(key_planted, piles.real, alpha, coding=coding),
        "copying": lambda: None if trained is None else _copying(seed, trained, piles, alpha, flat(rows.free)),
        "null": lambda: _null(key_null, seed, real, trained, alpha, coding),
        "harmonised": lambda: _written_alike(key_alike, rows, piles, alpha) if audited["format_differs"] else None,
    }
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        done = dict(zip(parts, side_by_side.map(lambda part: part(), parts.values()), strict=True))
    found = done.pop("found")
    extra = {word: _extra(word, seed, learn, test, alpha, coding) for word in optional}
    if target is not None and coding is not None:
        extra["utility"] = utility(flat(rows.free), real, coding, target, seed, trained)
    return Measurement(
        alpha=alpha,
        seed=seed,
        n_real=len(rows.real),
        n_other=len(rows.other),
        **found.numbers(),
        **done,
        regions=regions(*learn, *test, names, alpha, log_ratio=piles.past(found), coding=coding),
        ladder=ladder(*learn, *test, names, alpha, coding=coding),
        telling=_telling(piles, found, rows),
        audit=audited,
        optional=extra,
        drawn=_drawn(piles, found),
        seconds=time.perf_counter() - start,
        left_out=list(rows.left_out),
        given=list(rows.given),
    )


class _Piles:
    """Both samples in a random order that depends on their values and the seed alone, and paired.

    The pile of fewer rows bets as x, each against as many rows of the other as there are to a row, ten at most; of
    piles of one size, the one whose hashes add up to less. So nothing depends on which is called real. If they are
    matched, each real row bets as x against the other rows that were made for it, which stand together.
    """

    def __init__(
        self, seed: int, real: Flat, other: Flat, coding: Coding | None = None, *, matched: bool = False
    ) -> None:
        self.coding, self.matched = coding, matched
        self.step = len(other) // len(real) if matched else 1
        if matched:
            self.first_is_real = True
            order = _order(hashes(real), seed, 0)
            self.places = {"real": order, "other": (order[:, None] * self.step + np.arange(self.step)).ravel()}
        else:
            hashed = {"real": hashes(real), "other": hashes(other)}
            self.first_is_real = min(hashed, key=lambda side: (len(hashed[side]), int(hashed[side].sum()))) == "real"
            turns = (0, 1) if self.first_is_real else (1, 0)
            self.places = {
                side: _order(hashed[side], seed, turn) for side, turn in zip(("real", "other"), turns, strict=True)
            }
        self.real, self.other = real[self.places["real"]], other[self.places["other"]]
        self.x, self.y = self.paired(self.real, self.other)

    def certify(self, key: PRNGKey, alpha: float) -> Certificate:
        """The bets on them."""
        return certify(key, self.x, self.y, alpha, coding=self.coding, matched=self.matched)

    def paired(self, real: Flat, other: Flat) -> tuple[Flat, Float[np.ndarray, "n each columns"]]:
        """Rows in the order of the piles, paired."""
        x, many = self.ordered(real, other)
        each = min(FRESH, len(many) // len(x))
        return x, many[: each * len(x)].reshape(len(x), each, -1)

    def ordered(self, real: Any, other: Any) -> tuple[Any, Any]:
        """What belongs to x, then what belongs to y; and the way back."""
        return (real, other) if self.first_is_real else (other, real)

    def halves(self) -> tuple[tuple[Flat, Flat], tuple[Flat, Flat]]:
        """Rows to choose regions by, and rows to judge them by: real, other; of matched ones one for each real row.

        Several with one label would not be independent draws.
        """
        piles = self.real, self.other[:: self.step]
        parts = [(rows[: len(rows) // 2], rows[len(rows) // 2 :]) for rows in piles]
        return (parts[0][0], parts[1][0]), (parts[0][1], parts[1][1])

    def past(self, found: Certificate) -> tuple[np.ndarray, np.ndarray] | None:
        """The logits, out of sample, of the critic that learned from just the rows that regions are chosen by."""
        half = len(self.real) // 2, len(self.other[:: self.step]) // 2
        for critic in found.critics:
            if half == (len(critic.past[0]), len(critic.past[1])):
                return self.sided(*critic.past)
        return None

    def sided(self, l_x: np.ndarray, l_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log ratios real / other: at real rows, at other rows."""
        return (l_x, l_y.ravel()) if self.first_is_real else (-l_y.ravel(), -l_x)

    def bet_on(self, found: Certificate) -> tuple[np.ndarray, np.ndarray]:
        """The rows that were bet on, by their numbers in the user's files: real, other."""
        places_x, places_y = self.ordered(self.places["real"], self.places["other"])
        first, each = found.starts[0], self.y.shape[1]
        return self.ordered(places_x[first:], places_y[first * each : each * len(self.x)])


def _order(hashed: np.ndarray, seed: int, turn: int) -> np.ndarray:
    """A random order of rows, by their hashes: that of the file plays no part.

    The seed alone would not do: of a table of few values it would make one fixed sequence for each count of them.
    """
    rng = np.random.default_rng([seed, turn, int(hashed.sum())])
    return np.argsort(hashed, kind="stable")[rng.permutation(len(hashed))]


def _null(
    key: PRNGKey, seed: int, real: Flat, train: Flat | None, alpha: float, coding: Coding | None
) -> dict[str, Any] | None:
    """Real rows against the training rows, or half of the real rows against the other half."""
    if train is None:
        if len(real) < 2 * LEAST_ROWS:
            return None
        shuffled = real[_order(hashes(real), seed, 2)]
        real, train = shuffled[::2], shuffled[1::2]
    numbers = _Piles(seed, real, train, coding).certify(key, alpha).numbers()
    return {"n_real": len(real), "n_other": len(train), **numbers}


def _written_alike(key: PRNGKey, rows: Samples, piles: _Piles, alpha: float) -> dict[str, Any]:
    """The numbers under one map of both, whose decimals are read off rows that are learned from; and of formats."""
    real, other = rows.real[piles.places["real"]], rows.other[piles.places["other"]]
    seen, coding, matched = bets_start(len(piles.x))[0], rows.coding, piles.matched
    if coding is None:
        alike, numbers = harmonised(real, other, seen), same_precision(real, other)
    else:
        places = [i for i, column in enumerate(coding.columns) if column.kind in ("integer", "continuous")]
        alike = harmonised(real, other, seen, places)
        numbers = [np.nan_to_num(each[:, places]) for each in (real, other)]
    written = [format_of(each).astype(np.float64) for each in numbers]
    found = certify(key, *piles.paired(*map(flat, alike)), alpha, coding=coding, matched=matched).numbers()
    return {**found, "format": certify(key, *piles.paired(*written), alpha, matched=matched).numbers()}


def _telling(piles: _Piles, found: Certificate, rows: Samples) -> dict[str, list[dict[str, Any]]]:
    """Rows by their numbers in the user's files, with their log ratio in nats."""
    logits, places = piles.sided(*found.logits), piles.bet_on(found)
    sides = zip(telling(*logits, SHOWN).items(), logits, places, strict=True)
    told: dict[str, list[dict[str, Any]]] = {
        name: [{"row": int(place[i]), "log_ratio": float(values[i])} for i in chosen]
        for (name, chosen), values, place in sides
    }
    if (coding := rows.coding) is not None:
        for side, cells in zip(told.values(), (rows.real, rows.other), strict=True):
            for row in side:
                row["cells"] = {name: shown(coding, i, cells[row["row"], i]) for i, name in enumerate(rows.names)}
    return told


def _copying(seed: int, train: Flat, piles: _Piles, alpha: float, fakes: Flat | None = None) -> dict[str, Any]:
    """What was copied; fakes that were made for the real rows' own labels are no use here, so others are taken."""
    # of both kinds of rows together: the labels that are guessed must have no part in the distances
    view = View.of(np.concatenate([train, piles.real]), piles.coding)
    fakes = piles.other if fakes is None or not piles.matched else fakes
    return copying(np.random.default_rng([seed, 3]), train, piles.real, fakes, alpha, seen=view.scaled)


def _extra(
    word: str, seed: int, learn: tuple[Flat, Flat], test: tuple[Flat, Flat], alpha: float, coding: Coding | None
) -> dict[str, Any]:
    """An optional measurement, beside the same for data against data."""
    view = View.of(learn[0], coding)
    scaled = [(view.scaled(real), view.scaled(other)) for real, other in (learn, test)]
    (learn_real, learn_other), (test_real, test_other) = scaled
    rng = np.random.default_rng([seed, 4])
    if word == "cells":
        return cells(rng, learn_real, test_real, test_other, alpha)
    if word == "prdc":
        return prdc_beside_data(rng, np.concatenate([learn_real, test_real]), np.concatenate([learn_other, test_other]))
    # in the user's own units, which for images should be pixels from 0 to 1; a table has none that all of it shares
    learn, test = scaled if coding else (learn, test)
    kernels, validation = learn[0][::2], learn[0][1::2]
    return {
        "other": parzen(np.concatenate([learn[1], test[1]])[: len(kernels)], validation, test[0]),
        "data": parzen(kernels, validation, test[0]),
    }


def _drawn(piles: _Piles, found: Certificate) -> dict[str, Any]:
    """Log ratios in bars, D's calibration in ten bins of D, and the curve of log wealth."""
    l_real, l_other = piles.sided(*found.logits)
    both = np.concatenate([l_real, l_other])
    low, high = np.quantile(both, [0.001, 0.999])
    edges = np.linspace(low - 1e-6, high + 1e-6, BARS + 1)
    bars = [np.histogram(np.clip(logits, low, high), edges)[0] / len(logits) for logits in (l_real, l_other)]
    D, weight = special.expit(both), np.repeat([0.5 / len(l_real), 0.5 / len(l_other)], [len(l_real), len(l_other)])
    # rows of equal D are taken from both piles in turn
    order = np.lexsort((np.concatenate([np.arange(len(each)) / len(each) for each in (l_real, l_other)]), D))
    bins = [part for part in np.array_split(order, min(BINS, len(order))) if len(part)]
    is_real = np.arange(len(both)) < len(l_real)
    some = np.unique(np.linspace(0, len(found.wealth) - 1, POINTS).astype(int))
    return {
        "log_ratio": {"edges": edges.tolist(), "real": bars[0].tolist(), "other": bars[1].tolist()},
        "calibration": {
            "D": [float(np.average(D[part], weights=weight[part])) for part in bins],
            "real": [float(np.average(is_real[part], weights=weight[part])) for part in bins],
        },
        "wealth": {"pairs": (some + 1).tolist(), "log_e": found.wealth[some].tolist()},
    }
