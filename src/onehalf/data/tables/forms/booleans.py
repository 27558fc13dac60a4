"""True and false in words."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf.data.tables.forms.base import AnyArray, Form

__all__ = ["BooleanForm", "find_truth"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

PAIRS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("1", "0"))
"""Words for true and false, in any capitals."""

TRUE = tuple(true for true, _ in PAIRS)
FALSE = tuple(false for _, false in PAIRS)


@dataclass(frozen=True)
class BooleanForm(Form):
    """True and false in the column's own words.

    >>> form = BooleanForm(true="yes", false="no")
    >>> form.parse(pa.array(["yes", "no", "TRUE", "perhaps"])).to_pylist()
    [True, False, True, None]
    """

    true: str = "true"
    false: str = "false"

    name: ClassVar[str] = "boolean"

    @classmethod
    def infer(cls, words: Collection[str]) -> "BooleanForm | None":
        """The form of two different words; None unless they are a known pair."""
        found = {find_truth(word): word for word in words}
        pair = tuple(found[truth].lower() for truth in (True, False) if truth in found)
        if len(words) != 2 or pair not in PAIRS:
            return None
        return cls(true=found[True], false=found[False])

    def parse(self, words: AnyArray) -> AnyArray:
        """True and false in these words, or in other usual ones."""
        lower = pc.utf8_lower(words)
        own_true, own_false = pc.equal(words, self.true), pc.equal(words, self.false)
        is_true = pc.or_(own_true, pc.and_not(_is_in(lower, TRUE), own_false))
        is_false = pc.or_(own_false, _is_in(lower, FALSE))
        return pc.if_else(pc.or_(is_true, is_false), is_true, pa.scalar(None, pa.bool_()))

    def to_words(self, values: AnyArray) -> pa.Array:
        """The words of truth values."""
        return pc.if_else(values, self.true, self.false)

    def check(self, what: str) -> None:
        """True and false must be two words."""
        if self.true == self.false:
            refuse(what, expected="two words for true and false", got=repr(self.true))

    def describe(self) -> str:
        """Both words, unless they are the usual ones."""
        usual = {self.true.lower(), self.false.lower()} in map(set, PAIRS)
        return "" if usual else f"true is {self.true}, false is {self.false}"


def find_truth(word: str) -> bool | None:
    """What a usual word for true or false means; None of any other.

    >>> find_truth("Yes"), find_truth("f"), find_truth("maybe")
    (True, False, None)
    """
    lower = word.lower()
    return True if lower in TRUE else False if lower in FALSE else None


def _is_in(words: AnyArray, listed: Collection[str]) -> AnyArray:
    return pc.is_in(words, value_set=pa.array(listed, words.type))
