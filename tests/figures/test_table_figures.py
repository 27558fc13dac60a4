"""The figures and the page of a table: what is counted and drawn first, words on the page."""

import dataclasses
import datetime
import functools
import html
import re

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.patches import Rectangle, StepPatch

import onehalf as oh
from onehalf import figures, report
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.schema import Schema
from onehalf.evaluation.checks.utility import evaluate_utility
from onehalf.evaluation.features.tables import TableColumns
from onehalf.evaluation.result import Optional
from onehalf.figures.column_differences import FEW_VALUES

N = 4000
TITLE = "fake.csv against people.csv"


@functools.cache
def people():
    """A table with every kind of column; weight follows from height."""
    rng = np.random.default_rng(0)
    height = rng.normal(170, 10, N).round(1)
    spent = np.where(rng.random(N) < 0.4, 0.0, rng.lognormal(3, 1, N).round(2))
    table = pa.table(
        {
            "height": height,
            "weight": (height - 100 + rng.normal(0, 3, N)).round(1),
            "spent": spent,
            "age": pa.array(
                np.where(rng.random(N) < 0.1, np.nan, rng.integers(18, 90, N)), from_pandas=True
            ),
            "sex": np.where(rng.random(N) < 0.05, None, rng.choice(["F", "M"], N)),
            "town": [f"town {k}" for k in np.minimum(rng.geometric(0.02, N), 500)],
            "inches": rng.choice([14, 15, 17], N),
            "born": [
                datetime.date(1950, 1, 1) + datetime.timedelta(days=int(k))
                for k in rng.integers(0, 20_000, N)
            ],
            "land": ["Norway"] * N,
            "row id": np.arange(N),
        }
    )
    coding = TableEncoder.fit(table)
    return table, coding, coding.encode(table)


def halves():
    _, coding, rows = people()
    return coding, rows[: N // 2], rows[N // 2 :].copy()


def changed(name, function):
    """Samples that differ from data in one column."""
    coding, data, samples = halves()
    place = coding.names.index(name)
    samples[:, place] = function(samples[:, place])
    return coding, data, samples


def shuffled():
    coding, data, samples = halves()
    place, rng = coding.names.index("weight"), np.random.default_rng(0)
    samples[:, place] = rng.permutation(samples[:, place])
    return coding, data, samples


def panels(figure, coding):
    return {axes.get_title().split("\n")[0]: axes for axes in figure.axes}


CHANGES = {
    "height": lambda cells: cells + 5,
    "spent": lambda cells: np.where(cells == 0, 0.01, cells),
    "age": lambda cells: np.where(np.isnan(cells), 40, cells),
    "sex": lambda cells: np.where(cells == 1, 0, cells),
    "town": lambda cells: np.where(cells < 200, 7, cells),
    "inches": lambda cells: np.where(cells == 14, 14.6, cells),
    "born": lambda cells: cells + 4000,
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_column_that_differs_most_is_first_with_the_share_of_rows_to_be_changed(name):
    coding, data, samples = changed(name, CHANGES[name])
    first, *rest = figures.rank_columns(data, samples, coding)
    assert coding.names[first.columns[0]] == name
    place = first.columns[0]
    moved = np.mean(
        ~((samples[:, place] == halves()[2][:, place]) | np.isnan(samples[:, place]))
    )
    if name in ("spent", "age", "sex", "inches"):
        assert first.excess == pytest.approx(moved, abs=0.04)
    else:
        assert first.excess > 0.08
    assert all(abs(each.excess) < 0.06 for each in rest)


def test_data_from_data_is_what_luck_makes_of_it():
    coding, data, samples = halves()
    for each in figures.rank_columns(data, samples, coding):
        assert each.samples < 2 * each.data + 0.02
        assert abs(each.excess) < 0.06


def test_samples_fewer_than_the_data_are_counted_against_as_few():
    coding, data, samples = halves()
    few = {each.columns: each for each in figures.rank_columns(data, samples[:200], coding)}
    many = {each.columns: each for each in figures.rank_columns(data, samples, coding)}
    place = (coding.names.index("height"),)
    assert few[place].data > 1.5 * many[place].data
    assert abs(few[place].excess) < 0.15


def test_words_and_few_values_have_bars_that_are_shares_and_others_and_missing_their_own():
    coding, data, samples = changed("inches", CHANGES["inches"])
    figure = figures.draw_marginals(data, samples, coding)
    for name, labels in {
        "sex": {"F", "M", "missing"},
        "inches": {"14", "15", "17", "others"},
        "land": {"Norway"},
    }.items():
        axes = panels(figure, coding)[name]
        assert {label.get_text() for label in axes.get_yticklabels()} == labels
        widths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle)]
        assert sum(widths[: len(labels)]) == pytest.approx(1)
        assert sum(widths[len(labels) :]) == pytest.approx(1)
    town = panels(figure, coding)["town"]
    assert len(town.get_yticklabels()) == FEW_VALUES + 1


def test_numbers_and_dates_are_shares_of_all_rows_with_atoms_and_what_is_missing_beside():
    coding, data, samples = halves()
    drawn = panels(figures.draw_marginals(data, samples, coding, "fakes"), coding)
    for name in ("height", "weight", "spent", "age", "born"):
        steps = [
            patch.get_data() for patch in drawn[name].patches if isinstance(patch, StepPatch)
        ]
        missing = [
            np.isnan(rows[:, coding.names.index(name)]).mean() for rows in (data, samples)
        ]
        for side, gone in enumerate(missing):
            assert sum(step.values.sum() for step in steps[side::2]) + gone == pytest.approx(1)
        assert len(steps) == (4 if name == "spent" else 2)
    place = coding.names.index("age")
    assert drawn["age"].get_xlabel() == (
        f"missing: data {100 * np.isnan(data[:, place]).mean():.1f} %, "
        f"fakes {100 * np.isnan(samples[:, place]).mean():.1f} %"
    )
    widths = np.diff(drawn["age"].patches[0].get_data().edges)
    assert set(widths) == {
        3.0
    }  # as many whole numbers in each bin, or they would look like a comb
    assert [len(label.get_text()) for label in drawn["born"].get_xticklabels()] == [10] * 3


def test_a_figure_has_the_number_and_its_baseline_over_each_column():
    coding, data, samples = changed("sex", CHANGES["sex"])
    titles = [axes.get_title() for axes in figures.draw_marginals(data, samples, coding).axes]
    assert re.fullmatch(r"sex\n4\d\.\d % differ \(data from data \d\.\d %\)", titles[0])
    assert all("data from data" in title for title in titles)
    assert len(titles) == len(coding.names)


def test_of_many_columns_the_first_24_are_drawn():
    rng = np.random.default_rng(0)
    table = pa.table({f"x{k}": rng.normal(size=200) for k in range(40)})
    coding = TableEncoder.fit(table)
    rows = coding.encode(table)
    other = rows.copy()
    other[:, 33] += 10
    figure = figures.draw_marginals(rows, other, coding)
    assert len(figure.axes) == figures.MOST_MARGINALS == 24
    assert figure.axes[0].get_title().startswith("x33")
    assert sum(figure.get_size_inches()) < 40


def test_the_pair_that_came_apart_is_drawn_first_and_not_a_column_that_differs_by_itself():
    coding, data, samples = shuffled()
    place = coding.names.index("sex")
    samples[:, place] = 0
    figure = figures.draw_pairs(data, samples, coding, "fakes")
    heads = [part.get_suptitle() for part in figure.subfigs]
    assert re.match(
        r"height and weight: [5-9]\d\.\d % differ \(data from data \d\.\d %\)", heads[0]
    )
    data_map, samples_map, difference, *_ = figure.subfigs[0].axes
    assert [axes.get_title() for axes in (data_map, samples_map, difference)] == [
        "data",
        "fakes",
        "data less fakes",
    ]
    shares = [axes.images[0].get_array() for axes in (data_map, samples_map, difference)]
    assert shares[0].sum() == pytest.approx(1)
    np.testing.assert_allclose(shares[2], shares[0] - shares[1])
    assert data_map.images[0].get_clim() == samples_map.images[0].get_clim()
    low, high = difference.images[0].get_clim()
    assert low == -high


def test_a_table_of_one_column_has_no_pairs():
    table = pa.table({"x": np.arange(40) % 4})
    coding = TableEncoder.fit(table)
    rows = coding.encode(table)
    assert figures.draw_pairs(rows, rows, coding) is None
    assert len(figures.draw_marginals(rows, rows, coding).axes) == 1


@pytest.mark.parametrize("what", ["all missing", "constant", "one row", "far away"])
def test_samples_that_are_nothing_like_the_data_are_drawn(what):
    coding, data, samples = halves()
    samples = {
        "all missing": np.full_like(samples, np.nan),
        "constant": np.zeros_like(samples),
        "one row": samples[:1],
        "far away": samples
        + np.where([name in coding.words for name in coding.names], 0.0, 1e6),
    }[what]
    for figure in (
        figures.draw_marginals(data, samples, coding),
        figures.draw_pairs(data, samples, coding),
    ):
        assert figure is not None
        figure.draw_without_rendering()
        assert len(figure.axes) >= len(coding.names) or figure.subfigs


@functools.cache
def page():
    """The page of two files, of which one has ids that the other does not share."""
    table, coding, _ = people()
    real, other = table[:300], table[300:600]
    numbers = ["height", "weight"]
    found = oh.measure(
        real=real.select(numbers).to_pandas(), other=other.select(numbers).to_pandas() + 8.0
    )
    useful = evaluate_utility(
        coding.encode(other), coding.encode(real), TableColumns(coding), "weight", seed=0
    )
    found = dataclasses.replace(found, optional=Optional(utility=useful))
    return (
        found,
        coding,
        real,
        other,
        report.render_measurement_page(found, real, other, title=TITLE),
    )


def test_the_page_of_two_tables_is_whole_and_in_the_columns_own_words():
    found, _, real, _, whole = page()
    assert not re.search(r"https?:|<script|<link|@import|\bsrc=|url\((?!#)", whole)
    for figure in re.findall(r"<figure>.*?</figure>", whole, flags=re.DOTALL):
        assert "How to read it:" in figure
    words = html.unescape(
        re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", whole, flags=re.DOTALL)
    ).replace("\u00a0", " ")
    assert found.optional.utility.sentence in words
    for said in (
        "mean absolute error",
        "Pairs of columns",
        "The columns",
        "row id was left out",
        "only 14, 15, 17",
        "Norway",
    ):
        assert said in words
    first = found.examples.missing[0].row
    for entry in real.slice(first, 1).drop_columns(["row id"]).to_pylist()[0].values():
        assert (
            f"{entry:.6g}"
            if isinstance(entry, float)
            else "missing"
            if entry is None
            else str(entry)
        ) in words
    assert any(region.certain for region in found.regions)
    assert re.search(r"\bheight [<>]=? [\d.]+ +\d+\.\d% \(\d+\.\d% to", " ".join(words.split()))


def test_a_data_frame_gives_the_same_page():
    found, _, real, other, whole = page()
    assert report.render_measurement_page(found, real.to_pandas(), other, title=TITLE) == whole


def test_a_schema_of_ones_own_is_followed():
    found, _, real, other, whole = page()
    assert "only 14, 15, 17" in whole
    schema = Schema.infer(real, {"inches": "category"})
    words = report.render_measurement_page(found, real, other, title=TITLE, schema=schema)
    assert "only 14, 15, 17" not in words


def test_rare_words_share_a_bar_and_are_not_named():
    rng = np.random.default_rng(0)
    zips = [f"{number:05d}" for number in range(200)]
    towns = np.where(rng.random(200) < 0.8, "Rome", zips)
    table = pa.table({"zip": zips, "town": towns})
    encoder = TableEncoder.fit(table, schema=Schema.infer(table, {"zip": "category"}))
    cells = encoder.encode(table)
    axes = figures.draw_marginals(cells, cells, encoder).axes
    labels = {
        each.get_title().split("\n")[0]: [label.get_text() for label in each.get_yticklabels()]
        for each in axes
    }
    assert labels == {"zip": ["words of fewer than 3 rows"], "town": ["Rome", "others"]}


def test_bars_of_ordered_words_follow_the_order():
    order = ("S", "M", "L")
    table = pa.table({"size": ["L"] * 6 + ["S"] * 9 + ["M"] * 4})
    schema = Schema.infer(table)
    column = dataclasses.replace(schema.columns[0], order=order)
    encoder = TableEncoder.fit(table, schema=dataclasses.replace(schema, columns=(column,)))
    cells = encoder.encode(table)
    (axes,) = figures.draw_marginals(cells, cells, encoder).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(order)
