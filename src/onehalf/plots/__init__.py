"""The figures: each function draws one matplotlib `Figure`, which the caller saves. No global state is touched."""

from onehalf.plots.certificate import calibration, log_ratio, wealth
from onehalf.plots.drawing import packed
from onehalf.plots.film import FILMS, rolled
from onehalf.plots.regions import regions
from onehalf.plots.rounds import against, looks
from onehalf.plots.rows import COLUMNS, TILES, AnyRows, beside, kind, one
from onehalf.plots.sheets import files, find_nearest, neighbours, sheet, sheet_film, sheet_png
from onehalf.plots.tables import MARGINALS, Apart, apart, marginals, pairs
from onehalf.plots.truth import truth

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
