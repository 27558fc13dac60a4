"""The published JSON schema describes what a measurement prints."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from onehalf.evaluation.result import Measurement, schema, schemas
from onehalf.measuring import measure_steps

pytestmark = pytest.mark.usefixtures("critics_without_nets")

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference"


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
    found = oh.measure(**make(), on_quick=lambda table: None)
    printed = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    jsonschema.validate(printed, schema())
    assert printed["quick"]["n_real"] == 60
    assert Measurement.from_dict(printed) == found


def test_an_unknown_key_does_not_fit():
    printed = oh.measure(**labelled()).to_dict() | {"surprise": 1}
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(json.loads(json.dumps(printed)), schema())


@pytest.mark.parametrize("kind", schemas())
def test_the_published_schemas_are_those_of_the_code(kind):
    assert json.loads((PUBLISHED / f"{kind}.schema.json").read_text()) == schemas()[kind]


def test_a_ranking_fits_the_schema():
    sides = tables()
    ranking = oh.rank(real=sides["real"], others={"a": sides["other"], "b": tables()["other"]})
    assert_fits("ranking", ranking.to_dict())


def test_steps_fit_the_schema():
    real, one, two = np.random.default_rng(0).normal(size=(3, 60, 2))
    assert_fits("steps", measure_steps(real=real, checkpoints={1: one, 2: two}).to_dict())


@pytest.mark.parametrize("make", [arrays, tables])
def test_a_quick_check_fits_the_schema(make):
    sides = make()
    found = oh.quick_table(real=sides["real"], other=sides["other"])
    assert_fits("quick", found.to_dict())


def assert_fits(kind, printed):
    """Of the keys, none but those of the schema may be there, and all of them."""
    printed = json.loads(json.dumps(printed, allow_nan=False))
    jsonschema.validate(printed, schemas()[kind])
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(printed | {"surprise": 1}, schemas()[kind])
    with pytest.raises(jsonschema.ValidationError, match="required"):
        jsonschema.validate({"kind": kind}, schemas()[kind])
