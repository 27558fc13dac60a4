from .checkpoint import (
    load,
    load_domain,
    load_model,
    load_source,
    restore_copies,
    saved_rounds,
)
from .lock import lock
from .run import Run, estimate_cost, fit_run, load_rows, next_folder, open_run
from .saved import SavedRun, Source
from .signals import Stopped, StopSignals
from .together import check_same, follow, refuse_together, share

__all__ = [
    "Run",
    "SavedRun",
    "Source",
    "StopSignals",
    "Stopped",
    "check_same",
    "estimate_cost",
    "fit_run",
    "follow",
    "load",
    "load_domain",
    "load_model",
    "load_rows",
    "load_source",
    "lock",
    "next_folder",
    "open_run",
    "refuse_together",
    "restore_copies",
    "saved_rounds",
    "share",
]
