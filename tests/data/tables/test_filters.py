"""What `--where` means: each sign on each kind of column, quotes, missing cells, dates, and what is refused."""

import datetime
import operator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf import Refusal
from onehalf.data.loading import load
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.frames import to_table

N = 400
rng = np.random.default_rng(0)
AGES = np.where(rng.random(N) < 0.1, np.nan, rng.integers(17, 91, N))
DAYS = np.datetime64("2023-01-01") + rng.integers(0, 730, N)
ITEMS = ["it's", 'a "b"', "a,b", "x|y", "<=50K", "missing"]
TABLE = pa.table(
    {
        "age": pa.array(AGES, from_pandas=True),
        "sex": np.where(rng.random(N) < 0.1, None, rng.choice(["F", "M"], N)),
        "inches": rng.choice([14.0, 15.6, 17.3], N),
        "price": rng.lognormal(3, 1, N),
        "weight": rng.normal(size=N).astype(np.float32),
        "day": DAYS.astype(str),
        "stamp": [int(str(day).replace("-", "")) for day in DAYS],
        "moment": [
            datetime.datetime(2023, 12, 1) + datetime.timedelta(hours=47 * int(k))
            for k in range(N)
        ],
        "hours-per week, <=": rng.integers(1, 99, N),
        "item": rng.choice(ITEMS, N),
        "smoker": rng.choice([True, False], N),
        "married": rng.choice([0.0, 1.0], N),
        "row id": np.arange(N),
    }
)
CODING = TableEncoder.fit(TABLE)
ROWS = CODING.encode(TABLE)
FRAME = TABLE.to_pandas()
SIGNS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def holds(text):
    return RowFilter.parse(text, CODING).mask(ROWS)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    ("name", "value"), [("age", 40), ("inches", 15.6), ("price", 21.5), ("weight", 0.25)]
)
def test_numbers_are_compared_as_pandas_compares_them(name, value, sign):
    expected = getattr(FRAME[name], SIGNS[sign])(value)
    np.testing.assert_array_equal(holds(f"{name} {sign} {value}"), expected)


@pytest.mark.parametrize("sign", SIGNS)
def test_dates_are_compared_as_dates_however_the_column_writes_them(sign):
    cut = "2024-03-09"
    expected = getattr(pd.Series(DAYS), SIGNS[sign])(pd.Timestamp(cut))
    for text in (f"day{sign}{cut}", f"stamp{sign}20240309", f"stamp{sign}{cut}"):
        np.testing.assert_array_equal(holds(text), expected)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    ("text", "length"),
    [("2024-02", 7), ("2024-02-06", 10), ("2024-02-06 08:00:00", 19), ("2024", 4)],
)
def test_less_of_a_date_means_all_of_it(sign, text, length):
    begins = FRAME["moment"].astype(str).str[:length]
    np.testing.assert_array_equal(
        holds(f"moment{sign}{text}"), getattr(operator, SIGNS[sign])(begins, text)
    )


def test_a_time_zone_has_its_own_clock():
    moments = pa.array(
        [datetime.datetime(2024, 7, day, 23, 30) for day in range(1, 30)]
    )  # 1:30 of the next in Paris
    table = pa.table({"at": moments.cast(pa.timestamp("ms")).cast(pa.timestamp("ms", "UTC"))})
    paris = pa.table({"at": table["at"].cast(pa.timestamp("ms", "Europe/Paris"))})
    assert RowFilter.parse("at=2024-07-05", TableEncoder.fit(table)).mask(
        TableEncoder.fit(table).encode(table)
    ).nonzero()[0] == [4]
    assert RowFilter.parse("at=2024-07-05", TableEncoder.fit(paris)).mask(
        TableEncoder.fit(paris).encode(paris)
    ).nonzero()[0] == [3]


def test_words_truth_values_and_numbers_that_count_as_words():
    np.testing.assert_array_equal(holds("sex=F"), FRAME["sex"] == "F")
    np.testing.assert_array_equal(holds("sex=F|M"), FRAME["sex"].notna())
    np.testing.assert_array_equal(holds("smoker=TRUE"), FRAME["smoker"])
    np.testing.assert_array_equal(holds("married=1.0"), FRAME["married"] == 1)
    np.testing.assert_array_equal(holds("married=1"), FRAME["married"] == 1)
    np.testing.assert_array_equal(holds("age!=20|30|40"), ~FRAME["age"].isin([20, 30, 40]))


def test_capitals_matter_where_they_tell_words_apart():
    table = pa.table({"x": ["a", "A", "b"] * 9})
    coding = TableEncoder.fit(table)
    assert RowFilter.parse("x=a,x!=missing", coding).mask(coding.encode(table)).sum() == 9
    assert str(RowFilter.parse("x=B", coding)) == "x=b"


def test_missing_is_found_is_unequal_to_everything_and_has_no_order():
    missing = np.isnan(AGES)
    np.testing.assert_array_equal(holds("age=missing"), missing)
    np.testing.assert_array_equal(holds("age!=missing"), ~missing)
    np.testing.assert_array_equal(holds("age=40|missing"), missing | (AGES == 40))
    assert holds("age!=40")[missing].all()
    assert not holds("age!=40,age!=missing")[missing].any()
    assert not (holds("age<40") | holds("age>=40"))[missing].any()


def test_a_column_that_has_the_word_missing_means_it():
    np.testing.assert_array_equal(holds("item=missing"), FRAME["item"] == "missing")


@pytest.mark.parametrize(
    ("chained", "both"),
    [
        ("30<=age<40", "age>=30,age<40"),
        ("40 > age >= 30, sex=F", "age<40,age>=30,sex=F"),
        ("2023-03<=day<2023-06-10", "day>=2023-03,day<2023-06-10"),
        (
            "sex=F,10<'hours-per week, <='<20",
            "sex=F,'hours-per week, <='>10,'hours-per week, <='<20",
        ),
    ],
)
def test_two_orders_may_be_chained(chained, both):
    found = RowFilter.parse(chained, CODING)
    assert found == RowFilter.parse(both, CODING)
    assert 0 < found.mask(ROWS).sum() < N


@pytest.mark.parametrize("item", ITEMS)
def test_quotes_hold_what_would_end_a_value_or_begin_a_sign(item):
    doubled = item.replace('"', '""')
    np.testing.assert_array_equal(holds(f'item="{doubled}"'), FRAME["item"] == item)
    np.testing.assert_array_equal(
        holds(f"""'hours-per week, <=' >40 ,item != "{doubled}" """),
        (FRAME["hours-per week, <="] > 40) & (FRAME["item"] != item),
    )
    if not set(',|"') & set(item):
        np.testing.assert_array_equal(holds(f"item={item}"), FRAME["item"] == item)


@settings(max_examples=60)
@given(st.data())
def test_all_must_hold_and_the_text_comes_back(data):
    pieces = data.draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3, unique=True))
    wanted = RowFilter.parse(" , ".join(pieces), CODING)
    expected = np.logical_and.reduce([holds(piece) for piece in pieces])
    np.testing.assert_array_equal(wanted.mask(ROWS), expected)
    again = RowFilter.parse(str(wanted), CODING)
    assert (str(again), again.allowed) == (str(wanted), wanted.allowed)


PIECES = [
    *(
        "age>20",
        "age<=80",
        "age!=missing",
        "sex=F|missing",
        "sex!=M",
        "inches>14",
        "price>=3.5",
        "day>2023-02",
    ),
    *(
        'item="x|y"|"a,b"',
        "item!='it''s'",
        '"hours-per week, <="<77',
        "smoker=true",
        "moment<2024-02",
    ),
]


def test_what_is_left_one_cell_is_fixed():
    fixed = RowFilter.parse(
        "sex=M, age>=40, age<=40, inches=15.6, day=2024-03-09, price>3", CODING
    ).fixed
    place = (datetime.date(2024, 3, 9) - datetime.date(1970, 1, 1)).days
    assert fixed == {"sex": 1.0, "age": 40.0, "inches": 15.6, "day": place}
    assert np.isnan(RowFilter.parse("age=missing", CODING).fixed["age"])
    for text in ("sex=F|M", "sex=F|missing", "sex!=F", "age>40", "day=2024-03"):
        assert RowFilter.parse(text, CODING).fixed == {}
    assert RowFilter.parse("sex!=F,sex!=missing", CODING).fixed == {"sex": 1.0}


def test_values_beyond_those_of_the_data_that_a_condition_allows_hold_it():
    row = ROWS[:1].copy()
    row[0, CODING.names.index("age")] = 95
    assert RowFilter.parse("age>80", CODING).mask(row).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected conditions such as sex=F,age>40; got nothing"),
        (" , ", "got ','"),
        ("age>40,", "got nothing after the last comma"),
        ("30<age>20", "expected a column"),
        ("age", "expected a column, one of = != < <= > >= and a value; got 'age'"),
        ("age=", "Write missing for a missing value"),
        (
            "item=a,b",
            "got 'b'. A name or a value with a comma, a sign or a | in it needs quotes",
        ),
        ('item="a', """got 'item="a'"""),
        ("agee>40", "got 'agee'. Did you mean age?"),
        ("zzz>40", "The table has age, sex, inches"),
        ("row id=3", "got 'row id', which holds IDs"),
        ("sex=W", "sex=W: expected one of F, M; got 'W'"),
        ("sex<F", "sex<F: expected = or !=, since 'sex' holds words; got <"),
        ("age>old", "age>old: expected a number, since 'age' holds numbers; got 'old'"),
        ("age=nan", "got 'nan'"),
        ("age=inf", "got 'inf'"),
        ("age>missing", "age>missing: expected one value after >; got 'missing'"),
        ("age<30|40", "age<30|40: expected one value after <; got '30' and '40'"),
        (
            "age=30.5",
            "some value of 'age' in the data (whole numbers from 17 to 90); got one that holds for none",
        ),
        ("age>200", "age>200: expected a condition that holds for some value of 'age'"),
        ("inches=16", "(14, 15.6, 17.3, none missing); got one that holds for none"),
        ("inches=missing", "none missing"),
        (
            "sex!=F|M|missing",
            "some value of 'sex' in the data (F, M); got one that holds for none",
        ),
        ("day=2023-02-30", "expected a date such as 2023-01-0"),
        ("day=soon", "expected a date such as 2023-01-02; got 'soon'"),
        ("day>2030", "day>2030: expected a condition that holds for some value of 'day'"),
        (
            "sex=F,age>20,sex=M",
            "expected conditions that one row can satisfy; got sex=F and sex=M, which exclude each other",
        ),
        ("age>40,age<30", "got age>40 and age<30, which exclude each other"),
        ("age>40,age<41", "got age>40 and age<41"),
        ("inches>14,inches<15", "got inches>14 and inches<15"),
        ("age=missing,age>40", "got age=missing and age>40"),
    ],
)
def test_what_no_row_can_hold_is_refused_in_a_sentence(text, said):
    with pytest.raises(Refusal) as refused:
        RowFilter.parse(text, CODING)
    assert said in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_an_expected_date_is_shown_as_the_file_writes_dates(tmp_path):
    (tmp_path / "days.csv").write_text(
        "day\n" + "".join(f"{day}.01.2021\n" for day in range(14, 28))
    )
    days = TableEncoder.fit(load(str(tmp_path / "days.csv")).table)
    with pytest.raises(Refusal, match=r"a date such as 2021-01-14 or 14\.01\.2021; got 'x'"):
        RowFilter.parse("day>x", days)


def test_of_many_words_the_nearest_is_offered():
    table = pa.table(
        {"town": [f"{word}{k}" for word in ("Paris", "Rome", "Oslo") for k in range(9)] * 5}
    )
    with pytest.raises(Refusal, match=r"and 17 more; got 'Pariss3'\. Did you mean Paris3"):
        RowFilter.parse("town=Pariss3", TableEncoder.fit(table))


def test_the_range_of_a_zoned_column_is_known():
    moments = pd.date_range("2024-01-01", periods=50, freq="11h", tz="Europe/Paris")
    table = to_table(pd.DataFrame({"at": moments}))
    coding = TableEncoder.fit(table)
    rows = coding.encode(table)
    assert (
        RowFilter.parse("at>2024-01-10", coding).mask(rows).sum()
        == (moments >= "2024-01-11").sum()
    )
    with pytest.raises(Refusal, match="some value of 'at' in the data"):
        RowFilter.parse("at>2025", coding)
