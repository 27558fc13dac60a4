"""All that a measurement holds."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from onehalf.evaluation.result.attacks import PrivacyAttacks
from onehalf.evaluation.result.audit import Audit
from onehalf.evaluation.result.bounds import (
    Baseline,
    Bounds,
    DetectableEffect,
    Harmonized,
    LearnedFrom,
    PlantedEffect,
)
from onehalf.evaluation.result.explanations import ClassResult, Examples, Marginal, Region
from onehalf.evaluation.result.limit import LimitCheck, check_limit, compare_with_limit
from onehalf.evaluation.result.memorization import Memorization
from onehalf.evaluation.result.optional import Optional
from onehalf.evaluation.result.overlap import Overlap
from onehalf.evaluation.result.plots import PlotData
from onehalf.evaluation.result.provenance import FORMAT, InputFile
from onehalf.evaluation.result.quick import QuickTable
from onehalf.evaluation.result.streamed import Streamed
from onehalf.evaluation.result.upper import UpperBounds
from onehalf.evaluation.result.verdict import Verdict
from onehalf.evaluation.serialization import OMIT_NONE, from_json, to_json

__all__ = ["Measurement"]


@dataclass(frozen=True, kw_only=True)
class Measurement(Bounds):
    """What `measure` found; `print` shows a summary, `sentences` says all of it, `to_dict` gives it for JSON.

    The bounds hold for rows that are independent draws, at any number of them.
    """

    alpha: float
    """The level: bounds hold at confidence 1 - alpha."""
    seed: int
    n_real: int
    """Rows of data."""
    n_other: int
    """Rows of the other sample."""
    baseline: Baseline | None = field(metadata={"json": "null"})
    """The same bounds for data against data; null with too few rows."""
    harmonized: Harmonized | None = field(metadata={"json": "harmonised"})
    """The same bounds once both are written alike; null where they already are."""
    detectable: DetectableEffect | None
    """The smallest dropped group that trials noticed; null where none was."""
    regions: tuple[Region, ...]
    """Where they differ, with simultaneous intervals."""
    marginals: tuple[Marginal, ...] = field(metadata={"json": "ladder"})
    """What the best column, and the best pair of columns, show without the others."""
    examples: Examples = field(metadata={"json": "telling"})
    """The rows that tell most."""
    audit: Audit
    """What differs before any critic is trained."""
    memorization: Memorization | None = field(metadata={"json": "copying"})
    """What was copied from the training rows; null without them."""
    optional: Optional
    """Measurements that were asked for."""
    plots: PlotData = field(metadata={"json": "drawn"})
    """What the report draws."""
    seconds: float = field(compare=False)
    """Time that the measurement took."""
    left_out: tuple[str, ...] = ()
    """Columns of a table that are not compared: IDs, keys, personal data and free text."""
    given: tuple[str, ...] = ()
    """Columns of a table whose values in each real row the sampler was given; `class` of rows with labels."""
    classes: tuple[ClassResult, ...] = ()
    """Of rows with labels, class by class."""
    described: tuple[str, ...] = ()
    """What regions and marginals say of an image, such as its brightness."""
    features: int = 0
    """How many features of each row critics saw."""
    unlabelled: tuple[str, ...] = ()
    """The sides without labels, where others have some, which then were not compared."""
    planted: tuple[PlantedEffect, ...] = ()
    """The smallest differences of other kinds that trials noticed, where the permutation test refutes nothing; none of
    images and of single columns."""
    learned_from: LearnedFrom | None = None
    """What critics learned from besides test rows that were bet on; null in results of earlier versions."""
    upper: UpperBounds | None = None
    """How far single columns and pairs are off at most; null in results of earlier versions."""
    attacks: PrivacyAttacks | None = None
    """Attacks on single training rows; null without these, and for images."""
    overlap: Overlap | None = None
    """Rows of the data that equal training rows; null if there are no more than by chance."""
    quick: QuickTable | None = field(default=None, metadata=OMIT_NONE)
    """The quick check that was printed first; absent where none was asked for."""
    streamed: Streamed | None = field(default=None, metadata=OMIT_NONE)
    """What was computed from which rows, where there were too many for memory; absent otherwise."""
    versions: dict[str, str] = field(default_factory=dict, compare=False)
    """Versions of Python, onehalf, NumPy, JAX and scikit-learn."""
    files: dict[str, InputFile] = field(default_factory=dict, compare=False)
    """The files that were compared, by side ('real', 'other', 'train'); none of them in Python."""
    limit: LimitCheck | None = field(default=None, metadata=OMIT_NONE)
    """Whether the certified distance is above the limit of `--fail-above`; absent without one."""

    @property
    def verdict(self) -> Verdict:
        """Whether they differ: one of three outcomes."""
        # the verdict depends on the types of this module
        from onehalf.evaluation.verdict import decide

        return decide(self)

    @property
    def sentences(self) -> list[str]:
        """All of it in plain words, the most important first."""
        # wording describes the types of this module
        from onehalf.evaluation import wording

        return wording.describe(self)

    @property
    def sentence(self) -> str:
        """The one that matters most."""
        return self.sentences[0]

    def __str__(self) -> str:
        """The summary: at most a dozen lines; `sentences` has all of it."""
        from onehalf.evaluation import wording

        return str(wording.summarize(self))

    @classmethod
    def from_dict(cls, named: dict[str, Any]) -> "Measurement":
        """Read what `to_dict` gave."""
        return from_json(cls, named)

    def hide_rows(self) -> "Measurement":
        """Return the measurement without the cells of single rows of the data; their numbers stay."""
        return self._with_cells(lambda row: None)

    def show_rows(self, show: Callable[[int], dict[str, str]]) -> "Measurement":
        """Return the measurement with the cells of single rows of the data, by their numbers."""
        return self._with_cells(show)

    def _with_cells(self, show: Callable[[int], dict[str, str] | None]) -> "Measurement":
        missing = tuple(
            dataclasses.replace(example, cells=show(example.row))
            for example in self.examples.missing
        )
        return dataclasses.replace(
            self, examples=dataclasses.replace(self.examples, missing=missing)
        )

    def to_dict(self) -> dict[str, Any]:
        """Give all of it for JSON, the number of its format, the first sentence, and the verdict."""
        computed = {
            "format": FORMAT,
            "sentence": self.sentence,
            "verdict": to_json(self.verdict),
        }
        return {**computed, **to_json(self)}

    def check_limit(self, limit: float) -> LimitCheck:
        """Check whether the certified distance is above a limit in nats, as `onehalf measure --fail-above` does."""
        return compare_with_limit(self.jsd_lower, self.verdict, check_limit(limit))
