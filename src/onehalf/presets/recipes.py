"""The recipes of 2014 for `GAN(recipe=...)`: which numbers they fix, and their networks."""

import math
from collections.abc import Mapping
from typing import Any

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.distributions.empirical import Empirical
from onehalf.hyperparameters import Hyperparameters
from onehalf.nets.mlp import MLP
from onehalf.players.networks import Networks
from onehalf.presets import mnist_2014
from onehalf.recipe import Recipe
from onehalf.training import Game

__all__ = ["RECIPES", "make_game", "make_networks", "resolve"]

CODE = {
    "players": "neural",
    "loss": "NonSaturating",
    "net": "mlp",
    "m": mnist_2014.M,
    "schedule": "simultaneous",
    "width": 1200,
    "depth": 2,
    "k": 1,
    "rate_D": 0.1,
    "rate_G": 0.1,
    "beta1": 0.5,
    "every": 1,
    "half": False,
    "refine": False,
}
"""What the authors' code has: width is that of G, beta1 the momentum at first."""

RECIPES = {
    "mnist-2014": CODE,
    "mnist-2014-algorithm1": CODE | {"loss": "Minimax", "schedule": "alternating"},
}
"""What each recipe fixes; all else that it does not have is 0."""

FREE = ("recipe", "seeds", "rounds", "minutes", "evaluate", "random_state")
"""What may be asked for beside such a name."""


def resolve(asked: Mapping[str, Any], n_rows: int) -> Recipe:
    """Return the recipe of that name for `n_rows` training rows.

    Raises:
        Refusal: Something else is asked for beside it, by name, or there are fewer rows than a minibatch has.
    """
    name = asked["recipe"]
    if n_rows < mnist_2014.M:
        expected = f"a minibatch of {mnist_2014.M} training rows or more"
        refuse("X", expected=expected, got=n_rows)
    usual = Hyperparameters()
    numbers = dict.fromkeys(asked, 0) | RECIPES[name] | {field: asked[field] for field in FREE}
    for field, value in asked.items():
        if field not in FREE and value not in (None, getattr(usual, field), numbers[field]):
            expected = f"{numbers[field]!r}, which the recipe {name} fixes"
            refuse(field, expected=expected, got=repr(value))
    if numbers["rounds"] is None:
        numbers["rounds"] = math.ceil(mnist_2014.EPOCHS * n_rows / mnist_2014.M)
    return Recipe(**numbers)


def make_networks(p_data: Any) -> Networks:
    """The networks for these rows of an array: maxout and dropout; G begins with the pixels' means."""
    rows: Empirical = p_data

    def D(key: PRNGKey) -> MLP:
        return mnist_2014.discriminator(key, rows.shape)

    def G(key: PRNGKey) -> MLP:
        return mnist_2014.generator(key, rows.mean)

    return Networks(D, G)


def make_game(recipe: Recipe, p_data: Any) -> Game:
    """The rules on these rows of an array."""
    return mnist_2014.game(p_data, recipe.schedule)
