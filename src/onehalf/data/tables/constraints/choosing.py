"""Which rules the samples of a table keep: those that were written, and those that were found."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute

from onehalf._errors import Refusal, refuse
from onehalf.data.tables.constraints.base import Rule
from onehalf.data.tables.constraints.constraints import Reduction, check_rules, parse_rules
from onehalf.data.tables.constraints.finding import find_equations, find_rules
from onehalf.data.tables.constraints.rules import Bound, Unique
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.validation import count_of

__all__ = ["check_written", "choose_rules"]

BROKEN = "Correct the rows or the rule, or fit with --constraints unbroken to leave out rules that rows break."


def choose_rules(
    texts: Sequence[str],
    encoder: TableEncoder,
    cells: Cells,
    table: pa.Table,
    *,
    labels: Sequence[str] = (),
    choice: str | None = None,
) -> tuple[Rule, ...]:
    """Choose the rules that samples keep.

    Args:
        texts: Rules that were written.
        encoder: The columns.
        cells: All rows.
        table: The table that they are from.
        labels: Columns that samples are asked for by, which can't be computed.
        choice: 'auto' adds all rules that are found; 'unbroken' drops written ones that rows break;
            'none' drops all; None adds equations.

    Raises:
        Refusal: A written rule is broken, contradicts another, or names columns that are not there.
    """
    if choice == "none":
        return ()
    if choice == "unbroken":
        written = [
            rule
            for rule in parse_rules(texts, encoder, cells)
            if rule.holds(cells).all() and not _count_repeats(rule, table)
        ]
    else:
        written = list(check_written(texts, encoder, cells, table))
    Reduction.fit(written, encoder, labels, cells)
    found = (find_rules if choice == "auto" else find_equations)(encoder, cells)
    for each in found:
        if each.rule.text not in texts and _can_be_added(
            each.rule, written, encoder, labels, cells
        ):
            written.append(each.rule)
    return tuple(written)


def check_written(
    texts: Sequence[str], encoder: TableEncoder, cells: Cells, table: pa.Table
) -> tuple[Rule, ...]:
    """Parse rules, and refuse those that contradict each other or that rows break."""
    rules = parse_rules(texts, encoder, cells)
    _check_bounds([rule for rule in rules if isinstance(rule, Bound)])
    check_rules(rules, cells, table, BROKEN)
    for rule in rules:
        if repeats := _count_repeats(rule, table):
            got = f"{count_of(repeats, 'row')} that repeat earlier ones"
            refuse(f"constraint {rule.text!r}", expected="no repeats", got=got, hint=BROKEN)
    return rules


def _can_be_added(
    rule: Rule,
    written: Sequence[Rule],
    encoder: TableEncoder,
    labels: Sequence[str],
    cells: Cells,
) -> bool:
    """Whether a rule that was found goes together with the others, and needs no search for samples."""
    try:
        before = Reduction.fit(written, encoder, labels, cells)
        after = Reduction.fit([*written, rule], encoder, labels, cells)
    except Refusal:
        return False
    return len(after.checks) == len(before.checks)


def _check_bounds(bounds: Sequence[Bound]) -> None:
    """Refuse bounds that leave nothing between them."""
    for low in bounds:
        for high in bounds:
            if low.column != high.column or low.sign[0] != ">" or high.sign[0] != "<":
                continue
            is_open = low.sign == ">" or high.sign == "<"
            if low.limit > high.limit or (is_open and low.limit == high.limit):
                got = f"{low.text!r}, which contradicts it"
                refuse(
                    f"constraint {high.text!r}", expected="rules that can hold at once", got=got
                )


def _count_repeats(rule: Rule, table: pa.Table) -> int:
    """The rows that repeat the key of an earlier row, where every part of the key is known."""
    if not isinstance(rule, Unique):
        return 0
    known = table.select(rule.names).drop_null()
    return len(known) - len(known.group_by(list(rule.names)).aggregate([]))
