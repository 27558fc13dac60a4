"""The arrays of the game, by name: what a shape annotation means everywhere in the project."""

from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float, Key, Real

__all__ = ["Density", "Keys", "Logits", "PRNGKey", "Sample", "Samples", "Scalar"]

Scalar = Float[Array, ""]
"""One number: a loss, a divergence (in nats), a logit."""

Logits = Float[Array, " m"]
"""d(x) for m examples; D(x) = sigmoid(d(x))."""

Sample = Real[Array, "..."]
"""One example, of the data's shape."""

Samples = Real[Array, "n ..."]
"""n examples, one along the first axis."""

PRNGKey = Key[Array, ""]
"""One typed key, as `jax.random.key(0)` makes it; never used twice."""

Keys = Key[Array, "..."]
"""One key, or P of them for P games at once."""


@runtime_checkable
class Density(Protocol):
    """Anything with a log-density: `log_p(x)` of one example, in nats."""

    def log_p(self, x: Sample) -> Scalar:
        """The logarithm of the density at one example."""
        ...
