"""Draw how a critic sees two samples: log ratios, the calibration of D, and the wealth of its bets."""

import math
from typing import Any

from matplotlib.figure import Figure

from onehalf.evaluation.result import Calibration, LogRatios, Wealth
from onehalf.figures.style import (
    BAND,
    GOAL,
    STRONG,
    add_legend,
    draw_stairs,
    format_percent,
    new_figure,
)

__all__ = ["draw_calibration", "draw_log_ratios", "draw_wealth"]

LEAST_RANGE = 1.0
"""Log ratios are drawn from -1 to 1 nats at least, so that a critic that sees nothing shows as
one peak at 0."""


def draw_log_ratios(bars: LogRatios, called: str = "samples") -> Figure:
    """Draw histograms of l(x), the critic's log ratio data / samples in nats, on rows that it has not seen.

    >>> bars = LogRatios(edges=(-1.0, 0.0, 1.0), real=(0.3, 0.7), other=(0.6, 0.4))
    >>> draw_log_ratios(bars).axes[0].get_xlabel()
    'log ratio l(x), nats'
    """
    figure, axes = new_figure("log ratio l(x), nats", "share of the rows")
    edges = bars.edges
    draw_stairs(axes, [bars.real, bars.other], edges, ["data", called])
    axes.axvline(0, **GOAL)
    axes.set_xlim(min(edges[0], -LEAST_RANGE), max(edges[-1], LEAST_RANGE))
    note: dict[str, Any] = {"transform": axes.transAxes, "fontsize": "small", "va": "bottom"}
    axes.text(0, 1.02, f"\N{LEFTWARDS ARROW} more like the {called}", ha="left", **note)
    axes.text(1, 1.02, "more like the data \N{RIGHTWARDS ARROW}", ha="right", **note)
    add_legend(figure)
    return figure


def draw_calibration(points: Calibration) -> Figure:
    """Draw the share of data among rows of about one D(x) against this D(x), data and samples mixed half and half.

    >>> draw_calibration(Calibration(D=(0.3, 0.7), real=(0.2, 0.8))).axes[0].get_xlabel()
    'D(x): predicted probability of data'
    """
    figure, axes = new_figure("D(x): predicted probability of data", "observed share of data")
    axes.plot([0, 1], [0, 1], label="perfectly calibrated", **GOAL)
    axes.plot(points.D, points.real, color=BAND, marker="o", label="a tenth of the rows each")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.xaxis.set_major_formatter(format_percent)
    axes.yaxis.set_major_formatter(format_percent)
    add_legend(figure)
    return figure


def draw_wealth(curve: Wealth, alpha: float) -> Figure:
    """Draw the log e-value of the bets against 'both come from one distribution', with a line at log(1/alpha).

    >>> axes = draw_wealth(Wealth(pairs=(1, 2), log_e=(0.5, 1.2)), alpha=0.05).axes[0]
    >>> axes.get_legend_handles_labels()[1]
    ['wealth of the bets', 'rejected from log(1/0.05) = 3.0']
    """
    figure, axes = new_figure("rows of the smaller sample, in order", "log wealth, nats")
    level = math.log(1 / alpha)
    axes.plot(
        [0, *curve.pairs],
        [0, *curve.log_e],
        color=BAND,
        linewidth=STRONG,
        label="wealth of the bets",
    )
    axes.axhline(level, label=f"rejected from log(1/{alpha:g}) = {level:.1f}", **GOAL)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    add_legend(figure)
    return figure
