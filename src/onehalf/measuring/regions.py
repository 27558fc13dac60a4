"""Where two samples differ, in the columns' own names: regions, columns and pairs of columns, single rows.

Everything is chosen on learning rows and certified on test rows that no choice has seen. Looking at less than the whole
row never raises the JSD (data processing), so that what is certified for a region or a column holds for all of it.
"""

import functools
import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Real
from scipy import special

from onehalf._base import refuse
from onehalf.data.arrays import check
from onehalf.measuring.betting import best_clip, clopper_pearson, lower_bound, payoff, payoff_floor

__all__ = ["binary_jsd", "jsd_of_dropped", "ladder", "regions", "sentence", "telling"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]
Indices = Int[np.ndarray, " _"]
Beliefs = Float[np.ndarray, "2 _"]
"""How much of each learning row belongs to the data, and to the other sample: each adds up to 1 over all rows."""

Counts = Real[np.ndarray, "cells piles folds"]
"""Learning rows by cell, pile and fold."""

Box = Mapping[int, tuple[int, int]]
"""Column by column, the first and the last bin of an interval."""

LEARNING = 20_000
"""At most so many rows of each pile are learned from, evenly spaced; every test row is counted."""

BINS, FINE, MOST = 16, 128, 8
"""About so many bins of a column have their ends tried as a region's, then refined; at most so many regions."""

PAIRED = 30
"""Of more columns than this, only pairs among those that differ most by themselves are tried."""

SINGLE_BINS, PAIR_BINS = (8, 16, 32), (4, 8)
"""Bins of a column tried by `ladder`: of single columns, and of each column of a pair."""

SHRINKAGES = (0.5, 2.0, 8.0, 32.0)
"""Rows that are added to either pile in each cell of a histogram: the more, the nearer its log ratio is to 0."""


def binary_jsd(a: float, b: float) -> float:
    """JSD(Bernoulli(a), Bernoulli(b)), in nats: what a single yes-or-no question shows (0 to log 2).

    >>> binary_jsd(0.5, 0.5), binary_jsd(1.0, 0.0)
    (0.0, 0.6931)
    """
    middle = (a + b) / 2
    terms = special.rel_entr([a, 1 - a, b, 1 - b], [middle, 1 - middle, middle, 1 - middle])
    return max(float(terms.sum()) / 2, 0.0)


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
    _refuse_bad((learn_real, learn_other, test_real, test_other), names, alpha)
    if log_ratio and tuple(map(len, log_ratio)) != (len(learn_real), len(learn_other)):
        rows = f"{len(learn_real)} and {len(learn_other)} logits, one for each learning row"
        refuse("log_ratio", expected=rows, got=" and ".join(str(len(values)) for values in log_ratio))
    thin = [_thin(len(learn_real)), _thin(len(learn_other))]
    learning = _Learning.of(learn_real[thin[0]], learn_other[thin[1]])
    logits = log_ratio and np.concatenate([values[rows] for values, rows in zip(log_ratio, thin, strict=True)])
    found = []
    for box in learning.boxes(alpha, logits):
        conditions = learning.conditions(box, names)
        if conditions not in found:
            found.append(conditions)
    certified = [_certified(each, test_real, test_other, names, alpha / (2 * len(found))) for each in found]
    return sorted(certified, key=lambda region: (-region["jsd_lower"], -abs(_difference(region))))


def sentence(region: Mapping[str, Any]) -> str:
    """One region in a sentence, the shares in percent; the intervals are rounded outwards.

    >>> real, other = {"share": 0.04, "low": 0.0291, "high": 0.054}, {"share": 0.0, "low": 0.0, "high": 0.0036}
    >>> sentence({"rule": "x > 2", "certain": True, "real": real, "other": other})
    'x > 2: 4.0 % [2.9, 5.4] of the data, 0 % [0, 0.4] of the other sample.'
    """
    shares = f"{_percent(region['real'])} of the data, {_percent(region['other'])} of the other sample."
    return f"{region['rule']}: {shares}" + ("" if region["certain"] else " This may be chance.")


def ladder(
    learn_real: Rows, learn_other: Rows, test_real: Rows, test_other: Rows, names: Sequence[str], alpha: float
) -> list[dict[str, Any]]:
    """The single column, and the pair of columns, that differ most: each JSD is a lower bound of the whole row's.

    The learning rows choose by the out-of-sample value of histograms, whose log ratio then is the critic. It is judged
    on the test rows, paired in the order given, which must have been drawn at random; both bounds hold at once with
    probability 1 - alpha. What all columns show beyond a pair lies in how they go together.

    Returns, for each step, `columns`, `jsd_lower` (certified) and `jsd_estimate` (the mean on the test rows), in nats.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 4000, 2))
    >>> y[:, 1] = y[:, 0]                                   # the columns by themselves are alike
    >>> [step["jsd_lower"] for step in ladder(x[::2], y[::2], x[1::2], y[1::2], ["a", "b"], alpha=0.05)]
    [0.0, 0.3...]
    """
    _refuse_bad((learn_real, learn_other, test_real, test_other), names, alpha)
    learn = learn_real[_thin(len(learn_real))], learn_other[_thin(len(learn_other))]
    singles = _histograms(learn, [(column,) for column in range(len(names))], SINGLE_BINS)
    best = [max(same, key=lambda each: each.value) for _, same in itertools.groupby(singles, lambda each: each.columns)]
    steps = [max(best, key=lambda each: each.value)]
    if len(names) > 1:
        differ = sorted(best, key=lambda each: -each.value)[:PAIRED]
        pairs = itertools.combinations(sorted(each.columns[0] for each in differ), 2)
        steps.append(max(_histograms(learn, list(pairs), PAIR_BINS), key=lambda each: each.value))
    found = []
    for step in steps:
        judged = step.judged(learn, (test_real, test_other), alpha / len(steps))
        if found and set(found[0]["columns"]) & {names[column] for column in step.columns}:
            # a pair shows what its columns show
            judged["jsd_lower"] = max(judged["jsd_lower"], found[0]["jsd_lower"])
        found.append({"columns": [names[column] for column in step.columns], **judged})
    return found


def telling(l_real: Values, l_other: Values, most: int = 20) -> dict[str, list[int]]:
    """The rows that tell most, by their logits l = log p/q, the most telling first; their numbers count from 0.

    `missing` are the real rows of the greatest l > 0: such rows are missing from the other sample. `unexpected` are the
    other rows of the least l < 0: such rows should not be there.

    >>> telling(np.array([0.1, 3.0, -1.0]), np.array([-2.0, 0.5]))
    {'missing': [1, 0], 'unexpected': [0]}
    """
    return {"missing": _greatest(l_real, most), "unexpected": _greatest(-l_other, most)}


class _Learning(NamedTuple):
    """The learning rows of both piles, in fine bins, column by column, and which of their edges are coarse ones.

    A last column has one bin for all, so that a single column can stand for a pair.
    """

    rows: Rows
    is_real: Bool[np.ndarray, " _"]
    edges: list[Values]
    cells: list[Indices]
    coarse: list[Indices]

    @classmethod
    def of(cls, real: Rows, other: Rows) -> "_Learning":
        rows = np.concatenate([real, other])
        edges, coarse = [], []
        for column in rows.T:
            values = np.sort(column)
            few = _edges(values, BINS)
            edges.append(np.union1d(few, _edges(values, FINE)))
            coarse.append(np.searchsorted(edges[-1], few))
        cells = [_cells(column, cuts) for column, cuts in zip(rows.T, edges, strict=True)]
        none = np.zeros(0)
        is_real = np.arange(len(rows)) < len(real)
        return cls(rows, is_real, [*edges, none], [*cells, 0 * cells[0]], [*coarse, none.astype(np.intp)])

    def boxes(self, alpha: float, logits: Values | None) -> Iterator[Box]:
        """Box by box, the best for the rows outside all earlier ones: by the counts, then by the critic."""
        labels = np.stack([self.is_real, ~self.is_real]).astype(np.float64)
        coarse = [_cells(cells, few) for few, cells in zip(self.coarse, self.cells, strict=True)]
        pairs = self.pairs(coarse, _shares(labels))
        tried = sum(math.prod(len(_intervals(len(self.coarse[column]) + 1)[1]) for column in pair) for pair in pairs)
        sources = [(labels, tried)]
        if logits is not None:
            D = special.expit(logits)
            # the logits are out of sample, so the labels have had no say in what the critic chooses; it comes second,
            # for what the counts find has sharper ends
            sources.append((np.stack([D, 1 - D]) * _shares(labels).sum(axis=0), MOST))
        left = np.ones(len(self.rows), dtype=bool)
        found = 0
        for beliefs, choices in sources:
            luck = 2 * math.log(choices / alpha)
            now = _shares(beliefs * left)
            # a pair's last score nearly always bounds its next: only the greatest is brought up to date (Minoux 1978)
            queue = [(-math.inf, pair) for pair in pairs]
            while found < MOST:
                _, pair = heapq.heappop(queue)
                score, box = self.best(pair, coarse, now)
                heapq.heappush(queue, (-score, pair))
                if queue[0][0] < -score:
                    continue
                box = self.simplified(self.refined(box, now), now)
                inside = self.inside(box)
                # it must show more than the best of so many choices shows by luck
                if self.evidence(inside, _shares(labels * left)) < luck:
                    break
                left &= ~inside
                now = _shares(beliefs * left)
                if self.evidence(inside, _shares(labels)) >= luck:
                    found += 1
                    yield box

    def pairs(self, coarse: list[Indices], labels: Beliefs) -> list[tuple[int, int]]:
        """The pairs of columns that are tried."""
        *columns, constant = range(len(self.edges))
        if len(columns) > PAIRED:
            by_themselves = [self.best((column, constant), coarse, labels)[0] for column in columns]
            columns = sorted(np.argsort(by_themselves)[-PAIRED:].tolist())
        return list(itertools.combinations(columns, 2)) or [(0, constant)]

    def best(self, pair: tuple[int, int], coarse: list[Indices], beliefs: Beliefs) -> tuple[float, Box]:
        """The coarse box over a pair of columns with the greatest score, and this."""
        first, second = (_intervals(len(self.coarse[column]) + 1) for column in pair)
        shape = first[0].shape[1], second[0].shape[1]
        cell = coarse[pair[0]] * shape[1] + coarse[pair[1]]
        tables = [np.bincount(cell, weights, math.prod(shape)).reshape(shape) for weights in beliefs]
        score = _score(*(first[0] @ table @ second[0].T for table in tables))
        row, column = np.unravel_index(np.argmax(score), score.shape)
        box = {}
        for name, (start, stop) in zip(pair, (first[1][row], second[1][column]), strict=True):
            few = self.coarse[name]
            box[name] = (int(few[start - 1]) + 1 if start else 0, int([*few, len(self.edges[name])][stop]))
        return float(score[row, column]), box

    def evidence(self, inside: Bool[np.ndarray, " _"], beliefs: Beliefs) -> float:
        """8 JSD / (1/n + 1/m) of the shares inside: chi-square with one degree of freedom if p = q."""
        left = beliefs.any(axis=0)
        n, m = max((left & self.is_real).sum(), 1), max((left & ~self.is_real).sum(), 1)
        a, b = (beliefs @ inside).clip(0, 1)
        return 8 * binary_jsd(a, b) / (1 / n + 1 / m)

    @property
    def price(self) -> float:
        """Log(rows) + 2 log(columns): what the end of an interval must add to the evidence (Chen & Chen 2008)."""
        return math.log(len(self.rows)) + 2 * math.log(self.rows.shape[1])

    def refined(self, box: Box, beliefs: Beliefs) -> Box:
        """The box with finer ends, or one column more, as long as a change adds its `price` to the evidence."""
        while True:
            found = [box]
            for column in range(len(self.edges) - 1):
                if column in box or len(box) < 3:
                    others = {name: ends for name, ends in box.items() if name != column}
                    inside = self.inside(others)
                    cells, size = self.cells[column][inside], len(self.edges[column]) + 1
                    below = [np.cumsum(np.bincount(cells + 1, weights, size + 1)) for weights in beliefs[:, inside]]
                    starts, stops = np.triu_indices(size)
                    best = np.argmax(_score(*(each[stops + 1] - each[starts] for each in below)))
                    found.append({**others, column: (int(starts[best]), int(stops[best]))})
            now, *evidence = [self.evidence(self.inside(each), beliefs) for each in found]
            if not evidence or max(evidence) < now + self.price:
                return box
            box = found[1 + int(np.argmax(evidence))]

    def simplified(self, box: Box, beliefs: Beliefs) -> Box:
        """The box without the ends of intervals that add less than their `price` to the evidence."""
        while True:
            ends = [(column, start, stop, len(self.edges[column])) for column, (start, stop) in box.items()]
            wider = [{**box, column: (0, stop)} for column, start, stop, _ in ends if start > 0]
            wider += [{**box, column: (start, last)} for column, start, stop, last in ends if stop < last]
            if len(wider) < 2:
                return self.rarer(box)
            now, *evidence = [self.evidence(self.inside(each), beliefs) for each in (box, *wider)]
            if now > max(evidence) + self.price:
                return box
            box = wider[int(np.argmax(evidence))]

    def rarer(self, box: Box) -> Box:
        """The box of a single end, or all the rest, whichever has fewer rows."""
        if self.inside(box).mean() < 0.5:
            return box
        for column, (start, stop) in box.items():
            last = len(self.edges[column])
            if start > 0:
                return {column: (0, start - 1)}
            if stop < last:
                return {column: (stop + 1, last)}
        return box

    def inside(self, box: Box) -> Bool[np.ndarray, " _"]:
        """Which rows lie in the box."""
        inside = np.ones(len(self.rows), dtype=bool)
        for column, (start, stop) in box.items():
            if (start, stop) != (0, len(self.edges[column])):
                inside &= (self.cells[column] >= start) & (self.cells[column] <= stop)
        return inside

    def conditions(self, box: Box, names: Sequence[str]) -> list[list[Any]]:
        """The box as [name, op, value], column by column; of whole numbers in their own way."""
        found = []
        for column, (start, stop) in sorted(box.items()):
            edges, cells = self.edges[column], self.cells[column]
            if (start, stop) == (0, len(edges)):
                continue
            name, whole = names[column], _are_whole(self.rows[:, column])
            number = int if whole else float
            values = self.rows[(cells >= start) & (cells <= stop), column]
            if values.min() == values.max():
                found.append([name, "=", number(values[0])])
                continue
            if start > 0:
                low = edges[start - 1]
                found.append([name, ">=", number(low + 1)] if whole else [name, ">", number(low)])
            if stop < len(edges):
                found.append([name, "<=", number(edges[stop])])
        return found


class _Histogram(NamedTuple):
    """A critic: the log ratio of two histograms over some columns, and what it is worth out of sample."""

    columns: tuple[int, ...]
    edges: tuple[Values, ...]
    counts: Counts
    shrinkage: float
    value: float

    def cells(self, rows: Rows) -> Indices:
        cell = np.zeros(len(rows), dtype=np.intp)
        for column, edges in zip(self.columns, self.edges, strict=True):
            cell = cell * (len(edges) + 1) + _cells(rows[:, column], edges)
        return cell

    def judged(self, learn: tuple[Rows, Rows], test: tuple[Rows, Rows], alpha: float) -> dict[str, float]:
        """The bound and the mean on test rows, clipped as the learning rows advise."""
        n = min(map(len, test))
        unseen = _log_ratio(self.counts[:, :, ::-1], self.shrinkage)
        past = [unseen[self.cells(rows), np.arange(len(rows)) % 2] for rows in learn]
        pairs = min(map(len, past))
        low, high = best_clip(past[0][:pairs], past[1][:pairs], n, alpha)
        logits = _log_ratio(self.counts.sum(axis=2, keepdims=True), self.shrinkage)[:, 0]
        l_x, l_y = (logits[self.cells(rows)] for rows in test)
        if len(l_x) > n:  # the larger pile is the one with several rows to a pair
            l_x, l_y, low, high = -l_y, -l_x, -high, -low
        gains = payoff(l_x, l_y[: len(l_y) // n * n].reshape(-1, n).T, low, high)
        floors = np.full(n, payoff_floor(low, high))
        return {"jsd_lower": lower_bound(gains, floors, alpha), "jsd_estimate": float(gains.mean())}


def _histograms(learn: tuple[Rows, Rows], choices: Sequence[tuple[int, ...]], bins: Sequence[int]) -> list[_Histogram]:
    """For each choice of columns and each number of bins, a histogram with the shrinkage that is worth most."""
    rows = np.concatenate(learn)
    pile = np.repeat([0, 1], [len(each) for each in learn])
    fold = np.concatenate([np.arange(len(each)) % 2 for each in learn])
    laid = {}
    for column in {column for choice in choices for column in choice}:
        values = np.sort(rows[:, column])
        for number in bins:
            edges = _edges(values, number)
            laid[column, number] = edges, _cells(rows[:, column], edges)
    found = []
    for choice in choices:
        for number in bins:
            cell, size = np.zeros(len(rows), dtype=np.intp), 1
            for column in choice:
                edges, cells = laid[column, number]
                cell, size = cell * (len(edges) + 1) + cells, size * (len(edges) + 1)
            counts = np.bincount((cell * 2 + pile) * 2 + fold, minlength=4 * size).reshape(size, 2, 2)
            edges = tuple(laid[column, number][0] for column in choice)
            values = [_out_of_sample(counts, shrinkage) for shrinkage in SHRINKAGES]
            best = int(np.argmax(values))
            found.append(_Histogram(choice, edges, counts, SHRINKAGES[best], values[best]))
    return found


def _score(a: Float[np.ndarray, "..."], b: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """(a - b)^2 / m(1 - m), m = (a + b)/2: near 8 times the JSD of two shares, and Pearson's chi-square per row."""
    middle = (a + b) / 2
    return np.square(a - b) / (middle * (1 - middle) + 1e-9)


def _shares(beliefs: Beliefs) -> Beliefs:
    """The same, so that each adds up to 1."""
    return beliefs / np.maximum(beliefs.sum(axis=1, keepdims=True), 1e-9)


def _log_ratio(counts: Counts, shrinkage: float) -> Float[np.ndarray, "cells folds"]:
    """Log p/q in each cell, from the counts of each fold; piles of unequal size are brought to the same."""
    totals = counts.sum(axis=0)
    scaled = counts * (totals.mean(axis=0) / np.maximum(totals, 1))
    return np.log((scaled[:, 0] + shrinkage) / (scaled[:, 1] + shrinkage))


def _out_of_sample(counts: Counts, shrinkage: float) -> float:
    """(E log 2D(x) + E log 2(1 - D(y)))/2 of the log ratio of each fold, on the other one."""
    logits = _log_ratio(counts[:, :, ::-1], shrinkage)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    lost = shares[:, 0] * np.logaddexp(0, -logits) + shares[:, 1] * np.logaddexp(0, logits)
    return math.log(2) - float(lost.sum()) / 4


@functools.cache
def _intervals(size: int) -> tuple[Float[np.ndarray, "intervals {size}"], list[tuple[int, int]]]:
    """All intervals of so many bins: a row of 0 and 1 for each, and its first and last bin."""
    starts, stops = np.triu_indices(size)
    bins = np.arange(size)
    inside = (bins >= starts[:, None]) & (bins <= stops[:, None])
    return inside.astype(np.float64), list(zip(starts.tolist(), stops.tolist(), strict=True))


def _cells(column: Real[np.ndarray, " _"], edges: Real[np.ndarray, " _"]) -> Indices:
    """The bin of each value: how many edges are below it."""
    return np.searchsorted(edges, column).astype(np.int16)


def _edges(values: Values, bins: int) -> Values:
    """Round numbers t between the bins `x <= t` and `x > t` of sorted values, where few values lie near.

    The bins hold shares of the rows that fall towards both ends, as the squared sine does, for tails are where samples
    differ. Near each such quantile the widest gap between two values is cut, so that clumps stay whole. A value that a
    bin's share of the rows have has a bin of its own.
    """
    n, gaps = len(values), np.diff(values)
    marks = (n * np.square(np.sin(np.linspace(0, math.pi / 2, 2 * bins + 1)))).astype(int)
    windows = [slice(start, stop) for start, stop in zip(marks[1:-2:2], marks[3::2], strict=True) if stop > start]
    cuts = [window.start + int(np.argmax(gaps[window])) for window in windows]
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    often = counts >= n / bins
    sides = [*(first[often] - 1), *(first + counts - 1)[often]]
    whole = _are_whole(values)
    taken, edges = [], set()
    for cut in [*sides, *sorted(cuts, key=lambda cut: -gaps[cut])]:
        # an edge may be moved to a round number, past a bin's share of the rows on its smaller side
        near = min(cut + 1, n - 1 - cut) // bins
        if not 0 <= cut < n - 1 or gaps[cut] == 0 or any(abs(cut - other) <= near for other in taken):
            continue
        taken.append(cut)
        low, high = float(values[cut - near]), float(values[cut + 1 + near])
        edges.add(_roundest(low + 1, high + 0.5) - 1 if whole else _roundest(low, high))
    return np.array(sorted(edges))


def _roundest(low: float, high: float) -> float:
    """The number in [low, high) with the fewest decimals, or the most zeros; of several the one nearest the middle.

    >>> _roundest(0.2961, 0.3134), _roundest(-3.9, -2.1), _roundest(1234.0, 1310.0), _roundest(-2.0, 5.0)
    (0.3, -3.0, 1300.0, 0.0)
    """
    if low <= 0 < high:
        return 0.0
    digits = -math.floor(math.log10(max(abs(low), abs(high))))
    for decimals in range(digits, min(digits + 17, 308)):
        step = 10.0**-decimals
        first = math.ceil(low / step)
        found = [round(each * step, decimals) for each in range(first, first + 11)]
        found = [each for each in found if low <= each < high]
        if found:
            return min(found, key=lambda each: abs(each - (low + high) / 2))
    return low


def _are_whole(values: Values) -> bool:
    return bool((values == np.rint(values)).all())


def _certified(
    conditions: list[list[Any]], real: Rows, other: Rows, names: Sequence[str], alpha: float
) -> dict[str, Any]:
    """The region on test rows, each interval at confidence 1 - alpha."""
    shares = []
    for rows in (real, other):
        count = int(_satisfy(rows, conditions, names).sum())
        low, high = clopper_pearson(count, len(rows), alpha)
        shares.append({"share": count / len(rows), "low": low, "high": high})
    fewer, more = sorted(shares, key=lambda each: each["low"])
    certain = fewer["high"] < more["low"]
    return {
        "rule": _rule(conditions),
        "conditions": conditions,
        "real": shares[0],
        "other": shares[1],
        "jsd_lower": binary_jsd(fewer["high"], more["low"]) if certain else 0.0,
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


def _difference(region: Mapping[str, Any]) -> float:
    return region["real"]["share"] - region["other"]["share"]


def _greatest(values: Values, most: int) -> list[int]:
    """Where the greatest values are, those above 0 only."""
    return [int(row) for row in np.argsort(-values, kind="stable")[:most] if values[row] > 0]


def _thin(n: int) -> Indices:
    """At most LEARNING of n rows, evenly spaced."""
    return np.linspace(0, n - 1, min(n, LEARNING)).astype(int)


def _refuse_bad(rows: Sequence[Rows], names: Sequence[str], alpha: float) -> None:
    if not 0 < alpha < 1:
        refuse("alpha", expected="a probability between 0 and 1", got=alpha)
    for what, each in zip(("learn_real", "learn_other", "test_real", "test_other"), rows, strict=True):
        check(what, each)
        if each.shape[1] != len(names):
            refuse(what, expected=f"a column for each of the {len(names)} names", got=f"{each.shape[1]} columns")
    if len(set(names)) < len(names):
        refuse("names", expected="a different name for each column", got=list(names))
