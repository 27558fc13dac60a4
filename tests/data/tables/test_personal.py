"""Which columns look like personal data, and which do not."""

import numpy as np
import pyarrow as pa
import pytest

from onehalf._errors import Refusal
from onehalf.data.dataset import from_objects
from onehalf.data.tables.keys import are_keys
from onehalf.data.tables.personal import find_personal
from onehalf.data.tables.schema import Schema
from onehalf.domains import infer_domain
from people import FIRST, LAST, NAMES

EMAILS = [f"{first.lower()}.{last.lower()}@mail.com" for first in FIRST for last in LAST]
PHONES = [f"+49 171 {number}" for number in range(1_234_567, 9_000_000, 98_765)]
STREETS = [f"{name}straße {number}" for number, name in enumerate(LAST * 3, 3)]
ROADS = [f"{number} {name} Road" for number, name in enumerate(LAST * 3, 3)]
IBANS = ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR1420041010050500013M02606"]
CARDS = [
    *("4111111111111111", "5500 0000 0000 0004", "340000000000009", "30000000000004"),
    *("6011000000000004", "3088000000000009", "4012888888881881", "5105105105105100"),
]
NUMBERS = [f"{number:09d}" for number in range(123_456_789, 987_654_321, 9_876_543)]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", EMAILS, "email"),
        ("correo", ["a@b", *EMAILS[:9], "none"], "email"),
        ("customer_name", NAMES, "name"),
        ("Nachname", LAST, "name"),
        ("prénom", FIRST, "name"),
        ("lastName", [last.upper() for last in LAST], "name"),
        ("name", [f"{last}, {first[0]}. Ann" for first in FIRST for last in LAST], "name"),
        ("who", NAMES, "name"),
        ("phone", NUMBERS, "phone"),
        ("Telefon (privat)", PHONES, "phone"),
        ("x", PHONES, "phone"),
        ("x", [f"({n} 555-0{n}".replace(" ", ") ") for n in range(200, 260)], "phone"),
        ("Anschrift", STREETS, "address"),
        ("x", ROADS, "address"),
        ("x", IBANS * 3, "account"),
        ("kontonummer", NUMBERS, "account"),
        ("x", CARDS * 4, "account"),
        ("x", [f"{n}-4{n % 10}-{n}1" for n in range(200, 260)], "account"),
    ],
)
def test_personal_data_are_found(name, values, kind):
    found = find_personal(name, values)
    assert found is not None
    assert found.kind == kind
    assert found.reason.startswith("its ")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("city", ["Berlin", "Paris", "Charlotte", "Madison", "Florence", "Victoria"] * 6),
        ("product_name", [f"{first} chair" for first in FIRST * 3]),
        ("name", [f"Widget {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]),
        ("species", ["Adelie Penguin", "Gentoo penguin", "Chinstrap penguin"] * 20),
        ("studyName", [f"PAL{n:04d}" for n in range(708, 760)]),
        ("class", ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]),
        ("day", [f"2024-03-{day:02d}" for day in range(1, 29)]),
        ("ip address", [f"10.0.0.{n}" for n in range(40)]),
        ("email_sent", ["yes", "no"]),
        ("mobile", ["yes", "no", "unknown", "both"]),
        ("phone", [f"0.{n}" for n in range(123_456, 123_500)]),
        ("phone_model", [f"Galaxy S{n}" for n in range(40)]),
        ("address_type", ["home", "work", "billing", "shipping"]),
        ("street", ["paved", "gravel", "none", "dirt"]),
        ("account", ["savings", "current", "business", "none"]),
        ("price", [f"{n}.50" for n in range(100, 200)]),
        ("zip", [f"{n:05d}" for n in range(1000, 1100)]),
        ("bmi", [f"{n / 7:.6f}" for n in range(100, 200)]),
        ("version", [f"1.{n}.0" for n in range(40)]),
        ("name", FIRST[:1]),
        ("name", []),
    ],
)
def test_other_columns_are_not_called_personal(name, values):
    assert find_personal(name, values) is None


def test_the_schema_says_why_and_what_is_done():
    column = Schema.infer(pa.table({"mail": EMAILS, "n": range(len(EMAILS))})).columns[0]
    assert (column.kind, column.personal) == ("personal", "its values are e-mail addresses")
    assert column.warnings == (
        "'mail' looks like personal data: its values are e-mail addresses. Samples hold made-up "
        "values instead (--keep-personal mail keeps the data's).",
    )


def test_a_personal_column_is_kept_if_a_person_says_so():
    table = pa.table({"mail": EMAILS, "n": range(len(EMAILS))})
    schema = Schema.infer(table).keep_personal(["mail"]).check(table)
    assert schema.columns[0].kind == "category"
    assert (
        schema.columns[0]
        .warnings[0]
        .endswith("It is kept as asked: samples repeat values of the data.")
    )
    with pytest.raises(Refusal, match=r"looks like personal data \(mail\); got 'n'"):
        Schema.infer(table).keep_personal(["n"])


def test_free_text_is_not_learned_unless_a_person_says_so():
    notes = pa.table({"note": [f"call back {n} times at noon" for n in range(40)]})
    schema = Schema.infer(notes)
    assert (schema.columns[0].kind, schema.columns[0].personal) == (
        "text",
        "its values are free text",
    )
    assert schema.keep_personal(["note"]).columns[0].kind == "category"


def test_numbers_in_a_numeric_column_can_be_personal():
    phones = pa.table({"phone": np.arange(60) * 98_765_431 + 1_710_000_000})
    assert Schema.infer(phones).columns[0].kind == "personal"


def test_keys_have_16_digits_and_do_not_count_time():
    digits = [str(10**15 + 7 * n) for n in range(40)]
    assert are_keys("x", digits)
    assert not are_keys("x", [each[:-1] for each in digits])
    assert not are_keys("created_ts", digits)
    assert not are_keys("x", [])


def test_personal_data_of_arrays_are_not_known():
    with pytest.raises(Refusal, match="keep-personal: expected a table; got an array"):
        infer_domain(from_objects(np.zeros((9, 2))), keep_personal=["x"])
