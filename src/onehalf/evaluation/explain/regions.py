"""Where two samples differ, in the columns' own names: regions, and single rows.

Regions are chosen on learning rows and certified on test rows that no choice has seen. Looking at less than the whole
row never raises the JSD (data processing), so that what is certified for a region holds for all of it.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from onehalf._errors import refuse
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.bounds import clopper_pearson
from onehalf.evaluation.explain.binning import GREATEST, Bins, are_whole, check_piles, few

__all__ = ["binary_jsd", "jsd_of_dropped", "regions", "sentence", "telling"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Shares = Float[np.ndarray, "..."] | np.floating
PairedSamples = Float[np.ndarray, "2 _"]
"""How much of each learning row counts as one of the data, and as one of the other sample."""

Interval = tuple[float, float]
"""`low < x <= high`; what is missing lies beyond GREATEST."""

Words = frozenset[float]
"""Their places in a coding; -1 is missing."""

Box = dict[int, Interval | Words]
"""What there is about each column."""

Condition = tuple[int, str, Any]
"""A column, `>`, `>=`, `<=`, `=`, `in`, `missing` or `known`, and what with."""

BINS, FINE, MOST = 16, 128, 8
"""About so many bins of a column have their ends tried as a region's, then refined; at most so many regions."""

COLUMNS = 30
"""Of more columns than this, only pairs among those that differ most by themselves are tried."""

TOGETHER, EACH_PILE = 3, 4
"""At most so many words make a region; so many that one pile has more of are tried, whether they are frequent or not.
"""


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
    coding: TableEncoder | None = None,
) -> list[dict[str, Any]]:
    """Regions with more of the one sample than of the other: rule, share of each, certified JSD in nats.

    A region is an interval in each of one to three columns; of the cells of a table, which come with their `coding`,
    also what is missing, one word or up to three. The learning rows choose up to 8 of them, one after the
    other, each for the rows that the earlier ones leave unexplained; none where they differ by no more than luck.
    `log_ratio` has a critic's out-of-sample logits log p/q at the learning rows, real and other: it says where to look
    when the counts show no more. On the test rows all intervals hold at once with probability 1 - alpha (Clopper &
    Pearson 1934, Bonferroni over regions and samples), and JSD is at least that of the two nearest shares in them (data
    processing). Whether a region is `certain` is whether its two intervals lie apart.

    Returns, for each region, `rule`, `conditions` (column, op, value), `real` and `other` (share, low, high),
    `jsd_lower` and `certain`; the greatest `jsd_lower` first, then the greatest difference. An op is one of >, >=, <=,
    =, in, missing and known.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.integers(100, size=(2, 4000, 2)).astype(float)
    >>> y = y[y[:, 0] < 90]                                 # a tenth of the data is missing: JSD 0.036
    >>> found = regions(x[::2], y[::2], x[1::2], y[1::2], ["age", "income"], alpha=0.05)
    >>> [(region["rule"], region["jsd_lower"]) for region in found]
    [('age >= 90', 0.02...)]
    """
    check_piles(
        (learn_real, learn_other, test_real, test_other),
        names,
        alpha,
        missing=coding is not None,
    )
    if log_ratio and tuple(map(len, log_ratio)) != (len(learn_real), len(learn_other)):
        rows = f"{len(learn_real)} and {len(learn_other)} logits, one for each learning row"
        refuse(
            "log_ratio",
            expected=rows,
            got=" and ".join(str(len(values)) for values in log_ratio),
        )
    learning = _Learning(few(learn_real), few(learn_other), coding)
    logits = np.concatenate([few(values) for values in log_ratio]) if log_ratio else None
    chosen = [learning.conditions(box) for box in learning.boxes(alpha, logits)]
    found = [
        _certified(each, test_real, test_other, alpha / (2 * len(chosen)))
        | _told(each, names, coding)
        for each in chosen
    ]
    return sorted(
        found,
        key=lambda each: (
            -each["jsd_lower"],
            -abs(each["real"]["share"] - each["other"]["share"]),
        ),
    )


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
    other rows of the least l < 0: such rows should not be there. `convincing` are those of the greatest l > 0.

    >>> telling(np.array([0.1, 3.0, -1.0]), np.array([-2.0, 0.5]))
    {'missing': [1, 0], 'unexpected': [0], 'convincing': [1]}
    """
    return {
        "missing": _greatest(l_real, most),
        "unexpected": _greatest(-l_other, most),
        "convincing": _greatest(l_other, most),
    }


class _Axis(NamedTuple):
    """A column in places that lie side by side, and the stretches of places that may be a condition."""

    places: Int[np.ndarray, " _"]
    size: int
    starts: Int[np.ndarray, " stretches"]
    stops: Int[np.ndarray, " stretches"]
    ends: Int[np.ndarray, " stretches"]
    """How many ends of each stretch are paid for."""
    choices: int
    """The conditions that one of the column is chosen from."""
    marks: Float[np.ndarray, " _"]
    """The edges between the places of numbers; the words."""
    words: bool

    @classmethod
    def of_numbers(cls, column: Values, number: int) -> "_Axis":
        """All intervals; what is missing has the last place, and is in no interval with others."""
        edges, places = Bins.of(column, number)
        starts, stops = np.triu_indices(size := len(edges) + 1)
        if GREATEST in edges:
            alone = (
                (stops < size - 1)
                | (starts == size - 1)
                | ((starts == 0) & (stops == size - 1))
            )
            starts, stops = starts[alone], stops[alone]
        ends = 1 * (starts > 0) + (stops < size - 1)
        return cls(places, size, starts, stops, ends, len(starts), edges, words=False)

    @classmethod
    def of_words(cls, column: Values, piles: PairedSamples, number: int) -> "_Axis":
        """The words that differ most and the most frequent ones, in the order of their difference, and all others.

        Of words in this order those that differ most together are neighbours.
        """
        words, where = np.unique(column, return_inverse=True)
        counts = np.stack([np.bincount(where, pile, len(words)) for pile in piles])
        a, b, scale = _shares(counts, piles)
        differ = np.sign(a - b) * np.sqrt(_chi_square(a, b) * scale)
        by_difference, by_rows = (
            np.argsort(differ, kind="stable"),
            np.argsort(-counts.sum(axis=0), kind="stable"),
        )
        first = [*by_difference[:EACH_PILE], *by_difference[::-1][:EACH_PILE], *by_rows]
        kept = np.sort(np.array(list(dict.fromkeys(first))[:number]))
        kept = kept[np.argsort(differ[kept], kind="stable")]
        place = np.full(len(words), len(kept))
        place[kept] = np.arange(len(kept))
        size = len(kept) + (len(kept) < len(words))
        starts, stops = np.triu_indices(size)
        all_of_it = (starts == 0) & (stops == size - 1)
        some = all_of_it | ((stops - starts < TOGETHER) & (stops < len(kept)))
        choices = 1 + sum(math.comb(len(words), count) for count in range(1, TOGETHER + 1))
        ends = np.where(all_of_it, 0, 2)[some]
        return cls(
            place[where],
            size,
            starts[some],
            stops[some],
            ends,
            choices,
            words[kept],
            words=True,
        )

    def condition(self, stretch: int) -> Interval | Words | None:
        """What a stretch of places says; None if it is all of them."""
        start, stop = int(self.starts[stretch]), int(self.stops[stretch])
        if (start, stop) == (0, self.size - 1):
            return None
        if self.words:
            return frozenset(self.marks[start : stop + 1].tolist())
        low, *_, high = [-math.inf, *self.marks.tolist(), math.inf][start : stop + 2]
        return low, high


class _Learning:
    """The learning rows of both piles, and the search for boxes among them."""

    def __init__(self, real: Rows, other: Rows, coding: TableEncoder | None) -> None:
        rows = np.concatenate([real, other])
        is_real = np.arange(len(rows)) < len(real)
        self.piles = np.stack([is_real, ~is_real]).astype(np.float64)
        self.columns = list(range(rows.shape[1]))
        words = [
            coding is not None and about.name in coding.words
            for about in (coding.columns if coding else ())
        ]
        self.words = words or [False] * rows.shape[1]
        self.rows = np.where(np.isnan(rows), np.where(self.words, -1.0, math.inf), rows)
        self.coarse, self.fine = (
            [
                _Axis.of_words(column, self.piles, number)
                if words
                else _Axis.of_numbers(column, number)
                for column, words in zip(self.rows.T, self.words, strict=True)
            ]
            for number in (BINS, FINE)
        )
        # log(rows) + 2 log(columns): what an end of an interval must add to the evidence (Chen & Chen 2008)
        self.price = math.log(len(self.rows)) + 2 * math.log(len(self.columns))

    def boxes(self, alpha: float, logits: Values | None) -> Iterator[Box]:
        """Box by box, the best for the rows outside all earlier ones: by the counts, then by the critic."""
        pairs = self.pairs()
        tried = sum(math.prod(self.coarse[column].choices for column in pair) for pair in pairs)
        sources = [(self.piles, tried)]
        if logits is not None:
            # the logits are out of sample, so the labels have had no say in what the critic chooses; it comes second,
            # for what the counts find has sharper ends
            beliefs = special.expit([logits, -logits])
            sources.append(
                (beliefs * (self.piles.sum(axis=1) / beliefs.sum(axis=1))[:, None], MOST)
            )
        left, found = np.ones(len(self.rows)), 0
        for piles, choices in sources:
            while found < MOST:
                starts = [self.best(pair, piles * left) for pair in pairs]
                box = self.refined(max(starts, key=lambda each: each[0])[1], piles * left)
                # it must show more than the best of so many choices shows by luck
                shown = min(
                    self.evidence(box, self.piles * left), self.evidence(box, self.piles)
                )
                if shown < 2 * math.log(choices / alpha):
                    break
                left, found = left * ~self.inside(box), found + 1
                yield box

    def pairs(self) -> list[tuple[int, ...]]:
        """The pairs of columns that are tried; of one column, this."""
        columns = sorted(self.columns, key=lambda column: self.best((column,), self.piles)[0])
        return list(itertools.combinations(sorted(columns[-COLUMNS:]), min(2, len(columns))))

    def refined(self, box: Box, piles: PairedSamples) -> Box:
        """The box with a finer interval in one of up to three columns, as long as that is worth half a price more."""

        def worth(box: Box) -> float:
            return self.evidence(box, piles) - self.price * sum(map(_ends, box.values()))

        while True:
            found = []
            for column in self.columns if len(box) < 3 else box:
                rest = {name: interval for name, interval in box.items() if name != column}
                found.append(rest | self.best((column,), piles, rest)[1])
            best = max(found, key=worth)
            if worth(best) <= worth(box) + self.price / 2:
                return box
            box = best

    def best(
        self, columns: tuple[int, ...], piles: PairedSamples, rest: Box | None = None
    ) -> tuple[float, Box]:
        """The intervals in these columns that show most, and how much: coarse ones, by Pearson's chi-square.

        With the rest of a box they are fine ones for the rows in it, by the JSD, less the price of their ends. (The JSD
        makes more of few rows, among which the best of all coarse boxes would often be found.)
        """
        axes = [(self.coarse if rest is None else self.fine)[column] for column in columns]
        shape = tuple(axis.size for axis in axes)
        cell = np.ravel_multi_index(tuple(axis.places for axis in axes), shape)
        rows = piles if rest is None else piles * self.inside(rest)
        counts = np.stack(
            [np.bincount(cell, pile, math.prod(shape)).reshape(shape) for pile in rows]
        )
        ends = np.zeros(())
        for number, axis in enumerate(axes, start=1):
            below = np.insert(np.cumsum(counts, axis=number), 0, 0.0, axis=number)
            counts = below.take(axis.stops + 1, axis=number) - below.take(
                axis.starts, axis=number
            )
            ends = ends[..., None] + axis.ends
        a, b, scale = _shares(counts, piles)
        shown = np.asarray(
            _chi_square(a, b) * scale
            if rest is None
            else 8 * _jsd(a, b) * scale - self.price * ends
        )
        # of an interval and all the rest, which show the same, the one with fewer rows is named
        at = np.unravel_index(np.argmax(shown - 1e-6 * (a + b)), shown.shape)
        said = {
            column: axis.condition(int(where))
            for column, axis, where in zip(columns, axes, at, strict=True)
        }
        return float(shown[at]), {
            column: condition for column, condition in said.items() if condition is not None
        }

    def evidence(self, box: Box, piles: PairedSamples) -> float:
        """8 JSD / (1/n + 1/m) of the shares inside: chi-square with one degree of freedom if p = q."""
        a, b, scale = _shares(piles @ self.inside(box), piles)
        return float(8 * _jsd(a, b) * scale)

    def inside(self, box: Box) -> Bool[np.ndarray, " _"]:
        """Which rows lie in the box."""
        inside = np.ones(len(self.rows), dtype=bool)
        for column, condition in box.items():
            values = self.rows[:, column]
            if isinstance(condition, frozenset):
                inside &= np.isin(values, list(condition))
            else:
                inside &= (values > condition[0]) & (values <= condition[1])
        return inside

    def conditions(self, box: Box) -> list[Condition]:
        """The box as (column, op, value), column by column; of whole numbers in their own way."""
        found: list[Condition] = []
        for column, condition in sorted(box.items()):
            if isinstance(condition, frozenset):
                found.append((column, "in", sorted(condition)))
                continue
            low, high = condition
            if low == GREATEST:
                found.append((column, "missing", None))
                continue
            known = self.rows[:, column] <= GREATEST
            values = self.rows[self.inside({column: condition}), column]
            whole = are_whole(self.rows[known, column])
            number = int if whole else float
            if values.min() == values.max():
                found.append((column, "=", number(values[0])))
                continue
            if low > -math.inf:
                found.append((column, ">=", number(low + 1)) if whole else (column, ">", low))
            if high < GREATEST:
                found.append((column, "<=", number(high)))
            if low == -math.inf and high == GREATEST:
                found.append((column, "known", None))
        return found


def _ends(condition: Interval | Words) -> int:
    """How many ends of it are paid for."""
    return (
        2 if isinstance(condition, frozenset) else sum(abs(end) < GREATEST for end in condition)
    )


def _shares(
    counts: Float[np.ndarray, "2 ..."], piles: PairedSamples
) -> tuple[Shares, Shares, float]:
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
    conditions: list[Condition], real: Rows, other: Rows, alpha: float
) -> dict[str, Any]:
    """The region on test rows, each interval at confidence 1 - alpha."""
    shares = []
    for rows in (real, other):
        count = int(_satisfy(rows, conditions).sum())
        low, high = clopper_pearson(count, len(rows), alpha)
        shares.append({"share": count / len(rows), "low": low, "high": high})
    # the nearest shares in two intervals that lie apart
    near, far = min(each["high"] for each in shares), max(each["low"] for each in shares)
    certain = near < far
    return {
        "real": shares[0],
        "other": shares[1],
        "jsd_lower": binary_jsd(near, far) if certain else 0.0,
        "certain": certain,
    }


def _satisfy(rows: Rows, conditions: list[Condition]) -> Bool[np.ndarray, " _"]:
    compare = {">": np.greater, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal}
    inside = np.ones(len(rows), dtype=bool)
    for column, op, value in conditions:
        values = rows[:, column]
        if op in compare:
            inside &= compare[op](values, value)  # which nothing that is missing does
        elif op == "in":
            inside &= np.isin(np.where(np.isnan(values), -1.0, values), value)
        else:
            inside &= np.isnan(values) == (op == "missing")
    return inside


def _told(
    conditions: list[Condition], names: Sequence[str], coding: TableEncoder | None
) -> dict[str, Any]:
    """The rule, and its conditions, in the columns' own words."""
    told = []
    for column, op, value in conditions:
        if op == "in":
            words = [None if place < 0 else _value(column, place, coding) for place in value]
            told.append(
                [names[column], op, words]
                if words[1:]
                else [names[column], "=" if words[0] else "missing", words[0]]
            )
        else:
            told.append(
                [names[column], op, value if value is None else _value(column, value, coding)]
            )
    return {"rule": _rule(told), "conditions": told}


def _value(column: int, value: float, coding: TableEncoder | None) -> float | str:
    """A number as it is; a date or a word as it is written."""
    if coding is None or coding.columns[column].kind in ("integer", "continuous"):
        return value
    return coding.shown(column, value)


def _rule(conditions: list[list[Any]]) -> str:
    """The conditions in words: two on the same column are joined as '1 < x <= 2'."""
    parts = []
    for name, same in itertools.groupby(conditions, lambda condition: condition[0]):
        (_, op, value), *upper = same
        if upper:
            parts.append(
                f"{_plain(value)} {'<' if op == '>' else '<='} {name} <= {_plain(upper[0][2])}"
            )
        elif op == "in":
            *words, last = [
                "missing" if word is None else word
                for word in sorted(value, key=lambda word: word is None)
            ]
            parts.append(f"{name} is {', '.join(words)} or {last}")
        else:
            parts.append(f"{name} {op}" + ("" if value is None else f" {_plain(value)}"))
    return " and ".join(parts)


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


def _percent(share: Mapping[str, float]) -> str:
    """'4.0 % [2.9, 5.4]': with as many decimals as the interval has use for."""
    width = 100 * (share["high"] - share["low"])
    decimals = max(1, -math.floor(math.log10(width))) if width > 0 else 1
    unit = 10.0**decimals
    low, high = (
        math.floor(100 * share["low"] * unit) / unit,
        math.ceil(100 * share["high"] * unit) / unit,
    )
    value = (
        f"{100 * share['share']:.{decimals}f}"
        if 0 < share["share"] < 1
        else f"{100 * share['share']:.0f}"
    )
    return f"{value} % [{low:.15g}, {high:.15g}]"


def _greatest(values: Values, most: int) -> list[int]:
    """Where the greatest values are, those above 0 only."""
    return [int(row) for row in np.argsort(-values, kind="stable")[:most] if values[row] > 0]
