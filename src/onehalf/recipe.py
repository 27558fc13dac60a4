"""A recipe: every number that a fit depends on, and the game and the players that it stands for.

docs/explanation/recipe.md says how the defaults were measured, and what was tried and is not here.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, Float

from onehalf._arrays import Keys, PRNGKey, Scalar
from onehalf._base import catalogue, choose, names, refuse
from onehalf.data.arrays import Empirical
from onehalf.data.base import Latent
from onehalf.data.tables import TableLatent, TableRows, gaussian_copula
from onehalf.nets.base import AbstractNet
from onehalf.nets.bounded import Bounded
from onehalf.nets.mlp import MLP
from onehalf.nets.tabular import Copula, Tabular
from onehalf.penalties import R1, R2, GradientPenalty
from onehalf.training import SCHEDULES, Game, Round, Schedule, State, init

__all__ = ["FEW_ENTRIES", "Recipe"]

FEW_ENTRIES = 16
"""Rows of no more entries have modes to find: a latent with choices, and waves before D. Rows of more, such as images,
have a shape to learn: a wider normal latent, wider players, and R1."""

FEW = {"m": 256, "width": 128, "features": 32, "normal": 8, "choices": 128, "noise": 1.0, "r1": 0.0, "rounds": 12_000}
MANY = {"m": 128, "width": 256, "features": 0, "normal": 32, "choices": 0, "noise": 1.0, "r1": 1.0, "rounds": 8_000}
TABLE = {"m": 256, "width": 256, "features": 0, "normal": 32, "choices": 0, "noise": 0.3, "r1": 0.1, "rounds": 6_000}

MOST_NORMAL = 128
"""A table's latent has as many normal numbers as the table has numeric columns, if they are more than its default, up
to so many."""

FULL_RATE_ROUNDS = 12_000
"""In a longer run both rates are smaller in proportion: at the same rates it would end further from the data."""


Generator = Callable[[PRNGKey], AbstractNet]
"""From a key to G before round 0."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All of `GAN`'s numbers, none of them left open."""

    loss: str
    k: int
    m: int
    schedule: str
    width: int
    depth: int
    features: int
    normal: int
    choices: int
    rate_D: float
    rate_G: float
    beta1: float
    beta2: float
    noise: float
    noise_share: float
    r1: float
    r2: float
    gradient_penalty: float
    every: int
    average: float
    seeds: int
    rounds: int
    random_state: int

    @classmethod
    def solve(cls, asked: dict[str, Any], p_data: Empirical | TableRows) -> "Recipe":
        """Fill in what was left open, for these training rows; refuse what no game can have."""
        rows = len(p_data)
        defaults = FEW if math.prod(p_data.shape) <= FEW_ENTRIES else MANY
        if isinstance(p_data, TableRows):
            defaults = TABLE | {"normal": max(TABLE["normal"], min(p_data.layout.scores, MOST_NORMAL))}
        loss = choose("loss", asked["loss"], names("losses"))
        # Wasserstein's d is to be 1-Lipschitz, and without this penalty nothing makes it so
        lipschitz = 10.0 if loss == "Wasserstein" else 0.0
        defaults = defaults | {"m": min(defaults["m"], rows), "gradient_penalty": lipschitz}
        fields = [field.name for field in dataclasses.fields(cls)]
        numbers: dict[str, Any] = {name: defaults[name] if asked[name] is None else asked[name] for name in fields}
        for name in ("seeds", "rounds", "k", "m", "width", "depth", "every"):
            if numbers[name] < 1 or numbers[name] != int(numbers[name]):
                refuse(name, expected="a whole number of 1 or more", got=numbers[name])
        for name in (
            "features",
            "normal",
            "choices",
            "noise",
            "noise_share",
            "r1",
            "r2",
            "gradient_penalty",
            "rate_D",
            "rate_G",
        ):
            if not numbers[name] >= 0:
                refuse(name, expected="0 or more", got=numbers[name])
        if numbers["m"] > rows:
            refuse("m", expected=f"a minibatch of no more than the {rows} training rows", got=numbers["m"])
        if not numbers["normal"] + numbers["choices"]:
            refuse("normal, choices", expected="a latent of one part or more", got="0 and 0")
        numbers["loss"] = loss
        numbers["schedule"] = choose("schedule", numbers["schedule"], SCHEDULES)
        return cls(**numbers)

    def latent(self, p_data: Empirical | TableRows) -> Latent | TableLatent:
        """p_z; for tables with what G's choices are made by, and their conditions."""
        if not isinstance(p_data, TableRows):
            return self._noise
        return TableLatent(self._noise, sum(p_data.layout.made), p_data.conditions, p_data.shares)

    def game(self, p_data: Any) -> Game:
        """The rules, on these data."""
        penalties = ((R1, self.r1), (R2, self.r2), (GradientPenalty, self.gradient_penalty))
        return Game(
            p_data=p_data,
            p_z=self.latent(p_data),
            V=catalogue("losses")[self.loss](),
            penalties=tuple(kind(gamma, self.every) for kind, gamma in penalties if gamma),
            optimiser_D=_adam(self.rate_D, self.beta1, self.beta2),
            optimiser_G=_adam(self.rate_G, self.beta1, self.beta2),
            k=self.k,
            m=self.m,
            schedule=self.schedule,
            rate=_schedule(_fall, min(1.0, FULL_RATE_ROUNDS / self.rounds), 0.01, self.rounds),
            noise=_schedule(_fall_to_0, self.noise, 0.005, self.noise_share * self.rounds) if self.noise else None,
            average=self.average,
        )

    def state(self, game: Game, p_data: Empirical | TableRows) -> State:
        """The players before round 0; with several seeds, each array has a first axis of games."""
        generator = self._of_tables(p_data) if isinstance(p_data, TableRows) else self._of_arrays(p_data)

        def players(key: PRNGKey) -> State:
            key_D, key_G = jr.split(key)
            D = MLP(key_D, p_data.shape, (), width=self.width, depth=self.depth, features=self.features)
            return init(game, D, generator(key_G))

        keys = self.keys("players")
        return players(keys) if self.seeds == 1 else eqx.filter_vmap(players)(keys)

    def _of_arrays(self, p_data: Empirical) -> Generator:
        """G of arrays: an MLP, inside the bounds of whole numbers where there are many."""
        bounds = p_data.bounds if math.prod(p_data.shape) > FEW_ENTRIES else None

        def generator(key: PRNGKey) -> AbstractNet:
            G = self._net(key, self._noise.first_std, p_data.shape)
            return Bounded(G, *bounds) if bounds else G

        return generator

    def _of_tables(self, p_data: TableRows) -> Generator:
        """G of tables: an MLP beside a Gaussian copula."""
        layout = p_data.layout
        entries = sum(layout.given)
        first = jnp.concatenate([self._noise.first_std, jnp.full(entries, max(len(layout.given), 1) ** -0.5)])
        copula = gaussian_copula(p_data, self.normal, len(first))

        def generator(key: PRNGKey) -> AbstractNet:
            G = self._net(key, first, (layout.scores + sum(layout.made),))
            return Tabular(Copula(G, *copula), layout, *self._noise.shape)

        return generator

    def _net(self, key: PRNGKey, first_std: Float[Array, " entries"], out_shape: tuple[int, ...]) -> MLP:
        size: Any = {"width": self.width, "depth": self.depth, "first_std": first_std}
        return MLP(key, first_std.shape, out_shape, activation="relu", **size)

    @property
    def _noise(self) -> Latent:
        return Latent(normal=self.normal, choices=self.choices)

    def keys(self, use: str) -> Keys:
        """A key for this use: one of each game, (seeds,) of them, or a single one for a single game."""
        number = ("players", "play", "look", "test").index(use)
        keys = [jr.fold_in(jr.key(self.random_state + game), number) for game in range(self.seeds)]
        return jnp.stack(keys) if self.seeds > 1 else keys[0]


@functools.cache
def _adam(rate: float, beta1: float, beta2: float) -> optax.GradientTransformation:
    """Adam; the same object for the same numbers, so that a second fit need not be compiled again."""
    return optax.adam(rate, b1=beta1, b2=beta2)


def _schedule(f: Callable[..., Scalar], *numbers: float) -> Schedule:
    """A schedule whose numbers are arrays, so that another length of run is not compiled anew."""
    return jax.tree_util.Partial(f, *(jnp.asarray(number, jnp.float32) for number in numbers))


def _fall(start: Scalar, end: Scalar, rounds: Scalar, t: Round) -> Scalar:
    """`start` at round 0, start * end at `rounds`, by the same factor every round."""
    return start * end ** (t.astype(jnp.float32) / rounds)


def _fall_to_0(start: Scalar, end: Scalar, rounds: Scalar, t: Round) -> Scalar:
    """`_fall`, and 0 from `rounds` on."""
    return jnp.where(t.astype(jnp.float32) < rounds, _fall(start, end, rounds, t), 0.0)
