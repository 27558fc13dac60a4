"""Data frames of pandas, polars, pyarrow and others: converted to a table, and back to the same kind."""

from typing import Any, NoReturn

import narwhals as nw
import pyarrow as pa

from onehalf._errors import refuse
from onehalf.data.tables.validation import check_names, check_table

__all__ = ["empty_frame", "is_data_frame", "to_frame", "to_table"]


def to_table(frame: Any, *, allow_empty: bool = False) -> pa.Table:
    """Convert a data frame of pandas, polars, pyarrow, or another that narwhals knows, and check it.

    Row labels are dropped. Call this where data come in, and nowhere else.

    Args:
        frame: The data frame.
        allow_empty: Accept fewer than two rows and columns without values: there is nothing to
            learn from them, but they can be encoded.

    >>> to_table(pa.table({"age": [31.0, float("nan"), 54.0]}))["age"].null_count
    1
    """
    what = "the table"
    try:
        named = nw.from_native(frame, eager_only=True)
        table = nw.maybe_reset_index(named).to_arrow()
    except TypeError as error:
        got, hint = (
            type(frame).__name__,
            "Call .collect() on a lazy one." if "Lazy" in type(frame).__name__ else "",
        )
        if isinstance(error, pa.ArrowException):
            _refuse_mixed(what, error)
        refuse(what, expected="a data frame of pandas, polars or pyarrow", got=got, hint=hint)
    except pa.ArrowException as error:
        _refuse_mixed(what, error)
    except nw.exceptions.DuplicateError:
        check_names(what, [str(name) for name in frame.columns])
        raise
    return check_table(what, table, allow_empty=allow_empty)


def is_data_frame(rows: Any) -> bool:
    """Whether the rows are a data frame of a library that narwhals knows, rather than an array.

    >>> is_data_frame(pa.table({"age": [31]})), is_data_frame([[31]])
    (True, False)
    """
    return isinstance(nw.from_native(rows, pass_through=True), nw.DataFrame | nw.LazyFrame)


def empty_frame(frame: Any) -> Any:
    """Drop all rows of a data frame.

    What is left has its library, its columns and their types.
    """
    return nw.from_native(frame, eager_only=True).head(0).to_native()


def to_frame(table: pa.Table, frame: Any) -> Any:
    """Convert a table to a data frame of the library and the types of another.

    None means a table.

    The table has some of the columns of the other frame.

    >>> to_frame(pa.table({"age": [31]}), pa.table({"age": pa.array([], pa.int8())})).schema.field("age").type
    DataType(int8)
    """
    if frame is None:
        return table
    kind = nw.from_native(frame, eager_only=True).implementation
    if kind.is_pandas():
        return table.to_pandas().astype(frame.dtypes[table.column_names])
    made = nw.from_arrow(table, backend=kind).to_native()
    if kind.is_pyarrow():
        return made.cast(pa.schema([frame.schema.field(name) for name in table.column_names]))
    if kind.is_polars():
        return made.cast({name: frame.schema[name] for name in table.column_names})
    return made


def _refuse_mixed(what: str, error: pa.ArrowException) -> NoReturn:
    """A column of Python objects that are of several types."""
    hint = "Make each column numbers only or words only."
    refuse(
        what,
        expected="one type in a column",
        got=": ".join(map(str, error.args[::-1])),
        hint=hint,
    )
