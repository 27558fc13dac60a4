"""Draw the best discriminator of a known density, and the one that was learned."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG, hide_spines
from onehalf.theory.ground_truth import GroundTruth, merge_cells

__all__ = ["draw_ground_truth"]

Rows = Float[np.ndarray, "n columns"]

CELLS_ON_A_SIDE = {1: 5, 2: 10}
"""How many cells on a side are drawn as one, by the number of axes."""

LEAST_MASS = 1e-5
"""With less probability than this of both together in a block of cells any D is as good:
nothing is drawn there."""

EMPTY_COLOUR = "#B0B0B0"
"""The colour of such blocks in a map."""


def draw_ground_truth(
    truth: GroundTruth, D: Callable[[Rows], Float[np.ndarray, " n"]]
) -> Figure:
    """Draw D_star = p_data / (p_data + p_g) from cells, and the learned D: curves on a line, maps in the plane.

    Args:
        truth: The cells, and the probability of each under p_data and p_g.
        D: The learned probability of being data, of rows in the units of the cells.
    """
    inner = [edges[1:-1] for edges in truth.edges]
    side = CELLS_ON_A_SIDE[len(inner)]
    middles = [_middles(edges[::side]) for edges in inner]
    p_data = merge_cells(_drop_outer_cells(truth.p_data), side)
    p_g = merge_cells(_drop_outer_cells(truth.p_g), side)
    occupied = p_data + p_g > LEAST_MASS
    best = np.where(occupied, truth._replace(p_data=p_data, p_g=p_g).D_star, np.nan)
    points = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    values = D(points.reshape(-1, points.shape[-1])).reshape(occupied.shape)
    learned = np.where(occupied, values, np.nan)
    if occupied.ndim == 1:
        (x,) = middles
        width = x[1] - x[0]
        return _draw_curves(x, {"p_data": p_data / width, "p_g": p_g / width}, best, learned)
    return _draw_maps(best, learned, [(float(edges[0]), float(edges[-1])) for edges in inner])


def _drop_outer_cells(masses: np.ndarray) -> np.ndarray:
    """Drop the cells that reach to infinity."""
    return masses[(slice(1, -1),) * masses.ndim]


def _middles(edges: Float[np.ndarray, " n"]) -> Float[np.ndarray, " _"]:
    """The middle of each cell."""
    return (edges[:-1] + edges[1:]) / 2


def _draw_curves(
    x: np.ndarray, densities: Mapping[str, np.ndarray], best: np.ndarray, learned: np.ndarray
) -> Figure:
    """Draw both densities, and both discriminators below them."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for (name, values), colour in zip(densities.items(), (DATA, SAMPLES), strict=True):
        above.plot(x, values, color=colour, linewidth=STRONG, label=name)
    above.set_ylabel("density")
    below.plot(x, best, color=BAND, linewidth=STRONG, label="D_star")
    below.plot(x, learned, color="black", linewidth=1, label="D, learned")
    below.axhline(0.5, label="1/2", **GOAL)
    below.set(xlabel="x", ylabel="probability of data", ylim=(0, 1))
    for axes in (above, below):
        hide_spines(axes)
    handles = [each for axes in (above, below) for each in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside upper left", ncols=5, frameon=False)
    return figure


def _draw_maps(
    best: np.ndarray, learned: np.ndarray, spans: list[tuple[float, float]]
) -> Figure:
    """Draw both discriminators over the plane, on one scale of colours."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 2, sharex=True, sharey=True))
    colours = LinearSegmentedColormap.from_list("D", [SAMPLES, "white", DATA])
    scale = {"cmap": colours.with_extremes(bad=EMPTY_COLOUR), "clim": (0, 1)}
    extent = (*spans[0], *spans[1])
    for axes, values, title in zip(
        panels, (best, learned), ("D_star", "D, learned"), strict=True
    ):
        axes.imshow(values.T, origin="lower", extent=extent, interpolation="nearest", **scale)
        axes.set(title=title, xlabel="x1", aspect="auto")
        axes.set_box_aspect(1)
    panels[0].set_ylabel("x2")
    shown = ScalarMappable(cmap=scale["cmap"])
    shown.set_clim(0, 1)
    figure.colorbar(
        shown, ax=panels, label="probability of data; 1/2 at the end of the game", pad=0.01
    )
    return figure
