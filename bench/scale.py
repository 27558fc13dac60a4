"""Trees on large tables: processor seconds and peak memory of a fit and of 10,000 samples.

    python bench/scale.py ROWS COLUMNS [--evaluate] [--seed 0]

The table is generated: four hidden factors, and columns of decimals, of heavy tails, of counts, of nine words, and of
numbers with a spike at zero and 5 % missing. Prints a line of JSON. Without --evaluate there are no evaluations and no
certificate. Seconds leave out imports and the making of the table; peak memory is of the whole process.
"""

import argparse
import json
import resource
import time

import numpy as np
import pandas as pd

FACTORS = 4
SAMPLES = 10_000


def make_table(rows: int, columns: int, seed: int) -> pd.DataFrame:
    """Mixed columns that depend on a few hidden factors."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(rows, FACTORS))
    table = {}
    for place in range(columns):
        x = factors @ rng.normal(size=FACTORS) / 2 + 0.5 * rng.normal(size=rows)
        kind = place % 5
        if kind == 0:
            cells = np.round(50 + 10 * x, 2)
        elif kind == 1:
            cells = np.round(np.exp(8 + x))
        elif kind == 2:
            cells = rng.poisson(np.exp(x.clip(-3, 3)))
        elif kind == 3:
            cells = np.array(list("abcdefghi"))[np.clip(np.rint(2 * x) + 4, 0, 8).astype(int)]
        else:
            cells = np.where(x < 0, 0.0, np.round(100 * x))
            cells[rng.random(rows) < 0.05] = np.nan
        table[f"c{place}"] = cells
    return pd.DataFrame(table)


def main() -> None:
    """Fit, sample, and print what it took."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("rows", type=int)
    words.add_argument("columns", type=int)
    words.add_argument("--evaluate", action="store_true")
    words.add_argument("--seed", type=int, default=0)
    asked = words.parse_args()
    from onehalf.gan import GAN

    frame = make_table(asked.rows, asked.columns, asked.seed)
    began = time.process_time()
    gan = GAN(players="trees", random_state=asked.seed, evaluate=asked.evaluate).fit(frame)
    fitted = time.process_time()
    gan.sample(SAMPLES)
    sampled = time.process_time()
    fit = gan.fit_
    found = {
        "rows": asked.rows,
        "columns": asked.columns,
        "evaluate": asked.evaluate,
        "fit_s": round(fitted - began, 1),
        "sample_s": round(sampled - fitted, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        **fit.players.summarize(fit.state, 0, fit.best[0]).numbers,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
