"""Rows of p_g, batch by batch, that keep the rules of their domain."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.distributions.base import Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.model.batches import (
    BATCH,
    batch_size,
    draw_batch,
    draw_batch_given,
    round_up,
)
from onehalf.players.refinement import Refinement
from onehalf.players.rejection import Places, draw_each, draw_until_kept

__all__ = ["REDRAWS", "Sampler"]

REDRAWS = 100
"""Times that samples are drawn anew, at most, where they break a rule."""

MOST_BATCHES = 2**31 - 1
"""A number that no batch has."""

PROPOSALS = 8192
"""Draws at a time, at most, where some of them are not kept."""

MOST_DOUBLED = 6
"""How often the number of candidates for each of them is doubled."""


@dataclass(frozen=True)
class Sampler:
    """Draws samples, freely or with labels that are given."""

    p_g: Pushforward
    domain: Domain
    preprocessor: Preprocessor
    refinement: Refinement | None = None
    """Decides which draws of p_g are kept; None keeps all."""

    def draw(self, key: PRNGKey, n: int, labels: Cells | None = None) -> EncodedRows:
        """Draw n samples, batch by batch.

        The requested labels are returned even if the generator merges rare ones. Samples that break a rule of the
        domain, or that `refinement` does not keep, are drawn again, under the same labels if these are given.

        Args:
            key: One key.
            n: How many.
            labels: Cells of the labels to make each of them for; None draws labels as the data have them.

        Raises:
            Refusal: Samples that keep the rules are too rare.
        """
        pick = None if labels is None else lambda start, stop: labels[start:stop]
        return EncodedRows.concatenate(list(self.draw_accepted(key, n, pick)))

    def draw_accepted(
        self, key: PRNGKey, n: int, pick: Callable[[int, int], Cells] | None = None
    ) -> Iterator[EncodedRows]:
        """Draw n samples, batch by batch, and those of each batch that break a rule again; see `_draw_batches`."""
        labels: Cells | None = None

        def remember(start: int, stop: int) -> Cells:
            nonlocal labels
            assert pick
            labels = pick(start, stop)
            return labels

        for number, rows in enumerate(self._draw_batches(key, n, pick and remember)):
            # not the key of any batch
            key_batch = jr.fold_in(key, MOST_BATCHES - number) if number else key
            yield self._redraw(key_batch, rows, labels)

    def _redraw(self, key: PRNGKey, rows: EncodedRows, labels: Cells | None) -> EncodedRows:
        """Draw those samples again that break a rule, until none does."""
        is_accepted = self.domain.acceptance(self.preprocessor)
        if is_accepted is None or self.refinement is not None:
            return rows
        wrong = np.flatnonzero(~is_accepted(rows))
        for attempt in range(REDRAWS):
            if not len(wrong):
                break
            copies = int(np.clip(BATCH // len(wrong), 1, 2 ** min(attempt, MOST_DOUBLED)))
            of = np.resize(wrong, round_up(copies * len(wrong)))
            own = None if labels is None else labels[of]
            again = self._draw(jr.fold_in(key, attempt), len(of), own)
            right = np.flatnonzero(is_accepted(again))
            filled, first = np.unique(of[right], return_index=True)
            rows = rows.replace(filled, again[right[first]])
            wrong = np.setdiff1d(wrong, filled)
        if len(wrong):
            expected = "samples that keep them"
            got = f"{len(wrong):,} of {len(rows):,} for which none was found"
            hint = "Leave out the rule that is kept most rarely."
            refuse("constraints", expected=expected, got=got, hint=hint)
        return rows

    def _draw(self, key: PRNGKey, n: int, labels: Cells | None) -> EncodedRows:
        """Draw n samples, batch by batch; without `refinement`, whatever rules they break."""
        pick = None if labels is None else lambda start, stop: labels[start:stop]
        return EncodedRows.concatenate(list(self._draw_batches(key, n, pick)))

    def _draw_batches(
        self, key: PRNGKey, n: int, pick: Callable[[int, int], Cells] | None = None
    ) -> Iterator[EncodedRows]:
        """Draw n samples, batch by batch; without `refinement`, whatever rules they break.

        Args:
            key: One key.
            n: How many.
            pick: Gives the labels of samples from one place up to another, each once and in order; None draws labels
                as the data have them.
        """
        size = batch_size(math.prod(self.preprocessor.shape))
        for number, start in enumerate(range(0, n, size)):
            # the key is that of jr.split(key, batches), without making all of them
            key_batch = jr.fold_in(key, number)
            stop = min(start + size, n)
            if self.refinement is not None:
                labels = None if pick is None else pick(start, stop)
                yield self._draw_refined(self.refinement, key, (start, stop), labels)
                continue
            if pick is None:
                batch = draw_batch(self.p_g, key_batch, stop - start)
                yield self.preprocessor.inverse_transform(batch)
                continue
            labels = pick(start, stop)
            c = jnp.asarray(self.preprocessor.encode_conditions(labels))
            rows = self.preprocessor.inverse_transform(draw_batch_given(self.p_g, key_batch, c))
            yield self.preprocessor.relabel(rows, labels)

    def _draw_refined(
        self,
        refinement: Refinement,
        key: PRNGKey,
        span: tuple[int, int],
        labels: Cells | None,
    ) -> EncodedRows:
        """Draw the samples of a span of numbers by rejection; each depends on key, number and labels alone."""
        size = min(PROPOSALS, batch_size(math.prod(self.preprocessor.shape)))
        keeps_rules = self.domain.acceptance(self.preprocessor)
        start, stop = span

        def draw(
            places: Places, attempts: Places
        ) -> tuple[EncodedRows, Bool[np.ndarray, " _"]]:
            own = None if labels is None else labels[places]
            c = None if own is None else self.preprocessor.encode_conditions(own)
            batch, u = draw_each(self.p_g, key, start + places, attempts, c, size)
            rows = self.preprocessor.inverse_transform(batch)[: len(places)]
            rows = rows if own is None else self.preprocessor.relabel(rows, own)
            is_kept = refinement.accept(rows.flat(), u[: len(places)])
            return rows, is_kept & keeps_rules(rows) if keeps_rules else is_kept

        return draw_until_kept(draw, stop - start, size)
