"""Which places give which numbers is what `Scales.between` does, read backwards."""

import numpy as np
import pytest

from onehalf.data.tables.spans import Allowed
from onehalf.players.trees.events import Event, Points
from onehalf.players.trees.places import Halves
from onehalf.players.trees.scales import ColumnFacts, Scales

PLACES = 50
"""Places that are tried in each half."""


def make_columns() -> dict[str, tuple[np.ndarray, int | None]]:
    """Numbers that hardly repeat, and their decimals."""
    rng = np.random.default_rng(0)
    long = np.round(rng.lognormal(size=60) * 20, 2)
    return {
        "decimals": (np.round(rng.lognormal(size=60) * 50, 1), 1),
        "prices, half of them whole": (np.where(rng.random(60) < 0.5, np.rint(long), long), 2),
        "multiples of 5": (np.rint(rng.normal(size=60) * 100) * 5, 0),
        "all decimals": (rng.normal(size=60), None),
        "all decimals and zeros": (
            np.where(rng.random(60) < 0.2, 0.0, rng.normal(size=60)),
            None,
        ),
        "the least repeats": (np.r_[[0.0] * 9, rng.normal(size=50) ** 2], None),
        "the greatest has a decimal": (np.r_[np.arange(20) * 7.0, 4.3, 400.3, 0.1], 1),
    }


COLUMNS = make_columns()


@pytest.fixture(params=COLUMNS)
def halves(request) -> Halves:
    numbers, decimals = COLUMNS[request.param]
    scales = Scales.fit(numbers, ColumnFacts(is_word=False, decimals=decimals))
    assert not scales.repeats
    return Halves.of(scales)


def draw(halves: Halves) -> np.ndarray:
    """The numbers at evenly spaced places, a row for each half."""
    at = (np.arange(len(halves.start) * PLACES) + 0.5) / (2 * PLACES)
    return halves.scales.between(at).reshape(-1, PLACES)


def test_the_share_of_a_half_below_a_number_is_known(halves):
    drawn = draw(halves)
    every = np.arange(len(drawn))
    some = np.random.default_rng(0).choice(drawn.ravel(), 60)
    for number in [*some, *np.nextafter(some, np.inf), drawn.min() - 1, drawn.max() + 1]:
        found = halves.share_below(np.full(len(every), number), every)
        expected = (drawn < number).mean(axis=1)
        np.testing.assert_allclose(found, expected, atol=1.01 / PLACES)


def test_the_candidates_are_all_that_give_a_number(halves):
    drawn = draw(halves)
    rows = halves.scales.sorted_rows
    numbers = np.unique(drawn) if halves.scales.step else halves.scales.values
    for number, found in zip(numbers, halves.candidates(numbers), strict=True):
        giving = set(np.flatnonzero((drawn == number).any(axis=1)))
        first, last = (2 * np.searchsorted(rows, number, side) for side in ("left", "right"))
        assert giving <= {*found, *range(first + 1, last - 1)}


def test_the_places_of_a_number_are_as_many_as_give_it(halves):
    scales = halves.scales
    drawn = draw(halves)
    is_counted = scales.step > 0
    numbers = np.unique(drawn) if is_counted else scales.values[scales.counts > 1]
    points = Points.of(scales, np.append(numbers, np.nan))
    found = points.lengths.sum(axis=1)
    expected = [(drawn == number).sum() / (2 * PLACES) for number in numbers]
    np.testing.assert_allclose(found[:-1], expected, atol=6 / PLACES)
    assert found[-1] == 0
    if is_counted:
        every = np.arange(scales.values[0], scales.values[-1] + scales.step / 2, scales.step)
        total = Points.of(scales, np.round(every, scales.decimals)).lengths.sum()
        assert total == pytest.approx(len(scales.sorted_rows))


def test_the_share_of_a_bin_that_is_allowed_is_what_is_drawn_from_it(halves):
    scales = halves.scales
    low, middle, high = np.quantile(scales.values, [0.2, 0.5, 0.8])
    event = Event(scales, Allowed(((low, middle), (high, np.inf)), missing=False))
    u = (np.arange(2000) + 0.5) / 2000
    for scale, bins in enumerate(scales.bins):
        for place in np.unique(bins):
            codes = np.full(len(u), np.flatnonzero(bins == place)[0])
            at_scale = np.full(len(u), scale)
            drawn = scales.draw(codes, at_scale, u)
            holds = ((drawn >= low) & (drawn <= middle)) | (drawn >= high)
            assert event.share(scale)[place + 1] == pytest.approx(holds.mean(), abs=0.003)
            if holds.any():
                again = event.draw(codes, at_scale, u)
                apart = np.abs(np.quantile(again, u) - np.quantile(drawn[holds], u))
                assert apart.mean() < np.ptp(scales.values) / 200
                assert (((again >= low) & (again <= middle)) | (again >= high)).all()
