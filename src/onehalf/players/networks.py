"""How the networks of a game are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, Float

from onehalf._typing import PRNGKey
from onehalf.nets.base import AbstractNet
from onehalf.nets.mlp import MLP
from onehalf.recipe import Recipe

__all__ = ["Networks", "make_mlps"]


@dataclass(frozen=True)
class Networks:
    """How the networks of a game are made, each from a key."""

    D: Callable[[PRNGKey], AbstractNet]
    G: Callable[[PRNGKey], AbstractNet]
    finish: Callable[[AbstractNet], AbstractNet] = lambda G: G
    """What is done to a G before it is evaluated or kept."""

    def blank_generator(self) -> Any:
        """Return a G to be filled from a file: its arrays are shapes."""
        return eqx.filter_eval_shape(lambda: self.G(jr.key(0)))


def make_mlps(
    recipe: Recipe,
    shape: tuple[int, ...],
    first_std: Float[Array, " entries"],
    condition_size: int,
) -> Networks:
    """MLPs for examples of this shape, by the width, depth and features of a recipe.

    Args:
        recipe: The hyper-parameters.
        shape: The shape of an example.
        first_std: Standard deviations of G's first weights.
        condition_size: Entries of c.
    """

    def D(key: PRNGKey) -> AbstractNet:
        return MLP(
            key,
            shape,
            (),
            width=recipe.width,
            depth=recipe.depth,
            features=recipe.features,
            condition_size=condition_size,
        )

    def G(key: PRNGKey) -> AbstractNet:
        return MLP(
            key,
            (recipe.normal + recipe.choices,),
            shape,
            width=recipe.width,
            depth=recipe.depth,
            activation="relu",
            first_std=first_std,
            condition_size=condition_size,
        )

    return Networks(D, G)
