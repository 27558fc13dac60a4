"""The inner maximum of the game: D_star, the value V of any D, and C(G) = max_D V(D, G).

Discriminators go by their logits d, D = sigmoid(d), as everywhere here; D = 0 and D = 1 are d =
-inf and d = inf. As in `divergences`, p_data and p_g are two probability vectors, or two
densities with breakpoints `over`; in nats.
"""

from collections.abc import Callable
from typing import overload

import jax.numpy as jnp
from jax.nn import sigmoid, softplus
from jax.tree_util import Partial
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf._typing import Density, Sample, Scalar
from onehalf.theory.divergences import (
    Breakpoints,
    Distribution,
    LogDensity,
    Vector,
    evaluate,
    expect,
    in_float64,
    log_densities,
)

__all__ = ["C", "D_star", "V", "d_star"]

Discriminator = Callable[[Sample], Scalar]
"""A function of one example: its logit, or its probability where the name says D."""

Values = Float[Array, " points"]
"""A discriminator on a finite set: its value at each point."""


@overload
def d_star(p_data: Density, p_g: Density) -> Discriminator: ...
@overload
def d_star(p_data: Vector, p_g: Vector) -> Values: ...
@in_float64
def d_star(p_data: Distribution, p_g: Distribution) -> Discriminator | Values:
    """Log p_data(x) - log p_g(x), the best D's logit; Goodfellow et al. 2014, proposition 1.

    For densities a function of one example; for vectors, the vector of logits. Where neither
    has mass any D is as good, and d_star is 0 by convention.

    >>> d_star(jnp.array([0.75, 0.25]), jnp.array([0.25, 0.75]))          # +- log 3
    Array([ 1.0986, -1.0986], dtype=float32)
    """
    if isinstance(p_data, Density) and isinstance(p_g, Density):
        return Partial(_d_star, p_data, p_g)
    (log_p_data, log_p_g), _ = log_densities(None, p_data, p_g)
    return _log_ratio(log_p_data, log_p_g)


@overload
def D_star(p_data: Density, p_g: Density) -> Discriminator: ...
@overload
def D_star(p_data: Vector, p_g: Vector) -> Values: ...
def D_star(p_data, p_g) -> Discriminator | Values:
    """p_data(x) / (p_data(x) + p_g(x)), the best D; Goodfellow et al. 2014, equation 2.

    For densities a function of one example; for vectors, the vector. 1/2 by convention where
    neither has mass.

    >>> D_star(jnp.array([0.6, 0.4, 0.0]), jnp.array([0.2, 0.0, 0.8]))
    Array([0.75, 1. , 0. ], dtype=float32)
    """
    d = d_star(p_data, p_g)
    return Partial(_probability, d) if callable(d) else sigmoid(d)


@in_float64
def V(
    d: Discriminator | Values,
    p_data: Distribution,
    p_g: Distribution,
    over: Breakpoints | None = None,
) -> Scalar:
    """E_{p_data}[log D(x)] + E_{p_g}[log(1 - D(x))]; Goodfellow et al. 2014, equation 3.

    The value of the game.

    `d` is the logit of D: a function of one example (a network will do) for densities, a vector
    for vectors. At most 0; -log 4 where D = 1/2; -inf where D is sure and wrong.

    >>> V(jnp.zeros(2), jnp.array([0.75, 0.25]), jnp.array([0.25, 0.75]))     # -log 4
    Array(-1.3863, dtype=float32)
    """
    (log_p_data, log_p_g), log_w = log_densities(over, p_data, p_g)
    d_x = evaluate(d, over) if callable(d) and over is not None else d
    if callable(d_x) or d_x.shape != log_p_data.shape:
        expected = (
            "a function with densities, and with probability vectors a vector of as many logits"
        )
        refuse("d", expected=expected, got=getattr(d_x, "shape", "a function"))
    return _value(d_x, log_p_data + log_w, log_p_g + log_w)


@in_float64
def C(p_data: Distribution, p_g: Distribution, over: Breakpoints | None = None) -> Scalar:
    """max_D V(D, G); Goodfellow et al. 2014, equation 4.

    E_{p_data}[log D_star] + E_{p_g}[log(1 - D_star)].

    It equals -log 4 + 2 JSD(p_data, p_g): between -log 4 and 0. It is computed from this
    formula, without the JSD.

    >>> C(jnp.array([1.0, 0.0]), jnp.array([1.0, 0.0]))                       # -log 4
    Array(-1.3863, dtype=float32)
    """
    (log_p_data, log_p_g), log_w = log_densities(over, p_data, p_g)
    return _value(_log_ratio(log_p_data, log_p_g), log_p_data + log_w, log_p_g + log_w)


def _value(d: LogDensity, log_data: LogDensity, log_g: LogDensity) -> Scalar:
    return -expect(log_data, softplus(-d)) - expect(log_g, softplus(d))


def _log_ratio(log_p: Float[Array, "*n"], log_q: Float[Array, "*n"]) -> Float[Array, "*n"]:
    # inf - inf is nan; a point outside the support of both is left out.
    return jnp.where(jnp.isneginf(log_p) & jnp.isneginf(log_q), 0.0, log_p - log_q)


def _d_star(p_data: Density, p_g: Density, x: Sample) -> Scalar:
    return _log_ratio(p_data.log_p(x), p_g.log_p(x))


def _probability(d: Discriminator, x: Sample) -> Scalar:
    return sigmoid(d(x))
