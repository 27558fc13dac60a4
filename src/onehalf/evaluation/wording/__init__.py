"""What a measurement says: numbers as people read them, all findings in sentences, and a summary of a dozen lines."""

from onehalf.evaluation.wording.formats import (
    at_least,
    confidence,
    digits,
    money,
    p_value,
    percent,
    points,
)
from onehalf.evaluation.wording.layout import Heading, Line, Paragraph, Summary
from onehalf.evaluation.wording.regions import describe_region, describe_rule
from onehalf.evaluation.wording.sentences import (
    SIDES,
    describe,
    describe_scores,
    parts,
    table,
)
from onehalf.evaluation.wording.summary import (
    evidence_of_copying,
    find_notes,
    show_notes,
    show_score,
    summarize,
)

__all__ = [
    "SIDES",
    "Heading",
    "Line",
    "Paragraph",
    "Summary",
    "at_least",
    "confidence",
    "describe",
    "describe_region",
    "describe_rule",
    "describe_scores",
    "digits",
    "evidence_of_copying",
    "find_notes",
    "money",
    "p_value",
    "parts",
    "percent",
    "points",
    "show_notes",
    "show_score",
    "summarize",
    "table",
]
