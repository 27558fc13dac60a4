"""Numbers in words: decimals, decimal and thousands marks, signs, and units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf.data.tables.forms.base import (
    ODD_SHARE,
    AnyArray,
    Form,
    find_null,
    is_missing,
    tally,
)

__all__ = ["NUMBER", "NumberForm", "find_decimal_mark", "has_signs"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
"""A number as a word, with a decimal point and nothing else."""

NUMBER_OR_INFINITY = rf"{NUMBER}|^[+-]?(?i:inf|infinity)$"

LEADING_ZERO = r"^[+-]?0[0-9x]"
"""What would not be the same when a number is written again: codes."""

CURRENCY = r"[$€£¥₹]|US\$|USD|EUR|GBP|CHF|JPY|CAD|AUD"
"""Units that may come before a number, or after it."""

MINUS = "\u2212"
"""The sign of negative numbers in print."""

AFFIXED = (
    rf"^(?P<open>\(?)(?P<sign>[+\-\x{{2212}}]?)(?P<prefix>(?:(?:{CURRENCY})[  ]?)?)"
    r"(?P<body>[0-9](?:[0-9.,'\x{2019} \x{a0}\x{202f}]*[0-9])?)"
    r"(?P<suffix>(?:[  ]?[%‰°$€£¥₹]|[  ][^\s0-9.,;:()+-][^0-9.,;:()]{0,11}"
    r"|(?:EUR|USD|CHF|GBP|kg|g|mg|t|km|m|cm|mm|l|ml|h|min|s|ms|°C|°F|mph|km/h|kWh|kB|MB|GB))?)"
    r"(?P<close>\)?)$"
)
"""A number with signs, marks and a unit. Codes such as A1 and 12b are none."""

DECIMAL_COMMA = r"^[^0-9,]*[0-9]+(?:\.[0-9]{3})*,(?:[0-9]{1,2}|[0-9]{4,})[^0-9,]*$"
"""A number whose comma can only be a decimal mark."""

DECIMAL_POINT = r"^[^0-9.]*[0-9]+(?:,[0-9]{3})*\.(?:[0-9]{1,2}|[0-9]{4,})[^0-9.]*$"
"""A number whose point can only be a decimal mark."""

GROUPS = " '\u2019\u00a0\u202f"
"""Marks that can only separate thousands."""

MOST_FIXED = 8
"""The most decimals that all numbers of a column may be written with, zeros too."""

MOST_DIGITS = 15
"""Any number with at most this number of digits comes back from a float64."""

ROWS_PER_LABEL = 10
MOST_LABELS = 100
"""Numbers with decimals that are not written alike (1.9, 1.10) are labels, such as versions,
if there are at most 100 of them, each in 10 rows or more on average."""


class Parts(NamedTuple):
    """The parts of words that are numbers, word by word."""

    opened: list[str]
    sign: list[str]
    prefix: list[str]
    body: list[str]
    suffix: list[str]


@dataclass(frozen=True)
class NumberForm(Form):
    """How the numbers of a column are written.

    >>> form = NumberForm(decimal=",", thousands=".", suffix=" €", least_decimals=2, fixed=True)
    >>> form.parse(pa.array(["1.234,50 €", "-7,00 €"])).to_pylist()
    [1234.5, -7.0]
    >>> form.to_words(pa.array([1234.5, -7.0])).to_pylist()
    ['1.234,50 €', '-7,00 €']
    """

    decimal: str = "."
    """The decimal mark."""
    thousands: str = ""
    """The mark between groups of three digits."""
    prefix: str = ""
    """What comes before each number, such as $."""
    suffix: str = ""
    """What comes after each number, such as %."""
    minus: str = "-"
    """The sign of negative numbers; () puts them in parentheses."""
    plus: bool = False
    """Whether positive numbers have a +."""
    least_decimals: int = 0
    """Each number is written with at least this many decimals."""
    fixed: bool = False
    """Whether each has exactly that number."""

    name: ClassVar[str] = "number"

    @classmethod
    def infer(cls, words: AnyArray, decimal: str = "") -> "NumberForm | None":
        """The form of words, if they are numbers.

        Args:
            words: A column of words; some may be missing.
            decimal: The decimal mark where 1,234 could mean either; empty if it is not known.

        Returns:
            None if they are not numbers, or would not be the same when written again: codes
            with leading zeros, whole numbers of 19 digits or more, versions.

        >>> NumberForm.infer(pa.array(["$1,200.00", "$9.50", "NA"]))
        NumberForm(null='NA', decimal='.', thousands=',', prefix='$', suffix='', minus='-',
                   plus=False, least_decimals=2, fixed=True)
        """
        missing = is_missing(words)
        bare = pc.utf8_trim_whitespace(words.filter(pc.invert(missing)))
        null = find_null(words, missing)
        if not len(bare):
            return cls(null=null)
        if decimal != "," or not pc.any(pc.match_substring(bare, ".")).as_py():
            plain = _infer_plain(bare)
            if plain is not None:
                return replace(plain, null=null)
        held, counts = tally(bare)
        odd = _find_odd_word(held, counts)
        if odd is not None:
            null = odd if counts[pc.index(held, odd).as_py()].as_py() else null
            bare = bare.filter(pc.not_equal(bare, odd))
            plain = _infer_plain(bare) if decimal != "," else None
            if plain is not None:
                return replace(plain, null=null)
            held = held.filter(pc.not_equal(held, odd))
        form = _infer_affixed(held, decimal)
        return None if form is None or _are_labels(form, bare) else replace(form, null=null)

    @property
    def is_plain(self) -> bool:
        """Whether a number is written with digits, a decimal point and a minus sign only."""
        return (self.decimal, self.thousands, self.prefix, self.suffix, self.minus) == (
            *(".", "", "", ""),
            "-",
        ) and not self.plus

    def parse(self, words: AnyArray) -> AnyArray:
        """Whole numbers (int64) if all are written so, else float64."""
        missing = pc.or_(is_missing(words), pc.equal(words, self.null))
        known = pc.if_else(missing, pa.scalar(None, words.type), pc.utf8_trim_whitespace(words))
        plain = known if self.is_plain else self._to_plain(known)
        is_number = pc.and_not(
            pc.match_substring_regex(plain, NUMBER_OR_INFINITY),
            pc.match_substring_regex(plain, LEADING_ZERO),
        )
        plain = pc.if_else(is_number, plain, pa.scalar(None, plain.type))
        try:
            whole = pc.cast(plain, pa.int64())
        except pa.ArrowInvalid:
            return pc.cast(plain, pa.float64())
        return whole if self._is_whole else pc.cast(whole, pa.float64())

    @property
    def _is_whole(self) -> bool:
        return not self.least_decimals

    def _to_plain(self, words: AnyArray) -> AnyArray:
        """Words of this form as words with digits, a point and a minus sign only."""
        match = pc.extract_regex(words, self._pattern)
        sign, opened, body, fraction = (
            pc.struct_field(match, [name]) for name in ("sign", "open", "body", "fraction")
        )
        negative = pc.or_(
            pc.equal(opened, "("), pc.is_in(sign, value_set=pa.array(["-", MINUS]))
        )
        if self.thousands:
            body = pc.replace_substring(body, self.thousands, "")
        fraction = pc.replace_substring(fraction, self.decimal, ".")
        return pc.binary_join_element_wise(
            pc.if_else(negative, "-", "").cast(body.type),
            body,
            fraction,
            pa.scalar("", body.type),
        )

    @property
    def _pattern(self) -> str:
        """A word of this form, as a regular expression; the unit may be left out."""
        mark, group = re.escape(self.decimal), re.escape(self.thousands)
        grouped = rf"|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+" if group else ""
        prefix, suffix = re.escape(self.prefix), re.escape(self.suffix)
        return (
            rf"^(?P<open>\(?)(?P<sign>[+\-\x{{2212}}]?)(?:{prefix})?(?P<body>0|[1-9][0-9]*{grouped})"
            rf"(?P<fraction>(?:{mark}[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?:{suffix})?\)?$"
        )

    def to_words(self, values: AnyArray) -> pa.Array:
        """Numbers in this form."""
        if self.is_plain and pa.types.is_integer(values.type) and not self.least_decimals:
            words = pc.cast(values, pa.string())
            return words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
        return pa.array(
            [None if value is None else self._format(value) for value in values.to_pylist()],
            pa.string(),
        )

    def _format(self, value: Any) -> str:
        """One number."""
        digits = self._digits(value)
        sign = "+" if self.plus and value > 0 else ""
        if digits.startswith("-"):
            digits, sign = digits[1:], self.minus
        if self.thousands or self.decimal != ".":
            whole, point, fraction = digits.partition(".")
            digits = whole.replace(",", self.thousands) + point.replace(".", self.decimal)
            digits += fraction
        if sign == "()":
            return f"({self.prefix}{digits}{self.suffix})"
        return f"{sign}{self.prefix}{digits}{self.suffix}"

    def _digits(self, value: Any) -> str:
        """The digits of a number, with commas between thousands if this form has such marks."""
        comma = "," if self.thousands else ""
        if self.fixed:
            return f"{value:{comma}.{self.least_decimals}f}"
        text = repr(value)
        if not self.least_decimals:
            text = text.removesuffix(".0")
        whole, point, fraction = text.partition(".")
        if comma and "e" not in text:
            whole = f"{int(whole):,}"
        if "e" not in text and len(fraction) < self.least_decimals:
            point, fraction = ".", fraction.ljust(self.least_decimals, "0")
        return whole + point + fraction

    def check(self, what: str) -> None:
        """Marks are single signs, and differ."""
        if len(self.decimal) != 1 or self.decimal in "0123456789+-":
            refuse(
                f"{what}, decimal", expected="one sign, such as , or .", got=repr(self.decimal)
            )
        if len(self.thousands) > 1 or self.thousands == self.decimal:
            expected = f"nothing, or one sign other than {self.decimal!r}"
            refuse(f"{what}, thousands", expected=expected, got=repr(self.thousands))
        if self.minus not in ("-", MINUS, "()"):
            refuse(f"{what}, minus", expected="- or ()", got=repr(self.minus))
        if not 0 <= self.least_decimals <= 20:
            refuse(f"{what}, least_decimals", expected="0 to 20", got=self.least_decimals)

    def describe(self) -> str:
        """An example, unless numbers are written as usual."""
        if self.is_plain and not self.fixed:
            return ""
        example = 1234 if not self.least_decimals and not self.fixed else 1234.5
        return f"written {self._format(example)}"


def find_decimal_mark(columns: Sequence[AnyArray]) -> str:
    """The decimal mark of a file: a comma if some numbers can only be read so, and none has a point."""
    found = {
        mark
        for column in columns
        for mark, pattern in ((",", DECIMAL_COMMA), (".", DECIMAL_POINT))
        if _all_match(column, mark, pattern)
    }
    return "," if found == {","} else "."


def has_signs(words: pa.Array) -> bool:
    """Whether all words are numbers with signs or units of several sorts."""
    bare = pc.replace_substring_regex(words, r"[$€£¥%,\s]", "")
    return bool(pc.all(pc.match_substring_regex(bare, NUMBER)).as_py())


def _all_match(words: AnyArray, mark: str, pattern: str) -> bool:
    """Whether each word with this mark has it as a decimal mark, and some word has."""
    marked = words.filter(pc.match_substring(words, mark))
    if not len(marked) or 2 * len(marked) < len(words) - pc.sum(is_missing(words)).as_py():
        return False
    return bool(pc.mean(pc.match_substring_regex(marked, pattern)).as_py() > 1 - ODD_SHARE)


def _infer_plain(bare: AnyArray) -> NumberForm | None:
    """The form of numbers with digits, a point and a minus sign only; None if one is not a number."""
    whole = True
    try:
        pc.cast(bare, pa.int64())
    except pa.ArrowInvalid:
        whole = False
        try:
            numbers = pc.cast(bare, pa.float64())
        except pa.ArrowInvalid:
            return None
        size = pc.max(pc.abs(numbers)).as_py() or 0
        long = pc.match_substring_regex(bare, "^[+-]?[0-9]{19,}$")
        if size >= 1e18 and pc.any(long).as_py():
            return None
    if pc.any(pc.match_substring_regex(bare, LEADING_ZERO)).as_py():
        return None
    form = NumberForm(plus=pc.any(pc.starts_with(bare, "+")).as_py())
    form = form if whole else _with_decimals(form, bare)
    return None if _are_labels(form, bare) else form


def _with_decimals(form: NumberForm, bodies: AnyArray) -> NumberForm:
    """The form with the decimals of these numbers, which have points."""
    has_exponent = pc.any(pc.match_substring_regex(bodies, "[eE]")).as_py()
    point = pc.find_substring(bodies, ".")
    decimals = pc.subtract(pc.subtract(pc.utf8_length(bodies), point), 1)
    decimals = pc.if_else(pc.less(point, 0), 0, decimals)
    least, most = pc.min(decimals).as_py(), pc.max(decimals).as_py()
    if least == most and least <= MOST_FIXED and not has_exponent:
        return replace(form, least_decimals=least, fixed=least > 0)
    whole = pc.any(pc.less(point, 0)).as_py() and not has_exponent
    return replace(form, least_decimals=0 if whole else min(least, 1))


def _are_labels(form: NumberForm, bare: AnyArray) -> bool:
    """Whether numbers with decimals are few, and not written alike: versions such as 1.9 and 1.10."""
    if form.fixed:
        return False
    held, _ = tally(bare)
    if len(held) > MOST_LABELS or len(bare) < ROWS_PER_LABEL * len(held):
        return False
    zeros = pc.match_substring_regex(held, rf"\{form.decimal}[0-9]*0$")
    if form.least_decimals:
        zeros = pc.and_(zeros, pc.invert(pc.match_substring_regex(held, r"[.,]0$")))
    return bool(pc.any(zeros).as_py())


def _find_odd_word(held: pa.Array, counts: pa.Array) -> str | None:
    """The only word without a digit among numbers, if few rows hold it."""
    no_digit = pc.invert(pc.match_substring_regex(held, "[0-9]"))
    no_digit = pc.and_(no_digit, pc.invert(pc.match_substring_regex(held, "(?i)^[+-]?inf")))
    odd = held.filter(no_digit)
    if len(odd) != 1:
        return None
    rows = pc.sum(counts.filter(no_digit)).as_py()
    return odd[0].as_py() if rows <= ODD_SHARE * pc.sum(counts).as_py() else None


def _infer_affixed(held: pa.Array, decimal: str) -> NumberForm | None:
    """The form of numbers with marks or units, from the different words."""
    match = pc.extract_regex(held, AFFIXED)
    if not len(held) or match.null_count:
        return None
    names = ("open", "sign", "prefix", "body", "suffix")
    parts = Parts(*(pc.struct_field(match, [name]).to_pylist() for name in names))
    prefixes, suffixes = set(parts.prefix) - {""}, set(parts.suffix) - {""}
    marks = _find_marks(parts.body, decimal)
    if any(re.match("0[0-9]", body) for body in parts.body):
        return None
    if marks is None or len(prefixes) > 1 or len(suffixes) > 1:
        return None
    bare = max(units.count("") if any(units) else 0 for units in (parts.prefix, parts.suffix))
    if bare > ODD_SHARE * len(held):
        return None
    form = NumberForm(
        decimal=marks[0],
        thousands=marks[1],
        prefix=prefixes.pop() if prefixes else "",
        suffix=suffixes.pop() if suffixes else "",
        minus="()" if "(" in parts.opened else MINUS if MINUS in parts.sign else "-",
        plus="+" in parts.sign,
    )
    if form.parse(held).null_count:
        return None
    bodies = (body.replace(marks[1], "") if marks[1] else body for body in parts.body)
    return _with_decimals(form, pa.array([body.replace(marks[0], ".") for body in bodies]))


def _find_marks(bodies: Sequence[str], decimal: str) -> tuple[str, str] | None:
    """The decimal mark and the thousands mark of numbers; None if they contradict each other."""
    groups = {sign for body in bodies for sign in body if sign in GROUPS}
    if len(groups) > 1 or any(len(re.sub("[^0-9]", "", body)) > MOST_DIGITS for body in bodies):
        return None
    group = groups.pop() if groups else ""
    bare = [body.replace(group, "") for body in bodies] if group else list(bodies)
    roles = {mark: {role for body in bare if (role := _role(body, mark))} for mark in ".,"}
    certain = {mark: found - {"either"} for mark, found in roles.items()}
    if any(len(found) > 1 for found in certain.values()):
        return None
    chosen = {mark: next(iter(found), "") for mark, found in certain.items()}
    for mark, other in ((".", ","), (",", ".")):
        if roles[mark] and not chosen[mark]:
            is_decimal = bool(group) or mark == (decimal or ".")
            if chosen[other]:
                is_decimal = chosen[other] == "thousands"
            chosen[mark] = "decimal" if is_decimal else "thousands"
    found = {role: mark for mark, role in chosen.items() if role}
    if len(found) < sum(map(bool, chosen.values())) or (group and "thousands" in found):
        return None
    usual = "," if found.get("thousands") == "." else "."
    return found.get("decimal", usual), found.get("thousands", group)


def _role(body: str, mark: str) -> str:
    """What a mark is in one number: decimal, thousands, either, or nothing if it is not there."""
    if mark not in body:
        return ""
    other = "," if mark == "." else "."
    if other in body:
        return "decimal" if body.rindex(mark) > body.rindex(other) else "thousands"
    if body.count(mark) > 1:
        return "thousands"
    return "either" if re.fullmatch(rf"[1-9][0-9]{{0,2}}\{mark}[0-9]{{3}}", body) else "decimal"
