"""What a `Measurement` has to draw: log ratios, the calibration of D, and the wealth of the bet."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from onehalf.figures.style import BAND, GOAL, STRONG, legend, percent, plain, stairs

__all__ = ["calibration", "log_ratio", "wealth"]

Drawn = Mapping[str, Mapping[str, Sequence[float]]]
"""`Measurement.drawn`: bars of log ratios, bins of the calibration, the curve of wealth."""


def log_ratio(drawn: Drawn, called: str = "samples") -> Figure:
    """Histograms of l(x), the critic's log ratio data / samples in nats, at rows of both that it had not seen.

    >>> bars = {"edges": [-1.0, 0.0, 1.0], "real": [0.3, 0.7], "other": [0.6, 0.4]}
    >>> log_ratio({"log_ratio": bars}).axes[0].get_xlabel()
    'log ratio l(x), nats'
    """
    figure, axes = plain("log ratio l(x), nats", "share of the rows")
    bars = drawn["log_ratio"]
    edges = bars["edges"]
    stairs(axes, [bars["real"], bars["other"]], edges, ["data", called])
    axes.axvline(0, **GOAL)
    # a critic that sees nothing shows as one peak at 0, not as its noise writ large
    axes.set_xlim(min(edges[0], -1.0), max(edges[-1], 1.0))
    side: dict[str, Any] = {"transform": axes.transAxes, "fontsize": "small", "va": "bottom"}
    axes.text(0, 1.02, f"\N{LEFTWARDS ARROW} more like the {called}", ha="left", **side)
    axes.text(1, 1.02, "more like the data \N{RIGHTWARDS ARROW}", ha="right", **side)
    legend(figure)
    return figure


def calibration(drawn: Drawn) -> Figure:
    """The share of rows that are data among those of about one D(x), against this D(x), from data and samples mixed.

    >>> calibration({"calibration": {"D": [0.3, 0.7], "real": [0.2, 0.8]}}).axes[0].get_xlabel()
    'what D says: the probability of data'
    """
    figure, axes = plain(
        "what D says: the probability of data", "what is so: the share of data"
    )
    axes.plot([0, 1], [0, 1], label="D says what is so", **GOAL)
    points = drawn["calibration"]
    axes.plot(
        points["D"], points["real"], color=BAND, marker="o", label="a tenth of the rows each"
    )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    legend(figure)
    return figure


def wealth(drawn: Drawn, alpha: float) -> Figure:
    """The log wealth of the bet against 'both come from one distribution', with a line at log(1/alpha).

    >>> axes = wealth({"wealth": {"pairs": [1, 2], "log_e": [0.5, 1.2]}}, alpha=0.05).axes[0]
    >>> axes.get_legend_handles_labels()[1]
    ['wealth of the bet', 'refuted: log(1/0.05) = 3.0']
    """
    figure, axes = plain("rows bet on, of the smaller sample", "log wealth, nats")
    curve, goal = drawn["wealth"], math.log(1 / alpha)
    axes.plot(
        [0, *curve["pairs"]],
        [0, *curve["log_e"]],
        color=BAND,
        linewidth=STRONG,
        label="wealth of the bet",
    )
    axes.axhline(goal, label=f"refuted: log(1/{alpha:g}) = {goal:.1f}", **GOAL)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    legend(figure)
    return figure
