"""Algorithm 1 of Goodfellow et al. 2014: k steps of D, then one of G, on minibatches of m.

    game  = Game(p_data, p_z)                 the rules, fixed before the first round
    state = init(game, D, G)                  the players, and what their optimisers remember
    state, info = step(key, game, state)      one round
    state = train(key, game, state, rounds)   many rounds, compiled; `watch` is called in between
    for state, info in iterate(...)           the same, with the state in between

State is fed back; Info never is. The round t draws from fold_in(key, t), so that a game that was stopped and taken up
again is the game that was never stopped.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from onehalf import callbacks
from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf._typing import Keys, Logits, PRNGKey, Samples, Scalar
from onehalf.callbacks import Callback
from onehalf.distributions.base import AbstractData, AbstractRows, Batch
from onehalf.distributions.sharded import (
    ShardedBatches,
    make_mesh,
    replicate,
    share_batches,
)
from onehalf.losses import AbstractLoss, NonSaturating, value
from onehalf.nets.base import AbstractNet
from onehalf.penalties import AbstractPenalty

__all__ = [
    "SCHEDULES",
    "Game",
    "Info",
    "State",
    "init",
    "iterate",
    "shard_batches",
    "step",
    "train",
]

SCHEDULES = ("alternating", "simultaneous")

ORDER = 2**32 - 1
"""What is folded into a game's key for the order of its rows; no round has this number."""

PASSES = 32
"""Passes of a shuffle: a row that none of them swaps is one in 2^32."""

Round = Int[Array, "..."]
"""The number of a round, from 0; one for each game in the state of many."""

Schedule = Callable[[Round], Scalar]
"""A number that depends on the round t, such as an optax schedule."""


class Game(eqx.Module):
    """The rules, fixed before the first round.

    The schedule `alternating` is Algorithm 1: k steps of D, each on fresh minibatches, then one step of G on fresh
    noise, against the new D. `simultaneous` is what the authors' code ran: both players step from the old parameters,
    on the same minibatches, once a round. An optimiser is any `optax.GradientTransformation`.
    """

    p_data: AbstractData
    p_z: AbstractData
    V: AbstractLoss = NonSaturating()
    penalties: tuple[AbstractPenalty, ...] = ()
    optimiser_D: optax.GradientTransformation = eqx.field(
        static=True, default=optax.adam(2e-4, b1=0.5)
    )
    optimiser_G: optax.GradientTransformation = eqx.field(
        static=True, default=optax.adam(2e-4, b1=0.5)
    )
    k: int = 1
    """Steps of D in a round."""
    m: int = 256
    """Examples in a minibatch."""
    schedule: str = "alternating"
    rate: Schedule | None = None
    """What both players' steps are multiplied by in round t; None is 1."""
    noise: Schedule | None = None
    """Standard deviation of the normal noise that D sees data and samples through in round t, the
    same for both (Arjovsky & Bottou 2017, section 3); conditions have none. Wide at first and gone
    later, it leads G to the modes before D can tell them from their surroundings. None is no
    noise."""
    average: float = 0.999
    """G_average forgets at this rate a round, or at (t + 1)/(t + 10) while that is less: about the last tenth of the
    rounds until 1/10 of them are 1/(1 - average)."""
    epochs: bool = False
    """Whether D sees the rows of p_data in epochs, all of them once in an order of its own and then anew, as in the
    2014 code. Otherwise rows are drawn independently, with replacement."""

    def __check_init__(self) -> None:
        if self.k < 1:
            refuse("k", expected="at least 1 step of D a round", got=self.k)
        if self.m < 1:
            refuse("m", expected="at least 1 example in a minibatch", got=self.m)
        if choose("schedule", self.schedule, SCHEDULES) == "simultaneous" and self.k != 1:
            refuse("k", expected="1 in the simultaneous schedule", got=self.k)
        if not 0 <= self.average <= 1:
            refuse("average", expected="a rate from 0 (the last G) to 1", got=self.average)
        if self.epochs and not isinstance(self.p_data, AbstractRows):
            refuse(
                "epochs",
                expected="rows of an array to go through",
                got=type(self.p_data).__name__,
            )


class State(eqx.Module):
    """The players, what their optimisers remember, and how many rounds they have played."""

    D: AbstractNet
    G: AbstractNet
    G_average: AbstractNet
    opt_D: optax.OptState
    opt_G: optax.OptState
    t: Round


class Info(eqx.Module):
    """What one round saw on its minibatches, at the last step of D; never fed back."""

    V: Scalar
    """E[log D(x)] + E[log(1 - D(G(z)))], in nats; -log 4 at D = 1/2."""
    D_x: Scalar
    """Mean D(x)."""
    D_Gz: Scalar
    """Mean D(G(z))."""
    gradient_D: Scalar
    """Norm of D's gradient, penalties included."""
    gradient_G: Scalar
    """Norm of G's gradient."""


def init(game: Game, D: AbstractNet, G: AbstractNet) -> State:
    """The state before round 0; refuses players that do not fit the data or each other."""
    for name, got, expected in (
        ("G takes", G.in_shape, game.p_z.shape),
        ("G gives", G.out_shape, game.p_data.shape),
        ("D takes", D.in_shape, game.p_data.shape),
        ("D gives", D.out_shape, ()),
    ):
        if got != expected:
            refuse(name, expected=f"shape {expected}", got=got)
    width = game.p_data.condition_size
    for name, got in (
        ("G takes", G.condition_size),
        ("D takes", D.condition_size),
        ("p_z gives", game.p_z.condition_size),
    ):
        if got != width:
            refuse(name, expected=f"conditions of {width} numbers, as p_data gives", got=got)
    opt_D = game.optimiser_D.init(eqx.filter(D, eqx.is_inexact_array))
    opt_G = game.optimiser_G.init(eqx.filter(G, eqx.is_inexact_array))
    return State(D, G, G, opt_D, opt_G, jnp.zeros((), jnp.int32))


@eqx.filter_jit
def step(key: PRNGKey, game: Game, state: State) -> tuple[State, Info]:
    """One round: k steps of D, then one of G. Give every round the same key; it folds state.t in."""
    return _round(key, game, state, state.t)


def train(
    key: Keys,
    game: Game,
    state: State,
    rounds: int,
    *,
    watch: Callback | None = None,
    every: int = 500,
) -> State:
    """Play this many rounds, `every` of them in one compiled scan.

    Between the scans `watch(numbers, step=t)` is called with the rounds played so far, and with the means of `Info`
    over the last `every` rounds by name: a function or a logger, as `GAN(callbacks=[...])` takes them
    (`onehalf.callbacks`). If it raises, training stops with its error.

    P keys play P games at once, as in `iterate`; the numbers are then "V/0", "V/1", ....
    """
    watches = callbacks.check("watch", None if watch is None else [watch])
    for state, info in iterate(key, game, state, rounds, every=every):  # noqa: B020
        means = {name: np.mean(each, axis=0) for name, each in vars(info).items()}
        numbers = callbacks.flatten({name: np.atleast_1d(each) for name, each in means.items()})
        callbacks.call(watches, numbers, int(state.t.ravel()[0]))
    return state


def iterate(
    key: Keys, game: Game, state: State, rounds: int, *, every: int = 500
) -> Iterator[tuple[State, Info]]:
    """Play as `train` does; yields the state after each scan, and the infos of its rounds along their first axis.

    A state that was yielded is donated to the next scan: copy what is to outlive it.

    P keys play P games at once, each array of the state with a first axis of P, as `eqx.filter_vmap` of `init` gives;
    infos are then of shape (rounds, P). The games are shared out among the devices (on CPU, as many as
    `jax.config.update("jax_num_cpu_devices", n)` made), or each on all of them if batches are shared out
    (`shard_batches`). They differ only by key, but how floats are rounded depends on what is compiled together, so a
    game may end elsewhere when others are trained beside it.
    """
    state = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state)
    if isinstance(game.p_data, ShardedBatches):
        key, state = replicate((key, state), game.p_data.mesh)
    elif key.ndim:
        key, game, state = _share_out(key, game, state)
    while rounds > 0:
        chunk = min(every, rounds)
        state, info = _rounds((key, game), state, chunk)
        rounds -= chunk
        yield state, info


def shard_batches(game: Game) -> Game:
    """Return the same game with its batches shared out over all devices of all processes.

    The rows are the same as on one device, and so are the players but for the order in which floats are summed. Rows of
    more than 256 MiB are shared out as well: each device holds a part, and sends what a minibatch takes of it.

    Raises:
        Refusal: A minibatch can't be cut into equal parts.
    """
    mesh = make_mesh()
    if game.m % mesh.size:
        expected = f"a multiple of the {mesh.size} devices that share a minibatch"
        refuse("m", expected=expected, got=game.m)
    p_data, p_z = (share_batches(p, mesh) for p in (game.p_data, game.p_z))
    rest = replicate((game.V, game.penalties, game.rate, game.noise), mesh)
    V, penalties, rate, noise = rest
    return dataclasses.replace(
        game, p_data=p_data, p_z=p_z, V=V, penalties=penalties, rate=rate, noise=noise
    )


def _round(key: PRNGKey, game: Game, state: State, t: Round) -> tuple[State, Info]:
    """Round t; as an argument, `t` has no axis of games, so that a round can leave a penalty out."""
    key_D, key_G = jr.split(jr.fold_in(key, t))
    *early, last = jr.split(key_D, game.k)
    D, opt_D, first = state.D, state.opt_D, game.k * t
    for number, key_step in enumerate(early):
        D, opt_D, _ = _step_D(
            key_step, game, state.G, D, opt_D, t, _rows(key, game, first + number)
        )
    opponent = D
    D, opt_D, seen = _step_D(
        last, game, state.G, D, opt_D, t, _rows(key, game, first + len(early))
    )
    key_z, key_d = seen.key_z, seen.key_d
    if game.schedule == "alternating":
        opponent = D
        key_z, key_d = jr.split(key_G)
    latent = game.p_z.batch(key_z, game.m)
    gradient_G = _gradient_G(state.G, opponent, key_d, game, seen.real, latent, t)
    G, opt_G = _descend(game.optimiser_G, gradient_G, state.opt_G, state.G, game.rate, t)
    info = Info(
        value(seen.d_x, seen.d_Gz),
        jnp.mean(jax.nn.sigmoid(seen.d_x)),
        jnp.mean(jax.nn.sigmoid(seen.d_Gz)),
        optax.tree.norm(seen.gradient),
        optax.tree.norm(gradient_G),
    )
    return State(D, G, _average(game.average, t, state.G_average, G), opt_D, opt_G, t + 1), info


class _Seen(NamedTuple):
    """What one step of D saw."""

    key_z: PRNGKey
    key_d: PRNGKey
    real: Batch
    d_x: Logits
    d_Gz: Logits
    gradient: AbstractNet


def _step_D(
    key: PRNGKey,
    game: Game,
    G: AbstractNet,
    D: AbstractNet,
    opt_D: optax.OptState,
    t: Round,
    rows: Any,
):
    """One step of D on fresh minibatches; on these rows, if they are not to be drawn."""
    key_x, key_z, key_d = jr.split(key, 3)
    p_data: Any = game.p_data
    real = p_data.batch(key_x, game.m) if rows is None else p_data.batch_at(key_x, rows)
    generated = _generate(G, game.p_z.batch(key_z, game.m))
    (_, (d_x, d_Gz)), gradient = _gradient_D(D, key_d, game, real, generated, t)
    D, opt_D = _descend(game.optimiser_D, gradient, opt_D, D, game.rate, t)
    return D, opt_D, _Seen(key_z, key_d, real, d_x, d_Gz, gradient)


def _rows(key: PRNGKey, game: Game, number: Round) -> Int[Array, " m"] | None:
    """The rows of the minibatch of this number, from 0, if rows come in epochs."""
    if not (game.epochs and isinstance(game.p_data, AbstractRows)):
        return None
    n, places = len(game.p_data), number * game.m + jnp.arange(game.m)
    orders = jax.vmap(jr.fold_in, (None, 0))(jr.fold_in(key, ORDER), places // n)
    return jax.vmap(_shuffled, (0, 0, None))(orders, places % n, n)


def _shuffled(key: PRNGKey, place: Round, n: int) -> Round:
    """Which of n rows has this place, from 0, in the order that is the key's: swap or not (Hoang et al. 2012).

    A pass pairs the rows, r with (centre - r) mod n, and a coin of each pair says whether the two change places. So an
    order takes no memory, and only those places are computed that are asked for.
    """

    def swapped(number, row):
        key_centre, key_coin = jr.split(jr.fold_in(key, number))
        other = (jr.randint(key_centre, (), 0, n) - row) % n
        return jnp.where(
            jr.bernoulli(jr.fold_in(key_coin, jnp.maximum(row, other))), other, row
        )

    return jax.lax.fori_loop(0, PASSES, swapped, place)


@eqx.filter_value_and_grad(has_aux=True)
def _gradient_D(
    D: AbstractNet, key: PRNGKey, game: Game, real: Batch, generated: Batch, t: Round
):
    key_x, key_Gz, key_penalty, key_noise = jr.split(key, 4)
    real, generated = _blur(key_noise, game.noise, t, real, generated)
    d_x, d_Gz = _apply(D, real, key_x), _apply(D, generated, key_Gz)
    loss = game.V.loss_D(d_x, d_Gz)
    for key_one, penalty in zip(
        jr.split(key_penalty, len(game.penalties)), game.penalties, strict=True
    ):
        loss += _paid(key_one, penalty, D, real, generated, t)
    return loss, (d_x, d_Gz)


@eqx.filter_grad
def _gradient_G(
    G: AbstractNet,
    D: AbstractNet,
    key: PRNGKey,
    game: Game,
    real: Batch,
    latent: Batch,
    t: Round,
):
    # d_x matters to relativistic losses alone, and the compiler drops it for the others. Keys are split as for D, so
    # that in the simultaneous schedule D(G(z)), dropout included, is the one that D has already computed.
    key_x, key_Gz, _, key_noise = jr.split(key, 4)
    real, generated = _blur(key_noise, game.noise, t, real, _generate(G, latent))
    return game.V.loss_G(_apply(D, real, key_x), _apply(D, generated, key_Gz))


def _blur(
    key: PRNGKey, noise: Schedule | None, t: Round, real: Batch, generated: Batch
) -> tuple[Batch, Batch]:
    """Data and samples as D sees them in round t, under their own conditions."""
    if noise is None:
        return real, generated
    key_x, key_Gz = jr.split(key)
    std = jnp.broadcast_to(noise(t), real.x.shape)
    x = real.x + std * jr.normal(key_x, real.x.shape)
    Gz = generated.x + std * jr.normal(key_Gz, generated.x.shape)
    return Batch(x, real.c), Batch(Gz, generated.c)


def _paid(
    key: PRNGKey,
    penalty: AbstractPenalty,
    D: AbstractNet,
    real: Batch,
    generated: Batch,
    t: Round,
) -> Scalar:
    """What D pays in round t: nothing, or `every` times the penalty."""
    if penalty.every == 1:
        return penalty.penalty(key, D, real, generated)
    due = t % penalty.every == 0
    return jax.lax.cond(
        due,
        lambda: penalty.every * penalty.penalty(key, D, real, generated),
        lambda: jnp.zeros(()),
    )


def _generate(G: AbstractNet, latent: Batch) -> Batch:
    """G(z, c) of each latent, beside its condition."""
    return Batch(_apply(G, latent), latent.c)


def _apply(net: AbstractNet, batch: Batch, key: PRNGKey | None = None) -> Samples | Logits:
    """A net on each example and its condition, with a key of its own where dropout wants one."""
    if key is None:
        return jax.vmap(net)(*batch)
    return jax.vmap(lambda x, c, key: net(x, c, key=key))(*batch, jr.split(key, len(batch.x)))


def _descend(optimiser, gradient, opt_state, net, rate: Schedule | None, t: Round):
    updates, opt_state = optimiser.update(
        gradient, opt_state, eqx.filter(net, eqx.is_inexact_array)
    )
    if rate is not None:
        updates = jax.tree.map(lambda update: rate(t) * update, updates)
    return eqx.apply_updates(net, updates), opt_state


def _average(rate: float, t: Round, average: AbstractNet, G: AbstractNet) -> AbstractNet:
    keep = jnp.minimum(rate, (t + 1) / (t + 10))
    return jax.tree.map(
        lambda a, g: keep * a + (1 - keep) * g if eqx.is_inexact_array(a) else a, average, G
    )


def _scan(fixed: tuple[Keys, Game], state: State, rounds: int) -> tuple[State, Info]:
    """This many rounds as one scan."""
    key, game = fixed
    play = eqx.filter_vmap(_round, in_axes=(0, None, 0, None)) if key.ndim else _round
    arrays, rest = eqx.partition(state, eqx.is_array)

    def one(arrays, t):
        state, info = play(key, game, eqx.combine(arrays, rest), t)
        if isinstance(game.p_data, ShardedBatches):
            state, info = game.p_data.keep_whole((state, info))
        return eqx.filter(state, eqx.is_array), info

    arrays, info = jax.lax.scan(one, arrays, state.t.ravel()[0] + jnp.arange(rounds))
    return eqx.combine(arrays, rest), info


# Products this small lose more than they gain by being cut up for several threads (docs/benchmarks.md).
_ONE_THREAD: Any = {"compiler_options": {"xla_cpu_multi_thread_eigen": False}}
_rounds = eqx.filter_jit(_scan, donate="all-except-first", **_ONE_THREAD)


def _share_out(key: Keys, game: Game, state: State) -> tuple[Keys, Game, State]:
    """Lay P games on the cores: as many devices as divide P, each with its share of the games and all of the data."""
    devices = jax.local_devices()
    count = next(n for n in range(min(len(devices), len(key)), 0, -1) if len(key) % n == 0)
    mesh = Mesh(devices[:count], ("games",))
    apart, everywhere = (
        NamedSharding(mesh, PartitionSpec("games")),
        NamedSharding(mesh, PartitionSpec()),
    )
    return (
        eqx.filter_shard(key, apart),
        eqx.filter_shard(game, everywhere),
        eqx.filter_shard(state, apart),
    )
