"""What D = 1/2 and V = -log 4 say of the game, and what they do not."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.nn import softplus
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import ks_2samp, kstwobign, norm

from onehalf._typing import PRNGKey, Sample, Samples, Scalar
from onehalf.distributions import Mixture, Normal
from onehalf.distributions.base import Latent, Pushforward
from onehalf.experiments.base import SIGMAS, AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.nets import MLP
from onehalf.theory import D_star, V, d_star, jsd

__all__ = ["Equilibrium"]

P_DATA = Normal()
OVER = np.arange(-10.0, 15.0)
"""Breakpoints that hold p_data and each p_g."""
SAME = Mixture(((0.0,), (0.0,)), (1.0, 1.0), (0.25, 0.75))
"""p_data again, written otherwise."""
SHIFTS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Each mu is a G: p_g = N(mu, 1)."""
C_FAR = 2 * 0.63272019373686698 - math.log(4)
"""C(G) of the last, by quadrature to 30 digits; in nats."""
N = 20_000
"""Samples of each of two generators."""


class Points(NamedTuple):
    """At each shift the JSD, and V of four D; in nats."""

    jsd: Float[np.ndarray, " shifts"]
    best: Float[np.ndarray, " shifts"]
    """D_star."""
    half: Float[np.ndarray, " shifts"]
    """The D with half of its logit."""
    constant: Float[np.ndarray, " shifts"]
    """D = 1/2."""
    untrained: Float[np.ndarray, " shifts"]
    """A net with the first weights of the 2014 code, from U(-0.005, 0.005)."""


class Equilibrium(AbstractExperiment):
    """p_g = p_data makes D_star = 1/2 and C = -log 4, its least; Goodfellow et al. 2014, theorem 1.

    The converse is the trap: D = 1/2 gives V = -log 4 whatever G is, and a D that has learned
    nothing is 1/2. V = -log 4 is necessary at the end of the game, and no evidence of it. Two
    more: each term of V has the supremum 0, which no finite logit attains; and p_g does not
    determine G, because G(-z) has the law of G(z) where p_z is symmetric.
    """

    formulas = (3, 4, 5, 26, 27)

    @cached_property
    def points(self) -> Points:
        """By quadrature."""
        untrained = MLP(jr.key(self.seed), (1,), (), init=0.005)

        def measure(mu: Scalar) -> tuple[Scalar, ...]:
            p_g = Normal(mu)
            d = d_star(P_DATA, p_g)
            each = (d, lambda x: d(x) / 2, lambda x: jnp.zeros(()), untrained)
            return jsd(P_DATA, p_g, OVER), *(V(d, P_DATA, p_g, OVER) for d in each)

        with jax.enable_x64():
            return Points(*map(np.asarray, jax.jit(jax.vmap(measure))(jnp.array(SHIFTS))))

    def claims(self) -> Iterator[Claim]:
        """Yield the equilibrium, what only resembles it, the suprema, and two generators."""
        with jax.enable_x64():
            tie = float(V(d_star(P_DATA, SAME), P_DATA, SAME, OVER))
            D = jax.vmap(D_star(P_DATA, SAME))(jnp.linspace(-8.0, 8.0, 161)[:, None])
            off = float(jnp.abs(D - 0.5).max())
            sure = float(
                V(jnp.array([50.0, -50.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0]))
            )
        constant, untrained = (np.abs(column + math.log(4)).max() for column in self.points[3:])
        one, other, apart = map(np.ravel, _draw(jr.key(self.seed)))
        compared: Any = ks_2samp(one, other)
        most = float(kstwobign.isf(2 * norm.sf(SIGMAS))) * math.sqrt(2 / N)
        yield Claim("p_g = p_data: V(D_star), nats", -math.log(4), tie, 1e-9)
        yield Claim("p_g = p_data: farthest D_star from 1/2", 0.0, off, 1e-9)
        yield Claim("D = 1/2, 5 G: farthest V from -log 4, nats", 0.0, float(constant), 1e-9)
        yield Claim(
            "untrained D, 5 G: farthest V from -log 4, nats", 0.0, float(untrained), 1e-4
        )
        yield Claim(
            "p_g = N(4, 1), though: V(D_star), nats", C_FAR, float(self.points.best[-1]), 1e-9
        )
        yield Claim(
            "no overlap, logits of 50: V, in e^-50 nats", -2.0, sure * math.exp(50), 1e-9
        )
        yield Claim(
            "G(z) = log(1 + e^z): KS distance to samples of G(-z)",
            0.0,
            float(compared.statistic),
            most,
        )
        yield Claim.from_mean(
            "G(z) = log(1 + e^z): mean |G(z) - G(-z)|, sqrt(2/pi)",
            math.sqrt(2 / math.pi),
            apart,
        )

    def figure(self) -> Figure:
        """V over the JSD."""
        figure, axes = new_figure("JSD(p_data, p_g), nats", "V(D, G), nats")
        jsd, best, half, constant, _ = self.points
        line = np.array([0, math.log(2)])
        axes.plot(line, 2 * line - math.log(4), label="-log 4 + 2 JSD", **GOAL)
        axes.plot(jsd, best, "o", color=DATA, label="D_star")
        axes.plot(jsd, half, "o", color=BAND, label="half of its logit")
        axes.plot(
            jsd, constant, "o-", color=SAMPLES, linewidth=STRONG, label="D = 1/2 or untrained"
        )
        axes.annotate(
            "p_g = p_data", (jsd[0], best[0]), (0.02, -0.9), arrowprops={"arrowstyle": "->"}
        )
        add_legend(figure)
        return figure


@jax.jit
def _draw(key: PRNGKey) -> tuple[Samples, Samples, Samples]:
    """Draw G(z) = log(1 + e^z), others of G(-z), and |G(z) - G(-z)| of the same z."""
    p_z, keys = Latent(normal=1), jr.split(key, 3)
    one, other = (
        Pushforward(G, p_z).sample(key, N)
        for G, key in zip((softplus, _mirror), keys[:2], strict=True)
    )
    z = p_z.sample(keys[2], N)
    return one, other, jnp.abs(softplus(z) - _mirror(z))


def _mirror(z: Sample) -> Sample:
    return softplus(-z)
