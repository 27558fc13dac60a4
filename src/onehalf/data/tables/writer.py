"""Tables as the bytes of a file."""

import io

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

__all__ = ["pack_table"]


def pack_table(table: pa.Table, suffix: str) -> bytes:
    """The bytes of a .csv, .tsv or .parquet file."""
    buffer = io.BytesIO()
    if suffix == ".parquet":
        pyarrow.parquet.write_table(table, buffer)
        return buffer.getvalue()
    delimiter = "\t" if suffix == ".tsv" else ","
    options = pyarrow.csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    pyarrow.csv.write_csv(_without_dictionaries(table), buffer, options)
    return buffer.getvalue()


def _without_dictionaries(table: pa.Table) -> pa.Table:
    """The table with each dictionary's words one by one, which is all that CSV can hold."""
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)
