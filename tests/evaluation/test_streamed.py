"""Measurements of more rows than are read at once."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import stats

from helpers import run_cli
from onehalf import measuring
from onehalf._errors import Refusal
from onehalf.data import sources
from onehalf.data.random_order import RandomOrder
from onehalf.data.sources import MemoryRows, draw_rows, open_large
from onehalf.evaluation.certificate import streamed
from onehalf.evaluation.certificate.bounds import payoff
from onehalf.evaluation.certificate.certificate import WIDEST
from onehalf.evaluation.certificate.critics import PLAIN_ARRAY, Critic
from onehalf.evaluation.certificate.streamed import certify_streams
from onehalf.evaluation.rows import wrap
from onehalf.evaluation.samples import PlacedRows, Stream


@pytest.fixture
def low_limits(monkeypatch):
    """Files of more than 300 rows are read in batches of 97; 200 rows are drawn."""
    monkeypatch.setattr(sources, "MOST_IN_MEMORY", 300)
    monkeypatch.setattr(sources, "BATCH_SIZE", 97)
    monkeypatch.setattr(measuring, "MOST_DRAWN", 200)


@pytest.mark.parametrize("n", [1, 2, 3, 64, 65, 1000])
def test_a_random_order_has_each_place_once(n):
    order = RandomOrder(n, [0])
    places = np.concatenate([order.places(0, n // 3), order.places(n // 3, n)])
    assert sorted(places) == list(range(n))


def test_every_row_is_as_likely_at_every_place():
    found = [RandomOrder(13, [seed, 8]).places(0, 13) for seed in range(520)]
    for row in range(13):
        counts = np.bincount([places[row] for places in found], minlength=13)
        assert stats.chisquare(counts).pvalue > 1e-4


def test_neighbours_in_the_file_are_not_neighbours_in_the_order():
    places = RandomOrder(100_000, [0]).places(0, 100_000)
    assert abs(stats.spearmanr(np.arange(100_000), places).statistic) < 0.02
    assert abs(stats.spearmanr(places[1:], places[:-1]).statistic) < 0.02


def test_drawn_rows_are_those_of_the_first_places(low_limits):
    rows = np.arange(1000.0)[:, None]
    order = RandomOrder(1000, [0])
    drawn = draw_rows(MemoryRows(rows), order, 50)
    assert drawn.values[:, 0].tolist() == drawn.numbers.tolist()
    assert set(drawn.numbers) == set(np.flatnonzero(order.places(0, 1000) < 50))


def stream(rows, order, drawn, size):
    """Rows as a stream, and the rows that are drawn from it."""
    places = order.places(0, len(rows))

    def read():
        for start in range(0, len(rows), size):
            some = slice(start, start + size)
            left = places[some] >= drawn
            yield PlacedRows(places[some][left], wrap(rows[some][left]))

    numbers = np.flatnonzero(places < drawn)
    by_place = numbers[np.argsort(places[numbers])]
    return wrap(rows[by_place]), Stream(len(rows), numbers, read)


def logit(rows):
    """A critic that has learned nothing from rows: its logit is 0.3 times the first entry."""
    return 0.3 * wrap(rows).x[:, 0]


@pytest.fixture
def fixed_critic(monkeypatch):
    """All certificates are by one critic."""
    critic = Critic(logit, -1.0, 1.5, 0.2, (np.zeros(1), np.zeros(1)))
    monkeypatch.setattr(streamed, "learn", lambda *args, **options: critic)
    return critic


def test_groups_have_the_means_of_their_rows_in_any_batches(fixed_critic, monkeypatch):
    monkeypatch.setattr(streamed, "MOST_GROUPS", 50)
    rng = np.random.default_rng(0)
    sides = [rng.normal(size=(317, 1)), rng.normal(-0.5, size=(340, 1))]
    orders = [RandomOrder(len(rows), [turn]) for turn, rows in enumerate(sides)]
    found = []
    for size in (317, 10):
        parts = [stream(*pair, 100, size) for pair in zip(sides, orders, strict=True)]
        (x, of_x), (y, of_y) = parts
        found.append(certify_streams(jr.key(0), x, y, (of_x, of_y), encoder=PLAIN_ARRAY))
    for one, other in zip(found[0].gains, found[1].gains, strict=True):
        assert one == pytest.approx(other)
    (start,), together = found[0].starts, found[0].together
    assert (start, together, len(found[0].gains)) == (50, 6, 44)
    ordered = [
        logit(rows[np.argsort(order.places(0, len(rows)))][start : start + 6 * 44])
        for rows, order in zip(sides, orders, strict=True)
    ]
    expected = payoff(ordered[0], ordered[1][:, None], fixed_critic.low, fixed_critic.high)
    assert found[0].gains == pytest.approx(expected.reshape(44, 6).mean(axis=1))
    assert found[0].jsd_estimate == pytest.approx(
        payoff(ordered[0], ordered[1][:, None], -WIDEST, WIDEST).mean()
    )


def count_failures(seeds, monkeypatch, sort):
    """How often each promise fails for two samples of one law, in files that may be in the order of their values."""
    monkeypatch.setattr(streamed, "MOST_GROUPS", 60)
    monkeypatch.setattr(streamed, "permutation_p_value", lambda *args, **options: 1.0)
    failures = np.zeros(4, int)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        sides = [rng.normal(size=(n, 1)) for n in (400, 500)]
        sides = [np.sort(rows, axis=0) for rows in sides] if sort else sides
        parts = [
            stream(rows, RandomOrder(len(rows), [seed, turn]), 100, 150)
            for turn, rows in enumerate(sides)
        ]
        (x, of_x), (y, of_y) = parts
        found = certify_streams(jr.key(seed), x, y, (of_x, of_y), encoder=PLAIN_ARRAY)
        fails = (
            found.jsd_lower > 0,
            found.tv_lower > 0,
            found.log_e >= np.log(20),
            found.p_value <= 0.05,
        )
        failures += np.array(fails)
    return failures


@pytest.mark.parametrize("sort", [False, True])
def test_bounds_fail_no_more_often_than_they_may(fixed_critic, monkeypatch, sort):
    failures = count_failures(25, monkeypatch, sort)
    assert (failures <= stats.binom.isf(1e-4, 25, 0.05)).all()


@pytest.mark.slow
@pytest.mark.parametrize("sort", [False, True])
def test_bounds_fail_no_more_often_than_they_may_over_many_seeds(
    fixed_critic, monkeypatch, sort
):
    failures = count_failures(1000, monkeypatch, sort)
    assert (failures <= stats.binom.isf(1e-4, 1000, 0.05)).all()


def write_points(folder, name, mean, n=600):
    np.save(folder / name, np.random.default_rng(len(name)).normal(mean, size=(n, 1)))
    return folder / name


@pytest.mark.usefixtures("low_limits")
def test_more_rows_than_are_read_at_once_are_measured(tmp_path):
    sides = [write_points(tmp_path, name, mean) for name, mean in (("a.npy", 0), ("bb.npy", 2))]
    found = measuring.measure(real=sides[0], other=str(sides[1]))
    assert (found.n_real, found.n_other) == (600, 600)
    assert 0 < found.jsd_lower < 0.415 < found.jsd_lower + 0.3
    about = found.streamed
    assert (about.drawn_real, about.learned, about.bet, about.together) == (200, 100, 500, 1)
    assert about.sentence in found.sentences
    assert found.to_dict()["streamed"]["bet"] == found.learned_from.pairs == 500
    rows = np.load(sides[0])[:, 0]
    assert rows[found.examples.missing[0].row] < 0


@pytest.mark.slow
@pytest.mark.usefixtures("low_limits")
def test_a_short_sample_is_measured_against_many_rows(tmp_path):
    file = write_points(tmp_path, "a.npy", 0)
    other = np.random.default_rng(5).normal(2, size=(60, 1))
    found = measuring.measure(real=str(file), other=other)
    assert (found.n_real, found.n_other) == (600, 60)
    assert (found.streamed.drawn_real, found.streamed.drawn_other) == (200, 60)
    assert found.jsd_lower > 0


@pytest.mark.usefixtures("low_limits")
def test_words_that_were_not_drawn_count_as_missing(tmp_path):
    words = np.array(["one", "two", "three"])[np.arange(700) % 3].astype(object)
    numbers = np.random.default_rng(0).normal(size=700).round(1)
    for name in ("real", "other"):
        for part in range(2):
            some = slice(350 * part, 350 * part + 350)
            own = np.where(np.arange(350) == 7, f"{name} {part}", words[some])
            table = pa.table({"word": own, "x": numbers[some]})
            (tmp_path / name).mkdir(exist_ok=True)
            pyarrow.parquet.write_table(table, tmp_path / name / f"{part}.parquet")
    large = measuring.open_large_sides(tmp_path / "real", str(tmp_path / "other"))
    samples = measuring.encode_streams(large, None, 0, None)
    batches = list(samples.streams.real.read())
    assert sum(len(batch.places) for batch in batches) == 500
    cells = np.concatenate([batch.rows.x for batch in batches])
    unknown = {7, 357} - set(samples.streams.real.numbers)
    assert np.isnan(cells[:, 0]).sum() == len(unknown) > 0
    assert not np.isnan(cells[:, 1]).any()


@pytest.mark.usefixtures("low_limits")
def test_bad_numbers_are_refused_by_their_row(tmp_path):
    rows = np.zeros((500, 2))
    rows[450, 1] = np.nan
    np.save(tmp_path / "x.npy", rows)
    with pytest.raises(Refusal, match=r"x\.npy: expected finite numbers; .* row 450, entry 1"):
        measuring.measure(real=tmp_path / "x.npy", other=tmp_path / "x.npy")
    table = pa.table({"x": np.where(np.arange(500) == 450, np.inf, 1.0)})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(Refusal, match=r"1 infinite one in 'x', the first in row 451"):
        measuring.measure(real=tmp_path / "x.parquet", other=tmp_path / "x.parquet")


def test_files_of_few_rows_are_read_whole(tmp_path):
    assert open_large(str(write_points(tmp_path, "a.npy", 0))) is None
    assert open_large("digits") is None


def test_a_page_on_long_files_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((200_001, 1), np.int8))
    file = str(tmp_path / "x.npy")
    done = run_cli("measure", file, file, "--html", str(tmp_path / "page.html"))
    assert done.code == 2
    assert (
        "html: expected files of at most 200,000 rows, or no page; got more rows" in done.stderr
    )
