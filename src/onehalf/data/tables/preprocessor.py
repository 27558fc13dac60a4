"""Rows of a table as players see them: normal scores for numbers, one-hot choices for the rest, and the way back."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import special

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Samples
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.data.tables.layout import Layout
from onehalf.data.tables.profile import CATEGORIES, are_atoms
from onehalf.distributions.base import AbstractData, Latent

__all__ = [
    "NormalScores",
    "Player",
    "TableLatent",
    "TablePreprocessor",
    "TableRows",
    "gaussian_copula",
    "hot",
]

Values = Float[np.ndarray, " _"]

REPEATED = 10
"""Numbers that each stand in so many rows on average are taken from those of the data alone."""

FEW, ROWS_EACH = 64, 20
"""Numbers of so many values at most, with so many rows each on average, are a choice among them."""

LEAST = 1e-7
"""The least probability below a number, and above one: beyond it float32 knows no score."""

RIDGE, RARE_SHARE = 1e-2, 1e-6
"""Added to the variances of scores before they are inverted; the least share that a value's logit begins with."""

COPULA_ROWS = 50_000
"""A copula is fitted to about so many rows."""

KNOTS = 1000
"""So many places at most describe the distribution of numbers that repeat less."""

Player = Float[np.ndarray, "n entries"]
"""Rows as players see them."""


@dataclass(frozen=True)
class NormalScores:
    """Numbers as normal scores: z = Phi^-1(F(x)), F the distribution of the training rows, spread evenly over cells.

    A cell reaches from half-way to the value below to half-way to the one above. Between the ends of cells F is linear,
    so equal numbers take an interval of scores as wide as they are frequent, and every score is some number: one of the
    `numbers`, where these repeat (none else is ever given back), or one on the lattice `base + step * i`, or any.

    >>> scores = NormalScores.of(np.array([14.0, 15, 17] * 100), decimals=0)
    >>> scores.restore(scores.plain(np.array([14.0, 15, 17]))), scores.restore(np.array([-9.0, 0.1, 9.0]))
    (array([14., 15., 17.]), array([14., 15., 17.]))
    """

    ends: Values
    """Ends of cells, in order."""
    z: Values
    """Their normal scores."""
    numbers: Values
    """All the numbers that there are, if these repeat; else the least and the greatest."""
    repeat: bool
    step: float
    """The lattice that the numbers lie on; 0 is none."""
    decimals: int | None

    @classmethod
    def of(cls, numbers: Values, decimals: int | None) -> "NormalScores":
        """The scores of these numbers, which have so many decimals, or all if None."""
        values, counts = np.unique(numbers, return_counts=True)
        step = _step(values, decimals)
        ends = np.concatenate(
            [[values[0] - step / 2], (values[:-1] + values[1:]) / 2, [values[-1] + step / 2]]
        )
        least = 1 / (4 * len(numbers))
        below = np.clip(
            np.concatenate([[0], np.cumsum(counts)]) / len(numbers), least, 1 - least
        )
        z, repeat = (
            special.ndtri(below),
            len(values) == 1 or len(numbers) >= REPEATED * len(values),
        )
        if not repeat and len(ends) > KNOTS:
            chosen = np.unique(np.searchsorted(z, np.linspace(z[0], z[-1], KNOTS)))
            ends, z = ends[chosen], z[chosen]
        return cls(ends, z, values if repeat else values[[0, -1]], repeat, step, decimals)

    def plain(self, numbers: Values) -> Values:
        """The score of each number: the middle of its interval."""
        return np.mean(self.interval(numbers), axis=0)

    def interval(self, numbers: Values) -> tuple[Values, Values]:
        """The scores that each number takes, from and to."""
        if self.repeat:
            place = np.clip(
                np.searchsorted(self.ends, numbers, side="right") - 1, 0, len(self.numbers) - 1
            )
            return self.z[place], self.z[place + 1]
        low, high = (
            np.interp(numbers + side * self.step / 2, self.ends, self.z) for side in (-1, 1)
        )
        return low, high

    def restore(self, z: Values) -> Values:
        """The number of each score."""
        if self.repeat:
            return self.numbers[np.searchsorted(self.z[1:-1], z, side="right")]
        numbers = np.clip(np.interp(z, self.z, self.ends), *self.numbers)
        if self.step:
            lattice = (
                self.numbers[0] + np.rint((numbers - self.numbers[0]) / self.step) * self.step
            )
            numbers = np.clip(np.round(lattice, self.decimals or 0), *self.numbers)
        return numbers


def _step(values: Values, decimals: int | None) -> float:
    """The widest lattice of so many decimals that these numbers lie on; 0 if they have all their decimals."""
    if decimals is None or len(values) < 2:
        return 0.0
    whole = np.rint((values - values[0]) * 10.0**decimals)
    return (
        float(np.gcd.reduce(whole.astype(np.int64))) / 10.0**decimals
        if whole[-1] < 2**53
        else 0.0
    )


REST, RARE = np.inf, -np.inf
"""Among the values of a choice: a number that is told by its score; a word that is told by how often each is there."""


@dataclass(frozen=True)
class Choice:
    """One of some values: words by their places, numbers that many rows share, or missing (NaN)."""

    values: Values
    shares: Values
    """The share of the rows that each has."""
    rare: Values
    """The words that RARE stands for."""
    rare_shares: Values
    """The share of these rows that each has."""

    @classmethod
    def of(cls, cells: Values, kind: str, most: int = CATEGORIES) -> "tuple[Choice, Values]":
        """The choices of these cells, and the numbers that are left to scores."""
        known = cells[~np.isnan(cells)]
        values, counts = np.unique(known, return_counts=True)
        if kind not in NUMBERS:
            named, other = np.zeros(len(values), bool), RARE
            named[np.argsort(-counts, kind="stable")[:most]] = True
        elif len(values) <= FEW and len(known) >= ROWS_EACH * len(values):
            named, other = np.ones(len(values), bool), REST
        else:
            named, other = are_atoms(counts, len(cells)), REST
        others, missing, none = counts[~named].sum(), len(cells) - len(known), np.zeros(0)
        before, after = [other] * bool(others), [np.nan] * bool(missing)
        rows = np.concatenate(
            [[others] * bool(others), counts[named], [missing] * bool(missing)]
        )
        listed, shares = np.concatenate([before, values[named], after]), rows / len(cells)
        if other == RARE:
            return cls(listed, shares, values[~named], counts[~named] / max(others, 1)), none
        return cls(listed, shares, none, none), known[np.isin(known, values[~named])]

    def places(self, cells: Values) -> Int[np.ndarray, " rows"]:
        """The place of each cell's value among `values`; -1 for a word that is not among them."""
        otherwise = np.flatnonzero(np.isinf(self.values))
        places = np.full(len(cells), otherwise[0] if len(otherwise) else -1)
        for place, value in enumerate(self.values):
            places[np.isnan(cells) if np.isnan(value) else cells == value] = place
        if not len(otherwise) and not np.isnan(self.values).any():
            places[np.isnan(cells)] = -1
        return places

    def restore(
        self, places: Int[np.ndarray, " rows"], scores: Values, rng: np.random.Generator
    ) -> Values:
        """The cells of these places, and of these numbers where a place is REST."""
        cells = self.values[places]
        cells = np.where(cells == REST, scores, cells)
        if len(self.rare):
            drawn = rng.choice(self.rare, len(cells), p=self.rare_shares)
            cells = np.where(cells == RARE, drawn, cells)
        return cells


NUMBERS = ("integer", "continuous", "date")
"""Kinds whose cells are numbers, of which the greater is more."""


class TableRows(AbstractData):
    """One of n rows at random, each as likely as the next: a number's score is Phi^-1(U), U even in `low` to `high`.

    So D cannot tell data from samples by a lattice alone, or by which scores stand for repeated numbers.
    """

    low: Float[Array, "n scores"]
    high: Float[Array, "n scores"]
    places: Int[Array, "n choices"]
    conditions: Float[Array, "distinct given"]
    """The conditions that occur, one-hot."""
    shares: Float[Array, " distinct"]
    """The share of the rows that each has."""
    layout: Layout = eqx.field(static=True)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int]:
        """The entries of a row."""
        return (self.layout.entries,)

    @property
    def scores(self) -> Float[Array, "n scores"]:
        """The score in the middle of each interval; 0 where there is none."""
        return jax.scipy.special.ndtri((self.low + self.high) / 2)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n rows, with replacement."""
        key_row, key_score = jr.split(key)
        row = jr.randint(key_row, (n,), 0, len(self))
        low, high = self.low[row], self.high[row]
        scores = jax.scipy.special.ndtri(low + (high - low) * jr.uniform(key_score, low.shape))
        return jnp.concatenate([scores, hot(self.places[row], self.layout.sizes)], axis=1)


class TableLatent(AbstractData):
    """What G of a table is given: noise, a Gumbel number for each value of each choice it makes, and conditions.

    Conditions are those of one of the training rows at random: distinct ones, one-hot, with the share of the rows that
    each has.
    """

    noise: Latent
    gumbels: int
    conditions: Float[Array, "distinct given"]
    shares: Float[Array, " distinct"]

    @property
    def shape(self) -> tuple[int]:
        """All parts, end to end."""
        return (self.noise.shape[0] + self.gumbels + self.conditions.shape[1],)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n latents."""
        key_condition, key_noise = jr.split(key)
        place = jnp.searchsorted(
            jnp.cumsum(self.shares), jr.uniform(key_condition, (n,)) * self.shares.sum()
        )
        return self.given(key_noise, self.conditions[jnp.minimum(place, len(self.shares) - 1)])

    def given(self, key: PRNGKey, conditions: Float[Array, "n given"]) -> Samples:
        """Draw a latent for each of these conditions."""
        key_noise, key_gumbels = jr.split(key)
        n = len(conditions)
        parts = (
            self.noise.sample(key_noise, n),
            jr.gumbel(key_gumbels, (n, self.gumbels)),
            conditions,
        )
        return jnp.concatenate(parts, axis=1)


def hot(places: Int[Array, "n choices"], sizes: Sequence[int]) -> Float[Array, "n entries"]:
    """Each choice, of so many values, as a vector with a single 1; all 0 for a place that is none."""
    blocks = [
        jax.nn.one_hot(places[:, index], size, dtype=jnp.float32)
        for index, size in enumerate(sizes)
    ]
    return jnp.concatenate([jnp.zeros((len(places), 0)), *blocks], axis=1)


def gaussian_copula(
    data: TableRows, normal: int, entries: int
) -> tuple[Float[Array, "entries out"], Float[Array, " out"]]:
    """A and b such that z A + b, with z of so many N(0, 1) and other entries, gives a Gaussian copula of the data.

    The scores are jointly normal, with the data's covariances; a choice's logits are those of linear discriminant
    analysis on the scores u: log share + u P m - m P m / 2, for the mean score m of a value's rows and the precision P.
    """
    layout, some = data.layout, slice(None, None, max(1, len(data) // COPULA_ROWS))
    scores = np.asarray(data.scores[some], np.float64)
    choices = np.asarray(hot(data.places[some], layout.made), np.float64)
    there = np.ones_like(scores)
    for score, gate in enumerate(layout.gates):
        if gate >= 0:
            there[:, score] = choices[:, gate - layout.scores]
    mean = scores.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    scores = (scores - mean) * there
    covariance = scores.T @ scores / np.maximum(there.T @ there, 1)
    variances, directions = np.linalg.eigh(covariance)
    factor = (directions * np.sqrt(np.maximum(variances, 0)))[:, ::-1][:, :normal]
    counts = choices.sum(axis=0)
    means = choices.T @ scores / np.maximum(counts, 1)[:, None]
    weights = means @ np.linalg.inv(covariance + RIDGE * np.eye(layout.scores))
    A = np.zeros((entries, layout.scores + len(counts)))
    A[: factor.shape[1]] = np.concatenate([factor, weights @ factor]).T
    shares = np.log(np.maximum(counts / len(scores), RARE_SHARE))
    b = np.concatenate([mean, shares - np.sum(weights * means, axis=1) / 2])
    return jnp.asarray(A, jnp.float32), jnp.asarray(b, jnp.float32)


class TablePreprocessor:
    """The way between a table's cells and rows as players see them, as the training rows gave it.

    Each column is a choice, scores, or both: a choice of whether there is a number, and which. A choice of one value
    has no entry. Rows come back with each number as it is in the data up to float32's 7 digits of a score.
    """

    def __init__(
        self,
        coding: TableEncoder,
        choices: Sequence[Choice],
        scores: Sequence[NormalScores | None],
        given: Sequence[str],
        label_rows: Cells,
        label_shares: Values,
    ) -> None:
        self.coding, self.choices, self.scores, self.given = (
            coding,
            tuple(choices),
            tuple(scores),
            tuple(given),
        )
        self.label_rows, self.label_shares = label_rows, label_shares
        columns = range(len(coding.columns))
        self.scored = {
            column: each for column, each in enumerate(self.scores) if each is not None
        }
        open_ = [column for column in columns if len(choices[column].values) > 1]
        free = [column for column in open_ if coding.names[column] not in given]
        self.chosen = sorted(free, key=lambda column: len(choices[column].values))
        self.conditions = [column for column in open_ if coding.names[column] in given]
        sizes = [len(choices[column].values) for column in self.chosen]
        starts = dict(
            zip(self.chosen, len(self.scored) + np.cumsum([0, *sizes])[:-1], strict=True)
        )
        gates = tuple(int(starts.get(column, -1)) for column in self.scored)
        self.layout = Layout(
            len(self.scored),
            tuple(sizes),
            tuple(len(choices[column].values) for column in self.conditions),
            gates,
        )

    @classmethod
    def of(
        cls, rows: Cells, coding: TableEncoder, given: Sequence[str] = ()
    ) -> "TablePreprocessor":
        """The units of these rows; the columns `given` are conditions, and must be choices."""
        choices, scores = [], []
        for column, cells in zip(coding.columns, rows.T, strict=True):
            choice, rest = Choice.of(cells, column.kind)
            choices.append(choice)
            decimals = column.decimals if column.kind == "continuous" else 0
            scores.append(NormalScores.of(rest, decimals) if len(rest) else None)
            if column.name in given and len(rest):
                expected = "a column of categories or of few values"
                refuse(
                    f"label {column.name!r}",
                    expected=expected,
                    got=f"{column.distinct:,} numbers",
                )
        labels = [column for column, name in enumerate(coding.names) if name in given]
        # one NaN is not the same as another, infinity is; the first column is for those that have no labels
        known = np.column_stack(
            [np.zeros(len(rows)), np.where(np.isnan(rows[:, labels]), np.inf, rows[:, labels])]
        )
        distinct, counts = np.unique(known, axis=0, return_counts=True)
        label_rows = np.full((len(distinct), rows.shape[1]), np.nan)
        label_rows[:, labels] = np.where(np.isinf(distinct[:, 1:]), np.nan, distinct[:, 1:])
        return cls(coding, choices, scores, given, label_rows, counts / len(rows))

    def data(self, rows: Cells) -> TableRows:
        """The empirical distribution of these rows."""
        places = self._places(rows)
        there, low, high = self._there(places), *self._intervals(rows)
        low, high = (
            np.where(there, np.clip(special.ndtr(end), LEAST, 1 - LEAST), 0.5)
            for end in (low, high)
        )
        arrays = low, high, self.conditions_of(self.label_rows), self.label_shares
        low, high, conditions, shares = (jnp.asarray(array, jnp.float32) for array in arrays)
        return TableRows(
            low, high, jnp.asarray(places, jnp.int32), conditions, shares, self.layout
        )

    @property
    def shares(self) -> Values:
        """The share of the rows that each value of the choices has that G makes."""
        return np.concatenate(
            [np.zeros(0), *(self.choices[column].shares for column in self.chosen)]
        )

    def plain(self, rows: Cells) -> Player:
        """Rows as players see them, each score in the middle of its interval."""
        places, (low, high) = self._places(rows), self._intervals(rows)
        scores = np.where(self._there(places), (low + high) / 2, 0.0)
        choices = hot(jnp.asarray(places, jnp.int32), self.layout.sizes)
        return np.concatenate([scores, choices], axis=1).astype(np.float32)

    def restore(self, entries: Player) -> Cells:
        """The cells of such rows. Rare words are drawn by a generator that the entries themselves start."""
        entries = np.asarray(entries, np.float64)
        rng = np.random.default_rng(zlib.crc32(entries.tobytes()))
        rows = np.empty((len(entries), len(self.choices)))
        places = self._read_places(entries)
        numbers = {
            column: each.restore(z)
            for (column, each), z in zip(self.scored.items(), entries.T, strict=False)
        }
        first, none = np.zeros(len(rows), int), np.zeros(len(rows))
        for column, choice in enumerate(self.choices):
            rows[:, column] = choice.restore(
                places.get(column, first), numbers.get(column, none), rng
            )
        return rows

    def cells(self, rows: Cells) -> Cells:
        """The rows themselves, as the coding has them."""
        return rows

    def cells_of(self, labels: Any) -> Cells:
        """The rows of a frame of the labels, the other cells missing."""
        return self.coding.rows(labels, "given", self.given)

    def labelled(self, rows: Cells, cells: Cells) -> Cells:
        """The rows with the labels of these cells."""
        labels = [column for column, name in enumerate(self.coding.names) if name in self.given]
        rows[:, labels] = cells[:, labels]
        return rows

    def conditions_of(self, rows: Cells) -> Float[np.ndarray, "n given"]:
        """The conditions of rows, one-hot."""
        places = [self.choices[column].places(rows[:, column]) for column in self.conditions]
        stacked = jnp.asarray(np.array(places, np.int32).reshape(len(places), len(rows)).T)
        return np.asarray(hot(stacked, self.layout.given))

    def tensors(self) -> dict[str, np.ndarray]:
        """All numbers of the units, by name; `of_tensors` is the way back."""
        named = {"label_rows": self.label_rows, "label_shares": self.label_shares}
        for column, (choice, scores) in enumerate(zip(self.choices, self.scores, strict=True)):
            named |= {f"{column}.{name}": value for name, value in vars(choice).items()}
            if scores is not None:
                lattice = [
                    scores.repeat,
                    scores.step,
                    np.nan if scores.decimals is None else scores.decimals,
                ]
                named |= {
                    f"{column}.{name}": getattr(scores, name)
                    for name in ("ends", "z", "numbers")
                }
                named[f"{column}.lattice"] = np.array(lattice, np.float64)
        return named

    @classmethod
    def of_tensors(
        cls, named: Mapping[str, np.ndarray], coding: TableEncoder, given: Sequence[str]
    ) -> "TablePreprocessor":
        """The units whose `tensors` these are."""
        choices, scores = [], []
        for column in range(len(coding.columns)):
            fields = (field.name for field in dataclasses.fields(Choice))
            choices.append(Choice(**{name: named[f"{column}.{name}"] for name in fields}))
            if f"{column}.z" not in named:
                scores.append(None)
                continue
            repeat, step, decimals = named[f"{column}.lattice"].tolist()
            ends, z, numbers = (named[f"{column}.{name}"] for name in ("ends", "z", "numbers"))
            kept = None if np.isnan(decimals) else int(decimals)
            scores.append(NormalScores(ends, z, numbers, bool(repeat), step, kept))
        return cls(coding, choices, scores, given, named["label_rows"], named["label_shares"])

    def _places(self, rows: Cells) -> Int[np.ndarray, "n choices"]:
        """Which value each choice has, in the order of the layout."""
        columns = [*self.chosen, *self.conditions]
        places = [self.choices[column].places(rows[:, column]) for column in columns]
        return np.stack(places, axis=1) if places else np.zeros((len(rows), 0), int)

    def _intervals(self, rows: Cells) -> Float[np.ndarray, "2 n scores"]:
        """The scores that each number takes, from and to."""
        found = [scores.interval(rows[:, column]) for column, scores in self.scored.items()]
        return np.moveaxis(np.array(found).reshape(len(found), 2, len(rows)), 0, 2)

    def _there(self, places: Int[np.ndarray, "n choices"]) -> np.ndarray:
        """Where each score's number is there: its choice, if it has one, says REST, which comes first."""
        there = np.ones((len(places), len(self.scored)), bool)
        for score, column in enumerate(self.scored):
            if column in self.chosen:
                there[:, score] = places[:, self.chosen.index(column)] == 0
        return there

    def _read_places(self, entries: Player) -> dict[int, Int[np.ndarray, " n"]]:
        """The place of the 1 in each choice, by column."""
        start, places = self.layout.scores, {}
        for column in [*self.chosen, *self.conditions]:
            size = len(self.choices[column].values)
            places[column] = entries[:, start : start + size].argmax(axis=1)
            start += size
        return places
