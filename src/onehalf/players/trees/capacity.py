"""How much trees may learn from a few rows: as much as the copying test does not notice."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from onehalf.data.tables.encoding import Cells
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts

__all__ = ["PRICES", "Audit", "Capacity", "CopyingTest", "Signs", "choose_capacity"]

PRICES = (0.5, 0.75, 1.0, 1.5, 3.0)
"""Nats of likelihood that a nat of optimism costs, to choose from: the more, the more rows a value is drawn from."""

HELD_OUT = 4
"""One training row in this number is held out from the chains that are tested."""

LEAST_HELD_OUT = 20
"""With fewer rows than that the test could not notice anything, and a price in the middle is taken."""

CAUTIOUS = 1.0
"""That price."""

LEAST_P = 0.2
"""The test is taken to be silent at a p-value above this: one that is just not significant is a warning."""


class Signs(NamedTuple):
    """What the copying test said."""

    p_value: float
    log_e: float
    advantage_lower: float


@dataclass(frozen=True)
class Audit:
    """What the copying test said of the samples of a chain."""

    floor: int
    """The least rows that a value is drawn from, in the column where they are fewest."""
    most: int
    """The same in the column where they are most."""
    price: float
    """The price of optimism that these were chosen by; 0 in runs of versions that had one number for all columns."""
    p_value: float
    log_e: float
    advantage_lower: float

    @property
    def is_silent(self) -> bool:
        """Whether there is no sign of copying."""
        return self.p_value > LEAST_P and self.log_e < 0 and not self.advantage_lower


CopyingTest = Callable[[Cells, Cells, Cells], Signs]
"""Whether samples, the last of the three, lie nearer to training rows, the first, than to held-out ones."""


@dataclass(frozen=True)
class Capacity:
    """The price of optimism that was chosen, and the tests that chose it."""

    price: float
    audits: tuple[Audit, ...] = ()

    def describe(self, floors: Sequence[int]) -> str:
        """Say what was chosen, and why, by the least rows that a value of each column is drawn from."""
        drawn = f"G draws each value from at least {_span(min(floors), max(floors))}"
        if not self.audits:
            return f"{drawn}: there are too few rows to test smaller groups for copying."
        last = self.audits[-1]
        test = "the copying test, on training rows that were held out for it,"
        tested = f"p = {last.p_value:.2g}"
        if not last.is_silent:
            return (
                f"{drawn}. This is the most cautious choice: {test} was not clear with any "
                f"({tested} with this one)."
            )
        if len(self.audits) == 1:
            return f"{drawn}. This is the least cautious choice, and {test} gave no sign of copying ({tested})."
        before = self.audits[-2]
        return (
            f"{drawn}: {test} gave no sign of copying ({tested}). With at least "
            f"{_span(before.floor, before.most)}, its result was less clear (p = {before.p_value:.2g})."
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        audits = [dataclasses.astuple(audit) for audit in self.audits]
        tested = np.array(audits, np.float64).reshape(len(audits), 6)
        return {"price": np.array(self.price), "audits": tested}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Capacity":
        """What `to_arrays` gave, or what versions did that had one number of rows for all columns."""
        audits = arrays["audits"].tolist()
        if "price" not in arrays:
            audits = [(floor, floor, 0.0, *signs) for floor, *signs in audits]
        price = arrays["price"].item() if "price" in arrays else 0.0
        read = (Audit(int(floor), int(most), *rest) for floor, most, *rest in audits)
        return cls(price, tuple(read))


def choose_capacity(
    cells: Cells,
    facts: Sequence[ColumnFacts],
    given: Sequence[int],
    test: CopyingTest,
    seed: int,
) -> Capacity:
    """Choose the least price of optimism at which samples of a chain show no sign of copying.

    A part of the training rows is held out from the chain that is tested, another part each time: rows that look like
    a sign by luck alone do so once. The chain that is played with learns from all rows.
    """
    n = len(cells) // HELD_OUT
    if n < LEAST_HELD_OUT:
        return Capacity(CAUTIOUS)
    audits: list[Audit] = []
    for price in PRICES:
        rng = np.random.default_rng([seed, int(100 * price)])
        order = rng.permutation(len(cells))
        held_out, train = cells[order[:n]], cells[order[n:]]
        chain = Chain.fit(train, facts, given=given, price=price, seed=seed)
        z = rng.random((len(train), 3), np.float32)
        signs = test(train, held_out, chain.sample(Digits.read(z), 0, {}))
        audits.append(Audit(min(chain.floors), max(chain.floors), price, *signs))
        if audits[-1].is_silent:
            break
    return Capacity(audits[-1].price, tuple(audits))


def _span(least: int, most: int) -> str:
    """Say how many training rows, by one number or by two."""
    if least == most:
        return f"{least} training rows"
    return f"{least} to {most} training rows (it depends on the column)"
