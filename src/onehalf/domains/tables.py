"""Tables: CSV and Parquet files and data frames, with words, dates and missing values as they come."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._files import keep_room, open_file
from onehalf._text import join_names
from onehalf._typing import PRNGKey
from onehalf.data.dataset import Dataset
from onehalf.data.files import PARQUET
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.constrained_preprocessor import (
    ConstrainedPreprocessor,
    strip,
    unwrap,
)
from onehalf.data.tables.constraints.base import Rule
from onehalf.data.tables.constraints.choosing import choose_rules
from onehalf.data.tables.constraints.constraints import Reduction
from onehalf.data.tables.copula import gaussian_copula
from onehalf.data.tables.encoding import HIDDEN, Cells, TableEncoder
from onehalf.data.tables.filters import RowFilter, find_column
from onehalf.data.tables.frames import is_data_frame, to_frame, to_table
from onehalf.data.tables.fresh import FreshColumns
from onehalf.data.tables.partial import PartialTable
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.reader import SUFFIXES
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.writer import write_table
from onehalf.distributions.base import Latent
from onehalf.domains.base import Domain
from onehalf.domains.preprocessor import Preprocessor
from onehalf.domains.table_samples import encode_table_samples
from onehalf.evaluation.features.base import FeatureEncoder
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.samples import Samples
from onehalf.hyperparameters import settings_of_networks
from onehalf.nets.base import AbstractNet
from onehalf.nets.tabular import Copula, Tabular
from onehalf.players.networks import Networks, make_mlps
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import onehalf.domains.recorders
    import onehalf.export
    import onehalf.sections.base

__all__ = ["TableDomain"]

DEFAULTS = {
    "m": 256,
    "width": 256,
    "features": 0,
    "normal": 32,
    "choices": 0,
    "noise": 0.3,
    "r1": 0.1,
    "rounds": 6_000,
    "rate_D": 2e-3,
    "rate_G": 2e-3,
    "every": 4,
}
"""Defaults of tables."""

MOST_NORMAL = 128
"""The latent has as many normal parts as the table has numeric columns, if they are more than its default, up to so
many."""

CALIBRATION = 8192
"""Samples by which the columns of a table are set right."""

MOST_COLUMNS = 200
"""Columns that trees take by default: of more, networks are sooner done."""

EVALUATIONS = 8
"""Evaluations in a run: one takes longer than with arrays."""


FRESH_VALUES = {"id": "new IDs", "key": "new keys", "personal": "made-up values"}
"""What samples hold in columns of these kinds."""


@dataclass(frozen=True, eq=False)
class TableDomain(Domain):
    """How the cells of a table are numbers, which columns are labels, and what library the user's frame is of."""

    table: TableEncoder
    """What encodes the cells."""
    labels: tuple[str, ...] = ()
    frame: Any = None
    """The user's data frame without its rows; None gives a `pyarrow.Table`."""
    fresh: FreshColumns = field(default_factory=FreshColumns)
    """The columns that samples have new values in: IDs, keys and personal data."""
    public: TableEncoder | None = None
    """The same encoder without words that no training row has, for all that is shown and saved."""

    rules: tuple[Rule, ...] = ()
    """What samples keep, for a fit that starts; a saved preprocessor has its own."""
    constraints: tuple[str, ...] = ()
    """The same, as people write them."""

    name: ClassVar[str] = "table"
    is_refined: ClassVar[bool] = True
    given_hint: ClassVar[str] = (
        "Players made of trees can be given any columns (--players trees)."
    )
    """What to do where other columns than labels are given."""

    @classmethod
    def accepts(cls, values: Any) -> bool:
        """Data frames."""
        return is_data_frame(values)

    @classmethod
    def infer(
        cls, data: Dataset, label: Sequence[str] = (), schema: Any = None
    ) -> "TableDomain":
        """The encoding of the columns."""
        found = data.infer_schema(schema) if data.totals else schema
        encoder = TableEncoder.fit(data.table, schema=found)
        if data.totals:
            encoder = replace(encoder, schema=found)
        for name in label:
            find_column("label", name, encoder)
        greatest = data.totals.greatest if data.totals else None
        fresh = FreshColumns.fit(data.table, encoder.schema, greatest)
        return cls(encoder, tuple(label), data.frame, fresh)

    def with_constraints(
        self, data: Dataset, choice: str | tuple[str, ...] | None
    ) -> "TableDomain":
        """Rules of the schema, those that are given, and those that are found."""
        given = choice if isinstance(choice, tuple) else ()
        rules = choose_rules(
            [*self.table.schema.constraints, *given],
            self.table,
            self.table.encode(data.table),
            data.table,
            labels=self.labels,
            choice=choice if isinstance(choice, str) else None,
        )
        return replace(self, rules=rules, constraints=tuple(rule.text for rule in rules))

    @classmethod
    def keep_personal(cls, data: Dataset, schema: Any, names: Sequence[str]) -> Schema:
        """The schema with these columns as categories."""
        return data.infer_schema(schema).keep_personal(names)

    def encode(self, data: Dataset, what: str = "X") -> EncodedRows:
        """The cells."""
        if not data.is_table:
            refuse(what, expected="a table, as the data are", got="an array")
        encoder = self.table.reveal_words(data.table)
        return EncodedRows.unlabelled(encoder.encode(data.table, what))

    def decode(self, rows: EncodedRows, *, fresh: np.random.Generator | None = None) -> Any:
        """A table, or a frame of the user's library."""
        return to_frame(self._decode(rows, fresh), self.frame)

    def decode_pieces(
        self, pieces: Iterable[EncodedRows], n: int, *, fresh: np.random.Generator | None
    ) -> Iterator[Any]:
        """Tables."""
        if fresh is None:
            yield from map(self.decode, pieces)
            return
        take = self.fresh.draw_pieces(self.table.types, n, fresh)
        for rows in pieces:
            table = self.table.decode(rows.x)
            new = self.fresh.insert(table, self.table.types, take(len(rows)))
            yield to_frame(new, self.frame)

    def estimate_new_memory(self, n: int) -> int:
        """IDs, keys and personal data."""
        return self.fresh.estimate_memory(n)

    def decode_given(
        self,
        rows: EncodedRows,
        known: PartialTable | None,
        *,
        fresh: np.random.Generator | None,
    ) -> Any:
        """A table, or a frame of the user's library, in which known cells are as they are."""
        if known is None:
            return self.decode(rows, fresh=fresh)
        table = known.fill_columns(self._decode(rows, fresh), self.table)
        names = [name for name in self.table.types.names if name in table.column_names]
        return to_frame(table.select(names), self.frame)

    def _decode(self, rows: EncodedRows, fresh: np.random.Generator | None) -> pa.Table:
        table = self.table.decode(rows.x)
        return self.fresh.add_to(table, self.table.types, fresh) if fresh is not None else table

    def parse_partial(self, values: Any, what: str, *, has_all: bool = False) -> PartialTable:
        """Some columns of such a table, words of the data among them."""
        table = to_table(values, allow_empty=True, what=what)
        required = self.table.names if has_all else ()
        return PartialTable.parse(table, self.table, what, required)

    def fill(self, partial: PartialTable, cells: Cells) -> pa.Table:
        """The columns that were learned, filled; the others as they are."""
        return partial.fill(self.table.decode(cells))

    def hide_unlearned(self, train: EncodedRows) -> "TableDomain":
        """The domain with a public encoder."""
        return replace(self, public=self.table.hide_words(train.x, self.labels))

    def reveal(self, data: Dataset) -> "TableDomain":
        """The domain with all words."""
        return replace(self, table=self.table.reveal_words(data.table), public=self.shown)

    @property
    def hides_words(self) -> bool:
        """Whether some words are hidden."""
        return any(HIDDEN in words for words in self.table.words.values())

    @property
    def shown(self) -> TableEncoder:
        """What encodes cells where they are shown or saved."""
        return self.public or self.table

    @property
    def label_names(self) -> tuple[str, ...]:
        """Columns that G is given."""
        return self.labels

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns of the data, those that are left out too."""
        return tuple(self.table.types.names)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The encoded columns."""
        return (len(self.table.columns),)

    def parse_filter(self, where: str) -> RowFilter:
        """Conditions on any columns."""
        return RowFilter.parse(where, self.table)

    def filter_cells(self, rows: EncodedRows) -> Cells:
        """The cells."""
        return rows.x

    def encode_labels(self, labels: Any) -> Cells:
        """A frame of the labels as cells, the others missing."""
        hint = self.given_hint
        if not self.labels:
            expected = "a fit with labels to be given"
            refuse("given", expected=expected, got="one without", hint=hint)
        table = to_table(labels, allow_empty=True)
        other = [name for name in table.column_names if name not in self.labels]
        if other:
            expected = f"the labels of the fit ({join_names(self.labels)})"
            refuse("given", expected=expected, got=join_names(other), hint=hint)
        return self.table.encode(table, "given", self.labels)

    def refuse_law(self, what: str) -> NoReturn:
        """Networks have no density that is known."""
        hint = "Fit with --players trees (GAN(players='trees'))."
        refuse(what, expected="a fit with players made of trees", got="networks", hint=hint)

    def choose_players(self, asked: Mapping[str, Any]) -> str:
        """Trees, unless settings of networks are asked for or there are too many columns."""
        is_for_networks = settings_of_networks(asked) or len(self.table.columns) > MOST_COLUMNS
        return asked["players"] or ("neural" if is_for_networks else "trees")

    def for_players(self, players: str) -> "TableDomain":
        """The same table for networks or trees."""
        if players == "neural":
            return self
        from onehalf.domains.tree_tables import TreeTableDomain

        return TreeTableDomain(**vars(self))

    def fit_preprocessor(self, train: EncodedRows, preset: str | None = None) -> Preprocessor:
        """Normal scores and one-hot choices of what rules do not determine."""
        if not self.rules:
            return self.fit_cells(train.x, self.table)
        reduction = Reduction.fit(self.rules, self.table, self.labels, train.x)
        encoder = reduction.describe(self.table)
        inner = self.fit_cells(reduction.reduce(train.x), encoder)
        return ConstrainedPreprocessor(inner, reduction)

    def load_preprocessor(self, arrays: Mapping[str, np.ndarray]) -> Preprocessor:
        """The preprocessor whose `to_arrays` these are."""
        arrays, reduction = strip(arrays)
        if reduction is None:
            return self.load_cells(arrays, self.table)
        inner = self.load_cells(arrays, reduction.describe(self.table))
        return ConstrainedPreprocessor(inner, reduction)

    def fit_cells(self, cells: Cells, encoder: TableEncoder) -> Any:
        """The preprocessor of these cells of training rows."""
        return TablePreprocessor.fit(cells, encoder, self.labels)

    def load_cells(self, arrays: Mapping[str, np.ndarray], encoder: TableEncoder) -> Any:
        """The preprocessor of cells whose `to_arrays` these are."""
        return TablePreprocessor.from_arrays(arrays, encoder, self.labels)

    def acceptance(
        self, preprocessor: Preprocessor
    ) -> Callable[[EncodedRows], Bool[np.ndarray, " _"]] | None:
        """Whether samples keep the rules that are not kept by construction."""
        if not isinstance(preprocessor, ConstrainedPreprocessor):
            return None
        reduction = preprocessor.reduction
        return lambda rows: reduction.keeps(rows.x)

    def find_repeats(
        self, preprocessor: Preprocessor
    ) -> Callable[[EncodedRows], Bool[np.ndarray, " _"]] | None:
        """Whether samples repeat a key of columns that are learned."""
        if not isinstance(preprocessor, ConstrainedPreprocessor):
            return None
        reduction = preprocessor.reduction
        return (lambda rows: reduction.repeats(rows.x)) if reduction.has_keys else None

    def recipe_defaults(self, net: str, preprocessor: Any) -> dict[str, Any]:
        """With a normal part of the latent for each numeric column."""
        scores = min(unwrap(preprocessor).layout.scores, MOST_NORMAL)
        return DEFAULTS | {"normal": max(DEFAULTS["normal"], scores)}

    def describe_rows(self) -> str:
        """A table."""
        return "a table"

    def networks(self, recipe: Recipe, preprocessor: Any, p_data: Any) -> Networks:
        """MLPs; G beside a Gaussian copula, its columns set right before it is kept."""
        p_z = self.latent(recipe, preprocessor)
        preprocessor = unwrap(preprocessor)
        layout = preprocessor.layout
        size = preprocessor.condition_size
        noise = Latent(normal=recipe.normal, choices=recipe.choices)
        given_std = jnp.full(size, max(len(preprocessor.given), 1) ** -0.5)
        first_std = jnp.concatenate([noise.first_std, given_std])
        rows = getattr(p_data, "rows", p_data)
        copula = gaussian_copula(rows, recipe.normal, len(first_std))
        mlps = make_mlps(recipe, preprocessor.shape, first_std, size)

        def G(key: PRNGKey) -> AbstractNet:
            return Tabular(Copula(mlps.G(key), *copula), layout, *noise.shape)

        def calibrate(G: Any) -> AbstractNet:
            return G.calibrate(p_z.batch(jr.key(0), CALIBRATION), preprocessor.shares)

        return Networks(mlps.D, G, calibrate)

    @classmethod
    def encode_samples(
        cls, sides: dict[str, Any], *, sampler: Any, schema: Any, features: Any, seed: int
    ) -> Samples:
        """Data frames."""
        if features is not None:
            refuse("features", expected="an array to go with them", got="a table")
        return encode_table_samples(sides, sampler, schema, seed)

    @property
    def encoder(self) -> FeatureEncoder:
        """Flags for words, numbers as they are."""
        return TableFeatureEncoder(TableColumns(self.shown))

    @property
    def left_out(self) -> tuple[str, ...]:
        """IDs, keys, personal data and free text."""
        return self.table.left_out

    @property
    def kept_personal(self) -> tuple[str, ...]:
        """Columns that look like personal data and are learned all the same."""
        return tuple(column.name for column in self.table.columns if column.personal)

    def is_valid(self, rows: EncodedRows) -> bool:
        """Any cells: a missing one is NaN."""
        return True

    def evaluations(self, recipe: Recipe) -> int:
        """Fewer than with arrays."""
        return EVALUATIONS

    def notes(self, recipe: Recipe) -> tuple[str, ...]:
        """What is unusual about the file, warnings about columns that will cause trouble, and rules."""
        rules = join_names(self.constraints, most=None)
        plural = "s" * (len(self.constraints) > 1)
        kept = f"Samples keep the rule{plural} {rules} (--constraints none: they need not)."
        return (*self.table.notes, *([kept] if rules else []))

    def sections(
        self, real: EncodedRows, other: EncodedRows, called: str, *, train: EncodedRows
    ) -> "onehalf.sections.base.DataSections":
        """Columns, pairs of columns and the schema."""
        from onehalf.sections.tables import TableSections

        return TableSections(real.x, other.x, called, self.shown)

    @classmethod
    def compare_sections(
        cls, real: Any, other: Any, called: str, schema: Any
    ) -> "onehalf.sections.base.DataSections":
        """Columns, pairs of columns and the schema."""
        from onehalf.sections.tables import TableSections

        sides = to_table(real, allow_empty=True), to_table(other, allow_empty=True)
        encoder = TableEncoder.fit(*sides, schema=schema)
        cells = [encoder.encode(side) for side in sides]
        return TableSections(cells[0], cells[1], called, encoder)

    @property
    def recorder(self) -> "onehalf.domains.recorders.Recorder":
        """Bars of columns, and pairs of columns."""
        from onehalf.domains.recorders import TableRecorder

        return TableRecorder(self.shown)

    def default_suffix(self, source: str) -> str:
        """That of the table's own file; Parquet for a folder of Parquet files."""
        suffix = Path(source).suffix.lower()
        return suffix if suffix in SUFFIXES else PARQUET

    def sample_suffixes(self) -> tuple[str, ...]:
        """Files that hold a table."""
        return SUFFIXES

    def describe(self, samples: Any, given: Collection[str] = ()) -> str:
        """The columns, those with new values, those that were given, and those that are left out."""
        columns = samples.num_columns
        about = f"with {columns} column{'s' * (columns != 1)}"
        kinds = {column.name: column.kind for column in self.table.schema.columns}
        for kind, does in FRESH_VALUES.items():
            names = [name for name in samples.column_names if kinds.get(name) == kind]
            names = [name for name in names if name not in given]
            if names:
                about += f"; {does} in {join_names(names)}"
        if given:
            about += f"; {join_names(given)} as given"
        omitted = [name for name in self.left_out if name not in samples.column_names]
        if omitted:
            about += f"; without {join_names(omitted)}, which can't be learned"
        return about

    def write_pieces(self, pieces: Iterable[Any], n: int, path: Path, suffix: str) -> None:
        """A .csv, .tsv or .parquet file."""
        with open_file(path) as file:
            write_table(file, keep_room(pieces, n, path.parent, file.tell, len), suffix)

    def decoder(self, preprocessor: Any, G: Any) -> "onehalf.export.Decoder":
        """A column each, with words of training rows alone; refuses rules, which samples are tried by."""
        if isinstance(preprocessor, ConstrainedPreprocessor):
            hint = "Fit with --constraints none."
            got = f"one with {join_names(map(repr, self.constraints))}"
            refuse("export", expected="a fit without rules", got=got, hint=hint)
        return self.make_decoder(preprocessor, G)

    def make_decoder(self, preprocessor: Any, G: Any) -> "onehalf.export.Decoder":
        """What decodes the rows of G where samples keep no rules."""
        # imported here, as only an export needs it
        from onehalf.export.tables import TableDecoder

        choices, scores = preprocessor.choices, preprocessor.scores
        return TableDecoder(self.shown, choices, scores, preprocessor)

    def to_dict(self) -> dict[str, Any]:
        """The encoding and the labels."""
        return {
            "name": self.name,
            "encoder": self.shown.to_dict(),
            "labels": self.labels,
            "fresh": self.fresh.to_dict(),
            **({"constraints": self.constraints} if self.constraints else {}),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "TableDomain":
        """The domain that `to_dict` gave."""
        table = cls(
            TableEncoder.from_dict(saved["encoder"]),
            tuple(saved["labels"]),
            fresh=FreshColumns.from_dict(saved["fresh"]),
            constraints=tuple(saved.get("constraints", ())),
        )
        return table.for_players(saved.get("players", "neural"))
