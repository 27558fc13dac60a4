"""The training loop: rounds, evaluations on validation rows, the best G, early stopping, and one test at the end.

A `Fit` is a value. `start` makes it, `advance` gives the next one, `finish` the last one; `run` does all of that. A
checkpoint is a saved `Fit` (`onehalf.runs`), and `resume` continues it on the same rows.
"""

import lazy_loader

# Names are imported at first use: to sample from a run needs no critics. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
