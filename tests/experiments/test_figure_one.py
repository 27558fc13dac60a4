"""Figure 1: the four moments, and what is claimed exact of them, by other means."""

import numpy as np
import pytest
import scipy.stats

from onehalf.experiments.figure_one import CELLS, KNOTS, P_DATA, FigureOne


@pytest.fixture(scope="module", params=["short", pytest.param("full", marks=pytest.mark.slow)])
def experiment(request, compute):
    computed = compute(FigureOne, short=request.param == "short")
    assert computed.claims
    return computed.experiment


@pytest.fixture(scope="module")
def full(compute):
    return compute(FigureOne).experiment


def test_the_four_moments_are_of_one_run(experiment):
    assert [moment.title[:3] for moment in experiment.four] == ["(a)", "(b)", "(c)", "(d)"]
    a, b, c, d = experiment.four
    np.testing.assert_array_equal(a.Gz, b.Gz)
    np.testing.assert_array_equal(b.d, c.d)
    assert (a.d != b.d).all()
    assert (c.Gz != d.Gz).all()


def test_p_g_is_the_law_of_G(experiment):
    z = np.random.default_rng(0).normal(size=200_000)
    for moment in experiment.four:
        lands = np.searchsorted(CELLS, np.interp(z, KNOTS, moment.Gz), side="right") - 1
        counts = np.bincount(lands, minlength=len(CELLS) - 1)
        often = moment.p_g * len(z) > 10
        expected = np.append(moment.p_g[often], moment.p_g[~often].sum() + 1e-9)
        got = np.append(counts[often], counts[~often].sum())
        assert scipy.stats.chisquare(got, expected / expected.sum() * len(z)).pvalue > 1e-5


@pytest.mark.slow
def test_at_the_end_p_g_is_p_data_and_D_is_one_half(full):
    *_, d = full.four
    # 0.033 or 0.051, by how the compiler rounds: training amplifies the last bits
    assert np.abs(d.p_g - P_DATA.masses([CELLS])).sum() / 2 < 0.1
    inside = P_DATA.masses([CELLS]) > 1e-3
    assert np.abs(d.d[inside]).max() < 0.3


def test_the_film_goes_through_the_four(experiment):
    titles = [frame.axes[0].get_title() for frame in experiment.film()]
    assert [title for title in titles if title.startswith("(")] == [
        moment.title for moment in experiment.four
    ]
    assert len(titles) > len(experiment.four)
