"""Write the lab: one page with a small game in it, which needs nothing else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.web.modules import hash_source, join_modules, join_styles

__all__ = ["Points", "read_points", "render_lab"]

MOST = 5000
"""Rows of a file that a page holds, at most; of more, a sample is drawn."""

SEED = 0
"""The seed of that sample."""


@dataclass(frozen=True)
class Points:
    """Rows of one or two numbers, as the page takes them."""

    rows: Float[np.ndarray, "n dim"]
    names: tuple[str, ...]
    """The columns."""
    note: str
    """One sentence: which rows and columns of the file these are."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to what the page reads: rows with mean 0 and deviation 1, and their units."""
        mean = self.rows.mean(axis=0)
        std = self.rows.std(axis=0)
        scaled = (self.rows - mean) / std
        return {
            "points": np.round(scaled, 4).ravel().tolist(),
            "dim": self.rows.shape[1],
            "names": list(self.names),
            "mean": mean.tolist(),
            "std": std.tolist(),
            "note": self.note,
        }


def read_points(path: str) -> Points:
    """Read one or two columns of numbers: of a table the first two that hold numbers, or an array.

    Rows with a missing or infinite value are left out. Of more than `MOST` rows a sample is
    drawn, always the same.
    """
    if Path(path).suffix.lower() in (".npy", ".npz"):
        names, columns = _array_columns(path)
    else:
        names, columns = _table_columns(path)
    rows = np.column_stack(columns).astype(float)
    whole = rows[np.isfinite(rows).all(axis=1)]
    _check(path, names, whole)
    note = (
        f"{Path(path).name}, {'column' if len(names) == 1 else 'columns'} {join_names(names)}"
    )
    left_out = len(rows) - len(whole)
    if left_out:
        verb = "row without a number was" if left_out == 1 else "rows without a number were"
        note += f"; {left_out:,} {verb} left out"
    shown = whole
    if len(whole) > MOST:
        chosen = np.random.default_rng(SEED).choice(len(whole), MOST, replace=False)
        shown = whole[np.sort(chosen)]
        note += f"; {MOST:,} of {len(whole):,} rows, drawn at random (seed {SEED})"
    else:
        note += f"; {len(whole):,} rows"
    return Points(shown, tuple(names), f"{note}.")


def render_lab(points: Points | None = None) -> str:
    """Render the page; with points, they are its data.

    >>> page = render_lab()
    >>> page.startswith("<!doctype html>"), len(page) < 1_500_000
    (True, True)
    """
    environment = Environment(
        loader=PackageLoader("onehalf.web", "."), autoescape=True, undefined=StrictUndefined
    )
    script = join_modules("lab/lab.js")
    worker = join_modules("game/worker.js")
    style = join_styles("colours.css", "common.css", "lab.css")
    rows = json.dumps(points.to_dict() if points else None)
    return environment.get_template("lab.html.jinja").render(
        style=Markup(style),
        style_hash=Markup(hash_source(style)),
        script=Markup(script),
        script_hash=Markup(hash_source(script)),
        worker=Markup(worker),
        rows=Markup(rows.replace("<", "\\u003c")),
    )


def _array_columns(path: str) -> tuple[list[str], list[np.ndarray]]:
    """Names and values of the first two columns of an array."""
    from onehalf.data.loading import read_array

    x = read_array(Path(path)).array
    flat = x.reshape(len(x), -1)[:, :2]
    return [str(column + 1) for column in range(flat.shape[1])], list(flat.T)


def _table_columns(path: str) -> tuple[list[str], list[np.ndarray]]:
    """Names and values of the first two columns of a table that hold numbers."""
    from onehalf.data.tables.reader import read_table

    table = read_table(path)
    is_number = [
        pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        for field in table.schema
    ]
    names = [name for name, good in zip(table.column_names, is_number, strict=True) if good][:2]
    if not names:
        refuse(
            path,
            expected="one or two columns of numbers",
            got=f"words in {join_names(table.column_names)}",
        )
    return names, [table[name].cast(pa.float64()).to_numpy() for name in names]


def _check(path: str, names: list[str], rows: Float[np.ndarray, "n dim"]) -> None:
    """Refuse rows that no game can be played with."""
    if len(rows) < 2:
        refuse(path, expected="at least 2 rows of finite numbers", got=len(rows))
    for name, values in zip(names, rows.T, strict=True):
        if not values.std() > 0:
            got = f"{values[0]:g} in each row"
            refuse(f"{path}, column {name}", expected="numbers that differ", got=got)
