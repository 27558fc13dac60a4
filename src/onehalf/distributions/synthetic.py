"""Distributions whose truth is known: the toy problems of the literature."""

import functools
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import scipy
from jax.core import Tracer
from jax.scipy import stats
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import PRNGKey, Sample, Samples, Scalar
from onehalf.distributions.base import AbstractDensity, Edges, Masses

__all__ = ["Grid", "Mixture", "Normal", "Ring", "SwissRoll", "TwoMoons", "Uniform"]


class Normal(AbstractDensity):
    """N(mean, std^2), the entries independent.

    >>> Normal(0.0, 1.0).log_p(jnp.zeros(1))       # -log sqrt(2 pi)
    Array(-0.9189, dtype=float32)
    """

    mean: float | Scalar = 0.0
    std: float | Scalar = 1.0
    shape: tuple[int, ...] = (1,)  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n examples."""
        return self.mean + self.std * jr.normal(key, (n, *self.shape))

    def log_p(self, x: Sample) -> Scalar:
        """The sum over entries of log N(x_i; mean, std^2)."""
        return stats.norm.logpdf(x, self.mean, self.std).sum()

    def masses(self, edges: Edges) -> Masses:
        """A product of differences of the normal distribution function.

        >>> Normal().masses([np.array([-np.inf, 0.0, np.inf])])
        array([0.5, 0.5])
        """
        return _masses(
            np.broadcast_to(self.mean, (1, math.prod(self.shape))), self.std, 1.0, edges
        )


class Uniform(AbstractDensity):
    """U[low, high] in each entry, independently.

    >>> Uniform(0.0, 2.0).log_p(jnp.ones(1))       # -log 2
    Array(-0.6931, dtype=float32)
    """

    low: float | Scalar = 0.0
    high: float | Scalar = 1.0
    shape: tuple[int, ...] = (1,)  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n examples."""
        return jr.uniform(key, (n, *self.shape), minval=self.low, maxval=self.high)

    def log_p(self, x: Sample) -> Scalar:
        """The sum over entries of -log(high - low); -inf outside [low, high]."""
        return stats.uniform.logpdf(x, self.low, self.high - self.low).sum()

    def masses(self, edges: Edges) -> Masses:
        """Of each cell the part of it inside."""
        low, high = float(self.low), float(self.high)
        inside = [
            np.diff(np.clip((np.asarray(axis) - low) / (high - low), 0, 1)) for axis in edges
        ]
        return functools.reduce(np.multiply.outer, inside)


class Mixture(AbstractDensity):
    """Three normals on a line, unequal in weight and width; or any isotropic normals by means, stds and weights.

    p(x) = sum_j weights_j N(x; means_j, stds_j^2 I). The default is a 1-D three-mode mixture: weights 0.5, 0.3, 0.2 at
    -2, 0.5, 3 with standard deviations 0.5, 0.3, 0.8.
    """

    means: Float[Array, "modes dim"] = eqx.field(
        converter=jnp.asarray, default=((-2.0,), (0.5,), (3.0,))
    )
    stds: Float[Array, " modes"] = eqx.field(converter=jnp.asarray, default=(0.5, 0.3, 0.8))
    weights: Float[Array, " modes"] = eqx.field(converter=jnp.asarray, default=(0.5, 0.3, 0.2))

    def __check_init__(self) -> None:
        if isinstance(self.weights, Tracer):
            return
        if abs(float(self.weights.sum()) - 1) > 1e-5 or float(self.weights.min()) < 0:
            refuse(
                "weights", expected="numbers >= 0 that add up to 1", got=self.weights.tolist()
            )

    @property
    def shape(self) -> tuple[int]:
        """(dim,)."""
        return (self.means.shape[1],)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n examples: a mode by its weight, then a point of it."""
        return _sample_normals(key, n, self.means, self.stds, self.weights)

    def log_p(self, x: Sample) -> Scalar:
        """Log sum_j weights_j N(x; means_j, stds_j^2 I)."""
        return _log_normals(x, self.means, self.stds, self.weights)

    def masses(self, edges: Edges) -> Masses:
        """Those of each mode, by its weight."""
        return _masses(self.means, self.stds, self.weights, edges)


class Ring(AbstractDensity):
    """Eight equal narrow normals on the unit circle (Srivastava et al. 2017; std 0.01 as in Lin et al. 2018, PacGAN).

    >>> Ring().means.shape
    (8, 2)
    """

    modes: int = 8
    radius: float = 1.0
    std: float = 0.01

    @property
    def shape(self) -> tuple[int]:
        """(2,), a point in the plane."""
        return (2,)

    @property
    def means(self) -> Float[Array, "modes 2"]:
        """The centres, anticlockwise from (radius, 0)."""
        angles = jnp.linspace(0, 2 * math.pi, self.modes, endpoint=False)
        return self.radius * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n points."""
        return _sample_normals(key, n, self.means, *_equal(self.modes, self.std))

    def log_p(self, x: Sample) -> Scalar:
        """The logarithm of the mixture's density at one point."""
        return _log_normals(x, self.means, *_equal(self.modes, self.std))

    def masses(self, edges: Edges) -> Masses:
        """Those of all modes, equally."""
        return _masses(self.means, *_equal(self.modes, self.std), edges)


class Grid(AbstractDensity):
    """Twenty-five equal narrow normals on {-4, -2, 0, 2, 4}^2, std 0.05 (Srivastava et al. 2017; Lin et al. 2018).

    >>> Grid().means.shape
    (25, 2)
    """

    side: int = 5
    spacing: float = 2.0
    std: float = 0.05

    @property
    def shape(self) -> tuple[int]:
        """(2,), a point in the plane."""
        return (2,)

    @property
    def means(self) -> Float[Array, "modes 2"]:
        """The centres, column by column."""
        reach = self.spacing * (self.side - 1) / 2
        ticks = jnp.linspace(-reach, reach, self.side)
        return jnp.stack(jnp.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n points."""
        return _sample_normals(key, n, self.means, *_equal(self.side**2, self.std))

    def log_p(self, x: Sample) -> Scalar:
        """The logarithm of the mixture's density at one point."""
        return _log_normals(x, self.means, *_equal(self.side**2, self.std))

    def masses(self, edges: Edges) -> Masses:
        """Those of all modes, equally."""
        return _masses(self.means, *_equal(self.side**2, self.std), edges)


class SwissRoll(AbstractDensity):
    """A spiral band in the plane: scikit-learn's swiss roll from the side, divided by 5, normal noise around it.

    The point at t ~ U[3 pi/2, 9 pi/2] is (t cos t, t sin t)/5 + noise * N(0, I). The density is the integral over t, by
    Gauss-Legendre quadrature.
    """

    noise: float = 0.05

    @property
    def shape(self) -> tuple[int]:
        """(2,), a point in the plane."""
        return (2,)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n points."""
        key_t, key_noise = jr.split(key)
        t = 1.5 * math.pi * (1 + 2 * jr.uniform(key_t, (n,)))
        return _swiss_roll(t) + self.noise * jr.normal(key_noise, (n, 2))

    def log_p(self, x: Sample) -> Scalar:
        """Log of the mean over t of N(x; curve(t), noise^2 I)."""
        return _log_normals(x, *_band(_swiss_roll, *_TURNS, self.noise))

    def masses(self, edges: Edges) -> Masses:
        """By the same quadrature."""
        return _masses(*_band(_swiss_roll, *_TURNS, self.noise), edges)


class TwoMoons(AbstractDensity):
    """Two half circles that reach into each other, normal noise around them (scikit-learn's make_moons).

    One moon is (cos t, sin t), the other (1 - cos t, 1/2 - sin t), t ~ U[0, pi], each with probability 1/2, plus
    noise * N(0, I). The density is the integral over t, by Gauss-Legendre quadrature.
    """

    noise: float = 0.1

    @property
    def shape(self) -> tuple[int]:
        """(2,), a point in the plane."""
        return (2,)

    def sample(self, key: PRNGKey, n: int) -> Samples:
        """Draw n points."""
        key_t, key_moon, key_noise = jr.split(key, 3)
        t = math.pi * jr.uniform(key_t, (n,))
        upper = jr.bernoulli(key_moon, shape=(n, 1))
        moons = jnp.where(upper, _upper_moon(t), _lower_moon(t))
        return moons + self.noise * jr.normal(key_noise, (n, 2))

    def log_p(self, x: Sample) -> Scalar:
        """Log of the mean over moons and t of N(x; moon(t), noise^2 I)."""
        upper, lower = (
            _log_normals(x, *_band(moon, 0.0, math.pi, self.noise)) for moon in _MOONS
        )
        return jnp.logaddexp(upper, lower) - math.log(2)

    def masses(self, edges: Edges) -> Masses:
        """By the same quadrature."""
        upper, lower = (
            _masses(*_band(moon, 0.0, math.pi, self.noise), edges) for moon in _MOONS
        )
        return (upper + lower) / 2


def _swiss_roll(t: Float[Array, " n"]) -> Float[Array, "n 2"]:
    return jnp.stack([t * jnp.cos(t), t * jnp.sin(t)], axis=1) / 5


def _upper_moon(t: Float[Array, " n"]) -> Float[Array, "n 2"]:
    return jnp.stack([jnp.cos(t), jnp.sin(t)], axis=1)


def _lower_moon(t: Float[Array, " n"]) -> Float[Array, "n 2"]:
    return jnp.stack([1 - jnp.cos(t), 0.5 - jnp.sin(t)], axis=1)


_TURNS = 1.5 * math.pi, 4.5 * math.pi
_MOONS = _upper_moon, _lower_moon


def _equal(modes: int, std: float) -> tuple[Float[Array, " modes"], Float[Array, " modes"]]:
    """Stds and weights of modes that are all alike."""
    return jnp.full(modes, std), jnp.full(modes, 1 / modes)


def _sample_normals(
    key: PRNGKey,
    n: int,
    means: Float[Array, "modes dim"],
    stds: Float[Array, " modes"],
    weights: Float[Array, " modes"],
) -> Float[Array, "n dim"]:
    key_mode, key_point = jr.split(key)
    mode = jr.categorical(key_mode, jnp.log(weights), shape=(n,))
    return means[mode] + stds[mode][:, None] * jr.normal(key_point, (n, means.shape[1]))


def _log_normals(
    x: Float[Array, " dim"],
    means: Float[Array, "modes dim"],
    stds: Float[Array, " modes"],
    weights: Float[Array, " modes"],
) -> Scalar:
    each = jax.vmap(lambda mean, std: stats.norm.logpdf(x, mean, std).sum())(means, stds)
    return logsumexp(each, b=weights)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def _band(
    curve: Callable[[Float[Array, " n"]], Float[Array, "n 2"]],
    start: float,
    stop: float,
    noise: float,
) -> tuple[Float[Array, "n 2"], Float[Array, " n"], Float[Array, " n"]]:
    """The mean over t ~ U[start, stop] of N(curve(t), noise^2 I) as normals: means, stds and weights."""
    # A panel a tenth of a turn long holds each curve's bends; more where the noise is narrower than 0.05.
    panels = math.ceil((stop - start) * 4 * max(1.0, 0.05 / noise))
    edges = np.linspace(start, stop, panels + 1)
    half = (edges[1] - edges[0]) / 2
    t = jnp.asarray((edges[:-1, None] + half * (1 + _NODES)).ravel(), float)
    return (
        curve(t),
        jnp.full(len(t), noise, float),
        jnp.asarray(np.tile(_WEIGHTS / (2 * panels), panels), float),
    )


def _masses(means: Any, stds: Any, weights: Any, edges: Edges) -> Masses:
    """Of isotropic normals: in each mode a product over axes, so that no small number is a difference of large ones."""
    means = np.asarray(means, np.float64)
    stds, weights = (
        np.broadcast_to(np.asarray(each, np.float64), len(means)) for each in (stds, weights)
    )
    along = []
    for axis, middle in zip(edges, means.T, strict=True):
        z = (np.asarray(axis) - middle[:, None]) / stds[:, None]
        # the tail on the far side is small, so it is the one that is exact
        along.append(
            np.where(
                z[:, :-1] > 0, -np.diff(scipy.special.ndtr(-z)), np.diff(scipy.special.ndtr(z))
            )
        )
    product = "m" + "".join(f",m{axis}" for axis in "abcd"[: len(along)])
    return np.einsum(
        f"{product}->{'abcd'[: len(along)]}", weights / weights.sum(), *along, optimize=True
    )
