"""Two samples in a random order, paired for the bets."""

from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int, Integer

from onehalf._typing import PRNGKey
from onehalf.evaluation.certificate.certificate import Certificate, Past, certify
from onehalf.evaluation.certificate.critics import PLAIN_ARRAY
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.rows import AnyRows, EvaluationRows, wrap
from onehalf.evaluation.samples import MOST_PAST, SAMPLES_PER_ROW, PastRows

__all__ = ["PairedSamples", "shuffle"]

Values = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]
T = TypeVar("T")


class PairedSamples:
    """Both samples in a random order that depends on their values and the seed alone, and paired.

    Each row of the smaller sample bets as x against as many rows of the larger one as there are to a row, ten at most;
    of samples of one size, the one whose hashes add up to less. So nothing depends on which is called real. If they are
    matched, each real row bets as x against the other rows that were made for it, which come one after the other.

    With real rows of the past and no samples beside them, some of the other sample are set aside: critics learn from
    these, and do not bet on them.
    """

    def __init__(
        self,
        seed: int,
        real: AnyRows,
        other: AnyRows,
        encoder: FeatureEncoder = PLAIN_ARRAY,
        *,
        matched: bool = False,
        past: PastRows | None = None,
    ) -> None:
        real, other = wrap(real), wrap(other)
        self.aside = np.empty(0, dtype=int)
        if past and not len(past.other):
            self.aside = _set_aside(seed, len(real), len(past.real), other)
            past = past._replace(other=other[self.aside])
        self.seed = seed
        self.encoder = encoder
        self.matched = matched
        self.step = len(other) // len(real) if matched else 1
        if matched:
            self.first_is_real = True
            order = shuffle(real.hashes(), seed, 0)
            self.real_places = order
            self.other_places = (order[:, None] * self.step + np.arange(self.step)).ravel()
        else:
            kept = np.setdiff1d(np.arange(len(other)), self.aside)
            hashed = {"real": real.hashes(), "other": other[kept].hashes()}
            first = min(hashed, key=lambda side: (len(hashed[side]), int(hashed[side].sum())))
            self.first_is_real = first == "real"
            turns = (0, 1) if self.first_is_real else (1, 0)
            self.real_places = shuffle(hashed["real"], seed, turns[0])
            self.other_places = kept[shuffle(hashed["other"], seed, turns[1])]
        self.real = real[self.real_places]
        self.other = other[self.other_places]
        self.x, self.y = self.pair(self.real, self.other)
        self.past = past
        """What critics learn from besides."""

    @property
    def free_places(self) -> Places:
        """All rows of the other sample in a random order, those that are set aside last."""
        return np.append(self.other_places, self.aside)

    @property
    def each(self) -> int:
        """The rows y that each row x bets against."""
        return len(self.y) // len(self.x)

    def certify(self, key: PRNGKey, alpha: float, **options: Any) -> Certificate:
        """The bets on them."""
        return certify(
            key,
            self.x,
            self.y,
            alpha,
            encoder=self.encoder,
            matched=self.matched,
            past=self.past and Past(*self.by_role(*self.past)),
            **options,
        )

    def pair(
        self, real: EvaluationRows, other: EvaluationRows
    ) -> tuple[EvaluationRows, EvaluationRows]:
        """Rows in the order of the samples, as x and as y, which has as many rows for each x, one after the other."""
        x, y = self.by_role(real, other)
        each = min(SAMPLES_PER_ROW, len(y) // len(x))
        return x, y[: each * len(x)]

    def by_role(self, real: T, other: T) -> tuple[T, T]:
        """What belongs to x, then what belongs to y; applied twice it changes nothing."""
        return (real, other) if self.first_is_real else (other, real)

    def halves(self, real: Any, other: Any) -> tuple[Any, Any, Any, Any]:
        """Of rows in the order of the samples: to choose by, real and other, and to judge by, real and other.

        Of matched ones there is one for each real row: several with one label would not be independent draws.
        """
        other = other[:: self.step]
        half_real, half_other = len(real) // 2, len(other) // 2
        return real[:half_real], other[:half_other], real[half_real:], other[half_other:]

    def past_log_ratios(
        self, certificate: Certificate, sizes: tuple[int, int]
    ) -> tuple[Values, Values] | None:
        """The log ratios, out of sample, of the critic that learned from just as many rows, real and other."""
        for critic in certificate.critics:
            log_ratios = self.log_ratios(*critic.past)
            if tuple(map(len, log_ratios)) == sizes:
                return log_ratios
        return None

    def log_ratios(self, l_x: Values, l_y: Float[np.ndarray, "..."]) -> tuple[Values, Values]:
        """Log ratios real / other, from the logits of x and y: at real rows, at other rows."""
        return (l_x, l_y.ravel()) if self.first_is_real else (-l_y.ravel(), -l_x)

    def judged_places(self, certificate: Certificate) -> tuple[Places, Places]:
        """The rows that were bet on, by their numbers in the user's files: real, other."""
        places_x, places_y = self.by_role(self.real_places, self.other_places)
        first = certificate.starts[0]
        return self.by_role(
            places_x[first:], places_y[first * self.each : self.each * len(self.x)]
        )


def _set_aside(
    seed: int, n_real: int, n_past: int, other: EvaluationRows
) -> Int[np.ndarray, " aside"]:
    """Places of samples for critics to learn from: half, but enough are left for each real row to bet on one."""
    spare = len(other) - max(n_real, len(other) // 2)
    order = shuffle(other.hashes(), seed, 5)
    return np.sort(order[: max(0, min(n_past, MOST_PAST, spare))])


def shuffle(hashed: Integer[np.ndarray, " n"], seed: int, turn: int) -> Places:
    """A random order of rows, by their hashes: that of the file plays no part.

    The seed alone would not do: of a table of few values it would make one fixed sequence for each count of them.
    """
    rng = np.random.default_rng([seed, turn, int(hashed.sum())])
    return np.argsort(hashed, kind="stable")[rng.permutation(len(hashed))]
