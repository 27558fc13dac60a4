"""Catalogues of names: losses, penalties, distributions, experiments, read from `__all__` without importing them.

Nothing here imports JAX, so that `onehalf --help` answers at once.
"""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

from onehalf._errors import refuse
from onehalf._text import did_you_mean

__all__ = ["catalogue", "choose", "names", "spoken"]


def names(family: str) -> tuple[str, ...]:
    """List the members of a family, read from the `__all__` of its module without importing it.

    Abstract classes are not members, and neither are names that begin with a small letter.

    >>> names("penalties")
    ('R1', 'R2', 'GradientPenalty')
    """
    root = Path(__file__).parent
    path = (
        root / f"{family}.py"
        if (root / f"{family}.py").exists()
        else root / family / "__init__.py"
    )
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = ast.literal_eval(node.value)
            return tuple(
                name for name in listed if name[0].isupper() and not name.startswith("Abstract")
            )
    raise AssertionError(f"{path} has no __all__")


def catalogue(family: str) -> dict[str, Any]:
    """Import the members of a family by name: `catalogue("losses")["Hinge"]` is the class `Hinge`."""
    module = importlib.import_module(f"onehalf.{family}")
    return {name: getattr(module, name) for name in names(family)}


def choose(what: str, word: str, among: tuple[str, ...]) -> str:
    """Find the name among `among` that `word` means; capitals, spaces and hyphens do not matter.

    >>> choose("loss", "non-saturating", ("Minimax", "NonSaturating"))
    'NonSaturating'
    >>> choose("loss", "minmax", ("Minimax", "NonSaturating"))
    Traceback (most recent call last):
    onehalf._errors.Refusal: loss: expected one of minimax, non-saturating; got 'minmax'. Did you mean minimax?
    """
    by_key = {_normalise(name): name for name in among}
    key = _normalise(word)
    if key not in by_key:
        options = [spoken(name) for name in among]
        refuse(
            what,
            expected=f"one of {', '.join(options)}",
            got=repr(word),
            hint=did_you_mean(spoken(word), options),
        )
    return by_key[key]


def spoken(name: str) -> str:
    """Spell a member's name as it is typed: words in small letters, joined by hyphens.

    >>> spoken("SwissRoll"), spoken("R1"), spoken("JSDMetric"), spoken("Original2014")
    ('swiss-roll', 'r1', 'jsd-metric', 'original-2014')
    >>> spoken("mnist-2014-algorithm1")
    'mnist-2014-algorithm1'
    """
    if name == name.lower():
        return name
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def _normalise(word: str) -> str:
    """Drop capitals, hyphens, underscores and spaces, which do not matter in a name."""
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")
