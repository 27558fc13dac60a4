"""A recipe: the hyper-parameters of a fit, none of them left open.

docs/explanation/recipe.md says how the defaults were measured, and what was tried and is not here.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onehalf._errors import refuse
from onehalf.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    import onehalf._typing

__all__ = ["CHUNK", "Recipe"]

CHUNK = 100
"""Rounds of networks between two rows of history."""

USES = ("players", "play", "look", "test")
"""What a fit draws random numbers for; the order is part of every seed's result."""


@dataclass(frozen=True, kw_only=True, repr=True)
class Recipe(Hyperparameters):
    """All hyper-parameters of a fit; `recipe` and `minutes` are as they were asked for."""

    first_rounds: int | None = None
    """Rounds that an extended fit was first asked for; None if it was not extended."""

    @classmethod
    def resolve(
        cls, asked: Mapping[str, Any], defaults: Mapping[str, Any], n_rows: int
    ) -> "Recipe":
        """Fill in what was left open.

        Args:
            asked: Checked hyper-parameters by name, None where they are left open.
            defaults: What the kind of data has in their place.
            n_rows: Training rows.

        Raises:
            Refusal: No game can have these numbers together.
        """
        # Wasserstein's d is to be 1-Lipschitz, and without this penalty nothing makes it so
        lipschitz = 10.0 if asked["loss"] == "Wasserstein" else 0.0
        filled = {
            "players": "neural",
            "gradient_penalty": lipschitz,
            **defaults,
            "m": min(defaults["m"], n_rows),
        }
        numbers: dict[str, Any] = {
            name: filled.get(name) if value is None else value for name, value in asked.items()
        }
        if numbers["m"] > n_rows:
            expected = f"a minibatch of no more than the {n_rows} training rows"
            refuse("m", expected=expected, got=numbers["m"])
        if not numbers["normal"] + numbers["choices"]:
            refuse("normal, choices", expected="a latent of one part or more", got="0 and 0")
        return cls(**numbers)

    @property
    def keeps_last(self) -> bool:
        """Whether G is kept as the last round left it, and no evaluation ends the run."""
        return self.recipe is not None

    @property
    def chunk(self) -> int:
        """Rounds between two rows of history: a round of trees is a whole fit of D."""
        return 1 if self.players == "trees" else CHUNK

    @property
    def scheduled_rounds(self) -> int:
        """The rounds over which rates and noise fall, and evaluations are spread; from there on they stay."""
        return self.first_rounds or self.rounds

    def keys(self, use: str) -> "onehalf._typing.Keys":
        """A key for this use: (seeds,) of them, one for each game, or a single one for a single game."""
        # imported here, as a run is watched without JAX
        import jax.numpy as jnp
        import jax.random as jr

        number = USES.index(use)
        keys = [
            jr.fold_in(jr.key(self.random_state + game), number) for game in range(self.seeds)
        ]
        return jnp.stack(keys) if self.seeds > 1 else keys[0]

    def to_dict(self) -> dict[str, Any]:
        """The hyper-parameters by name."""
        names = [field.name for field in dataclasses.fields(Hyperparameters)]
        return {name: getattr(self, name) for name in names}
