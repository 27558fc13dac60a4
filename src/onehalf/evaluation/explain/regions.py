"""Where two samples differ, in the columns' own names: regions, and single rows.

Regions are chosen on learning rows and certified on test rows that no choice has seen. Looking at less than the whole
row never raises the JSD (data processing), so that what is certified for a region holds for all of it.
"""

import numpy as np
from jaxtyping import Bool, Float

from onehalf._errors import refuse
from onehalf.evaluation.certificate.bounds import clopper_pearson
from onehalf.evaluation.explain.binning import check_samples, thin_out
from onehalf.evaluation.explain.box_search import BoxSearch, PlacedCondition, coin_jsd
from onehalf.evaluation.explain.relations import RelatedColumns
from onehalf.evaluation.features.base import Columns
from onehalf.evaluation.result import Condition, Region, Share
from onehalf.evaluation.wording import describe_rule

__all__ = ["binary_jsd", "find_regions", "jsd_of_dropped", "most_telling"]

Rows = Float[np.ndarray, "_ columns"]
Values = Float[np.ndarray, " _"]

ORDERS = {"<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal}
"""What a difference says of two columns, by its comparison with 0."""


def binary_jsd(a: float, b: float) -> float:
    """JSD(Bernoulli(a), Bernoulli(b)), in nats: what a single yes-or-no question shows (0 to log 2).

    >>> binary_jsd(0.5, 0.5), binary_jsd(1.0, 0.0)
    (0.0, 0.6931)
    """
    return float(coin_jsd(np.float64(a), np.float64(b)))


def jsd_of_dropped(w: float) -> float:
    """JSD(p, q) in nats, where q is p without a part of mass w: (w log 2 + (1-w) log 2(1-w)/(2-w) + log 2/(2-w))/2.

    Outside the part q is proportional to p, so nothing is lost by asking only whether a row lies in it.

    >>> [round(jsd_of_dropped(w), 6) for w in (0.001, 0.005, 0.01, 0.02, 0.04, 0.1)]
    [0.000347, 0.001736, 0.003478, 0.006982, 0.014067, 0.035974]
    """
    return binary_jsd(w, 0.0)


def find_regions(
    learn_real: Rows,
    learn_other: Rows,
    test_real: Rows,
    test_other: Rows,
    columns: Columns,
    alpha: float,
    *,
    log_ratio: tuple[Values, Values] | None = None,
) -> tuple[Region, ...]:
    """Regions with more of the one sample than of the other: rule, share of each, certified JSD in nats.

    A region is an interval in each of one to three columns; of the cells of a table also what is missing, one word or
    up to three. The learning rows choose up to 8 of them, one after the
    other, each for the rows that the earlier ones leave unexplained; none where they differ by no more than luck.
    `log_ratio` has a critic's out-of-sample logits log p/q at the learning rows, real and other: it says where to look
    when the counts show no more. On the test rows all intervals hold at once with probability 1 - alpha (Clopper &
    Pearson 1934, Bonferroni over regions and samples), and JSD is at least that of the two nearest shares in them (data
    processing). Whether a region is `certain` is whether its two intervals lie apart.

    Returns, for each region, `rule`, `conditions` (column, op, value), `real` and `other` (share, low, high),
    `jsd_lower` and `certain`; the greatest `jsd_lower` first, then the greatest difference. An op is one of >, >=, <=,
    =, in, missing and known.

    >>> from onehalf.evaluation.features.base import PlainColumns
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.integers(100, size=(2, 4000, 2)).astype(float)
    >>> y = y[y[:, 0] < 90]                                 # a tenth of the data is missing: JSD 0.036
    >>> columns = PlainColumns(("age", "income"))
    >>> found = find_regions(x[::2], y[::2], x[1::2], y[1::2], columns, alpha=0.05)
    >>> [(region.rule, region.jsd_lower) for region in found]
    [('age >= 90', 0.02...)]
    """
    check_samples((learn_real, learn_other, test_real, test_other), columns, alpha)
    if log_ratio and tuple(map(len, log_ratio)) != (len(learn_real), len(learn_other)):
        rows = f"{len(learn_real)} and {len(learn_other)} logits, one for each learning row"
        refuse(
            "log_ratio",
            expected=rows,
            got=" and ".join(str(len(values)) for values in log_ratio),
        )
    search = BoxSearch(thin_out(learn_real), thin_out(learn_other), columns)
    logits = np.concatenate([thin_out(values) for values in log_ratio]) if log_ratio else None
    chosen = [search.conditions(box) for box in search.boxes(alpha, logits)]
    found = [
        _certify(conditions, test_real, test_other, alpha / (2 * len(chosen)), columns)
        for conditions in chosen
    ]
    return tuple(sorted(found, key=_rank))


def most_telling(l_real: Values, l_other: Values, most: int = 20) -> dict[str, list[int]]:
    """The rows that tell most, by their logits l = log p/q, the most telling first; their numbers count from 0.

    `missing` are the real rows of the greatest l > 0: such rows are missing from the other sample. `unexpected` are the
    other rows of the least l < 0: such rows should not be there. `convincing` are those of the greatest l > 0.

    >>> most_telling(np.array([0.1, 3.0, -1.0]), np.array([-2.0, 0.5]))
    {'missing': [1, 0], 'unexpected': [0], 'convincing': [1]}
    """
    return {
        "missing": _find_greatest(l_real, most),
        "unexpected": _find_greatest(-l_other, most),
        "convincing": _find_greatest(l_other, most),
    }


def _rank(region: Region) -> tuple[float, float]:
    """The greatest bound first, then the greatest difference."""
    return -region.jsd_lower, -abs(region.real.share - region.other.share)


def _certify(
    conditions: list[PlacedCondition],
    real: Rows,
    other: Rows,
    alpha: float,
    columns: Columns,
) -> Region:
    """Count the region on test rows, each interval at confidence 1 - alpha."""
    shares = []
    for rows in (real, other):
        count = int(_satisfy(rows, conditions).sum())
        low, high = clopper_pearson(count, len(rows), alpha)
        shares.append(Share(share=count / len(rows), low=low, high=high))
    # the nearest shares in two intervals that lie apart
    near = min(share.high for share in shares)
    far = max(share.low for share in shares)
    certain = near < far
    named = tuple(_name_condition(each, columns) for each in conditions)
    return Region(
        real=shares[0],
        other=shares[1],
        jsd_lower=binary_jsd(near, far) if certain else 0.0,
        certain=certain,
        rule=_describe(conditions, named, np.concatenate([real, other]), columns),
        conditions=named,
    )


def _describe(
    conditions: list[PlacedCondition],
    named: tuple[Condition, ...],
    rows: Rows,
    columns: Columns,
) -> str:
    """The rule in words: a difference that is said to be above or below 0, as far as any row tells, is an order."""
    rule = describe_rule(named)
    places = [column for column, _, _ in conditions]
    for condition, of_name in zip(conditions, named, strict=True):
        pair = columns.pair(condition[0]) if isinstance(columns, RelatedColumns) else None
        if pair and places.count(condition[0]) == 1:
            inside = _satisfy(rows, [condition])
            difference = rows[:, condition[0]]
            for sign, compare in ORDERS.items():
                if np.array_equal(inside, compare(difference, 0)):
                    rule = rule.replace(describe_rule([of_name]), f"{pair[0]} {sign} {pair[1]}")
                    break
    return rule


def _satisfy(rows: Rows, conditions: list[PlacedCondition]) -> Bool[np.ndarray, " _"]:
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


def _name_condition(condition: PlacedCondition, columns: Columns) -> Condition:
    """Give a condition in the column's own words."""
    column, op, value = condition
    name = columns.names[column]
    if op != "in":
        shown = None if value is None else _show(column, value, columns)
        return Condition(name, op, shown)
    words: tuple[str | None, ...] = tuple(
        None if place < 0 else str(_show(column, place, columns)) for place in value
    )
    first, *others = words
    if others:
        return Condition(name, "in", words)
    return Condition(name, "missing" if first is None else "=", first)


def _show(column: int, value: float, columns: Columns) -> int | float | str:
    """A number as it is; a date or a word as it is written."""
    return value if columns.is_number(column) else columns.show(column, value)


def _find_greatest(values: Values, most: int) -> list[int]:
    """Where the greatest values are, those above 0 only."""
    return [int(row) for row in np.argsort(-values, kind="stable")[:most] if values[row] > 0]
