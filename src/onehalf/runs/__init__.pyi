from .checkpoint import Source, load, load_domain, load_model, load_source
from .run import fit_run, load_rows, next_folder, start_fit

__all__ = [
    "Source",
    "fit_run",
    "load",
    "load_domain",
    "load_model",
    "load_rows",
    "load_source",
    "next_folder",
    "start_fit",
]
