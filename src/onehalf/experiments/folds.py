"""The law of G(z) for generators that cannot be inverted: folds, flat parts and curves."""

import math
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import softplus
from jaxtyping import Array, Float
from matplotlib.figure import Figure
from scipy import integrate, special, stats

from onehalf.distributions import Normal, Uniform
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, SAMPLES, STRONG
from onehalf.theory import C, jsd
from onehalf.theory.divergences import nodes
from onehalf.theory.pushforward import push

__all__ = ["Folds"]

KNOTS = np.linspace(-9.0, 9.0, 20_001)
"""Where the generators of the figure are known; they are taken to be linear in between."""

GENERATORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a fold: G(z) = z^2": np.square,
    "a flat part: G(z) = max(z, 0)": lambda z: np.maximum(z, 0.0),
    "many folds: G(z) = z + 2 sin 3z": lambda z: z + 2 * np.sin(3 * z),
}


class Folds(AbstractExperiment):
    """E_z[h(G(z))] = E_{x ~ p_g}[h(x)] for every measurable G, invertible or not; change of variables, Halmos 1950.

    It asks for no inverse, no Jacobian and no density. Where G folds, each branch adds its
    part, and a formula with a single inverse loses the others; a flat part of G makes an atom;
    a curve in the plane has no density there at all. A density is first needed where two
    expectations become one integral over x, as in proposition 1 of Goodfellow et al. 2014, and
    with respect to (P_data + P_g)/2 it always exists.
    """

    formulas = (17, 18)

    def claims(self) -> Iterator[Claim]:
        """Yield both sides of the identity by quadrature, and C where p_g has no density."""
        by_x, _ = integrate.quad(
            _chi_square_integrand, 0, 80, weight="alg", wvar=(-0.5, 0), epsabs=1e-12
        )
        yield Claim(
            "G = z^2: E log(1 - D) over z as over x, nats",
            by_x,
            _integrate_over_z(jnp.square),
            1e-9,
        )
        one_branch, _ = integrate.quad(
            _one_branch_integrand, 0, 80, weight="alg", wvar=(-0.5, 0), epsabs=1e-12
        )
        yield Claim(
            "G = z^2: p_z(z) |dz/dx| of one branch gives half", by_x / 2, one_branch, 1e-9
        )
        tail, _ = integrate.quad(
            lambda x: stats.norm.pdf(x) * np.logaddexp(0, x), 0, 40, epsabs=1e-12
        )
        flat = -math.log(2) / 2 - tail
        yield Claim(
            "G = max(z, 0): the same, atom at 0 included, nats",
            flat,
            _integrate_over_z(jax.nn.relu),
            1e-9,
        )
        edges = np.array([-np.inf, *np.linspace(0, 30, 301), np.inf])
        off = push(Normal().masses, KNOTS, np.square(KNOTS), edges)[1:] - np.diff(
            stats.chi2(1).cdf(edges[1:])
        )
        yield Claim(
            "G = z^2 in pieces, pushed: chi-square, worst cell", 0.0, np.abs(off).max(), 1e-6
        )
        # p_g is half an atom at 0 and half of p_data, so D_star is 0 there and 2/3 elsewhere
        expected = math.log(2 / 3) + math.log(1 / 3) / 2
        yield Claim(
            "p_g half atom, half U[0, 1]: C(G) in nats",
            expected,
            _compute_C_of_half_an_atom(),
            1e-9,
        )
        yield Claim(
            "the law of (z, 0), and N(0, I): JSD, nats",
            math.log(2),
            _compute_jsd_along_a_line(1e-6),
            1e-5,
        )

    def figure(self) -> Figure:
        """Each G, and the law of G(z): pushed piece by piece, and of samples."""
        figure = Figure(figsize=(11, 5), layout="constrained")
        panels = figure.subplots(2, 3)
        z = np.random.default_rng(self.seed).normal(size=100_000)
        edges = np.linspace(-4, 5, 181)
        cells, width = np.array([-np.inf, *edges, np.inf]), edges[1] - edges[0]
        for (above, below), (name, G) in zip(panels.T, GENERATORS.items(), strict=True):
            some = np.linspace(-3, 3, 301)
            above.plot(some, G(some), color="black", linewidth=STRONG)
            above.set(title=name, xlabel="z", ylabel="x = G(z)")
            exact = push(Normal().masses, KNOTS, G(KNOTS), cells)[1:-1] / width
            histogram = np.histogram(G(z), edges)[0] / len(z) / width
            below.stairs(
                histogram, edges, fill=True, color=DATA, alpha=0.5, label="100,000 samples G(z)"
            )
            below.stairs(
                exact,
                edges,
                color=SAMPLES,
                linewidth=1,
                label="pieces of G, pushed to cells: exact",
            )
            below.set(xlabel="x", ylabel="share per unit of x", ylim=(0, 1.1))
            if exact.max() > 1.1:
                below.annotate(
                    f"up to {exact.max():.1f}",
                    (edges[np.argmax(exact)] + 0.1, 1.02),
                    va="center",
                )
        figure.legend(
            *panels[1, 0].get_legend_handles_labels(),
            loc="outside upper left",
            ncols=2,
            frameon=False,
        )
        return figure


def _integrate_over_z(G: Callable[[Float[Array, " nodes"]], Float[Array, " nodes"]]) -> float:
    """E_z[log(1 - D(G(z)))] for D = sigmoid, z ~ N(0, 1)."""
    with jax.enable_x64():
        z, log_w = nodes(np.arange(-12.0, 13.0))
        value = -softplus(G(jnp.asarray(z[:, 0])))
        return float(jnp.sum(jnp.asarray(np.exp(log_w) * stats.norm.pdf(z[:, 0])) * value))


def _chi_square_integrand(x: float) -> float:
    """log(1 - D(x)) times the density of z^2 without its factor x^(-1/2)."""
    return -float(np.logaddexp(0, x)) * math.exp(-x / 2) / math.sqrt(2 * math.pi)


def _one_branch_integrand(x: float) -> float:
    """log(1 - D(x)) p_z(z) |dz/dx| x^(1/2) at z = sqrt(x), ignoring -sqrt(x)."""
    return -float(np.logaddexp(0, x)) * float(stats.norm.pdf(math.sqrt(x))) / 2


def _compute_C_of_half_an_atom() -> float:
    """Compute C(G) for p_data = U[0, 1] and G(z) = max(z, 0), z ~ U[-1, 1]."""
    edges, z = (
        np.array([0.0, 1e-13, *np.linspace(0.01, 1, 100), np.inf]),
        np.array([-1.0, 0.0, 1.0]),
    )
    with jax.enable_x64():
        p_g = push(Uniform(-1.0, 1.0).masses, z, np.maximum(z, 0), edges)
        return float(C(Uniform().masses([edges]), p_g))


def _compute_jsd_along_a_line(side: float) -> float:
    """Compute the JSD of N(0, I) and the law of (z, 0), in strips `side` wide."""
    inside = 1 - 2 * float(special.ndtr(-side / 2))
    with jax.enable_x64():
        return float(jsd(jnp.array([inside, 1 - inside]), jnp.array([1.0, 0.0])))
