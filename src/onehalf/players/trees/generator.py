"""G: the chain, tilted by the odds of every D that it has met."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from onehalf.data.tables.encoding import Cells
from onehalf.distributions.base import BatchMap
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.discriminator import BoostedTrees
from onehalf.players.trees.noise import Digits

__all__ = ["TreeGenerator"]

MOST_ODDS = float(np.log(10))
"""One D multiplies the density of a row by 1/10 to 10."""

BUDGET = 8.0
"""Rows of the chain that are drawn for each row that is kept, on average, at most."""

DRAWN_TOGETHER = 1000
"""Rows that are drawn at a time, at least: more than one draw of each, where fewer are left."""

MOST_DRAWS = 200
"""After this number of draws the last row is kept: at a share of 1/8 that happens once in 10^11 rows."""

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class TreeGenerator(BatchMap):
    """A fixed map of noise to rows, whose law is p_chain(x) min(w(x), cap) / Z for w = prod_r D_r / (1 - D_r).

    At the optimal D, D/(1 - D) = p_data/p_g (Goodfellow et al. 2014, Proposition 1): to multiply p_g by the odds is G's
    best answer. A row of the chain is kept with probability min(w, cap)/cap, so that rows stay independent:
    discriminator rejection sampling (Azadi et al. 2019), with the cap of optimal budgeted rejection (Verine et al.
    2023).
    """

    chain: Chain
    given: tuple[int, ...] = ()
    """Columns whose cells are the condition c."""
    tilts: tuple[BoostedTrees, ...] = ()
    log_cap: float = 0.0
    draws: float = 1.0
    """Rows of the chain that are drawn for each row that is kept, on average."""

    @property
    def out_shape(self) -> tuple[int]:
        """The columns."""
        return (len(self.chain.scales),)

    def push(self, x: Any, c: Any) -> Cells:
        """Compute the rows of these latents, under these conditions."""
        digits = Digits.read(np.asarray(x))
        conditions = np.asarray(c, np.float64)
        fixed = {
            column: self.chain.scales[column].snap(conditions[:, place])
            for place, column in enumerate(self.given)
        }
        if not self.tilts:
            return self.chain.sample(digits, 0, fixed)
        cells = np.empty((len(digits.starts), len(self.chain.scales)))
        rows = np.arange(len(cells))
        draw = 0
        while len(rows) and draw < MOST_DRAWS:
            # a few rows take as long as many
            draws = min(max(1, DRAWN_TOGETHER // len(rows)), MOST_DRAWS - draw)
            drawn, is_kept = self._draw(digits, fixed, rows, range(draw, draw + draws))
            last = np.where(is_kept.any(axis=0), is_kept.argmax(axis=0), draws - 1)
            cells[rows] = drawn[last, np.arange(len(rows))]
            rows = rows[~is_kept.any(axis=0)]
            draw += draws
        return cells

    def _draw(
        self, digits: Digits, fixed: Mapping[int, Values], rows: Places, draws: range
    ) -> tuple[Float[np.ndarray, "draws rows columns"], Bool[np.ndarray, "draws rows"]]:
        """Make these draws of each of these rows of the chain, and say which are kept."""
        each = self.chain.digits + 1
        several = np.tile(rows, len(draws))
        skipped = np.repeat(np.array(draws, np.uint64) * np.uint64(each), len(rows))
        own = digits[several].skip(skipped)
        here = {column: values[several] for column, values in fixed.items()}
        cells, features = self.chain.draw(own, 0, here)
        weights = self.log_weights(features)
        is_kept = own.uniform(each - 1) < np.exp(np.minimum(weights - self.log_cap, 0.0))
        shape = (len(draws), len(rows))
        return cells.reshape(*shape, -1), is_kept.reshape(shape)

    def log_weights(self, features: Float[np.ndarray, "_ _"]) -> Values:
        """Log w of each row, as trees see it."""
        total = np.zeros(len(features))
        for D in self.tilts:
            total += D.logits(features).clip(-MOST_ODDS, MOST_ODDS)
        return total

    def tilt(self, D: BoostedTrees, rows_of_chain: Float[np.ndarray, "_ _"]) -> "TreeGenerator":
        """Multiply the law by the odds of D; the cap is chosen on rows of the chain, as trees see them."""
        tilted = dataclasses.replace(self, tilts=(*self.tilts, D))
        weights = tilted.log_weights(rows_of_chain)
        log_cap = choose_cap(weights)
        kept = float(np.exp(np.minimum(weights - log_cap, 0.0)).mean())
        return dataclasses.replace(tilted, log_cap=log_cap, draws=1 / kept)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        arrays = {f"chain.{name}": value for name, value in self.chain.to_arrays().items()}
        for place, D in enumerate(self.tilts):
            arrays |= {f"tilt{place}.{name}": value for name, value in D.to_arrays().items()}
        numbers = np.array([len(self.tilts), self.log_cap, self.draws])
        return arrays | {"given": np.array(self.given, np.int32), "numbers": numbers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TreeGenerator":
        """What `to_arrays` gave."""
        tilts, log_cap, draws = arrays["numbers"].tolist()
        return cls(
            Chain.from_arrays(_under("chain.", arrays)),
            tuple(arrays["given"].tolist()),
            tuple(
                BoostedTrees.from_arrays(_under(f"tilt{place}.", arrays))
                for place in range(int(tilts))
            ),
            log_cap,
            draws,
        )


def choose_cap(log_weights: Values) -> float:
    """The logarithm of the greatest cap with which a row is kept after `BUDGET` draws on average, at most.

    >>> round(choose_cap(np.log([1.0, 2.0])), 4)
    0.6931
    """
    weights = np.sort(np.exp(log_weights - log_weights.max()))
    n = len(weights)
    below = np.cumsum(weights)
    # mean of min(w, cap) / cap at each weight as the cap; it falls as the cap rises
    kept = (below + weights * np.arange(n - 1, -1, -1)) / n / weights
    best = np.flatnonzero(kept >= 1 / BUDGET)[-1]
    return float(np.log(weights[best]) + log_weights.max())


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by the rest of the name."""
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
