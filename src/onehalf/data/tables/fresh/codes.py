"""Codes such as ORD-2024-00001: fixed parts, numbers and characters, as they are seen in the data."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onehalf.data.tables.fresh.forms import Form, register
from onehalf.data.tables.fresh.numbers import Counting, draw_start, draw_whole, is_dense

__all__ = ["Characters", "Choice", "Codes", "Number", "Template"]

MOST_SHAPES = 50
"""The most shapes of codes that are kept."""

COVERED = 0.5
"""These must cover at least this share of the values; otherwise wider shapes are sought."""

FEW_SHAPES = 4
"""With more shapes than this, letters and digits must change places rarely to be split."""

MOST_RUNS = 1.7
"""Runs of letters or digits between signs, at most, on average."""

MOST_CHOICES = 20
"""A part of a code, such as a year, is one of those seen if there are at most this many."""

LEAST_EACH = 10
"""Each of which has at least this many rows on average."""

LONG = 15
"""Numbers of more digits are characters."""

SPLITS = (r"[^\W\d_]+|[0-9]+|[\W_]", r"[^\W_]+|[\W_]")
"""Where codes are split: between letters, digits and signs; between signs and all else."""

CLASSES = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
HEXES = (string.digits + "abcdef", string.digits + "ABCDEF")


@register
@dataclass(frozen=True)
class Choice:
    """A part of a code that takes few values, or one."""

    values: tuple[str, ...]

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n of them."""
        return [self.values[place] for place in rng.integers(0, len(self.values), n)]


@register
@dataclass(frozen=True)
class Number:
    """A part of a code that is a number, with zeros in front up to a width."""

    low: int
    high: int
    width: int
    """The least digits; 0 if there are no zeros in front."""
    follows: bool
    """Whether numbers are further ones than those of the data, one after another."""

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n numbers; of those that follow each other, with a digit more if there is no room."""
        part = self
        while part.follows and part.high - part.low < n:
            part = part.widen()
        numbers = draw_whole(rng, n, part.low, part.high, follows=part.follows)
        return [f"{number:0{part.width}d}" for number in numbers]

    def count(self, rng: np.random.Generator, n: int) -> Counting:
        """Return a counter of n numbers that follow each other, with more digits if there is no room."""
        part = self
        while part.high - part.low < n:
            part = part.widen()
        return Counting(draw_start(rng, n, part.low, part.high), part.width)

    def widen(self) -> "Number":
        """One digit more."""
        return replace(self, high=10 * self.high + 9)


@register
@dataclass(frozen=True)
class Characters:
    """A part of a code that is a row of characters."""

    alphabet: str
    fixed: str
    """The character at each place that never changes; a blank at the others."""
    least: int
    most: int
    """The least and the most characters."""
    begins_with_0: bool

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n rows of characters."""
        places = rng.integers(0, len(self.alphabet), (n, self.most))
        lengths = rng.integers(self.least, self.most + 1, n)
        letters = np.array(list(self.alphabet))[places]
        if not self.begins_with_0:
            first = np.array(list(self.alphabet.replace("0", "") or "0"))
            letters[:, 0] = first[rng.integers(0, len(first), n)]
        for place, letter in enumerate(self.fixed):
            if letter != " ":
                letters[:, place] = letter
        rows = zip(letters.tolist(), lengths.tolist(), strict=True)
        return ["".join(row[:length]) for row, length in rows]

    def widen(self) -> "Characters":
        """One character more."""
        return replace(self, least=self.least + 1, most=self.most + 1)


Part = Choice | Number | Characters | Counting


@register
@dataclass(frozen=True)
class Template:
    """The parts of codes of one shape."""

    parts: tuple[Part, ...]
    share: float
    """The share of the values that have it."""

    @property
    def follows(self) -> bool:
        """Whether one of its numbers is further than any of the data's."""
        return any(
            (isinstance(part, Number) and part.follows) or isinstance(part, Counting)
            for part in self.parts
        )

    @property
    def ascends(self) -> bool:
        """Whether a counter is its only part that changes."""
        return all(
            isinstance(part, Counting) or (isinstance(part, Choice) and len(part.values) == 1)
            for part in self.parts
        )

    def reserve(self, rng: np.random.Generator, n: int) -> "Template":
        """Return the template with counters of n numbers in place of numbers that follow each other."""
        parts = tuple(
            part.count(rng, n) if isinstance(part, Number) and part.follows else part
            for part in self.parts
        )
        return replace(self, parts=parts)

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n codes."""
        return [
            "".join(each) for each in zip(*(p.draw(rng, n) for p in self.parts), strict=True)
        ]

    def widen(self) -> "Template":
        """Return the template with its last free part longer; without one, with a number at the end."""
        parts = list(self.parts)
        for place in reversed(range(len(parts))):
            part = parts[place]
            if not isinstance(part, Choice | Counting):
                parts[place] = part.widen()
                return replace(self, parts=tuple(parts))
        return replace(self, parts=(*parts, Number(0, 99, 0, follows=False)))


@register
@dataclass(frozen=True)
class Codes(Form):
    """Codes of a few shapes.

    >>> codes = Codes.fit([f"ORD-2024-{number:05d}" for number in range(1, 61)])
    >>> drawn = codes.draw(np.random.default_rng(0), 2)
    >>> [len(code) for code in drawn], drawn[0][:9], drawn[0] > "ORD-2024-00060"
    ([14, 14], 'ORD-2024-', True)
    """

    templates: tuple[Template, ...]

    @classmethod
    def fit(cls, values: Sequence[str]) -> "Codes":
        """Fit the shapes of different values."""
        split = _split(values)
        shapes = Counter(map(_shape, split)).most_common(MOST_SHAPES)
        of: dict[tuple[str, ...], list[list[str]]] = {shape: [] for shape, _ in shapes}
        for parts in split:
            of.get(_shape(parts), []).append(parts)
        return cls(
            tuple(
                Template(_fit_parts(of[shape]), count / len(values)) for shape, count in shapes
            )
        )

    @property
    def is_always_new(self) -> bool:
        """Numbers of all shapes go on from the data's."""
        return all(template.follows for template in self.templates)

    @property
    def ascends(self) -> bool:
        """Of several shapes each has its own order."""
        return len(self.templates) == 1 and self.templates[0].ascends

    def reserve(self, rng: np.random.Generator, n: int) -> "Codes":
        """Return counters of n numbers for codes that are always new; others are drawn at random."""
        if not self.is_always_new:
            return self
        return Codes(tuple(template.reserve(rng, n) for template in self.templates))

    def draw(self, rng: np.random.Generator, n: int) -> list[str]:
        """Draw n codes, with each shape as often as in the data."""
        shares = np.array([template.share for template in self.templates])
        which = rng.choice(len(shares), n, p=shares / shares.sum())
        codes = [""] * n
        for number, template in enumerate(self.templates):
            places = np.flatnonzero(which == number)
            for place, code in zip(places, template.draw(rng, len(places)), strict=True):
                codes[place] = code
        return codes

    def widen(self) -> "Codes":
        """Each shape longer."""
        return Codes(tuple(template.widen() for template in self.templates))


def _split(values: Sequence[str]) -> list[list[str]]:
    """Split codes into parts, so that they have few shapes."""
    fine, coarse = (
        [re.findall(pattern, value, re.DOTALL) for value in values] for pattern in SPLITS
    )
    runs = sum(map(len, fine)) / sum(map(len, coarse))
    if runs <= MOST_RUNS or len(set(map(_shape, fine))) <= FEW_SHAPES:
        coarse = fine
    shapes = Counter(map(_shape, coarse)).most_common(MOST_SHAPES)
    if sum(count for _, count in shapes) >= COVERED * len(values):
        return coarse
    return [[value] for value in values]


def _shape(parts: Sequence[str]) -> tuple[str, ...]:
    """What the parts of a code are: D for digits, X for letters and both, signs as they are."""
    return tuple(
        "D" if part.isdecimal() and part.isascii() else "X" if part.isalnum() else part
        for part in parts
    )


def _fit_parts(split: Sequence[Sequence[str]]) -> tuple[Part, ...]:
    """Fit each part of codes of one shape; at least one of them is free."""
    columns = list(zip(*split, strict=True))
    parts = [_fit_part(column) for column in columns]
    if len(split) > 1 and all(isinstance(part, Choice) for part in parts):
        most = max(range(len(columns)), key=lambda place: len(set(columns[place])))
        parts[most] = _fit_free(columns[most])
    return tuple(parts)


def _fit_part(tokens: Sequence[str]) -> Part:
    distinct = sorted(set(tokens))
    is_few = len(distinct) <= MOST_CHOICES and len(tokens) >= LEAST_EACH * len(distinct)
    return Choice(tuple(distinct)) if is_few or len(distinct) == 1 else _fit_free(tokens)


def _fit_free(tokens: Sequence[str]) -> Part:
    """Fit a number, or a row of characters."""
    sizes = set(map(len, tokens))
    begins_with_0 = any(token.startswith("0") and token != "0" for token in tokens)
    is_number = all(token.isdecimal() and token.isascii() for token in tokens)
    if is_number and max(sizes) <= LONG and (len(sizes) == 1 or not begins_with_0):
        return _fit_number(tokens, max(sizes), begins_with_0=begins_with_0)
    fixed = "".join(
        " " if len(set(column)) > 1 else column[0] for column in zip(*tokens, strict=False)
    )
    return Characters(_alphabet(tokens), fixed, min(sizes), max(sizes), begins_with_0)


def _fit_number(tokens: Sequence[str], width: int, *, begins_with_0: bool) -> Number:
    numbers = sorted(set(map(int, tokens)))
    padded = width if begins_with_0 else 0
    top = 10**width - 1
    if is_dense(numbers) and len(numbers) > 1:
        number = Number(numbers[-1] + 1, top, padded, follows=True)
        return number if top - numbers[-1] >= len(numbers) else number.widen()
    is_of_one_size = len(set(map(len, tokens))) == 1
    low = 10 ** (width - 1) if is_of_one_size and not begins_with_0 else 0
    return Number(low, top, padded, follows=False)


def _alphabet(tokens: Sequence[str]) -> str:
    """The characters of these words, and the others of their kind."""
    seen = set("".join(tokens))
    for hexes in HEXES:
        if seen <= set(hexes) and len(seen) >= 8 and not seen <= set(string.digits):
            return hexes
    kinds = [kind for kind in CLASSES if seen & set(kind)]
    others = sorted(each for each in seen if not any(each in kind for kind in CLASSES))
    return "".join([*kinds, *others])
