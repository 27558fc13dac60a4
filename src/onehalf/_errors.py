"""The one way to reject bad input.

Nothing here imports JAX, so that `onehalf --help` answers at once.
"""

from typing import NoReturn

__all__ = ["Refusal", "printable", "refuse"]

MOST_SIGNS = 400
"""The length of each part of a refusal, whose values may come from a stranger's file."""


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
    parts = [_shorten(printable(str(part), keep=" ")) for part in (what, expected, got, hint)]
    about, wanted, found, advice = parts
    raise Refusal(
        f"{about}: expected {wanted}; got {found}." + (f" {advice}" if advice else "")
    )


def printable(text: str, keep: str = "\n\t ") -> str:
    r"""Escape what would control a terminal rather than be read: file names and cells may hold it.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in keep else ascii(sign)[1:-1] for sign in text
    )


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_SIGNS else f"{text[:MOST_SIGNS]}…"
