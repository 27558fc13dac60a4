"""UUIDs of the version that the data's have."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onehalf.data.tables.fresh.forms import Form, register

__all__ = ["Uuids"]

UUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}\}?")

VERSION = 12
"""The place of the version among the 32 digits."""

VARIANT = 16
"""The place of the variant."""


@register
@dataclass(frozen=True)
class Uuids(Form):
    """UUIDs, random but for their version and variant (RFC 9562).

    >>> form = Uuids.fit(["2c5ea4c0-4067-41fe-8bed-8bdb3b2a4dc1", "9f6c5ab3-6b7d-4e55-a1c2-0d2f5e1b7a90"])
    >>> form.version, form.draw(np.random.default_rng(0), 1)[0][14]
    ('4', '4')
    """

    version: str
    """The digit; none if the data's are of several."""
    has_hyphens: bool
    is_upper: bool
    has_braces: bool

    @classmethod
    def fit(cls, values: Sequence[str]) -> "Uuids | None":
        """Fit the form; None if not all values are UUIDs."""
        if not all(UUID.fullmatch(value) for value in values):
            return None
        first = values[0]
        versions = Counter(re.sub(r"[{}-]", "", value)[VERSION] for value in values)
        version = next(iter(versions)) if len(versions) == 1 else ""
        is_upper = any(map(str.isupper, values))
        return cls(version, "-" in first, is_upper, first.startswith("{"))

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n UUIDs."""
        digits = rng.bytes(16 * n).hex()
        return [self._write(digits[start : start + 32]) for start in range(0, 32 * n, 32)]

    def _write(self, digits: str) -> str:
        if self.version:
            variant = "89ab"[int(digits[VARIANT], 16) % 4]
            digits = digits[:VERSION] + self.version + digits[VERSION + 1 :]
            digits = digits[:VARIANT] + variant + digits[VARIANT + 1 :]
        if self.has_hyphens:
            ends = (0, 8, 12, 16, 20, 32)
            digits = "-".join(digits[a:b] for a, b in itertools.pairwise(ends))
        text = digits.upper() if self.is_upper else digits
        return f"{{{text}}}" if self.has_braces else text
