from .reader import RunReader, label_runs, view_run
from .view import SCHEMA_VERSION, RunView

__all__ = ["SCHEMA_VERSION", "RunReader", "RunView", "label_runs", "view_run"]
