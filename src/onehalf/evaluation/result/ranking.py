"""Several samples, each measured against the same data, and compared with each other."""

from dataclasses import dataclass, field
from typing import Any

from onehalf.evaluation.result.measurement import Measurement
from onehalf.evaluation.result.provenance import FORMAT, InputFile
from onehalf.evaluation.serialization import to_json

__all__ = ["Comparison", "Ranking"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How much further from the data one sample is than another, as far as critics see on the same rows."""

    nearer: str
    """The sample in which critics see less of a difference from the data."""
    further: str
    """The sample in which they see more."""
    difference: float
    """Estimate for the further sample less that for the nearer one, in nats."""
    se: float
    """Its standard error."""
    at_least: float
    """Certified lower bound on what critics see more; 0 if none was shown, and then the order may be chance."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What `rank` found; `print` shows a table and says which of two samples is nearer."""

    alpha: float
    """The lower bounds on the JSD of all samples and all comparisons hold at once with confidence 1 - alpha."""
    samples: dict[str, Measurement]
    """The measurement of each sample, at a smaller level of its own."""
    n_rows: int
    """Rows of data that samples were compared on."""
    comparisons: tuple[Comparison, ...]
    """Of each pair of samples."""
    sentences: tuple[str, ...]
    """The lines of the table, and a sentence for each pair."""
    versions: dict[str, str] = field(default_factory=dict, compare=False)
    """Versions of Python, onehalf, NumPy, JAX and scikit-learn."""
    files: dict[str, InputFile] = field(default_factory=dict, compare=False)
    """The files that were compared: 'real', 'train', and each sample by its name; none of them in Python."""

    def to_dict(self) -> dict[str, Any]:
        """Give all of it for JSON, marked as a ranking, with the number of its format."""
        samples = {name: found.to_dict() for name, found in self.samples.items()}
        return {"kind": "ranking", "format": FORMAT, **to_json(self), "samples": samples}

    def __str__(self) -> str:
        """The table and the sentences, one a line."""
        return "\n".join(self.sentences)
