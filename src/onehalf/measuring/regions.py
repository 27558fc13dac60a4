"""Where two samples differ, in the columns' own names: regions, and single rows.

Regions are chosen on learning rows and certified on test rows that no choice has seen. Looking at less than the whole
row never raises the JSD (data processing), so that what is certified for a region holds for all of it.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from onehalf._base import refuse
from onehalf.measuring.betting import clopper_pearson
from onehalf.measuring.bins import Bins, are_whole, check_piles, few, laid

__all__ = ["binary_jsd", "jsd_of_dropped", "regions", "sentence", "telling"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Shares = Float[np.ndarray, "..."] | np.floating
Piles = Float[np.ndarray, "2 _"]
"""How much of each learning row counts as one of the data, and as one of the other sample."""

Box = dict[int, tuple[float, float]]
"""Column by column, `low < x <= high`."""

BINS, FINE, MOST = 16, 128, 8
"""About so many bins of a column have their ends tried as a region's, then refined; at most so many regions."""

COLUMNS = 30
"""Of more columns than this, only pairs among those that differ most by themselves are tried."""


def binary_jsd(a: float, b: float) -> float:
    """JSD(Bernoulli(a), Bernoulli(b)), in nats: what a single yes-or-no question shows (0 to log 2).

    >>> binary_jsd(0.5, 0.5), binary_jsd(1.0, 0.0)
    (0.0, 0.6931)
    """
    return float(_jsd(np.float64(a), np.float64(b)))


def jsd_of_dropped(w: float) -> float:
    """JSD(p, q) in nats, where q is p without a part of mass w: (w log 2 + (1-w) log 2(1-w)/(2-w) + log 2/(2-w))/2.

    Outside the part q is proportional to p, so nothing is lost by asking only whether a row lies in it.

    >>> [round(jsd_of_dropped(w), 6) for w in (0.001, 0.005, 0.01, 0.02, 0.04, 0.1)]
    [0.000347, 0.001736, 0.003478, 0.006982, 0.014067, 0.035974]
    """
    return binary_jsd(w, 0.0)


def regions(
    learn_real: Rows,
    learn_other: Rows,
    test_real: Rows,
    test_other: Rows,
    names: Sequence[str],
    alpha: float,
    *,
    log_ratio: tuple[Values, Values] | None = None,
) -> list[dict[str, Any]]:
    """Regions with more of the one sample than of the other: rule, share of each, certified JSD in nats.

    A region is an interval in each of one to three columns. The learning rows choose up to 8 of them, one after the
    other, each for the rows that the earlier ones leave unexplained; none where they differ by no more than luck.
    `log_ratio` has a critic's out-of-sample logits log p/q at the learning rows, real and other: it says where to look
    when the counts show no more. On the test rows all intervals hold at once with probability 1 - alpha (Clopper &
    Pearson 1934, Bonferroni over regions and samples), and JSD is at least that of the two nearest shares in them (data
    processing). Whether a region is `certain` is whether its two intervals lie apart.

    Returns, for each region, `rule`, `conditions` (column, op, value), `real` and `other` (share, low, high),
    `jsd_lower` and `certain`; the greatest `jsd_lower` first, then the greatest difference.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.integers(100, size=(2, 4000, 2)).astype(float)
    >>> y = y[y[:, 0] < 90]                                 # a tenth of the data is missing: JSD 0.036
    >>> found = regions(x[::2], y[::2], x[1::2], y[1::2], ["age", "income"], alpha=0.05)
    >>> [(region["rule"], region["jsd_lower"]) for region in found]
    [('age >= 90', 0.02...)]
    """
    check_piles((learn_real, learn_other, test_real, test_other), names, alpha)
    if log_ratio and tuple(map(len, log_ratio)) != (len(learn_real), len(learn_other)):
        rows = f"{len(learn_real)} and {len(learn_other)} logits, one for each learning row"
        refuse("log_ratio", expected=rows, got=" and ".join(str(len(values)) for values in log_ratio))
    learning = _Learning(few(learn_real), few(learn_other))
    logits = np.concatenate([few(values) for values in log_ratio]) if log_ratio else None
    chosen = [learning.conditions(box, names) for box in learning.boxes(alpha, logits)]
    found = [_certified(each, test_real, test_other, names, alpha / (2 * len(chosen))) for each in chosen]
    return sorted(found, key=lambda each: (-each["jsd_lower"], -abs(each["real"]["share"] - each["other"]["share"])))


def sentence(region: Mapping[str, Any]) -> str:
    """One region in a sentence, the shares in percent; the intervals are rounded outwards.

    >>> real, other = {"share": 0.04, "low": 0.0291, "high": 0.054}, {"share": 0.0, "low": 0.0, "high": 0.0036}
    >>> sentence({"rule": "x > 2", "certain": True, "real": real, "other": other})
    'x > 2: 4.0 % [2.9, 5.4] of the data, 0 % [0, 0.4] of the other sample.'
    """
    shares = f"{_percent(region['real'])} of the data, {_percent(region['other'])} of the other sample."
    return f"{region['rule']}: {shares}" + ("" if region["certain"] else " This may be chance.")


def telling(l_real: Values, l_other: Values, most: int = 20) -> dict[str, list[int]]:
    """The rows that tell most, by their logits l = log p/q, the most telling first; their numbers count from 0.

    `missing` are the real rows of the greatest l > 0: such rows are missing from the other sample. `unexpected` are the
    other rows of the least l < 0: such rows should not be there.

    >>> telling(np.array([0.1, 3.0, -1.0]), np.array([-2.0, 0.5]))
    {'missing': [1, 0], 'unexpected': [0]}
    """
    return {"missing": _greatest(l_real, most), "unexpected": _greatest(-l_other, most)}


class _Learning:
    """The learning rows of both piles, and the search for boxes among them."""

    def __init__(self, real: Rows, other: Rows) -> None:
        self.rows = np.concatenate([real, other])
        is_real = np.arange(len(self.rows)) < len(real)
        self.piles = np.stack([is_real, ~is_real]).astype(np.float64)
        self.columns = list(range(self.rows.shape[1]))
        self.coarse = [Bins.of(column, BINS) for column in self.rows.T]
        self.fine = [Bins.of(column, FINE) for column in self.rows.T]
        # log(rows) + 2 log(columns): what an end of an interval must add to the evidence (Chen & Chen 2008)
        self.price = math.log(len(self.rows)) + 2 * math.log(len(self.columns))

    def boxes(self, alpha: float, logits: Values | None) -> Iterator[Box]:
        """Box by box, the best for the rows outside all earlier ones: by the counts, then by the critic."""
        pairs = self.pairs()
        tried = sum(math.prod(math.comb(self.coarse[column].size + 1, 2) for column in pair) for pair in pairs)
        sources = [(self.piles, tried)]
        if logits is not None:
            # the logits are out of sample, so the labels have had no say in what the critic chooses; it comes second,
            # for what the counts find has sharper ends
            beliefs = special.expit([logits, -logits])
            sources.append((beliefs * (self.piles.sum(axis=1) / beliefs.sum(axis=1))[:, None], MOST))
        left, found = np.ones(len(self.rows)), 0
        for piles, choices in sources:
            while found < MOST:
                starts = [self.best(pair, piles * left) for pair in pairs]
                box = self.refined(max(starts, key=lambda each: each[0])[1], piles * left)
                # it must show more than the best of so many choices shows by luck
                shown = min(self.evidence(box, self.piles * left), self.evidence(box, self.piles))
                if shown < 2 * math.log(choices / alpha):
                    break
                left, found = left * ~self.inside(box), found + 1
                yield box

    def pairs(self) -> list[tuple[int, ...]]:
        """The pairs of columns that are tried; of one column, this."""
        columns = sorted(self.columns, key=lambda column: self.best((column,), self.piles)[0])
        return list(itertools.combinations(sorted(columns[-COLUMNS:]), min(2, len(columns))))

    def refined(self, box: Box, piles: Piles) -> Box:
        """The box with a finer interval in one of up to three columns, as long as that is worth half a price more."""

        def worth(box: Box) -> float:
            return self.evidence(box, piles) - self.price * sum(map(math.isfinite, sum(box.values(), ())))

        while True:
            found = []
            for column in self.columns if len(box) < 3 else box:
                rest = {name: interval for name, interval in box.items() if name != column}
                found.append(rest | self.best((column,), piles, rest)[1])
            best = max(found, key=worth)
            if worth(best) <= worth(box) + self.price / 2:
                return box
            box = best

    def best(self, columns: tuple[int, ...], piles: Piles, rest: Box | None = None) -> tuple[float, Box]:
        """The intervals in these columns that show most, and how much: coarse ones, by Pearson's chi-square.

        With the rest of a box they are fine ones for the rows in it, by the JSD, less the price of their ends. (The JSD
        makes more of few rows, among which the best of all coarse boxes would often be found.)
        """
        bins = [(self.coarse if rest is None else self.fine)[column] for column in columns]
        cell, shape = laid(bins)
        rows = piles if rest is None else piles * self.inside(rest)
        counts = np.stack([np.bincount(cell, pile, math.prod(shape)).reshape(shape) for pile in rows])
        intervals, ends = [np.triu_indices(size) for size in shape], np.zeros(())
        for axis, (starts, stops) in enumerate(intervals, start=1):
            below = np.insert(np.cumsum(counts, axis=axis), 0, 0.0, axis=axis)
            counts = below.take(stops + 1, axis=axis) - below.take(starts, axis=axis)
            ends = ends[..., None] + (starts > 0) + (stops + 1 < shape[axis - 1])
        a, b, scale = _shares(counts, piles)
        shown = np.asarray(_chi_square(a, b) * scale if rest is None else 8 * _jsd(a, b) * scale - self.price * ends)
        # of an interval and all the rest, which show the same, the one with fewer rows is named
        at = np.unravel_index(np.argmax(shown - 1e-6 * (a + b)), shown.shape)
        box = {}
        for column, place, (starts, stops), (edges, _) in zip(columns, at, intervals, bins, strict=True):
            low, *_, high = [-math.inf, *edges.tolist(), math.inf][starts[place] : stops[place] + 2]
            if (low, high) != (-math.inf, math.inf):
                box[column] = low, high
        return float(shown[at]), box

    def evidence(self, box: Box, piles: Piles) -> float:
        """8 JSD / (1/n + 1/m) of the shares inside: chi-square with one degree of freedom if p = q."""
        a, b, scale = _shares(piles @ self.inside(box), piles)
        return float(8 * _jsd(a, b) * scale)

    def inside(self, box: Box) -> Bool[np.ndarray, " _"]:
        """Which rows lie in the box."""
        inside = np.ones(len(self.rows), dtype=bool)
        for column, (low, high) in box.items():
            inside &= (self.rows[:, column] > low) & (self.rows[:, column] <= high)
        return inside

    def conditions(self, box: Box, names: Sequence[str]) -> list[list[Any]]:
        """The box as [name, op, value], column by column; of whole numbers in their own way."""
        found = []
        for column, (low, high) in sorted(box.items()):
            values = self.rows[self.inside({column: (low, high)}), column]
            whole = are_whole(self.rows[:, column])
            number = int if whole else float
            if values.min() == values.max():
                found.append([names[column], "=", number(values[0])])
                continue
            if low > -math.inf:
                found.append([names[column], ">=", number(low + 1)] if whole else [names[column], ">", low])
            if high < math.inf:
                found.append([names[column], "<=", number(high)])
        return found


def _shares(counts: Float[np.ndarray, "2 ..."], piles: Piles) -> tuple[Shares, Shares, float]:
    """The shares a, b of each pile that are counted, and 1 / (1/n + 1/m)."""
    n, m = np.maximum(piles.sum(axis=1), 1e-9)
    return (counts[0] / n).clip(0, 1), (counts[1] / m).clip(0, 1), n * m / (n + m)


def _jsd(a: Shares, b: Shares) -> Shares:
    middle = (a + b) / 2
    terms = special.rel_entr([a, 1 - a, b, 1 - b], [middle, 1 - middle, middle, 1 - middle])
    return np.maximum(terms.sum(axis=0) / 2, 0.0)


def _chi_square(a: Shares, b: Shares) -> Shares:
    """(a - b)^2 / m(1 - m), m = (a + b)/2: Pearson's, and 8 times the JSD to first order."""
    middle = (a + b) / 2
    return np.square(a - b) / (middle * (1 - middle) + 1e-9)


def _certified(
    conditions: list[list[Any]], real: Rows, other: Rows, names: Sequence[str], alpha: float
) -> dict[str, Any]:
    """The region on test rows, each interval at confidence 1 - alpha."""
    shares = []
    for rows in (real, other):
        count = int(_satisfy(rows, conditions, names).sum())
        low, high = clopper_pearson(count, len(rows), alpha)
        shares.append({"share": count / len(rows), "low": low, "high": high})
    # the nearest shares in two intervals that lie apart
    near, far = min(each["high"] for each in shares), max(each["low"] for each in shares)
    certain = near < far
    return {
        "rule": _rule(conditions),
        "conditions": conditions,
        "real": shares[0],
        "other": shares[1],
        "jsd_lower": binary_jsd(near, far) if certain else 0.0,
        "certain": certain,
    }


def _satisfy(rows: Rows, conditions: list[list[Any]], names: Sequence[str]) -> Bool[np.ndarray, " _"]:
    compare = {">": np.greater, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal}
    inside = np.ones(len(rows), dtype=bool)
    for name, op, value in conditions:
        inside &= compare[op](rows[:, list(names).index(name)], value)
    return inside


def _rule(conditions: list[list[Any]]) -> str:
    """The conditions in words: two on the same column are joined as '1 < x <= 2'."""
    parts = []
    for name, same in itertools.groupby(conditions, lambda condition: condition[0]):
        (_, op, value), *upper = same
        if upper:
            parts.append(f"{_plain(value)} {'<' if op == '>' else '<='} {name} <= {_plain(upper[0][2])}")
        else:
            parts.append(f"{name} {op} {_plain(value)}")
    return " and ".join(parts)


def _plain(value: float) -> str:
    return f"{value:.15g}"


def _percent(share: Mapping[str, float]) -> str:
    """'4.0 % [2.9, 5.4]': with as many decimals as the interval has use for."""
    width = 100 * (share["high"] - share["low"])
    decimals = max(1, -math.floor(math.log10(width))) if width > 0 else 1
    unit = 10.0**decimals
    low, high = math.floor(100 * share["low"] * unit) / unit, math.ceil(100 * share["high"] * unit) / unit
    value = f"{100 * share['share']:.{decimals}f}" if 0 < share["share"] < 1 else f"{100 * share['share']:.0f}"
    return f"{value} % [{low:.15g}, {high:.15g}]"


def _greatest(values: Values, most: int) -> list[int]:
    """Where the greatest values are, those above 0 only."""
    return [int(row) for row in np.argsort(-values, kind="stable")[:most] if values[row] > 0]
