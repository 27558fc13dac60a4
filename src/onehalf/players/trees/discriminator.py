"""D: boosted trees that learn to tell rows from samples, and are judged on rows that they have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from onehalf.players.trees.leaf_finder import LeafFinder
from onehalf.players.trees.nodes import LEAF, Nodes

__all__ = ["BoostedTrees", "Value", "value"]

LEARNING_RATE = 0.05
TREES = 300
LEAVES = 15
L2 = 5.0
PATIENCE = 8
"""Trees without progress on a quarter of the rows, after which D has learned enough."""

VALIDATION_SHARE = 0.25

LEAST_LEAF = 5
MOST_LEAF = 40
"""Rows of a leaf, at least: a fiftieth of the rows, between these two."""

BOUND = float(np.log(999))
"""D stays between 0.001 and 0.999, so that no single row decides V."""

BLOCK = 100_000
"""Rows times trees that are looked up at a time."""

Features = Float[np.ndarray, "_ _"]
Logits = Float[np.ndarray, " _"]
Places = Int[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """d(x), the sum of trees (Friedman 2001)."""

    nodes: Nodes
    roots: Places
    leaf_values: Logits
    """What each leaf adds; 0 of inner nodes."""
    first: float
    """What is added to."""

    @classmethod
    def fit(cls, real: Features, samples: Features, seed: int) -> "BoostedTrees":
        """Learn to tell real rows from samples; both have the same weight in all, however many there are."""
        # imported here, as samples are drawn without it
        from sklearn.ensemble import HistGradientBoostingClassifier

        n = len(real)
        booster = HistGradientBoostingClassifier(
            learning_rate=LEARNING_RATE,
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=int(np.clip(n // 50, LEAST_LEAF, MOST_LEAF)),
            l2_regularization=L2,
            early_stopping=True,  # pyright: ignore[reportArgumentType]
            scoring="loss",
            validation_fraction=VALIDATION_SHARE,
            n_iter_no_change=PATIENCE,
            random_state=seed,
        )
        x = np.concatenate([real, samples])
        is_real = np.repeat([1, 0], [n, len(samples)])
        # not by weights, with which scikit-learn takes several times as long to find bins
        return cls._read(booster.fit(x, is_real), float(np.log(len(samples) / n)))

    @classmethod
    def blank(cls) -> "BoostedTrees":
        """D = 1/2 everywhere."""
        leaf = np.full(1, LEAF, np.int32)
        root = np.zeros(1, np.int32)
        return cls(Nodes(leaf, leaf, root, np.zeros(1)), root, np.zeros(1), 0.0)

    @classmethod
    def _read(cls, booster: Any, shift: float) -> "BoostedTrees":
        """Read the trees of scikit-learn's booster, which keeps them as arrays of nodes; `shift` is added to d(x)."""
        trees = [each[0].nodes for each in booster._predictors]
        nodes = [_nodes_of(tree) for tree in trees]
        roots = np.cumsum([0, *map(len, nodes)])[:-1]
        values = [np.where(tree["is_leaf"], tree["value"], 0.0) for tree in trees]
        first = float(np.ravel(booster._baseline_prediction)[0]) + shift
        return cls(Nodes.stack(nodes), roots, np.concatenate(values), first)

    def logits(self, features: Features) -> Logits:
        """d(x) of each row."""
        total = np.full(len(features), self.first)
        size = max(1, BLOCK // len(self.roots))
        for start in range(0, len(features), size):
            block = slice(start, start + size)
            total[block] += self._leaf_finder.find(features[block]).sum(axis=1)
        return total

    @cached_property
    def _leaf_finder(self) -> LeafFinder:
        """Finds what each tree adds to each row."""
        return LeafFinder.of(self.nodes, self.roots, self.leaf_values)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name; `from_arrays` is the way back."""
        nodes = {f"nodes.{name}": value for name, value in self.nodes.to_arrays().items()}
        own = {"roots": self.roots, "leaf_values": self.leaf_values}
        return nodes | own | {"first": np.array(self.first)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "BoostedTrees":
        """What `to_arrays` gave."""
        names = ("left", "right", "feature", "threshold")
        nodes = Nodes(*(arrays[f"nodes.{name}"] for name in names))
        return cls(nodes, arrays["roots"], arrays["leaf_values"], arrays["first"].item())


class Value(NamedTuple):
    """V on rows that D has not seen, in nats, and the mean D of each kind."""

    V: float
    """Mean log D(x) + mean log(1 - D(G(z))); -log 4 at D = 1/2."""
    se: float
    """The standard error of V."""
    D_x: float
    D_Gz: float

    @property
    def gain(self) -> float:
        """What D has above -log 4."""
        return self.V + float(np.log(4))


def value(d_x: Logits, d_Gz: Logits) -> Value:
    """V = mean log D(x) + mean log(1 - D(G(z))), for D between 0.001 and 0.999.

    >>> value(np.zeros(4), np.zeros(9)).gain
    0.0
    """
    # imported here, as samples are drawn without it
    from scipy import special

    d_x, d_Gz = d_x.clip(-BOUND, BOUND), d_Gz.clip(-BOUND, BOUND)
    log_D, log_rest = special.log_expit(d_x), special.log_expit(-d_Gz)
    se = np.sqrt(log_D.var() / len(d_x) + log_rest.var() / len(d_Gz))
    means = special.expit(d_x).mean(), special.expit(d_Gz).mean()
    return Value(float(log_D.mean() + log_rest.mean()), float(se), *map(float, means))


def _nodes_of(tree: np.ndarray) -> Nodes:
    """The nodes of one of scikit-learn's trees, as children of -1 at leaves."""
    left, right = (
        np.where(tree["is_leaf"], LEAF, tree[side]).astype(np.int32)
        for side in ("left", "right")
    )
    threshold = np.where(tree["is_leaf"], 0.0, tree["num_threshold"])
    return Nodes(left, right, tree["feature_idx"].astype(np.int32), threshold)
