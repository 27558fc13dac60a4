"""Two games without networks: the ideal loop on a finite set, and the Dirac-GAN.

Both run in float64 whatever the caller's precision, as the rest of the theory does.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.nn import softmax, softplus
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import Logits, Scalar
from onehalf.distributions.base import Batch, Condition
from onehalf.theory.divergences import Vector, in_float64, log_densities
from onehalf.theory.optimal import C, Values, d_star

__all__ = ["DiracGame", "exponentiated_gradient", "ideal_loop"]


@in_float64
def exponentiated_gradient(p_g: Vector, d: Values, rate: float | Scalar = 0.5) -> Values:
    """p_g exp(-rate log(1 - D)), normalised; Kivinen & Warmuth 1997.

    One step of p_g down V(D, G) while D stays.

    log(1 - D) is the derivative of V by p_g. A point that has no mass never gets any.

    >>> exponentiated_gradient(jnp.array([0.5, 0.5]), jnp.array([3.0, 0.0]))      # to where D is greater
    Array([0.7645, 0.2355], dtype=float32)
    """
    (log_p_g,), _ = log_densities(None, p_g)
    return softmax(jnp.where(jnp.isneginf(log_p_g), -jnp.inf, log_p_g + rate * softplus(d)))


@in_float64
def ideal_loop(
    p_data: Vector, p_g: Vector, steps: int, rate: float = 0.5
) -> tuple[Float[Array, "rounds points"], Float[Array, " rounds"]]:
    """Play G_0 -> D_star -> G_1 -> ... with p_g itself as G's parameter.

    Returns each p_g, and its C in nats.

    Every step is taken against the best D. The second derivative of C by p_g, p_data/(p_g
    (p_data + p_g)), is at most that of the negative entropy, 1/p_g. So C never rises if the
    rate is at most 1, and after t steps it is within KL(p_data || p_g at the start) / (rate t)
    of -log 4 (Lu, Freund & Nesterov 2018, on relative smoothness).

    >>> p_g, value = ideal_loop(jnp.array([0.75, 0.25]), jnp.array([0.25, 0.75]), steps=50)
    >>> p_g[-1, 0], value[-1]                                   # as p_data, -log 4
    (Array(0.75, dtype=float32), Array(-1.3863, dtype=float32))
    """
    (log_p_data, log_p_g), _ = log_densities(None, p_data, p_g)
    return _ideal_loop(jnp.exp(log_p_data), jnp.exp(log_p_g), steps, jnp.asarray(rate, float))


@runtime_checkable
class Loss(Protocol):
    """The losses of D and G, from logits on data and on samples, as in `onehalf.losses`."""

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """What D descends."""
        ...

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """What G descends."""
        ...


Place = Float[Array | np.ndarray, "2"]
"""(theta, psi): where G puts its samples, and the slope of D's logit."""


class DiracGame(eqx.Module):
    """The Dirac-GAN: data at 0, samples at theta, d(x) = psi x; Mescheder et al. 2018.

    Data and samples lie apart until they agree, at the only equilibrium (0, 0). Do the players
    get there?

    >>> from onehalf.losses import Minimax
    >>> DiracGame(Minimax()).step(jnp.array([1.0, -1.0]))       # G towards the data, D steeper
    Array([ 0.9462, -1.0538], dtype=float32)
    """

    V: Loss
    penalties: Sequence[Any] = ()
    """What D pays besides, as in `onehalf.penalties`; for R1 and R2 that is gamma/2 psi^2."""
    h: float = 0.2
    """The length of a step: the learning rate of plain gradient descent."""
    first: str | None = None
    """Which player steps first; the other then answers its new place.

    "D" as in Algorithm 1 of Goodfellow et al. 2014, "G" as in
    the code of Mescheder et al.; None is simultaneous, both from the old places."""

    def __check_init__(self) -> None:
        if self.first not in (None, "D", "G"):
            refuse("first", expected="'D', 'G' or None", got=repr(self.first))

    @in_float64
    def step(self, place: Place) -> Float[Array, "2"]:
        """Take one step of both players."""
        theta, psi = jnp.asarray(place, float)
        if self.first == "G":
            theta = self._step_G(theta, psi)
            return jnp.stack([theta, self._step_D(theta, psi)])
        new_psi = self._step_D(theta, psi)
        return jnp.stack([self._step_G(theta, new_psi if self.first == "D" else psi), new_psi])

    @in_float64
    def orbit(self, start: Place, steps: int) -> Float[Array, "places 2"]:
        """Compute where the players are after 0, 1, ..., `steps` steps."""
        start = jnp.asarray(start, float)

        def one(place: Place, _: None) -> tuple[Array, Array]:
            place = self.step(place)
            return place, place

        return jnp.concatenate([start[None], jax.lax.scan(one, start, length=steps)[1]])

    def _step_G(self, theta: Scalar, psi: Scalar) -> Scalar:
        return theta - self.h * jax.grad(
            lambda theta: self.V.loss_G(jnp.zeros(1), psi * theta[None])
        )(theta)

    def _step_D(self, theta: Scalar, psi: Scalar) -> Scalar:
        return psi - self.h * jax.grad(self._loss_D)(psi, theta)

    def _loss_D(self, psi: Scalar, theta: Scalar) -> Scalar:
        def d(x: Float[Array, " dim"], c: Condition) -> Scalar:
            return psi * x.sum()

        real = Batch.without_conditions(jnp.zeros((1, 1)))
        generated = Batch.without_conditions(theta.reshape(1, 1))
        # Any key will do: the slope of d is psi wherever a penalty evaluates it.
        paid = sum(penalty.penalty(jr.key(0), d, real, generated) for penalty in self.penalties)
        return self.V.loss_D(jax.vmap(d)(*real), jax.vmap(d)(*generated)) + paid


@eqx.filter_jit
def _ideal_loop(p_data: Values, p_g: Values, steps: int, rate: Scalar) -> tuple[Array, Array]:
    def one(p_g: Values, _: None) -> tuple[Values, tuple[Values, Scalar]]:
        return exponentiated_gradient(p_g, d_star(p_data, p_g), rate), (p_g, C(p_data, p_g))

    _, (all_p_g, values) = jax.lax.scan(one, p_g, length=steps + 1)
    return all_p_g, values
