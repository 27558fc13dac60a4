"""The user's data, parsed and checked once: rows, their labels, and the frame that they came in.

Whatever takes a `Dataset` trusts it: nothing is checked or converted a second time.
"""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from onehalf._blocks import take_evenly
from onehalf.data.arrays.validation import check, check_labels, to_array
from onehalf.data.tables.frames import empty_frame, is_data_frame, to_table
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.totals import TableTotals

__all__ = ["Dataset", "frame_columns", "from_objects", "match_channels"]


@dataclass(frozen=True)
class Dataset:
    """Checked data. Make one with `from_objects`, or with `onehalf.data.loading.load`."""

    values: np.ndarray | pa.Table
    """Finite numbers, one row along the first axis; or a table, in which NaN is missing."""
    labels: np.ndarray | None = None
    """A whole number or a word for each row of an array."""
    frame: Any | None = None
    """The user's data frame without its rows, to return samples in its library and types."""
    notes: tuple[str, ...] = ()
    """What was done while the data were read, in sentences."""
    totals: TableTotals | None = None
    """What all rows of a file say of its columns, where the values are rows that were drawn from it."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_table(self) -> bool:
        """Whether the values are a table rather than an array."""
        return isinstance(self.values, pa.Table)

    @property
    def array(self) -> np.ndarray:
        """The values of an array.

        Raises:
            TypeError: The values are a table.
        """
        if not isinstance(self.values, np.ndarray):
            raise TypeError("the values are a table")
        return self.values

    @property
    def table(self) -> pa.Table:
        """The values of a table.

        Raises:
            TypeError: The values are an array.
        """
        if not isinstance(self.values, pa.Table):
            raise TypeError("the values are an array")
        return self.values

    @property
    def X_y(self) -> tuple[Any, ...]:
        """The arguments that `GAN.fit` takes: the values, and their labels if there are some."""
        return (self.values,) if self.labels is None else (self.values, self.labels)

    def to_objects(self) -> Any:
        """Convert to what `from_objects` and `measure` take: an array, a pair (X, y) or a table."""
        return self.values if self.labels is None else (self.values, self.labels)

    def take_columns(self, most: int, needed: Collection[str] = ()) -> "Dataset":
        """Take at most this number of a table's columns, evenly from first to last, and those that are needed."""
        names = self.table.column_names
        taken = {*take_evenly(np.array(names), most).tolist(), *needed}
        return dataclasses.replace(
            self, values=self.table.select([name for name in names if name in taken])
        )

    def infer_schema(self, schema: Schema | None = None) -> Schema:
        """Infer the schema of a table: of all rows of its file, as far as they were counted.

        Args:
            schema: The kinds of the columns, if they are known.
        """
        found = schema.check(self.table) if schema else Schema.infer(self.table)
        if self.totals is None:
            return found
        kinds = {} if schema else self.totals.find_kinds(found)
        if kinds:
            known = {column.name: column.kind for column in found.columns}
            found = Schema.infer(self.table, known | kinds)
        return self.totals.complete(found)

    def without_labels(self) -> "Dataset":
        """Drop the labels."""
        return dataclasses.replace(self, labels=None)


def from_objects(
    X: Any, y: Any = None, *, what: str = "X", allow_empty: bool = False
) -> Dataset:
    """Parse and check the user's data.

    Args:
        X: Numbers in an array of two axes or more; a pair (X, y) of such an array and its
            labels; or a data frame of pandas, polars, pyarrow or another library that narwhals
            knows. A `Dataset` is returned as it is.
        y: A whole number or a word for each row of an array. Ignored with a data frame.
        what: The name of X in error messages.
        allow_empty: Accept tables of fewer than 2 rows and columns without values. Such tables
            can be encoded and compared, but not learned from.

    Raises:
        Refusal: The data cannot be used. The message says why, and where.

    >>> data = from_objects(np.zeros((3, 2)), ["cat", "dog", "cat"])
    >>> data.values.shape, data.labels
    ((3, 2), array(['cat', 'dog', 'cat'], dtype='<U3'))
    >>> from_objects(pa.table({"age": [31.0, float("nan"), 54.0]})).table["age"].null_count
    1
    """
    if isinstance(X, Dataset):
        return X
    if is_data_frame(X):
        return Dataset(to_table(X, allow_empty=allow_empty), frame=empty_frame(X))
    if y is None and isinstance(X, tuple) and len(X) == 2:
        X, y = X
    values = check(what, to_array(what, X))
    if y is None:
        return Dataset(values)
    name = "y" if what == "X" else f"the labels of {what}"
    return Dataset(values, check_labels(name, y, len(values)))


def frame_columns(X: Any) -> tuple[str, ...] | None:
    """The names of the columns of a data frame; None of anything else.

    >>> import pyarrow as pa
    >>> frame_columns(pa.table({"age": [1], "sex": ["F"]})), frame_columns(np.zeros((2, 2)))
    (('age', 'sex'), None)
    """
    if not is_data_frame(X):
        return None
    return tuple(map(str, X.column_names if isinstance(X, pa.Table) else X.columns))


def match_channels(sets: Sequence[Dataset], shape: Sequence[int] = ()) -> list[Dataset]:
    """Give grey images three channels if other images have more than one.

    Args:
        sets: Images, (n, h, w) or (n, h, w, c).
        shape: The shape of one further image to be matched.

    >>> grey, color = np.zeros((5, 8, 8), np.uint8), np.zeros((6, 8, 8, 3), np.uint8)
    >>> [each.values.shape for each in match_channels([Dataset(grey), Dataset(color)])]
    [(5, 8, 8, 3), (6, 8, 8, 3)]
    """
    if max(len(shape), *(each.array.ndim - 1 for each in sets)) < 3:
        return list(sets)
    return [
        dataclasses.replace(each, values=np.repeat(each.array[..., None], 3, axis=3))
        if each.array.ndim == 3
        else each
        for each in sets
    ]
