"""The law of G's rows: its density, and rows given conditions or given some of their cells."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.spans import Allowed
from onehalf.players.law import Filled, Found, Law, Wish
from onehalf.players.trees.conditional import ColumnLaw, EventLaw
from onehalf.players.trees.events import Event, Points
from onehalf.players.trees.generator import TreeGenerator
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.particles import (
    Correction,
    Known,
    Particles,
    find_medians,
    find_modes,
    propagate,
)

__all__ = ["PARTICLES", "Test", "TreeLaw", "split_blocks"]

CONSTANT_ROWS = 20_000
"""Rows of the chain by which the constant of the tilted law is estimated."""

LEAST_CONSTANT_ROWS = 500
"""With many labels that many for each of them at least."""

BLOCK = 2_000_000
"""Rows times trees that are evaluated at a time, and numbers that particles have at a time."""

PARTICLES = 32
"""Particles of each row whose gaps are filled."""

LEAST_PARTICLES = 4096
MOST_PARTICLES = 65_536
"""Particles of a batch of rows under conditions."""

FRUITLESS = 200_000
"""The search ends after this number of particles if a batch has none of positive weight."""

PARTICLES_PER_ROW = 4
"""Particles for each row that is wanted under conditions, at first."""

MOST_SHARE = 0.25
"""Rows that are taken of a batch, as a share of its effective number: so few that hardly one is taken twice."""

Values = Float[np.ndarray, " _"]


Test = Callable[[Cells], Bool[np.ndarray, " _"]]
"""What says of rows whether they pass."""


@dataclass(frozen=True, eq=False)
class TreeLaw(Law):
    """p_g(x) = p_chain(x) min(w(x), cap) / Z, as `TreeGenerator` draws it.

    With labels c, p_g(c, x) = p(c) p_chain(x | c) min(w(c, x), cap) / Z(c), where p(c) is the share of the training
    rows.
    """

    G: TreeGenerator
    label_cells: Cells
    """Each combination of labels that the training rows have; of width 0 without labels."""
    label_shares: Values
    accepts: Callable[[Cells], Bool[np.ndarray, " _"]] | None = None
    """What says of rows whether they are given out at all: the others are drawn anew, under the same labels."""

    @cached_property
    def laws(self) -> dict[int, ColumnLaw]:
        """The law of each column given those before it, in the order of the chain."""
        chain = self.G.chain
        return {
            column: ColumnLaw(link, chain.scales[column])
            for column, link in chain.links.items()
        }

    def balance(self) -> "TreeLaw":
        """The law with an equal share of all combinations of labels."""
        count = len(self.label_shares)
        return dataclasses.replace(self, label_shares=np.full(count, 1 / count))

    def log_prob(self, cells: Cells) -> Values:
        """The logarithm of the density of each row, in nats; -inf where the model never makes such a row.

        With respect to counting for words, missing cells, and numbers that repeat or lie on a lattice (such as that
        of two decimals); to length for other numbers, beside a count for each of those that two training rows share or
        that is the least or the greatest.
        """
        size = max(1, BLOCK // max(law.link.forest.trees for law in self.laws.values()))
        parts = [
            self._log_prob(cells[start : start + size]) for start in range(0, len(cells), size)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def _log_prob(self, cells: Cells) -> Values:
        chain = self.G.chain
        features = chain.features(cells)
        labels, total = self._log_labels(cells)
        for column, law in self.laws.items():
            if column not in self.G.given:
                total = total + self._log_likelihood(law, features, cells[:, column])
        if self._is_thinned:
            total = total + self._log_kept(cells) - self._log_constants[labels]
        return total

    @property
    def _is_thinned(self) -> bool:
        """Whether some rows of the chain are drawn anew."""
        return bool(self.G.tilts) or self.accepts is not None

    def _log_likelihood(
        self, law: ColumnLaw, features: Float[np.ndarray, "_ _"], cells: Values
    ) -> Values:
        """The logarithm of the density of cells of a column, by all of its trees."""
        trees = np.broadcast_to(
            np.arange(law.link.forest.trees), (len(cells), law.link.forest.trees)
        )
        values, which = np.unique(cells, return_inverse=True)
        points = Points.of(law.scales, values)
        likely = law.likelihood(law.leaves(features, trees), points, which).mean(axis=1)
        with np.errstate(divide="ignore"):
            return np.log(likely)

    @property
    def constant_error(self) -> float:
        """The standard error of log Z, which all densities share; of labels the greatest one."""
        return float(self._constants[1].max())

    def draw_where(
        self,
        rng: np.random.Generator,
        n: int,
        allowed: Mapping[int, Allowed],
        most: int,
        tests: Mapping[int, Test] | None = None,
    ) -> Found:
        """Draw n rows whose cells are among those that are allowed; fewer after `most` particles.

        Args:
            rng: Draws.
            n: How many.
            allowed: What cells may be, by column.
            most: Particles that are drawn at most.
            tests: What rows must pass as well, by the column from which on it can be said.
        """
        corrections = self.correct(self._log_kept, tests or {})
        events = {
            column: EventLaw(self.laws[column], Event(self.G.chain.scales[column], cells))
            for column, cells in allowed.items()
        }
        nothing = np.zeros((1, len(self.laws)))
        known = Known(nothing, nothing > 0, events)
        found: list[Cells] = []
        count = drawn = 0
        effective = 0.0
        evidence: list[tuple[int, float]] = []
        while count < n and drawn < most:
            size = int(
                np.clip(PARTICLES_PER_ROW * (n - count), LEAST_PARTICLES, MOST_PARTICLES)
            )
            each = propagate(self.laws, rng, known, size, corrections)
            drawn += size
            evidence.append((size, float(np.exp(each.log_evidence[0]))))
            if not np.isfinite(each.log_weights).any():
                most = min(most, FRUITLESS)
                continue
            effective += float(each.effective[0])
            rows = min(n - count, max(1, int(MOST_SHARE * each.effective[0])))
            found.append(each.draw(rng, rows)[0])
            count += rows
        total = sum(size * p for size, p in evidence) / max(drawn, 1)
        cells = np.concatenate([np.zeros((0, len(self.laws))), *found])
        return Found(cells, drawn, effective, total * self._scale)

    def fill(
        self,
        rng: np.random.Generator,
        cells: Cells,
        is_given: Bool[np.ndarray, "_ _"],
        wish: Wish,
    ) -> Filled:
        """Complete rows, each by weighted completions."""
        filled: list[Float[np.ndarray, "_ _ _"]] = []
        is_possible: list[Bool[np.ndarray, " _"]] = []
        may_be_missing = wish.may_be_missing
        for found in self.complete(rng, cells, is_given, may_be_missing=may_be_missing):
            if wish.how == "draw":
                filled.append(found.draw(rng, wish.draws).swapaxes(0, 1))
            else:
                filled.append(self.summarize(found, wish.how)[None])
            is_possible.append(found.is_possible)
        return Filled(np.concatenate(filled, axis=1), np.concatenate(is_possible))

    def complete(
        self,
        rng: np.random.Generator,
        cells: Cells,
        is_given: Bool[np.ndarray, "_ _"],
        *,
        may_be_missing: bool,
        particles: int = PARTICLES,
    ) -> Iterator[Particles]:
        """Draw weighted completions of rows, block after block.

        Args:
            rng: Draws.
            cells: The rows.
            is_given: Which of their cells are given.
            may_be_missing: Whether cells that are drawn may be missing, as often as the model has it.
            particles: Weighted rows for each of them.
        """
        events = {} if may_be_missing else self.find_present()
        corrections = self.correct(self._log_kept, {})
        for rows in split_blocks(len(cells), particles * len(self.laws)):
            known = Known(cells[rows], is_given[rows], events)
            yield propagate(self.laws, rng, known, particles, corrections)

    def find_present(self) -> dict[int, EventLaw]:
        """For each column with missing cells that a cell is not missing."""
        known_cells = Allowed(((-np.inf, np.inf),), missing=False)
        scales = self.G.chain.scales
        return {
            column: EventLaw(law, Event(scales[column], known_cells))
            for column, law in self.laws.items()
            if scales[column].missing and len(scales[column].values)
        }

    def summarize(self, particles: Particles, how: str) -> Cells:
        """One row for each that was asked for.

        Args:
            particles: Weighted rows for each of them.
            how: 'mean' takes the mean of numbers; 'mode' the most likely value of words and of numbers that repeat,
                and the median of others. Words have no mean, and get the most likely one.
        """
        rows = np.empty((len(particles.cells), len(self.laws)))
        for column, scales in enumerate(self.G.chain.scales):
            cells = particles.cells[:, :, column]
            if how == "mean" and not scales.is_word:
                means = (cells * particles.weights).sum(axis=1)
                rows[:, column] = np.round(means, scales.decimals) if scales.step else means
            elif scales.repeats:
                rows[:, column] = find_modes(cells, particles.weights)
            else:
                rows[:, column] = find_medians(cells, particles.weights)
        return rows

    def correct(self, log_kept: Correction, tests: Mapping[int, Test]) -> dict[int, Correction]:
        """What turns the law of the chain into that of rows under conditions, by column.

        Args:
            log_kept: The logarithm of the probability with which each row of the chain is kept.
            tests: What rows must pass as well, by the column from which on it can be said.
        """
        factors: dict[int, list[Correction]] = {}
        labels = [column for column in self.laws if column in self.G.given]
        if labels:
            factors[labels[-1]] = [self._log_label_ratio]
        for column, test in tests.items():
            factors.setdefault(column, []).append(functools.partial(_log_passes, test))
        if self._is_thinned:
            factors.setdefault(next(reversed(self.laws)), []).append(log_kept)
        return {column: functools.partial(_add, each) for column, each in factors.items()}

    @property
    def _scale(self) -> float:
        """What turns the mean weight under conditions into a probability: 1/Z, if labels have not seen to it."""
        return 1.0 if self.G.given else float(np.exp(-self._log_constants[0]))

    def _log_kept(self, cells: Cells) -> Values:
        """The logarithm of the probability with which G keeps each row of the chain."""
        kept = self.log_odds(cells)
        if self.accepts is None:
            return kept
        return kept + _log_passes(self.accepts, cells)

    def log_odds(self, cells: Cells) -> Values:
        """The logarithm of the probability with which D's odds keep each row of the chain."""
        if not self.G.tilts:
            return np.zeros(len(cells))
        weights = self.G.log_weights(self.G.chain.features(cells))
        return np.minimum(weights - self.G.log_cap, 0.0)

    def _log_labels(self, cells: Cells) -> tuple[np.ndarray, Values]:
        """The place of each row's labels among their combinations, and the logarithm of its share."""
        places = np.zeros(len(cells), np.int64)
        shares = np.zeros(len(cells))
        if self.G.given:
            own = cells[:, list(self.G.given)]
            same = np.concatenate([self.label_cells, own])
            _, which = np.unique(np.nan_to_num(same, nan=np.inf), axis=0, return_inverse=True)
            at = np.full(len(same), -1)
            at[which.ravel()[: len(self.label_cells)]] = np.arange(len(self.label_cells))
            places = at[which.ravel()[len(self.label_cells) :]]
            with np.errstate(divide="ignore"):
                shares = np.log(np.where(places < 0, 0.0, self.label_shares[places]))
        return places, shares

    def _log_label_ratio(self, cells: Cells) -> Values:
        """The logarithm of p(c) / (p_chain(c) Z(c)) of each row's labels."""
        places, log_ratio = self._log_labels(cells)
        features = self.G.chain.features(cells)
        for column in self.G.given:
            log_ratio = log_ratio - self._log_likelihood(
                self.laws[column], features, cells[:, column]
            )
        return log_ratio - self._log_constants[places]

    @property
    def _log_constants(self) -> Values:
        """Log Z for each combination of labels."""
        return self._constants[0]

    @cached_property
    def _constants(self) -> tuple[Values, Values]:
        """Log Z for each combination of labels, and its standard errors, by rows of the chain from a fixed seed."""
        count = len(self.label_cells)
        if not self._is_thinned:
            return np.zeros(count), np.zeros(count)
        rng = np.random.default_rng(0)
        n = max(LEAST_CONSTANT_ROWS, CONSTANT_ROWS // count)
        constants, errors = np.zeros(count), np.zeros(count)
        for place, labels in enumerate(self.label_cells):
            fixed = {
                column: np.full(n, cell)
                for column, cell in zip(self.G.given, labels, strict=True)
            }
            digits = Digits.read(rng.random((n, 3)))
            kept = np.exp(self._log_kept(self.G.chain.sample(digits, 0, fixed)))
            constants[place] = np.log(kept.mean())
            errors[place] = kept.std() / kept.mean() / n**0.5
        return constants, errors


def split_blocks(n: int, numbers: int) -> Iterator[slice]:
    """Rows whose particles are moved at a time, where each row has that many numbers."""
    size = max(1, BLOCK // numbers)
    for start in range(0, n, size):
        yield slice(start, start + size)


def _log_passes(test: Test, cells: Cells) -> Values:
    """0 for each row that passes, minus infinity for the others."""
    return np.where(test(cells), 0.0, -np.inf)


def _add(corrections: Sequence[Correction], cells: Cells) -> Values:
    """The sum of corrections."""
    return functools.reduce(np.add, (each(cells) for each in corrections))
