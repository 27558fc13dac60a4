"""Real rows as they come, against a sampler: bounds that hold at every evaluation at once."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax.random as jr
import numpy as np

from onehalf.data.arrays.validation import Rows
from onehalf.evaluation.certificate.bounds import AnytimeBound, log_wealth, payoff, payoff_floor
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, one_thread
from onehalf.evaluation.certificate.critics import MOST_ROWS, Critic, learn
from onehalf.evaluation.samples import (
    SAMPLES_PER_ROW,
    NamedArray,
    check_alpha,
    check_seed,
    draw_array,
    read_array,
)

__all__ = ["SequentialMonitor", "monitor"]

GROWTH = 1.7
"""The next critic is trained when there are more rows to learn from by this factor."""


class SequentialMonitor:
    """Real rows as they come, against a sampler: log e and a lower bound on JSD that hold at every evaluation at once.

    `update(batch)` bets on the batch with a critic of the rows before it, each row against ten fresh samples, and then
    learns from it. One may evaluate after every batch, stop when it is enough, or go on: P(jsd_lower > JSD(p, q) at any
    time) <= alpha, and P(log_e >= log(1/alpha) at any time) <= alpha if p = q (Ville). The rows must be independent
    draws of one law, and the sampler must not change while it is watched.
    """

    def __init__(
        self, stream: Iterable[Any], sampler: Any, alpha: float = 0.05, seed: int = 0
    ) -> None:
        self.sampler, self.alpha, self.seed = sampler, check_alpha(alpha), check_seed(seed)
        self.stream, self.key = iter(stream), jr.key(seed)
        self.past: NamedArray | None = None
        self.rows, self.learned, self.rows_bet_on, self.log_e = 0, 0, 0, 0.0
        self.critic: Critic | None = None
        self.bound = AnytimeBound(alpha)

    @one_thread
    def update(self, batch: Any) -> "SequentialMonitor":
        """Bet on these real rows, if there is a critic yet, and learn from them."""
        names, x = read_array("batch", batch, self.past)
        if self.critic is not None:
            self._bet(self.critic, x)
        # the latest rows are enough to learn from
        past = x if self.past is None else np.concatenate([self.past.x, x])[-MOST_ROWS:]
        self.past = NamedArray(names, past)
        self.rows += len(x)
        if self.rows >= max(LEAST_ROWS, GROWTH * self.learned):
            key, samples = jr.fold_in(self.key, self.rows), self._draw(len(past))
            self.critic = learn(key, past, samples, self.rows, self.alpha)
            self.learned = self.rows
        return self

    def __iter__(self) -> Iterator["SequentialMonitor"]:
        """Update by each batch of the stream, and yield the watch after each."""
        for batch in self.stream:
            yield self.update(batch)

    @property
    def jsd_lower(self) -> float:
        """L now, in nats: the greatest so far."""
        return self.bound.lower

    def _draw(self, n: int) -> Rows:
        self.seed += 1
        return draw_array(
            self.sampler, n, self.seed, self.past or NamedArray((), np.empty((0, 0)))
        )

    def _bet(self, critic: Critic, x: Rows) -> None:
        l_x = critic.d(x)
        l_y = critic.d(self._draw(SAMPLES_PER_ROW * len(x))).reshape(len(x), SAMPLES_PER_ROW)
        self.log_e += float(log_wealth(l_x, l_y)[-1])
        self.rows_bet_on += len(x)
        clips = [(temper, critic.low * temper, critic.high * temper) for temper in (1.0, 0.5)]
        gains = np.stack(
            [payoff(temper * l_x, temper * l_y, low, high) for temper, low, high in clips]
        )
        self.bound.update(gains, [payoff_floor(low, high) for _, low, high in clips])


def monitor(
    stream: Iterable[Any], sampler: Any, *, alpha: float = 0.05, seed: int = 0
) -> SequentialMonitor:
    """Watch real rows that keep coming, batch by batch, against a sampler: a fitted `GAN`, or a function of n.

    `for state in monitor(batches, sampler)` goes through a stream; `update(batch)` takes a batch by hand. At any time
    `.log_e` and `.jsd_lower` hold, and one may stop by them. The first batch is learned from and not bet on.

    >>> rng = np.random.default_rng(0)
    >>> batches = (rng.normal(size=(200, 1)) for _ in range(20))
    >>> for state in monitor(batches, lambda n: rng.normal(1.0, size=(n, 1))):
    ...     if state.jsd_lower > 0.05:                       # the true JSD is 0.111
    ...         break
    >>> state.rows_bet_on
    400
    """
    return SequentialMonitor(stream, sampler, alpha, seed)
