"""What a form of values is: it draws new ones, and is saved by name."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

__all__ = ["Form", "from_dict", "register", "to_dict"]

AnyForm = TypeVar("AnyForm")

CLASSES: dict[str, Any] = {}
"""The classes of forms and of their parts, by name."""


class Form(ABC):
    """A form of values, such as three letters and five digits."""

    @property
    def is_always_new(self) -> bool:
        """Whether no value that is drawn can be one of the data's."""
        return False

    @property
    def ascends(self) -> bool:
        """Whether each value that is drawn is greater than the one before, from block to block too."""
        return False

    @abstractmethod
    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n values, not all of them different."""

    def reserve(self, rng: np.random.Generator, n: int) -> "Form | None":
        """Return the form that n values can be drawn from, block by block; None if it may run out of them.

        Its values are new if `is_always_new`, and then all different too.
        """
        return self

    def widen(self) -> "Form":
        """Return a form of longer values, for when nearly all of this one are taken."""
        return self


def register(cls: type[AnyForm]) -> type[AnyForm]:
    """Let instances of a dataclass be saved by the name of the class."""
    CLASSES[cls.__name__] = cls
    return cls


def to_dict(form: Any) -> dict[str, Any]:
    """Convert a form, or a part of one, to what JSON can hold; `from_dict` is the inverse."""
    fields = {each.name: getattr(form, each.name) for each in dataclasses.fields(form)}
    return {"is": type(form).__name__} | {name: _save(value) for name, value in fields.items()}


def from_dict(saved: Mapping[str, Any]) -> Any:
    """Restore the form that `to_dict` converted."""
    fields = {name: _load(value) for name, value in saved.items() if name != "is"}
    return CLASSES[saved["is"]](**fields)


def _save(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_save(each) for each in value]
    return to_dict(value) if dataclasses.is_dataclass(value) else value


def _load(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_load(each) for each in value)
    return from_dict(value) if isinstance(value, dict) else value
