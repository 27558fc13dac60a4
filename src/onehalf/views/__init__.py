"""Runs as plain values, for pages that show them: what a run has come to, and what its samples look like.

A view is made from the files of a run alone, without its players and without JAX, so that a run can be watched while
it trains. `RunView` is all of it, `to_dict` its JSON; docs/reference/watch.schema.json describes that.
"""

import lazy_loader

# Names are imported at first use. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
