"""Players that are networks: Algorithm 1 by gradient steps, all seeds in one compiled scan."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Float

from onehalf import cluster
from onehalf._registry import catalogue
from onehalf._typing import PRNGKey, Scalar
from onehalf.distributions.base import AbstractData, Pushforward
from onehalf.distributions.sharded import ShardedRows, make_mesh, share_rows, take_local
from onehalf.nets.base import AbstractNet
from onehalf.penalties import R1, R2, GradientPenalty
from onehalf.players.base import Diverged, Means, Players
from onehalf.players.networks import Networks
from onehalf.recipe import Recipe
from onehalf.training import Game, Info, Round, Schedule, State, init, iterate, shard_batches

__all__ = ["NeuralPlayers", "make_game"]

FULL_RATE_ROUNDS = 12_000
"""In a longer run both rates are smaller in proportion: at the same rates it would end further from the data."""

LAST_RATE = 0.01
"""The share of its first value that a rate has at the end of the run."""

LAST_NOISE = 0.005
"""The share of its first value that the noise has before it is switched off."""


@dataclass(frozen=True)
class NeuralPlayers(Players[State]):
    """Networks that take gradient steps."""

    recipe: Recipe
    game: Game
    networks: Networks

    @cached_property
    def sharded_game(self) -> Game:
        """The same game with minibatches shared out over all devices of all processes."""
        return shard_batches(self.game)

    def with_recipe(self, recipe: Recipe) -> "NeuralPlayers":
        """Return players on the same rows with other rates; a preset recipe has its own."""
        game = self.game
        if recipe.recipe is None:
            game = make_game(recipe, game.p_data, game.p_z)
        return dataclasses.replace(self, recipe=recipe, game=game)

    def with_shared_rows(self, count: int) -> "NeuralPlayers":
        """Return players on the rows of process 0, with all processes: each has what it needs of them.

        Args:
            count: The training rows on process 0.
        """
        rows: Any = self.game.p_data
        is_alone = self._own_seeds is not None
        shared = cluster.run_together(
            lambda: share_rows(rows, count, make_mesh(), is_whole=is_alone)
        )
        p_data = take_local(shared.inner) if is_alone else shared
        return dataclasses.replace(self, game=dataclasses.replace(self.game, p_data=p_data))

    @property
    def devices_with_parts(self) -> int:
        """How many devices hold a part of the rows each; 0 if each has all of them."""
        p_data = self.game.p_data
        if isinstance(p_data, ShardedRows) and p_data.is_apart:
            return p_data.mesh.size
        return 0

    @property
    def _own_seeds(self) -> slice | None:
        """The seeds that this process trains on its own; None if all processes train each seed."""
        return cluster.choose_own(self.recipe.seeds) if self.recipe.seeds > 1 else None

    def start(self) -> State:
        """The networks before round 0; with several seeds, each array has a first axis of seeds."""

        def players(key: PRNGKey) -> State:
            key_D, key_G = jr.split(key)
            return init(self.game, self.networks.D(key_D), self.networks.G(key_G))

        keys = self.recipe.keys("players")
        return players(keys) if self.recipe.seeds == 1 else eqx.filter_vmap(players)(keys)

    def blank(self) -> tuple[Any, Any]:
        """A state and a G to be filled from a file: trees whose leaves are shapes."""
        return eqx.filter_eval_shape(self.start), self.networks.blank_generator()

    def play(self, state: State, rounds: int) -> tuple[State, Means]:
        """One compiled scan of Algorithm 1; of several processes, all play it together."""
        if cluster.is_joined():
            cluster.send({"rounds": rounds, "recipe": dataclasses.asdict(self.recipe)})
            state, info = self._play_together(cluster.broadcast(state), rounds)
        else:
            key = self.recipe.keys("play")
            ((state, info),) = iterate(key, self.game, state, rounds, every=rounds)
        means = {
            name: np.atleast_1d(np.mean(value, axis=0)).tolist()
            for name, value in vars(info).items()
        }
        lost = _find_lost(state)
        means["V"] = np.where(lost, np.nan, means["V"]).tolist()
        if not np.isfinite(means["V"]).any():
            seen = {
                "the gradient of D": info.gradient_D,
                "the gradient of G": info.gradient_G,
                "V": info.V,
            }
            raise Diverged(_describe_divergence(seen, self.rounds(state) - rounds), means)
        return state, means

    def _play_together(self, state: State, rounds: int) -> tuple[State, Info]:
        """Play with other processes: each its own seeds, or all of them a part of every minibatch."""
        key = self.recipe.keys("play")
        own = self._own_seeds
        if own is None:
            played = iterate(key, self.sharded_game, state, rounds, every=rounds)
            ((state, info),) = take_local(cluster.run_together(lambda: list(played)))
            return state, info
        state = jax.tree.map(lambda leaf: leaf[own] if eqx.is_array(leaf) else leaf, state)
        ((state, info),) = iterate(key[own], self.game, state, rounds, every=rounds)
        # seeds are the first axis of a state, and the second one of what was seen of each round
        by_seed = jax.tree.map(lambda seen: jnp.moveaxis(seen, 1, 0), info)
        state, by_seed = cluster.gather((state, by_seed))
        return state, jax.tree.map(lambda seen: jnp.moveaxis(seen, 0, 1), by_seed)

    def rounds(self, state: State) -> int:
        """Rounds that have been played."""
        return int(state.t.ravel()[0])

    def generators(self, state: State) -> Sequence[Pushforward]:
        """The averaged G of each seed."""
        seeds = range(self.recipe.seeds)
        nets = [_of_seed(state.G_average, seed, self.recipe.seeds) for seed in seeds]
        return [Pushforward(self.networks.finish(G), self.game.p_z) for G in nets]

    def discriminator(self, state: State, seed: int) -> AbstractNet:
        """D of one seed as its last round left it."""
        return _of_seed(state.D, seed, self.recipe.seeds)


def _find_lost(state: State) -> np.ndarray:
    """Whether any parameter of the players is no finite number; one entry for each seed if there are several."""
    nets = (state.D, state.G, state.G_average)
    seeds = state.t.shape
    lost = np.zeros(seeds, bool)
    for leaf in jax.tree.leaves(eqx.filter(nets, eqx.is_inexact_array)):
        lost |= ~np.isfinite(np.asarray(leaf)).reshape(*seeds, -1).all(axis=-1)
    return lost


def _describe_divergence(seen: Mapping[str, Any], before: int) -> str:
    """Say which number was the first not to be finite, in the game where that came last, and how large it had been.

    Args:
        seen: By name, a number of each round, (rounds,) or (rounds, seeds).
        before: Rounds before these.

    >>> _describe_divergence({"V": [-1.4, -9.0, np.nan, np.nan]}, 200)
    'V was no finite number in round 203, up to 9 before'
    """
    numbers = np.stack([np.asarray(each) for each in seen.values()])
    numbers = numbers.reshape(*numbers.shape[:2], -1)
    is_finite = np.isfinite(numbers)
    good_rounds = is_finite.all(axis=0).cumprod(axis=0).sum(axis=0)
    game = int(good_rounds.argmax())
    good = int(good_rounds[game])
    if good == numbers.shape[1]:
        return f"a parameter was no finite number after round {before + good:,}"
    which = int(is_finite[:, good, game].argmin())
    largest = np.abs(numbers[which, :good, game]).max(initial=0.0)
    size = f", up to {largest:.2g} before" if good else ""
    return f"{list(seen)[which]} was no finite number in round {before + good + 1:,}{size}"


def make_game(recipe: Recipe, p_data: AbstractData, p_z: AbstractData) -> Game:
    """The rules on these data, as the recipe has them."""
    penalties = (
        (R1, recipe.r1),
        (R2, recipe.r2),
        (GradientPenalty, recipe.gradient_penalty),
    )
    full_rate = min(1.0, FULL_RATE_ROUNDS / recipe.scheduled_rounds)
    noisy_rounds = recipe.noise_share * recipe.scheduled_rounds
    noise = _schedule(_fall_to_0, recipe.noise, LAST_NOISE, noisy_rounds)
    return Game(
        p_data=p_data,
        p_z=p_z,
        V=catalogue("losses")[recipe.loss](),
        penalties=tuple(penalty(gamma, recipe.every) for penalty, gamma in penalties if gamma),
        optimiser_D=_adam(recipe.rate_D, recipe.beta1, recipe.beta2),
        optimiser_G=_adam(recipe.rate_G, recipe.beta1, recipe.beta2),
        k=recipe.k,
        m=recipe.m,
        schedule=recipe.schedule,
        rate=_schedule(_fall, full_rate, LAST_RATE, recipe.scheduled_rounds),
        noise=noise if recipe.noise else None,
        average=recipe.average,
    )


def _of_seed(net: AbstractNet, seed: int, seeds: int) -> AbstractNet:
    """One seed's network of a state in which arrays have a first axis of seeds, if there are several."""
    if seeds == 1:
        return net
    arrays, rest = eqx.partition(net, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda leaf: leaf[seed], arrays), rest)


@functools.cache
def _adam(rate: float, beta1: float, beta2: float) -> optax.GradientTransformation:
    """Adam; the same object for the same numbers, so that a second fit need not be compiled again."""
    return optax.adam(rate, b1=beta1, b2=beta2)


def _schedule(f: Callable[..., Any], *numbers: float) -> Schedule:
    """A schedule whose numbers are arrays, so that another length of run is not compiled anew."""
    return jax.tree_util.Partial(f, *(jnp.asarray(number, jnp.float32) for number in numbers))


def _fall(start: Scalar, end: Scalar, rounds: Scalar, t: Round) -> Float[Array, "..."]:
    """`start` at round 0, start * end at `rounds`, by the same factor every round; from there on the same."""
    return start * end ** jnp.minimum(t.astype(jnp.float32) / rounds, 1.0)


def _fall_to_0(start: Scalar, end: Scalar, rounds: Scalar, t: Round) -> Float[Array, "..."]:
    """`_fall`, and 0 from `rounds` on."""
    return jnp.where(t.astype(jnp.float32) < rounds, _fall(start, end, rounds, t), 0.0)
