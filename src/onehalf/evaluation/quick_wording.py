"""What a quick check says: a table of columns and pairs, broken rules, and what was not done."""

from collections.abc import Iterator, Sequence

from onehalf._text import join_names
from onehalf.evaluation.result import QuickColumn, QuickPair, QuickTable, Violation

__all__ = ["describe", "summarize"]

MOST_COLUMNS = 15
"""Columns that are shown."""

MOST_PAIRS = 5
"""Pairs that are shown."""

MOST_RULES = 8
"""Broken rules that are shown."""

MOST_NAMED = 2
"""Columns, pairs and rules that the summary names."""

NAME_WIDTH = 40
"""Letters of a name that are shown."""

NOT_DONE = """\
Ceiling: the greatest distance in 19 pairs of samples of the same sizes, drawn from the data; * marks what is above it
(by chance: one in twenty).
Not done: no guarantee; no critics, so differences that need three or more columns are not seen; no test for copies.
Leave out --quick for these."""


def describe(found: QuickTable) -> str:
    """The whole table."""
    return "\n".join(_lines(found))


def summarize(found: QuickTable) -> str:
    """The most important in at most three lines."""
    above = f"{found.columns_above} of {len(found.columns):,} columns"
    if found.n_pairs:
        above += f" and {found.pairs_above:,} of {found.n_pairs:,} pairs"
    lines = [
        f"Quick check (no guarantee): {above} are further off than data from data (by chance: one "
        "in twenty)."
    ]
    worst = [each for each in (*found.columns[:MOST_NAMED], *found.pairs[:1]) if each.is_above]
    if worst:
        lines.append(f"  Furthest off: {'; '.join(map(_brief, worst))}.")
    if broken := found.broken:
        more = f"; and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
        named = "; ".join(_describe_violation(each) for each in broken[:MOST_NAMED])
        lines.append(f"  Broken: {named}{more}.")
    return "\n".join(lines)


def _lines(found: QuickTable) -> Iterator[str]:
    yield (
        f"Quick check of {found.n_real:,} rows of data against {found.n_other:,} of the other "
        "sample (no guarantee)"
    )
    yield f"{'column':<{NAME_WIDTH}}  distance   ceiling"
    yield from _list_distances(found.columns, MOST_COLUMNS, len(found.columns))
    if found.pairs:
        first = found.paired_columns
        all_of_them = first == len(found.columns)
        title = "relation of two" + (
            " columns" if all_of_them else f" of the first {first} columns"
        )
        yield f"{title:<{NAME_WIDTH}}  distance   ceiling"
        yield from _list_distances(found.pairs, MOST_PAIRS, found.n_pairs)
    yield from _list_rules(found)
    if found.left_out:
        yield f"Left out, as IDs, personal data and free text can't be compared: {join_names(found.left_out)}."
    yield NOT_DONE


def _list_distances(
    rows: Sequence[QuickColumn | QuickPair], most: int, total: int
) -> Iterator[str]:
    for row in rows[:most]:
        mark = " *" if row.is_above else ""
        name = _shorten(_name(row))
        yield f"{name:<{NAME_WIDTH}}{percent(row.distance):>10}{percent(row.ceiling):>10}{mark}"
    if total > most:
        yield f"and {total - most:,} more"


def _list_rules(found: QuickTable) -> Iterator[str]:
    """The broken rules, and those that are kept, by kind."""
    if broken := found.broken:
        yield "Rules that the data keep, and the other sample breaks:"
        yield from (f"  {_describe_violation(each)}" for each in broken[:MOST_RULES])
        if len(broken) > MOST_RULES:
            yield f"  and {len(broken) - MOST_RULES:,} more"
    kept = [
        f"{check.kind} ({check.checked - len(check.broken):,})"
        for check in found.rules
        if check.checked > len(check.broken)
    ]
    if kept:
        yield f"Rules that both keep: {join_names(kept, most=None)}."


def _describe_violation(violation: Violation) -> str:
    if violation.share is None:
        return violation.rule
    return f"{violation.rule}: broken in {percent(violation.share)} of the rows"


def _brief(row: QuickColumn | QuickPair) -> str:
    return f"{_name(row)} {percent(row.distance)} (ceiling {percent(row.ceiling)})"


def _name(row: QuickColumn | QuickPair) -> str:
    return row.column if isinstance(row, QuickColumn) else " and ".join(row.columns)


def _shorten(name: str) -> str:
    return name if len(name) < NAME_WIDTH else f"{name[: NAME_WIDTH - 2]}…"


def percent(share: float) -> str:
    """A share in percent, and never 0 of something.

    >>> percent(0.1234), percent(0.0), percent(0.00001), percent(1.0)
    ('12.3 %', '0 %', 'under 0.1 %', '100 %')
    """
    if share == 0:
        return "0 %"
    if share == 1:
        return "100 %"
    return f"{100 * share:.1f} %" if share >= 0.0005 else "under 0.1 %"
