"""What was learned: a distribution that gives rows in the user's own form, freely or under conditions."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.random as jr
import numpy as np
from jaxtyping import Float

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.conditions import Conditions
from onehalf.data.dataset import frame_columns
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.partial import PartialTable
from onehalf.distributions.base import Batch
from onehalf.model.batches import (
    BATCH,
    check_memory,
    latent_walk,
    numpy_generator,
    round_up,
    search_size,
)
from onehalf.model.completion import Completion
from onehalf.model.results import Given, Imputation, Pieces, Sample, Search
from onehalf.model.sampler import REDRAWS, Sampler
from onehalf.players.law import Law, Wish

if TYPE_CHECKING:
    import onehalf.export

__all__ = ["GenerativeModel"]

SEARCH = 1_000_000
"""Samples that are drawn in search of some under conditions, besides a thousand for each that is wanted."""

COPIES_OF_KEYS = 5
"""Measured: how often rows are held while their keys are compared."""


@dataclass(frozen=True)
class GenerativeModel(Sampler):
    """p_g, and the way back to the user's rows."""

    def draw_pieces(
        self, key: PRNGKey, n: int, where: str | None = None, *, balanced: bool = False
    ) -> Pieces:
        """Draw the samples of `draw_distinct`, of which one batch is in memory at a time.

        Where rules say that keys are unique, all are drawn first.

        Raises:
            Refusal: As `draw_distinct`; under conditions also when a later piece is drawn.
        """
        if self.domain.find_repeats(self.preprocessor):
            sample = self.draw_distinct(key, n, where, balanced=balanced)
            starts = range(0, n, BATCH)
            pieces = (sample.rows[start : start + BATCH] for start in starts)
            return Pieces(pieces, sample if where else None)
        if where:
            search = Search()
            return Pieces(self._search(search, key, n, where, balanced=balanced), search)
        conditions = self._choose_conditions(None, balanced=balanced)
        if not self.domain.is_filterable:
            return Pieces(self.draw_accepted(key, n))
        rng = numpy_generator(key)
        _, key = jr.split(key)
        if not conditions.names:
            return Pieces(self.draw_accepted(key, n))
        return Pieces(
            self.draw_accepted(key, n, lambda start, stop: conditions.draw(rng, stop - start))
        )

    def estimate_key_memory(self, n: int) -> int:
        """Estimate the bytes that grow with the rows in `draw_pieces`: those of unique keys."""
        if self.domain.find_repeats(self.preprocessor) is None:
            return 0
        return COPIES_OF_KEYS * 8 * n * math.prod(self.domain.row_shape)

    @cached_property
    def law(self) -> Law | None:
        """The density of samples, where the players have one."""
        return self.domain.law(self.p_g.G, self.preprocessor)

    def log_prob(self, rows: EncodedRows) -> Float[np.ndarray, " n"]:
        """The logarithm of the density of rows, in nats.

        Raises:
            Refusal: The players have no density.
        """
        return self._require_law("log_prob").log_prob(rows.x)

    def complete(self, key: PRNGKey, partial: PartialTable) -> Given:
        """Draw a sample for each row of a table with gaps, its other cells given; drawn ones may be missing too.

        Raises:
            Refusal: The players can't, or a row breaks a rule that samples keep.
        """
        found = self._completion(partial).fill(key, partial, Wish(may_be_missing=True))
        return Given(
            EncodedRows.unlabelled(found.cells[0]), partial, found.impossible, found.left
        )

    def impute(
        self, key: PRNGKey, partial: PartialTable, *, draws: int = 1, how: str = "draw"
    ) -> "Imputation":
        """Fill the gaps of a table by the law of complete rows given the cells that are there.

        Args:
            key: One key.
            partial: The table.
            draws: How many completions.
            how: 'draw', 'mean' or 'mode'; see `Wish`.

        Raises:
            Refusal: The players can't, or a row breaks a rule that samples keep.
        """
        wish = Wish(may_be_missing=False, draws=draws, how=how)
        return self._completion(partial).fill(key, partial, wish)

    def _completion(self, partial: PartialTable) -> Completion:
        """What fills the gaps of this table."""
        law = self._require_law(partial.what)
        return Completion(law, self.domain.find_repeats(self.preprocessor))

    def check_imputes(self) -> None:
        """Refuse players that can't fill gaps."""
        self._require_law("impute")

    @property
    def log_prob_error(self) -> float:
        """The standard error of the constant that the densities of all rows share."""
        return self._require_law("log_prob").constant_error

    def _require_law(self, what: str) -> Law:
        """The density of samples; refuses where there is none."""
        law = self.law
        if law is None:
            self.domain.refuse_law(what)
        return law

    def draw_given(self, key: PRNGKey, given: Any, what: str = "given") -> Given:
        """Draw one sample for each row of labels, or of any columns of a table where the players can.

        Args:
            key: One key.
            given: The labels, or the table.
            what: Its name in error messages.

        Raises:
            Refusal: There are no labels to be given, or one is unknown.
        """
        names = frame_columns(given)
        if self.law is None or names is None or set(names) <= set(self.domain.label_names):
            cells = self.domain.encode_labels(given)
            return Given(self.draw(key, len(cells), cells))
        return self.complete(key, self.domain.parse_partial(given, what))

    def draw_where(
        self, key: PRNGKey, n: int, where: str | None = None, *, balanced: bool = False
    ) -> Sample:
        """Draw n samples that hold conditions such as 'sex=F,age>40'.

        Conditions that fix labels are given to G; for all others samples are drawn until n of them hold, or weighted
        where the players have a density.

        Args:
            key: One key.
            n: How many.
            where: The conditions; None for no conditions.
            balanced: Give all labels that occur together an equal share.

        Raises:
            Refusal: No data have such labels, or samples under these conditions are too rare.
        """
        itemsize = np.dtype(getattr(self.domain, "dtype", np.float64)).itemsize
        check_memory(n, max(math.prod(self.domain.row_shape), 1), itemsize)
        if where:
            search = Search()
            pieces = self._search(search, key, n, where, balanced=balanced)
            rows = EncodedRows.concatenate(list(pieces))
            return Sample.found_by(search, rows)
        conditions = self._choose_conditions(None, balanced=balanced)
        if not self.domain.is_filterable:
            return Sample(n, rows=self.draw(key, n))
        labels = conditions.draw(numpy_generator(key), n) if conditions.names else None
        return Sample(n, rows=self.draw(jr.split(key)[1], n, labels))

    def _search(
        self, search: Search, key: PRNGKey, n: int, where: str, *, balanced: bool
    ) -> Iterator[EncodedRows]:
        """Find n samples under conditions, piece by piece.

        Args:
            search: Is kept up to date on what was found.
            key: One key.
            n: How many.
            where: The conditions.
            balanced: Give all labels that occur together an equal share.

        Raises:
            Refusal: As `draw_where`.
        """
        row_filter = self.domain.parse_filter(where)
        conditions = self._choose_conditions(row_filter, balanced=balanced)
        if self.law and not set(row_filter.allowed) <= set(conditions.names):
            yield from self._weigh(search, key, n, row_filter, balanced=balanced)
            return
        rng = numpy_generator(key)
        of_all = self.preprocessor.conditions.shares.sum()
        possible = 1.0 if balanced else float(conditions.shares.sum() / of_all)
        count = 0
        while count < n:
            if search.n_drawn > SEARCH + 1000 * n:
                got = f"{count:,} of {search.n_drawn:,}"
                few = "Ask for fewer, or fit with a label."
                hint = few if count else "Rows like these are too rare, or impossible."
                refuse("where", expected=f"{n:,} samples with {row_filter}", got=got, hint=hint)
            size = search_size(n - count, search.n_drawn, count)
            key, key_batch = jr.split(key)
            labels = conditions.draw(rng, size) if conditions.names else None
            rows = self.draw(key_batch, size, labels)
            holds = np.flatnonzero(row_filter.mask(self.domain.filter_cells(rows)))
            needed = holds[: n - count]
            # rows after the last one that was needed do not count
            search.n_drawn += int(needed[-1]) + 1 if len(needed) == n - count else size
            count += len(needed)
            search.probability = possible * count / search.n_drawn
            if len(needed):
                yield rows[needed]

    def _choose_conditions(self, row_filter: RowFilter | None, *, balanced: bool) -> Conditions:
        """The labels that samples under a filter are drawn for, with their shares.

        Raises:
            Refusal: No data have such labels, or there are none to balance by.
        """
        conditions = self.preprocessor.conditions
        if row_filter:
            kept = row_filter.on(conditions.names).mask(conditions.cells)
            if not kept.any():
                expected = "labels that occur together in the data"
                refuse("where", expected=expected, got=row_filter)
            conditions = dataclasses.replace(
                conditions, cells=conditions.cells[kept], shares=conditions.shares[kept]
            )
        if not balanced:
            return conditions
        if not conditions.names:
            refuse("balanced", expected="a fit with a label to balance by", got="one without")
        return dataclasses.replace(conditions, shares=np.ones(len(conditions.cells)))

    def _weigh(
        self, search: Search, key: PRNGKey, n: int, row_filter: RowFilter, *, balanced: bool
    ) -> Iterator[EncodedRows]:
        """Find n samples under conditions by weights instead of trials; exact as samples grow in number."""
        law = self._require_law("where")
        law = law.balance() if balanced else law
        rng = numpy_generator(key)
        places = self.domain.filter_places(row_filter)
        for start in range(0, n, BATCH):
            wanted = min(BATCH, n - start)
            found = law.draw_where(rng, wanted, places, SEARCH + 1000 * wanted)
            search.add(found.n_drawn, found.probability, found.effective)
            rows = EncodedRows.unlabelled(found.cells)
            rows = rows[row_filter.mask(self.domain.filter_cells(rows))]
            if len(rows) < wanted:
                got = (
                    f"{start + len(rows):,} of {search.n_drawn:,}, with a probability of "
                    f"{search.probability:.2g}"
                )
                few = "Ask for fewer."
                hint = few if start + len(rows) else "The model makes no such row."
                refuse("where", expected=f"{n:,} samples with {row_filter}", got=got, hint=hint)
            yield rows

    def draw_distinct(
        self, key: PRNGKey, n: int, where: str | None = None, *, balanced: bool = False
    ) -> Sample:
        """Draw n samples as `draw_where` does, that also differ in the keys that rules say are unique.

        Raises:
            Refusal: Fewer can be found.
        """
        sample = self.draw_where(key, n, where, balanced=balanced)
        repeats = self.domain.find_repeats(self.preprocessor)
        if repeats is None:
            return sample
        rows, n_drawn = sample.rows, sample.n_drawn
        wrong = np.flatnonzero(repeats(rows))
        for attempt in range(REDRAWS):
            if not len(wrong):
                break
            key_again = jr.fold_in(key, attempt)
            size = round_up(len(wrong))
            again = self.draw_where(key_again, size, where, balanced=balanced)
            rows = rows.replace(wrong, again.rows[: len(wrong)])
            n_drawn += again.n_drawn
            wrong = np.flatnonzero(repeats(rows))
        if len(wrong):
            got = f"{n - len(wrong):,} of them after {n_drawn:,} draws"
            expected = f"{n:,} rows with keys of their own"
            refuse("n", expected=expected, got=got, hint="Ask for fewer.")
        return dataclasses.replace(sample, rows=rows, n_drawn=n_drawn)

    def export(self, path: Path) -> "onehalf.export.Description":
        """Write G into a file for other programs, .onnx or .stablehlo, with a description beside it.

        The file has G and the decoding of its rows. Where D corrects samples (`refinement`), the file leaves that out.

        Raises:
            Refusal: The file can't be written, or this model can't be exported.
        """
        # imported here, as it takes an optional package
        from onehalf import export

        export.check_target(path)
        decoder = self.domain.decoder(self.preprocessor, self.p_g.G)
        return export.write(path, self.p_g, decoder, is_corrected=self.refinement is not None)

    def interpolate(self, key: PRNGKey, n: int, steps: int) -> EncodedRows:
        """Draw `steps` samples along each of n closed walks through p_z; the rows come step by step.

        They are G's own: a walk goes through all of p_z, and nothing is left out of it by the odds of D.

        Raises:
            Refusal: The model's rows can't be interpolated.
        """
        if min(n, steps) < 1:
            refuse("n, steps", expected="at least 1 of each", got=(n, steps))
        if self.domain.column_names:
            refuse("interpolate", expected="a fit of an array", got="one of a table")
        z, c = latent_walk(key, self.p_g.p_z, n, steps)
        flat = Batch(z.reshape(n * steps, -1), c.reshape(n * steps, -1))
        G: Any = self.p_g.G
        x = jax.lax.map(lambda each: G(*each) if c.size else G(each.x), flat, batch_size=n)
        return self.preprocessor.inverse_transform(Batch(x, flat.c))
