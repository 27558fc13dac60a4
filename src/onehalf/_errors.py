"""The one way to reject bad input.

Nothing here imports JAX, so that `onehalf --help` answers at once.
"""

from typing import NoReturn

__all__ = ["Refusal", "refuse"]


class Refusal(ValueError):
    """Bad input, said in one sentence: `what: expected X; got Y. hint`.

    The command line prints the sentence and leaves with exit code 2; in Python it is a `ValueError`.
    """


def refuse(what: str, *, expected: object, got: object, hint: str = "") -> NoReturn:
    """Raise `Refusal` in the one form that errors have here.

    >>> refuse("k", expected="at least 1 step of D a round", got=0)
    Traceback (most recent call last):
    onehalf._errors.Refusal: k: expected at least 1 step of D a round; got 0.
    """
    raise Refusal(f"{what}: expected {expected}; got {got}." + (f" {hint}" if hint else ""))
