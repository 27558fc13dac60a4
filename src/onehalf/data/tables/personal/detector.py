"""Find columns that look like personal data, by their name and by their values."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from onehalf.data.tables.personal import words
from onehalf.data.tables.personal.check_digits import is_card, is_iban

__all__ = ["Personal", "PersonalKind", "find_personal", "plain", "split_name"]

PersonalKind = Literal["name", "email", "phone", "address", "account"]

MOST_VALUES = 2000
"""The most values that are looked at."""

MOST_OF = 0.8
"""Values are of a form if at least this share of them are."""

HALF = 0.5
"""E-mail and street addresses are often incomplete: this share is enough."""

LEAST_EMAILS = 2
"""The least different e-mail addresses."""

LEAST_NAMED = 4
"""The least different values, where the column's name is as clear as the values."""

LEAST_VALUES = 20
"""The least different values, where the column's name or the values alone must decide."""

WEAK_GIVEN = 0.2
"""In a column called 'name', the least share of values with a frequent given name."""

LEAST_GIVEN = 0.3
"""In a column called anything else, the least share of values with a frequent given name."""

MOST_NAME_WORDS = 5
"""The most words of a person's name."""

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"[+(]?[0-9][0-9 ().+/-]*(\s?(ext|x)\.?\s?[0-9]+)?")
CLEAR_PHONE = re.compile(
    r"\+[1-9][0-9 ()./-]{7,}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|0\d{2,4}[ /-]\d[\d -]{4,}"
)
NAME = re.compile(r"[^\W\d_]+([ .,'\u2019-]+[^\W\d_]+)*\.?")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]*")
SSN = re.compile(r"\d{3}-\d{2}-\d{4}")

Test = Callable[[str], object]


@dataclass(frozen=True)
class Personal:
    """What a column seems to hold about people."""

    kind: PersonalKind
    reason: str
    """Why it seems so, to be printed after the column's name."""


def find_personal(name: str, values: Sequence[str]) -> Personal | None:
    """Judge whether a column looks like personal data.

    Args:
        name: The column's name.
        values: Its different values as words.

    Returns:
        What it looks like, with the reason; None if it doesn't.

    >>> find_personal("contact", ["ada@example.org", "bob@example.com", "eve@example.net"])
    Personal(kind='email', reason='its values are e-mail addresses')
    >>> find_personal("city", ["Berlin", "Paris", "Rome", "Vienna", "Oslo"])
    """
    step = -(-len(values) // MOST_VALUES) or 1
    seen = [value.strip() for value in values[::step] if value.strip()]
    if len(seen) < LEAST_EMAILS:
        return None
    called = split_name(name)
    rules = (_find_email, _find_account, _find_phone, _find_address, _find_name)
    return next((found for rule in rules if (found := rule(called, seen))), None)


def split_name(name: str) -> frozenset[str]:
    """Split a column's name into words, plain and in lower case; neighbours are joined as well.

    >>> sorted(split_name("customer_eMail"))
    ['customer', 'customere', 'customeremail', 'e', 'email', 'mail']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("ß", "ss"))
    parts = re.findall(r"[a-z]+", plain(spaced))
    joined = ("".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, i + 4))
    return frozenset(joined)


def plain(text: str) -> str:
    """Put a text into lower case without accents.

    >>> plain("Straße in Łódź, Zoë")
    'strasse in łodz, zoe'
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _find_email(called: frozenset[str], seen: Sequence[str]) -> Personal | None:
    share = _share(EMAIL.fullmatch, seen)
    if share >= HALF:
        return Personal("email", "its values are e-mail addresses")
    if called & words.EMAILS and _share(lambda value: "@" in value, seen) >= HALF:
        return Personal("email", "its name and values are those of e-mail addresses")
    return None


def _find_account(called: frozenset[str], seen: Sequence[str]) -> Personal | None:
    if len(seen) >= LEAST_NAMED:
        if _share(is_iban, seen) >= MOST_OF:
            return Personal("account", "its values are IBANs")
        if called & words.ACCOUNTS and _share(_is_code, seen) >= MOST_OF:
            return Personal(
                "account", "its name and values are those of accounts or official numbers"
            )
    if len(seen) >= LEAST_VALUES:
        if _share(is_card, seen) >= 0.95:
            return Personal("account", "its values are credit card numbers")
        if _share(SSN.fullmatch, seen) >= 0.95:
            return Personal("account", "its values are social security numbers")
    return None


def _find_phone(called: frozenset[str], seen: Sequence[str]) -> Personal | None:
    if called & words.PHONES and len(seen) >= LEAST_NAMED and _share(_is_phone, seen) >= HALF:
        return Personal("phone", "its name and values are those of telephone numbers")
    if len(seen) >= LEAST_VALUES and _share(CLEAR_PHONE.fullmatch, seen) >= MOST_OF:
        return Personal("phone", "its values are telephone numbers")
    return None


def _find_address(called: frozenset[str], seen: Sequence[str]) -> Personal | None:
    is_numbered = _share(_is_numbered, seen) >= HALF
    on_streets = _share(_is_on_street, seen) >= HALF
    if called & {"ip", "mac", "url", "web", "http", "memory"}:
        return None
    if called & words.ADDRESSES and len(seen) >= LEAST_NAMED and (is_numbered or on_streets):
        return Personal("address", "its name and values are those of street addresses")
    if len(seen) >= LEAST_VALUES and is_numbered and on_streets:
        return Personal("address", "its values are street addresses")
    return None


def _find_name(called: frozenset[str], seen: Sequence[str]) -> Personal | None:
    if _share(_is_name, seen) < MOST_OF:
        return None
    is_person = called & words.PEOPLE and not called & (words.OF_THINGS - words.PEOPLE)
    is_clear = called & words.NAMES or (called & words.WEAK_NAMES and is_person)
    if is_clear and len(seen) >= LEAST_NAMED:
        return Personal("name", "its name and values are those of people's names")
    if called & words.OF_THINGS or len(seen) < LEAST_VALUES:
        return None
    given = _share(_has_given_name, seen)
    if given >= (WEAK_GIVEN if called & words.WEAK_NAMES or is_person else LEAST_GIVEN):
        return Personal("name", "its values are people's names")
    return None


def _share(test: Test, seen: Sequence[str]) -> float:
    """The share of values that a test holds for."""
    return sum(bool(test(value)) for value in seen) / len(seen)


def _is_name(value: str) -> bool:
    return bool(NAME.fullmatch(value)) and len(value.split()) <= MOST_NAME_WORDS


def _has_given_name(value: str) -> bool:
    return not words.GIVEN_NAMES.isdisjoint(re.findall(r"[^\W\d_]+", plain(value)))


def _is_phone(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    is_fraction = re.fullmatch(r"[0-9]*[.][0-9]+", value)
    return 6 <= digits <= 17 and bool(PHONE.fullmatch(value)) and not is_fraction


def _is_numbered(value: str) -> bool:
    """Whether a value has a number and a word, as a street address."""
    return bool(re.search(r"\d", value) and re.search(r"[^\W\d_]{3}", value) and " " in value)


def _is_on_street(value: str) -> bool:
    """Whether a value has a word for a kind of street."""
    parts = re.findall(r"[^\W\d_]+", plain(value))
    endings = ("strasse", "str", "weg", "platz", "allee", "gasse", "straat", "laan", "gatan")
    return any(part in words.STREETS or part.endswith(endings) for part in parts)


def _is_code(value: str) -> bool:
    """Whether a value is a number of five digits or more, perhaps with letters."""
    return sum(map(str.isdigit, value)) >= 5 and bool(CODE.fullmatch(value))
