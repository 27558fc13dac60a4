"""The smallest game: one number a side, all data at 0.

Who circles, who arrives, and what R1 does.
"""

import math
from collections.abc import Iterator
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import BAND, DATA, SAMPLES, put_legend_above
from onehalf.losses import Minimax, NonSaturating
from onehalf.penalties import R1
from onehalf.theory import DiracGame

__all__ = ["DiracGAN"]

START = (1.0, -1.0)
"""Samples at 1, and a D that already knows them from data: its logit falls towards them."""
H = 0.2
"""The length of a step."""
STEPS = 500
"""Steps of each game."""
GAMES = {
    "minimax, simultaneous": DiracGame(Minimax(), h=H),
    "minimax, alternating": DiracGame(Minimax(), h=H, first="G"),
    "non-saturating, simultaneous": DiracGame(NonSaturating(), h=H),
    "non-saturating, alternating": DiracGame(NonSaturating(), h=H, first="G"),
    "minimax with R1, gamma 0.3": DiracGame(Minimax(), (R1(0.3),), h=H),
    "minimax with R1, gamma 1": DiracGame(Minimax(), (R1(1.0),), h=H),
}


class DiracGAN(AbstractExperiment):
    """p_g = delta_theta, d(x) = psi x: undamped, the players circle; R1 stops them; Mescheder et al. 2018, section 2.

    Steps of length h = 0.2 from (1, -1). The eigenvalues of a step at the equilibrium (0, 0)
    decide: their modulus is sqrt(1 + h^2/4) > 1 if both players step at once, 1 if they take
    turns, and with R1, both at once, |1 + h (-gamma +- sqrt(gamma^2 - 1))/2| < 1. The
    non-saturating loss has the same eigenvalues, and only ever circles (both at once) or closes
    in more slowly than any exponential (in turn). The traps: gamma has the factor 1/2 here, as
    in the paper, and not in the authors' code; psi has the other sign there, D being high on
    samples, so that their (1, 1) is our (1, -1); and G steps first where they take turns, as
    there.
    """

    @cached_property
    def orbits(self) -> dict[str, Float[np.ndarray, "steps 2"]]:
        """(theta, psi) after 0, 1, ..., STEPS steps of each game."""
        with jax.enable_x64():
            return {
                name: np.asarray(game.orbit(jnp.array(START), STEPS))
                for name, game in GAMES.items()
            }

    def claims(self) -> Iterator[Claim]:
        """How far from the equilibrium after 500 steps, and the eigenvalues that decide it."""
        far = {name: float(np.hypot(*orbit[-1])) for name, orbit in self.orbits.items()}
        yield Claim(
            "minimax, simultaneous: distance after 500 steps",
            3.0969,
            far["minimax, simultaneous"],
            5e-5,
        )
        yield Claim("minimax, alternating: distance", 1.4210, far["minimax, alternating"], 5e-5)
        yield Claim(
            "non-saturating, simultaneous: distance",
            0.6402,
            far["non-saturating, simultaneous"],
            5e-5,
        )
        yield Claim(
            "non-saturating, alternating: distance",
            0.2839,
            far["non-saturating, alternating"],
            5e-5,
        )
        yield Claim(
            "minimax with R1, gamma 0.3: distance",
            2.64e-6,
            far["minimax with R1, gamma 0.3"],
            5e-9,
        )
        for name, expected in (
            ("minimax, simultaneous", math.sqrt(1 + H**2 / 4)),
            ("minimax, alternating", 1.0),
            (
                "minimax with R1, gamma 0.3",
                abs(1 + H * (-0.15 + 1j * math.sqrt(0.25 - 0.15**2))),
            ),
        ):
            yield Claim(
                f"{name}: greatest |eigenvalue| at (0, 0)",
                expected,
                _modulus(GAMES[name]),
                1e-9,
            )

    def figure(self) -> Figure:
        """The orbits, two to a panel."""
        figure = Figure(figsize=(9, 4.1), layout="constrained")
        panels, names = figure.subplots(1, 3, sharex=True, sharey=True), list(GAMES)
        for axes, pair in zip(panels, zip(names[::2], names[1::2], strict=True), strict=True):
            for name, colour in zip(pair, (SAMPLES, DATA), strict=True):
                axes.plot(
                    *self.orbits[name].T,
                    color=colour,
                    linewidth=0.8,
                    marker=".",
                    markersize=2,
                    label=name,
                )
            put_legend_above(axes)
            axes.plot(*START, "D", color=BAND, markersize=5, label="start")
            axes.plot(0, 0, "+", color="black", markersize=10, label="equilibrium")
            axes.set(xlabel="theta, where the samples are", aspect="equal")
        panels[0].set_ylabel("psi, the slope of D's logit")
        figure.legend(
            handles=panels[0].get_lines()[2:],
            loc="outside lower center",
            ncols=2,
            frameon=False,
            fontsize="small",
        )
        return figure


def _modulus(game: DiracGame) -> float:
    """The greatest modulus of an eigenvalue of the step's Jacobian at the equilibrium."""
    with jax.enable_x64():
        jacobian = jax.jit(jax.jacobian(game.step))(jnp.zeros(2))
    return float(np.abs(np.linalg.eigvals(jacobian)).max())
