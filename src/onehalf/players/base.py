"""What a fit needs of its players, whatever they are made of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from onehalf.distributions.base import Pushforward
from onehalf.recipe import Recipe

__all__ = ["Diverged", "Means", "Players", "PlayersSummary", "Stored"]

S = TypeVar("S")

Means = dict[str, list[float]]
"""What the players saw of each other on training rows, as means over some rounds: a number for each seed."""


class Diverged(ArithmeticError):
    """The games of all seeds have left the finite numbers: who was the first, in which round, and how large it was."""

    def __init__(self, seen: str, means: Means) -> None:
        super().__init__(seen)
        self.means = means


@runtime_checkable
class Stored(Protocol):
    """A state or a G that is saved under names of its own, as its shapes are known only once it is fitted."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Any:
        """What `to_arrays` gave."""
        ...


@dataclass(frozen=True)
class PlayersSummary:
    """What there is to say of the players at the end of a fit."""

    sentences: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """The same for JSON."""


class Players(ABC, Generic[S]):
    """G and D of every seed, on the rows that they learn from.

    A family of players says what its state is and what a round does to it; the loop in `fitting` evaluates, keeps the
    best G, and saves. States are immutable values: trees of arrays, or `Stored`.
    """

    @abstractmethod
    def with_recipe(self, recipe: Recipe) -> "Players[S]":
        """Return the players that go on by another recipe, which differs in its rates or its number of rounds."""

    @abstractmethod
    def start(self) -> S:
        """The state before round 0."""

    @abstractmethod
    def play(self, state: S, rounds: int) -> tuple[S, Means]:
        """Play this many rounds; `state` stays as it was.

        Raises:
            Diverged: No game is finite any more.
        """

    @abstractmethod
    def blank(self) -> tuple[Any, Any]:
        """A state and a G to be filled from a file: trees whose leaves are shapes, or `Stored` values."""

    @abstractmethod
    def rounds(self, state: S) -> int:
        """Rounds that have been played."""

    def ended(self, state: S) -> str:
        """Why the players end the game before all rounds are played; '' while they do not."""
        return ""

    def summarize(self, state: S, seed: int, G: Any) -> PlayersSummary:
        """What there is to say of the players of one seed, and of the G of it that is kept."""
        return PlayersSummary()

    @abstractmethod
    def generators(self, state: S) -> Sequence[Pushforward]:
        """p_g of each seed as it would be kept now."""

    @abstractmethod
    def discriminator(self, state: S, seed: int) -> Any:
        """D of one seed, from an example (and its condition) to its logit."""
