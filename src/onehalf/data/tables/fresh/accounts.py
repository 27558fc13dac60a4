"""Account and card numbers with the check digits that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onehalf.data.tables.fresh.codes import Codes
from onehalf.data.tables.fresh.forms import Form, register
from onehalf.data.tables.personal.check_digits import (
    correct_card,
    correct_iban,
    is_card,
    is_iban,
)

__all__ = ["CheckedCodes"]


@register
@dataclass(frozen=True)
class CheckedCodes(Form):
    """Codes whose check digits are right.

    >>> form = CheckedCodes.fit(["DE89 3704 0044 0532 0130 00", "DE02 1203 0000 0000 2020 51"])
    >>> form.check, is_iban(form.draw(np.random.default_rng(0), 1)[0])
    ('iban', True)
    """

    codes: Codes
    check: str
    """'iban' (ISO 13616) or 'card' (ISO 7812)."""

    @classmethod
    def fit(cls, values: Sequence[str]) -> "CheckedCodes | None":
        """Fit codes; None if their check digits are not right."""
        for check, test in (("iban", is_iban), ("card", is_card)):
            if all(map(test, values)):
                return cls(Codes.fit(values), check)
        return None

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n codes."""
        correct = correct_iban if self.check == "iban" else correct_card
        return list(map(correct, self.codes.draw(rng, n)))
