"""The best discriminator of a density that is known, beside the one that was learned."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from onehalf.figures.style import BAND, DATA, GOAL, SAMPLES, STRONG
from onehalf.theory.pushforward import GroundTruth, blocks

__all__ = ["truth"]

Rows = Float[np.ndarray, "n columns"]

BLOCK = {1: 5, 2: 10}
"""So many cells on a side are drawn as one, by the number of axes."""

SEEN, NOWHERE = 1e-5, "#B0B0B0"
"""Where less than this of both together lies in a block of cells, any D is as good, and maps are grey."""


def truth(known: GroundTruth, D: Callable[[Rows], Float[np.ndarray, " n"]]) -> Figure:
    """D_star = p_data / (p_data + p_g) from cells, and D as it was learned: curves on a line, maps in the plane.

    `D` gives the probabilities of rows in the units of the cells.
    """
    inner, side = [edges[1:-1] for edges in known.edges], BLOCK[len(known.edges)]
    middles = [_halved(edges[::side]) for edges in inner]
    p_data, p_g = (
        blocks(masses[(slice(1, -1),) * masses.ndim], side)
        for masses in (known.p_data, known.p_g)
    )
    seen = p_data + p_g > SEEN
    best = np.where(seen, known._replace(p_data=p_data, p_g=p_g).D_star, np.nan)
    places = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    learned = np.where(
        seen, D(places.reshape(-1, places.shape[-1])).reshape(seen.shape), np.nan
    )
    if seen.ndim == 1:
        width = middles[0][1] - middles[0][0]
        return _curves(
            middles[0], {"p_data": p_data / width, "p_g": p_g / width}, best, learned
        )
    return _maps(best, learned, [(float(edges[0]), float(edges[-1])) for edges in inner])


def _halved(edges: Float[np.ndarray, " n"]) -> Float[np.ndarray, " _"]:
    return (edges[:-1] + edges[1:]) / 2


def _curves(
    x: np.ndarray, densities: dict[str, np.ndarray], best: np.ndarray, learned: np.ndarray
) -> Figure:
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
        axes.spines[["top", "right"]].set_visible(False)
    handles = [each for axes in (above, below) for each in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside upper left", ncols=5, frameon=False)
    return figure


def _maps(best: np.ndarray, learned: np.ndarray, spans: list[tuple[float, float]]) -> Figure:
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 2, sharex=True, sharey=True))
    colours = LinearSegmentedColormap.from_list("D", [SAMPLES, "white", DATA]).with_extremes(
        bad=NOWHERE
    )
    scale = {"cmap": colours, "clim": (0, 1)}
    for axes, values, title in zip(
        panels, (best, learned), ("D_star", "D, learned"), strict=True
    ):
        axes.imshow(
            values.T,
            origin="lower",
            extent=(*spans[0], *spans[1]),
            interpolation="nearest",
            **scale,
        )
        axes.set(title=title, xlabel="x1", aspect="auto")
        axes.set_box_aspect(1)
    panels[0].set_ylabel("x2")
    shown = ScalarMappable(cmap=colours)
    shown.set_clim(0, 1)
    figure.colorbar(
        shown, ax=panels, label="probability of data; 1/2 at the end of the game", pad=0.01
    )
    return figure
