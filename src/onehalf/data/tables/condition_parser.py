"""The text of conditions on rows, such as 'sex=F,30<=age<40': a column, a sign and values each."""

import re
from dataclasses import dataclass

from onehalf._errors import refuse

__all__ = ["Condition", "split_conditions"]

# a sign is read once: *+ gives nothing back, so that reading takes time in proportion to the text
QUOTED = r'(?:"(?:[^"]|"")*+"|' + r"'(?:[^']|'')*+')\s*+"

NAME = rf"{QUOTED}|[^\s=<>,\"'](?:[^=<>,!]|!(?!=))*+"

VALUE = rf"(?:{QUOTED}|[^\s,|\"'][^,|]*+)"

CONDITION = re.compile(
    rf"\s*+({NAME})(!=|<=|>=|==|=|<|>)\s*+({VALUE}(?:\|\s*+{VALUE})*+)(?:,|\Z)"
)

BOUND = r"""(?:"(?:[^"]|"")*+"|'(?:[^']|'')*+'|[^\s=<>,|"'][^=<>,|"']*+)"""

CHAINED = re.compile(
    rf"\s*+(?P<first>{BOUND})\s*+(?P<sign>[<>])(?P<equal>=?)\s*+(?P<name>{BOUND})"
    rf"\s*+(?P=sign)(?P<equal_too>=?)\s*+(?P<last>{BOUND})\s*+(?:,|\Z)"
)

MIRRORED = {"<": ">", ">": "<"}
"""Each order as read from the other side."""

VALUES = re.compile(VALUE)


@dataclass(frozen=True)
class Condition:
    """One column, one sign, and one or more values."""

    name: str
    sign: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return (
            _quote(self.name, "=<>,!")
            + self.sign
            + "|".join(_quote(value, ",|") for value in self.values)
        )


def split_conditions(text: str) -> list[Condition]:
    """Split a text into conditions, values as typed."""
    if not text.strip():
        refuse("the conditions", expected="conditions such as sex=F,age>40", got="nothing")
    conditions = []
    position = 0
    more = True
    while more:
        chained = CHAINED.match(text, position)
        if chained:
            conditions += _split_chain(chained)
            position, more = chained.end(), chained[0].endswith(",")
            continue
        match = CONDITION.match(text, position)
        if match is None:
            rest = text[position:].strip()
            hint = "A name or a value with a comma, a sign or a | in it needs quotes."
            hint = "Write missing for a missing value." if rest.endswith("=") else hint
            got = repr(rest) if rest else "nothing after the last comma"
            refuse(
                "the conditions",
                expected="a column, one of = != < <= > >= and a value",
                got=got,
                hint=hint,
            )
        values = dict.fromkeys(_unquote(value.strip()) for value in VALUES.findall(match[3]))
        sign = "=" if match[2] == "==" else match[2]
        conditions.append(Condition(_unquote(match[1].strip()), sign, tuple(values)))
        position, more = match.end(), match[0].endswith(",")
    return conditions


def _split_chain(chained: re.Match[str]) -> list[Condition]:
    """Both conditions of a text such as 30<=age<40."""
    first, name, last = (_unquote(chained[each].strip()) for each in ("first", "name", "last"))
    before = MIRRORED[chained["sign"]] + chained["equal"]
    after = chained["sign"] + chained["equal_too"]
    return [Condition(name, before, (first,)), Condition(name, after, (last,))]


def _unquote(text: str) -> str:
    """Remove the quotes around a text."""
    return text[1:-1].replace(text[0] * 2, text[0]) if text[0] in "\"'" else text


def _quote(text: str, signs: str) -> str:
    """Put a text in quotes, if it would be parsed differently without."""
    plain = (
        text
        and text == text.strip()
        and text[0] not in "\"'"
        and not any(sign in text for sign in signs)
    )
    return text if plain else '"' + text.replace('"', '""') + '"'
