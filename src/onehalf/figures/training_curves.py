"""Draw curves over the rounds of a fit.

The selected seed is strong, and any others are pale.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from onehalf.figures.style import (
    BAND,
    DATA,
    GOAL,
    SAMPLES,
    STRONG,
    add_legend,
    new_figure,
)

__all__ = ["draw_evaluations", "draw_training_curves", "informative_evaluations"]

History = Sequence[Mapping[str, Any]]
"""`GAN.history_`: a row each 100 rounds, with a number for each seed under each name."""

RING: dict[str, Any] = {
    "color": "black",
    "marker": "o",
    "markersize": 11,
    "fillstyle": "none",
    "linestyle": "none",
}
"""The marker of the generator that was kept."""


def draw_training_curves(
    history: History,
    curves: Mapping[str, str],
    *,
    label: str,
    level: tuple[float, str] | None = None,
    chosen: int = 0,
    log: bool = False,
    least_span: float = 0.0,
) -> Figure:
    """Draw curves over the rounds against a level, a dashed line.

    Args:
        history: The rows of a fit's history.
        curves: Which entries of the history to draw, and their names in the legend.
        label: The vertical axis.
        level: A value to compare with, and its name.
        chosen: Which seed was selected, from 0.
        log: Whether the vertical axis is logarithmic.
        least_span: The vertical axis reaches at least this far above and below the level, so
            that small fluctuations look small.

    >>> rows = [{"t": 100, "V": [-1.2]}, {"t": 200, "V": [-1.3]}]
    >>> draw_training_curves(rows, {"V": "V"}, label="nats", level=(-1.386, "-log 4")).axes[0].get_xlabel()
    'round'
    """
    figure, axes = new_figure("round", label)
    for (name, meaning), colour in zip(curves.items(), (DATA, SAMPLES), strict=False):
        t = [row["t"] for row in history]
        _draw_curve(axes, t, _by_seed(history, name), chosen, color=colour, label=meaning)
    if level:
        axes.axhline(level[0], label=level[1], **GOAL)
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, level[0] - least_span), max(high, level[0] + least_span))
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    add_legend(figure)
    return figure


def informative_evaluations(history: History, chosen: int = 0) -> list[Mapping[str, Any]]:
    """The evaluations of a seed that have a number: enough rows, and a critic that saw a difference or could have.

    An evaluation without a standard error had too few rows, or critics that all stayed at D =
    1/2; its 0 is no evidence.

    >>> empty = {"t": 100, "jsd_estimate": [0.0], "jsd_se": [0.0], "jsd_lower": [0.0]}
    >>> informative_evaluations([{"t": 50}, empty])
    []
    """
    return [
        row
        for row in history
        if "jsd_estimate" in row
        and row["jsd_se"][chosen] > 0
        and math.isfinite(row["jsd_estimate"][chosen])
    ]


def draw_evaluations(
    history: History, *, chosen: int = 0, kept: int | None = None
) -> Figure | None:
    """Draw held-out nats at each evaluation with one standard error, the certified bound, and data against data.

    Only evaluations that have a number are drawn (`informative_evaluations`); None if there is
    none.

    Args:
        history: The rows of a fit's history.
        chosen: Which seed was selected, from 0.
        kept: The round whose G is kept; it is marked by a ring.

    >>> row = {"t": 100, "jsd_estimate": [0.2], "jsd_se": [0.01], "jsd_lower": [0.15]}
    >>> draw_evaluations([row], kept=100).axes[0].get_ylabel()
    'JSD from below, nats'
    """
    rows = informative_evaluations(history, chosen)
    if not rows:
        return None
    figure, axes = new_figure("round", "JSD from below, nats")
    t = [row["t"] for row in rows]
    dots = {"color": SAMPLES, "marker": "o", "markersize": 3.5, "label": "samples, estimate"}
    errors = _by_seed(rows, "jsd_se")
    estimates = np.where(errors > 0, _by_seed(rows, "jsd_estimate"), np.nan)
    _draw_curve(axes, t, estimates, chosen, **dots)
    bars = {"fmt": "none", "ecolor": SAMPLES, "elinewidth": 1}
    axes.errorbar(t, estimates[chosen], errors[chosen], **bars)
    axes.plot(
        t,
        [row["jsd_lower"][chosen] for row in rows],
        color=SAMPLES,
        linewidth=1,
        linestyle=":",
        marker="_",
        label="samples, at least",
    )
    if kept in t:
        place = t.index(kept)
        axes.plot(t[place], estimates[chosen][place], label="G that is kept", **RING)
    _draw_baseline(axes, history)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    add_legend(figure)
    return figure


def _draw_baseline(axes: Axes, history: History) -> None:
    """Draw the estimate for data against data as a band of one standard error."""
    for null in [row["null"] for row in history if "null" in row]:
        jsd = null["jsd_estimate"]
        se = null["jsd_se"]
        if not se > 0:  # too few rows
            continue
        band = {"color": BAND, "alpha": 0.35, "linewidth": 0, "label": "data against data"}
        axes.axhspan(jsd - se, jsd + se, **band)
        axes.axhline(jsd, color=BAND, linewidth=1)


def _by_seed(history: History, name: str) -> Float[np.ndarray, "seeds rounds"]:
    """One entry of the history, a row for each seed."""
    return np.array([row[name] for row in history], float).reshape(len(history), -1).T


def _draw_curve(
    axes: Axes,
    t: Sequence[int],
    seeds: Float[np.ndarray, "seeds rounds"],
    chosen: int,
    *,
    color: str,
    **style: Any,
) -> None:
    """Draw a curve for each seed, that of the selected one strongly."""
    point = {"marker": "o", "markersize": 4} if len(t) == 1 else {}  # a line would be invisible
    for values in np.delete(seeds, chosen, axis=0):
        axes.plot(t, values, color=color, linewidth=0.8, alpha=0.5, **point)
    axes.plot(t, seeds[chosen], color=color, linewidth=STRONG, zorder=3, **(point | style))
