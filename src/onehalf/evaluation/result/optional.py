"""Measurements that are made if they are asked for."""

from dataclasses import dataclass, field
from typing import Literal

from onehalf.evaluation.result.bounds import Proportion
from onehalf.evaluation.serialization import OMIT_NONE

__all__ = [
    "FID",
    "PRDC",
    "Cell",
    "Cells",
    "Difference",
    "Optional",
    "PRDCScores",
    "Parzen",
    "ParzenScores",
    "Scores",
    "Utility",
]

Scores = dict[str, float]
"""Scores of a model by name: `accuracy`, `f1` and `auc`, or `error` and `r2`."""


@dataclass(frozen=True, kw_only=True)
class PRDCScores:
    """Precision, recall, density and coverage."""

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True, kw_only=True)
class PRDC:
    """PRDC of the other sample, and of data against data."""

    n: int
    """Rows of each set."""
    other: PRDCScores
    data: PRDCScores


@dataclass(frozen=True, kw_only=True)
class FID:
    """The Fréchet distance of the other sample, and of data against data at the same number of rows."""

    n_real: int
    """Rows of data."""
    n_other: int
    """Rows of the other sample."""
    n_features: int
    """Numbers in a row: features that were given, or the entries of an array."""
    value: float
    """The distance of all rows."""
    n: int
    """Rows of each side in the two distances below."""
    other: float
    """Of data and the other sample; with fewer rows it is greater."""
    data: float
    """Of data and data."""


@dataclass(frozen=True, kw_only=True)
class ParzenScores:
    """The log-likelihood of test rows under a Gaussian on each sample."""

    log_likelihood: float
    """Mean over test rows, in nats."""
    se: float
    """Its standard error over test rows."""
    sigma: float
    """The width, chosen on validation rows."""
    n_samples: int = field(metadata={"json": "n_fakes"})
    """Samples that carry a Gaussian."""


@dataclass(frozen=True, kw_only=True)
class Parzen:
    """The log-likelihood of the 2014 paper, for the other sample and for data."""

    other: ParzenScores
    data: ParzenScores
    unit: str
    """The unit of the entries, on which the numbers depend."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the k-means partition, counted in both samples."""

    centre: tuple[float, ...]
    real: Proportion
    other: Proportion
    jsd_lower: float
    """Certified lower bound on JSD by this cell alone."""
    finding: Literal["dropped", "too seldom", "too often", "no difference shown"]
    """What the other sample does in it."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Verified coverage: cells of the real rows, counted in both samples."""

    n_cells: int
    n_real: int
    """Test rows of the data."""
    n_other: int
    """Test rows of the other sample."""
    jsd_lower: float
    """Certified lower bound on JSD by the cells."""
    cells: tuple[Cell, ...]
    """The greatest `jsd_lower` first."""
    sentences: tuple[str, ...] = ()
    """All of it in words."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A score trained on samples less the same trained on data."""

    value: float
    se: float
    """Standard error over draws of test rows."""


@dataclass(frozen=True, kw_only=True)
class Utility:
    """How well a model trained on samples guesses one column of the data, beside one trained on data."""

    target: str
    """The column."""
    kind: Literal["classes", "numbers"]
    """What is guessed."""
    scores: dict[str, Scores]
    """Scores of the models trained on 'samples', on 'data', and of the 'constant' guess."""
    differences: dict[str, Difference]
    """Of each score."""
    n_train: int
    """Rows trained on, of either."""
    n_test: int
    """Data rows tested on."""
    left_out: dict[str, int]
    """Rows that lack the target, in 'samples', 'data' and 'test'."""
    lacking: tuple[str, ...]
    """Classes of the data that the samples do not have."""
    sentence: str = ""
    """All of it in words."""


@dataclass(frozen=True, kw_only=True)
class Optional:
    """Measurements that are made if they are asked for; the others are absent."""

    prdc: PRDC | None = field(default=None, metadata=OMIT_NONE)
    fid: FID | None = field(default=None, metadata=OMIT_NONE)
    parzen: Parzen | None = field(default=None, metadata=OMIT_NONE)
    cells: Cells | None = field(default=None, metadata=OMIT_NONE)
    utility: Utility | None = field(default=None, metadata=OMIT_NONE)
