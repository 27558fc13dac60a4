"""A table is checked once, encoded at most twice and decoded once in a whole fit with its report."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from helpers import run_cli
from onehalf.data.tables import frames, reader
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.schema import Schema

pytestmark = pytest.mark.usefixtures("critics_without_nets")


def test_one_fit_of_a_table_parses_it_once(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {"age": rng.integers(18, 80, 300), "sex": rng.choice(["F", "M"], 300)}
    )
    people.to_csv(tmp_path / "people.csv", index=False)
    calls = Counter()

    def count(owner, name):
        original = getattr(owner, name)
        bound = original.__func__ if hasattr(original, "__func__") else original

        def counted(*args, **kwargs):
            calls[name] += 1
            return bound(*args, **kwargs)

        is_class_method = hasattr(original, "__self__") and original.__self__ is owner
        monkeypatch.setattr(owner, name, classmethod(counted) if is_class_method else counted)

    count(frames, "check_table")
    count(reader, "check_table")
    count(TableEncoder, "fit")
    count(TableEncoder, "encode")
    count(TableEncoder, "decode")
    count(Schema, "infer")
    done = run_cli(
        "fit", "people.csv", "--rounds", 100, "--out", "run", "--label", "sex", cwd=tmp_path
    )
    assert done.code == 0, done.stderr
    assert calls["check_table"] == 1
    assert calls["fit"] == 1
    assert calls["infer"] == 1
    assert calls["encode"] <= 2
    assert calls["decode"] == 1
