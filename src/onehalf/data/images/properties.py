"""What counts as an image, and what its black and white are."""

import numpy as np
from jaxtyping import Array, Shaped

__all__ = ["Limits", "is_image", "pixel_limits"]

Limits = tuple[float, float]
"""What is drawn as black and as white."""


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape are images: (h, w), or (h, w, c) with c of 1, 3 or 4.

    >>> is_image((8, 8)), is_image((8, 8, 3)), is_image((8, 8, 8)), is_image((8,))
    (True, True, False, False)
    """
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))


def pixel_limits(images: Shaped[np.ndarray | Array, "_ ..."]) -> Limits:
    """Find what black and white are in images: 0, and of integers the least of 1, 16, 255 and 65,535 that none exceeds.

    Floats have 0 and 1, if they all lie between them. Anything else has its own least and
    greatest. Samples are drawn by the limits of the data, so that a dark one stays dark.

    >>> [pixel_limits(np.array([[row]])) for row in ([0, 16], [0.2, 0.7], [-3.0, 2.0])]
    [(0, 16), (0, 1), (-3.0, 2.0)]
    """
    x = np.asarray(images)
    if not x.size:
        return 0, 1
    low, high = x.min().item(), x.max().item()
    usual = (1,) if x.dtype.kind == "f" else (1, 16, 255, 65_535)
    return next(((0, most) for most in usual if 0 <= low <= high <= most), (low, high))
