"""Tables whose players are trees."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from onehalf._errors import refuse
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.cell_preprocessor import CellPreprocessor
from onehalf.data.tables.choices import NUMBERS
from onehalf.data.tables.constrained_preprocessor import ConstrainedPreprocessor, unwrap
from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.distributions.base import AbstractData
from onehalf.domains.preprocessor import Preprocessor
from onehalf.domains.tables import TableDomain
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.rows import concatenate, wrap
from onehalf.hyperparameters import OF_ALL_PLAYERS, Hyperparameters, settings_of_networks
from onehalf.players.base import Players
from onehalf.players.law import Law
from onehalf.players.trees.capacity import Signs
from onehalf.players.trees.constrained_law import ConstrainedLaw
from onehalf.players.trees.generator import TreeGenerator
from onehalf.players.trees.law import TreeLaw
from onehalf.players.trees.noise import UniformLatent
from onehalf.players.trees.scales import ColumnFacts
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import onehalf.export

__all__ = ["TreeTableDomain"]

ROUNDS = 6
"""Rounds by default: D has mostly lost before."""

FIXED = {"loss": "Minimax"}
"""What the recipe has in place of a default of networks."""

COPYING_SEED = 10
"""Settles what is random in the copying tests that choose the capacity."""

ALPHA = 0.05
"""The level of the copying test that the capacity is chosen by."""


@dataclass(frozen=True, eq=False)
class TreeTableDomain(TableDomain):
    """A table whose players take its cells as they are."""

    # D corrects G in each round
    is_refined: ClassVar[bool] = False
    given_hint: ClassVar[str] = "Give a table of known cells, in any of its columns."

    def fit_cells(self, cells: Cells, encoder: TableEncoder) -> Any:
        """The cells as they are."""
        return CellPreprocessor.fit(cells, encoder, self.labels)

    def load_cells(self, arrays: Mapping[str, np.ndarray], encoder: TableEncoder) -> Any:
        """The preprocessor of cells whose `to_arrays` these are."""
        return CellPreprocessor.from_arrays(arrays, encoder, self.labels)

    def resolve(
        self, asked: Mapping[str, Any], preprocessor: Preprocessor, n_rows: int
    ) -> Recipe:
        """The recipe; settings of networks are refused where they are asked for, and not used."""
        for name, value in settings_of_networks(asked).items():
            if value != FIXED.get(name):
                expected = "nothing, as it is a setting of networks and the players are trees"
                refuse(name, expected=expected, got=repr(value))
        usual = {name: getattr(Hyperparameters(), name) for name in asked} | FIXED
        numbers: dict[str, Any] = usual | {name: asked[name] for name in OF_ALL_PLAYERS}
        numbers["players"] = "trees"
        numbers["rounds"] = asked["rounds"] or ROUNDS
        return Recipe(**numbers)

    def latent(self, recipe: Recipe, preprocessor: Any) -> AbstractData:
        """Uniform numbers, and labels as often as the training rows have them."""
        return preprocessor.latent(UniformLatent())

    def make_players(self, recipe: Recipe, preprocessor: Any, p_data: Any) -> Players[Any]:
        """Trees on these training rows."""
        # imported here, as only training needs them
        from onehalf.players.trees.game import TreePlayers

        encoder, restore = self.table, _leave
        if isinstance(preprocessor, ConstrainedPreprocessor):
            encoder = preprocessor.reduction.describe(encoder)
            restore = preprocessor.reduction.restore
        facts = [
            ColumnFacts(
                column.kind not in NUMBERS,
                column.decimals if column.kind == "continuous" else 0,
            )
            for column in encoder.columns
        ]
        p_z = self.latent(recipe, preprocessor)
        test = functools.partial(_test_copying, self.encoder, restore)
        given = unwrap(preprocessor).label_columns
        return TreePlayers(recipe, p_data.cells, facts, given, p_z, test)

    def law(self, G: Any, preprocessor: Any) -> Law:
        """The chain's law, tilted, of cells or of what rules leave of them."""
        return _find_law(G, preprocessor)

    def make_decoder(self, preprocessor: Any, G: Any) -> "onehalf.export.Decoder":
        """The cells that the chain draws."""
        # imported here, as only an export needs them
        from onehalf.export.cells import CellDecoder
        from onehalf.players.trees.graph import list_cells

        pairs = [list_cells(scales) for scales in G.chain.scales]
        choices, scores = zip(*pairs, strict=True)
        return CellDecoder(self.shown, choices, scores, preprocessor)

    def to_dict(self) -> dict[str, Any]:
        """The table, and that its players are trees."""
        return {**super().to_dict(), "players": "trees"}

    def blank_generator(self, recipe: Recipe, preprocessor: Preprocessor) -> Any:
        """What a G is read from a file by."""
        return TreeGenerator


@functools.lru_cache(maxsize=1)
def _find_law(G: TreeGenerator, preprocessor: Any) -> Law:
    """The law of G; that of the last one is kept, as its constant and its sums take a while."""
    inner: CellPreprocessor = unwrap(preprocessor)
    labels = inner.conditions.cells[:, list(inner.label_columns)]
    law = TreeLaw(G, labels, inner.conditions.shares)
    if isinstance(preprocessor, ConstrainedPreprocessor):
        return ConstrainedLaw.of(law, preprocessor.reduction)
    return law


def _leave(cells: Cells) -> Cells:
    """Cells as they are, where no rule determines any."""
    return cells


def _test_copying(
    encoder: FeatureEncoder,
    restore: Callable[[Cells], Cells],
    train: np.ndarray,
    held_out: np.ndarray,
    samples: np.ndarray,
) -> Signs:
    """The copying test of the certificate, on rows that a chain has not seen."""
    from onehalf.evaluation.checks.memorization import detect_copying

    members, others, other = (
        wrap(EncodedRows.unlabelled(restore(x))) for x in (train, held_out, samples)
    )
    space = encoder.distance_space(concatenate([members, others]))
    rng = np.random.default_rng([COPYING_SEED, len(train)])
    found = detect_copying(rng, members, others, other, ALPHA, space=space)
    return Signs(found.p_value, found.log_e, found.advantage_lower)
