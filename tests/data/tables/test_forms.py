"""One reading of a cell: `write(parse(words)) == words`, for columns of every form."""

import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf import Refusal
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.dates import DateForm, find_formats
from onehalf.data.tables.forms.numbers import NumberForm, find_decimal_mark

marks = st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'")])
number_forms = st.builds(
    lambda mark, unit, minus, decimals, null: NumberForm(
        null=null,
        decimal=mark[0],
        thousands=mark[1],
        prefix=unit[0],
        suffix=unit[1],
        minus=minus,
        least_decimals=decimals,
        fixed=decimals > 0,
    ),
    marks,
    st.sampled_from([("", ""), ("$", ""), ("€ ", ""), ("", "%"), ("", " €"), ("", " kg")]),
    st.sampled_from(["-", "\u2212", "()"]),
    st.integers(0, 6),
    st.sampled_from(["", "NA", "-"]),
)

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%-m/%-d/%Y", "%d-%b-%Y", "%B %-d, %Y", "%Y/%m/%d")
TIMES = ("", " %H:%M", "T%H:%M:%S", " %H:%M:%S.%3f", "T%H:%M:%S.%6fZ", " %I:%M %p")
date_formats = st.builds(
    lambda day, time: day + time, st.sampled_from(DATES), st.sampled_from(TIMES)
)


@settings(max_examples=150)
@given(form=number_forms, values=st.lists(st.none() | st.integers(-(10**9), 10**9), min_size=1))
def test_numbers_of_every_form_come_back(form, values):
    scaled = [None if value is None else value / 10**form.least_decimals for value in values]
    words = form.write(pa.array(scaled, pa.float64()))
    reading = form.read(words)
    assert reading.altered is None
    assert not len(reading.find_lost(words))
    assert reading.values.to_pylist() == scaled


@settings(max_examples=150)
@given(
    form=number_forms, values=st.lists(st.integers(-(10**9), 10**9), min_size=4, unique=True)
)
def test_an_inferred_form_gives_back_every_number(form, values):
    words = form.write(pa.array([value / 10**form.least_decimals for value in values]))
    found = NumberForm.infer(words, form.decimal)
    assert found is not None
    assert found.read(words).altered is None


@settings(max_examples=100)
@given(
    written=date_formats,
    moments=st.lists(
        st.none() | st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2068, 1, 1)),
        min_size=1,
    ),
)
def test_dates_of_every_format_come_back(written, moments):
    form = DateForm(format=written)
    words = form.write(pa.array(moments, pa.timestamp("us")))
    reading = form.read(words)
    assert reading.altered is None
    assert not len(reading.find_lost(words))
    found = DateForm.infer(words)
    assert (found is None) == (set(moments) == {None})
    assert found is None or found.read(words).altered is None


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["677.40", "12.00"], {"least_decimals": 2, "fixed": True}),
        (["3.0", "2.25"], {"least_decimals": 1}),
        (["3", "2.25"], {}),
        (["$1,200", "$5"], {"thousands": ",", "prefix": "$"}),
        (["12.5%", "3.0%"], {"suffix": "%", "least_decimals": 1, "fixed": True}),
        (["(5.00)", "7.25"], {"minus": "()", "least_decimals": 2, "fixed": True}),
        (["\u22125", "3"], {"minus": "\u2212"}),
        (["+5", "-3"], {"plus": True}),
        (["1,234", "2,345"], {"thousands": ","}),
        (["1,234.5", "2,345"], {"thousands": ","}),
        (["917,47", "9,5"], {"decimal": ",", "least_decimals": 1}),
        (
            ["1 234,50", "7,25"],
            {"decimal": ",", "thousands": " ", "least_decimals": 2, "fixed": True},
        ),
        (["5", "7"] * 30 + ["unknown"], {"null": "unknown"}),
        (["5", "NA", "7", "NA", ""], {"null": "NA"}),
    ],
)
def test_the_form_of_numbers(words, facts):
    form = NumberForm.infer(pa.array(words))
    assert form is not None
    assert form.to_dict() == facts
    assert NumberForm.from_dict("x", facts) == form


@pytest.mark.parametrize(
    "words",
    [
        ["007", "123"],
        ["12345678901234567890", "1"],
        ["1.10", "1.9", "1.2"] * 20,  # versions
        ["12a", "13"],
        ["A1", "A2"],
        ["5", "10 %", "7"],
        ["$5", "€7"],
        ["10-20", "20-30"],
        ["12:30", "12:45"],
        ["5 years", "1 year"],
    ],
)
def test_what_would_not_come_back_stays_words(words):
    assert NumberForm.infer(pa.array(words)) is None


def test_the_decimal_mark_of_a_file_settles_what_is_ambiguous():
    columns = [pa.array(["917,47", "9,5"]), pa.array(["1.234", "2.345"])]
    assert find_decimal_mark(columns) == ","
    assert find_decimal_mark(columns[1:]) == "."
    form = NumberForm.infer(columns[1], ",")
    assert form is not None
    assert form.parse(columns[1]).to_pylist() == [1234, 2345]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["2020-07-13 10:55:39+02:00", "2020-07-14 10:55:39+02:00"], "%Y-%m-%d %H:%M:%S+02:00"),
        (["2020-07-13 10:55:39.490"], "%Y-%m-%d %H:%M:%S.%3f"),
        (["2020-07-13T10:55:39.446Z"], "%Y-%m-%dT%H:%M:%S.%3fZ"),
        (["2020-07-13T10:55"], "%Y-%m-%dT%H:%M"),
        (["07/13/2020 10:55"], "%m/%d/%Y %H:%M"),
        (["7/13/2020", "11/3/2020"], "%-m/%-d/%Y"),
        (["13.07.2020 10:55"], "%d.%m.%Y %H:%M"),
        (["13-Jul-2020"], "%d-%b-%Y"),
        (["13-JUL-2020"], "%d-%^b-%Y"),
        (["13/07/20", "01/02/21"], "%d/%m/%y"),
        (["20/07/13", "21/02/28"], "%y/%m/%d"),
        (["7/13/2020 3:55 PM", "7/1/2020 11:05 AM"], "%-m/%-d/%Y %-I:%M %p"),
        (["20200713T105539"], "%Y%m%dT%H%M%S"),
        (["July 4, 2020", "May 12, 2021"], "%B %-d, %Y"),
    ],
)
def test_usual_timestamps_are_dates_and_come_back(words, written):
    form = DateForm.infer(pa.array(words))
    assert form is not None
    assert (form.format, form.read(pa.array(words)).altered) == (written, None)


def test_offsets_of_daylight_saving_come_back():
    words = pa.array(["2020-07-13 10:55:39+02:00", "2020-01-13 10:55:39+01:00"])
    form = DateForm.infer(words)
    assert form is not None
    assert (form.format, form.zone) == ("%Y-%m-%d %H:%M:%S%:z", "Europe/Berlin")
    assert form.write(form.parse(words)).equals(words)


def test_one_bad_cell_does_not_make_a_column_words():
    words = pa.array(["2023-02-20"] * 40 + ["0000-00-00"])
    form = DateForm.infer(words)
    assert form == DateForm(null="0000-00-00", format="%Y-%m-%d")
    assert form.read(words).altered is None
    assert DateForm.infer(pa.array(["2023-02-20"] * 4 + ["never"])) is None


def test_two_formats_are_told_apart():
    words = pa.array(["2023-02-20", "20.02.2023", "2023-03-01", "soon"])
    found = [(written, rows) for written, rows, _ in find_formats(words)]
    assert found == [("%Y-%m-%d", 2), ("%d.%m.%Y", 1)]


def test_truth_in_the_words_of_the_column():
    form = BooleanForm.infer(["Yes", "No"])
    assert form == BooleanForm(true="Yes", false="No")
    assert form.to_words(pa.array([True, None])).to_pylist() == ["Yes", None]
    assert BooleanForm.infer(["yes", "false"]) is None
    swapped = BooleanForm(true="no", false="yes")
    assert swapped.parse(pa.array(["no", "yes", "true"])).to_pylist() == [True, False, True]


@pytest.mark.parametrize(
    ("form", "facts", "sentence"),
    [
        (DateForm, {"format": "%Q"}, "expected directives such as"),
        (DateForm, {"format": "%d"}, "expected a year, a month and a day"),
        (DateForm, {"format": "%Y %y %m"}, "expected each part of a date once"),
        (DateForm, {"format": "%Y-%m-%d", "zone": "Berlin"}, "expected a time zone"),
        (NumberForm, {"decimal": ""}, "expected one sign"),
        (NumberForm, {"decimal": ",", "thousands": ","}, "other than ','"),
        (NumberForm, {"minus": "x"}, "expected - or"),
        (NumberForm, {"fixed": 1}, "expected true or false; got 1"),
        (NumberForm, {"least_decimals": 99}, "expected 0 to 20"),
        (BooleanForm, {"true": "a", "false": "a"}, "expected two words"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(form, facts, sentence):
    with pytest.raises(Refusal, match=sentence):
        form.from_dict("x", facts)
