"""What `tables.py` measures of samples in the peers' environment: SDMetrics' quality, and what boosted trees see."""

from pathlib import Path
from typing import Any

from table_sources import TABLES, kinds, read


def quality(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """SDMetrics' quality report of the samples on the test rows, with SDV's kinds of columns; 1 is the most."""
    from sdmetrics.reports.single_table import QualityReport

    report = QualityReport()
    columns = {name: {"sdtype": kind} for name, kind in kinds(folder).items()}
    report.generate(
        read(folder, "test"), read(folder, arm), {"columns": columns}, verbose=False
    )
    shapes, pairs = report.get_properties()["Score"]
    # It leaves out pairs that go together weakly in the data, and has no score where that is all of them.
    return {
        "quality": report.get_score(),
        "shapes": shapes,
        "pairs": pairs if pairs == pairs else None,
    }


def read_both(folder: Path, arm: str) -> tuple[Any, Any]:
    """Test rows and samples as boosted trees take them: dates in seconds, words as categories that both share."""
    import pandas as pd

    rows = pd.concat({"test": read(folder, "test"), "other": read(folder, arm)})
    for name, kind in kinds(folder).items():
        if kind == "datetime":
            rows[name] = (rows[name] - pd.Timestamp(0)).dt.total_seconds()
        elif kind not in ("numerical", "ordinal"):
            rows[name] = rows[name].astype("category")
    return rows.loc["test"], rows.loc["other"]


def detect(test: Any, other: Any, seed: int) -> float:
    """The AUC of boosted trees that tell test rows from as many samples, cross-validated; 0.5 is guessing."""
    import numpy as np
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    both = pd.concat([test, other.sample(min(len(test), len(other)), random_state=seed)])
    is_test = np.arange(len(both)) < len(test)
    # At the default of 20 rows in a leaf, trees see nothing in the few rows of the smallest tables.
    detector = HistGradientBoostingClassifier(
        categorical_features="from_dtype",
        min_samples_leaf=min(20, 2 + len(both) // 50),
        random_state=seed,
    )
    scores = cross_val_score(
        detector,
        both,
        is_test,
        cv=StratifiedKFold(5, shuffle=True, random_state=seed),
        scoring="roc_auc",
        error_score="raise",
    )
    return float(scores.mean())


def predict(test: Any, other: Any, target: str, seed: int) -> float:
    """Accuracy (words) or R2 (numbers) on test rows of boosted trees that learned the target from samples."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    is_number = isinstance(test[target].dtype, np.dtype) and test[target].nunique() > 2
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    test, other = test.dropna(subset=target), other.dropna(subset=target)
    if not is_number:
        test, other = (
            part.assign(**{target: part[target].astype(str)}) for part in (test, other)
        )
    learner = kind(categorical_features="from_dtype", random_state=seed)
    learner.fit(other.drop(columns=target), other[target])
    return float(learner.score(test.drop(columns=target), test[target]))


def boost(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """What boosted trees see: test rows against samples, and the target after training on samples."""
    test, other = read_both(folder, arm)
    target = TABLES[folder.parent.name].target
    return {
        "auc": detect(test, other, seed),
        "score": predict(test, other, target, seed),
    }
