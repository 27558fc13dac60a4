"""The JSD as a distance: from 0 to log 2, and a metric only after the square root."""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.spatial.distance import jensenshannon

from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, GOAL, SAMPLES, add_legend, new_figure
from onehalf.theory import jsd, tv

__all__ = ["JSDMetric"]

TRIPLES = 2000
"""Random ones; in half of them the second vector is the mean of the others."""

COINS = np.array([[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]])
"""The triple for which JSD fails: two coins that never agree, and a fair one between them."""

Triples = Float[np.ndarray, "triples 3 points"]
"""Three probability vectors in each."""

Sides = Float[np.ndarray, "triples 3"]
"""A divergence between vectors 1 and 2, 2 and 3, and 1 and 3 of each triple."""


class JSDMetric(AbstractExperiment):
    """0 <= JSD <= log 2; sqrt(JSD) keeps the triangle inequality, JSD does not; Endres & Schindelin 2003.

    TV^2/2 <= JSD <= TV log 2 (Pinsker; Lin 1991) says where it ends: at 0 only where TV = 0, so
    p = q, and at log 2 only where TV = 1, so p and q share no mass; different supports are not
    enough. The jensenshannon of scipy is the square root.
    """

    formulas = (35,)

    @cached_property
    def triples(self) -> Triples:
        """Random vectors on four points."""
        triples = np.random.default_rng(self.seed).dirichlet(np.full(4, 0.5), (TRIPLES, 3))
        triples[::2, 1] = triples[::2, ::2].mean(axis=1)
        return triples

    @cached_property
    def sides(self) -> dict[str, Sides]:
        """JSD and TV within each triple, and the JSD within COINS."""
        each_jsd, each_tv = (
            jax.jit(jax.vmap(jax.vmap(divergence))) for divergence in (jsd, tv)
        )
        with jax.enable_x64():
            divergences = {
                "JSD": each_jsd(*_pairs(self.triples)),
                "TV": each_tv(*_pairs(self.triples)),
                "COINS": each_jsd(*_pairs(COINS)),
            }
        return {name: np.asarray(values) for name, values in divergences.items()}

    @cached_property
    def ends(self) -> tuple[Float[np.ndarray, " triples"], Float[np.ndarray, " triples"]]:
        """Compute the JSD of a vector and itself, and of two vectors on disjoint sets."""
        first, second, _ = np.moveaxis(self.triples, 1, 0)
        nothing, each_jsd = np.zeros_like(first), jax.jit(jax.vmap(jsd))
        with jax.enable_x64():
            same = each_jsd(first, first)
            disjoint = each_jsd(np.hstack([first, nothing]), np.hstack([nothing, second]))
        return np.asarray(same), np.asarray(disjoint)

    def claims(self) -> Iterator[Claim]:
        """Where JSD ends, and which triangles it closes."""
        (same, disjoint), JSD, TV = self.ends, self.sides["JSD"], self.sides["TV"]
        first, second = (np.moveaxis(vectors, -1, 0) for vectors in _pairs(self.triples))
        apart = jensenshannon(first, second) ** 2 - JSD
        above, root, gap = (
            JSD - TV * math.log(2),
            np.sqrt(JSD),
            1.5 * math.log(3) - 2 * math.log(2),
        )
        yield Claim("p = q: JSD, greatest of 2,000, nats", 0.0, float(abs(same).max()), 1e-9)
        yield Claim(
            "0 only if p = q: JSD - TV^2/2, least",
            0.0,
            float((JSD - TV**2 / 2).min()),
            1e-9,
            ">=",
        )
        yield Claim(
            "Disjoint p and q: JSD, least of 2,000, nats",
            math.log(2),
            float(disjoint.min()),
            1e-9,
        )
        yield Claim(
            "log 2 only if disjoint: JSD - TV log 2, greatest",
            0.0,
            float(above.max()),
            1e-9,
            "<=",
        )
        yield Claim(
            "sqrt(JSD): a side less the other two, greatest",
            0.0,
            float(_excess(root).max()),
            1e-9,
            "<=",
        )
        coins = _excess(self.sides["COINS"]).item()
        yield Claim("JSD: the same for (1, 0), (1/2, 1/2), (0, 1), nats", gap, coins, 1e-9)
        yield Claim(
            "scipy's distance squared, less JSD, greatest, nats",
            0.0,
            float(abs(apart).max()),
            1e-9,
        )

    def figure(self) -> Figure:
        """The longest side of each triple over the other two."""
        figure, axes = new_figure("the other two sides together", "the longest side")
        coins = {"s": 110, "marker": "*", "edgecolors": "black", "zorder": 3}
        for name, root, colour in (
            ("sqrt(JSD)", np.sqrt, DATA),
            ("JSD, nats", np.asarray, SAMPLES),
        ):
            axes.scatter(
                *_coordinates(root(self.sides["JSD"])),
                s=5,
                color=colour,
                alpha=0.4,
                linewidths=0,
            )
            axes.scatter([], [], color=colour, label=name)
            axes.scatter(*_coordinates(root(self.sides["COINS"])), color=colour, **coins)
        axes.scatter([], [], color="none", label="(1, 0), (1/2, 1/2), (0, 1)", **coins)
        axes.axline((0, 0), slope=1, label="above: no triangle", **GOAL)
        axes.set(xlim=(0, 1.6), ylim=(0, 0.9))
        add_legend(figure)
        return figure


def _pairs(
    triples: Triples,
) -> tuple[Float[np.ndarray, "triples 3 points"], Float[np.ndarray, "triples 3 points"]]:
    """Both ends of each side."""
    return triples[:, [0, 1, 0]], triples[:, [1, 2, 2]]


def _excess(sides: Sides) -> Float[np.ndarray, " triples"]:
    """Subtract the other sides from the longest: above 0, the triangle inequality fails."""
    return 2 * sides.max(axis=1) - sides.sum(axis=1)


def _coordinates(
    sides: Sides,
) -> tuple[Float[np.ndarray, " triples"], Float[np.ndarray, " triples"]]:
    """Across and up: the two shorter sides together, and the longest."""
    longest = sides.max(axis=1)
    return sides.sum(axis=1) - longest, longest
