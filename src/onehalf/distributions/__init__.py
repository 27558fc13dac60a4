"""Where samples come from: p_data and p_z, and p_g, which has the same face.

Every kind of data has a `shape`, and `sample(key, n)` draws n examples. Where the density is known the kind is an
`AbstractDensity` and has `log_p` too. The members are the data sets that go by a name: `onehalf data` lists them.
"""

from onehalf.distributions.base import AbstractData, AbstractDensity
from onehalf.distributions.images import Digits, MNIST5k
from onehalf.distributions.synthetic import (
    Grid,
    Mixture,
    Normal,
    Ring,
    SwissRoll,
    TwoMoons,
    Uniform,
)

__all__ = [
    "AbstractData",
    "AbstractDensity",
    "Digits",
    "Grid",
    "MNIST5k",
    "Mixture",
    "Normal",
    "Ring",
    "SwissRoll",
    "TwoMoons",
    "Uniform",
]
