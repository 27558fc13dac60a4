"""Check digits of account and card numbers."""

import re

__all__ = ["correct_card", "correct_iban", "is_card", "is_iban"]

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
CARD = re.compile(r"[1-6]\d{11,18}", re.ASCII)


def is_iban(value: str) -> bool:
    """Return whether a value is an IBAN: as a number, it leaves 1 when divided by 97 (ISO 13616).

    >>> is_iban("DE89 3704 0044 0532 0130 00")
    True
    """
    text = value.replace(" ", "").upper()
    return bool(IBAN.fullmatch(text)) and _remainder(text) == 1


def is_card(value: str) -> bool:
    """Return whether a value is a card number: 12 to 19 digits with Luhn's check (ISO 7812).

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    text = re.sub("[ -]", "", value)
    return bool(CARD.fullmatch(text)) and _luhn(text) == 0


def correct_iban(code: str) -> str:
    """Set the two check digits, which follow the country.

    >>> correct_iban("DE00 3704 0044 0532 0130 00")
    'DE89 3704 0044 0532 0130 00'
    """
    text = code.replace(" ", "").upper()
    digits = f"{98 - _remainder(text[:2] + '00' + text[4:]):02d}"
    return code[:2] + digits + code[4:]


def correct_card(code: str) -> str:
    """Set the last digit, which is the check digit.

    >>> correct_card("4111 1111 1111 1119")
    '4111 1111 1111 1111'
    """
    digits = re.sub("[ -]", "", code)
    return code[:-1] + str(-_luhn(digits[:-1] + "0") % 10)


def _remainder(text: str) -> int:
    """An IBAN divided by 97; letters count from 10 on, and the first four characters come last."""
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97


def _luhn(digits: str) -> int:
    """Luhn's sum, up to tens."""
    doubled = [sum(divmod(2 * int(each), 10)) for each in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10
