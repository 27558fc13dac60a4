"""What an experiment is: claims of the derivation, each with what the theory gives and what is measured."""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.figure import Figure

from onehalf._registry import spoken

__all__ = ["SIGMAS", "AbstractExperiment", "Claim", "table"]

SIGMAS = 4.0
"""A Monte Carlo mean may lie so many standard errors from its expectation: further off once in 16,000 times."""

CLEAR = 2.0
"""So many standard errors from 0 a difference is taken to be none of luck's."""

CLAIM = 60
"""Columns for a claim in a table on the terminal."""

RELATIONS = {"=": operator.eq, "<=": operator.le, ">=": operator.ge}


class Claim(NamedTuple):
    """One line of the table.

    >>> Claim("JSD of two coins that never agree, nats", expected=math.log(2), measured=0.69315, error=1e-5).holds
    True
    """

    claim: str
    """What is claimed to have this value, with its unit."""
    expected: float
    """The value that the theory gives, or the bound that it sets."""
    measured: float
    error: float
    """How far off it may be measured: what quadrature loses, or SIGMAS standard errors of a simulation."""
    relation: str = "="
    """'=', '<=' or '>=': how the measured value is claimed to stand to the expected one."""

    @classmethod
    def of_mean(
        cls,
        claim: str,
        expected: float,
        values: ArrayLike | Sequence[float],
        relation: str = "=",
    ) -> "Claim":
        """The mean of independent draws, with SIGMAS of its standard errors."""
        drawn = np.asarray(values, np.float64)
        error = SIGMAS * float(drawn.std(ddof=1)) / math.sqrt(drawn.size)
        return cls(claim, expected, float(drawn.mean()), error, relation)

    @classmethod
    def of_order(cls, claim: str, differences: ArrayLike | Sequence[float]) -> "Claim":
        """That the mean of differences between paired games is above 0 by more than luck: CLEAR standard errors.

        For what no theorem gives a size. Differences that are all 0 show nothing, and the claim does not hold.
        """
        drawn = np.asarray(differences, np.float64)
        se = float(drawn.std(ddof=1)) / math.sqrt(drawn.size)
        return cls(
            f"{claim}, in errors", CLEAR, float(drawn.mean()) / se if se else 0.0, 0.0, ">="
        )

    @property
    def difference(self) -> float:
        """Measured less expected."""
        return float(self.measured - self.expected)

    @property
    def holds(self) -> bool:
        """Whether the measured value stands to the expected one as claimed, up to the error; never if not finite."""
        beyond = self.difference
        return math.isfinite(beyond) and bool(
            RELATIONS[self.relation](beyond, 0) or abs(beyond) <= self.error
        )

    def to_dict(self, name: str) -> dict[str, Any]:
        """The claim for JSON, with the name of its experiment; None for a number that is not finite."""
        told = {
            "name": name,
            **self._asdict(),
            "difference": self.difference,
            "holds": self.holds,
        }
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in told.items()
        }


class AbstractExperiment(ABC):
    """Claims about one thing, and a figure of it; `seed` starts all of its randomness.

    The first line of the docstring is the formula in words with its source; `onehalf theory` prints it. What claims and
    figure share is measured once, in a cached property: closed forms and quadrature inside `with jax.enable_x64()`.
    To add one, write a file and a line in `onehalf.experiments`; the law tests find it there.
    """

    formulas: ClassVar[tuple[int, ...]] = ()
    """The numbers in docs/explanation/derivation.md of the formulas that it runs."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @abstractmethod
    def claims(self) -> Iterable[Claim]:
        """What the theory says, and what was found."""

    @abstractmethod
    def figure(self) -> Figure:
        """The claims as a picture."""

    def film(self) -> Sequence[Figure]:
        """For those that have one: the picture as it changes, frame by frame."""
        return ()

    @property
    def has_film(self) -> bool:
        """Whether this one does."""
        return type(self).film is not AbstractExperiment.film


def table(experiment: AbstractExperiment, claims: Sequence[Claim]) -> str:
    """The claims of an experiment as a table: what the theory gives, what was measured, and whether it holds.

    >>> from onehalf.experiments import UniformShift
    >>> table(UniformShift(), [Claim("TV", 0.25, 0.25, 1e-9)]).split()[-6:]
    ['TV', '0.25', '0.25', '0', '1e-09', 'holds']
    """
    wide = max(CLAIM, *(len(claim.claim) for claim in claims))
    lines = [
        "",
        f"{spoken(type(experiment).__name__)}: {(experiment.__doc__ or '').splitlines()[0]}",
        f"  {'claim':{wide}}  {'theory':>13}  {'measured':>12}  {'difference':>12}  {'allowed':>8}",
    ]
    for claim in claims:
        bound = "" if claim.relation == "=" else f"{claim.relation} "
        lines.append(
            f"  {claim.claim:{wide}}  {f'{bound}{claim.expected:.7g}':>13}  {claim.measured + 0.0:12.7g}  "
            f"{claim.difference:12.2g}  {claim.error:8.2g}  {'holds' if claim.holds else 'DOES NOT HOLD'}"
        )
    return "\n".join(lines)
