"""Data frames of pandas, polars, pyarrow and others: converted to a table, and back to the same kind."""

from typing import Any, NoReturn

import narwhals as nw
import pyarrow as pa

from onehalf._errors import refuse
from onehalf.data.tables.validation import check_names, check_table

__all__ = ["empty_frame", "is_data_frame", "restore_frame", "to_frame", "to_table"]


def to_table(frame: Any, *, allow_empty: bool = False, what: str = "the table") -> pa.Table:
    """Convert a data frame of pandas, polars, pyarrow, or another that narwhals knows, and check it.

    Row labels are dropped, and names of columns that are no words become words (`to_frame`
    gives them back). Call this where data come in, and nowhere else.

    Args:
        frame: The data frame.
        allow_empty: Accept fewer than two rows and columns without values: there is nothing to
            learn from them, but they can be encoded.
        what: The frame's name in error messages.

    >>> to_table(pa.table({"age": [31.0, float("nan"), 54.0]}))["age"].null_count
    1
    """
    try:
        named = nw.from_native(_prepare(what, frame), eager_only=True)
        _check_dtypes(what, named)
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
        check_names(what, getattr(frame, "column_names", None) or list(frame.columns))
        raise
    return check_table(what, table, allow_empty=allow_empty)


def is_data_frame(rows: Any) -> bool:
    """Whether the rows are a data frame of a library that narwhals knows, rather than an array.

    >>> is_data_frame(pa.table({"age": [31]})), is_data_frame([[31]])
    (True, False)
    """
    try:
        return isinstance(nw.from_native(rows, pass_through=True), nw.DataFrame | nw.LazyFrame)
    except nw.exceptions.DuplicateError:
        return True


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
        return _to_pandas(table, frame)
    made = nw.from_arrow(table, backend=kind).to_native()
    if kind.is_pyarrow():
        return made.cast(pa.schema([frame.schema.field(name) for name in table.column_names]))
    if kind.is_polars():
        return made.cast({name: frame.schema[name] for name in table.column_names})
    return made


def restore_frame(table: pa.Table, frame: Any) -> Any:
    """Convert a table to what a frame with as many rows was, with its row labels if it is one of pandas."""
    made = to_frame(table, empty_frame(frame))
    if nw.dependencies.is_pandas_dataframe(frame):
        made.index = frame.index
    return made


def _prepare(what: str, frame: Any) -> Any:
    """A pandas frame whose names are words and whose columns are dense; any other frame as it is."""
    if not nw.dependencies.is_pandas_dataframe(frame):
        return frame
    names = [str(name) for name in frame.columns]
    check_names(what, names)
    named = frame.set_axis(names, axis=1)
    sparse = {
        name: type_.subtype
        for name, type_ in named.dtypes.items()
        if type(type_).__name__ == "SparseDtype"
    }
    return named.astype(sparse) if sparse else named


def _check_dtypes(what: str, named: Any) -> None:
    """Refuse types that Arrow does not know, and name their column."""
    types = named.schema
    for name, type_ in types.items():
        native = named[name].to_native().dtype if named.implementation.is_pandas() else None
        is_complex = getattr(native, "kind", "") == "c"
        is_long = str(type_) in ("Int128", "UInt128")
        if is_complex or is_long:
            hint = "Make two columns of it." if is_complex else "Cast it to Int64 or to words."
            refuse(
                what,
                expected="numbers, words, booleans or dates",
                got=f"{native or type_} in column {name!r}",
                hint=hint,
            )


def _to_pandas(table: pa.Table, frame: Any) -> Any:
    """A pandas frame with the names and types of another."""
    names = [str(name) for name in frame.columns]
    places = [names.index(name) for name in table.column_names]
    types = frame.dtypes.iloc[places]
    made = table.to_pandas().astype(dict(zip(table.column_names, types, strict=True)))
    made.columns = frame.columns[places]
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
