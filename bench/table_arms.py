"""The peers of `tables.py`: each is prepared, then fitted, then sampled from, the last two timed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from table_sources import kinds, read, read_cells

Sampler = Callable[[int], Any]
"""As many rows as asked for, as a frame."""

Fit = Callable[[], Sampler]
"""What is timed."""

LEAF = 5
"""Rows of a leaf of CART at least: the default of synthpop."""

BELOW_ALL = -1e9
"""What a missing value is to CART."""


def data(folder: Path, seed: int) -> Fit:
    """The training rows themselves: the floor of every distance, the ceiling of every score."""
    cells = read_cells(folder)
    return lambda: cells.head


def independent(folder: Path, seed: int) -> Fit:
    """Every column of the training rows in an order of its own."""
    import numpy as np
    import pandas as pd

    cells = read_cells(folder)
    rng = np.random.default_rng(seed)
    return lambda: (
        lambda n: pd.DataFrame(
            {name: rng.permutation(column)[:n] for name, column in cells.items()}
        )
    )


def encode_words(frame: Any) -> tuple[Any, list[bool]]:
    """Cells as numbers: words by their place in the alphabet, dates in seconds; and which columns are of words."""
    import numpy as np
    import pandas as pd

    columns, is_words = [], []
    for _, column in frame.items():
        is_words.append(not isinstance(column.dtype, np.dtype) or column.dtype == object)
        if is_words[-1]:
            codes = column.astype("category").cat.codes.to_numpy(float)
            columns.append(np.where(codes < 0, np.nan, codes))
        elif column.dtype.kind == "M":
            columns.append((column - pd.Timestamp(0)).dt.total_seconds().to_numpy(float))
        else:
            columns.append(column.to_numpy(float))
    return np.column_stack(columns), is_words


def cart(folder: Path, seed: int) -> Fit:
    """Sequential CART as synthpop does it (Nowok et al. 2016): each column by a tree given those before it, in the
    order of the file, and a value of a training row of the leaf."""
    import numpy as np
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    cells = read_cells(folder)
    numbers, is_words = encode_words(read(folder, "train"))
    seen = np.nan_to_num(numbers, nan=BELOW_ALL)
    rng = np.random.default_rng(seed)

    def fit() -> Sampler:
        trees = []
        for place in range(1, seen.shape[1]):
            kind = DecisionTreeClassifier if is_words[place] else DecisionTreeRegressor
            tree = kind(min_samples_leaf=LEAF, random_state=seed)
            trees.append(tree.fit(seen[:, :place], seen[:, place]))
        return lambda n: sample(trees, n)

    def sample(trees: list[Any], n: int) -> Any:
        donors = [rng.integers(0, len(seen), n)]
        made = np.empty((n, seen.shape[1]))
        made[:, 0] = seen[donors[0], 0]
        for place, tree in enumerate(trees, 1):
            leaves = tree.apply(seen[:, :place])
            order = np.argsort(leaves, kind="stable")
            wanted = tree.apply(made[:, :place])
            start, end = (
                np.searchsorted(leaves[order], wanted, side) for side in ("left", "right")
            )
            donors.append(order[start + (rng.random(n) * (end - start)).astype(int)])
            made[:, place] = seen[donors[-1], place]
        taken = {
            name: cells[name].to_numpy()[rows] for name, rows in zip(cells, donors, strict=True)
        }
        return cells.iloc[:0].reindex(range(n)).assign(**taken)

    return fit


def arf(folder: Path, seed: int) -> Fit:
    """Adversarial random forests (Watson et al. 2023) by arfpy, which knows no missing values and no dates: a gap of
    a column of numbers is one more column of two words here, and a date a number of days."""
    import numpy as np
    import pandas as pd

    np.in1d = np.isin  # noqa: NPY201, NumPy 2.4 has dropped what arfpy calls
    from arfpy import arf as forests

    np.random.seed(seed)  # noqa: NPY002, for it is the one that arfpy draws from
    frame = read(folder, "train")
    known, gaps = {}, {}
    for name, kind in kinds(folder).items():
        column = frame[name]
        if kind == "datetime":
            column = (column - pd.Timestamp(0)).dt.days.astype(float)
        if column.dtype.kind != "f":
            known[name] = column.fillna("").astype("category")
            continue
        known[name] = column.fillna(column.median())
        if column.isna().any():
            gaps[name] = f"{name} is missing"
            known[gaps[name]] = column.isna().map({True: "yes", False: "no"}).astype("category")
    decimals = {
        name: max(len(cell.partition(".")[2]) for cell in read_cells(folder)[name].str.strip())
        for name, kind in kinds(folder).items()
        if kind in ("numerical", "ordinal")
    }

    def sample(model: Any, n: int) -> Any:
        made = model.forge(n)
        for name, gap in gaps.items():
            made[name] = made[name].where(made[gap].astype(str) == "no")
        for name, places in decimals.items():
            made[name] = made[name].astype(float).round(places)
        for name, kind in kinds(folder).items():
            if kind == "datetime":
                days = made[name].astype(float).round()
                made[name] = pd.Timestamp(0) + pd.to_timedelta(days, "D")
        return made[list(frame)]

    def fit() -> Sampler:
        model = forests.arf(x=pd.DataFrame(known), verbose=False, random_state=seed)
        model.forde()
        return lambda n: sample(model, n)

    return fit


def of_sdv(kind: str, **options: Any) -> Callable[[Path, int], Fit]:
    """A synthesizer of SDV at its defaults, with the kinds of columns that SDV itself detected."""

    def prepare(folder: Path, seed: int) -> Fit:
        import numpy as np
        import pandas as pd
        import torch
        from sdv import single_table
        from sdv.metadata import Metadata

        np.random.seed(seed)  # noqa: NPY002, for it is the one that SDV draws from
        torch.manual_seed(seed)
        name = folder.parent.name
        metadata = Metadata.load_from_dict(json.loads((folder / "metadata.json").read_text()))
        synthesizer = getattr(single_table, f"{kind}Synthesizer")(metadata, **options)
        frame = pd.read_csv(folder / "train.csv")

        def fit() -> Sampler:
            synthesizer.fit({name: frame})
            return lambda n: synthesizer.sample(num_rows=n)[name]

        return fit

    return prepare


def mostlyai(folder: Path, seed: int) -> Fit:
    """MOSTLY AI's engine: an autoregressive network over binned columns, at its defaults, early stopping included."""
    import pandas as pd
    import torch
    from mostlyai.engine import TabularARGN, set_random_state

    torch.set_num_threads(1)
    set_random_state(seed)
    frame = pd.read_csv(folder / "train.csv")

    def fit() -> Sampler:
        model = TabularARGN(device="cpu", random_state=seed)
        model.fit(X=frame)
        return lambda n: model.sample(n_samples=n)

    return fit


PEERS: dict[str, Callable[[Path, int], Fit]] = {
    "data": data,
    "independent": independent,
    "cart": cart,
    "arf": arf,
    "gaussiancopula": of_sdv("GaussianCopula"),
    "tvae": of_sdv("TVAE", enable_gpu=False),
    "ctgan": of_sdv("CTGAN", enable_gpu=False),
    "mostlyai": mostlyai,
}


def make(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """As many samples as training rows, by a peer; in seconds, imports and reading left out."""
    fit = PEERS[arm](folder, seed)
    n = len(read(folder, "train"))
    started = time.perf_counter(), time.process_time()
    sample = fit()
    fitted = time.perf_counter(), time.process_time()
    samples = sample(n)
    ended = time.perf_counter(), time.process_time()
    samples.to_csv(folder / f"{arm}.csv", index=False)
    return {
        "fit_seconds": fitted[0] - started[0],
        "fit_cpu": fitted[1] - started[1],
        "sample_seconds": ended[0] - fitted[0],
        "sample_cpu": ended[1] - fitted[1],
    }
