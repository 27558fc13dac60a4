"""How many modes G has: by the birthday test, and on a ring of eight in three arms."""

import math
from collections.abc import Iterator
from functools import cached_property

import equinox as eqx
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onehalf._typing import Keys, PRNGKey
from onehalf.distributions import Normal, Ring
from onehalf.distributions.base import Latent, Pushforward
from onehalf.experiments.base import AbstractExperiment, Claim
from onehalf.figures.style import DATA, SAMPLES, hide_spines
from onehalf.losses import AbstractLoss, NonSaturating, Relativistic
from onehalf.nets import MLP
from onehalf.penalties import R1, R2, AbstractPenalty
from onehalf.training import Game, State, init, train

__all__ = ["Modes", "collision_probability", "count_modes_hit", "is_high_quality"]

BIRTHDAYS = {100: 13, 1000: 38, 10_000: 119}
"""By the number of equally likely values: the fewest draws with P(two equal) >= 1/2."""

BATCHES = 4000

RING = Ring(radius=2.0, std=0.1)
GAMES = 16
"""Games of each arm."""
ROUNDS = 1000
"""Rounds of each game."""
M = 64
"""The minibatch."""
SAMPLED = 2500
"""Samples of each trained G."""
RATE_D = 2e-3
"""D's learning rate."""
RATE_G = 1e-2
"""G's learning rate."""
GAMMA = 0.3
"""The weight of each penalty."""

ARMS: dict[str, tuple[AbstractLoss, tuple[AbstractPenalty, ...]]] = {
    "non-saturating": (NonSaturating(), ()),
    "non-saturating, R1": (NonSaturating(), (R1(GAMMA),)),
    "relativistic, R1 and R2": (Relativistic(), (R1(GAMMA), R2(GAMMA))),
}
PLAIN, WITH_R1, WITH_BOTH = ARMS

Planes = Float[np.ndarray, "games n 2"]
"""Samples in the plane, n of each game."""


class Modes(AbstractExperiment):
    """P(two equal among s of N) = 1 - prod_{i<s} (1 - i/N), 1/2 near 1.18 sqrt(N); test of Arora & Zhang 2017.

    Then short games on a ring of eight normals (radius 2, std 0.1), from the same players in
    three ways: plain, with R1, and relativistic with R1 and R2. G's rate is five times D's:
    plain G then chases D with all of its samples, from mode to mode. Penalties keep D from
    being steep, and G spreads to all eight; R1 alone does as well here as the third. A mode is
    hit if one of 2,500 samples lies within 3 standard deviations of its centre; samples there
    are of high quality (Lin et al. 2018), as 1 - exp(-9/2) of the data are. The traps: the
    order is measured, not proved, and at equal rates the plain game hits all eight too; and so
    does a G that covers the plane: so read the share as well.
    """

    @cached_property
    def samples(self) -> dict[str, Planes]:
        """Those of the last G of each game, by arm."""
        keys = [jr.split(key, GAMES) for key in jr.split(jr.key(self.seed), 5)[:3]]
        return {arm: _play(arm, *keys) for arm in ARMS}

    @cached_property
    def hits(self) -> dict[str, Float[np.ndarray, " games"]]:
        """Modes hit, of 8."""
        return {arm: count_modes_hit(samples) for arm, samples in self.samples.items()}

    @cached_property
    def shares(self) -> dict[str, Float[np.ndarray, " games"]]:
        """Shares of high quality."""
        return {
            arm: is_high_quality(samples).any(axis=2).mean(axis=1)
            for arm, samples in self.samples.items()
        }

    def claims(self) -> Iterator[Claim]:
        """Yield the birthday test, the measure of quality, and the three ways to play."""
        key_birthday, key_ring = jr.split(jr.key(self.seed), 5)[3:]
        for n, s in BIRTHDAYS.items():
            fewest = next(size for size in range(n) if collision_probability(n, size) >= 1 / 2)
            yield Claim(
                f"N = {n}: draws for two equal with P >= 1/2", float(s), float(fewest), 0.0
            )
        n, s = next(iter(BIRTHDAYS.items()))
        draws = (
            np.asarray(Latent(choices=n).sample(key_birthday, BATCHES * s))
            .argmax(axis=1)
            .reshape(BATCHES, s)
        )
        equal = (np.diff(np.sort(draws, axis=1), axis=1) == 0).any(axis=1)
        yield Claim.from_mean(
            f"Latent of {n} choices: P(two equal among {s})", collision_probability(n, s), equal
        )
        truth = np.asarray(RING.sample(key_ring, GAMES * SAMPLED))
        yield Claim.from_mean(
            "Share of high quality among data",
            1 - math.exp(-9 / 2),
            is_high_quality(truth).any(axis=1),
        )
        for text, values_by_arm, arm in (
            ("Modes hit: R1 less plain", self.hits, WITH_R1),
            ("Modes hit: relativistic, R1, R2 less plain", self.hits, WITH_BOTH),
            ("High quality: relativistic, R1, R2 less plain", self.shares, WITH_BOTH),
        ):
            yield Claim.from_differences(text, values_by_arm[arm] - values_by_arm[PLAIN])

    def figure(self) -> Figure:
        """Draw modes and quality of each game; below, samples of each arm's first game."""
        figure = Figure(figsize=(8.4, 6.4), layout="constrained")
        panels = figure.subplot_mosaic("hhhqqq;001122", height_ratios=(1, 1.2))
        _dots(panels["h"], self.hits, "modes hit, of 8")
        _dots(panels["q"], self.shares, "share of high-quality samples")
        panels["q"].set_yticklabels([])
        for panel, (arm, samples) in zip("012", self.samples.items(), strict=True):
            axes = panels[panel]
            axes.plot(
                *samples[0].T,
                ".",
                color=SAMPLES,
                markersize=1.5,
                alpha=0.5,
                label="samples of the first game",
            )
            axes.plot(
                *np.asarray(RING.means).T,
                "o",
                color=DATA,
                fillstyle="none",
                label="centres of modes",
            )
            axes.set_title(arm, fontsize="medium")
            axes.set(
                xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal", xlabel="x1", ylabel="x2"
            )
            axes.label_outer()
        dots, clouds = (panels[panel].get_legend_handles_labels() for panel in "h0")
        handles, labels = dots[0] + clouds[0], dots[1] + clouds[1]
        figure.legend(
            handles, labels, loc="outside upper left", ncols=4, frameon=False, markerscale=1.5
        )
        return figure


def collision_probability(n: int, s: int) -> float:
    """The probability that two among s draws from n equally likely values are equal.

    >>> round(collision_probability(365, 23), 4)
    0.5073
    """
    return 1 - math.prod(1 - i / n for i in range(s))


def is_high_quality(samples: Float[np.ndarray, "*n 2"]) -> Bool[np.ndarray, "*n modes"]:
    """Whether a sample lies within 3 standard deviations of a mode's centre."""
    return (
        np.linalg.norm(samples[..., None, :] - np.asarray(RING.means), axis=-1) < 3 * RING.std
    )


def count_modes_hit(samples: Planes) -> Float[np.ndarray, " games"]:
    """How many modes have a sample of high quality."""
    return is_high_quality(samples).any(axis=1).sum(axis=1).astype(np.float64)


def _play(arm: str, keys_players: Keys, keys: Keys, keys_samples: Keys) -> Planes:
    loss, penalties = ARMS[arm]
    adam_D, adam_G = (optax.adam(rate, b1=0.5, b2=0.99) for rate in (RATE_D, RATE_G))
    p_z = Normal(shape=(16,))
    game = Game(RING, p_z, loss, penalties, adam_D, adam_G, m=M)

    def players(key: PRNGKey) -> State:
        key_D, key_G = jr.split(key)
        G = MLP(key_G, p_z.shape, RING.shape, width=64, activation="relu")
        return init(game, MLP(key_D, RING.shape, (), width=64), G)

    state = train(keys, game, eqx.filter_vmap(players)(keys_players), ROUNDS, every=ROUNDS)
    return np.asarray(_sample(state.G, p_z, keys_samples))


@eqx.filter_jit
@eqx.filter_vmap(in_axes=(0, None, 0))
def _sample(G: MLP, p_z: Normal, key: PRNGKey) -> Float[Array, "n 2"]:
    return Pushforward(G, p_z).sample(key, SAMPLED)


def _dots(
    axes: Axes, values_by_arm: dict[str, Float[np.ndarray, " games"]], xlabel: str
) -> None:
    """Draw a row for each arm: its games, one above the other, and their mean."""
    values, rows = np.array(list(values_by_arm.values())), np.arange(len(values_by_arm))
    apart = np.linspace(-0.05, 0.35, values.shape[1])
    places = np.add.outer(rows, apart).ravel()
    axes.plot(
        values.ravel(), places, "o", color=SAMPLES, alpha=0.6, markersize=3, label="one game"
    )
    means, errors = values.mean(axis=1), values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    axes.errorbar(
        means,
        rows - 0.2,
        xerr=errors,
        fmt="D",
        color=DATA,
        capsize=3,
        label="mean ± standard error",
    )
    for row, mean, error in zip(rows, means, errors, strict=True):
        axes.text(
            0.5,
            row - 0.3,
            f"{mean:.2f} ± {error:.2f}",
            transform=axes.get_yaxis_transform(),
            ha="center",
        )
    axes.set(
        xlabel=xlabel,
        ylim=(len(values_by_arm) - 0.5, -0.6),
        yticks=rows,
        yticklabels=list(values_by_arm),
    )
    hide_spines(axes)
