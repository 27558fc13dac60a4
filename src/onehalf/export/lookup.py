"""Values in a list, as nodes: the place of each, with an error for one that is not in it."""

from typing import Any

import numpy as np

from onehalf.export.graph import Graph

__all__ = ["add_lookup", "list_values", "type_of"]


def add_lookup(graph: Graph, values: str, keys: np.ndarray) -> str:
    """Add the place of each value among the keys; NaN is a key like any other.

    The runtime stops at a value that is no key: its place would lie beyond the last one.
    """
    column = graph.add("Unsqueeze", values, np.array([1]))
    is_key = graph.add("Equal", column, keys)
    if keys.dtype.kind == "f" and np.isnan(keys).any():
        is_missing = graph.add("And", graph.add("IsNaN", column), np.isnan(keys))
        is_key = graph.add("Or", is_key, is_missing)
    is_key = graph.cast(is_key, "int32")
    place = graph.add("ArgMax", is_key, axis=1, keepdims=0)
    is_known = graph.cast(graph.add("ReduceMax", is_key, np.array([1]), keepdims=0), "bool")
    place = graph.add("Where", is_known, place, np.array(len(keys)))
    return graph.add("Gather", np.arange(len(keys)), place)


def type_of(values: np.ndarray) -> str:
    """The type of a tensor with these values."""
    return "string" if values.dtype.kind in "OU" else values.dtype.name


def list_values(values: np.ndarray) -> tuple[Any, ...]:
    """The values for JSON; NaN is a word there."""
    return tuple("NaN" if value != value else value for value in values.tolist())
