"""Algorithm 1 with trees: a step of D is to boost it on rows against samples, one of G to tilt its law by D's odds."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from onehalf._parallel import run_tasks
from onehalf.data.tables.encoding import Cells
from onehalf.distributions.base import AbstractData, BatchMap, Pushforward
from onehalf.players.base import Means, Players, PlayersSummary
from onehalf.players.trees.capacity import Capacity, CopyingTest, choose_capacity
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.discriminator import BoostedTrees, Value, value
from onehalf.players.trees.generator import TreeGenerator
from onehalf.players.trees.scales import ColumnFacts
from onehalf.recipe import Recipe

__all__ = ["TreePlayers", "TreeState"]

MOST_ROWS = 60_000
"""Training rows that D learns from and is judged on, at most."""

SAMPLES_PER_ROW = 2
"""Samples that D learns from, for each row."""

CHAIN_ROWS = 10_000
"""Rows of the chain by which the cap of the odds is chosen."""

LEAST_ROWS = 1000
"""Training rows from which one standard error above -log 4 is believed; with fewer it takes two."""

LOST = "D has lost: on rows that it had not seen, V was about -log 4"
"""Why the game ends before all rounds are played."""

Features = Float[np.ndarray, "_ _"]


@dataclass(frozen=True, eq=False)
class Seat:
    """Both players of one seed."""

    G: TreeGenerator
    D: BoostedTrees
    capacity: Capacity
    has_lost: bool = False
    """Whether D could not tell rows from samples any more."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        arrays = {f"G.{name}": each for name, each in self.G.to_arrays().items()}
        arrays |= {f"D.{name}": each for name, each in self.D.to_arrays().items()}
        arrays |= self.capacity.to_arrays()
        arrays["has_lost"] = np.array(self.has_lost)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Seat":
        """What `to_arrays` gave."""
        G, D = (
            {
                name.removeprefix(player): each
                for name, each in arrays.items()
                if name.startswith(player)
            }
            for player in ("G.", "D.")
        )
        return cls(
            TreeGenerator.from_arrays(G),
            BoostedTrees.from_arrays(D),
            Capacity.from_arrays(arrays),
            arrays["has_lost"].item(),
        )


@dataclass(frozen=True, eq=False)
class TreeState:
    """The players of each seed, and how many rounds they have played."""

    seats: tuple[Seat, ...] = ()
    t: int = 0

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        arrays = {"t": np.array(self.t)}
        for seed, seat in enumerate(self.seats):
            arrays |= {f"{seed}.{name}": each for name, each in seat.to_arrays().items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TreeState":
        """What `to_arrays` gave."""
        by_seed: dict[int, dict[str, np.ndarray]] = {}
        for name, each in arrays.items():
            seed, _, rest = name.partition(".")
            if rest:
                by_seed.setdefault(int(seed), {})[rest] = each
        seats = tuple(Seat.from_arrays(by_seed[seed]) for seed in sorted(by_seed))
        return cls(seats, arrays["t"].item())


@dataclass(frozen=True, eq=False)
class TreeDiscriminator(BatchMap):
    """D on cells: what trees see of them comes from the chain."""

    chain: Chain
    D: BoostedTrees

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of D."""
        return self.D.to_arrays()

    @property
    def out_shape(self) -> tuple[()]:
        """One number."""
        return ()

    def push(self, x: Any, c: Any) -> Float[np.ndarray, " _"]:
        """d(x) of these cells."""
        return self.D.logits(self.chain.features(np.asarray(x)))


@dataclass(frozen=True, eq=False)
class TreePlayers(Players[TreeState]):
    """A chain of forests and boosted trees, on the cells of a table."""

    recipe: Recipe
    cells: Cells
    """The training rows."""
    facts: Sequence[ColumnFacts]
    given: tuple[int, ...]
    """The columns of labels."""
    p_z: AbstractData
    copying_test: CopyingTest

    def with_recipe(self, recipe: Recipe) -> "TreePlayers":
        """Return the same players with another recipe."""
        return dataclasses.replace(self, recipe=recipe)

    def start(self) -> TreeState:
        """The chain of each seed, of a capacity that shows no copying, and a D that has learned nothing."""
        seeds = range(self.recipe.seeds)
        tasks = [partial(self._start, self.recipe.random_state + seed) for seed in seeds]
        return TreeState(tuple(run_tasks(tasks)))

    def blank(self) -> tuple[type[TreeState], type[TreeGenerator]]:
        """A state and a G to be read from a file."""
        return TreeState, TreeGenerator

    def play(self, state: TreeState, rounds: int) -> tuple[TreeState, Means]:
        """Play rounds: k steps of D come to one fit of it, which takes as many trees as it needs."""
        values: list[Value] = []
        for t in range(state.t, state.t + rounds):
            played = list(
                run_tasks(
                    [
                        partial(self._round, seat, seed, t)
                        for seed, seat in enumerate(state.seats)
                    ]
                )
            )
            state = TreeState(tuple(seat for seat, _ in played), t + 1)
            values = [found for _, found in played]
        means = {
            name: [getattr(found, name) for found in values] for name in ("V", "D_x", "D_Gz")
        }
        return state, means

    def rounds(self, state: TreeState) -> int:
        """Rounds that have been played."""
        return state.t

    def ended(self, state: TreeState) -> str:
        """Whether every D has lost."""
        return LOST if all(seat.has_lost for seat in state.seats) else ""

    def generators(self, state: TreeState) -> Sequence[Pushforward]:
        """p_g of each seed."""
        return [Pushforward(seat.G, self.p_z) for seat in state.seats]

    def discriminator(self, state: TreeState, seed: int) -> TreeDiscriminator:
        """The last D of a seed."""
        seat = state.seats[seed]
        return TreeDiscriminator(seat.G.chain, seat.D)

    def summarize(self, state: TreeState, seed: int, G: TreeGenerator) -> PlayersSummary:
        """The capacity, and how often D corrected G."""
        capacity = state.seats[seed].capacity
        rounds = len(G.tilts)
        corrected = (
            f"The G that is kept was corrected by D in {rounds} round{'s' * (rounds > 1)}: "
            f"{G.draws:.2g} rows are drawn for each row that is kept, on average."
            if rounds
            else "The G that is kept was not corrected by D."
        )
        floors = G.chain.floors
        numbers = {
            "floor": min(floors),
            "floors": list(floors),
            "price": capacity.price,
            "audits": [dataclasses.asdict(audit) for audit in capacity.audits],
            "corrections": rounds,
            "draws_per_row": G.draws,
        }
        return PlayersSummary((capacity.describe(floors), corrected), numbers)

    def _start(self, seed: int) -> Seat:
        """The players of one seed before round 0."""
        capacity = choose_capacity(self.cells, self.facts, self.given, self.copying_test, seed)
        chain = Chain.fit(
            self.cells, self.facts, given=self.given, price=capacity.price, seed=seed
        )
        return Seat(TreeGenerator(chain, self.given), BoostedTrees.blank(), capacity)

    def _round(self, seat: Seat, seed: int, t: int) -> tuple[Seat, Value]:
        """One round of one seed; G stays as it is once D has lost."""
        rng = np.random.default_rng([self.recipe.random_state + seed, t])
        chain = seat.G.chain
        real = chain.features(self.cells[rng.permutation(len(self.cells))[:MOST_ROWS]])
        judged, learned = np.split(real, [len(real) // 3])
        n = SAMPLES_PER_ROW * len(learned)
        samples = chain.features(self._draw(seat.G, n + 2 * len(judged), rng))
        D = BoostedTrees.fit(learned, samples[:n], int(rng.integers(2**31 - 1)))
        found = value(D.logits(judged), D.logits(samples[n:]))
        errors = 1.0 if len(real) >= LEAST_ROWS else 2.0
        if seat.has_lost or found.gain <= errors * found.se:
            return dataclasses.replace(seat, D=D, has_lost=True), found
        plain = chain.features(
            self._draw(dataclasses.replace(seat.G, tilts=()), CHAIN_ROWS, rng)
        )
        return dataclasses.replace(seat, G=seat.G.tilt(D, plain), D=D), found

    def _draw(self, G: TreeGenerator, n: int, rng: np.random.Generator) -> Cells:
        """Draw rows, under labels as often as the training rows have them."""
        z = rng.random((n, 3), np.float32)
        labels = self.cells[rng.integers(0, len(self.cells), n)][:, list(self.given)]
        return G.push(z, labels)
