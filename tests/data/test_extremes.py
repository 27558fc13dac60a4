"""Numbers at the ends of their range come back right, or are refused: never other numbers without a word."""

import datetime
import decimal
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onehalf import Refusal
from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.arrays.validation import check, check_labels
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.frames import to_table
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.schema import Schema

N = 120
"""Rows."""

WHOLE = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
FLOATS = ("f2", "f4", "f8", "g")

WHOLE_TYPES = [pa.from_numpy_dtype(np.dtype(name)) for name in WHOLE]
UNITS = ("s", "ms", "us", "ns")


def ends_of(dtype):
    """Numbers at the ends of a dtype, around 2^53, and around 0."""
    about = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    if np.dtype(dtype).kind in "iu":
        ends = [about.min, about.min + 1, about.max - 1, about.max, 2**53, 2**53 + 1, 0, 1]
        return [number for number in ends if about.min <= number <= about.max]
    tiny = [about.smallest_subnormal, about.tiny, about.eps]
    return [*tiny, about.max, about.min, about.max / 2, 1e100, 1e160, 1e-100, 1e-160, 0, 1]


def arrays(dtype):
    """Arrays of numbers of which many lie at the ends of their dtype."""
    shape = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 1e160 as float16 is infinite
        ends = np.unique(np.array(ends_of(dtype), dtype))
    ends = [number for number in ends if np.isfinite(number)]
    near = st.integers(0, 100).map(np.dtype(dtype).type)
    return hnp.arrays(dtype, shape, elements=st.sampled_from(ends) | near)


@example(np.array([[2**60 + 1], [2**60]]))
@example(np.array([[6.5e4], [-6.5e4]], np.float16))
@settings(max_examples=300)
@given(st.sampled_from((*WHOLE, *FLOATS)).flatmap(arrays))
def test_arrays_come_back_or_are_refused(rows):
    try:
        check("X", rows)
    except Refusal:
        return
    scaler = ArrayScaler.fit(rows)
    x = scaler.transform(rows)
    assert np.isfinite(x).all()
    back = scaler.inverse_transform(x)
    assert back.dtype == rows.dtype
    # float32 between: seven digits of the deviation from the mean
    width = np.max(np.abs(rows.astype(float) - scaler.offset)) + np.max(np.abs(scaler.offset))
    assert np.abs(back.astype(float) - rows.astype(float)).max() <= 1e-6 * width
    far = scaler.inverse_transform(np.where(x < 0, -1e3, 1e3))
    assert np.isfinite(far).all()
    if rows.dtype.kind in "iu":
        assert rows.min() <= far.min() <= far.max() <= rows.max()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            np.array([[2**53 + 1], [0]]),
            "at most 2^53 in size; got 9007199254740993 in column 0",
        ),
        (np.array([[0, -(2**63)]]), "got -9223372036854775808 in column 1, counted from 0"),
        (np.full((2, 2, 2), 2**64 - 1, np.uint64), "got 18446744073709551615. Subtract"),
        (np.array([[1e160], [0.0]]), "from 1e-100 to 1e+100 in size; got 1e+160 in column 0"),
        (
            np.array([[1e-310], [0.0]]),
            "got 1e-310 in column 0, counted from 0. Use other units",
        ),
        (np.full((2, 1), np.longdouble("1e4000")), "in size; got 1e+4000 in column 0"),
    ],
)
def test_what_float64_cannot_compute_with_is_refused(rows, said):
    with pytest.raises(Refusal) as refusal:
        check("X", rows)
    assert said in str(refusal.value)


@pytest.mark.parametrize("label", [1e300, np.inf, 2.0**60])
def test_labels_that_are_no_whole_numbers_of_float64_are_refused(label):
    with pytest.raises(Refusal, match="a whole number or a word for each row"):
        check_labels("y", [label, 0.0], 2)


def encode(column, kind=None):
    """A checked table of one column, and its encoder."""
    table = to_table(pa.table({"x": column}))
    schema = Schema.infer(table, {"x": kind} if kind else None)
    return table, TableEncoder.fit(table, schema=schema)


def assert_same(table, encoder):
    """All values come back, or a warning says to how many digits; the same through the scores of networks."""
    cells = encoder.encode(table)
    if not any("learned to" in warning for warning in encoder.schema.warnings):
        assert encoder.decode(cells)["x"].to_pylist() == table["x"].to_pylist()
    preprocessor = TablePreprocessor.fit(cells, encoder)
    rows = preprocessor.inverse_transform(preprocessor.transform(EncodedRows.unlabelled(cells)))
    made = encoder.decode(rows.x)["x"].combine_chunks()
    held = table["x"].combine_chunks()
    assert made.null_count == held.null_count
    if pa.types.is_integer(made.type):
        low, high = min(held.drop_null().to_pylist()), max(held.drop_null().to_pylist())
        assert all(low <= value <= high for value in made.drop_null().to_pylist())


@pytest.mark.parametrize("type_", WHOLE_TYPES, ids=str)
@pytest.mark.parametrize("kind", [None, "integer"])
def test_whole_numbers_of_tables_come_back(type_, kind):
    about = np.iinfo(type_.to_pandas_dtype())
    for end in (about.min, about.max, about.max // 2 + 1):
        values = [end if row % 3 == 0 else row % 40 for row in range(N)]
        assert_same(*encode(pa.array(values, type_), kind))
    several = [about.max - row % 5 for row in range(N)]
    table, encoder = encode(pa.array(several, type_), "integer")
    assert encoder.decode(encoder.encode(table)).equals(table)


def test_very_many_long_numbers_cost_little():
    start = 1_704_067_200_000_000_000
    table, encoder = encode(pa.array(range(start, start + 7 * 30_000, 7)), "integer")
    assert encoder.decode(encoder.encode(table)).equals(table)


def test_conditions_on_long_numbers_are_exact():
    values = [2**63 - 1 - row % 2 if row % 3 else row for row in range(N)]
    table, encoder = encode(pa.array(values))
    cells = encoder.encode(table)
    for value in (2**63 - 1, 2**63 - 2):
        holds = RowFilter.parse(f"x={value}", encoder).mask(cells)
        assert holds.tolist() == [each == value for each in values]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("end", [-(2**63) + 1, 2**63 - 1])
def test_moments_at_the_ends_of_their_type_come_back_or_are_refused(unit, end):
    ticks = pa.array([end if row % 3 == 0 else row for row in range(N)], pa.int64())
    column = ticks.cast(pa.timestamp(unit))
    if unit == "ns":
        table, encoder = encode(column)
        assert encoder.schema.warnings[0].endswith("which are learned to 2048 ns only.")
        made = encoder.decode(encoder.encode(table))["x"].cast(pa.int64()).to_numpy()
        assert np.abs(made.astype(float) - ticks.to_numpy()).max() <= 1024
        return
    with pytest.raises(
        Refusal, match=r"dates of the years 1 to 9999; got another in 'x', row 1"
    ):
        encode(column)


@pytest.mark.parametrize(
    "first", [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 58)]
)
def test_the_first_and_the_last_moment_of_the_calendar_come_back(first):
    moments = [first + datetime.timedelta(seconds=row % 2) for row in range(N)]
    for unit in UNITS[:3]:
        assert_same(*encode(pa.array(moments, pa.timestamp(unit))))


def test_times_are_warned_about_only_if_digits_are_lost():
    start = 1_704_067_200_000_000_000
    for step, is_lost in ((1, True), (100, True), (256, False), (1000, False)):
        ticks = pa.array([start + step * row for row in range(N)])
        table, encoder = encode(ticks.cast(pa.timestamp("ns")))
        assert bool(encoder.schema.warnings) == is_lost
        assert encoder.decode(encoder.encode(table)).equals(table) != is_lost


@pytest.mark.parametrize("unit", ["s", "us"])
def test_unknown_time_zones_are_refused(unit):
    column = pa.array(range(N), pa.int64()).cast(pa.timestamp(unit, "Mars/X"))
    with pytest.raises(Refusal, match="expected a known time zone; got 'Mars/X' in 'x'"):
        encode(column)


DECIMALS = [
    *(pa.decimal32(5, 2), pa.decimal64(18, 2), pa.decimal128(38, 0), pa.decimal128(38, 10)),
    *(pa.decimal128(20, 0), pa.decimal256(76, 0), pa.decimal256(40, 20)),
]


@pytest.mark.parametrize("type_", DECIMALS, ids=str)
@pytest.mark.parametrize("kind", [None, "continuous"])
def test_decimals_of_many_digits_come_back(type_, kind):
    with decimal.localcontext(prec=99):
        most = decimal.Decimal(10**type_.precision - 1).scaleb(-type_.scale)
        step = decimal.Decimal(1).scaleb(-type_.scale)
        values = [most - step * (row % 7) if row % 2 else step * row for row in range(N)]
        table, encoder = encode(pa.array(values, type_), kind)
        assert encoder.schema.columns[0].distinct == len(set(values))
        assert_same(table, encoder)
        made = encoder.decode(encoder.encode(table))["x"].to_pylist()
        if table.schema.field("x").type.precision < 70:
            assert all(
                abs(a - b) <= abs(b) / 10**14 + step for a, b in zip(made, values, strict=True)
            )


def test_decimals_that_float64_cannot_tell_apart_are_no_constant():
    values = [decimal.Decimal(123456789012345678901234567890 + row) for row in range(N)]
    _, encoder = encode(pa.array(values, pa.decimal256(40, 0)), "category")
    assert len(encoder.words["x"]) == N


@pytest.mark.parametrize(
    ("value", "type_"),
    [(1e160, pa.float64()), (-1.7e308, pa.float64()), (1e-310, pa.float64())],
)
def test_numbers_of_tables_have_a_size_that_float64_can_compute_with(value, type_):
    with pytest.raises(Refusal, match=r"from 1e-100 to 1e\+100 in size; got .* in 'x', row 2"):
        encode(pa.array([0.0, value, None] * 9, type_))


@pytest.mark.parametrize("type_", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_floats_of_tables_come_back(type_):
    about = np.finfo(type_.to_pandas_dtype())
    most = min(float(about.max), 1e100)
    least = max(float(about.smallest_subnormal), 1e-100)
    values = [(most, -most, least, 0.5, 0.0)[row % 5] for row in range(N)]
    assert_same(*encode(pa.array(values, type_)))
