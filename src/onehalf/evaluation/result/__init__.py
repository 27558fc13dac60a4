"""What a measurement holds: frozen dataclasses, ready for JSON.

Divergences are in nats, from 0 to log 2 = 0.693; shares and probabilities from 0 to 1. A few fields have another name
in JSON, which is part of the published format: docs/reference/json.md, and the schemas beside it.
"""

from onehalf.evaluation.result.attacks import Attack, PrivacyAttacks
from onehalf.evaluation.result.audit import (
    Atom,
    Audit,
    ColumnFacts,
    DuplicateCounts,
    Finding,
    FlagPair,
    IntegerPair,
    NumberPair,
    WordShare,
)
from onehalf.evaluation.result.bounds import (
    Baseline,
    Bounds,
    DetectableEffect,
    Divergence,
    Harmonized,
    LearnedFrom,
    PlantedEffect,
    PlantedKind,
    Proportion,
    Share,
)
from onehalf.evaluation.result.explanations import (
    ClassResult,
    Condition,
    Examples,
    Marginal,
    Operator,
    Region,
    RowExample,
)
from onehalf.evaluation.result.limit import LimitCheck, check_limit
from onehalf.evaluation.result.measurement import Measurement
from onehalf.evaluation.result.memorization import (
    Collisions,
    Duplicates,
    MembershipGuesses,
    Memorization,
    NearerTrain,
    Repeats,
)
from onehalf.evaluation.result.optional import (
    FID,
    PRDC,
    Cell,
    Cells,
    Difference,
    Optional,
    Parzen,
    ParzenScores,
    PRDCScores,
    Scores,
    Utility,
)
from onehalf.evaluation.result.overlap import Overlap
from onehalf.evaluation.result.plots import Calibration, LogRatios, PlotData, Wealth
from onehalf.evaluation.result.provenance import FORMAT, InputFile, list_versions
from onehalf.evaluation.result.quick import (
    QuickColumn,
    QuickPair,
    QuickTable,
    RuleCheck,
    Violation,
)
from onehalf.evaluation.result.ranking import Comparison, Ranking
from onehalf.evaluation.result.schemas import schema, schemas
from onehalf.evaluation.result.steps import Step, Steps
from onehalf.evaluation.result.streamed import Streamed
from onehalf.evaluation.result.upper import ColumnCeiling, UpperBounds
from onehalf.evaluation.result.verdict import Outcome, Verdict, VerdictTest

__all__ = [
    "FID",
    "FORMAT",
    "PRDC",
    "Atom",
    "Attack",
    "Audit",
    "Baseline",
    "Bounds",
    "Calibration",
    "Cell",
    "Cells",
    "ClassResult",
    "Collisions",
    "ColumnCeiling",
    "ColumnFacts",
    "Comparison",
    "Condition",
    "DetectableEffect",
    "Difference",
    "Divergence",
    "DuplicateCounts",
    "Duplicates",
    "Examples",
    "Finding",
    "FlagPair",
    "Harmonized",
    "InputFile",
    "IntegerPair",
    "LearnedFrom",
    "LimitCheck",
    "LogRatios",
    "Marginal",
    "Measurement",
    "MembershipGuesses",
    "Memorization",
    "NearerTrain",
    "NumberPair",
    "Operator",
    "Optional",
    "Outcome",
    "Overlap",
    "PRDCScores",
    "Parzen",
    "ParzenScores",
    "PlantedEffect",
    "PlantedKind",
    "PlotData",
    "PrivacyAttacks",
    "Proportion",
    "QuickColumn",
    "QuickPair",
    "QuickTable",
    "Ranking",
    "Region",
    "Repeats",
    "RowExample",
    "RuleCheck",
    "Scores",
    "Share",
    "Step",
    "Steps",
    "Streamed",
    "UpperBounds",
    "Utility",
    "Verdict",
    "VerdictTest",
    "Violation",
    "Wealth",
    "WordShare",
    "check_limit",
    "list_versions",
    "schema",
    "schemas",
]
