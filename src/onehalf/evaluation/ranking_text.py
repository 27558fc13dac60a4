"""Several samples in words: a table with a column for each, and a sentence for each two of them."""

from collections.abc import Mapping

from onehalf.evaluation.result import Bounds, Comparison, Measurement
from onehalf.evaluation.wording import at_least, confidence, digits, percent

__all__ = ["align", "describe_comparison", "tabulate"]

Column = dict[str, str]
"""What is in the rows of a table, by their names."""


def tabulate(samples: Mapping[str, Measurement]) -> list[str]:
    """Lay out the numbers of all samples, and last those of data against data."""
    columns = {name: _list_numbers(found, found) for name, found in samples.items()}
    first = next(iter(samples.values()))
    if first.baseline:
        columns["data v data"] = _list_numbers(first, first.baseline)
    return align(columns)


def describe_comparison(each: Comparison, n_rows: int, alpha: float) -> str:
    """Say which of two samples is nearer, as far as critics see, or that this was not shown."""
    estimate = digits(each.difference, each.se)
    where = f"on {n_rows:,} rows of data"
    if each.at_least <= 0:
        return (
            f"{each.nearer} and {each.further}: it was not shown which of them is nearer to the data "
            f"(estimate: {where}, critics see {estimate} nats more in {each.further})."
        )
    return (
        f"{each.nearer} is nearer to the data than {each.further}, as far as critics see: {where}, they see "
        f"at least {at_least(each.at_least)} nats more in {each.further} (estimate {estimate}; "
        f"{confidence(alpha)} confidence for this and all other bounds on distances)."
    )


def align(columns: Mapping[str, Column]) -> list[str]:
    """A table for a terminal: names of rows on the left, values on the right of their columns.

    >>> align({"a": {"rows": "9"}, "b": {"rows": "100"}})
    ['       a     b', 'rows   9   100']
    """
    names = next(iter(columns.values()))
    body = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
    rows = [["", *columns], *body]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for first, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("   ".join([first.ljust(widths[0]), *padded]).rstrip())
    return lines


def _list_numbers(found: Measurement, numbers: Bounds) -> Column:
    """The numbers of one sample, or of its baseline."""
    listed = {
        "JSD at least (nats)": at_least(numbers.jsd_lower),
        "JSD, estimate": digits(numbers.jsd_estimate, numbers.jsd_se),
        "accuracy at least": percent(numbers.accuracy),
        "p of 'no difference'": _show_p(numbers.p_value),
    }
    if found.memorization and numbers is found:
        listed["p of 'no copying'"] = _show_p(found.memorization.p_value)
    return listed


def _show_p(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"
