"""Curves over the rounds of a fit; the chosen game is strong, and any others are pale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, legend, plain

__all__ = ["against", "looks"]

History = Sequence[Mapping[str, Any]]
"""`GAN.history_`: a row each 100 rounds, with a number for each game under each name."""


def against(
    history: History,
    curves: Mapping[str, str],
    *,
    label: str,
    level: tuple[float, str] | None = None,
    chosen: int = 0,
    log: bool = False,
) -> Figure:
    """Curves over the rounds against a level, a dashed line.

    `curves` says which names of the history are drawn, and what the legend calls them.

    >>> rows = [{"t": 100, "V": [-1.2]}, {"t": 200, "V": [-1.3]}]
    >>> against(rows, {"V": "V"}, label="nats", level=(-1.386, "-log 4")).axes[0].get_xlabel()
    'round'
    """
    figure, axes = plain("round", label)
    for (name, meaning), colour in zip(curves.items(), (DATA, SAMPLES), strict=False):
        _curve(axes, history, name, chosen, color=colour, label=meaning)
    if level:
        axes.axhline(level[0], label=level[1], **GOAL)
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    legend(figure)
    return figure


def looks(history: History, *, chosen: int = 0, kept: int | None = None) -> Figure:
    """Held-out nats at each look, with one standard error, over what is certified; data against data is a band.

    A ring marks the G that is kept, that of round `kept`.

    >>> row = {"t": 100, "jsd_estimate": [0.2], "jsd_se": [0.01], "jsd_lower": [0.15]}
    >>> looks([row], kept=100).axes[0].get_ylabel()
    'JSD from below, nats'
    """
    figure, axes = plain("round", "JSD from below, nats")
    seen = [row for row in history if "jsd_estimate" in row]
    t = [row["t"] for row in seen]
    marks = {"color": SAMPLES, "marker": "o", "markersize": 3.5, "label": "samples, estimate"}
    estimate = _curve(axes, seen, "jsd_estimate", chosen, **marks)
    axes.errorbar(
        t,
        estimate,
        [row["jsd_se"][chosen] for row in seen],
        fmt="none",
        ecolor=SAMPLES,
        elinewidth=1,
    )
    lower = [row["jsd_lower"][chosen] for row in seen]
    axes.plot(
        t,
        lower,
        color=SAMPLES,
        linewidth=1,
        linestyle=":",
        marker="_",
        label="samples, at least",
    )
    if kept is not None and kept in t:
        ring = {"marker": "o", "markersize": 11, "fillstyle": "none", "linestyle": "none"}
        axes.plot(kept, estimate[t.index(kept)], color="black", label="G that is kept", **ring)
    for null in [row["null"] for row in seen if "null" in row]:
        jsd, se = null["jsd_estimate"], null["jsd_se"]
        axes.axhspan(
            jsd - se, jsd + se, color=BAND, alpha=0.35, linewidth=0, label="data against data"
        )
        axes.axhline(jsd, color=BAND, linewidth=1)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    legend(figure)
    return figure


def _curve(
    axes: Axes, history: History, name: str, chosen: int, *, color: str, **strong: Any
) -> np.ndarray:
    """What `name` is in each game over the rounds, and the chosen game's values."""
    t = [row["t"] for row in history]
    games = np.reshape([row[name] for row in history], (len(history), -1)).T
    for values in np.delete(games, chosen, axis=0):
        axes.plot(t, values, color=color, linewidth=0.8, alpha=0.5)
    axes.plot(t, games[chosen], color=color, linewidth=STRONG, zorder=3, **strong)
    return games[chosen]
