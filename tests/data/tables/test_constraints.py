"""Rules about the rows of a table: parsed, found, checked, and kept by construction."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf import Refusal
from onehalf.data.tables.constraints.choosing import choose_rules
from onehalf.data.tables.constraints.constraints import Reduction, parse_rules
from onehalf.data.tables.constraints.finding import find_equations, find_rules
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.schema import Schema

RULES = (
    "total = price * months",
    "login >= signup",
    "low <= middle",
    "middle < high",
    "combinations(city, country)",
    "0 <= price <= 100",
)
PLACES = {"Rome": "IT", "Milan": "IT", "Paris": "FR", "Lyon": "FR", "Bonn": "DE"}


def make_shop(seed, n=300, missing=0.0):
    """Rows that keep all of RULES, some cells missing."""
    rng = np.random.default_rng(seed)
    price = rng.integers(1, 5000, n) / 100
    months = rng.integers(1, 25, n)
    signup = np.datetime64("2020-01-01") + rng.integers(0, 500, n)
    city = rng.choice(list(PLACES), n)
    low = rng.normal(0, 1, n)
    middle = low + rng.exponential(1, n)
    columns = {
        "price": price,
        "months": months,
        "total": np.round(price * months, 2),
        "signup": signup,
        "login": signup + rng.integers(0, 300, n),
        "city": city,
        "country": np.array([PLACES[each] for each in city]),
        "low": low,
        "middle": middle,
        "high": middle + 0.1 + rng.exponential(1, n),
    }
    kept = {"city", "country"}
    return pa.table(
        {
            name: pa.array(values, mask=(rng.random(n) < missing) & (name not in kept))
            for name, values in columns.items()
        }
    )


def fit_rules(table, texts=RULES, labels=()):
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    rules = parse_rules(texts, encoder, cells)
    return encoder, cells, rules, Reduction.fit(rules, encoder, labels, cells)


def refuse_rules(table, *texts, labels=()):
    encoder = TableEncoder.fit(table)
    with pytest.raises(Refusal) as refusal:
        choose_rules(texts, encoder, encoder.encode(table), table, labels=labels)
    return str(refusal.value)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), missing=st.sampled_from([0.0, 0.1, 0.5]))
def test_rows_come_back_as_they_were(seed, missing):
    table = make_shop(seed, 60, missing)
    encoder, cells, _, reduction = fit_rules(table)
    restored = reduction.restore(reduction.reduce(cells))
    exact = [
        at for at, name in enumerate(encoder.names) if name not in ("low", "middle", "high")
    ]
    np.testing.assert_array_equal(restored[:, exact], cells[:, exact])
    np.testing.assert_allclose(restored, cells, rtol=1e-12, atol=1e-12)
    plain = table.drop_columns(["low", "middle", "high"])
    assert (
        encoder.decode(restored)
        .select(plain.column_names)
        .equals(encoder.decode(cells).select(plain.column_names))
    )


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), missing=st.sampled_from([0.0, 0.2]))
def test_whatever_players_make_keeps_the_rules(seed, missing):
    _, cells, rules, reduction = fit_rules(make_shop(seed, 60, missing))
    rng = np.random.default_rng(seed)
    made = reduction.reduce(cells)
    for column in made.T:
        rng.shuffle(column)
    made = reduction.restore(made)
    for rule in rules:
        assert rule.holds(made).all(), rule.text


def test_only_what_rules_leave_open_is_learned():
    encoder, cells, _, reduction = fit_rules(make_shop(0))
    reduced = reduction.reduce(cells)
    constant = {
        name
        for name, column in zip(encoder.names, reduced.T, strict=True)
        if len(set(column)) == 1
    }
    assert constant == {"total", "country"}
    kinds = {column.name: column.kind for column in reduction.describe(encoder).columns}
    assert kinds["login"] == "integer"
    assert kinds["city"] == "category"
    gap = reduced[:, encoder.names.index("login")]
    assert 0 <= gap.min() < gap.max() < 300


def test_a_computed_column_keeps_its_missing_cells_and_those_whose_inputs_are_missing():
    table = pa.table({"a": [1.5, None, 2.5, 3.5], "b": [3.0, 7.0, None, 7.0]})
    _, cells, _, reduction = fit_rules(table, ["b = 2 * a"])
    np.testing.assert_array_equal(reduction.restore(reduction.reduce(cells)), cells)
    made = reduction.reduce(cells)
    made[1, 1] = made[0, 1]  # 'as computed', though there is nothing to compute it from
    assert np.isnan(reduction.restore(made)[1, 1])


@pytest.mark.parametrize(
    ("rounding", "column"),
    [
        ("down", lambda exact: np.floor(exact)),
        ("up", lambda exact: np.ceil(exact)),
        ("half even", lambda exact: np.rint(exact)),
        ("half up", lambda exact: np.floor(exact + 0.5)),
    ],
)
def test_a_product_is_rounded_as_in_the_data(rounding, column):
    pieces = np.arange(200) // 2
    table = pa.table({"pieces": pieces, "pay": column(pieces * 0.25).astype(int)})
    _, _, rules, _ = fit_rules(table, ["pay = pieces * 0.25"])
    assert rules[0].rounding == rounding
    assert rules[0].holds(TableEncoder.fit(table).encode(table)).all()


def test_a_product_that_its_type_cannot_hold_is_drawn_again():
    table = pa.table(
        {"a": pa.array([100, 2, 3], pa.int16()), "b": pa.array([2, 300, 3], pa.int16())}
    ).append_column("c", pa.array([200, 600, 9], pa.int16()))
    _, cells, _, reduction = fit_rules(table, ["c = a * b"])
    assert reduction.keeps(cells).all()
    assert not reduction.keeps(np.array([[30_000.0, 2.0, 60_000.0]])).any()


def test_dates_of_different_units_are_ordered():
    days = np.array(["2024-01-01", "2024-03-01"], "datetime64[D]")
    moments = np.array(["2024-01-01T08:30:00", "2024-03-05T00:00:00"], "datetime64[s]")
    table = pa.table({"signup": days, "login": moments})
    _, cells, rules, reduction = fit_rules(table, ["signup <= login"])
    assert rules[0].holds(cells).all()
    np.testing.assert_array_equal(reduction.restore(reduction.reduce(cells)), cells)
    assert reduction.steps[0].column.name == "login"
    coarse = pa.table({"login": moments, "until": np.array([20000, 20001], "datetime64[D]")})
    _, cells, rules, reduction = fit_rules(coarse, ["login <= until"])
    assert reduction.steps[0].column.name == "login"  # the finer one is moved
    np.testing.assert_array_equal(reduction.restore(reduction.reduce(cells)), cells)


def test_labels_stay_and_other_columns_follow_them():
    encoder, cells, rules, reduction = fit_rules(make_shop(1), labels=["country"])
    made = reduction.reduce(cells)
    country = encoder.names.index("country")
    made[:, country] = np.random.default_rng(0).permutation(made[:, country])
    restored = reduction.restore(made)
    np.testing.assert_array_equal(restored[:, country], made[:, country])
    assert all(rule.holds(restored).all() for rule in rules)


def test_a_reduction_is_saved_whole():
    _, cells, _, reduction = fit_rules(make_shop(2, missing=0.1))
    loaded = Reduction.from_array(reduction.to_array())
    reduced = loaded.reduce(cells)
    np.testing.assert_array_equal(reduced, reduction.reduce(cells))
    np.testing.assert_array_equal(loaded.restore(reduced), reduction.restore(reduced))
    assert loaded.limits == reduction.limits


def test_planted_rules_are_found_with_the_rows_that_speak_for_them():
    table = make_shop(3, missing=0.1)
    encoder = TableEncoder.fit(table)
    found = {each.rule.text: each.rows for each in find_rules(encoder, encoder.encode(table))}
    known = sum(
        all(table[name][row].is_valid for name in ("price", "months", "total"))
        for row in range(len(table))
    )
    assert found["total = price * months"] == known < len(table)
    assert {"signup <= login", "low <= middle", "middle <= high"} <= set(found)
    assert "low <= high" not in found  # follows from the two
    assert found["combinations(city, country)"] == len(table)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("net = gross - 5", lambda a, b: {"gross": a, "net": a - 5}),
        ("inches = cm / 2.54", None),
        ("total = net + tax", lambda a, b: {"net": a, "tax": b, "total": a + b}),
        ("unit = total / pieces", lambda a, b: {"total": a * b, "pieces": b}),
    ],
)
def test_forms_of_equations_are_found(text, columns):
    rng = np.random.default_rng(0)
    a, b = rng.integers(100, 9999, 400) / 100, rng.integers(1, 30, 400)
    if columns is None:
        made = {"inches": a, "cm": np.round(a * 2.54, 4)}
    else:
        made = columns(a, b)
        if "pieces" in made:
            made["unit"] = np.round(made["total"] / b, 2)
    table = pa.table(made)
    encoder = TableEncoder.fit(table)
    found = find_equations(encoder, encoder.encode(table))
    assert len(found) == 1
    names = {unit.name for unit in found[0].rule.units}
    assert names == set(made)
    assert found[0].rows == 400


def test_chance_rarely_looks_like_a_rule():
    said = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 120
        age = rng.integers(18, 90, n)
        table = pa.table(
            {
                "age": age,
                "seen": rng.integers(0, 10, n),
                "always_less": rng.integers(0, 15, n),
                "flag": rng.integers(0, 2, n),
                "income": rng.lognormal(10, 1, n).round(2),
                "sex": rng.choice(["F", "M"], n),
                "town": rng.choice(list(PLACES), n),
            }
        )
        encoder = TableEncoder.fit(table)
        said += len(find_rules(encoder, encoder.encode(table)))
    assert said == 0


def test_too_few_rows_say_nothing():
    table = make_shop(0, 99)
    encoder = TableEncoder.fit(table)
    assert find_rules(encoder, encoder.encode(table)) == []


def test_equations_are_kept_by_default_and_the_rest_on_request():
    table = make_shop(4)
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)

    def texts(*written, **options):
        rules = choose_rules(written, encoder, cells, table, **options)
        return [rule.text for rule in rules]

    assert texts() == ["total = price * months"]
    assert texts(choice="none") == []
    assert set(texts(choice="auto")) > {"total = price * months", "signup <= login"}
    assert texts("price >= 90", choice="unbroken") == ["total = price * months"]
    assert texts(labels=["total"]) == []


def test_names_with_blanks_and_signs_need_no_quotes():
    table = pa.table({"net-pay": [1.5, 2.75], "unit price": [1.0, 2.0], "tax": [0.5, 0.75]})
    _, cells, rules, _ = fit_rules(table, ["net-pay = unit price+tax", '"net-pay" > tax'])
    assert all(rule.holds(cells).all() for rule in rules)
    assert rules[1].text == 'tax < "net-pay"'


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (["logn >= signup"], "got 'logn'. Did you mean login?"),
        (["total = price * month"], "got 'month'. Did you mean months?"),
        (["total = price *"], "expected columns and numbers with + - * /; got a part of it"),
        (["total"], "expected a rule such as 'a <= b'"),
        (
            ["city >= country"],
            "expected columns of numbers or dates; got 'city'. Words have no order",
        ),
        (["months >= signup"], "expected two numbers, or two dates; got a number and a date"),
        (["price >= 10"], "expected rows that keep it; got one that breaks it in row "),
        (["country = IT"], "expected rows that keep it; got one that breaks it in row "),
        (
            ["country = IR"],
            "a value that 'country' has, or a column; got 'IR'. Did you mean IT?",
        ),
        (
            ["unique(city)"],
            "expected rows that keep it; got one that breaks it in row 4, and 294 more",
        ),
        (["combinations(city)"], "expected different columns, separated by commas; got 'city'"),
        (["combinations(city, price)"], "expected columns of words; got 'price'"),
        (["price >= 60", "price <= 20"], "got 'price >= 60', which contradicts it"),
        (
            ["total = price * months", "price = total / months"],
            "'price' computed twice or from itself",
        ),
        (
            ["total = price + total"],
            "expected a column computed from others; got 'total' on both",
        ),
        (["login >= 2024-13-01"], "expected a date such as 2024-03-20; got '2024-13-01'"),
        (
            ["price + months <= total"],
            "a column or a constant on each side; got more. Add the sum",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(rules, sentence):
    assert sentence in refuse_rules(make_shop(5), *rules)


def test_circles_of_orders_are_refused():
    equal = pa.table({"a": [1, 2, 3], "b": [1, 2, 3]})
    assert "Columns that are equal are written 'a = b'" in refuse_rules(
        equal, "a <= b", "b <= a"
    )


def test_a_computed_label_is_refused():
    table = pa.table({"a": [1, 2] * 20, "b": [2, 4] * 20})
    assert "a label, which samples are asked for by" in refuse_rules(
        table, "b = 2 * a", labels=["b"]
    )


def test_a_broken_row_is_named_by_its_number():
    table = pa.table({"a": [1, 2, 9, 9], "b": [2, 3, 4, 5]})
    said = refuse_rules(table, "a <= b")
    assert "got one that breaks it in row 3, and 1 more row" in said


def test_a_key_of_ids_is_checked_in_the_table():
    ids = [f"p{i % 39}" for i in range(40)]
    table = pa.table({"id": ids, "age": np.arange(40) % 7})
    assert "got 1 row that repeat" in refuse_rules(table, "unique(id)")
    encoder = TableEncoder.fit(table)
    rules = choose_rules(["unique(id, age)"], encoder, encoder.encode(table), table)
    assert rules[0].holds(encoder.encode(table)).all()


def test_only_learned_keys_have_to_be_remembered():
    table = pa.table({"id": [f"p{i}" for i in range(40)], "a": range(40), "b": range(1, 41)})
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    for text, has_keys in {"unique(a)": True, "unique(id, a)": False, "a < b": False}.items():
        rules = choose_rules([text], encoder, cells, table)
        assert Reduction.fit(rules, encoder, (), cells).has_keys == has_keys, text


def test_a_schema_keeps_its_constraints():
    schema = Schema.infer(make_shop(0))
    text = schema.to_json().replace(
        '  "columns"', '  "constraints": ["login >= signup"],\n  "columns"'
    )
    read = Schema.from_json(text)
    assert read.constraints == ("login >= signup",)
    assert Schema.from_json(read.to_json()) == read
    assert read.check(make_shop(0)).constraints == read.constraints
    assert schema.changes(read) == ["constraint login >= signup"]
    with pytest.raises(
        Refusal, match=r"the schema, constraints: expected a list of rules in words"
    ):
        Schema.from_json('{"columns": [], "constraints": {"a": 1}}')
