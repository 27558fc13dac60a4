"""The only place that says what kind of data it is: arrays, images, tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from onehalf.data.dataset import Dataset
from onehalf.domains.arrays import ArrayDomain
from onehalf.domains.base import Domain
from onehalf.domains.images import ImageDomain
from onehalf.domains.preprocessor import Preprocessor
from onehalf.domains.tables import TableDomain

__all__ = ["DOMAINS", "Domain", "Preprocessor", "find_domain", "infer_domain", "load_domain"]

DOMAINS: list[type[Domain]] = [TableDomain, ImageDomain, ArrayDomain]
"""Every kind of data; the first one that accepts a data set has it."""


def find_domain(rows: Any) -> type[Domain]:
    """The kind of rows: an array, or a pair of one and its labels, or a data frame."""
    values = rows[0] if isinstance(rows, tuple) and len(rows) == 2 else rows
    return next(domain for domain in DOMAINS if domain.accepts(values))


def infer_domain(
    data: Dataset,
    label: Sequence[str] = (),
    schema: Any = None,
    keep_personal: Sequence[str] = (),
    constraints: str | tuple[str, ...] | None = None,
) -> Domain:
    """The domain of these data, learned from all rows.

    Args:
        data: The data.
        label: What samples can be asked for by.
        schema: The kinds of columns, where they were corrected by hand.
        keep_personal: Columns of personal data that are to be learned all the same.
        constraints: Which rules the samples of a table keep (`onehalf.hyperparameters.CONSTRAINTS`).

    Raises:
        Refusal: The data have no such labels or columns, or a schema does not belong to them.
    """
    domain = find_domain(data.values)
    if keep_personal:
        schema = domain.keep_personal(data, schema, keep_personal)
    return domain.infer(data, label, schema).with_constraints(data, constraints)


def load_domain(saved: Mapping[str, Any]) -> Domain:
    """The domain whose `to_dict` was saved, with its `name`."""
    kinds = {domain.name: domain for domain in DOMAINS}
    return kinds[saved["name"]].from_dict(saved)
