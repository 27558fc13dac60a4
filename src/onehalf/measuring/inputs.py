"""What a measurement is handed: arrays, frames, samplers, levels and seeds, checked before anything is begun."""

from typing import Any

import numpy as np
from jaxtyping import Float

from onehalf._base import refuse
from onehalf.data.arrays import Rows, check

__all__ = ["check_alpha", "check_seed", "flat", "made", "read"]

Named = tuple[tuple[str, ...], Rows]
"""The names of the columns, none if there are none, and the rows."""


def check_alpha(alpha: Any) -> float:
    """A level from a millionth to one half.

    >>> check_alpha(0.05)
    0.05
    """
    if not isinstance(alpha, int | float | np.number) or not 1e-6 <= alpha <= 0.5:
        refuse("alpha", expected="a number from 0.000001 to 0.5", got=repr(alpha))
    return float(alpha)


def check_seed(seed: Any) -> int:
    """A whole number that both NumPy and JAX take as a seed."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        refuse("seed", expected="a whole number from 0 to 2^63 - 1", got=repr(seed))
    return int(seed)


def read(what: str, rows: Any, like: Named | None = None) -> Named:
    """Names and checked rows, of the columns and the shape that they are compared with; one axis is one column.

    Columns of a frame are put into the order of the other frame's.
    """
    names = tuple(map(str, rows.columns)) if hasattr(rows, "columns") else ()
    if like and names and like[0] and names != like[0]:
        if set(names) != set(like[0]):
            refuse(what, expected=f"the columns of the data, {', '.join(like[0])}", got=", ".join(names))
        rows, names = rows[list(like[0])], like[0]
    try:
        array = np.asarray(rows)
    except ValueError:
        refuse(what, expected="one row an example, all of one length", got="rows of several lengths")
    array = check(what, array[:, None] if array.ndim == 1 else array)
    if like and array.shape[1:] != like[1].shape[1:]:
        refuse(what, expected=f"rows of the data's shape {like[1].shape[1:]}", got=array.shape[1:])
    return names, array


def made(sampler: Any, n: int, seed: int, like: Named) -> Rows:
    """What a sampler makes when it is asked for n rows: a fitted `GAN`, from this seed, or a function of n."""
    if hasattr(sampler, "sample"):
        rows = sampler.sample(n, random_state=seed)
    elif callable(sampler):
        rows = sampler(n)
    else:
        refuse("sampler", expected="a fitted GAN or a function from n to n rows", got=type(sampler).__name__)
    rows = read("sampler", rows, like)[1]
    if len(rows) != n:
        refuse("sampler", expected=f"{n:,} rows when asked for {n:,}", got=f"{len(rows):,}")
    return rows


def flat(rows: Rows) -> Float[np.ndarray, "_ columns"]:
    """Rows as float64 vectors."""
    return rows.reshape(len(rows), -1).astype(np.float64)
