"""The figures: each function draws one matplotlib `Figure`, which the caller saves.

No global state is touched.
"""

import lazy_loader

# Names are imported at first use: writing samples needs no matplotlib. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
