"""Players made of trees beside sequential CART: how well boosted trees tell samples from rows, and what was copied.

    python bench/trees.py train.csv test.csv [--arms trees cart data] [--seed 0]

Prints a line of JSON for each arm. `auc` is that of scikit-learn's boosted trees at their defaults, cross-validated in
five folds, which tell test rows from as many samples: the mean over two samples; 0.5 is guessing. `copying` is the
test of `onehalf measure --train`. `seconds` is processor time of the fit, certificate left out, and of sampling.

CART is what synthpop does (Nowok et al. 2016): each column by a tree of five rows a leaf given those before it, and
a value of the leaf. `bench/tables.py` writes train.csv and test.csv of nine tables; so does any other program.
"""

import argparse
import dataclasses
import json
import time
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from onehalf.data.dataset import Dataset
from onehalf.data.loading import load
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.choices import NUMBERS
from onehalf.data.tables.encoding import TableEncoder
from onehalf.domains import infer_domain
from onehalf.evaluation.checks.memorization import detect_copying
from onehalf.evaluation.rows import concatenate, wrap
from onehalf.gan import GAN

LEAF = 5
"""Rows of a leaf of CART."""

BELOW_ALL = -1e6
"""What a missing value is to CART."""


def trees(train: Dataset, encoder: TableEncoder, n: int, seed: int) -> tuple[Any, dict]:
    """Players made of trees, at their defaults."""
    gan = GAN(players="trees", random_state=seed, evaluate=False).fit(train.values)
    fit = gan.fit_
    numbers = fit.players.summarize(fit.state, 0, fit.best[0]).numbers
    said = {name: numbers[name] for name in ("floor", "corrections", "draws_per_row")}
    return encoder.encode(gan.sample(n)), said


def cart(train: Dataset, encoder: TableEncoder, n: int, seed: int) -> tuple[Any, dict]:
    """Sequential CART."""
    rng = np.random.default_rng(seed)
    cells = encoder.encode(train.table)
    seen = np.nan_to_num(cells, nan=BELOW_ALL)
    made = np.empty((n, cells.shape[1]))
    made[:, 0] = cells[rng.integers(0, len(cells), n), 0]
    for column in range(1, cells.shape[1]):
        is_number = encoder.columns[column].kind in NUMBERS
        kind = DecisionTreeRegressor if is_number else DecisionTreeClassifier
        tree = kind(min_samples_leaf=LEAF, random_state=seed)
        tree.fit(seen[:, :column], seen[:, column])
        leaves = tree.apply(seen[:, :column])
        order = np.argsort(leaves, kind="stable")
        wanted = tree.apply(np.nan_to_num(made[:, :column], nan=BELOW_ALL))
        start, end = (
            np.searchsorted(leaves[order], wanted, side) for side in ("left", "right")
        )
        row = order[start + (rng.random(n) * (end - start)).astype(int)]
        made[:, column] = cells[row, column]
    return made, {}


def data(train: Dataset, encoder: TableEncoder, n: int, seed: int) -> tuple[Any, dict]:
    """The training rows themselves."""
    cells = encoder.encode(train.table)
    return np.resize(np.random.default_rng(seed).permutation(cells), (n, cells.shape[1])), {}


ARMS = {"trees": trees, "cart": cart, "data": data}


def detect(test: np.ndarray, samples: np.ndarray) -> float:
    """The mean AUC over two samples as large as the test."""
    n = len(test)
    is_test = np.repeat([1, 0], n)
    booster = HistGradientBoostingClassifier(random_state=0)
    scores = [
        cross_val_score(
            booster,
            np.concatenate([test, samples[start : start + n]]),
            is_test,
            cv=5,
            scoring="roc_auc",
        ).mean()
        for start in (0, n)
    ]
    return float(np.mean(scores))


def main() -> None:
    """Print a line for each arm."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("train")
    words.add_argument("test")
    words.add_argument("--arms", nargs="*", default=list(ARMS), choices=ARMS)
    words.add_argument("--seed", type=int, default=0)
    asked = words.parse_args()
    sides = load(asked.train), load(asked.test)
    encoder = TableEncoder.fit(sides[0].table, sides[1].table)
    real, test = (encoder.encode(side.table) for side in sides)
    features = infer_domain(sides[0]).encoder
    for arm in asked.arms:
        began = time.process_time()
        n = max(len(real), 2 * len(test))
        samples, said = ARMS[arm](sides[0], encoder, n, asked.seed)
        seconds = time.process_time() - began
        train_rows, test_rows, sampled = (
            wrap(EncodedRows.unlabelled(cells)) for cells in (real, test, samples[: len(real)])
        )
        space = features.distance_space(concatenate([train_rows, test_rows]))
        rng = np.random.default_rng([asked.seed, 3])
        copying = detect_copying(rng, train_rows, test_rows, sampled, 0.05, space=space)
        found = {
            "arm": arm,
            "rows": len(real),
            "auc": round(detect(test, samples), 3),
            "seconds": round(seconds, 1),
            "copying": copying.shown,
            **{
                name: getattr(copying, name) for name in ("p_value", "log_e", "advantage_lower")
            },
            "nearer_train": dataclasses.asdict(copying.nearer_train),
            **said,
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
