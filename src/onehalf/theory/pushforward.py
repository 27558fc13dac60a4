"""Push p_z through a G of one number, exactly: the probability of each cell under p_g.

On a finite set of cells the theory is arithmetic: `jsd`, `C`, `V` and `D_star` of two vectors
of masses are exact for players that see only the cell of x. Finer cells can only raise the JSD
(data processing), towards that of p_data and p_g themselves.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from onehalf._errors import refuse

__all__ = ["push"]

Values = Float[np.ndarray, " _"]
Masses = Float[np.ndarray, " cells"]


def push(p_z: Callable[[list[Values]], Masses], z: Values, Gz: Values, edges: Values) -> Masses:
    """Compute the probability of each cell under the law of G(z); the sum is 1.

    G is linear between the knots z, with Gz = G(z) there. Each piece of G is cut where it
    crosses an edge, and the mass of each part goes where the part lands: no sample, no inverse.
    Where G folds, parts of several pieces land in one cell; where it is flat, the mass of the
    piece lands in one point, and belongs to the cell on its right if that is an edge. Beyond
    its first and last knot G stays as it is there.

    Args: p_z: The masses of the cells between given edges, as the method `masses` of a density.
    z: The knots, increasing. Gz: G at the knots. edges: Increasing; the cells are [edges[0],
    edges[1]), .... The outer ones are infinite where samples may land beyond.

    Raises: Refusal: The knots or edges do not increase, a value is not finite, or a sample
    falls outside.

    >>> from onehalf.distributions import Normal
    >>> z = np.linspace(-4, 4, 9)
    >>> push(Normal().masses, z, np.abs(z), np.array([0.0, 1.0, np.inf]))      # P(|z| < 1), and the rest
    array([0.6827, 0.3173])
    """
    for name, values in (("z", z), ("edges", edges)):
        if (
            len(values) < 2
            or not (np.diff(values) > 0).all()
            or (name == "z" and not np.isfinite(values).all())
        ):
            refuse(name, expected="two or more increasing numbers", got=values.tolist())
    if Gz.shape != z.shape or not np.isfinite(Gz).all():
        refuse(
            "Gz",
            expected=f"a finite number for each of the {len(z)} knots",
            got=f"shape {Gz.shape}, or not finite",
        )
    if not edges[0] <= Gz.min() <= Gz.max() < edges[-1]:
        refuse(
            "edges",
            expected=f"cells that hold all of [{Gz.min():g}, {Gz.max():g}]",
            got=[edges[0], edges[-1]],
        )
    start = Gz[:-1]
    stop = Gz[1:]
    first = np.searchsorted(edges, start, side="right") - 1
    last = np.searchsorted(edges, stop, side="right") - 1
    parts = np.abs(last - first) + 1
    piece = np.repeat(np.arange(len(parts)), parts)
    nth = np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts)
    direction = np.sign(last - first)[piece]
    cell = first[piece] + direction * nth
    # where each part begins: at its piece's knot, or where the piece enters the cell, from
    # below or from above
    entered = np.where(nth > 0, edges[cell + (direction < 0)], start[piece])
    share = np.divide(
        entered - start[piece], (stop - start)[piece], out=np.zeros(len(piece)), where=nth > 0
    )
    # rounded up, a cut might pass the knot where its piece ends
    cuts = np.minimum(z[piece] + share.clip(0, 1) * np.diff(z)[piece], z[piece + 1])
    return np.bincount(cell, p_z([np.array([-np.inf, *cuts[1:], np.inf])]), len(edges) - 1)
