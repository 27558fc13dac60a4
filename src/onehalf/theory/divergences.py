"""Entropy, KL, JSD and total variation: of probability vectors, and of densities by quadrature.

Either way a distribution is known on finitely many nodes by log p there and by the log of each
node's weight: 0 for an element of a finite set, the quadrature's weight for a point of the line
or the plane. So one formula serves both. All are in nats, except TV. 0 log 0 = 0, with gradient
0: a point without mass is left out, as if it could get none.

The sums run in float64 whatever the caller's precision, and the result comes back in the
caller's: for more than seven digits call from inside `with jax.enable_x64()`. All of it can be
differentiated, compiled and mapped.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Real

from onehalf._errors import refuse
from onehalf._typing import Density, Sample, Scalar

__all__ = [
    "entropy",
    "evaluate",
    "expect",
    "in_float64",
    "jsd",
    "kl",
    "log_densities",
    "nodes",
    "tv",
]


Vector = Real[Array | np.ndarray, "..."]
"""Probabilities on a finite set, one for each of its elements."""

Distribution = Vector | Density
"""A vector of probabilities, or a density: then `over` is where it is integrated."""

Breakpoints = Sequence[Any] | np.ndarray | Array
"""The increasing ends of the quadrature's panels; in d dimensions, d such sequences."""

LogDensity = Float[Array, " nodes"]
"""log p at each node; -inf where p is 0."""

P = ParamSpec("P")
T = TypeVar("T")


def in_float64(f: Callable[P, T]) -> Callable[P, T]:
    """Run `f` in float64; what it returns has the caller's precision."""

    @functools.wraps(f)
    def precise(*args: P.args, **kwargs: P.kwargs) -> T:
        callers = jnp.result_type(float)
        with jax.enable_x64():
            args, kwargs = _cast((args, kwargs), jnp.float64)
            return _cast(f(*args, **kwargs), callers)

    return precise


@in_float64
def entropy(p: Distribution, over: Breakpoints | None = None) -> Scalar:
    """H(p) = -E_p[log p]; Shannon 1948.

    Of a density it is the differential entropy, which may be negative.

    >>> entropy(jnp.full(4, 1 / 4))                             # log 4
    Array(1.3863, dtype=float32)
    """
    (log_p,), log_w = log_densities(over, p)
    return -expect(log_p + log_w, log_p)


@in_float64
def kl(p: Distribution, q: Distribution, over: Breakpoints | None = None) -> Scalar:
    """KL(p || q) = E_p[log p - log q]; Kullback & Leibler 1951.

    inf where p has mass and q has none.

    >>> kl(jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5]))        # log 2
    Array(0.6931, dtype=float32)
    >>> kl(jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0]))
    Array(inf, dtype=float32)
    """
    (log_p, log_q), log_w = log_densities(over, p, q)
    return expect(log_p + log_w, log_p - log_q)


@in_float64
def jsd(p: Distribution, q: Distribution, over: Breakpoints | None = None) -> Scalar:
    """JSD(p, q) = KL(p || m)/2 + KL(q || m)/2, m = (p + q)/2; Lin 1991.

    Its square root is a metric.

    Between 0 and log 2, which it reaches where p and q share no mass; p and q always have
    densities under m, so it is never infinite.

    >>> jsd(jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0]))       # log 2
    Array(0.6931, dtype=float32)
    """
    (log_p, log_q), log_w = log_densities(over, p, q)
    log_m = _log_sum(log_p, log_q) - math.log(2)
    return expect(log_p + log_w, log_p - log_m) / 2 + expect(log_q + log_w, log_q - log_m) / 2


@in_float64
def tv(p: Distribution, q: Distribution, over: Breakpoints | None = None) -> Scalar:
    """TV(p, q) = sum |p - q| / 2, the most by which p and q differ on one event; from 0 to 1.

    By quadrature it is accurate to all digits only with a breakpoint where p = q, because |p -
    q| has a kink there.

    >>> tv(jnp.array([1.0, 0.0]), jnp.array([0.5, 0.5]))
    Array(0.5, dtype=float32)
    """
    (log_p, log_q), log_w = log_densities(over, p, q)
    return jnp.sum(jnp.abs(jnp.exp(log_p + log_w) - jnp.exp(log_q + log_w))) / 2


def expect(log_mass: LogDensity, values: LogDensity) -> Scalar:
    """Sum mass * value, where nothing times infinity is nothing.

    >>> expect(jnp.log(jnp.array([1.0, 0.0])), jnp.array([3.0, -jnp.inf]))
    Array(3., dtype=float32)
    """
    mass = jnp.exp(log_mass)
    return jnp.sum(mass * jnp.where(mass > 0, values, 0.0))


def log_densities(
    over: Breakpoints | None, *distributions: Distribution
) -> tuple[tuple[LogDensity, ...], LogDensity | float]:
    """Each distribution's log p at the nodes, and the log weights of the nodes.

    Refuses what is no distribution: entries below 0, or a sum or an integral that is not 1 to
    within 1e-6, and divides by that sum. In a traced function (`jax.jit`, `jax.grad`) there is
    no number to refuse: the result is nan.
    """
    densities = [p for p in distributions if isinstance(p, Density)]
    vectors = [p for p in distributions if not isinstance(p, Density)]
    if densities and vectors:
        refuse(
            "distributions", expected="probability vectors only or densities only", got="both"
        )
    if densities:
        if over is None:
            refuse(
                "over",
                expected="breakpoints to integrate over",
                got=None,
                hint="For example over=range(-9, 10).",
            )
        log_w = jnp.asarray(nodes(over)[1])
        return tuple(_log_density(p, over, log_w) for p in densities), log_w
    if over is not None:
        refuse(
            "over", expected="None for probability vectors, which are summed", got="breakpoints"
        )
    if len({p.shape for p in vectors}) > 1 or vectors[0].ndim != 1:
        refuse(
            "probabilities",
            expected="vectors on one finite set",
            got=f"shapes {[p.shape for p in vectors]}",
        )
    return tuple(_log_probabilities(jnp.asarray(p, float)) for p in vectors), 0.0


def evaluate(f: Callable[[Sample], Scalar], over: Breakpoints) -> LogDensity:
    """Values of f at the nodes; f sees one example, of shape (dim,)."""
    values = _evaluate(f, jnp.asarray(nodes(over)[0]))
    if values.ndim != 1:
        refuse(
            "log_p or d", expected="one number for one example", got=f"shape {values.shape[1:]}"
        )
    return values


def nodes(
    over: Breakpoints,
) -> tuple[Float[np.ndarray, "nodes dim"], Float[np.ndarray, " nodes"]]:
    """Compute nodes and log weights of Gauss-Legendre quadrature, 16 nodes in each panel.

    In d dimensions it is a tensor product.

    Exact for polynomials up to degree 31 in each panel. Put a breakpoint at each jump, and
    panels about as wide as the narrowest bump.

    >>> x, log_w = nodes([0, 1, 3])
    >>> x.shape, float(np.exp(log_w).sum())                     # the length of [0, 3]
    ((32, 1), 3.0)
    """
    nested = np.ndim(next(iter(over), 0)) > 0
    panels = [_panels(np.asarray(axis, float)) for axis in (over if nested else [over])]
    x, log_w = zip(*panels, strict=True)
    grid = np.stack(np.meshgrid(*x, indexing="ij"), axis=-1)
    return grid.reshape(-1, len(panels)), functools.reduce(np.add.outer, log_w).ravel()


_TOLERANCE = 1e-6
"""How far a sum or an integral may be from 1."""

_LEGENDRE = np.polynomial.legendre.leggauss(16)
"""Nodes and weights of the quadrature on [-1, 1]."""


def _panels(
    breakpoints: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    width = np.diff(breakpoints)
    if not (width.size and np.isfinite(width).all() and width.min() > 0):
        refuse(
            "over",
            expected="two or more increasing numbers for each dimension",
            got=breakpoints.tolist(),
        )
    x, weights = _LEGENDRE
    half = width[:, None] / 2
    return (breakpoints[:-1, None] + half * (1 + x)).ravel(), np.log(half * weights).ravel()


@eqx.filter_jit
def _evaluate(
    f: Callable[[Sample], Scalar], x: Float[Array, "nodes dim"]
) -> Float[Array, "nodes ..."]:
    # In batches: a density that is itself a sum of many terms would not fit in memory at all
    # nodes of a plane at once.
    return jax.lax.map(f, x, batch_size=4096)


def _log_density(p: Density, over: Breakpoints, log_w: LogDensity) -> LogDensity:
    log_p = evaluate(p.log_p, over)
    mass = jnp.exp(log_p + log_w).sum()
    if _is_wrong(mass):
        hint = "Widen `over`, or set its breakpoints closer where the density is narrow."
        refuse(
            "over",
            expected="breakpoints that hold the density's whole mass, 1",
            got=f"{mass:.6g}",
            hint=hint,
        )
    return _normalise(log_p, mass)


def _log_probabilities(p: Float[Array, " points"]) -> LogDensity:
    # Two wheres: the gradient of the log is taken at 1 where p is 0, and then dropped. With one
    # it would be nan.
    log_p = jnp.where(p == 0, -jnp.inf, jnp.log(jnp.where(p == 0, 1.0, p)))
    mass = jnp.exp(log_p).sum()
    if _is_wrong(mass):
        got = f"a sum of {p.sum():.6g}, the least being {p.min(initial=jnp.inf):.6g}"
        refuse("probabilities", expected="numbers >= 0 that add up to 1", got=got)
    return _normalise(log_p, mass)


def _is_wrong(mass: Scalar) -> bool:
    return not isinstance(mass, Tracer) and not abs(mass - 1) < _TOLERANCE


def _normalise(log_p: LogDensity, mass: Scalar) -> LogDensity:
    # A float32 sum is 1 to seven digits; divided by it KL cannot fall below 0, and C is 2 JSD -
    # log 4 to all digits.
    return log_p - jnp.log(jnp.where(abs(mass - 1) < _TOLERANCE, mass, jnp.nan))


def _log_sum(a: LogDensity, b: LogDensity) -> LogDensity:
    """log(e^a + e^b); the gradient is 0, not nan, where both are -inf."""
    nothing = jnp.isneginf(a) & jnp.isneginf(b)
    return jnp.where(
        nothing, -jnp.inf, jnp.logaddexp(jnp.where(nothing, 0.0, a), jnp.where(nothing, 0.0, b))
    )


def _cast(tree: T, dtype: Any) -> T:
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree
    )
