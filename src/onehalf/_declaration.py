"""How a hyper-parameter is declared: its meaning, what values it may have, and where it is set."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onehalf._errors import refuse
from onehalf._registry import choose, names

__all__ = ["About", "parameter"]


@dataclass(frozen=True)
class About:
    """What is declared of one hyper-parameter beside its type and default."""

    meaning: str
    default: str = ""
    """Where the default comes from, if it depends on the data."""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    whole: bool = False
    kind: Any = None
    """The type of a value, where the default None has none."""
    choices: str | Sequence[str] | None = None
    """The names to choose from, or the family of a catalogue that has them."""
    option: str | None = None
    """Its name on the command line; None if it is for Python alone."""
    metavar: str = ""

    @property
    def words(self) -> tuple[str, ...] | None:
        """The names to choose from."""
        if isinstance(self.choices, str):
            return names(self.choices)
        return None if self.choices is None else tuple(self.choices)

    @property
    def range(self) -> str:
        """The values that are allowed, in words; '' if there is no limit.

        >>> About("steps", at_least=1, whole=True).range, About("share", at_least=0, at_most=1).range
        ('a whole number of 1 or more', 'a number from 0 to 1')
        """
        if self.words:
            return ""
        kind = "a whole number" if self.whole else "a number"
        if self.above is not None:
            return f"{kind} above {self.above:g}"
        if self.at_least is None:
            return ""
        if self.at_most is not None:
            return f"{kind} from {self.at_least:,} to {self.at_most:,}"
        return (
            f"{kind} of {self.at_least:g} or more"
            if self.whole
            else f"{self.at_least:g} or more"
        )

    def check(self, name: str, value: Any) -> Any:
        """Return the value, or the member of `choices` that it means.

        Raises:
            Refusal: The value is out of range or not among the choices.
        """
        if self.words:
            return choose(name, value, self.words)
        if not self.range or hasattr(value, "randint"):  # a RandomState is drawn from
            return value
        is_number = isinstance(value, int | float) or hasattr(value, "__float__")
        if not is_number or not self._allows(value):
            refuse(
                name, expected=self.range, got=repr(value) if isinstance(value, str) else value
            )
        return value

    def _allows(self, value: Any) -> bool:
        if not -math.inf < value < math.inf:
            return False
        above = self.above is None or value > self.above
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return above and low and high and (not self.whole or value == int(value))


def parameter(default: Any, meaning: str, origin: str = "", **limits: Any) -> Any:
    """Declare a hyper-parameter; a default of None is left to the data, and `origin` says how."""
    declared = About(meaning=meaning, default=origin, **limits)
    return dataclasses.field(default=default, metadata={"about": declared})
