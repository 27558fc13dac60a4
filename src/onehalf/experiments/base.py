"""Define an experiment: claims of the derivation, each with its theory and its measurement."""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.figure import Figure

from onehalf._registry import spoken

__all__ = ["SIGMAS", "AbstractExperiment", "Claim", "format_table"]

SIGMAS = 4.0
"""How many standard errors a Monte Carlo mean may lie from its expectation.

Chance exceeds this once in 16,000 times.
"""

CLEAR = 2.0
"""How many standard errors above 0 a mean difference must lie."""

CLAIM = 60
"""Width of the column of claims in a printed table."""

RELATIONS = {"=": operator.eq, "<=": operator.le, ">=": operator.ge}


class Claim(NamedTuple):
    """One line of the table.

    >>> Claim("JSD of two coins that never agree, nats", expected=math.log(2), measured=0.69315, error=1e-5).holds
    True
    """

    claim: str
    """The quantity, with its unit."""
    expected: float
    """The value or the bound that the theory gives."""
    measured: float
    error: float
    """The allowed error: that of quadrature, or SIGMAS standard errors of a simulation."""
    relation: str = "="
    """How the measured value compares with the expected one: '=', '<=' or '>='."""

    @classmethod
    def from_mean(
        cls,
        claim: str,
        expected: float,
        values: ArrayLike | Sequence[float],
        relation: str = "=",
    ) -> "Claim":
        """Claim a value of the mean of independent draws, allowing SIGMAS standard errors."""
        draws = np.asarray(values, np.float64)
        error = SIGMAS * float(draws.std(ddof=1)) / math.sqrt(draws.size)
        return cls(claim, expected, float(draws.mean()), error, relation)

    @classmethod
    def from_differences(cls, claim: str, differences: ArrayLike | Sequence[float]) -> "Claim":
        """Claim that the mean difference between paired games is CLEAR standard errors above 0.

        For effects whose size no theorem gives. If all differences are 0, the claim does not
        hold.
        """
        draws = np.asarray(differences, np.float64)
        se = float(draws.std(ddof=1)) / math.sqrt(draws.size)
        return cls(
            f"{claim}, in errors", CLEAR, float(draws.mean()) / se if se else 0.0, 0.0, ">="
        )

    @property
    def difference(self) -> float:
        """Measured minus expected."""
        return float(self.measured - self.expected)

    @property
    def holds(self) -> bool:
        """Whether the relation holds up to the allowed error; never if not finite."""
        difference = self.difference
        return math.isfinite(difference) and bool(
            RELATIONS[self.relation](difference, 0) or abs(difference) <= self.error
        )

    def to_dict(self, name: str) -> dict[str, Any]:
        """Convert to JSON with the experiment's name; numbers that are not finite are None."""
        record = {
            "name": name,
            **self._asdict(),
            "difference": self.difference,
            "holds": self.holds,
        }
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }


class AbstractExperiment(ABC):
    """Claims about one thing, and a figure of it; `seed` starts all of its randomness.

    The first line of the docstring is the formula in words with its source; `onehalf theory`
    prints it. What claims and figure share is measured once, in a cached property: closed forms
    and quadrature inside `with jax.enable_x64()`. To add one, write a file and a line in
    `onehalf.experiments`; the law tests find it there.
    """

    formulas: ClassVar[tuple[int, ...]] = ()
    """The numbers of its formulas in docs/explanation/derivation.md."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @abstractmethod
    def claims(self) -> Iterable[Claim]:
        """Yield what the theory predicts and what is measured."""

    @abstractmethod
    def figure(self) -> Figure:
        """Draw the claims."""

    def film(self) -> Sequence[Figure]:
        """Draw the frames of an animation, where the experiment has one."""
        return ()

    @property
    def has_film(self) -> bool:
        """Whether the experiment has an animation."""
        return type(self).film is not AbstractExperiment.film


def format_table(experiment: AbstractExperiment, claims: Sequence[Claim]) -> str:
    """Format an experiment's claims as a table: theory, measurement, and whether they agree.

    >>> from onehalf.experiments import UniformShift
    >>> format_table(UniformShift(), [Claim("TV", 0.25, 0.25, 1e-9)]).split()[-6:]
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
