"""What would have been noticed: differences of known size, planted in the user's own data."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import special
from scipy.spatial.distance import cdist
from scipy.stats import contingency

from onehalf._parallel import run_tasks
from onehalf._typing import PRNGKey
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.bounds import p_value
from onehalf.evaluation.certificate.critics import learn
from onehalf.evaluation.certificate.members import MOST_PAIRED_COLUMNS
from onehalf.evaluation.explain.regions import jsd_of_dropped
from onehalf.evaluation.features.base import Columns, FeatureEncoder
from onehalf.evaluation.features.codes import ColumnCodes
from onehalf.evaluation.result import DetectableEffect, PlantedEffect, PlantedKind
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["Trials", "find_detectable", "plant_effects"]

Cells = Float[np.ndarray, "rows columns"]

MASSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Shares of the data that are dropped, from the hardest to see to the easiest."""

SHUFFLED = (0.1, 0.3, 1.0)
"""Shares of the rows in which one column is shuffled, so that its dependence on the others is broken."""

SHIFTS = (0.1, 0.3, 1.0)
"""Shifts of one column of numbers, in its standard deviations."""

JITTERS = (0.03, 0.1, 0.3)
"""Standard deviations of the noise that is added to all columns of numbers, in units of theirs."""

REPEATED = (0.2, 0.5, 0.8)
"""Shares of the rows that are copies of the others."""

TRIALS = 10
"""Trials of each size."""

NEEDED = 9
"""The least of them that must be noticed."""

DEALS = 199
"""Of the labels, in the permutation test of a trial; more at a level so low that these could not show it."""

MOST_ROWS = 2000
"""The most rows of a sample in a trial."""

MOST_PLANTED_ROWS = 1000
"""The same where trees take part, which take longer."""

DEPENDENT_PAIRS = 3
"""A column is shuffled that belongs to one of this many pairs, the most dependent ones."""

Second = Bool[np.ndarray, " rows"]
"""Which rows make up the second sample."""

Plant = Callable[[np.random.Generator, EvaluationRows, Second, float], EvaluationRows]
"""From all rows, and which of them are the second sample, to this one with a difference of this size in it."""


class _Kind(NamedTuple):
    """A kind of difference: how it is planted, its sizes, and the members of critics that see it soonest."""

    name: PlantedKind
    plant: Plant
    sizes: Sequence[float]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Trials:
    """Rows of data to plant differences in, and the tests that are to notice them."""

    rows: EvaluationRows
    bets: int
    """The most rows of each sample that a trial bets on; critics learn from the others."""
    alpha: float
    encoder: FeatureEncoder

    @property
    def size(self) -> int:
        """Rows of each sample in a trial."""
        return min(len(self.rows) // 2, MOST_ROWS)

    def find_least(self, key: PRNGKey, kind: _Kind) -> tuple[float, int] | None:
        """The least size that is noticed nine times in ten, and how often it is; None if none is.

        By bisection, since a greater difference is easier to see.
        """
        low, high, found = 0, len(kind.sizes), None
        while low < high:
            middle = (low + high) // 2
            noticed = self.count_noticed(jr.fold_in(key, middle), kind, kind.sizes[middle])
            if noticed >= NEEDED:
                found, high = (kind.sizes[middle], noticed), middle
            else:
                low = middle + 1
        return found

    def count_noticed(self, key: PRNGKey, kind: _Kind, size: float) -> int:
        """How many trials notice it; none are counted once too many have missed it."""
        tasks = [
            partial(self.is_noticed, jr.fold_in(key, trial), kind, size)
            for trial in range(TRIALS)
        ]
        noticed = 0
        for trial, is_noticed in enumerate(run_tasks(tasks)):
            noticed += is_noticed
            if trial + 1 - noticed > TRIALS - NEEDED:
                break
        return noticed

    def is_noticed(self, key: PRNGKey, kind: _Kind, size: float) -> bool:
        """Whether the permutation test notices one planted difference."""
        rng = numpy_generator(key)
        some = self.rows[rng.permutation(len(self.rows))[: 2 * MOST_ROWS]]
        second = rng.permutation(len(some)) < len(some) // 2
        y = _shuffle(rng, kind.plant(rng, some, second, size))
        x = _shuffle(rng, some[~second])[: len(y)]
        start = len(y) - min(len(y) // 2, self.bets)
        critic = learn(
            jr.fold_in(key, 0),
            x[:start],
            y[:start],
            len(y) - start,
            self.alpha,
            kinds=kind.members,
            encoder=self.encoder,
        )
        deals = max(DEALS, math.ceil(2 / self.alpha))
        l_x, l_y = critic.d(x[start:]), critic.d(y[start:])[:, None]
        return p_value(rng, l_x, l_y, deals) <= self.alpha


def find_detectable(key: PRNGKey, trials: Trials) -> DetectableEffect | None:
    """The least mass of a dropped group that is noticed nine times in ten, and its JSD in nats; None if none is.

    The rows are laid in two samples, and from the second a random row's nearest neighbours are dropped that hold this
    share of the data: that makes JSD = `jsd_of_dropped(mass)`, exactly, on the user's own data. A group is noticed if
    the permutation test of a plain critic, linear and of cells, gives p <= alpha on rows that it did not learn from.
    The masses are tried by bisection, since a greater group is easier to see. `rows` says how many a sample held.

    >>> from onehalf.evaluation.certificate.critics import PLAIN_ARRAY
    >>> from onehalf.evaluation.rows import wrap
    >>> rows = wrap(np.random.default_rng(0).normal(size=(2000, 2)))
    >>> find_detectable(jr.key(0), Trials(rows, 2000, 0.05, PLAIN_ARRAY))
    DetectableEffect(mass=0.08, jsd=0.0286, rows=1000, trials=10, noticed=10, critics=('linear', 'cells'))
    """
    n = len(trials.rows)
    possible = [mass for mass in MASSES if mass * min(n, 2 * MOST_ROWS) >= 1]
    kind = _Kind("dropped group", _DroppedGroup(trials.encoder), possible, ("linear", "cells"))
    found = trials.find_least(key, kind)
    if found is None:
        return None
    mass, noticed = found
    return DetectableEffect(
        mass=mass,
        critics=kind.members,
        jsd=jsd_of_dropped(mass),
        rows=trials.size,
        trials=TRIALS,
        noticed=noticed,
    )


def plant_effects(key: PRNGKey, trials: Trials) -> tuple[PlantedEffect, ...]:
    """What generators often get wrong, planted in the data: the least size of each kind that is noticed.

    - broken pair: one column of a pair of columns that depend on each other is shuffled, in a share of the rows.
    - shifted column: a column of numbers is shifted, by a part of its standard deviation.
    - jitter: noise is added to all columns of numbers, with a part of their standard deviations.
    - repeated rows: copies of the others take the places of a share of the rows.

    The column is drawn anew in each trial. The test is that of `find_detectable`, with the members of the ensemble that
    `critics` names. The whole ensemble would take ten times as long or more. Images, and data without such columns,
    have none of the first three; images and single columns none at all.
    """
    rows = trials.rows[: 2 * MOST_PLANTED_ROWS]
    trials = dataclasses.replace(trials, rows=rows)
    columns = trials.encoder.columns
    flat = trials.rows.x.reshape(len(trials.rows), -1)
    if not 1 < flat.shape[1] == len(columns.names):
        return ()
    numbers = [
        place
        for place in range(flat.shape[1])
        if columns.is_number(place) and _spread(flat[:, place]) > 0
    ]
    pairs = _find_dependent(flat.astype(np.float64), columns)
    kinds = []
    if pairs:
        kinds.append(
            _Kind(
                "broken pair",
                _ChangedCells(_break_pair, pairs),
                SHUFFLED,
                ("quadratic", "pairs"),
            )
        )
    if numbers:
        kinds.append(
            _Kind("shifted column", _ChangedCells(_shift, numbers), SHIFTS, ("linear",))
        )
        kinds.append(_Kind("jitter", _ChangedCells(_add_noise, numbers), JITTERS, ("trees",)))
    kinds.append(_Kind("repeated rows", _RepeatedRows(), REPEATED, ("linear", "cells")))
    effects = []
    for place, kind in enumerate(kinds):
        found = trials.find_least(jr.fold_in(key, place), kind)
        size, noticed = found or (kind.sizes[-1], 0)
        effects.append(
            PlantedEffect(
                kind=kind.name,
                critics=kind.members,
                size=size,
                is_noticed=found is not None,
                rows=len(rows) // 2,
                trials=TRIALS,
                noticed=noticed,
            )
        )
    return tuple(effects)


@dataclass(frozen=True)
class _DroppedGroup:
    """Drops the nearest neighbours of a random row that hold this share of all rows."""

    encoder: FeatureEncoder

    def __call__(
        self, rng: np.random.Generator, rows: EvaluationRows, second: Second, size: float
    ) -> EvaluationRows:
        z = self.encoder.distance_space(rows)(rows)
        distance = cdist(z[:1], z)[0]
        # ties at the edge are broken at random, so that a group holds its mass where the data are few values
        order = np.lexsort((rng.random(len(z)), distance))
        kept = np.isin(np.arange(len(z)), order[round(size * len(z)) :])
        return rows[second & kept]


@dataclass(frozen=True)
class _RepeatedRows:
    """Puts copies of the other rows of the second sample in the places of this share of them."""

    def __call__(
        self, rng: np.random.Generator, rows: EvaluationRows, second: Second, size: float
    ) -> EvaluationRows:
        chosen = rows[second]
        n = len(chosen)
        distinct = max(1, n - round(size * n))
        return chosen[np.append(np.arange(distinct), rng.integers(distinct, size=n - distinct))]


@dataclass(frozen=True)
class _ChangedCells:
    """Changes entries of the second sample, which are copied, in some of these places: columns, or pairs of them."""

    change: Callable[[np.random.Generator, Cells, Any, float], None]
    places: Sequence[Any]

    def __call__(
        self, rng: np.random.Generator, rows: EvaluationRows, second: Second, size: float
    ) -> EvaluationRows:
        chosen = rows[second]
        cells = chosen.entries().copy()
        self.change(rng, cells, self.places, size)
        return dataclasses.replace(chosen, x=cells.reshape(chosen.x.shape))


def _break_pair(
    rng: np.random.Generator, cells: Cells, pairs: Sequence[tuple[int, int]], share: float
) -> None:
    """Shuffle one column of a dependent pair, in a share of the rows."""
    column = rng.choice(pairs[int(rng.integers(len(pairs)))])
    chosen = np.flatnonzero(rng.random(len(cells)) < share)
    cells[chosen, column] = cells[rng.permutation(chosen), column]


def _shift(rng: np.random.Generator, cells: Cells, numbers: Sequence[int], size: float) -> None:
    """Shift one column of numbers by a part of its standard deviation."""
    column = rng.choice(numbers)
    cells[:, column] += size * _spread(cells[:, column])


def _add_noise(
    rng: np.random.Generator, cells: Cells, numbers: Sequence[int], size: float
) -> None:
    """Add noise to all columns of numbers, with a part of their standard deviations."""
    noise = rng.normal(size=(len(cells), len(numbers)))
    spread = np.array([_spread(column) for column in cells[:, numbers].T])
    cells[:, numbers] += size * spread * noise


def _spread(column: Shaped[np.ndarray, " rows"]) -> float:
    """The standard deviation of what is known of a column; 0 where nothing is."""
    known = column[~np.isnan(column)]
    return float(known.std()) if len(known) else 0.0


def _find_dependent(cells: Cells, columns: Columns) -> list[tuple[int, int]]:
    """The pairs of columns that depend most on each other, by mutual information in bins beyond what chance gives."""
    width = min(cells.shape[1], MOST_PAIRED_COLUMNS)
    words = [columns.is_category(place) for place in range(width)]
    some = cells[:MOST_ROWS, :width]
    codes = ColumnCodes.fit(some, words)(some).astype(int)
    found = []
    for i, j in itertools.combinations(range(width), 2):
        first, second = (np.unique(codes[:, k], return_inverse=True)[1] for k in (i, j))
        observed = np.zeros((first.max() + 1, second.max() + 1))
        np.add.at(observed, (first, second), 1)
        freedom = (observed.shape[0] - 1) * (observed.shape[1] - 1)
        if freedom:
            expected = contingency.expected_freq(observed)
            excess = 2 * special.rel_entr(observed, expected).sum() - freedom
            if excess > 4 * math.sqrt(2 * freedom):
                found.append((float(excess), i, j))
    return [(i, j) for _, i, j in sorted(found, reverse=True)[:DEPENDENT_PAIRS]]


def _shuffle(rng: np.random.Generator, rows: EvaluationRows) -> EvaluationRows:
    return rows[rng.permutation(len(rows))]
