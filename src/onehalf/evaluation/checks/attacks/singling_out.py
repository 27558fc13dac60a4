"""Singling out: does a rule that is made from the samples match one row and no other?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.evaluation.checks.attacks.attacker import Attacker, Method, find_nearest
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["SinglingOut"]

Rows = Float[np.ndarray, "_ d"]
Places = Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class SinglingOut(Method):
    """One rule for each distinct sample: 'nearer to it than half the distance to the next sample'.

    No two rules match the same row, so the only rule that can match a row is that of its nearest sample. The attack on
    a row succeeds if this rule matches the row and none of some other training rows, which are not attacked.
    """

    attacker: Attacker
    places: Rows
    """The distinct samples in the attacker's space."""
    taken: Bool[np.ndarray, " samples"]
    """The rules that match one of the other rows."""

    @classmethod
    def prepare(cls, attacker: Attacker, others: EvaluationRows) -> "SinglingOut":
        """Find the rules that match one of the other rows."""
        places = np.unique(attacker.locate(attacker.samples), axis=0)
        taken = np.zeros(len(places), bool)
        nearest, matches = _match(attacker.locate(others), places)
        taken[nearest[matches]] = True
        return cls(attacker, places, taken)

    def attempt(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """Tell which rows are singled out."""
        nearest, matches = _match(self.attacker.locate(rows), self.places)
        return matches & ~self.taken[nearest]

    def guess(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """The same by the rule of one sample at random."""
        drawn = rng.integers(len(self.places), size=len(rows))
        nearest, matches = _match(self.attacker.locate(rows), self.places)
        return (drawn == nearest) & matches & ~self.taken[nearest]


def _match(rows: Rows, places: Rows) -> tuple[Places, Bool[np.ndarray, " rows"]]:
    """The nearest sample of each row, and whether its rule matches the row."""
    nearest = find_nearest(rows, places)[:, 0]
    if len(places) == 1:
        return nearest, np.ones(len(rows), bool)
    used, of_row = np.unique(nearest, return_inverse=True)
    two = find_nearest(places[used], places, 2)
    # of the two nearest to a sample, one is the sample itself
    gaps = np.linalg.norm(places[used][:, None] - places[two], axis=2).max(axis=1)
    distance = np.linalg.norm(rows - places[nearest], axis=1)
    return nearest, distance < gaps[of_row] / 2
