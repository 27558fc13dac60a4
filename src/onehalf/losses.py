"""The losses of D and G, from logits alone.

A loss sees d(x) on m data and d(G(z)) on m samples, and nothing else: neither nets nor data. D
= sigmoid(d), so log D = -softplus(-d) and log(1 - D) = -softplus(d); nothing is clipped, and
gradients stay right at any |d|. All are means over the minibatch, in nats where the loss is a
log-likelihood.
"""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jax.nn import relu, softplus

from onehalf._typing import Logits, Scalar

__all__ = [
    "AbstractLoss",
    "Hinge",
    "LeastSquares",
    "MaximumLikelihood",
    "Minimax",
    "NonSaturating",
    "Relativistic",
    "Wasserstein",
    "value",
]


def value(d_x: Logits, d_Gz: Logits) -> Scalar:
    """V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))], in nats; Goodfellow et al. 2014, equation 1.

    At most 0, and -log 4 where D = 1/2. It is 2 JSD - log 4 at the best D only, and less at any
    other.

    >>> value(jnp.zeros(4), jnp.zeros(4))
    Array(-1.3863, dtype=float32)
    """
    return -jnp.mean(softplus(-d_x)) - jnp.mean(softplus(d_Gz))


class AbstractLoss(eqx.Module):
    """What D and G descend.

    To add one, write both methods and a line in `__all__`; the law tests find it there.
    """

    @abstractmethod
    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """What D descends: it wants d up on data and down on samples."""

    @abstractmethod
    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """What G descends: it wants d up on its samples."""

    def at_tie(self) -> tuple[float, float]:
        """(loss_D, loss_G) where d = 0 everywhere, that is D = 1/2."""
        tie = jnp.zeros(1)
        return round(float(self.loss_D(tie, tie)), 4), round(float(self.loss_G(tie, tie)), 4)


class Minimax(AbstractLoss):
    """D ascends V, G descends V: E[log(1 - D(G(z)))]; what Algorithm 1 of Goodfellow et al. 2014 prints.

    G's gradient fades where D is sure of the sample (d -> -inf): it saturates.

    >>> Minimax().at_tie()               # log 4, -log 2
    (1.3863, -0.6931)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-V."""
        return -value(d_x, d_Gz)

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """E[log(1 - D(G(z)))]."""
        return -jnp.mean(softplus(d_Gz))


class NonSaturating(AbstractLoss):
    """D as in Minimax; G ascends E[log D(G(z))]; Goodfellow et al. 2014, section 3, and what the authors ran.

    The gradient with respect to d tends to 1 in size as d -> -inf, where Minimax's fades.

    >>> NonSaturating().at_tie()         # log 4, log 2
    (1.3863, 0.6931)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-V."""
        return -value(d_x, d_Gz)

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-E[log D(G(z))]."""
        return jnp.mean(softplus(-d_Gz))


class MaximumLikelihood(AbstractLoss):
    """D as in Minimax; G descends -E[D/(1 - D)] = -E[exp d(G(z))]; Goodfellow 2016, section 3.2.

    At the best D its gradient is that of KL(p_data || p_g). The exponential is finite in
    float32 up to d = 88; beyond `ceiling` it is continued by its tangent, so that the gradient
    stays finite.

    >>> MaximumLikelihood().at_tie()     # log 4, -1
    (1.3863, -1.0)
    """

    ceiling: float = 20.0

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-V."""
        return -value(d_x, d_Gz)

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-E[exp d(G(z))], linear above the ceiling."""
        below = jnp.minimum(d_Gz, self.ceiling)
        return -jnp.mean(jnp.exp(below) * (1 + d_Gz - below))


class LeastSquares(AbstractLoss):
    """D descends E[(d(x) - 1)^2]/2 + E[(d(G(z)) + 1)^2]/2, G descends E[d(G(z))^2]/2; Mao et al. 2017, equation 8.

    With these targets (a, b, c) = (-1, 1, 0) the game is Pearson's chi^2 between p_data + p_g
    and 2 p_g.

    >>> LeastSquares().at_tie()
    (1.0, 0.0)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """Squares around +1 on data and -1 on samples."""
        return jnp.mean((d_x - 1) ** 2) / 2 + jnp.mean((d_Gz + 1) ** 2) / 2

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """Squares around 0, on the samples."""
        return jnp.mean(d_Gz**2) / 2


class Hinge(AbstractLoss):
    """D descends E[max(0, 1 - d(x))] + E[max(0, 1 + d(G(z)))], G descends -E[d(G(z))]; Lim & Ye 2017.

    >>> Hinge().at_tie()
    (2.0, 0.0)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """Margins of 1 on both sides."""
        return jnp.mean(relu(1 - d_x)) + jnp.mean(relu(1 + d_Gz))

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-E[d(G(z))]."""
        return -jnp.mean(d_Gz)


class Wasserstein(AbstractLoss):
    """D descends E[d(G(z))] - E[d(x)], G descends -E[d(G(z))]; Arjovsky et al. 2017, equation 2.

    It bounds W1(p_data, p_g) only for a 1-Lipschitz d: give D the `GradientPenalty` (Gulrajani
    et al. 2017).

    >>> Wasserstein().at_tie()
    (0.0, 0.0)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """E[d(G(z))] - E[d(x)]."""
        return jnp.mean(d_Gz) - jnp.mean(d_x)

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """-E[d(G(z))]."""
        return -jnp.mean(d_Gz)


class Relativistic(AbstractLoss):
    """D descends E[softplus(-(d(x) - d(G(z))))], G the same with signs turned; Huang et al. 2024 (R3GAN), section 2.

    Each sample is paired with one datum (Jolicoeur-Martineau 2018), and d is determined up to a
    constant only: the value is not a JSD. Huang et al. prove local convergence with both R1 and
    R2.

    >>> Relativistic().at_tie()          # log 2, log 2
    (0.6931, 0.6931)
    """

    def loss_D(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """Softplus of samples over data, pair by pair."""
        return jnp.mean(softplus(d_Gz - d_x))

    def loss_G(self, d_x: Logits, d_Gz: Logits) -> Scalar:
        """Softplus of data over samples, pair by pair."""
        return jnp.mean(softplus(d_x - d_Gz))
