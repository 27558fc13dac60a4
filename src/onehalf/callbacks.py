"""Callbacks: what is called with the numbers of training while it goes on.

A callback is a function `f(numbers, step)`, or an object with a method `log(numbers, step=...)`, as W&B,
trackio and MLflow's wrappers have. `numbers` is a dict of floats by name, `step` the rounds trained so far.
Callbacks get copies of finished numbers, so that they can't change what is trained. If one raises, training
stops with its error.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from onehalf._errors import refuse

__all__ = ["Callback", "Logger", "call", "check", "flatten"]


@runtime_checkable
class Logger(Protocol):
    """What has a method to log numbers with."""

    def log(self, numbers: dict[str, float], *, step: int) -> Any:
        """Log the numbers of a step."""
        ...


Callback = Callable[..., Any] | Logger
"""A function `f(numbers, step)`, or a logger."""


def check(what: str, callbacks: Any) -> tuple[Callback, ...]:
    """Return callbacks as a tuple.

    Args:
        what: What they are called.
        callbacks: A list of them, or None.

    Raises:
        Refusal: One can't be called, or this is no list.
    """
    if callbacks is None:
        return ()
    expected = "a list of functions f(numbers, step) and objects with .log(numbers, step=...)"
    if not isinstance(callbacks, Sequence) or isinstance(callbacks, str):
        refuse(what, expected=expected, got=type(callbacks).__name__)
    for each in callbacks:
        if not _takes_numbers(getattr(each, "log", each)):
            refuse(what, expected=expected, got=f"{type(each).__name__} in it")
    return tuple(callbacks)


def _takes_numbers(function: Any) -> bool:
    """Whether this can be called with numbers and a step, as far as its signature says."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind({}, step=0)
    except TypeError:
        return False
    except ValueError:  # it has no signature that Python can read
        return True
    return True


def call(callbacks: Sequence[Any], numbers: Mapping[str, float], step: int) -> None:
    """Call each callback with the numbers of a step; with none if there are no numbers.

    >>> call([lambda numbers, step: print(step, numbers)], {"V": -1.25}, 100)
    100 {'V': -1.25}
    """
    for each in callbacks if numbers else ():
        log = getattr(each, "log", each)
        log(dict(numbers), step=step)


def flatten(row: Mapping[str, Any]) -> dict[str, float]:
    """Give each number a name; of several games, each has its own.

    >>> flatten({"V": [-1.25]})
    {'V': -1.25}
    >>> flatten({"V": [-1.25, -1.5], "seconds": 2.0})
    {'V/0': -1.25, 'V/1': -1.5, 'seconds': 2.0}
    """
    numbers = {}
    for name, value in row.items():
        if isinstance(value, int | float):
            numbers[name] = float(value)
        elif len(value) == 1:
            numbers[name] = float(value[0])
        else:
            numbers |= {f"{name}/{game}": float(each) for game, each in enumerate(value)}
    return numbers
