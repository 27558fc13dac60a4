"""Linkability: do two halves of a row's columns lead to the same sample?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from onehalf.evaluation.checks.attacks.attacker import Attacker, Method, find_nearest
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["Linkability"]

Places = Int[np.ndarray, "rows k"]

NEIGHBOURS = 5
"""The samples that each half of a row is looked for among: the nearest ones."""


@dataclass(frozen=True)
class Linkability(Method):
    """The columns in two halves, drawn at random. Somebody has one half of a row, somebody else the other one.

    The attack on a row succeeds if one sample is among the nearest to both halves: then the two know that their halves
    belong together.
    """

    attacker: Attacker
    half: Bool[np.ndarray, " d"]
    """Which numbers of a row in the attacker's space belong to the first half."""
    order: Int[np.ndarray, " samples"]
    """The order of the samples for the second half: of equally near ones, the two halves take others."""

    @classmethod
    def prepare(cls, rng: np.random.Generator, attacker: Attacker) -> "Linkability":
        """Draw the halves."""
        columns = rng.permutation(np.unique(attacker.space.owners))
        half = attacker.of_columns(columns[: len(columns) // 2])
        return cls(attacker, half, rng.permutation(len(attacker.samples)))

    def attempt(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """Tell of which rows the halves are linked."""
        places = self.attacker.locate(self.attacker.samples)
        located = self.attacker.locate(rows)
        k = min(NEIGHBOURS, len(places))
        first = find_nearest(located[:, self.half], places[:, self.half], k)
        second = find_nearest(located[:, ~self.half], places[self.order][:, ~self.half], k)
        return _share_one(first, self.order[second])

    def guess(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """The same with samples at random in place of the nearest ones."""
        m = len(self.order)
        k = min(NEIGHBOURS, m)
        first = np.tile(np.arange(k), (len(rows), 1))
        second = np.array([rng.choice(m, k, replace=False) for _ in range(len(rows))])
        return _share_one(first, second)


def _share_one(first: Places, second: Places) -> Bool[np.ndarray, " rows"]:
    return (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
