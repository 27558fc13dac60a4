"""The law of G's rows where these keep rules: that of reduced rows, restored."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.constraints.constraints import Reduction
from onehalf.data.tables.constraints.known_cells import (
    Broken,
    Tie,
    can_keep,
    deduce,
    find_broken,
    find_step,
    keeps_known,
)
from onehalf.data.tables.constraints.rules import row_codes
from onehalf.data.tables.constraints.steps import Computed, Gap, Joint
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.spans import Allowed
from onehalf.players.law import Filled, Found, Law, Wish
from onehalf.players.trees.conditional import EventLaw
from onehalf.players.trees.demands import Choice, Demand, Solution
from onehalf.players.trees.events import Event
from onehalf.players.trees.law import PARTICLES, Test, TreeLaw, split_blocks
from onehalf.players.trees.particles import Known, Particles, propagate

__all__ = ["ConstrainedLaw"]

GROWTH = 8
"""How many times as many completions a row gets where too few of them keep the rules."""

MOST_PARTICLES = 2048
"""Completions that a row gets at most."""

LEAST_KEPT = 4
"""Completions that keep the rules, of which one is drawn, at least."""

MOST_EVENTS = 32
"""Sets of words whose sums over the forest are kept."""

Values = Float[np.ndarray, " _"]
Flags = Bool[np.ndarray, "_ _"]
Rows = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class ConstrainedLaw(Law):
    """p(x) = p_g(reduced x) of rows that keep all rules, 0 of others.

    A gap between two columns moves with the upper one at a slope of 1, a computed column and the words of a
    combination follow from the rest: so the density needs no further factor. It is with respect to the measure of
    `TreeLaw` on the columns that are not computed.
    """

    law: TreeLaw
    """Of reduced rows; those whose restored rows samples may not have are left out."""
    reduction: Reduction

    @classmethod
    def of(cls, law: TreeLaw, reduction: Reduction) -> "ConstrainedLaw":
        """The law of restored rows."""
        accepts = functools.partial(_is_accepted, reduction)
        return cls(dataclasses.replace(law, accepts=accepts), reduction)

    def balance(self) -> "ConstrainedLaw":
        """The law with an equal share of all combinations of labels."""
        return dataclasses.replace(self, law=self.law.balance())

    @property
    def constant_error(self) -> float:
        """The standard error of the logarithm of the constant that all densities share."""
        return self.law.constant_error

    def log_prob(self, cells: Cells) -> Values:
        """The logarithm of the density of each row, in nats; -inf where samples never have such a row."""
        kept = keeps_known(self.reduction, cells, np.zeros(cells.shape, bool))
        found = np.full(len(cells), -np.inf)
        found[kept] = self.law.log_prob(self.reduction.reduce(cells[kept]))
        return found

    def find_broken(self, cells: Cells) -> Broken | None:
        """The first row whose known cells break a rule."""
        return find_broken(self.reduction, cells)

    def draw_where(
        self, rng: np.random.Generator, n: int, allowed: Mapping[int, Allowed], most: int
    ) -> Found:
        """Draw n rows whose cells are among those that are allowed; fewer after `most` particles.

        A condition on a column that no rule determines, or on a word of a combination, limits what is drawn. One on
        another column gives weight 0 to rows that break it, as soon as the column can be restored.
        """
        events: dict[int, Allowed] = {}
        words: dict[int, Bool[np.ndarray, " _"]] = {}
        tests: dict[int, list[Test]] = {}
        for place, cells in allowed.items():
            step = find_step(self.reduction, place)
            if step is None:
                events[place] = cells
            elif isinstance(step, Joint):
                own = step.combination.allowed[:, _place_in(step, place)]
                words[step.place] = cells.holds(own) & words.get(step.place, True)
            else:
                tie = Tie(self.reduction, place)
                test = functools.partial(_restores_to, tie, cells)
                tests.setdefault(self._last(tie.sources), []).append(test)
        events |= {place: _allow(codes) for place, codes in words.items()}
        joined = {column: functools.partial(_pass_all, each) for column, each in tests.items()}
        found = self.law.draw_where(rng, n, events, most, joined)
        return dataclasses.replace(found, cells=self.reduction.restore(found.cells))

    def fill(
        self,
        rng: np.random.Generator,
        cells: Cells,
        is_given: Flags,
        wish: Wish,
    ) -> Filled:
        """Complete rows so that they keep all rules.

        A row of which fewer than 4 of 32 completions keep them gets 256, and then 2,048. If none of these does, or
        samples never have the known side of an order that its gap leads to, that side is a bound alone; and where
        cells may be missing, what a computed cell is computed from may be. A row that has no completion even so keeps
        its gaps.
        """
        task = _Filling(self, np.where(is_given, cells, np.nan), wish)
        rows = np.arange(len(cells))
        particles = PARTICLES
        while particles < MOST_PARTICLES:
            rows = task.run(rng, rows, particles)
            particles *= GROWTH
        for part in split_blocks(len(rows), MOST_PARTICLES * cells.shape[1]):
            task.insist(rng, rows[part])
        failed = np.flatnonzero(task.kept == 0)
        task.filled[:, failed] = task.given[failed]
        return Filled(task.filled, task.is_possible, tuple(failed.tolist()))

    def _last(self, columns: frozenset[int]) -> int:
        """The last of these columns in the order of the chain."""
        return [column for column in self.law.laws if column in columns][-1]

    @functools.cached_property
    def _find_event(self) -> Callable[[int, bytes], EventLaw]:
        """The law of a combination's number in a set, the sums of the last few of which are kept."""

        @functools.lru_cache(MOST_EVENTS)
        def find(column: int, codes: bytes) -> EventLaw:
            allowed = _allow(np.frombuffer(codes, bool))
            return EventLaw(
                self.law.laws[column], Event(self.law.G.chain.scales[column], allowed)
            )

        return find


class _Filling:
    """Completions of rows on their way."""

    def __init__(self, law: ConstrainedLaw, given: Cells, wish: Wish) -> None:
        self.law = law
        self.given = given
        self.wish = wish
        self.events = {} if wish.may_be_missing else law.law.find_present()
        self.known = deduce(law.reduction, given)
        """The given cells, and what follows from them by equations; NaN where nothing is known."""
        self.is_restored = ~np.isnan(self.known)
        """Which known cells have to come of what is drawn; the others must keep the rules only."""
        gaps = [step.place for step in law.reduction.steps if isinstance(step, Gap)]
        self.gaps = np.array(gaps, int)
        for limit in law.reduction.limits:
            if limit.place in gaps:
                own = self.known[:, limit.place]
                self.is_restored[:, limit.place] &= (own >= limit.low) & (own <= limit.high)
        self.filled = np.empty((wish.draws, *given.shape))
        self.is_possible = np.ones(len(given), bool)
        self.kept = np.zeros(len(given), np.int64)
        """Completions of each row that keep the rules."""
        if wish.may_be_missing:
            self._free_inputs(np.flatnonzero(~can_keep(law.reduction, self.known)))

    @property
    def is_known(self) -> Flags:
        """Which cells are known."""
        return ~np.isnan(self.known)

    def insist(self, rng: np.random.Generator, rows: Rows) -> None:
        """Complete rows by as many particles as there may be, and then with less that must come of what is drawn."""
        self.run(rng, rows, MOST_PARTICLES)
        frees = [self._free_inputs] if self.wish.may_be_missing else []
        for free in (*frees, self._free_gaps):
            rows = rows[self.kept[rows] == 0]
            free(rows)
            self.run(rng, rows, MOST_PARTICLES)

    def _free_inputs(self, rows: Rows) -> None:
        """Let what computed cells of rows are computed from be missing."""
        self.known[rows] = self.given[rows]
        self.is_restored[rows] &= ~np.isnan(self.given[rows])
        for step in self.law.reduction.steps:
            if isinstance(step, Computed):
                self.is_restored[rows, step.place] = False

    def _free_gaps(self, rows: Rows) -> None:
        """Let gaps of rows be drawn whatever is known of their columns."""
        self.is_restored[np.ix_(rows, self.gaps)] = False

    def run(self, rng: np.random.Generator, rows: Rows, particles: int) -> Rows:
        """Complete rows by this number of particles; returns those of which too few keep the rules."""
        for part in split_blocks(len(rows), particles * self.known.shape[1]):
            self._run(rng, rows[part], particles)
        return rows[self.kept[rows] < LEAST_KEPT]

    def _run(self, rng: np.random.Generator, rows: Rows, particles: int) -> None:
        law = self.law.law
        known = self._translate(rows)
        keeps = functools.partial(self._keeps, rows)
        corrections = law.correct(lambda cells: law.log_odds(cells) + _log(keeps(cells)), {})
        found = propagate(law.laws, rng, known, particles, corrections)
        kept = np.isfinite(found.log_weights).sum(axis=1)
        better = np.flatnonzero(kept > self.kept[rows])
        is_drawn = self.wish.how == "draw"
        drawn = found.draw(rng, self.wish.draws) if is_drawn else self._summarize(rows, found)
        complete = np.stack([self._put_in(rows, each) for each in drawn.swapaxes(0, 1)])
        self.filled[:, rows[better]] = complete[:, better]
        is_bound = (self.is_known & ~self.is_restored)[np.ix_(rows, self.gaps)].any(axis=1)
        self.is_possible[rows[better]] = (found.is_possible & ~is_bound)[better]
        self.kept[rows[better]] = kept[better]

    def _translate(self, rows: Rows) -> Known:
        """What is known of the reduced rows."""
        reduction = self.law.reduction
        known = self.known[rows]
        reduced = reduction.reduce(known)
        is_given = self.is_restored[rows]
        for step in reduction.steps:
            if isinstance(step, Computed):
                is_given[:, step.place] = self.is_known[rows, step.place]
            if isinstance(step, Joint):
                is_given[:, list(step.places)] = False
        demands: dict[int, list[Demand]] = {}
        for here, ties in self._tie(rows):
            for tie in ties:
                step = find_step(reduction, tie.place)
                is_given[here, tie.place] = isinstance(step, Computed)
                if isinstance(step, Computed):
                    reduced[here, tie.place] = step.code
            for column in {self.law._last(tie.sources) for tie in ties}:
                own = [tie for tie in ties if self.law._last(tie.sources) == column]
                demands.setdefault(column, []).append(Solution(here, column, own, known[here]))
        for step in reduction.steps:
            if isinstance(step, Joint):
                demands[step.place] = self._choose(step, known)
        return Known(reduced, is_given, self.events, demands)

    def _tie(self, rows: Rows) -> Iterator[tuple[Rows, list[Tie]]]:
        """Rows that have the same cells known, and those of them that settle what is drawn."""
        both = np.hstack([self.is_known[rows], self.is_restored[rows]])
        patterns, which = np.unique(both, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            is_known, must_come = np.split(pattern, 2)
            places = frozenset(np.flatnonzero(is_known).tolist())
            ties = [
                Tie(self.law.reduction, step.place, places)
                for step in self.law.reduction.steps
                if must_come[step.place] and not isinstance(step, Joint)
            ]
            # a cell of which all sources are known is reduced as it is
            yield (
                np.flatnonzero(which.ravel() == number),
                [tie for tie in ties if tie.sources - {tie.place}],
            )

    def _choose(self, step: Joint, known: Cells) -> list[Demand]:
        """The combinations that known words leave."""
        places = [unit.place for unit in step.combination.columns]
        own = known[:, places]
        groups: dict[bytes, list[int]] = {}
        for row, key in enumerate(row_codes(own)):
            groups.setdefault(key, []).append(row)
        demands: list[Demand] = []
        for rows in groups.values():
            words = own[rows[0]]
            codes = step.combination.match(words)
            if not self.wish.may_be_missing:
                codes &= ~np.isnan(step.combination.allowed[:, np.isnan(words)]).any(axis=1)
            if not codes.all():
                event = self.law._find_event(step.place, codes.tobytes())
                demands.append(Choice(np.array(rows), event))
        return demands

    def _put_in(self, rows: Rows, reduced: Cells) -> Cells:
        """The restored rows, with the cells that are known as they are."""
        copies = len(reduced) // len(rows)
        restored = self.law.reduction.restore(reduced)
        known, is_known = (
            np.repeat(each[rows], copies, axis=0) for each in (self.known, self.is_known)
        )
        return np.where(is_known, known, restored)

    def _keeps(self, rows: Rows, reduced: Cells) -> Bool[np.ndarray, " _"]:
        """Whether particles of rows keep all rules."""
        reduction = self.law.reduction
        full = self._put_in(rows, reduced)
        is_known = np.repeat(self.is_known[rows], len(reduced) // len(rows), axis=0)
        kept = keeps_known(reduction, full, is_known) & _agree(reduction, reduced)
        if not self.wish.may_be_missing:
            computed = [step.place for step in reduction.steps if isinstance(step, Computed)]
            kept &= ~np.isnan(np.delete(full, computed, axis=1)).any(axis=1)
        return kept

    def _summarize(self, rows: Rows, found: Particles) -> Float[np.ndarray, "_ _ _"]:
        """The mean or mode of the reduced row; where that breaks a rule, the completion that is nearest to it."""
        reduced = self.law.law.summarize(found, self.wish.how)
        for row in np.flatnonzero(~self._keeps(rows, reduced)).tolist():
            near = _find_nearest(found.cells[row], found.weights[row], reduced[row])
            reduced[row] = found.cells[row, near]
        return reduced[:, None]


def _find_nearest(particles: Cells, weights: Values, row: Values) -> int:
    """The particle of positive weight that differs least from a row, each column in units of its spread."""
    possible = np.flatnonzero(weights > 0)
    own = particles[possible]
    spread = own.std(axis=0)
    distance = np.abs(own - row) / np.where(spread > 0, spread, 1.0)
    return int(possible[np.argmin(np.nan_to_num(distance).sum(axis=1))])


def _is_accepted(reduction: Reduction, reduced: Cells) -> Bool[np.ndarray, " _"]:
    """Whether samples may have what is restored of reduced rows."""
    restored = reduction.restore(reduced)
    return reduction.keeps(restored) & _agree(reduction, reduced)


def _agree(reduction: Reduction, reduced: Cells) -> Bool[np.ndarray, " _"]:
    """Whether combinations go together with the labels of their rows."""
    agreed = np.ones(len(reduced), bool)
    for step in reduction.steps:
        if isinstance(step, Joint) and step.labels:
            agreed &= step.agrees(reduced)
    return agreed


def _restores_to(tie: Tie, allowed: Allowed, reduced: Cells) -> Bool[np.ndarray, " _"]:
    """Whether the restored cell of each row is allowed."""
    return allowed.holds(tie.restore(reduced))


def _pass_all(tests: Sequence[Test], reduced: Cells) -> Bool[np.ndarray, " _"]:
    """Whether rows pass all tests."""
    return np.logical_and.reduce([test(reduced) for test in tests])


def _place_in(step: Joint, place: int) -> int:
    """The place of a column in a combination."""
    return [unit.place for unit in step.combination.columns].index(place)


def _allow(codes: Bool[np.ndarray, " _"]) -> Allowed:
    """That a number is one of these."""
    found = np.flatnonzero(codes).astype(float).tolist()
    return Allowed(tuple((code, code) for code in found), missing=False)


def _log(kept: Bool[np.ndarray, " _"]) -> Values:
    """0 where it is kept, minus infinity elsewhere."""
    return np.where(kept, 0.0, -np.inf)
