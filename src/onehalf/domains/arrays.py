"""Arrays of numbers: vectors, points, anything with one example along the first axis; perhaps with labels."""

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from onehalf._errors import refuse
from onehalf.data.arrays.preprocessor import ArrayPreprocessor
from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.arrays.validation import numbered, to_array
from onehalf.data.arrays.writer import write_arrays
from onehalf.data.dataset import Dataset
from onehalf.data.labels import LabelEncoder, Labelled
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import Cells
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.frames import is_data_frame
from onehalf.distributions.base import Latent
from onehalf.distributions.empirical import Empirical
from onehalf.domains.array_samples import encode_array_samples
from onehalf.domains.base import Domain
from onehalf.domains.preprocessor import Preprocessor
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.base import FeatureEncoder, PlainColumns
from onehalf.evaluation.samples import Samples
from onehalf.nets.bounded import Bounded
from onehalf.players.networks import Networks, make_mlps
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import onehalf.domains.recorders
    import onehalf.export
    import onehalf.sections.base

__all__ = ["ArrayDomain", "first_std"]

FEW_ENTRIES = 16
"""Rows of no more entries have modes to find: a latent with choices, and waves before D. Rows of more, such as images,
have a shape to learn: a wider normal latent, wider networks, and R1."""

COMMON = {"rate_D": 2e-3, "rate_G": 2e-3, "every": 4, "noise": 1.0}
"""Defaults of every array."""

FEW = COMMON | {
    "m": 256,
    "width": 128,
    "features": 32,
    "normal": 8,
    "choices": 128,
    "r1": 0.0,
    "rounds": 12_000,
}
"""Defaults for rows of few entries."""

MANY = COMMON | {
    "m": 128,
    "width": 256,
    "features": 0,
    "normal": 32,
    "choices": 0,
    "r1": 1.0,
    "rounds": 8_000,
}
"""Defaults for rows of more."""


@dataclass(frozen=True, eq=False)
class ArrayDomain(Domain):
    """Rows of one shape and dtype, and what labels they may have."""

    shape: tuple[int, ...]
    dtype: str
    labels: LabelEncoder

    name: ClassVar[str] = "array"
    is_refined: ClassVar[bool] = True

    @classmethod
    def accepts(cls, values: Any) -> bool:
        """Whatever is no data frame."""
        return not is_data_frame(values)

    @classmethod
    def infer(
        cls, data: Dataset, label: Sequence[str] = (), schema: Any = None
    ) -> "ArrayDomain":
        """The shape, the dtype, and the distinct labels."""
        if schema:
            refuse("schema", expected="a table", got="an array")
        x = np.asarray(data.values)
        labels = LabelEncoder.infer(data.labels if label else None, label)
        return cls(x.shape[1:], x.dtype.str, labels)

    def encode(self, data: Dataset, what: str = "X") -> EncodedRows:
        """The array as it is, and the place of each label."""
        if data.is_table:
            refuse(what, expected="an array, as the data are", got="a table")
        x = np.asarray(data.values)
        if x.shape[1:] != self.shape:
            refuse(what, expected=f"rows of shape {self.shape}", got=x.shape[1:])
        return EncodedRows(x, self.labels.encode(data.labels, len(x)))

    def decode(self, rows: EncodedRows, *, fresh: np.random.Generator | None = None) -> Any:
        """The array, in a pair with the labels if there are any."""
        if not self.labels.names:
            return rows.x
        return Labelled(rows.x, self.labels.decode(rows.labels))

    @property
    def label_names(self) -> tuple[str, ...]:
        """What y is called."""
        return self.labels.names

    @property
    def column_names(self) -> tuple[str, ...]:
        """None of their own."""
        return ()

    @property
    def row_shape(self) -> tuple[int, ...]:
        """That of the user's rows."""
        return self.shape

    @property
    def no_rows(self) -> EncodedRows:
        """None, in the user's dtype."""
        x = np.zeros((0, *self.shape), self.dtype)
        return EncodedRows(x, np.zeros((0, len(self.label_names)), np.int64))

    @property
    def is_filterable(self) -> bool:
        """By their labels, if there are any."""
        return bool(self.labels.names)

    def parse_filter(self, where: str) -> RowFilter:
        """Conditions on the label."""
        if not self.labels.names:
            refuse(
                "where, balanced",
                expected="a fit of a table, or with labels",
                got="one of an array without",
            )
        return RowFilter.parse(where, self.labels.encoder)

    def filter_cells(self, rows: EncodedRows) -> Cells:
        """The labels."""
        return rows.labels.astype(np.float64)

    def encode_labels(self, labels: Any) -> Cells:
        """A list of y as cells."""
        if not self.labels.names:
            refuse("given", expected="a fit with labels to be given", got="one without")
        return self.labels.encode(np.asarray(labels), len(labels)).astype(np.float64)

    def fit_preprocessor(self, train: EncodedRows, preset: str | None = None) -> Preprocessor:
        """Standard units; the 2014 recipes see pixels between 0 and 1."""
        if preset:
            from onehalf.presets import mnist_2014

            scaler = mnist_2014.pixels(train.x)
        else:
            scaler = ArrayScaler.fit(train.x)
        return ArrayPreprocessor.fit(train, scaler, self.labels.names, len(self.labels.values))

    def load_preprocessor(self, arrays: Mapping[str, np.ndarray]) -> Preprocessor:
        """The preprocessor whose `to_arrays` these are."""
        return ArrayPreprocessor.from_arrays(arrays, self.shape, self.dtype, self.labels.names)

    def recipe_defaults(self, net: str, preprocessor: Preprocessor) -> dict[str, Any]:
        """By the number of entries."""
        return FEW if math.prod(self.shape) <= FEW_ENTRIES else MANY

    def check_preset(self, preset: str) -> None:
        """Any array without labels."""
        if self.labels.names:
            refuse("recipe", expected=f"an array without labels for {preset}", got="labels")

    def describe_rows(self) -> str:
        """Their shape."""
        return f"rows of shape {self.shape}"

    def networks(self, recipe: Recipe, preprocessor: Preprocessor, p_data: Any) -> Networks:
        """MLPs; G stays inside the bounds of whole numbers where there are many entries."""
        size = preprocessor.condition_size
        mlps = make_mlps(recipe, self.shape, first_std(recipe, size), size)
        return self._bound(mlps, p_data)

    def _bound(self, networks: Networks, p_data: Any) -> Networks:
        """Keep G inside the least and the greatest value of each entry, for whole numbers of many entries."""
        rows: Empirical = getattr(p_data, "rows", p_data)
        bounds = rows.bounds if math.prod(self.shape) > FEW_ENTRIES else None
        if bounds is None:
            return networks
        return dataclasses.replace(networks, G=lambda key: Bounded(networks.G(key), *bounds))

    @classmethod
    def encode_samples(
        cls, sides: dict[str, Any], *, sampler: Any, schema: Any, features: Any, seed: int
    ) -> Samples:
        """Arrays, or pairs of arrays and labels."""
        for side, rows in sides.items():
            if is_data_frame(rows):
                refuse(side, expected="an array, as the data are", got="a table")
        if schema is not None:
            refuse("schema", expected="a table to go by it", got="an array")
        return encode_array_samples(sides, sampler, features, seed, cls.choose_encoder)

    @classmethod
    def choose_encoder(
        cls, columns: PlainColumns, sides: Sequence[np.ndarray], classes: np.ndarray
    ) -> FeatureEncoder:
        """What critics see of arrays that are compared."""
        return ArrayEncoder(columns, classes)

    @property
    def encoder(self) -> FeatureEncoder:
        """Plain columns."""
        return ArrayEncoder(PlainColumns(numbered(self.shape)), self.labels.values)

    def sections(
        self, real: EncodedRows, other: EncodedRows, called: str, *, train: EncodedRows
    ) -> "onehalf.sections.base.DataSections":
        """Points or histograms."""
        from onehalf.sections.arrays import ArraySections

        shown = "validation rows and new samples"
        return ArraySections(real.x, other.x, called, shown)

    @classmethod
    def compare_sections(
        cls, real: Any, other: Any, called: str, schema: Any
    ) -> "onehalf.sections.base.DataSections":
        """Points or histograms."""
        from onehalf.sections.arrays import ArraySections

        return ArraySections(without_labels(real), without_labels(other), called)

    @property
    def recorder(self) -> "onehalf.domains.recorders.Recorder":
        """A grid over one or two numbers, else bars of each column."""
        from onehalf.domains.recorders import ColumnRecorder, GridRecorder

        return GridRecorder(self.shape[0]) if self.shape in ((1,), (2,)) else ColumnRecorder()

    def sample_suffixes(self) -> tuple[str, ...]:
        """NumPy's files."""
        return (".npy", ".npz")

    def default_suffix(self, source: str) -> str:
        """A .npz file holds labels too."""
        return ".npz" if self.labels.names else ".npy"

    def describe(self, samples: Any, given: Collection[str] = ()) -> str:
        """Shape and dtype."""
        return f"of shape {self.shape}, {np.dtype(self.dtype)}"

    def write_pieces(self, pieces: Iterable[Any], n: int, path: Path, suffix: str) -> None:
        """A .npy file of rows, or a .npz file with rows as `x` and labels as `y`."""
        write_arrays(pieces, n, path, suffix)

    def decoder(self, preprocessor: Any, G: Any) -> "onehalf.export.Decoder":
        """The user's units and dtype."""
        # imported here, as only an export needs it
        from onehalf.export.arrays import ArrayDecoder

        return ArrayDecoder(preprocessor, self.labels)

    def to_dict(self) -> dict[str, Any]:
        """Shape, dtype and labels."""
        labels = self.labels.to_dict()
        return {"name": self.name, "shape": self.shape, "dtype": self.dtype, "labels": labels}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "ArrayDomain":
        """The domain that `to_dict` gave."""
        labels = LabelEncoder.from_dict(saved["labels"])
        return cls(tuple(saved["shape"]), saved["dtype"], labels)


def without_labels(rows: Any) -> np.ndarray:
    """The array of a pair of one and its labels; one of a single axis as one column."""
    x = to_array("X", rows[0] if isinstance(rows, tuple) else rows)
    return x[:, None] if x.ndim == 1 else x


def first_std(recipe: Recipe, condition_size: int) -> Float[Array, " entries"]:
    """Standard deviations for G's first weights; labels have together as much say as the noise."""
    noise = Latent(normal=recipe.normal, choices=recipe.choices).first_std
    return jnp.concatenate([noise, jnp.ones(condition_size)])
