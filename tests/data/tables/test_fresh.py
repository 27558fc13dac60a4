"""New values for IDs, keys and personal data: of the form seen, and none of the data's."""

import itertools
import json
import re
import uuid

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from onehalf import Refusal
from onehalf.data.tables.column import Column
from onehalf.data.tables.fresh import FreshColumns, columns
from onehalf.data.tables.fresh.codes import Codes
from onehalf.data.tables.fresh.columns import FreshColumn
from onehalf.data.tables.fresh.numbers import WholeNumbers
from onehalf.data.tables.fresh.people import Emails, Phrases
from onehalf.data.tables.fresh.seen import SeenValues
from onehalf.data.tables.fresh.uuids import Uuids
from onehalf.data.tables.personal.check_digits import is_card, is_iban
from onehalf.data.tables.schema import Schema
from people import FIRST, LAST, NAMES

rng = np.random.default_rng(0)


def draw(values, n=200, kind="id", name="x", seed=1):
    """Draw n new values for a column of these values."""
    array = pa.array(values)
    distinct = len(array.drop_null().unique())
    column = Column(name, kind, array.null_count / len(array), distinct)
    fresh = FreshColumn.fit(column, pa.chunked_array([array]))
    return fresh.draw(np.random.default_rng(seed), n)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([f"ORD-2024-{n:05d}" for n in range(1, 300)], r"ORD-2024-\d{5}"),
        ([f"ORD-{2022 + n // 100}-{n:05d}" for n in range(1, 300)], r"ORD-202[234]-\d{5}"),
        (rng.integers(10**7, 10**8, 300).astype(str).tolist(), r"[1-9]\d{7}"),
        ([f"{n:08d}" for n in rng.choice(10**8, 300)], r"\d{8}"),
        ([f"u{n}" for n in range(300)], r"u[1-9]\d{2,3}"),
        ([str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(300)], uuid.UUID),
        (
            [uuid.UUID(bytes=rng.bytes(16), version=4).hex.upper() for _ in range(99)],
            r"[0-9A-F]{32}",
        ),
        ([rng.bytes(8).hex() for _ in range(300)], r"[0-9a-f]{16}"),
        (
            [f"{n}/{chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(300)],
            r"\d{3,4}/[A-Z]{2}",
        ),
        ([f"a{n}@firm.com" for n in range(90)], r"[a-z]+\d{1,2}@example\.(org|com|net)"),
        (
            [f"{a.lower()}.{b.lower()}@b.de" for a in FIRST for b in LAST],
            r"[a-z]+\.[a-z]+@example\..*",
        ),
        (NAMES, r"[A-Z][a-z]+ [A-Z][a-z]+"),
    ],
)
def test_the_form_is_that_of_the_data(values, form):
    drawn = draw(values)
    assert len(set(drawn)) == 200
    assert not set(drawn) & set(values)
    if form is uuid.UUID:
        assert {uuid.UUID(each).version for each in drawn} == {4}
    else:
        assert all(re.fullmatch(form, each) for each in drawn)


def test_ids_go_on_in_order_from_a_random_start():
    values = [f"ORD-2024-{n:05d}" for n in range(1, 300)]
    drawn = draw(values)
    numbers = [int(each[-5:]) for each in drawn]
    assert numbers == list(range(numbers[0], numbers[0] + 200))
    assert numbers[0] > 299
    assert draw(values) == drawn != draw(values, seed=2)


def test_ids_go_on_from_the_last_of_very_many():
    drawn = draw([f"A{n}" for n in range(45_000)], 500)
    numbers = [int(each[1:]) for each in drawn]
    assert numbers == list(range(numbers[0], numbers[0] + 500))
    assert numbers[0] >= 45_000


def test_ids_without_order_have_none():
    values = rng.permutation([f"{n:08d}" for n in rng.choice(10**8, 300, replace=False)])
    drawn = draw(values.tolist())
    assert drawn != sorted(drawn)
    assert draw(sorted(values.tolist())) == sorted(draw(sorted(values.tolist())))


def test_a_full_form_gets_longer():
    values = [f"{n:02d}" for n in range(100)]
    drawn = draw(values, 500)
    assert len(set(drawn)) == 500
    assert all(re.fullmatch(r"\d{3,4}", each) for each in drawn)
    letters = [chr(97 + n) for n in range(26)]
    assert not set(draw(letters, 100)) & set(letters)


def test_missing_and_repeated_values_are_as_frequent_as_in_the_data():
    names = rng.choice(NAMES, 1000).tolist()
    values = [None if n % 4 == 0 else name for n, name in enumerate(names)]
    drawn = draw(values, 1000, kind="personal", name="customer name")
    assert abs(drawn.count(None) - 250) < 60
    distinct = len(set(values) - {None}) / (1000 - values.count(None))
    known = [each for each in drawn if each is not None]
    assert abs(len(set(known)) / len(known) - distinct) < 0.01


def test_no_word_of_a_name_is_one_of_the_data():
    drawn = draw(NAMES, 1000, kind="personal", name="name")
    words = {word for each in drawn for word in each.split()}
    assert not words & {*FIRST, *LAST}


@pytest.mark.parametrize(
    ("values", "test"),
    [
        (["DE89 3704 0044 0532 0130 00", "DE02 1203 0000 0000 2020 51"] * 3, is_iban),
        (["4111111111111111", "4012888888881881", "4222222222222220"], is_card),
    ],
)
def test_check_digits_are_right(values, test):
    drawn = draw(values, 50, kind="personal", name="account")
    assert all(map(test, [each for each in drawn if each]))
    assert not set(drawn) & set(values)


def test_streets_keep_their_kind_and_lose_their_name():
    values = [f"{name}straße {n}" for n, name in enumerate(LAST * 5, 10)]
    assert all(
        re.fullmatch(r"[A-Z][a-z]+straße \d\d", each)
        for each in draw(values, kind="personal", name="address")
    )


@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=60, unique=True),
    st.sampled_from(["id", "key", "personal"]),
    st.integers(0, 2**32),
)
def test_no_new_value_is_one_of_the_data(values, kind, seed):
    drawn = draw(values, 40, kind=kind, seed=seed)
    assert drawn is not None
    assert not set(drawn) & set(values)
    if kind == "id":
        assert len(set(drawn)) == 40


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=60, unique=True),
    st.integers(0, 2**32),
)
def test_no_new_number_is_one_of_the_data(values, seed):
    table = pa.table({"id": pa.array(values, pa.int64()), "sex": ["F"] * len(values)})
    schema = Schema(len(values), (Column("id", "id", 0.0, len(values)),))
    fresh = FreshColumns.fit(table, schema)
    made = fresh.add_to(table.select(["sex"]), table.schema, np.random.default_rng(seed))
    assert made.schema.field("id").type == pa.int64()
    assert not set(made["id"].to_pylist()) & set(values)


@pytest.mark.parametrize(
    "type_",
    [
        *(pa.int16(), pa.uint64(), pa.float64(), pa.decimal128(21, 2), pa.string()),
        *(pa.large_string(), pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_types_are_those_of_the_data(type_):
    numbers = pa.array(range(100, 160))
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    ids = numbers.cast(plain)
    ids = ids.dictionary_encode().cast(type_) if plain != type_ else ids
    table = pa.table({"id": ids, "sex": ["F", "M"] * 30})
    fresh = FreshColumns.fit(table, Schema.infer(table, {"id": "id"}))
    made = fresh.add_to(table.select(["sex"]), table.schema, np.random.default_rng(0))
    assert made.schema == table.schema
    assert len(made["id"].unique()) == 60


def test_a_column_whose_type_is_full_is_left_out():
    table = pa.table({"id": pa.array(range(256), pa.uint8()), "sex": ["F", "M"] * 128})
    fresh = FreshColumns.fit(table, Schema.infer(table))
    made = fresh.add_to(table.select(["sex"]), table.schema, np.random.default_rng(0))
    assert made.column_names == ["sex"]


def test_they_survive_as_json_without_the_values():
    table = pa.table(
        {
            "name": NAMES,
            "mail": [f"{name.replace(' ', '.').lower()}@firm.com" for name in NAMES],
            "code": [f"X-{n:04d}" for n in range(len(NAMES))],
            "uuid": [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in NAMES],
            "number": rng.choice(10**9, len(NAMES), replace=False),
        }
    )
    kinds = dict.fromkeys(table.column_names, "id")
    fresh = FreshColumns.fit(table, Schema.infer(table, kinds))
    text = json.dumps(fresh.to_dict())
    assert FreshColumns.from_dict(json.loads(text)) == fresh
    for values in table.to_pydict().values():
        assert not any(str(value) in text for value in values)
    assert not any(word in text for word in [*FIRST, *LAST])


def test_a_set_has_all_of_its_values_and_takes_two_bits_for_each():
    values = [f"value {n}" for n in range(4000)]
    seen = SeenValues.fit(values)
    assert all(value in seen for value in values)
    assert len(seen.bits) == 1000
    others = np.mean([f"other {n}" in seen for n in range(4000)])
    assert abs(others - (1 - np.exp(-0.5))) < 0.03


def test_forms_of_known_values():
    assert Codes.fit(["a1", "b2"]).templates[0].share == 1.0
    assert WholeNumbers.fit([1000, 9000], 0, 10**6) == WholeNumbers(1000, 9999, 10**6, False)
    assert Emails.fit(["A@b.de", "B@b.de"]).local.shapes == (("*T",),)
    assert Phrases.fit(["de la Cruz 12"]).shapes == (("de", " ", "la", " ", "*T", " ", "#2"),)
    assert Uuids.fit(["no"]) is None


def test_few_rows_repeat_no_more_than_as_few_rows_of_the_data():
    rng = np.random.default_rng(0)
    names = [NAMES[place] for place in rng.integers(0, len(NAMES), 300)]
    table = pa.table({"name": names})
    fresh = FreshColumns.fit(table, Schema.infer(table, {"name": "personal"})).columns[0]
    drawn = [len(set(fresh.draw(np.random.default_rng(seed), 10))) for seed in range(50)]
    assert np.mean(drawn) > 9
    assert len(set(fresh.draw(rng, 300))) < 120


def draw_blocks(values, n, monkeypatch, type_=None, size=50):
    """The values of n rows that are drawn in blocks of this size, and whether these were drawn one by one."""
    array = pa.array(values, type_)
    column = Column("x", "id", array.null_count / len(array), len(array.unique()))
    fresh = FreshColumn.fit(column, pa.chunked_array([array]))
    monkeypatch.setattr(columns, "BLOCK", size)
    blocks = list(fresh.draw_blocks(np.random.default_rng(1), n, array.type))
    assert [len(each) for each in blocks] == [size] * (n // size) + [n % size] * (n % size > 0)
    return pa.concat_arrays(blocks).to_pylist(), fresh.estimate_memory(n)


RANDOM = rng.permutation(10**8)[:300]


@pytest.mark.parametrize(
    ("values", "takes"),
    [
        (list(range(1000, 1300)), 0),
        ([f"ORD-2024-{n:05d}" for n in range(1, 300)], 0),
        (RANDOM.tolist(), columns.BYTES_OF_TAKEN),
        ([f"{n:08d}" for n in RANDOM], columns.BYTES_OF_TAKEN),
        ([f"{n:03d}" for n in range(0, 1000, 10)][::-1], columns.BYTES_OF_TAKEN),
        ([f"ORD-{2022 + n // 100}-{n:05d}" for n in range(1, 300)], columns.BYTES_OF_VALUE),
        (sorted(RANDOM.tolist()), columns.BYTES_OF_VALUE),
    ],
)
def test_values_of_many_blocks_are_all_different(values, takes, monkeypatch):
    drawn, memory = draw_blocks(values, 420, monkeypatch)
    assert len(set(drawn)) == 420
    assert not set(drawn) & set(values)
    assert memory == takes * 420
    if all(a < b for a, b in itertools.pairwise(values)):
        assert drawn == sorted(drawn)


def test_a_type_with_little_room_is_drawn_at_once(monkeypatch):
    numbers = [*range(0, 100, 5)]
    drawn, memory = draw_blocks(numbers, 52, monkeypatch, pa.int8())
    assert (len(set(drawn)), memory) == (52, columns.BYTES_OF_VALUE * 52)


def test_few_rows_are_drawn_as_one_block_was(monkeypatch):
    values = [f"ORD-2024-{n:05d}" for n in range(1, 300)]
    assert draw_blocks(values, 200, monkeypatch, size=200)[0] == draw(values)


def test_missing_values_are_missing_in_each_block(monkeypatch):
    values = [None if n % 4 == 0 else n + 1000 for n in range(400)]
    drawn, _ = draw_blocks(values, 1000, monkeypatch)
    known = [each for each in drawn if each is not None]
    assert known == list(range(known[0], known[0] + len(known)))
    assert abs(len(known) - 750) < 60


def test_more_new_values_than_memory_are_refused():
    table = pa.table({"id": [f"{n:08d}" for n in RANDOM], "sex": ["F", "M", "M"] * 100})
    fresh = FreshColumns.fit(table, Schema.infer(table))
    expected = r"n: expected new values that fit into .* of memory; got 10{13} rows, which take"
    with pytest.raises(Refusal, match=expected.replace("10{13}", "10,000,000,000,000")):
        next(fresh.draw_blocks(table.schema, 10**13, np.random.default_rng(0)))
