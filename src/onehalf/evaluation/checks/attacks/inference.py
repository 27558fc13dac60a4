"""Inference: does the sample nearest by all other columns give a secret one away?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.evaluation.checks.attacks.attacker import Attacker, Method, find_nearest
from onehalf.evaluation.rows import EvaluationRows

__all__ = ["Inference"]

Values = Float[np.ndarray, " rows"]
Places = Int[np.ndarray, " rows"]

TOLERANCE = 0.05
"""A number is guessed if it is off by this much of the range of the samples' middle 90 %, or less."""

MOST_SECRETS = 16
"""The most columns that are asked for."""


@dataclass(frozen=True)
class Inference(Method):
    """The attacker knows a row but for one column, drawn at random for each row, and wants to know this one too.

    The guess is its value in the nearest sample by all other columns. A word must be right; a number or a date may be
    off by a twentieth of the range from the 5 % to the 95 % quantile of the samples; what is missing is a word.
    """

    attacker: Attacker
    tolerances: Float[np.ndarray, " columns"]
    secrets: Int[np.ndarray, " secrets"]
    """The columns that are asked for."""

    @classmethod
    def prepare(cls, rng: np.random.Generator, attacker: Attacker) -> "Inference":
        """Compute the tolerances, and draw the columns."""
        tolerances = [_tolerance(column) for column in attacker.samples.entries().T]
        secrets = rng.permutation(attacker.column_count)[:MOST_SECRETS]
        return cls(attacker, np.array(tolerances), secrets)

    def attempt(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """Tell of which rows the secret is guessed."""
        places = self.attacker.locate(self.attacker.samples)
        located = self.attacker.locate(rows)
        secrets = self._draw_secrets(rng, rows)
        nearest = np.empty(len(rows), np.int64)
        for secret in np.unique(secrets):
            asked = secrets == secret
            known = ~self.attacker.of_columns(np.array([secret]))
            nearest[asked] = find_nearest(located[asked][:, known], places[:, known])[:, 0]
        return self._is_right(rows, secrets, nearest)

    def guess(
        self, rng: np.random.Generator, rows: EvaluationRows
    ) -> Bool[np.ndarray, " rows"]:
        """The same with a sample at random in place of the nearest one."""
        drawn = rng.integers(len(self.attacker.samples), size=len(rows))
        return self._is_right(rows, self._draw_secrets(rng, rows), drawn)

    def _draw_secrets(self, rng: np.random.Generator, rows: EvaluationRows) -> Places:
        return rng.choice(self.secrets, size=len(rows))

    def _is_right(
        self, rows: EvaluationRows, secrets: Places, samples: Places
    ) -> Bool[np.ndarray, " rows"]:
        truth = rows.entries()[np.arange(len(rows)), secrets]
        guesses = self.attacker.samples.entries()[samples, secrets]
        words = np.array([self.attacker.columns.is_category(int(c)) for c in secrets], bool)
        tolerance = np.where(words, 0.0, self.tolerances[secrets])
        missing = np.isnan(truth) & np.isnan(guesses)
        return missing | (np.abs(truth - guesses) <= tolerance)


def _tolerance(column: Values) -> float:
    known = column[~np.isnan(column)]
    if not len(known):
        return 0.0
    low, high = np.quantile(known, [0.05, 0.95])
    return TOLERANCE * float(high - low)
