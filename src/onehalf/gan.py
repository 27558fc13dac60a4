"""The estimator: a recipe made to work on the user's rows, stopped and chosen by rows that neither player has seen."""

import dataclasses
import hashlib
import math
import time
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from onehalf._arrays import PRNGKey
from onehalf._base import refuse
from onehalf.data.arrays import Empirical, Rows, Units, check
from onehalf.data.base import Pushforward
from onehalf.data.roles import Roles, split
from onehalf.measuring.certificate import LEAST_ROWS, certify, estimate
from onehalf.measuring.measurement import Measurement, measure
from onehalf.nets.base import AbstractNet
from onehalf.recipe import Recipe
from onehalf.training import Game, Info, State, train, use_cores

__all__ = ["GAN"]

CHUNK = 100
"""Rounds in one compiled scan: how often the progress line moves."""

LOOKS, PATIENCE = 20, 5
"""The held-out critic looks 20 times in a run; once D sees without noise, 5 looks without a new best end the run."""

ALPHA = 0.05
"""The bounds of all looks hold at once with probability 1 - ALPHA; so does each bound of the certificate by itself."""

LOOK_ROWS, LOOK_FRESH, LOOK_SHARES = 16_000, 4, (0.25,)
"""At most so many validation rows in a look, samples for each, and the share of the rows that its one critic learns."""

FEW_ROWS = 2000
"""With no more validation rows than this, each is judged: the estimate that looks are compared by is cross-fitted."""

LOOK_KINDS = ("linear", "quadratic", "waves", "cells")
"""The members of that critic: all but the nets, which take most of the time."""

NUMBERS = ("jsd_estimate", "jsd_se", "jsd_lower", "log_e")
"""What a look finds out about each game."""

BLIND: dict[str, float] = dict.fromkeys(NUMBERS, 0.0)
NO_NUMBER: dict[str, float] = dict.fromkeys(NUMBERS, math.nan)
"""The look of a critic that has too few rows, and stays at D = 1/2; and at a game that has lost its numbers."""

SAMPLES_EACH = 10
"""Samples for each test row in the certificate."""

BATCH = 65_536
"""Samples made at a time."""


class GAN(BaseEstimator):
    """A generator of rows like yours, trained by Algorithm 1 and judged on rows that neither player has seen.

    scikit-learn's conventions hold: the constructor only stores, `fit(X)` learns, what was learned ends in `_`.
    70 % of the rows train the players; 15 % validate: fresh critics judge the averaged G on them 20 times in a run,
    which decides which G is kept, of which seed, and when to stop, and their bounds hold at all looks at once; 15 %
    test, looked at once, at the end, for `certificate_`, a `Measurement`.

    Parameters are the recipe; docs/explanation/recipe.md says where each default comes from.

    loss : a name from `onehalf.losses`.
    k, m : steps of D in a round; examples in a minibatch.
    schedule : 'alternating' (Algorithm 1) or 'simultaneous' (the 2014 code).
    width, depth : of both players' hidden layers.
    features : waves that D's input gains (`onehalf.nets.mlp.waves`).
    normal, choices : the latent: that many N(0, 1), and one of that many choices, one-hot.
    rate_D, rate_G, beta1, beta2 : Adam's; both rates fall to 1 % over the run, by the same factor every round, and
        start lower in proportion in a run of more than 12,000 rounds.
    noise, noise_share : standard deviation of the noise that D sees through at first, in units of the data's own, and
        the share of the run after which it is gone.
    r1, r2, gradient_penalty, every : weights gamma of the three penalties, paid every so many rounds; the last of them
        is 10 for the Wasserstein loss and 0 for the others, if not given.
    average : G_average forgets at this rate a round.
    seeds : games played at once, that differ by seed; the best by validation is kept.
    rounds : the length of the run.
    minutes : if given, the run is as many rounds as fit into about so many minutes here, looks included, instead; the
        certificate takes some seconds more.
    random_state : an int makes the fit reproducible. Games use it, it + 1, ...
    warm_start : `fit` goes on where the last `fit` was interrupted.

    None leaves a number to the data: rows of 16 entries or fewer and rows of more get different ones (`recipe_`).

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
        width: int | None = None,
        depth: int = 2,
        features: int | None = None,
        normal: int | None = None,
        choices: int | None = None,
        rate_D: float = 2e-3,
        rate_G: float = 2e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
        noise: float = 1.0,
        noise_share: float = 0.6,
        r1: float | None = None,
        r2: float = 0.0,
        gradient_penalty: float | None = None,
        every: int = 4,
        average: float = 0.999,
        seeds: int = 1,
        rounds: int | None = None,
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
        self.gradient_penalty = gradient_penalty
        self.every = every
        self.average = average
        self.seeds = seeds
        self.rounds = rounds
        self.minutes = minutes
        self.random_state = random_state
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any = None) -> "GAN":
        """Train on rows X, one along the first axis, of any shape and any numeric dtype; y is ignored.

        X must be finite and have 9 rows or more, or a `ValueError` says in one sentence what is wrong. A certificate
        takes 20 rows in a role, and so about 130.
        """
        for _ in self.play(X):
            pass
        return self

    def play(self, X: Any) -> Iterator[dict[str, Any]]:
        """Fit, and yield a row of `history_` every 100 rounds, with the fitted attributes up to date in between.

        A caller that stops early may `fit` again with warm_start, and gets the run that was never stopped.
        """
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, allow_nd=True)
        roles, game = self._begin(np.asarray(X))
        if self._over() and hasattr(self, "certificate_"):
            return
        self.stopped_because_ = "interrupted"
        while not self._over():
            yield self._chunk(roles, game)
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

    def logits(self, X: Any) -> Float[np.ndarray, " n"]:
        """d(x) of rows, where D(x) = sigmoid(d(x)) is the chosen game's discriminator as its last round left it.

        Near 0 everywhere at the end of a game; it says nothing about how far p_g is, for which `certificate_` is there.
        """
        check_is_fitted(self, "state_")
        D = self.state_.D
        if self.recipe_.seeds > 1:
            D = jax.tree.map(lambda leaf: leaf[self.chosen_] if eqx.is_array(leaf) else leaf, D)
        rows = jnp.asarray(self.units_.plain(check("X", np.asarray(X))))
        return np.asarray(jax.lax.map(D, rows, batch_size=BATCH))

    def was_fitted_on(self, X: Any) -> bool:
        """Whether these are the rows that `fit` was given: most of them are no test of its samples."""
        return _digest(np.asarray(X)) == self.data_hash_

    @property
    def p_g_(self) -> Pushforward:
        """The law of the samples, in plain units: the averaged G of the game and the round that validation chose."""
        return Pushforward(self.best_[self.chosen_], self.recipe_.latent())

    @property
    def chosen_(self) -> int:
        """Which of the games played at once is the one to sample from: the least held-out value."""
        return min(range(self.recipe_.seeds), key=self.best_look)

    @property
    def rounds_played_(self) -> int:
        """How many rounds have been played."""
        return int(self.state_.t.ravel()[0])

    def prepare(self, p_data: Empirical, units: Units, data_hash: str) -> Game:
        """Set the fitted attributes as they are before round 0 on such data; whoever restores a run begins here."""
        asked = self.get_params() | {"random_state": _seed(self.random_state)}
        self.recipe_ = Recipe.solve(asked, len(p_data.x), math.prod(p_data.shape))
        self.data_hash_, self.units_ = data_hash, units
        self.history_: list[dict[str, Any]] = []
        game = self.recipe_.game(p_data)
        self.state_ = self.recipe_.state(game, p_data)
        self.best_ = self._averages(self.state_)
        return game

    def cost(self, X: Any) -> dict[str, Any]:
        """The recipe on these rows and what a fit would cost, timed on rounds that are thrown away.

        Rows in each role, parameters of both players, rounds, seconds, megabytes of a saved run.
        """
        roles, game = self._begin(np.asarray(X))
        chunk, look = self._speed(roles, game)
        count = {name: _size(getattr(self.state_, name)) // self.recipe_.seeds for name in ("D", "G")}
        return {
            **dataclasses.asdict(self.recipe_),
            **{f"rows_{role}": len(part) for role, part in roles._asdict().items()},
            "parameters_D": count["D"],
            "parameters_G": count["G"],
            "seconds": round(self.recipe_.rounds / CHUNK * chunk + LOOKS * look, 1),
            "megabytes": round((_size(self.state_) + self.recipe_.seeds * count["G"]) * 4 / 1e6, 1),
        }

    def _speed(self, roles: Roles, game: Game) -> tuple[float, float]:
        """Seconds of a chunk of rounds, and of a look at all games, here; each timed once it is compiled, on a copy."""
        times = []
        for _ in range(2):
            start = time.perf_counter()
            jax.block_until_ready(train(self.recipe_.keys("play"), game, self.state_, CHUNK, every=CHUNK).t)
            played = time.perf_counter()
            self._see(jr.key(0), roles.validation, self.p_g_)
            times.append((played - start, self.recipe_.seeds * (time.perf_counter() - played)))
        return times[-1]

    def _begin(self, X: np.ndarray) -> tuple[Roles, Game]:
        """Rows in their roles, the game and its players, unless the last fit's are to play on."""
        start = time.perf_counter()
        if self.minutes is not None and not self.minutes > 0:
            refuse("minutes", expected="a number above 0", got=self.minutes)
        use_cores(self.seeds)
        roles = split(check("X", X))
        data_hash = _digest(X)
        units = Units.of(roles.train)
        p_data = Empirical(jnp.asarray(units.plain(roles.train)), units.step)
        if self.warm_start and hasattr(self, "state_"):
            if data_hash != self.data_hash_:
                refuse("X", expected="the rows that the interrupted fit had", got="other rows")
            return roles, self.recipe_.game(p_data)
        game = self.prepare(p_data, units, data_hash)
        if self.minutes is not None:
            chunk, look = self._speed(roles, game)
            left = 60 * self.minutes - (time.perf_counter() - start)
            # a short run has a look after each chunk, a longer one has LOOKS of them
            chunks = max(1, min(LOOKS, int(left / (chunk + look))), int((left - LOOKS * look) / chunk))
            self.recipe_ = dataclasses.replace(self.recipe_, rounds=chunks * CHUNK)
            game = self.recipe_.game(p_data)
        return roles, game

    def _chunk(self, roles: Roles, game: Game) -> dict[str, Any]:
        """Play up to CHUNK rounds, look if a look is due, and write the row of history.

        The fitted attributes change together, at the end: an interruption finds them as they were.
        """
        start = time.perf_counter()
        seen: list[Info] = []
        before, rounds = self.rounds_played_, self.recipe_.rounds
        chunk = min(CHUNK, rounds - before)
        watch = lambda t, state, info: seen.append(info)  # noqa: E731
        state = train(self.recipe_.keys("play"), game, self.state_, chunk, watch=watch, every=CHUNK)
        t, best = before + chunk, self.best_
        means = {name: np.atleast_1d(np.mean(value, axis=0)).tolist() for name, value in vars(seen[0]).items()}
        row: dict[str, Any] = {"t": t, **means}
        every = -(-rounds // (LOOKS * CHUNK)) * CHUNK
        if t // every > before // every or t == rounds:
            averages = self._averages(state)
            row |= self._look(roles, averages, row)
            better = [max(jsd, 0.0) <= self.best_look(game)[0] for game, jsd in enumerate(row["jsd_estimate"])]
            best = [new if is_new else old for new, old, is_new in zip(averages, best, better, strict=True)]
        spent = self.history_[-1]["seconds"] if self.history_ else 0.0
        row["seconds"] = spent + time.perf_counter() - start
        self.state_, self.best_, self.history_ = state, best, [*self.history_, row]
        return row

    def _averages(self, state: State) -> list[AbstractNet]:
        """The averaged G of each game."""
        if self.recipe_.seeds == 1:
            return [state.G_average]
        arrays, rest = eqx.partition(state.G_average, eqx.is_array)
        games = range(self.recipe_.seeds)
        return [eqx.combine(jax.tree.map(lambda leaf, i=game: leaf[i], arrays), rest) for game in games]

    def _look(self, roles: Roles, averages: list[AbstractNet], row: dict[str, Any]) -> dict[str, Any]:
        """Judge each game's averaged G on the validation rows; at the first look, judge data against data too."""
        keys = [jr.fold_in(key, row["t"]) for key in jnp.atleast_1d(self.recipe_.keys("look"))]
        p_z = self.recipe_.latent()
        looks = [
            self._see(key, roles.validation, Pushforward(G, p_z)) if math.isfinite(V) else NO_NUMBER
            for key, G, V in zip(keys, averages, row["V"], strict=True)
        ]
        found: dict[str, Any] = {name: [look[name] for look in looks] for name in NUMBERS}
        if not any("null" in past for past in self.history_):
            found["null"] = self._see(jr.fold_in(keys[0], 1), roles.validation, roles.train)
        return found

    def _see(self, key: PRNGKey, real: Rows, other: Pushforward | Rows) -> dict[str, float]:
        """Bets on real rows against samples, or against other rows, as the user would see them.

        Each is at level ALPHA / (looks x games + 1): all bounds, that of data against data among them, hold at once,
        however the run is stopped.
        """
        if len(real) < LEAST_ROWS:
            return BLIND
        key_rows, key_sample, key_bets, key_estimate = jr.split(key, 4)
        real = real[np.asarray(jr.permutation(key_rows, len(real)))[:LOOK_ROWS]]
        if isinstance(other, Pushforward):
            other = self._draw(other, key_sample, LOOK_FRESH * len(real))
        else:
            other = other[np.asarray(jr.permutation(key_sample, len(other)))]
        each = min(LOOK_FRESH, len(other) // len(real))
        x, y = (self.units_.plain(rows).reshape(len(rows), -1).astype(np.float64) for rows in (real, other))
        pairs = x, y[: each * len(x)].reshape(len(x), each, -1)
        level = ALPHA / (LOOKS * self.recipe_.seeds + 1)
        found = certify(key_bets, *pairs, level, kinds=LOOK_KINDS, shares=LOOK_SHARES)
        seen = {name: getattr(found, name) for name in NUMBERS}
        if len(x) <= FEW_ROWS:
            seen["jsd_estimate"], seen["jsd_se"] = estimate(key_estimate, *pairs, kinds=LOOK_KINDS)
        return seen

    def best_look(self, game: int) -> tuple[float, int]:
        """The least held-out value of a game, and the last round where it was: (inf, 0) before the first look.

        A value below 0 is a critic's bad luck, and counts as 0; a game that has lost its numbers has no value.
        """
        looks = [(max(row["jsd_estimate"][game], 0.0), -row["t"]) for row in self.history_ if "jsd_estimate" in row]
        least, minus_t = min((look for look in looks if math.isfinite(look[0])), default=(math.inf, 0))
        return least, -minus_t

    def _over(self) -> str:
        """Why the run is over, or nothing while it is not."""
        t = self.rounds_played_
        if t >= self.recipe_.rounds:
            return "all rounds played"
        if self.history_ and not np.isfinite(self.history_[-1]["V"]).any():
            return "V is no longer a finite number (lower rate_D and rate_G)"
        looks = [row["t"] for row in self.history_ if "jsd_estimate" in row]
        gone = self.recipe_.noise_share * self.recipe_.rounds if self.recipe_.noise else 0
        latest = max(self.best_look(game)[1] for game in range(self.recipe_.seeds))
        since = [look for look in looks if look > max(latest, gone)]
        return f"{PATIENCE} looks without a new best" if len(since) >= PATIENCE else ""

    def _judge(self, roles: Roles) -> Measurement | None:
        """The chosen G on the test rows, with all that goes with a measurement; None if that can't be had."""
        key = jr.fold_in(jnp.atleast_1d(self.recipe_.keys("test"))[self.chosen_], self.rounds_played_)
        samples = self._draw(self.p_g_, key, SAMPLES_EACH * len(roles.test))
        if len(roles.test) < LEAST_ROWS or not np.isfinite(samples.astype(np.float64)).all():
            return None
        seed = self.recipe_.random_state
        return measure(real=roles.test, other=samples, train=roles.train, alpha=ALPHA, seed=seed)

    def _draw(self, p_g: Pushforward, key: PRNGKey, n: int) -> Rows:
        """N samples in the user's units, made batch by batch."""
        sizes = [min(BATCH, n - done) for done in range(0, n, BATCH)]
        keys = jr.split(key, len(sizes))
        return np.concatenate(
            [self.units_.restore(_sample(p_g, key, size)) for key, size in zip(keys, sizes, strict=True)]
        )


_sample = eqx.filter_jit(Pushforward.sample)


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))


def _digest(X: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(X).tobytes()).hexdigest()


def _seed(random_state: int | np.random.RandomState | None) -> int:
    """An int as it is; anything else draws one."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
