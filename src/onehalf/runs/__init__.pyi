from .checkpoint import Source, load, load_domain, load_model, load_source
from .run import Run, fit_run, load_rows, next_folder, open_run, start_fit

__all__ = [
    "Run",
    "Source",
    "fit_run",
    "load",
    "load_domain",
    "load_model",
    "load_rows",
    "load_source",
    "next_folder",
    "open_run",
    "start_fit",
]
