"""The certificate of more rows than fit into memory: one critic, and bets on sums over rows that come in any order.

A critic learns from rows that were drawn at random, and is fixed before any other row is read. Each further row has a
place in a random order that its values have no part in, and so belongs to one of many groups of the same size. The
groups of the two samples with the same number are a pair. Only sums over the rows of a group are kept, so rows can be
read in the order of their file. docs/explanation/instrument.md has the proofs.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jax.random as jr
import numpy as np
from jaxtyping import Float

from onehalf._typing import PRNGKey
from onehalf.evaluation._random import numpy_generator
from onehalf.evaluation.certificate.bounds import log_wealth, p_value, payoff_floor
from onehalf.evaluation.certificate.certificate import (
    WIDEST,
    Certificate,
    Payoffs,
    one_thread,
    smaller_of_two,
)
from onehalf.evaluation.certificate.critics import KINDS, MOST_ROWS, Critic, learn
from onehalf.evaluation.certificate.permutation import count_deals, permutation_p_value
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.rows import EvaluationRows
from onehalf.evaluation.samples import PlacedRows, Stream

__all__ = ["certify_streams"]

MOST_GROUPS = 100_000
"""The most groups of rows of a sample."""

Sums = Float[np.ndarray, " groups"]


@one_thread
def certify_streams(
    key: PRNGKey,
    x: EvaluationRows,
    y: EvaluationRows,
    streams: tuple[Stream, Stream],
    alpha: float = 0.05,
    *,
    encoder: FeatureEncoder,
) -> Certificate:
    """Learn from some of the rows that were drawn, and bet on all others.

    Args:
        key: Settles what the critic and the tests draw.
        x: Rows of one sample, drawn at random, in a random order.
        y: As many rows of the other.
        streams: All rows of each; those that were drawn have the first places.
        alpha: The level of each bound.
        encoder: What critics see of a row.

    Returns:
        The certificate, whose bets are on pairs of groups of `together` rows. Its logits are those of the rows that
        were drawn and that the critic did not learn from.
    """
    start = min(MOST_ROWS, len(x) // 2)
    key_deals, key_critic = jr.split(key)
    rng = numpy_generator(key_deals)
    n = min(stream.n for stream in streams) - start
    together = -(-n // MOST_GROUPS)
    groups = n // together
    critic = learn(key_critic, x[:start], y[:start], n, alpha, encoder=encoder)
    rest = x[start:], y[start:]
    sides = [_Side(critic, sign, start, together, groups) for sign in (1, -1)]
    with ThreadPoolExecutor(len(sides)) as pool:
        list(pool.map(_Side.add_all, sides, rest, streams))
    in_x, in_y = sides
    gains, wide = ((of_x + of_y) / 2 for of_x, of_y in zip(in_x.gains, in_y.gains, strict=True))
    sums = in_x.logits, in_y.logits[:, None]
    payoffs = Payoffs(
        gains=gains,
        floors=np.full(groups, payoff_floor(critic.low, critic.high)),
        calls=(in_x.above - in_y.above) / together,
        wide=wide,
        wealth=log_wealth(*sums),
    )
    p_of_bets = p_value(rng, *sums, split_ties=True) if np.ptp(sums[0]) else 1.0

    def test_all() -> float:
        return permutation_p_value(key, x, y, KINDS, encoder, alpha=alpha)

    return Certificate.of_payoffs(
        payoffs,
        smaller_of_two(p_of_bets, test_all, count_deals(alpha)),
        alpha,
        logits=(in_x.drawn, in_y.drawn[:, None]),
        critics=(critic,),
        starts=(start,),
        together=together,
    )


class _Side:
    """What is summed over the rows of one sample, by group."""

    def __init__(
        self, critic: Critic, sign: int, start: int, together: int, groups: int
    ) -> None:
        """Begin with empty groups.

        Args:
            critic: The critic, which has learned.
            sign: 1 for the sample x, -1 for y.
            start: The rows that it learned from, which have the first places.
            together: The rows of a group.
            groups: The number of groups; rows beyond them are not bet on.
        """
        self.critic = critic
        self.sign = sign
        self.start = start
        self.together = together
        self.groups = groups
        self.drawn = np.empty(0)
        self.logits: Sums = np.zeros(groups)
        self.above: Sums = np.zeros(groups)
        self.scores: list[Sums] = [np.zeros(groups), np.zeros(groups)]

    @property
    def gains(self) -> Iterator[Sums]:
        """The mean of log 2D(x), or of log 2(1 - D(y)), of each group: with the critic's clip, and with a wide one."""
        return (math.log(2) - scores / self.together for scores in self.scores)

    def add_all(self, drawn: EvaluationRows, stream: Stream) -> None:
        """Add the rows that were drawn and not learned from, and all rows that are read."""
        self.drawn = self.add(PlacedRows(self.start + np.arange(len(drawn)), drawn))
        for batch in stream.read():
            self.add(batch)

    def add(self, batch: PlacedRows) -> Float[np.ndarray, " rows"]:
        """Add rows to their groups, and return their logits."""
        logits = self.critic.d(batch.rows).astype(np.float64)
        group = (batch.places - self.start) // self.together
        is_bet = group < self.groups
        group, bet = group[is_bet], logits[is_bet]

        def sum_up(values: np.ndarray) -> Sums:
            return np.bincount(group, weights=values, minlength=self.groups)

        self.logits += sum_up(bet)
        self.above += sum_up(bet > self.critic.threshold)
        clips = (self.critic.low, self.critic.high), (-WIDEST, WIDEST)
        for scores, clip in zip(self.scores, clips, strict=True):
            scores += sum_up(np.logaddexp(0, -self.sign * np.clip(bet, *clip)))
        return logits
