"""D as a measuring instrument: how far p_g is from p_data, judged on rows that neither player has seen."""

import lazy_loader

# Names are imported at first use: what a measurement says needs no critics. __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
