"""Samples of several checkpoints, each measured against the same data."""

from dataclasses import dataclass, field
from typing import Any

from onehalf.evaluation.result.bounds import Baseline
from onehalf.evaluation.result.provenance import FORMAT, InputFile
from onehalf.evaluation.serialization import to_json

__all__ = ["Step", "Steps"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """The distance of one checkpoint's samples, in nats."""

    step: int
    """The number in the name of the file."""
    n_other: int
    """Samples of this checkpoint."""
    jsd_lower: float
    """Certified lower bound; the bounds of all checkpoints hold at once."""
    jsd_estimate: float
    """Estimate from below."""
    jsd_se: float
    """Its standard error."""
    band: tuple[float, float]
    """Where what critics see lies, for all checkpoints at once: approximate, by the normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What `measure_steps` found; `print` shows a table."""

    alpha: float
    """The bounds of all checkpoints hold at once with confidence 1 - alpha, and so do all bands."""
    n_rows: int
    """Rows of data that all checkpoints were judged on."""
    steps: tuple[Step, ...]
    """In their order."""
    baseline: Baseline | None
    """Half of the data against the other half; null with too few rows."""
    sentences: tuple[str, ...]
    """All of it as lines of a table, and how to read it."""
    versions: dict[str, str] = field(default_factory=dict, compare=False)
    """Versions of Python, onehalf, NumPy, JAX and scikit-learn."""
    files: dict[str, InputFile] = field(default_factory=dict, compare=False)
    """The files that were compared: 'real', and the samples by their steps; none of them in Python."""

    def to_dict(self) -> dict[str, Any]:
        """Give all of it for JSON, marked as steps, with the number of its format."""
        return {"kind": "steps", "format": FORMAT, **to_json(self)}

    def __str__(self) -> str:
        """The table, one row a line."""
        return "\n".join(self.sentences)
