"""Two samples in a random order, paired for the bets."""

from typing import Any

import numpy as np
from jaxtyping import Float

from onehalf._typing import PRNGKey
from onehalf.data.splits import hashes
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.certificate import Certificate, certify
from onehalf.evaluation.features.view import Entries
from onehalf.evaluation.samples import FRESH, Flat

__all__ = ["Halves", "PairedSamples", "order_of"]

Halves = tuple[Flat, Flat, Flat, Flat]


class PairedSamples:
    """Both samples in a random order that depends on their values and the seed alone, and paired.

    The pile of fewer rows bets as x, each against as many rows of the other as there are to a row, ten at most; of
    piles of one size, the one whose hashes add up to less. So nothing depends on which is called real. If they are
    matched, each real row bets as x against the other rows that were made for it, which stand together.
    """

    def __init__(
        self,
        seed: int,
        real: Flat,
        other: Flat,
        coding: TableEncoder | Entries | None = None,
        *,
        matched: bool = False,
    ) -> None:
        self.seed, self.coding, self.matched = seed, coding, matched
        self.step = len(other) // len(real) if matched else 1
        if matched:
            self.first_is_real = True
            order = order_of(hashes(real), seed, 0)
            self.places = {
                "real": order,
                "other": (order[:, None] * self.step + np.arange(self.step)).ravel(),
            }
        else:
            hashed = {"real": hashes(real), "other": hashes(other)}
            self.first_is_real = (
                min(hashed, key=lambda side: (len(hashed[side]), int(hashed[side].sum())))
                == "real"
            )
            turns = (0, 1) if self.first_is_real else (1, 0)
            self.places = {
                side: order_of(hashed[side], seed, turn)
                for side, turn in zip(("real", "other"), turns, strict=True)
            }
        self.real, self.other = real[self.places["real"]], other[self.places["other"]]
        self.x, self.y = self.paired(self.real, self.other)

    def certify(self, key: PRNGKey, alpha: float, **asked: Any) -> Certificate:
        """The bets on them."""
        return certify(
            key, self.x, self.y, alpha, coding=self.coding, matched=self.matched, **asked
        )

    def paired(
        self, real: Flat, other: Flat
    ) -> tuple[Flat, Float[np.ndarray, "n each columns"]]:
        """Rows in the order of the piles, paired."""
        x, many = self.ordered(real, other)
        each = min(FRESH, len(many) // len(x))
        return x, many[: each * len(x)].reshape(len(x), each, -1)

    def ordered(self, real: Any, other: Any) -> tuple[Any, Any]:
        """What belongs to x, then what belongs to y; and the way back."""
        return (real, other) if self.first_is_real else (other, real)

    def halves(self, real: Flat, other: Flat) -> Halves:
        """Of what is in the order of the piles: to choose by, real and other, and to judge by, real and other.

        Of matched ones there is one for each real row: several with one label would not be independent draws.
        """
        piles = real, other[:: self.step]
        (learn_real, test_real), (learn_other, test_other) = (
            np.split(rows, [len(rows) // 2]) for rows in piles
        )
        return learn_real, learn_other, test_real, test_other

    def past(self, found: Certificate) -> tuple[np.ndarray, np.ndarray] | None:
        """The logits, out of sample, of the critic that learned from just the rows that regions are chosen by."""
        half = len(self.real) // 2, len(self.other[:: self.step]) // 2
        for critic in found.critics:
            if half == (len(critic.past[0]), len(critic.past[1])):
                return self.sided(*critic.past)
        return None

    def sided(self, l_x: np.ndarray, l_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log ratios real / other: at real rows, at other rows."""
        return (l_x, l_y.ravel()) if self.first_is_real else (-l_y.ravel(), -l_x)

    def bet_on(self, found: Certificate) -> tuple[np.ndarray, np.ndarray]:
        """The rows that were bet on, by their numbers in the user's files: real, other."""
        places_x, places_y = self.ordered(self.places["real"], self.places["other"])
        first, each = found.starts[0], self.y.shape[1]
        return self.ordered(places_x[first:], places_y[first * each : each * len(self.x)])


def order_of(hashed: np.ndarray, seed: int, turn: int) -> np.ndarray:
    """A random order of rows, by their hashes: that of the file plays no part.

    The seed alone would not do: of a table of few values it would make one fixed sequence for each count of them.
    """
    rng = np.random.default_rng([seed, turn, int(hashed.sum())])
    return np.argsort(hashed, kind="stable")[rng.permutation(len(hashed))]
