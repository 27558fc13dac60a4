"""The estimator: a recipe made to work on the user's rows, stopped and chosen by rows that neither player has seen."""

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
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
from threadpoolctl import threadpool_limits

from onehalf._errors import Refusal, refuse
from onehalf._typing import PRNGKey
from onehalf.data.arrays.scaler import ArrayScaler, Rows
from onehalf.data.arrays.validation import check
from onehalf.data.images.properties import is_image
from onehalf.data.labels import (
    Labelled,
    LabelledPreprocessor,
    Labels,
    flattened,
    paired,
    unlabelled,
)
from onehalf.data.splits import Splits, split
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import column_of
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.reader import as_was, is_frame, like, table_of
from onehalf.data.tables.schema import Schema
from onehalf.distributions.base import Pushforward
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, certify, estimate
from onehalf.evaluation.features.view import Entries
from onehalf.evaluation.measurement import Measurement, measure
from onehalf.evaluation.samples import fresh
from onehalf.nets.base import AbstractNet
from onehalf.nets.tabular import Tabular
from onehalf.recipe import Recipe, units_for
from onehalf.sampling import BATCH, WIDE, AnyUnits, Sampler, ways
from onehalf.training import Game, Info, State, train, use_cores

__all__ = ["GAN"]

CHUNK = 100
"""Rounds in one compiled scan: how often the progress line moves."""

LOOKS, FEW_LOOKS, PATIENCE = 20, 8, 5
"""The held-out critic looks 20 times in a run, 8 times in one on a table or with convolutional players; once D sees
without noise, 5 looks without a new best end the run."""

ALPHA = 0.05
"""The bounds of all looks hold at once with probability 1 - ALPHA; so does each bound of the certificate by itself."""

LOOK_ROWS, LOOK_FRESH, LOOK_SHARES = 16_000, 4, (0.25,)
"""At most so many validation rows in a look, samples for each, and the share of the rows that its one critic learns."""

FEW_ROWS = 2000
"""With no more validation rows than this, each is judged: the estimate that looks are compared by is cross-fitted."""

LOOK_KINDS = ("linear", "quadratic", "waves", "cells", "grain")
"""The members of that critic: all but the nets, convolutional or not, and the trees, which take most of the time."""

NUMBERS = ("jsd_estimate", "jsd_se", "jsd_lower", "log_e")
"""What a look finds out about each game."""

BLIND: dict[str, float] = dict.fromkeys(NUMBERS, 0.0)
NO_NUMBER: dict[str, float] = dict.fromkeys(NUMBERS, math.nan)
"""The look of a critic that has too few rows, and stays at D = 1/2; and at a game that has lost its numbers."""

SAMPLES_EACH = 10
"""Samples for each test row in the certificate."""

STILLS = 36
"""Samples to look at, at each look."""

CALIBRATION = 8192
"""Samples by which the columns of a table are set right."""


class GAN(BaseEstimator):
    """A generator of rows like yours, trained by Algorithm 1 and judged on rows that neither player has seen.

    scikit-learn's conventions hold: the constructor only stores, `fit(X)` learns, what was learned ends in `_`.
    70 % of the rows train the players; 15 % validate: fresh critics judge the averaged G on them 20 times in a run
    (8 on tables and with convolutional players), which decides which G is kept, of which seed, and when to stop, and
    their bounds hold at all looks at once; 15 % test, looked at once, at the end, for `certificate_`, a `Measurement`.

    Parameters are the recipe; docs/explanation/recipe.md says where each default comes from.

    recipe : 'mnist-2014', the experiment of 2014 on pixels between 0 and 1, or 'mnist-2014-algorithm1', Algorithm 1 as
        the paper prints it; `onehalf.presets.mnist_2014` has their numbers. Beside one only rounds, minutes, seeds and
        random_state may be chosen (what is left at its default is not asked for); G is the last one.
    loss : a name from `onehalf.losses`.
    net : 'mlp', or 'convolutional' for images; if not given, the latter for images of 16 pixels a side or more.
    k, m : steps of D in a round; examples in a minibatch.
    schedule : 'alternating' (Algorithm 1) or 'simultaneous' (the 2014 code).
    width, depth : of both players' hidden layers; of convolutional players, the channels of the picture of half the
        image's sides, twice as many each time it is halved, up to 8 times as many, and no depth.
    features : waves that D's input gains (`onehalf.nets.mlp.waves`).
    normal, choices : the latent: that many N(0, 1), and one of that many choices, one-hot.
    rate_D, rate_G, beta1, beta2 : Adam's; both rates, 0.002 or convolutional players' 0.004 if not given, fall to 1 %
        over the run, by the same factor every round, and start lower in proportion in a run of more than 12,000 rounds.
    noise, noise_share : standard deviation of the noise that D sees through at first, in units of the data's own (1,
        for tables 0.3, for convolutional players 0, if not given), and the share of the run after which it is gone.
    r1, r2, gradient_penalty, every : weights gamma of the three penalties, paid every so many rounds (4, or
        convolutional players' 16); the last of the three is 10 for the Wasserstein loss, else 0, if not given.
    average : G_average forgets at this rate a round.
    half : convolutions in bfloat16, for accelerators.
    seeds : games played at once, that differ by seed; the best by validation is kept.
    rounds : the length of the run.
    minutes : if given, the run is as many rounds as fit into about so many minutes here, looks included, instead; the
        certificate takes some seconds more.
    random_state : an int makes the fit reproducible. Games use it, it + 1, ...
    warm_start : `fit` goes on where the last `fit` was interrupted.
    label : for tables, the column or columns that samples can be asked for by: categories, or numbers of few values. G
        is given them and makes the rest of the row; D sees all of it (Mirza & Osindero 2014). For arrays, what y is to
        be called, which is then learned with them: `fit(X, y)`, `sample(where="class=3")` for `label="class"`.
    schema : for tables, the kinds of the columns where they are not to be found out (a `Schema`).

    None leaves a number to the data: tables, images for convolutional players, rows of 16 entries or fewer and rows of
    more get different ones (`recipe_`).

    >>> X = np.random.default_rng(0).normal(5, 2, size=(500, 3)).astype("float32")
    >>> gan = GAN(rounds=200, width=16, random_state=0).fit(X)
    >>> gan.sample(4).shape, gan.sample(4).dtype
    ((4, 3), dtype('float32'))
    """

    units_: AnyUnits
    progress_: list[Rows]
    """Of images, 36 samples of each game at each look, from the same latents."""

    def __init__(
        self,
        *,
        recipe: str | None = None,
        loss: str = "NonSaturating",
        net: str | None = None,
        k: int = 1,
        m: int | None = None,
        schedule: str = "alternating",
        width: int | None = None,
        depth: int = 2,
        features: int | None = None,
        normal: int | None = None,
        choices: int | None = None,
        rate_D: float | None = None,
        rate_G: float | None = None,
        beta1: float = 0.0,
        beta2: float = 0.99,
        noise: float | None = None,
        noise_share: float = 0.6,
        r1: float | None = None,
        r2: float = 0.0,
        gradient_penalty: float | None = None,
        every: int | None = None,
        average: float = 0.999,
        half: bool = False,
        seeds: int = 1,
        rounds: int | None = None,
        minutes: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        label: str | Sequence[str] | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.recipe = recipe
        self.loss = loss
        self.net = net
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
        self.half = half
        self.seeds = seeds
        self.rounds = rounds
        self.minutes = minutes
        self.random_state = random_state
        self.warm_start = warm_start
        self.label = label
        self.schema = schema

    def fit(self, X: Any, y: Any = None) -> "GAN":
        """Train on rows X, one along the first axis, of any shape and any numeric dtype, or on a table.

        y is the label of each row, a whole number or a word, if `label` says what it is called; else it is ignored.
        A table is a data frame of pandas, polars or pyarrow, with words, dates and missing values as they come. An
        array must be finite. With fewer than 9 rows, or on anything else that can't be learned from, a `ValueError`
        says in one sentence what is wrong. A certificate takes 20 rows in a role, and so about 130.
        """
        for _ in self.play(X, y):
            pass
        return self

    def play(self, X: Any, y: Any = None) -> Iterator[dict[str, Any]]:
        """Fit, and yield a row of `history_` every 100 rounds, with the fitted attributes up to date in between.

        A caller that stops early may `fit` again with warm_start, and gets the run that was never stopped.
        """
        roles, game = self._begin(X, y)
        if self._over() and hasattr(self, "certificate_"):
            return
        self.stopped_because_ = "interrupted"
        while not self._over():
            yield self._chunk(roles, game)
        self.stopped_because_ = self._over()
        self.certificate_ = self._judge(roles)

    def sample(
        self,
        n: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        where: str | None = None,
        given: Any = None,
        balanced: bool = False,
        ids: bool = False,
    ) -> Any:
        """Draw n rows from p_g (1 if not said), in the units, shape and dtype of the data; of a table, its own kind.

        Of a fit with y, as in `fit(X, y)`, rows and their labels are drawn: (X, y).

        `random_state` None means the estimator's own: with an int there, each call gives the same rows.

        `where` keeps rows that hold conditions such as 'sex=F,age>40' (`onehalf.data.tables.filters`). Those that fix
        labels are given to G; for all others rows are drawn until n of them hold, and `drawn_` says how many that took.
        `given` is a frame of the labels, or a list of y, with one sample for each of its rows. `balanced` gives all
        labels that occur together an equal share. Columns of ids and of free text are left out; `ids` asks for fresh
        ids.
        """
        check_is_fitted(self, "best_")
        if n is not None and n < 1:
            refuse("n", expected="at least 1 row", got=n)
        key = jr.key(_seed(self.random_state if random_state is None else random_state))
        sampler = Sampler(self.p_g_, self.units_)
        if given is not None:
            labels = sampler.given(given)
            rows = sampler.draw(key, len(labels), labels)
        else:
            rows, self.drawn_ = sampler.found(key, n or 1, where, balanced=balanced)
        if ids and self.coding_ is None:
            refuse("ids", expected="a fit of a table", got="one of an array")
        return self._handed(rows, ids=ids)

    def interpolate(
        self, n: int = 16, steps: int = 48, random_state: int | None = None
    ) -> Rows:
        """`steps` rows along each of n closed ways through p_z, in the user's units: shape (steps, n, ...).

        A way goes through four latents; normal parts turn from one to the next, which leaves their law as it is,
        and uniform ones go straight (Goodfellow et al. 2014, Figure 3). Conditions stay what they are on a way.
        """
        check_is_fitted(self, "best_")
        if min(n, steps) < 1:
            refuse("n, steps", expected="at least 1 of each", got=(n, steps))
        if self.coding_ is not None:
            refuse("interpolate", expected="a fit of an array", got="one of a table")
        key = jr.key(_seed(self.random_state if random_state is None else random_state))
        z = ways(key, self.p_z_, n, steps)
        x = jax.lax.map(self.p_g_.G, z.reshape(n * steps, -1), batch_size=n)
        rows = unlabelled(self._told(self.units_.restore(np.asarray(x))))
        return rows.reshape(steps, n, *rows.shape[1:])

    def logits(self, X: Any, y: Any = None) -> Float[np.ndarray, " n"]:
        """d(x) of rows, where D(x) = sigmoid(d(x)) is the chosen game's discriminator as its last round left it.

        Near 0 everywhere at the end of a game; it says nothing about how far p_g is, for which `certificate_` is there.
        """
        check_is_fitted(self, "state_")
        D = self.state_.D
        if self.recipe_.seeds > 1:
            D = jax.tree.map(lambda leaf: leaf[self.chosen_] if eqx.is_array(leaf) else leaf, D)
        rows = jnp.asarray(self.units_.plain(self._rows(X, y)))
        return np.asarray(
            jax.lax.map(D, rows, batch_size=BATCH * WIDE // max(WIDE, rows[0].size))
        )

    def roles(self, X: Any, y: Any = None) -> Splits:
        """Rows in the roles that `fit` gives them: train, validation, test; of a table three tables, with y pairs."""
        check_is_fitted(self, "units_")
        return Splits(*map(self._told, split(self._rows(X, y))))

    def was_fitted_on(self, X: Any, y: Any = None) -> bool:
        """Whether these are the rows that `fit` was given: most of them are no test of its samples."""
        try:
            return _digest(self._rows(X, y)) == self.data_hash_
        except Refusal:
            return False

    def _rows(self, X: Any, y: Any) -> Rows:
        """The rows as the fit has them."""
        match self.units_:
            case TablePreprocessor():
                return self.units_.coding.rows(X, "X")
            case LabelledPreprocessor():
                return self.units_.rows(paired("y", check("X", np.asarray(X)), y))
            case _:
                return check("X", np.asarray(X))

    def _handed(self, rows: Rows, *, ids: bool = False) -> Any:
        """The rows as the user gave them."""
        match self.units_:
            case TablePreprocessor():
                table = self.units_.coding.table(rows)
                return as_was(self.units_.coding.with_ids(table) if ids else table, self.kind_)
            case LabelledPreprocessor():
                return self.units_.parted(rows)
            case _:
                return rows

    def _told(self, rows: Rows) -> Any:
        """The rows as `measure` takes them: an array, a pair or a table."""
        return (
            self.units_.coding.table(rows)
            if isinstance(self.units_, TablePreprocessor)
            else self._handed(rows)
        )

    @property
    def p_g_(self) -> Pushforward:
        """The law of the samples, in plain units: the averaged G of the game and the round that validation chose."""
        return Pushforward(self.best_[self.chosen_], self.p_z_)

    @property
    def coding_(self) -> TableEncoder | None:
        """How the cells of a table are numbers; None for arrays."""
        return self.units_.coding if isinstance(self.units_, TablePreprocessor) else None

    @property
    def labels_(self) -> tuple[str, ...]:
        """What G is given: columns of a table, or what y is called."""
        return () if isinstance(self.units_, ArrayScaler) else self.units_.given

    @property
    def classes_(self) -> Labels | None:
        """The distinct labels of y, sorted as words; None for a fit without."""
        return self.units_.values if isinstance(self.units_, LabelledPreprocessor) else None

    @property
    def example_shape_(self) -> tuple[int, ...]:
        """The shape of one row as players see it, without its label."""
        return (
            self.units_.shape
            if isinstance(self.units_, LabelledPreprocessor)
            else self.best_[0].out_shape
        )

    @property
    def extremes_(self) -> Rows:
        """The least and the greatest number in the training rows of an array, in its dtype."""
        units = (
            self.units_.units if isinstance(self.units_, LabelledPreprocessor) else self.units_
        )
        if isinstance(units, TablePreprocessor):
            refuse("extremes_", expected="a fit of an array", got="one of a table")
        return np.array([units.low.min(), units.high.max()]).astype(units.dtype)

    @property
    def chosen_(self) -> int:
        """Which of the games played at once is the one to sample from: the least held-out value."""
        return min(range(self.recipe_.seeds), key=self.best_look)

    @property
    def _looks(self) -> int:
        """How often the held-out critic looks in a run."""
        return LOOKS if self.coding_ is None and self.recipe_.net == "mlp" else FEW_LOOKS

    @property
    def rounds_played_(self) -> int:
        """How many rounds have been played."""
        return int(self.state_.t.ravel()[0])

    def prepare(self, rows: Rows, units: AnyUnits, data_hash: str) -> Game:
        """Set the fitted attributes as they are before round 0 on such rows; whoever restores a run begins here."""
        asked, p_data = (
            self.get_params() | {"random_state": _seed(self.random_state)},
            units.data(rows),
        )
        self.recipe_ = Recipe.solve(asked, p_data)
        self.data_hash_, self.units_, self.p_z_ = data_hash, units, self.recipe_.latent(p_data)
        self.kind_ = None
        self.history_: list[dict[str, Any]] = []
        self.progress_ = []
        game = self.recipe_.game(p_data)
        self.state_ = self.recipe_.state(game, p_data)
        self.best_ = self._averages(self.state_)
        return game

    def cost(self, X: Any, y: Any = None) -> dict[str, Any]:
        """The recipe on these rows and what a fit would cost, timed on rounds that are thrown away.

        Rows in each role, parameters of both players, rounds, seconds, megabytes of a saved run.
        """
        roles, game = self._begin(X, y)
        chunk, look = self._speed(roles, game)
        count = {
            name: _size(getattr(self.state_, name)) // self.recipe_.seeds for name in ("D", "G")
        }
        return {
            **dataclasses.asdict(self.recipe_),
            **{f"rows_{role}": len(part) for role, part in roles._asdict().items()},
            "parameters_D": count["D"],
            "parameters_G": count["G"],
            "seconds": round(self.recipe_.rounds / CHUNK * chunk + self._looks * look, 1),
            "megabytes": round(
                (_size(self.state_) + self.recipe_.seeds * count["G"]) * 4 / 1e6, 1
            ),
        }

    def _speed(self, roles: Splits, game: Game) -> tuple[float, float]:
        """Seconds of a chunk of rounds, and of a look at all games, here; each timed once it is compiled, on a copy."""
        times = []
        for _ in range(2):
            start = time.perf_counter()
            jax.block_until_ready(
                train(self.recipe_.keys("play"), game, self.state_, CHUNK, every=CHUNK).t
            )
            played = time.perf_counter()
            self._see(jr.key(0), roles.validation, self.p_g_)
            times.append((played - start, self.recipe_.seeds * (time.perf_counter() - played)))
        return times[-1]

    def _begin(self, X: Any, y: Any = None) -> tuple[Splits, Game]:
        """Rows in their roles, the game and its players, unless the last fit's are to play on."""
        start = time.perf_counter()
        if self.minutes is not None and not self.minutes > 0:
            refuse("minutes", expected="a number above 0", got=self.minutes)
        use_cores(self.seeds)
        rows, units_of = self._read(X, y)
        roles, data_hash = split(rows), _digest(rows)
        if self.warm_start and hasattr(self, "state_"):
            if data_hash != self.data_hash_:
                refuse("X", expected="the rows that the interrupted fit had", got="other rows")
            return roles, self.recipe_.game(self.units_.data(roles.train))
        game = self.prepare(roles.train, units_of(roles.train), data_hash)
        self.kind_ = like(X) if is_frame(X) else None
        if self.minutes is not None:
            chunk, look = self._speed(roles, game)
            left = 60 * self.minutes - (time.perf_counter() - start)
            # a short run has a look after each chunk, a longer one not more than these
            most = self._looks
            chunks = max(
                1, min(most, int(left / (chunk + look))), int((left - most * look) / chunk)
            )
            self.recipe_ = dataclasses.replace(self.recipe_, rounds=chunks * CHUNK)
            game = self.recipe_.game(game.p_data)
        return roles, game

    def _read(self, X: Any, y: Any) -> tuple[Rows, Callable[[Rows], AnyUnits]]:
        """The rows as numbers, checked (of a table its cells; with y flat), and what makes units of some of them."""
        if is_frame(X):
            table = table_of(X)
            coding = TableEncoder.of(table, schema=self.schema)
            self.feature_names_in_, self.n_features_in_ = (
                np.array(table.column_names, object),
                len(table.column_names),
            )
            labels = self.labels(coding)
            return coding.rows(table), lambda train: TablePreprocessor.of(train, coding, labels)
        if self.schema:
            refuse("schema", expected="a table", got="an array")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, allow_nd=True)
        x = check("X", np.asarray(X))
        if not self.label:
            return x, units_for(self.recipe)
        if not isinstance(self.label, str):
            refuse("label", expected="one name for y", got=self.label)
        if y is None:
            refuse(
                "y",
                expected=f"the labels of the rows, which are to be called {self.label!r}",
                got="none",
            )
        name, (rows, values) = self.label, flattened(paired("y", x, y))
        return rows, lambda train: LabelledPreprocessor.of(train, x, name, values)

    def labels(self, coding: TableEncoder) -> tuple[str, ...]:
        """The columns that G is to be given, by name."""
        labels = (self.label,) if isinstance(self.label, str) else tuple(self.label or ())
        for label in labels:
            column_of("label", label, coding)
        return labels

    def _chunk(self, roles: Splits, game: Game) -> dict[str, Any]:
        """Play up to CHUNK rounds, look if a look is due, and write the row of history.

        The fitted attributes change together, at the end: an interruption finds them as they were.
        """
        start = time.perf_counter()
        seen: list[Info] = []
        before, rounds = self.rounds_played_, self.recipe_.rounds
        chunk = min(CHUNK, rounds - before)
        watch = lambda t, state, info: seen.append(info)  # noqa: E731
        state = train(
            self.recipe_.keys("play"), game, self.state_, chunk, watch=watch, every=CHUNK
        )
        t, best = before + chunk, self.best_
        means = {
            name: np.atleast_1d(np.mean(value, axis=0)).tolist()
            for name, value in vars(seen[0]).items()
        }
        row: dict[str, Any] = {"t": t, **means}
        every = -(-rounds // (self._looks * CHUNK)) * CHUNK
        if t // every > before // every or t == rounds:
            averages = self._averages(state)
            row |= self._look(roles, averages, row)
            self.progress_ = [*self.progress_, *self._stills(averages)]
            last = self.recipe_.keeps_last
            most = [
                math.inf if last else self.best_look(game)[0]
                for game in range(self.recipe_.seeds)
            ]
            better = [
                max(jsd, 0.0) <= limit
                for jsd, limit in zip(row["jsd_estimate"], most, strict=True)
            ]
            best = [
                new if is_new else old
                for new, old, is_new in zip(averages, best, better, strict=True)
            ]
        spent = self.history_[-1]["seconds"] if self.history_ else 0.0
        row["seconds"] = spent + time.perf_counter() - start
        self.state_, self.best_, self.history_ = state, best, [*self.history_, row]
        return row

    def _averages(self, state: State) -> list[AbstractNet]:
        """The averaged G of each game; of a table, with each column by itself set right."""
        arrays, rest = eqx.partition(state.G_average, eqx.is_array)
        games = [state.G_average]
        if self.recipe_.seeds > 1:
            each = range(self.recipe_.seeds)
            games = [
                eqx.combine(jax.tree.map(lambda leaf, i=game: leaf[i], arrays), rest)
                for game in each
            ]
        if not isinstance(self.units_, TablePreprocessor):
            return games
        z, shares = self.p_z_.sample(jr.key(0), CALIBRATION), self.units_.shares
        return [G.calibrated(z, shares) if isinstance(G, Tabular) else G for G in games]

    def _stills(self, averages: list[AbstractNet]) -> list[Rows]:
        """Samples of each game's averaged G to look at, if they are images: from the same latents each time."""
        if isinstance(self.units_, TablePreprocessor) or not is_image(self.example_shape_):
            return []
        games = [Sampler(Pushforward(G, self.p_z_), self.units_) for G in averages]
        return [
            unlabelled(self._told(game.draw(jr.key(self.recipe_.random_state), STILLS)))
            for game in games
        ]

    def _look(
        self, roles: Splits, averages: list[AbstractNet], row: dict[str, Any]
    ) -> dict[str, Any]:
        """Judge each game's averaged G on the validation rows; at the first look, judge data against data too."""
        keys = [jr.fold_in(key, row["t"]) for key in jnp.atleast_1d(self.recipe_.keys("look"))]
        looks = [
            self._see(key, roles.validation, Pushforward(G, self.p_z_))
            if math.isfinite(V)
            else NO_NUMBER
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
        given = None
        if isinstance(other, Pushforward):
            units = self.units_
            if self.labels_ and not isinstance(units, ArrayScaler):
                given = np.repeat(units.cells(real), LOOK_FRESH, axis=0)
            other = Sampler(other, units).draw(key_sample, LOOK_FRESH * len(real), given)
        else:
            other = other[np.asarray(jr.permutation(key_sample, len(other)))]
        each = min(LOOK_FRESH, len(other) // len(real))
        x, y = (rows.reshape(len(rows), -1).astype(np.float64) for rows in (real, other))
        pairs = x, y[: each * len(x)].reshape(len(x), each, -1)
        level = ALPHA / (self._looks * self.recipe_.seeds + 1)
        with threadpool_limits(
            1
        ):  # so small products take longer when they are cut up, and far longer on busy cores
            entries = self.coding_ or Entries(self.example_shape_, labelled=bool(self.labels_))
            asked: Any = {"kinds": LOOK_KINDS, "coding": entries}
            found = certify(
                key_bets, *pairs, level, shares=LOOK_SHARES, matched=given is not None, **asked
            )
            seen = {name: getattr(found, name) for name in NUMBERS}
            if len(x) <= FEW_ROWS:
                seen["jsd_estimate"], seen["jsd_se"] = estimate(key_estimate, *pairs, **asked)
        return seen

    def best_look(self, game: int) -> tuple[float, int]:
        """The least held-out value of a game, and the last round where it was: (inf, 0) before the first look.

        Where a recipe keeps the last G, the last look is the only one.

        A value below 0 is a critic's bad luck, and counts as 0; a game that has lost its numbers has no value.
        """
        looks = [
            (max(row["jsd_estimate"][game], 0.0), -row["t"])
            for row in self.history_
            if "jsd_estimate" in row
        ]
        finite = [look for look in looks if math.isfinite(look[0])]
        least, minus_t = min(
            finite[-1:] if self.recipe_.keeps_last else finite, default=(math.inf, 0)
        )
        return least, -minus_t

    def _over(self) -> str:
        """Why the run is over, or nothing while it is not."""
        t = self.rounds_played_
        if t >= self.recipe_.rounds:
            return "all rounds played"
        if self.history_ and not np.isfinite(self.history_[-1]["V"]).any():
            return "V is no longer a finite number (lower rates may help)"
        looks = [row["t"] for row in self.history_ if "jsd_estimate" in row]
        gone = self.recipe_.noise_share * self.recipe_.rounds if self.recipe_.noise else 0
        latest = max(self.best_look(game)[1] for game in range(self.recipe_.seeds))
        since = [look for look in looks if look > max(latest, gone)]
        stops = len(since) >= PATIENCE and not self.recipe_.keeps_last
        return f"{PATIENCE} looks without a new best" if stops else ""

    def _judge(self, roles: Splits) -> Measurement | None:
        """The chosen G on the test rows, with all that goes with a measurement; None if that can't be had."""
        if len(roles.test) < LEAST_ROWS or not self._finite():
            return None
        asked: dict[str, Any] = {
            "alpha": ALPHA,
            "seed": self.recipe_.random_state,
            "train": self._told(roles.train),
        }
        if (coding := self.coding_) is not None:
            asked["schema"] = Schema(len(roles.test), coding.columns)
        if self.labels_:
            return measure(real=self._told(roles.test), sampler=self, **asked)
        samples = self._test_samples(roles)
        if coding is None and not np.isfinite(samples.astype(np.float64)).all():
            return None
        return measure(real=self._told(roles.test), other=self._told(samples), **asked)

    def _test_samples(self, roles: Splits) -> Rows:
        """The samples that are set against the test rows, where there are no labels."""
        key = jr.fold_in(
            jnp.atleast_1d(self.recipe_.keys("test"))[self.chosen_], self.rounds_played_
        )
        return Sampler(self.p_g_, self.units_).draw(key, SAMPLES_EACH * len(roles.test))

    def tested(self, X: Any, y: Any = None) -> tuple[Rows, Rows]:
        """The test rows of an array and the samples that `certificate_` set against them, in its order; no labels."""
        roles = self.roles(X, y)
        if isinstance(roles.test, Labelled):
            given = np.repeat(
                roles.test.y, fresh(len(roles.test.x), math.prod(self.example_shape_))
            )
            return roles.test.x, self.sample(
                given=given, random_state=self.recipe_.random_state
            ).x
        return roles.test, self._test_samples(roles)

    def _finite(self) -> bool:
        """Whether the chosen G has kept its numbers."""
        arrays = jax.tree.leaves(eqx.filter(self.best_[self.chosen_], eqx.is_inexact_array))
        return all(bool(jnp.isfinite(array).all()) for array in arrays)


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
