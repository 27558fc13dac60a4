"""What a measurement holds: frozen dataclasses, ready for JSON.

Divergences are in nats, from 0 to log 2 = 0.693; shares and probabilities from 0 to 1. A few fields have another name
in JSON, which is part of the published format: docs/reference/json.md, and `measurement.schema.json` beside it.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from onehalf.evaluation.serialization import OMIT_NONE, from_json, json_schema, to_json

__all__ = [
    "PRDC",
    "Atom",
    "Audit",
    "Baseline",
    "Bounds",
    "Calibration",
    "Cell",
    "Cells",
    "ClassResult",
    "Collisions",
    "ColumnFacts",
    "Condition",
    "DetectableEffect",
    "Difference",
    "Divergence",
    "DuplicateCounts",
    "Duplicates",
    "Examples",
    "Finding",
    "Harmonized",
    "LogRatios",
    "Marginal",
    "Measurement",
    "Memorization",
    "NearerTrain",
    "NumberPair",
    "Operator",
    "Optional",
    "PRDCScores",
    "Parzen",
    "ParzenScores",
    "PlotData",
    "Proportion",
    "Region",
    "Repeats",
    "RowExample",
    "Scores",
    "Share",
    "Utility",
    "Wealth",
    "WordShare",
    "schema",
]

Interval = tuple[float, float]
"""A confidence interval: its lower and its upper end."""

Label = bool | int | float | str
"""A class, as the user's labels have it."""

Operator = Literal[">", ">=", "<=", "=", "in", "missing", "known"]
"""What a condition asks of a value."""

Scores = dict[str, float]
"""Scores of a model by name: `accuracy`, `f1` and `auc`, or `error` and `r2`."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What bets on two samples came to; each bound holds at confidence 1 - alpha by itself."""

    jsd_lower: float
    """Certified lower bound on the Jensen-Shannon divergence: P(jsd_lower > JSD) <= alpha, at any n."""
    jsd_estimate: float
    """The mean gain, (V + log 4)/2 of critics on rows they had not seen: at most JSD in expectation. No guarantee."""
    jsd_se: float
    """Its standard error over pairs."""
    log_e: float
    """Log e-value of the (k+1)-way bet against 'both have one law': log(1/alpha) or more refutes it at level alpha."""
    p_value: float
    """Of the permutation test of the same, exact at any n."""
    tv_lower: float
    """Certified lower bound on the total variation distance (0 to 1)."""
    accuracy: float
    """Certified lower bound on the accuracy of the best classifier between a row of each; (1 + tv_lower)/2."""

    def bounds(self) -> "Bounds":
        """Give the bounds alone."""
        return Bounds(**{each.name: getattr(self, each.name) for each in fields(Bounds)})


@dataclass(frozen=True, kw_only=True)
class Baseline(Bounds):
    """The same bounds for data against data: against training rows, or half of the data against the other half."""

    n_real: int
    """Rows on the one side."""
    n_other: int
    """Rows on the other side."""


@dataclass(frozen=True, kw_only=True)
class Harmonized(Bounds):
    """The same bounds once both samples are written with the same decimals."""

    format: Bounds
    """The bounds of how the numbers are written alone: decimals and signs of zeros."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A bound and an estimate of one JSD, in nats; too few rows give the bound 0 and no estimate."""

    jsd_lower: float
    """Certified lower bound."""
    jsd_estimate: float | None
    """Estimate from below; null with too few rows."""
    jsd_se: float | None
    """Its standard error; null with too few rows."""


@dataclass(frozen=True, kw_only=True)
class DetectableEffect:
    """The smallest dropped group that was noticed in nine of ten trials on the user's own data."""

    mass: float
    """The share of the rows that was dropped."""
    jsd: float
    """The JSD that this makes, exactly."""
    rows: int
    """Rows of each sample in a trial."""
    trials: int
    """Groups that were dropped."""
    noticed: int
    """Trials in which the permutation test noticed the loss."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of one sample's test rows in a region, with its confidence interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A count, its share, and the exact confidence interval of the share (Clopper-Pearson)."""

    count: int
    share: float
    interval: Interval


class Condition(NamedTuple):
    """What a region says of one column: its name, an operator, and a value."""

    column: str
    op: Operator
    value: int | float | str | tuple[str | None, ...] | None
    """A number, a word or a date; words for `in`, None among them for a missing one; None for missing and known."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rule about one to three columns, and the share of each sample that it holds for."""

    real: Share
    """Of the data."""
    other: Share
    """Of the other sample."""
    jsd_lower: float
    """Certified lower bound on JSD that the two shares give; 0 unless the region is certain."""
    certain: bool
    """Whether the two intervals lie apart; all regions' intervals hold at once."""
    rule: str
    """The conditions in words."""
    conditions: tuple[Condition, ...]
    """The rule as conditions that must all hold, each [column, operator, value]."""


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """How much of the JSD a few columns show without the others."""

    columns: tuple[str, ...]
    """One column, or a pair."""
    jsd_lower: float
    """Certified lower bound."""
    jsd_estimate: float
    """The mean on test rows."""


@dataclass(frozen=True, kw_only=True)
class RowExample:
    """A single row that the critics judged with confidence."""

    row: int
    """Its number in the user's rows, from 0."""
    log_ratio: float
    """Its log ratio p(real) / p(other), in nats."""
    cells: dict[str, str] | None = field(default=None, metadata=OMIT_NONE)
    """The row of a table, as it is written; absent for arrays."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The rows that tell most about the difference, the most telling first."""

    missing: tuple[RowExample, ...] = ()
    """Real rows least like the other sample."""
    unexpected: tuple[RowExample, ...] = ()
    """Rows of the other sample least like the data."""
    convincing: tuple[RowExample, ...] = ()
    """Rows of the other sample most like the data."""


@dataclass(frozen=True)
class Finding:
    """One thing that the audit found, in a sentence."""

    kind: str
    """What it is about, such as 'decimals' or 'missing'."""
    sentence: str
    severe: bool = False
    """Whether any distance is trivial with it, or its guarantee void."""


@dataclass(frozen=True, kw_only=True)
class NumberPair:
    """A number for the data, and one for the other sample."""

    real: float
    other: float


@dataclass(frozen=True, kw_only=True)
class IntegerPair:
    """A whole number for the data, and one for the other sample."""

    real: int
    other: int


@dataclass(frozen=True, kw_only=True)
class FlagPair:
    """Yes or no for the data, and for the other sample."""

    real: bool
    other: bool


@dataclass(frozen=True, kw_only=True)
class WordShare:
    """A word that one sample alone has, and the share of its rows."""

    value: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Atom:
    """A value that many rows of one sample share and few of the other: its share of either."""

    value: int | float | str
    """The number, or the date as it is written."""
    real: float
    other: float


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """How one column is written, and what one side lacks; facts that do not apply are absent."""

    name: str
    kind: str | None = field(default=None, metadata=OMIT_NONE)
    """The kind of a table's column."""
    missing: NumberPair | None = field(default=None, metadata=OMIT_NONE)
    """The share of missing cells of a table's column."""
    dropped: tuple[WordShare, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Words of the data that the other sample never has, the most frequent first."""
    invented: tuple[WordShare, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Words of the other sample that the data never have."""
    decimals: IntegerPair | None = field(default=None, metadata=OMIT_NONE)
    """Decimals, from 0 to 9; 9 stands for 9 or more."""
    whole: NumberPair | None = field(default=None, metadata=OMIT_NONE)
    """The share of whole numbers."""
    atoms: tuple[Atom, ...] | None = field(default=None, metadata=OMIT_NONE)
    """Values that many rows of one side share, and the other lacks."""
    constant: FlagPair | None = field(default=None, metadata=OMIT_NONE)
    """Whether all rows have one value."""


@dataclass(frozen=True, kw_only=True)
class DuplicateCounts:
    """Rows that repeat others."""

    real: int
    """Rows of the data that repeat an earlier one."""
    other: int
    """Rows of the other sample that repeat an earlier one."""
    across: int
    """Different rows that occur in both."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What makes two samples trivially different, or their rows no independent draws."""

    columns: tuple[ColumnFacts, ...]
    """The first hundred columns."""
    columns_listed: int
    """How many that is."""
    duplicates: DuplicateCounts
    same_rows: bool
    """Whether both samples hold the same rows, as often."""
    findings: tuple[Finding, ...]
    """The severe ones first."""
    format_differs: bool
    """Whether decimals or signs of zero differ, so that a comparison with the same decimals is due."""


@dataclass(frozen=True, kw_only=True)
class NearerTrain:
    """The share of samples that lie nearer to a training row than to any held-out row, and its exact p-value."""

    share: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Samples that equal a row in every entry."""

    n_rows: int
    """Rows of each kind that were searched."""
    train: Proportion
    """Samples that equal a training row."""
    held_out: Proportion
    """Samples that equal a held-out row."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """How often two rows of one kind are equal."""

    n_rows: int
    rate: float
    """The share of pairs that are equal."""
    support: float | None
    """The effective number of distinct rows, 1/rate; null without a repeat."""
    interval: tuple[float, float | None] | None
    """Its confidence interval, whose upper end may be unknown; null without a repeat."""
    at_least: int
    """Lower limit on the number of distinct rows."""


@dataclass(frozen=True, kw_only=True)
class Collisions:
    """Repeats among the samples, and among the real rows."""

    samples: Repeats = field(metadata={"json": "fakes"})
    real: Repeats


@dataclass(frozen=True, kw_only=True)
class Memorization:
    """What was copied from the training rows."""

    n_pairs: int
    """Training rows that were compared with as many held-out rows."""
    n_samples: int = field(metadata={"json": "n_fakes"})
    """Samples among which nearest neighbours were sought."""
    log_e: float
    """Log e-value against 'the samples do not depend on which rows were trained on'."""
    p_value: float
    """Exact p-value of the same."""
    advantage_lower: float
    """Certified lower bound on the advantage of guessing membership by the nearest sample (0 to 1)."""
    nearer_train: NearerTrain
    duplicates: Duplicates
    collisions: Collisions
    shown: bool
    """Whether log_e, p_value or the advantage refutes that nothing was copied."""
    sentences: tuple[str, ...] = ()
    """All of it in words."""


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
    parzen: Parzen | None = field(default=None, metadata=OMIT_NONE)
    cells: Cells | None = field(default=None, metadata=OMIT_NONE)
    utility: Utility | None = field(default=None, metadata=OMIT_NONE)


@dataclass(frozen=True, kw_only=True)
class LogRatios:
    """Histograms of the critics' log ratios, in nats."""

    edges: tuple[float, ...]
    real: tuple[float, ...]
    """The share of the data's rows in each bar."""
    other: tuple[float, ...]
    """The share of the other sample's rows in each bar."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The mean D of the rows in each of ten bins of D, and the share of data among them."""

    D: tuple[float, ...]
    real: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Wealth:
    """The log e-value after so many pairs."""

    pairs: tuple[int, ...]
    log_e: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class PlotData:
    """What the figures of a report are drawn from."""

    log_ratio: LogRatios
    calibration: Calibration
    wealth: Wealth


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """One class: its share in both samples, and the JSD of its rows alone; all classes hold at once."""

    label: Label = field(metadata={"json": "class"})
    real: Proportion
    """Its share of the data."""
    other: Proportion
    """Its share of the other sample."""
    jsd_lower: float
    """Certified lower bound on JSD between the rows of the class."""
    jsd_estimate: float | None
    """Estimate from below; null with too few rows."""
    jsd_se: float | None
    """Its standard error; null with too few rows."""
    baseline: Divergence = field(metadata={"json": "null"})
    """The same for data against data."""


@dataclass(frozen=True, kw_only=True)
class Measurement(Bounds):
    """What `measure` found; `print` says it in sentences, `to_dict` gives it for JSON.

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
    """What differs without a look at the values."""
    memorization: Memorization | None = field(metadata={"json": "copying"})
    """What was copied from the training rows; null without them."""
    optional: Optional
    """Measurements that were asked for."""
    plots: PlotData = field(metadata={"json": "drawn"})
    """What the report draws."""
    seconds: float = field(compare=False)
    """Time that the measurement took."""
    left_out: tuple[str, ...] = ()
    """Columns of a table that are not compared: ids and free text."""
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
        """The sentences, one a line."""
        return "\n".join(self.sentences)

    @classmethod
    def from_dict(cls, named: dict[str, Any]) -> "Measurement":
        """Read what `to_dict` gave."""
        return from_json(cls, named)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it for JSON, and the first sentence."""
        return {"sentence": self.sentence, **to_json(self)}


def schema() -> dict[str, Any]:
    """Give the JSON schema of `Measurement.to_dict`, as it is published in docs/reference."""
    found = json_schema(Measurement, "A measurement of onehalf: `onehalf measure --json`")
    about = found["$defs"]["Measurement"]
    sentence = {"description": "The sentence that matters most.", "type": "string"}
    about["properties"] = {"sentence": sentence, **about["properties"]}
    about["required"] = ["sentence", *about["required"]]
    return found
