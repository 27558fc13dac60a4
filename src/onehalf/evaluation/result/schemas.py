"""JSON schemas of all that `onehalf measure --json` prints, as they are published in docs/reference."""

from onehalf.evaluation.result.measurement import Measurement
from onehalf.evaluation.result.provenance import FORMAT
from onehalf.evaluation.result.quick import QuickTable
from onehalf.evaluation.result.ranking import Ranking
from onehalf.evaluation.result.steps import Steps
from onehalf.evaluation.result.verdict import Verdict
from onehalf.evaluation.serialization import Schema, json_schema

__all__ = ["schema", "schemas"]

FORMAT_KEY: Schema = {
    "format": {"description": "The number of this format.", "const": FORMAT},
}
VERDICT_KEYS: Schema = {
    "sentence": {"description": "The sentence that matters most.", "type": "string"},
    "verdict": {
        "description": "Whether they differ: one of three outcomes.",
        "$ref": "#/$defs/Verdict",
    },
}


def schema() -> Schema:
    """Give the JSON schema of `Measurement.to_dict`."""
    found = json_schema(Measurement, "A measurement of onehalf: `onehalf measure --json`")
    return _complete_measurement(found)


def schemas() -> dict[str, Schema]:
    """Give the JSON schema of each kind of result, by the first word of its file.

    >>> sorted(schemas())
    ['measurement', 'quick', 'ranking', 'steps']
    """
    ranking = json_schema(Ranking, "Several samples: `onehalf measure REAL A B --json`")
    steps = json_schema(Steps, "Checkpoints: `onehalf measure REAL FOLDER --over step --json`")
    quick = json_schema(
        QuickTable, "A quick check: `onehalf measure REAL OTHER --quick --json`"
    )
    return {
        "measurement": schema(),
        "ranking": _add_keys(_complete_measurement(ranking), "Ranking", _mark("ranking")),
        "steps": _add_keys(steps, "Steps", _mark("steps")),
        "quick": _add_keys(quick, "QuickTable", _mark("quick")),
    }


def _mark(kind: str) -> Schema:
    """The keys that say what an object is."""
    return {"kind": {"description": "What this is.", "const": kind}, **FORMAT_KEY}


def _complete_measurement(found: Schema) -> Schema:
    """Add what `Measurement.to_dict` computes, and the definitions that this needs."""
    found = _add_keys(found, "Measurement", {**FORMAT_KEY, **VERDICT_KEYS})
    verdict = json_schema(Verdict, "")["$defs"]
    return {**found, "$defs": dict(sorted({**found["$defs"], **verdict}.items()))}


def _add_keys(found: Schema, name: str, keys: Schema) -> Schema:
    """Add keys that are computed to one of the definitions; they come first."""
    about = found["$defs"][name]
    complete = {
        **about,
        "properties": {**keys, **about["properties"]},
        "required": [*keys, *about["required"]],
    }
    return {**found, "$defs": {**found["$defs"], name: complete}}
