"""The figures: each function draws one matplotlib `Figure`, which the caller saves. No global state is touched."""

from onehalf.figures.certificate import calibration, log_ratio, wealth
from onehalf.figures.film import FILMS, rolled
from onehalf.figures.ground_truth import truth
from onehalf.figures.image_grid import (
    files,
    find_nearest,
    neighbours,
    sheet,
    sheet_film,
    sheet_png,
)
from onehalf.figures.overview import COLUMNS, TILES, AnyRows, beside, kind, one
from onehalf.figures.regions import regions
from onehalf.figures.style import packed
from onehalf.figures.tables import MARGINALS, Apart, apart, marginals, pairs
from onehalf.figures.training_curves import against, looks

__all__ = [
    "COLUMNS",
    "FILMS",
    "MARGINALS",
    "TILES",
    "AnyRows",
    "Apart",
    "against",
    "apart",
    "beside",
    "calibration",
    "files",
    "find_nearest",
    "kind",
    "log_ratio",
    "looks",
    "marginals",
    "neighbours",
    "one",
    "packed",
    "pairs",
    "regions",
    "rolled",
    "sheet",
    "sheet_film",
    "sheet_png",
    "truth",
    "wealth",
]
