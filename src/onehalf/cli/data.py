"""`onehalf data`: list the built-in data sets, draw data, or describe the columns of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onehalf._errors import refuse
from onehalf._files import write_file
from onehalf.cli._common import (
    DATA_KINDS,
    FIGURE_SUFFIXES,
    AsJson,
    ImageSize,
    check_data_name,
    check_suffix,
    print_json,
    print_text,
    say,
    set_up_jax,
)
from onehalf.cli._output import say_file_memory

if TYPE_CHECKING:
    import onehalf.data.dataset
    import onehalf.data.loading
    import onehalf.data.tables.constraints.finding
    import onehalf.data.tables.schema

__all__ = ["data"]


def data(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help=f"A built-in data set, {DATA_KINDS}. Without it, the built-in data sets are listed.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The figure's file: .png, .svg or .pdf."
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a table's schema here, to correct by hand. An existing file is checked instead.",
        ),
    ] = None,
    size: ImageSize = None,
    as_json: AsJson = False,
) -> None:
    """List, draw or describe data sets.

    Without DATA, list the built-in ones. Of a table, describe the columns; of other data, draw a figure.

    Example: onehalf data people.csv --schema people.json
    """
    from onehalf.data import loading

    if name is not None and loading.is_table_path(name):
        return _describe_table(name, out, schema, as_json)
    if schema is not None:
        refuse("schema", expected="a table to describe", got=name or "no file")
    if name is not None:
        check_data_name(name)
    set_up_jax()
    described = loading.list_datasets() if name is None else [_draw(name, out, size)]
    if as_json:
        return print_json([each.to_dict() for each in described])
    for each in described:
        count = "any" if each.rows is None else f"{each.rows:,}"
        print_text(f"{each.name:12} {count:>7} rows of {list(each.shape)!s:8} {each.about}")
    return None


def _draw(name: str, out: Path | None, size: int | None) -> "onehalf.data.loading.Description":
    """Draw an array or images, and describe them."""
    path = out or Path(f"{Path(name).resolve().stem}.png")
    check_suffix(path, FIGURE_SUFFIXES)
    from onehalf import figures
    from onehalf.data import loading
    from onehalf.data.sources import load_some
    from onehalf.domains import find_domain

    say_file_memory([name])
    data = load_some(name, image_size=size, on_progress=say)
    figure = find_domain(data.values).draw(data.array)
    write_file(path, figures.encode_figure(figure, path.suffix))
    say(f"{path}")
    return loading.describe(name, data)


def _describe_table(name: str, out: Path | None, file: Path | None, as_json: bool) -> None:
    """Describe the columns of a table, and write or check its schema."""
    if out is not None:
        refuse("out", expected="an array or a name to draw", got=f"the table {name}")
    if file is not None:
        check_suffix(file, (".json",))
    from onehalf.data.sources import load_some
    from onehalf.data.tables.dialect import Dialect

    say_file_memory([name])
    data = load_some(name)
    for line in data.notes:
        say(line)
    schema, note = _check_schema(data, file)
    found = _find_rules(data.table, schema)
    dialect = Dialect.of(data.table.schema) or Dialect()
    heading = f"{Path(name).name}: {schema.rows:,} rows, {len(schema.columns)} columns"
    about_file = [dialect.describe()] if dialect.describe() else []
    show = say if as_json else print_text
    rules = _list_rules(found, "rows" if data.totals is None else "drawn rows")
    show("\n".join([heading, str(schema), *about_file, *schema.warnings, *rules, *note]))
    if as_json:
        about = schema.to_dict() | {"file": dialect.to_dict(), "notes": note}
        about |= {} if data.totals is None else {"drawn": len(data)}
        about["found"] = [{"rule": each.rule.text, "rows": each.rows} for each in found]
        print_json([{"name": name, "kind": "table", "shape": [len(schema.columns)], **about}])


def _find_rules(
    table: object, schema: "onehalf.data.tables.schema.Schema"
) -> list["onehalf.data.tables.constraints.finding.Found"]:
    """Check the rules of a schema on a table, and find those that all of its rows keep."""
    from onehalf.data.tables.constraints.choosing import check_written
    from onehalf.data.tables.constraints.finding import find_rules
    from onehalf.data.tables.encoding import NOT_CODED, TableEncoder

    if all(column.kind in NOT_CODED for column in schema.columns):
        return []
    encoder = TableEncoder.fit(table, schema=schema)
    cells = encoder.encode(table)
    check_written(schema.constraints, encoder, cells, table)
    return find_rules(encoder, cells)


def _list_rules(
    found: Sequence["onehalf.data.tables.constraints.finding.Found"], rows: str
) -> list[str]:
    """Rules that were found in these rows, for people."""
    if not found:
        return []
    about = (
        f"All {rows} keep these rules, which shuffled columns would not. Samples keep the equations, and the others "
        'with --constraints auto, or if they are among the "constraints" of the schema:'
    )
    return [about, *(f"  {each}" for each in found)]


def _check_schema(
    data: "onehalf.data.dataset.Dataset", file: Path | None
) -> tuple["onehalf.data.tables.schema.Schema", list[str]]:
    """Infer the schema and write it, or check the one that is there; with a sentence about the file."""
    from onehalf.data.tables.schema import Schema

    if file is None:
        return data.infer_schema(), []
    if file.is_file():
        schema = data.infer_schema(Schema.from_json(file.read_bytes(), str(file)))
        changes = data.infer_schema().changes(schema)
        lines = ["It changes:", *(f"  {change}" for change in changes)]
        fits = f"The kinds are those of {file}, which fits."
        return schema, [fits, *(lines if changes else ["It changes nothing."])]
    schema = data.infer_schema()
    write_file(file, schema.to_json().encode())
    return schema, [f"Schema: {file}. Correct its kinds by hand; the same command checks them."]
