"""Generators that cannot be inverted: both sides of the identity once more, by simulation."""

import math

import numpy as np
import pytest
import scipy.stats

from onehalf.experiments.folds import GENERATORS, Folds


@pytest.mark.parametrize(("G", "claim"), [(np.square, 0), (lambda z: np.maximum(z, 0), 2)])
def test_by_simulation(G, claim, compute):
    z = np.random.default_rng(0).normal(size=1_000_000)
    values = -np.logaddexp(0, G(z))
    expected = compute(Folds).claims[claim].expected
    assert abs(values.mean() - expected) < 4 * values.std() / 1000


def test_the_known_answers(compute):
    square, half, *_ = compute(Folds).claims
    assert square.measured == pytest.approx(-1.43082412579596, abs=1e-12)
    assert half.measured == pytest.approx(-0.71541206, abs=1e-8)


def test_a_draw_off_the_curve_is_certain_so_the_jsd_is_log_2(compute):
    # D = 1 off the line and 0 on it wins always: V = 0, and JSD >= (V + log 4)/2 = log 2
    x = np.random.default_rng(0).normal(size=(100_000, 2))
    assert (x[:, 1] != 0).all()
    assert compute(Folds).claims[-1].measured == pytest.approx(math.log(2), abs=1e-5)


def test_the_figure_pushes_what_it_samples(compute):
    figure = compute(Folds).figure
    assert [axes.get_title() for axes in figure.axes[:3]] == list(GENERATORS)
    # the last one by its samples: three preimages in the middle, one outside
    z = np.random.default_rng(1).normal(size=100_000)
    drawn, exact = (patch.get_data().values for patch in figure.axes[5].patches)
    edges = figure.axes[5].patches[0].get_data().edges
    share = np.histogram(z + 2 * np.sin(3 * z), edges)[0] / len(z) / np.diff(edges)
    assert np.abs(share - exact).max() < 0.05
    assert scipy.stats.pearsonr(drawn, exact).statistic > 0.99
