"""People that several files of tests know: a table of them, and their names."""

import numpy as np
import pandas as pd

FIRST = ["Anna", "Bernd", "Carla", "Dieter", "Elif", "Fatima", "Giulia", "Hans", "Igor", "Jose"]
LAST = [
    "Albrecht",
    "Brown",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hoffmann",
    "Ivanova",
    "Jensen",
]
NAMES = [f"{first} {last}" for first in FIRST for last in LAST]

N = 700


def make_people(rng: np.random.Generator) -> pd.DataFrame:
    """N rows with an id, words, numbers of all sorts, missing cells and dates; women are shorter."""
    sex = rng.choice(["F", "M"], N, p=[0.3, 0.7])
    height = np.where(sex == "F", rng.normal(165, 6, N), rng.normal(178, 7, N)).round(1)
    return pd.DataFrame(
        {
            "id": [f"u{i}" for i in range(N)],
            "sex": sex,
            "height": height,
            "age": np.where(rng.random(N) < 0.2, np.nan, rng.integers(18, 90, N)),
            "inches": rng.choice([14, 15, 17], N),
            "born": pd.to_datetime("1950-01-01")
            + pd.to_timedelta(rng.integers(0, 20_000, N), "D"),
        }
    )
