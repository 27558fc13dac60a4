"""How much trees may learn from a few rows: the least that the copying test does not notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onehalf.data.tables.encoding import Cells
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts

__all__ = ["FLOORS", "Audit", "Capacity", "CopyingTest", "choose_floor"]

FLOORS = (10, 25, 60, 180)
"""The least rows that a value is drawn from, to choose from."""

HELD_OUT = 4
"""One training row in this number is held out from the chains that are tested."""

LEAST_HELD_OUT = 20
"""With fewer rows than that the test could not notice anything, and a floor in the middle is taken."""

CAUTIOUS = 25
"""That floor."""

LEAST_P = 0.2
"""The test is taken to be silent at a p-value above this: one that is just not significant is a warning."""


@dataclass(frozen=True)
class Audit:
    """What the copying test said of the samples of a chain."""

    floor: int
    p_value: float
    log_e: float
    advantage_lower: float

    @property
    def is_silent(self) -> bool:
        """Whether there is no sign of copying."""
        return self.p_value > LEAST_P and self.log_e < 0 and not self.advantage_lower


CopyingTest = Callable[[Cells, Cells, Cells, int], Audit]
"""Whether samples lie nearer to training rows than to held-out ones; the number is the floor of the samples' chain."""


@dataclass(frozen=True)
class Capacity:
    """The floor that was chosen, and the tests that chose it."""

    floor: int
    audits: tuple[Audit, ...] = ()

    def describe(self) -> str:
        """Say what was chosen, and why."""
        drawn = f"G draws each value from at least {self.floor} training rows"
        if not self.audits:
            return f"{drawn}: there are too few rows to test smaller groups for copying."
        last = self.audits[-1]
        tested = f"p = {last.p_value:.2g}"
        if not last.is_silent:
            return (
                f"{drawn}, the most there is to choose: the copying test, on training rows that were held out for it, "
                f"was not clear with any number ({tested} with this one)."
            )
        if len(self.audits) == 1:
            return (
                f"{drawn}, the fewest there is to choose: the copying test, on training rows that were held out for "
                f"it, gave no sign of copying ({tested})."
            )
        before = self.audits[-2]
        return (
            f"{drawn}: the copying test, on training rows that were held out for it, gave no sign of copying "
            f"({tested}); with {before.floor} its result was less clear (p = {before.p_value:.2g})."
        )


def choose_floor(
    cells: Cells,
    facts: Sequence[ColumnFacts],
    given: Sequence[int],
    test: CopyingTest,
    seed: int,
) -> Capacity:
    """Choose the least floor at which samples of a chain show no sign of copying.

    A part of the training rows is held out from the chain that is tested, another part each time: rows that look like
    a sign by luck alone do so once. The chain that is played with learns from all rows.
    """
    n = len(cells) // HELD_OUT
    if n < LEAST_HELD_OUT:
        return Capacity(CAUTIOUS)
    audits: list[Audit] = []
    for floor in FLOORS:
        rng = np.random.default_rng([seed, floor])
        order = rng.permutation(len(cells))
        held_out, train = cells[order[:n]], cells[order[n:]]
        chain = Chain.fit(train, facts, given=given, floor=floor, seed=seed)
        z = rng.random((len(train), 3), np.float32)
        audits.append(test(train, held_out, chain.sample(Digits.read(z), 0, {}), floor))
        if audits[-1].is_silent:
            break
    return Capacity(audits[-1].floor, tuple(audits))
