"""What a model file takes and gives, for JSON: all that a program needs to use it, without this package."""

from dataclasses import asdict, dataclass
from typing import Any

from onehalf.distributions.base import AbstractData

__all__ = ["Column", "Description", "Input", "Label", "LabelShare", "Noise", "describe_noise"]

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Noise:
    """Some neighbouring entries of z, all independent and of one law."""

    law: str
    """'normal': N(0, 1); 'uniform': U(-sqrt 3, sqrt 3); 'signs': -1 or 1, each with probability 1/2; 'one-hot': one of
    the entries, each as likely, is `hot` and the others are 0; 'gumbel': the standard Gumbel distribution,
    -log(-log(U)) for U uniform in 0 to 1; 'unit': U(0, 1)."""
    start: int
    """The first of the entries, from 0."""
    size: int
    """How many entries there are."""
    hot: float | None = None
    """For 'one-hot': the entry that is not 0."""


@dataclass(frozen=True)
class Label:
    """A label that samples are drawn for, as an input."""

    input: str
    name: str
    type: str
    values: tuple[Value, ...]
    """The values that it takes; any other one is an error."""
    by_place: bool = False
    """Whether the input is the value's place among `values`, from 0, instead of the value."""


@dataclass(frozen=True)
class LabelShare:
    """A combination of labels, and its share of the training rows."""

    given: dict[str, Value]
    share: float


@dataclass(frozen=True)
class Input:
    """A tensor that goes in."""

    name: str
    type: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Column:
    """A tensor that comes out: a column of a table, all entries of an array, or its labels."""

    output: str
    name: str
    """What the data call it."""
    kind: str
    """'array', 'label', or the kind of a table's column."""
    type: str
    shape: tuple[int | str, ...]
    values: tuple[Value, ...] | None = None
    """All that there are, where these can be listed."""
    missing: Value = None
    """What a missing cell comes out as; null where no cell is missing, 'NaN' for not a number."""
    unit: str | None = None
    """For dates as whole numbers: what they count since 1970."""
    format: str | None = None
    """How the data write dates."""


@dataclass(frozen=True)
class Description:
    """A model file."""

    file: str
    sha256: str
    """The hash of the model file: a file of another export has another one."""
    format: str
    """'onnx' or 'stablehlo'."""
    versions: dict[str, str]
    inputs: tuple[Input, ...]
    noise: tuple[Noise, ...]
    """The law of z, from its first entry to its last."""
    labels: tuple[Label, ...]
    label_shares: tuple[LabelShare, ...]
    columns: tuple[Column, ...]
    """What comes out, in the order of the data."""
    left_out: tuple[str, ...]
    """Columns of the data that are not learned: IDs, personal data and free text."""
    is_corrected: bool
    """Whether `onehalf sample` also lets D reject some samples, which the file does not."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def describe_noise(p_z: AbstractData) -> tuple[Noise, ...]:
    """List the parts of z.

    >>> from onehalf.distributions.base import Latent
    >>> [(part.law, part.start, part.size) for part in describe_noise(Latent(normal=8, choices=4))]
    [('normal', 0, 8), ('one-hot', 8, 4)]
    """
    noise: Any = p_z
    gumbels = 0
    while hasattr(noise, "noise"):
        gumbels += getattr(noise, "gumbels", 0)
        noise = noise.noise
    parts = []
    start = 0
    for law, size in [*noise.laws, ("gumbel", gumbels)]:
        if size:
            parts.append(Noise(law, start, size, noise.hot if law == "one-hot" else None))
        start += size
    return tuple(parts)
