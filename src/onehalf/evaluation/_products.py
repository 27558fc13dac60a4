"""Matrix products without false alarms.

OpenBLAS can raise the floating-point flag "invalid" on finite numbers (numpy issues 13173 and 24067), of which NumPy
makes a RuntimeWarning. So the flag is ignored in products, and only there; a critic refuses logits that are not finite.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np

__all__ = ["ignore_invalid", "matmul"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def ignore_invalid(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Wrap a library's function that multiplies matrices."""
    return np.errstate(invalid="ignore")(function)


@ignore_invalid
def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply as `a @ b` does."""
    return a @ b
