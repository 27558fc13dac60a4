"""How hard the best D pulls on G, by G's loss: from which of them a bad G still learns."""

from collections.abc import Iterator
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from onehalf._typing import Scalar
from onehalf.distributions import Normal
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.experiments.danskin import gradient_of_G
from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, add_legend, new_figure
from onehalf.losses import MaximumLikelihood, Minimax, NonSaturating
from onehalf.theory import jsd, kl

__all__ = ["Saturation"]

LINE = np.arange(-14.0, 25.0)
"""Breakpoints that hold N(0, 1) and N(mu, 1)."""
SHIFTS = np.arange(0.25, 10.1, 0.25)
MINIMAX = {
    0.5: 0.235263506114852,
    1.0: 0.397972867183250,
    2.0: 0.449599509206673,
    4.0: 0.137194817581478,
    6.0: 0.012453239219711,
    8.0: 0.000392874736072,
    10.0: 0.000004464100214,
}
"""E[mu D_star(G(z))] at some shifts mu, by quadrature to 30 digits."""
LOSSES = {
    "minimax": Minimax(),
    "non-saturating": NonSaturating(),
    "maximum likelihood": MaximumLikelihood(ceiling=np.inf),
    "maximum likelihood, d up to 20": MaximumLikelihood(),
}


class Saturation(AbstractExperiment):
    """At D_star the non-saturating gradient is grad [KL(p_g || p_data) - 2 JSD]; Arjovsky & Bottou 2017, theorem 2.5.

    Data are N(0, 1) and samples N(mu, 1). Where G is bad and D sure, minimax's gradient E[mu
    D_star(G(z))] fades and the non-saturating one, E[mu (1 - D_star(G(z)))], tends to mu. Their
    sum is mu, the gradient of KL(p_g || p_data), because log D - log(1 - D) = d. Maximum
    likelihood (Goodfellow 2016, section 3.2) has the gradient of KL(p_data || p_g), which is mu
    as well. The trap: that expectation lives on samples so rare that no minibatch holds them,
    with exp d of any size; the loss's ceiling keeps float32 finite, and cuts them off.
    """

    formulas = (43,)

    @cached_property
    def gradients(self) -> dict[str, Float[np.ndarray, " shifts"]]:
        """Of each loss by mu, over SHIFTS, with D_star held fixed; and of the divergences."""

        def reverse(mu: Scalar) -> Scalar:
            return kl(Normal(mu), Normal(), LINE) - 2 * jsd(Normal(), Normal(mu), LINE)

        def forward(mu: Scalar) -> Scalar:
            return kl(Normal(), Normal(mu), LINE)

        gradients = {name: partial(gradient_of_G, loss) for name, loss in LOSSES.items()}
        gradients |= {
            "KL(p_g || p_data) - 2 JSD": jax.grad(reverse),
            "KL(p_data || p_g)": jax.grad(forward),
        }
        with jax.enable_x64():
            shifts = jnp.asarray(SHIFTS)
            return {
                name: np.asarray(jax.jit(jax.vmap(gradient))(shifts))
                for name, gradient in gradients.items()
            }

    def claims(self) -> Iterator[Claim]:
        """Minimax's gradient as tabulated, and the others by what they are the gradients of."""
        minimax, non_saturating, likelihood, limited, reverse, forward = self.gradients.values()
        tabulated = np.searchsorted(SHIFTS, list(MINIMAX))
        table = np.array(list(MINIMAX.values()))
        worst = {
            "minimax - table of 7 shifts": minimax[tabulated] - table,
            "non-saturating - (mu - table)": non_saturating[tabulated]
            - (SHIFTS[tabulated] - table),
            "minimax + non-saturating - mu": minimax + non_saturating - SHIFTS,
            "non-saturating - grad [KL - 2 JSD]": non_saturating - reverse,
            "maximum likelihood - grad KL(p_data || p_g)": likelihood - forward,
        }
        yield Claim("mu = 10: minimax gradient, nats", MINIMAX[10.0], float(minimax[-1]), 1e-12)
        yield Claim(
            "mu = 10: non-saturating gradient, nats",
            10 - MINIMAX[10.0],
            float(non_saturating[-1]),
            1e-9,
        )
        yield Claim(
            "mu = 1: maximum likelihood's gradient, mu, nats",
            1.0,
            float(limited[SHIFTS == 1].item()),
            1e-9,
        )
        for name, difference in worst.items():
            yield Claim(f"greatest |{name}|", 0.0, float(np.abs(difference).max()), 1e-9, "<=")

    def figure(self) -> Figure:
        """The gradients over mu."""
        figure, axes = new_figure("shift mu of p_g = N(mu, 1)", "G's gradient at D_star, nats")
        for name, colour, style in zip(
            LOSSES, (DATA, SAMPLES, BAND, BAND), ("-", "-", "-", ":"), strict=True
        ):
            axes.semilogy(
                SHIFTS,
                self.gradients[name],
                color=colour,
                linestyle=style,
                linewidth=STRONG,
                label=name,
            )
        axes.semilogy(SHIFTS, SHIFTS, label="mu", **GOAL)
        add_legend(figure)
        return figure
