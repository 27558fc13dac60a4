"""How much of a difference the certificate sees with the rows of a table, and how much a critic with 100,000 rows sees.

    python bench/ceiling.py FILE.csv ... [--rows 100000] [--seed 0]

A real table has no 100,000 rows more. So its law is replaced by one that is like it and gives any number of rows: a
chain of forests that was fitted to the file. With n rows of this law, as many as the file has, all is done as in a
fit: 85 % are training and validation rows, 15 % test rows. G is a coarser chain, which learned from 70 % of them.
Printed in nats: the certified bound and the estimate of critics that learned from the 85 % and bet on the test rows;
what boosted trees that learned from the same rows see on 20,000 new ones; and what boosted trees see that learned from
100,000 rows of each law.
"""

import argparse
import math
from pathlib import Path

import jax.random as jr
import numpy as np
import pyarrow.csv
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from onehalf.data.tables.encoding import Cells, TableEncoder
from onehalf.evaluation.certificate.bounds import payoff
from onehalf.evaluation.certificate.certificate import Past, certify
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.rows import wrap
from onehalf.players.trees.chain import Chain
from onehalf.players.trees.noise import Digits
from onehalf.players.trees.scales import ColumnFacts

NEW_ROWS = 20_000
"""Rows of each law that trees are judged on."""

MOST_SAMPLES = 4
"""Samples for each test row, and for each row that critics learned from before."""


def draw(chain: Chain, n: int, *seed: int) -> Cells:
    z = np.random.default_rng(seed).random((n, 3), np.float32)
    return chain.sample(Digits.read(z), 0, {})


def boost(x: Cells, y: Cells, new_x: Cells, new_y: Cells, seed: int) -> tuple[float, float]:
    """(V + log 4)/2 of boosted trees on new rows, and its standard error."""
    trees = HistGradientBoostingClassifier(
        max_iter=400, early_stopping=True, n_iter_no_change=10, random_state=seed
    )
    labels = np.repeat([1, 0], [len(x), len(y)])
    weights = np.where(labels == 1, len(y) / len(x), 1.0)
    trees.fit(np.concatenate([x, y]), labels, sample_weight=weights)
    l_x, l_y = trees.decision_function(new_x), trees.decision_function(new_y)
    gains = payoff(l_x, l_y[:, None], -7.0, 7.0)
    return float(gains.mean()), float(gains.std() / math.sqrt(len(gains)))


def compare(file: Path, rows: int, seed: int) -> str:
    """One line of the table."""
    table = pyarrow.csv.read_csv(file)
    encoder = TableEncoder.fit(table)
    facts = [
        ColumnFacts(
            column.kind not in ("integer", "continuous", "date"),
            column.decimals if column.kind == "continuous" else 0,
        )
        for column in encoder.columns
    ]
    n = len(table)
    law = Chain.fit(encoder.encode(table), facts, floor=10, seed=seed)
    own = draw(law, n, seed, 1)
    G = Chain.fit(own[: int(0.7 * n)], facts, floor=60, seed=seed)
    past, test = np.split(own, [int(0.85 * n)])
    samples = draw(G, MOST_SAMPLES * n, seed, 2)
    to_bet, to_learn = np.split(samples, [MOST_SAMPLES * len(test)])
    found = certify(
        jr.key(seed),
        wrap(test),
        wrap(to_bet),
        encoder=TableFeatureEncoder(TableColumns(encoder)),
        past=Past(wrap(past), wrap(to_learn)),
    )
    new = draw(law, NEW_ROWS, seed, 3), draw(G, NEW_ROWS, seed, 4)
    few, few_se = boost(past, to_learn, *new, seed)
    many, many_se = boost(draw(law, rows, seed, 5), draw(G, rows, seed, 6), *new, seed)
    return (
        f"| {file.stem} | {len(past)} + {len(test)} | {found.jsd_lower:.4f} | "
        f"{found.jsd_estimate:.4f} +- {found.jsd_se:.4f} | {few:.4f} +- {few_se:.4f} | "
        f"{many:.4f} +- {many_se:.4f} | {found.jsd_lower / many:.2f} | {few / many:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(
        "| table | rows learned from + bet on | L | estimate | trees, the same rows | trees, "
        f"{asked.rows:,} rows | L / that | the same of trees |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    for file in asked.files:
        with threadpool_limits(1):
            print(compare(file, asked.rows, asked.seed), flush=True)


if __name__ == "__main__":
    main()
