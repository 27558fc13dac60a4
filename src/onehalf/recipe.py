"""A recipe: every number that a fit depends on, and the game and the players that it stands for.

docs/explanation/recipe.md says how the defaults were measured, and what was tried and is not here.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._registry import catalogue, choose, names
from onehalf._typing import Keys, PRNGKey, Scalar
from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.images.properties import is_image
from onehalf.data.labels import LabelledRows
from onehalf.data.tables.preprocessor import TableLatent, TableRows, gaussian_copula
from onehalf.distributions.base import Latent
from onehalf.distributions.empirical import Empirical
from onehalf.nets.base import AbstractNet
from onehalf.nets.bounded import Bounded
from onehalf.nets.conditional import Given
from onehalf.nets.convolutional import ConvolutionalD, ConvolutionalG
from onehalf.nets.mlp import MLP
from onehalf.nets.tabular import Copula, Tabular
from onehalf.penalties import R1, R2, GradientPenalty
from onehalf.presets import mnist_2014
from onehalf.training import SCHEDULES, Game, Round, Schedule, State, init

__all__ = ["FEW_ENTRIES", "RECIPES", "Original", "Recipe", "units_for"]

FEW_ENTRIES = 16
"""Rows of no more entries have modes to find: a latent with choices, and waves before D. Rows of more, such as images,
have a shape to learn: a wider normal latent, wider players, and R1."""

ADAM = {"rate_D": 2e-3, "rate_G": 2e-3, "every": 4}
FEW = {
    "m": 256,
    "width": 128,
    "features": 32,
    "normal": 8,
    "choices": 128,
    "noise": 1.0,
    "r1": 0.0,
    "rounds": 12_000,
}
MANY = {
    "m": 128,
    "width": 256,
    "features": 0,
    "normal": 32,
    "choices": 0,
    "noise": 1.0,
    "r1": 1.0,
    "rounds": 8_000,
}
IMAGE = {
    "m": 64,
    "width": 16,
    "features": 0,
    "normal": 64,
    "choices": 0,
    "noise": 0.0,
    "r1": 1.0,
    "rounds": 8_000,
}
IMAGE |= {"rate_D": 4e-3, "rate_G": 4e-3, "every": 16}
TABLE = {
    "m": 256,
    "width": 256,
    "features": 0,
    "normal": 32,
    "choices": 0,
    "noise": 0.3,
    "r1": 0.1,
    "rounds": 6_000,
}

NETS = ("mlp", "convolutional")

LEAST_SIDE = 16
"""Images of fewer pixels a side are made by MLPs, others by convolutional players, if nothing else is asked for."""

MOST_NORMAL = 128
"""A table's latent has as many normal numbers as the table has numeric columns, if they are more than its default, up
to so many."""

CODE = {
    "loss": "NonSaturating",
    "net": "mlp",
    "m": mnist_2014.M,
    "schedule": "simultaneous",
    "width": 1200,
    "depth": 2,
}
CODE |= {"k": 1, "rate_D": 0.1, "rate_G": 0.1, "beta1": 0.5, "every": 1, "half": False}
RECIPES = {
    "mnist-2014": CODE,
    "mnist-2014-algorithm1": CODE | {"loss": "Minimax", "schedule": "alternating"},
}
"""Recipes that go by a name, and what they fix; all else that they do not have is 0."""

FREE = ("seeds", "rounds", "random_state")
"""What may be asked for beside such a name."""

FULL_RATE_ROUNDS = 12_000
"""In a longer run both rates are smaller in proportion: at the same rates it would end further from the data."""


Rows = Empirical | LabelledRows | TableRows

Generator = Callable[[PRNGKey], AbstractNet]
"""From a key to G before round 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """All of `GAN`'s numbers, none of them left open; here with the defaults that do not depend on the data."""

    loss: str = "NonSaturating"
    net: str
    k: int = 1
    m: int
    schedule: str = "alternating"
    width: int
    depth: int = 2
    features: int
    normal: int
    choices: int
    rate_D: float
    rate_G: float
    beta1: float = 0.0
    beta2: float = 0.99
    noise: float
    noise_share: float = 0.6
    r1: float
    r2: float = 0.0
    gradient_penalty: float
    every: int
    average: float = 0.999
    half: bool = False
    seeds: int = 1
    rounds: int
    random_state: int

    keeps_last: ClassVar[bool] = False
    """Whether G is kept as the last round left it, and no look ends the run."""

    @classmethod
    def solve(cls, asked: dict[str, Any], p_data: Rows) -> "Recipe":
        """Fill in what was left open, for these training rows; refuse what no game can have."""
        if asked["recipe"] is not None:
            return Original.solve(asked, p_data)
        rows, shape = len(p_data), _example(p_data)
        net = _net(asked["net"], p_data)
        defaults = (
            IMAGE
            if net == "convolutional"
            else FEW
            if math.prod(shape) <= FEW_ENTRIES
            else MANY
        )
        if isinstance(p_data, TableRows):
            defaults = TABLE | {
                "normal": max(TABLE["normal"], min(p_data.layout.scores, MOST_NORMAL))
            }
        loss = choose("loss", asked["loss"], names("losses"))
        # Wasserstein's d is to be 1-Lipschitz, and without this penalty nothing makes it so
        lipschitz = 10.0 if loss == "Wasserstein" else 0.0
        defaults = (
            ADAM
            | defaults
            | {"m": min(defaults["m"], rows), "gradient_penalty": lipschitz, "net": net}
        )
        fields = [field.name for field in dataclasses.fields(cls)]
        numbers: dict[str, Any] = {
            name: defaults[name] if asked[name] is None else asked[name] for name in fields
        }
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
            refuse(
                "m",
                expected=f"a minibatch of no more than the {rows} training rows",
                got=numbers["m"],
            )
        if not numbers["normal"] + numbers["choices"]:
            refuse("normal, choices", expected="a latent of one part or more", got="0 and 0")
        numbers["loss"], numbers["net"] = loss, net
        numbers["schedule"] = choose("schedule", numbers["schedule"], SCHEDULES)
        return cls(**numbers)

    def latent(self, p_data: Rows) -> Latent | TableLatent:
        """p_z; with conditions, if there are any, and for tables with what G's choices are made by."""
        if isinstance(p_data, Empirical):
            return self._noise
        choices = sum(p_data.layout.made) if isinstance(p_data, TableRows) else 0
        return TableLatent(self._noise, choices, p_data.conditions, p_data.shares)

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
            noise=self._blur(p_data) if self.noise else None,
            average=self.average,
        )

    def _blur(self, p_data: Rows) -> Schedule:
        """The noise that D sees through, in each entry; labels of rows are seen as they are."""
        std: Any = self.noise
        if isinstance(p_data, LabelledRows):
            classes = len(p_data.shares)
            std = jnp.concatenate(
                [jnp.full(p_data.shape[0] - classes, self.noise), jnp.zeros(classes)]
            )
        return _schedule(_fall_to_0, std, 0.005, self.noise_share * self.rounds)

    def state(self, game: Game, p_data: Rows) -> State:
        """The players before round 0; with several seeds, each array has a first axis of games."""
        generator = (
            self._of_tables(p_data)
            if isinstance(p_data, TableRows)
            else self._of_arrays(p_data)
        )

        def players(key: PRNGKey) -> State:
            key_D, key_G = jr.split(key)
            return init(game, self._discriminator(key_D, p_data), generator(key_G))

        keys = self.keys("players")
        return players(keys) if self.seeds == 1 else eqx.filter_vmap(players)(keys)

    def _discriminator(self, key: PRNGKey, p_data: Rows) -> AbstractNet:
        """D, which sees the whole example."""
        if self.net == "convolutional":
            classes = len(p_data.shares) if isinstance(p_data, LabelledRows) else 0
            return ConvolutionalD(
                key, _example(p_data), width=self.width, classes=classes, half=self.half
            )
        return MLP(
            key, p_data.shape, (), width=self.width, depth=self.depth, features=self.features
        )

    def _of_arrays(self, p_data: Empirical | LabelledRows) -> Generator:
        """G of arrays: a net, inside the bounds of whole numbers where there are many; given classes, if there are any.

        The classes have together as much say in its first layer as the noise.
        """
        rows, classes = (
            (p_data.rows, len(p_data.shares))
            if isinstance(p_data, LabelledRows)
            else (p_data, 0)
        )
        first = jnp.concatenate([self._noise.first_std, jnp.ones(classes)])
        bounds = rows.bounds if math.prod(rows.shape) > FEW_ENTRIES else None

        def generator(key: PRNGKey) -> AbstractNet:
            if self.net == "convolutional":
                G: AbstractNet = ConvolutionalG(
                    key,
                    first.shape,
                    rows.shape,
                    width=self.width,
                    first_std=first,
                    half=self.half,
                )
            else:
                G = self._mlp(key, first, rows.shape)
            G = Bounded(G, *bounds) if bounds else G
            return Given(G, classes) if classes else G

        return generator

    def _of_tables(self, p_data: TableRows) -> Generator:
        """G of tables: an MLP beside a Gaussian copula."""
        layout = p_data.layout
        entries = sum(layout.given)
        first = jnp.concatenate(
            [self._noise.first_std, jnp.full(entries, max(len(layout.given), 1) ** -0.5)]
        )
        copula = gaussian_copula(p_data, self.normal, len(first))

        def generator(key: PRNGKey) -> AbstractNet:
            G = self._mlp(key, first, (layout.scores + sum(layout.made),))
            return Tabular(Copula(G, *copula), layout, *self._noise.shape)

        return generator

    def _mlp(
        self, key: PRNGKey, first_std: Float[Array, " entries"], out_shape: tuple[int, ...]
    ) -> MLP:
        size: Any = {"width": self.width, "depth": self.depth, "first_std": first_std}
        return MLP(key, first_std.shape, out_shape, activation="relu", **size)

    @property
    def _noise(self) -> Latent:
        return Latent(normal=self.normal, choices=self.choices)

    def keys(self, use: str) -> Keys:
        """A key for this use: one of each game, (seeds,) of them, or a single one for a single game."""
        number = ("players", "play", "look", "test").index(use)
        keys = [
            jr.fold_in(jr.key(self.random_state + game), number) for game in range(self.seeds)
        ]
        return jnp.stack(keys) if self.seeds > 1 else keys[0]


class Original(Recipe):
    """The game of 2014 (`presets.mnist_2014`): width is that of G, beta1 the momentum at first, and G the last one."""

    keeps_last = True

    @classmethod
    def solve(cls, asked: dict[str, Any], p_data: Rows) -> "Original":
        """The numbers of the name that is asked for; refuses others beside it, by name, and rows that it can't play."""
        name = choose("recipe", asked["recipe"], tuple(RECIPES))
        if not isinstance(p_data, Empirical):
            got = "a table" if isinstance(p_data, TableRows) else "labels"
            refuse("recipe", expected=f"an array without labels for {name}", got=got)
        if len(p_data) < mnist_2014.M:
            refuse(
                "X",
                expected=f"a minibatch of {mnist_2014.M} training rows or more",
                got=len(p_data),
            )
        epoch = len(p_data) / mnist_2014.M
        free: dict[str, Any] = {
            "seeds": 1,
            "rounds": math.ceil(mnist_2014.EPOCHS * epoch),
            "random_state": 0,
        }
        fields = [field for field in dataclasses.fields(cls) if field.name not in FREE]
        fixed: dict[str, Any] = (
            dict.fromkeys([field.name for field in fields], 0) | RECIPES[name]
        )
        for field in fields:
            own, got = fixed[field.name], asked[field.name]
            if got not in (None, field.default, own):
                refuse(
                    field.name,
                    expected=f"{own!r}, which the recipe {name} fixes",
                    got=repr(got),
                )
        free |= {name: asked[name] for name in FREE if asked[name] is not None}
        for name in ("seeds", "rounds"):
            if free[name] < 1 or free[name] != int(free[name]):
                refuse(name, expected="a whole number of 1 or more", got=free[name])
        return cls(**(fixed | free))

    def latent(self, p_data: Rows) -> Latent:
        """Uniform noise."""
        return mnist_2014.P_Z

    def game(self, p_data: Any) -> Game:
        """The rules, on these data."""
        return mnist_2014.game(p_data, self.schedule)

    def _discriminator(self, key: PRNGKey, p_data: Rows) -> AbstractNet:
        """Maxout and dropout."""
        return mnist_2014.discriminator(key, p_data.shape)

    def _of_arrays(self, p_data: Any) -> Generator:
        """G, which begins with the pixels' means."""
        return functools.partial(mnist_2014.generator, means=p_data.x.mean(axis=0))


def units_for(recipe: str | None) -> Callable[[Any], ArrayScaler]:
    """What makes the units in which players of this recipe see arrays."""
    if recipe is None:
        return ArrayScaler.of
    choose("recipe", recipe, tuple(RECIPES))
    return mnist_2014.pixels


def _example(p_data: Rows) -> tuple[int, ...]:
    """The shape of one of the rows, without its label."""
    return p_data.rows.shape if isinstance(p_data, LabelledRows) else p_data.shape


def _net(asked: str | None, p_data: Rows) -> str:
    """The kind of both players for these rows."""
    shape = () if isinstance(p_data, TableRows) else _example(p_data)
    if asked is None:
        return NETS[is_image(shape) and min(shape[:2]) >= LEAST_SIDE]
    net = choose("net", asked, NETS)
    if net == "convolutional" and not is_image(shape):
        refuse(
            "net",
            expected="images, (h, w) or (h, w, c), for convolutional players",
            got=f"rows of shape {shape}",
        )
    return net


@functools.cache
def _adam(rate: float, beta1: float, beta2: float) -> optax.GradientTransformation:
    """Adam; the same object for the same numbers, so that a second fit need not be compiled again."""
    return optax.adam(rate, b1=beta1, b2=beta2)


def _schedule(f: Callable[..., Any], *numbers: Any) -> Schedule:
    """A schedule whose numbers are arrays, so that another length of run is not compiled anew."""
    return jax.tree_util.Partial(f, *(jnp.asarray(number, jnp.float32) for number in numbers))


def _fall(
    start: Float[Array, "*entries"], end: Scalar, rounds: Scalar, t: Round
) -> Float[Array, "*entries"]:
    """`start` at round 0, start * end at `rounds`, by the same factor every round."""
    return start * end ** (t.astype(jnp.float32) / rounds)


def _fall_to_0(
    start: Float[Array, "*entries"], end: Scalar, rounds: Scalar, t: Round
) -> Float[Array, "*entries"]:
    """`_fall`, and 0 from `rounds` on."""
    return jnp.where(t.astype(jnp.float32) < rounds, _fall(start, end, rounds, t), 0.0)
