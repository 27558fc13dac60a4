"""The figures: each function draws one matplotlib `Figure`, which the caller saves. No global state is touched."""

from onehalf.plots.certificate import calibration, log_ratio, wealth
from onehalf.plots.drawing import packed
from onehalf.plots.film import rolled
from onehalf.plots.regions import regions
from onehalf.plots.rounds import against, looks
from onehalf.plots.rows import COLUMNS, TILES, AnyRows, beside, kind, one
from onehalf.plots.truth import truth

__all__ = [
    "COLUMNS",
    "TILES",
    "AnyRows",
    "against",
    "beside",
    "calibration",
    "kind",
    "log_ratio",
    "looks",
    "one",
    "packed",
    "regions",
    "rolled",
    "truth",
    "wealth",
]
