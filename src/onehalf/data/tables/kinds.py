"""The kinds of columns."""

from typing import Literal

__all__ = ["KINDS_OF_WORDS", "Kind"]

Kind = Literal[
    "continuous",
    "integer",
    "category",
    "boolean",
    "date",
    "constant",
    "id",
    "key",
    "personal",
    "text",
]

KINDS_OF_WORDS = ("category", "boolean", "constant", "id", "key", "personal", "text")
"""Kinds whose words are kept as they are."""
