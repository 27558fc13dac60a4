"""Names, e-mail addresses and street addresses that are made up of syllables."""

import itertools
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np

from onehalf.data.tables.fresh.forms import Form, register
from onehalf.data.tables.personal.detector import plain
from onehalf.data.tables.personal.words import STREETS, TITLES

__all__ = ["Emails", "Phrases", "made_up_words"]

MOST_SHAPES = 50
"""The most shapes of phrases that are kept."""

ONSETS = [
    "b",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "br",
    "kr",
    "tr",
]
VOWELS = "aeiou"
CODAS = ("", "", "", "l", "n", "r", "s")
SYLLABLES = ["".join(sounds) for sounds in itertools.product(ONSETS, VOWELS, CODAS)]

ENDINGS = re.compile(
    "(stra(?:ß|ss)e|str|weg|platz|allee|gasse|straat|laan|gatan)$", re.IGNORECASE
)
"""Ends of words that are kept in street addresses."""

DOMAINS = ("example.org", "example.com", "example.net")
"""Domains that belong to nobody (RFC 2606)."""

REDRAWS = 20
"""Draws of words until they get one more syllable."""

PARTS = re.compile(r"[^\W\d_]+|[0-9]+|[\W_]+")


@register
@dataclass(frozen=True)
class Phrases(Form):
    """Phrases of made-up words, numbers and signs, in a few shapes.

    Each shape is a row of parts: `*` is a word in small letters, `*T` one with a capital, `*U`
    one in capitals, `#3` a number of three digits, and anything else stands for itself.

    >>> form = Phrases.fit(["Dr. Anna Schmidt", "Dr. Otto Weiss"])
    >>> form.shapes
    (('Dr', '. ', '*T', ' ', '*T'),)
    """

    shapes: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    syllables: int = 2
    """The least syllables of a word; one more in half of them."""

    @classmethod
    def fit(cls, values: Sequence[str]) -> "Phrases":
        """Fit the shapes of values."""
        shapes = Counter(map(_shape, values)).most_common(MOST_SHAPES)
        total = sum(count for _, count in shapes)
        return cls(
            tuple(shape for shape, _ in shapes), tuple(count / total for _, count in shapes)
        )

    def draw(self, rng: np.random.Generator, n: int, avoid: Container[str] = ()) -> list[str]:
        """Draw n phrases, without the words to avoid, which are plain (`made_up_words`)."""
        which = rng.choice(len(self.shapes), n, p=self.shares).tolist()
        parts = [part for place in which for part in self.shapes[place]]
        written = iter(self._draw_parts(rng, parts, avoid))
        return ["".join(next(written) for _ in self.shapes[place]) for place in which]

    def widen(self) -> "Phrases":
        """Longer words."""
        return replace(self, syllables=self.syllables + 1)

    def _draw_parts(
        self, rng: np.random.Generator, parts: Sequence[str], avoid: Container[str]
    ) -> list[str]:
        """Draw a word, a number or a sign for each part."""
        endings = [part.partition("+")[2] for part in parts if part[0] == "*"]
        words = iter(_draw_new_words(rng, endings, self.syllables, avoid))
        shares = iter(rng.random(sum(part[0] == "#" for part in parts)).tolist())
        return [
            _write_word(part, next(words))
            if part[0] == "*"
            else _write_number(int(part[1:]), next(shares))
            if part[0] == "#"
            else part
            for part in parts
        ]


@register
@dataclass(frozen=True)
class Emails(Form):
    """E-mail addresses with a made-up part before the @, at domains that belong to nobody.

    >>> form = Emails.fit(["ada.lovelace@acme.com", "bob.weir@dead.net"])
    >>> form.draw(np.random.default_rng(0), 1)[0].split("@")[1] in DOMAINS
    True
    """

    local: Phrases

    @classmethod
    def fit(cls, values: Sequence[str]) -> "Emails":
        """Fit the shapes of what is before the @."""
        return cls(Phrases.fit([value.split("@")[0] for value in values]))

    def draw(self, rng: np.random.Generator, n: int, avoid: Container[str] = ()) -> list[str]:
        """Draw n addresses, without the words to avoid."""
        domains = rng.integers(0, len(DOMAINS), n)
        locals_ = self.local.draw(rng, n, avoid)
        return [f"{each}@{DOMAINS[d]}" for each, d in zip(locals_, domains, strict=True)]

    def widen(self) -> "Emails":
        """Longer words."""
        return Emails(self.local.widen())


def made_up_words(text: str) -> list[str]:
    """List the words of a text that say who or where: all that are not kept.

    >>> made_up_words("Dr. Anna Schmidt, 12 High Street")
    ['anna', 'schmidt', 'high']
    """
    found = (plain(word) for word in re.findall(r"[^\W\d_]{2,}", text))
    return [word for word in found if word not in TITLES and word not in STREETS]


def _shape(value: str) -> tuple[str, ...]:
    """The parts of a phrase, with words and numbers replaced."""
    return tuple(map(_name_part, PARTS.findall(value))) or ("*T",)


def _name_part(part: str) -> str:
    if part.isdecimal() and part.isascii():
        return f"#{min(len(part), 15)}"
    if not part.isalpha():
        return part.replace("#", "").replace("*", "") or " "
    word = plain(part)
    if word in TITLES or word in STREETS:
        return part
    ending = ENDINGS.search(part)
    kept = f"+{ending[0]}" if ending and len(part) > len(ending[0]) else ""
    case = "U" if part.isupper() and len(part) > 1 else "T" if part[0].isupper() else ""
    return f"*{case}{kept}"


def _write_number(digits: int, share: float) -> str:
    """The number that is this share of the distance from the least of its length to the greatest."""
    low = 10 ** (digits - 1)
    return str(low + int(9 * low * share))


def _write_word(part: str, word: str) -> str:
    """A word in the letters of a part, and with its ending."""
    case, _, ending = part[1:].partition("+")
    whole = word + ending.lower()
    return whole.capitalize() if case == "T" else whole.upper() if case == "U" else whole


def _draw_new_words(
    rng: np.random.Generator, endings: Sequence[str], syllables: int, avoid: Container[str]
) -> list[str]:
    """Draw a made-up word for each ending, none of which is to be avoided; longer ones if most of them are."""
    words = _draw_words(rng, len(endings), syllables)
    places = list(range(len(endings)))
    for attempt in itertools.count(1):
        places = [place for place in places if plain(words[place] + endings[place]) in avoid]
        if not places:
            return words
        again = _draw_words(rng, len(places), syllables + attempt // REDRAWS)
        for place, word in zip(places, again, strict=True):
            words[place] = word
    return words


def _draw_words(rng: np.random.Generator, n: int, syllables: int) -> list[str]:
    """Draw n made-up words with this number of syllables; half of them have one more."""
    sounds = rng.integers(0, len(SYLLABLES), (n, syllables + 1)).tolist()
    lengths = rng.integers(syllables, syllables + 2, n).tolist()
    return [
        "".join([SYLLABLES[sound] for sound in row[:length]])
        for row, length in zip(sounds, lengths, strict=True)
    ]
