"""The published JSON schema describes what a measurement prints."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from onehalf.evaluation.result import Measurement, schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "measurement.schema.json"


def arrays():
    rng = np.random.default_rng(0)
    real, other, train = rng.normal(size=(3, 60, 2))
    return {
        "real": real,
        "other": other,
        "train": train,
        "optional": ("prdc", "fid", "parzen", "cells"),
    }


def tables():
    rng = np.random.default_rng(0)

    def table():
        words = rng.choice(["a", "b", None], 60).tolist()
        return pa.table({"number": rng.normal(size=60), "word": words})

    return {"real": table(), "other": table(), "target": "number"}


def labelled():
    rng = np.random.default_rng(0)
    return {
        side: (rng.normal(size=(60, 2)), rng.integers(2, size=60)) for side in ("real", "other")
    }


@pytest.mark.parametrize("make", [arrays, tables, labelled])
def test_a_measurement_fits_the_schema_and_reads_back(make):
    found = oh.measure(**make())
    printed = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    jsonschema.validate(printed, schema())
    assert Measurement.from_dict(printed) == found


def test_an_unknown_key_does_not_fit():
    printed = oh.measure(**labelled()).to_dict() | {"surprise": 1}
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(json.loads(json.dumps(printed)), schema())


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(PUBLISHED.read_text()) == schema()
