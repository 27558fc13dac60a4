"""What a fit needs of its players, whatever they are made of."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from onehalf.distributions.base import Pushforward

__all__ = ["Means", "Players"]

S = TypeVar("S")

Means = dict[str, list[float]]
"""What the players saw of each other on training rows, as means over some rounds: a number for each seed."""


class Players(ABC, Generic[S]):
    """G and D of every seed, on the rows that they learn from.

    A family of players says what its state is and what a round does to it; the loop in `fitting` evaluates, keeps the
    best G, and saves. States are immutable values, trees of arrays.
    """

    @abstractmethod
    def start(self) -> S:
        """The state before round 0."""

    @abstractmethod
    def play(self, state: S, rounds: int) -> tuple[S, Means]:
        """Play this many rounds; `state` stays as it was."""

    @abstractmethod
    def blank(self) -> tuple[S, Any]:
        """A state and a G to be filled from a file: trees whose leaves are shapes."""

    @abstractmethod
    def rounds(self, state: S) -> int:
        """Rounds that have been played."""

    @abstractmethod
    def generators(self, state: S) -> Sequence[Pushforward]:
        """p_g of each seed as it would be kept now."""

    @abstractmethod
    def discriminator(self, state: S, seed: int) -> Any:
        """D of one seed, from an example (and its condition) to its logit."""
