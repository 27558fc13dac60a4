"""The estimator: a recipe made to work on the user's rows, stopped and chosen by rows that neither player has seen."""

import functools
import hashlib
import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from onehalf._arrays import Keys, PRNGKey, Scalar
from onehalf._base import catalogue, choose, names, refuse
from onehalf.data.arrays import Empirical, Rows, Units, check
from onehalf.data.base import Latent, Pushforward
from onehalf.measuring.critics import HeldOut, held_out
from onehalf.nets.base import AbstractNet
from onehalf.nets.mlp import MLP
from onehalf.penalties import R1, R2
from onehalf.training import Game, Info, State, init, train, use_cores

__all__ = ["GAN", "Roles", "split"]

CHUNK = 100
"""Rounds in one compiled scan: how often the progress line moves."""

LOOKS, PATIENCE = 20, 5
"""The held-out critic looks 20 times in a run; once D sees without noise, 5 looks without a new best end the run."""

LOOK_SHARE = 0.85
"""The share of a run's minutes that is left for its rounds when the looks are paid."""

BATCH = 65_536
"""Samples made at a time."""

LEAST_ROWS = 9
"""Three rows for each of the three roles."""


class Roles(NamedTuple):
    """The user's rows in their three roles; equal rows have equal roles."""

    train: Rows
    """Seen by D; G sees them through D."""
    validation: Rows
    """Seen by held-out critics while the game goes on: they choose when to stop and which G to keep."""
    test: Rows
    """Looked at once, at the end."""


def split(rows: Rows, share: float = 0.15) -> Roles:
    """Set a share of the distinct rows aside for validation and as many for test, by the hash of each row.

    The roles depend on the rows alone, on neither their order nor a seed, and three rows at least have each role.

    >>> [len(role) for role in split(np.arange(200.0).reshape(100, 2))]
    [70, 15, 15]
    """
    hashes = np.array([hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows], dtype="S8")
    distinct, place = np.unique(hashes, return_inverse=True)
    if len(distinct) < LEAST_ROWS:
        refuse("rows", expected=f"at least {LEAST_ROWS} distinct rows", got=f"{len(distinct)} (n_samples={len(rows)})")
    aside = max(3, round(share * len(distinct)))
    return Roles(rows[place >= 2 * aside], rows[(place >= aside) & (place < 2 * aside)], rows[place < aside])


class GAN(BaseEstimator):
    """A generator of rows like yours, trained by Algorithm 1 and judged on rows that neither player has seen.

    scikit-learn's conventions hold: the constructor only stores, `fit(X)` learns, what was learned ends in `_`.
    70 % of the distinct rows train the players; 15 % validate: a fresh critic judges the averaged G on them 20 times in
    a run, which decides which G is kept, of which seed, and when to stop; 15 % test, looked at once, at the end.

    Parameters are the recipe; docs/explanation/recipe.md says where each default comes from.

    loss : a name from `onehalf.losses`.
    k, m : steps of D in a round; examples in a minibatch (None: 256, or all the training rows if they are fewer).
    schedule : 'alternating' (Algorithm 1) or 'simultaneous' (the 2014 code).
    width, depth : of both players' hidden layers.
    features : waves that D's input gains (`onehalf.nets.mlp.waves`).
    normal, choices : the latent: that many N(0, 1), and one of that many choices, one-hot.
    rate_D, rate_G, beta1, beta2 : Adam's; both rates fall to 0 over the run, along a cosine.
    noise, noise_share : standard deviation of the noise that D sees through at first, in units of the data's own, and
        the share of the run after which it is gone.
    r1, r2 : weights gamma of the two gradient penalties.
    average : G_average forgets at this rate a round.
    seeds : games played at once, that differ by seed; the best by validation is kept.
    rounds : the length of the run.
    minutes : if given, the run is as many rounds as fit into so many minutes here, instead.
    random_state : an int makes the fit reproducible. Games use it, it + 1, ...
    warm_start : `fit` goes on where the last `fit` was interrupted.

    >>> X = np.random.default_rng(0).normal(5, 2, size=(500, 3)).astype("float32")
    >>> gan = GAN(rounds=200, width=16, random_state=0).fit(X)
    >>> gan.sample(4).shape, gan.sample(4).dtype
    ((4, 3), dtype('float32'))
    """

    def __init__(
        self,
        *,
        loss: str = "NonSaturating",
        k: int = 1,
        m: int | None = None,
        schedule: str = "alternating",
        width: int = 128,
        depth: int = 2,
        features: int = 32,
        normal: int = 2,
        choices: int = 128,
        rate_D: float = 1e-3,
        rate_G: float = 1e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
        noise: float = 0.5,
        noise_share: float = 0.6,
        r1: float = 0.0,
        r2: float = 0.0,
        average: float = 0.999,
        seeds: int = 1,
        rounds: int = 20_000,
        minutes: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
    ) -> None:
        self.loss = loss
        self.k = k
        self.m = m
        self.schedule = schedule
        self.width = width
        self.depth = depth
        self.features = features
        self.normal = normal
        self.choices = choices
        self.rate_D = rate_D
        self.rate_G = rate_G
        self.beta1 = beta1
        self.beta2 = beta2
        self.noise = noise
        self.noise_share = noise_share
        self.r1 = r1
        self.r2 = r2
        self.average = average
        self.seeds = seeds
        self.rounds = rounds
        self.minutes = minutes
        self.random_state = random_state
        self.warm_start = warm_start

    def fit(self, X: Any, y: None = None) -> "GAN":
        """Train on rows X, one along the first axis, of any shape and any numeric dtype; y is ignored.

        X must be finite and have 9 distinct rows or more, or a `ValueError` says in one sentence what is wrong.
        """
        for _ in self.play(X):
            pass
        return self

    def play(self, X: Any) -> Iterator[dict[str, Any]]:
        """Fit, and yield a row of `history_` every 100 rounds, with the fitted attributes up to date in between.

        A caller that stops early may `fit` again with warm_start, and gets the run that was never stopped.
        """
        self._check()
        use_cores(self.seeds)
        rows = check("X", validate_data(self, X, dtype="numeric", ensure_all_finite=False, allow_nd=True))
        roles = split(rows)
        self._begin(rows, roles)
        if self._over() and hasattr(self, "certificate_"):
            return
        self.stopped_because_ = "interrupted"
        while not self._over():
            yield self._chunk(roles)
        self.stopped_because_ = self._over()
        self.certificate_ = self._judge(roles)

    def sample(self, n: int = 1, random_state: int | np.random.RandomState | None = None) -> Rows:
        """Draw n rows from p_g, in the units, shape and dtype of the data.

        `random_state` None means the estimator's own: with an int there, each call gives the same rows.
        """
        check_is_fitted(self, "best_")
        if n < 1:
            refuse("n", expected="at least 1 row", got=n)
        seed = self.random_state if random_state is None else random_state
        return self._draw(self.p_g_, jr.key(_seed(seed)), n)

    @property
    def p_g_(self) -> Pushforward:
        """The distribution of samples, in plain units: the averaged G, of the game and the round that validation chose."""
        return Pushforward(self.best_[self.chosen_], self.game_.p_z)

    @property
    def chosen_(self) -> int:
        """Which of the games played at once is the one to sample from: the least held-out value."""
        return min(range(self.seeds), key=self._best_look)

    @property
    def rounds_played_(self) -> int:
        """How many rounds have been played."""
        return int(self.state_.t.ravel()[0])

    def describe(self) -> dict[str, Any]:
        """The recipe, every value that `random_state` None and `m` None stand for filled in; ready for JSON."""
        check_is_fitted(self, "seed_")
        filled = {"m": self.game_.m, "rounds": self.rounds_, "random_state": self.seed_}
        unsaid = {"minutes", "warm_start"}
        return {name: filled.get(name, value) for name, value in self.get_params().items() if name not in unsaid}

    def prepare(self, p_data: Empirical, units: Units, data_hash: str) -> None:
        """Set the fitted attributes as they are before round 0 on such data. `fit` calls it, and whoever restores a run."""
        self.data_hash_, self.units_, self.seed_ = data_hash, units, _seed(self.random_state)
        self.history_: list[dict[str, Any]] = []
        self.rounds_ = self.rounds
        self.game_ = self._game(p_data)
        self.state_ = self._players()
        self.best_ = self._averages()

    def _begin(self, rows: Rows, roles: Roles) -> None:
        """The game and its players, unless the last fit's are to play on."""
        start = time.perf_counter()
        data_hash = hashlib.sha256(rows.tobytes()).hexdigest()
        units = Units.of(roles.train)
        p_data = Empirical(jnp.asarray(units.plain(roles.train)), units.step)
        if self.warm_start and hasattr(self, "state_"):
            if data_hash != self.data_hash_:
                refuse("X", expected="the rows that the interrupted fit had", got="other rows")
            self.game_ = self._game(p_data)
            return
        self.prepare(p_data, units, data_hash)
        if self.minutes is not None:
            left = LOOK_SHARE * (60 * self.minutes - (time.perf_counter() - start))
            self.rounds_ = max(1, int(left * self.rounds_per_second() / CHUNK)) * CHUNK
            self.game_ = self._game(p_data)

    def _check(self) -> None:
        """Refuse numbers that no game can have, before anything expensive begins."""
        for name in ("seeds", "rounds", "k", "m", "width", "depth"):
            got = getattr(self, name)
            if got is not None and (got < 1 or got != int(got)):
                refuse(name, expected="a whole number of 1 or more", got=got)
        for name in ("features", "normal", "choices", "noise", "noise_share", "r1", "r2"):
            if not getattr(self, name) >= 0:
                refuse(name, expected="0 or more", got=getattr(self, name))
        if not self.normal + self.choices:
            refuse("normal, choices", expected="a latent of one part or more", got="0 and 0")
        if self.minutes is not None and not self.minutes > 0:
            refuse("minutes", expected="a number above 0", got=self.minutes)

    def _game(self, p_data: Empirical) -> Game:
        """The rules that the recipe stands for, on these training rows."""
        n = len(p_data.x)
        if self.m is not None and self.m > n:
            refuse("m", expected=f"a minibatch of no more than the {n} training rows", got=self.m)
        penalties = tuple(kind(gamma) for kind, gamma in ((R1, self.r1), (R2, self.r2)) if gamma)
        return Game(
            p_data=p_data,
            p_z=Latent(normal=self.normal, choices=self.choices),
            V=catalogue("losses")[choose("loss", self.loss, names("losses"))](),
            penalties=penalties,
            optimiser_D=_adam(self.rate_D, self.beta1, self.beta2),
            optimiser_G=_adam(self.rate_G, self.beta1, self.beta2),
            k=self.k,
            m=self.m or min(256, n),
            schedule=self.schedule,
            rate=jax.tree_util.Partial(_cosine, jnp.asarray(float(self.rounds_))),
            noise=jax.tree_util.Partial(_ramp, jnp.asarray(self.noise), jnp.asarray(self.noise_share * self.rounds_))
            if self.noise
            else None,
            average=self.average,
        )

    def _players(self) -> State:
        """The state before round 0; with several seeds, each of its arrays has a first axis of games."""

        def players(key: PRNGKey) -> State:
            key_D, key_G = jr.split(key)
            shape = self.game_.p_data.shape
            D = MLP(key_D, shape, (), width=self.width, depth=self.depth, features=self.features)
            p_z = self.game_.p_z
            G = MLP(
                key_G, p_z.shape, shape, width=self.width, depth=self.depth, activation="relu", first_std=p_z.first_std
            )
            return init(self.game_, D, G)

        keys = self._keys("players")
        return players(keys) if self.seeds == 1 else eqx.filter_vmap(players)(keys)

    def _keys(self, use: str) -> Keys:
        """One key of each game for this use, (seeds,) of them, or a single one for one game."""
        keys = jnp.stack(
            [jr.fold_in(jr.key(self.seed_ + game), ("players", "play", "look", "test").index(use)) for game in range(self.seeds)]
        )
        return keys if self.seeds > 1 else keys[0]

    def _averages(self) -> list[AbstractNet]:
        """The averaged G of each game."""
        if self.seeds == 1:
            return [self.state_.G_average]
        arrays, rest = eqx.partition(self.state_.G_average, eqx.is_array)
        return [eqx.combine(jax.tree.map(lambda leaf: leaf[game], arrays), rest) for game in range(self.seeds)]

    def cost(self, X: Any) -> dict[str, Any]:
        """The recipe on these rows and what a fit would cost, timed on rounds that are thrown away.

        Rows in each role, parameters of both players, rounds, seconds, megabytes of a saved run.
        """
        rows = check("X", np.asarray(X))
        roles = split(rows)
        self._check()
        use_cores(self.seeds)
        self._begin(rows, roles)
        count = {name: _size(getattr(self.state_, name)) // self.seeds for name in ("D", "G")}
        return {
            **self.describe(),
            **{f"rows_{role}": len(part) for role, part in roles._asdict().items()},
            "parameters_D": count["D"],
            "parameters_G": count["G"],
            "seconds": round(self.rounds_ / self.rounds_per_second() / LOOK_SHARE, 1),
            "megabytes": round((_size(self.state_) + self.seeds * count["G"]) * 4 / 1e6, 1),
        }

    def rounds_per_second(self) -> float:
        """How fast the prepared game is here: 100 rounds are played on a copy, to compile, and 100 more are timed."""
        for _ in range(2):
            start = time.perf_counter()
            jax.block_until_ready(train(self._keys("play"), self.game_, self.state_, CHUNK, every=CHUNK).t)
        return CHUNK / (time.perf_counter() - start)

    def _chunk(self, roles: Roles) -> dict[str, Any]:
        """Play up to CHUNK rounds, look if a look is due, and write the row of history."""
        start = time.perf_counter()
        seen: list[Info] = []
        before = self.rounds_played_
        self.state_ = train(
            self._keys("play"),
            self.game_,
            self.state_,
            min(CHUNK, self.rounds_ - before),
            watch=lambda t, state, info: seen.append(info),
            every=CHUNK,
        )
        t = self.rounds_played_
        means = {name: np.atleast_1d(np.mean(value, axis=0)).tolist() for name, value in vars(seen[0]).items()}
        row: dict[str, Any] = {"t": t, **means}
        every = -(-self.rounds_ // (LOOKS * CHUNK)) * CHUNK
        if t // every > before // every or t == self.rounds_:
            row |= self._look(roles, t)
        spent = self.history_[-1]["seconds"] if self.history_ else 0.0
        row["seconds"] = spent + time.perf_counter() - start
        self.history_.append(row)
        return row

    def _look(self, roles: Roles, t: int) -> dict[str, Any]:
        """Judge each game's averaged G on the validation rows, and keep it if it is the game's best so far."""
        averages = self._averages()
        looks = []
        for game, G in enumerate(averages):
            best = self._best_look(game)[0]
            key = jr.fold_in(jnp.atleast_1d(self._keys("look"))[game], t)
            looks.append(self._measure(key, roles.validation, Pushforward(G, self.game_.p_z)))
            if looks[-1].jsd < best:
                self.best_[game] = G
        row: dict[str, Any] = {"jsd": [look.jsd for look in looks], "se": [look.se for look in looks]}
        if not any("null" in past for past in self.history_):
            row["null"] = list(self._null(key, roles.validation, roles.train))
        return row

    def _best_look(self, game: int) -> tuple[float, int]:
        """The least held-out value of a game, and the round where it was: (inf, 0) before the first look."""
        looks = [(row["jsd"][game], row["t"]) for row in self.history_ if "jsd" in row]
        return min(looks, default=(math.inf, 0))

    def _over(self) -> str:
        """Why the run is over, or nothing while it is not."""
        t = self.rounds_played_
        if t >= self.rounds_:
            return "all rounds played"
        looks = [row["t"] for row in self.history_ if "jsd" in row]
        latest = max(self._best_look(game)[1] for game in range(self.seeds))
        since = [look for look in looks if look > max(latest, self.noise_share * self.rounds_ if self.noise else 0)]
        return f"{PATIENCE} looks without a new best" if len(since) >= PATIENCE else ""

    def _judge(self, roles: Roles) -> dict[str, Any]:
        """The chosen G on the test rows, with the same number for data against data."""
        key = jr.fold_in(jnp.atleast_1d(self._keys("test"))[self.chosen_], self.rounds_played_)
        found = self._measure(key, roles.test, self.p_g_)
        null = self._null(key, roles.test, roles.train)
        looks = getattr(self, "certificate_", {"looks": 0})["looks"] + 1 if self.warm_start else 1
        return {
            "n_real": len(roles.test),
            "n_other": len(roles.test),
            "jsd_estimate": found.jsd,
            "jsd_se": found.se,
            "null": {"jsd_estimate": null.jsd, "jsd_se": null.se},
            "looks": looks,
        }

    def _measure(self, key: PRNGKey, real: Rows, p_g: Pushforward) -> HeldOut:
        """A fresh critic between these rows and as many samples, both as the user would see them."""
        key_sample, key_critic = jr.split(key)
        samples = self._draw(p_g, key_sample, len(real))
        return held_out(key_critic, self.units_.plain(real), self.units_.plain(samples))

    def _null(self, key: PRNGKey, real: Rows, train: Rows) -> HeldOut:
        """The same, between these rows and as many training rows: what no difference looks like here."""
        key_rows, key_critic = jr.split(key)
        rows = np.asarray(jr.permutation(key_rows, len(train)))[: len(real)]
        return held_out(key_critic, self.units_.plain(real), self.units_.plain(train[rows]))

    def _draw(self, p_g: Pushforward, key: PRNGKey, n: int) -> Rows:
        """n samples in the user's units, made batch by batch."""
        sizes = [min(BATCH, n - done) for done in range(0, n, BATCH)]
        keys = jr.split(key, len(sizes))
        return np.concatenate(
            [self.units_.restore(_sample(p_g, key, size)) for key, size in zip(keys, sizes, strict=True)]
        )


_sample = eqx.filter_jit(Pushforward.sample)


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))


@functools.cache
def _adam(rate: float, beta1: float, beta2: float) -> optax.GradientTransformation:
    """Adam; the same object for the same numbers, so that a second fit need not be compiled again."""
    return optax.adam(rate, b1=beta1, b2=beta2)


def _cosine(rounds: Scalar, t: Scalar) -> Scalar:
    """1 at round 0, 0 at the last, along half a cosine."""
    return (1 + jnp.cos(jnp.pi * jnp.minimum(t / rounds, 1.0))) / 2


def _ramp(start: Scalar, rounds: Scalar, t: Scalar) -> Scalar:
    """`start` at round 0, 0 from `rounds` on, along a line."""
    return start * jnp.maximum(1 - t / rounds, 0.0)


def _seed(random_state: int | np.random.RandomState | None) -> int:
    """An int as it is; anything else draws one."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
