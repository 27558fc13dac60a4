"""Two players, one game; it ends when D(x) = 1/2 everywhere, because p_g = p_data.

>>> import onehalf as oh
>>> digits = oh.distributions.Digits.rows()[:500]
>>> gan = oh.GAN(rounds=200, width=16, random_state=0).fit(digits)
>>> gan.sample(3).shape
(3, 8, 8)
"""

import lazy_loader

# Names are imported at first use, so that the command line answers before JAX is loaded; __init__.pyi lists them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
