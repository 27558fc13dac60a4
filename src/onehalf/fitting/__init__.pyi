from .cost import Cost, estimate_cost
from .evaluations import draw_for_test
from .fit import Fit, FitData
from .history import HistoryRow
from .loop import advance, extend, finish, follow, resume, run, start

__all__ = [
    "Cost",
    "Fit",
    "FitData",
    "HistoryRow",
    "advance",
    "draw_for_test",
    "estimate_cost",
    "extend",
    "finish",
    "follow",
    "resume",
    "run",
    "start",
]
