"""p_g by cells: against closed forms, against brute force, and against what samples say."""

import jax
import jax.random as jr
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf._errors import Refusal
from onehalf._registry import catalogue
from onehalf.distributions import Grid, Mixture, Normal, Ring, SwissRoll, TwoMoons, Uniform
from onehalf.distributions.base import AbstractDensity
from onehalf.experiments.known_answers import KNOWN_JSD
from onehalf.theory import jsd
from onehalf.theory.ground_truth import estimate_ground_truth
from onehalf.theory.pushforward import push

OUTSIDE = np.array([-np.inf, np.inf])
DENSITIES = [
    Normal(),
    Uniform(),
    Mixture(),
    Ring(),
    Grid(),
    SwissRoll(),
    TwoMoons(),
    Normal(1.0, 2.0, (2,)),
]


def cells(*inner):
    return np.array([-np.inf, *inner, np.inf])


def test_every_density_knows_its_masses():
    assert {type(p) for p in DENSITIES} == {
        p for p in catalogue("distributions").values() if issubclass(p, AbstractDensity)
    }


@pytest.mark.parametrize("p", DENSITIES, ids=lambda p: type(p).__name__)
def test_masses_add_up_and_are_those_of_draws(p):
    edges = [cells(*np.linspace(-2.5, 2.5, 11))] * p.shape[0]
    masses = p.masses(edges)
    assert masses.shape == (12,) * p.shape[0]
    assert masses.sum() == pytest.approx(1, abs=1e-12)
    x = np.asarray(p.sample(jr.key(0), 100_000))
    counts = np.histogramdd(x, [np.clip(axis, -1e6, 1e6) for axis in edges])[0]
    often = masses * len(x) > 10
    expected = np.append(masses[often], masses[~often].sum() + 1e-9)
    got = np.append(counts[often], counts[~often].sum())
    assert scipy.stats.chisquare(got, expected / expected.sum() * len(x)).pvalue > 1e-4


def test_masses_in_the_tails_are_exact():
    for low, high in ((8.0, 9.0), (-9.0, -8.0)):
        expected = scipy.stats.norm.sf(8) - scipy.stats.norm.sf(9)
        assert Normal().masses([np.array([low, high])])[0] == pytest.approx(expected, rel=1e-12)


knots = st.lists(
    st.floats(-3, 3).map(lambda z: round(z, 2)), min_size=2, max_size=8, unique=True
).map(sorted)


@settings(max_examples=60)
@given(knots, st.data())
def test_pushed_pieces_are_what_a_fine_grid_says(z, data):
    # values of one decimal, so that flat parts and knots on edges are common
    values = st.integers(-20, 20).map(lambda i: i / 10)
    Gz = np.array(data.draw(st.lists(values, min_size=len(z), max_size=len(z))))
    edges = cells(*sorted(data.draw(st.sets(values, min_size=1, max_size=6))))
    found = push(Normal().masses, np.array(z), Gz, edges)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert found.min() >= 0
    fine = np.linspace(-8, 8, 40_001)
    mass = Normal().masses([np.concatenate([[-np.inf], (fine[1:] + fine[:-1]) / 2, [np.inf]])])
    lands = np.searchsorted(edges, np.interp(fine, z, Gz).round(9), side="right") - 1
    np.testing.assert_allclose(found, np.bincount(lands, mass, len(edges) - 1), atol=2e-3)


def test_a_square_is_chi_square_and_a_shift_a_normal():
    z, edges = np.linspace(-9, 9, 20_001), cells(*np.linspace(0, 20, 101))
    np.testing.assert_allclose(
        push(Normal().masses, z, z**2, edges)[1:],
        np.diff(scipy.stats.chi2(1).cdf(edges[1:])),
        atol=1e-6,
    )
    # a linear G has one piece: exact to the last digits, however many knots
    for knots in (2, 50):
        line = np.linspace(-9, 9, knots)
        pushed = push(Normal().masses, line, 1 - 2 * line, edges)
        np.testing.assert_allclose(pushed, Normal(1.0, 2.0).masses([edges]), atol=1e-15)


def test_a_flat_part_is_an_atom_in_the_cell_on_its_right():
    z = np.array([-1.0, 0.0, 1.0])
    found = push(Uniform(-1.0, 1.0).masses, z, np.maximum(z, 0), cells(0.0, 0.5))
    assert found.tolist() == [0, 0.75, 0.25]


def test_the_jsd_of_cells_comes_near_that_of_the_densities():
    z, edges = np.linspace(-9, 9, 100), cells(*np.linspace(-6, 8, 2001))
    with jax.enable_x64():
        found = float(jsd(Normal().masses([edges]), push(Normal().masses, z, z + 1, edges)))
    assert KNOWN_JSD[1.0, 1.0] - 1e-6 < found <= KNOWN_JSD[1.0, 1.0]


@pytest.mark.parametrize(
    "p", [Mixture(), Ring(), Grid(), TwoMoons()], ids=lambda p: type(p).__name__
)
def test_samples_of_the_truth_are_at_0(p):
    rows, samples = (np.asarray(p.sample(jr.key(seed), 200_000)) for seed in (0, 1))
    found = estimate_ground_truth(p.masses, rows, samples)
    assert found.jsd < 1e-3
    assert found.p_data.shape == found.p_g.shape == found.D_star.shape
    assert abs(found.C + np.log(4)) < 2e-3


# far apart the bias is taken off less well: about one standard error is left
@pytest.mark.parametrize(("mean", "bias"), [(1.0, 0.5), (4.0, 1.5)])
def test_the_estimate_has_little_bias_and_an_honest_error(mean, bias):
    z = []
    for seed in range(100):
        x = np.random.default_rng(seed).normal(size=(2, 5_000, 1))
        found = estimate_ground_truth(Normal().masses, x[0], x[1] + mean)
        z.append((found.jsd - KNOWN_JSD[mean, 1.0]) / found.jsd_se)
    assert abs(np.mean(z)) < bias
    assert 0.8 < np.std(z) < 1.3


def test_refusals():
    z, edges = np.linspace(-1, 1, 5), cells(0.0)
    for arguments, sentence in (
        ((z[::-1], z, edges), "z: expected two or more increasing"),
        ((z, z, edges[::-1]), "edges: expected two or more increasing"),
        ((z, z[1:], edges), "Gz: expected a finite number for each of the 5 knots"),
        ((z, z * np.nan, edges), "Gz: .* not finite"),
        (
            (z, z, np.array([0.0, 1.0, 2.0])),
            r"edges: expected cells that hold all of \[-1, 1\]",
        ),
    ):
        with pytest.raises(Refusal, match=sentence):
            push(Normal().masses, *arguments)
    with pytest.raises(Refusal, match="real and samples: expected rows of one or two numbers"):
        estimate_ground_truth(Normal().masses, np.zeros((5, 3)), np.zeros((5, 3)))
    with pytest.raises(
        Refusal, match="samples: expected at least 1,000, all finite; got 5, 5 numbers"
    ):
        estimate_ground_truth(Normal().masses, np.zeros((5, 1)), np.zeros((5, 1)))
    with pytest.raises(Refusal, match=r"samples: .* got 1,000, 0 numbers"):
        estimate_ground_truth(Normal().masses, np.zeros((5, 1)), np.full((1000, 1), np.nan))


def test_a_cut_never_passes_its_knot():
    # rounded up by the last digit, it would leave a cell with less than nothing
    z, Gz = (
        np.array([-1.1473109479297807, 0.5468510157394851, 1.2168816074124533]),
        np.array([0.2, 0.4, -0.1]),
    )
    assert push(Normal().masses, z, Gz, cells(-0.5, -0.3, -0.2, 0.4)).min() >= 0


def test_finer_cells_show_more_and_what_is_left_is_small():
    ring, narrow = Ring(), Ring(std=0.005)
    rows, samples = (
        np.asarray(ring.sample(jr.key(0), 100_000)),
        np.asarray(narrow.sample(jr.key(1), 1_000_000)),
    )
    found = estimate_ground_truth(ring.masses, rows, samples)
    # in polar coordinates of each mode, by quadrature
    r = np.linspace(0, 0.12, 200_001)
    p, q = (r / std**2 * np.exp(-((r / std) ** 2) / 2) for std in (0.01, 0.005))
    truth = (
        sum(np.trapezoid(scipy.special.rel_entr(each, (p + q) / 2), r) for each in (p, q)) / 2
    )
    assert found.jsd_wide < found.jsd < truth
    assert truth - found.jsd < 1.5 * (found.jsd - found.jsd_wide) + 4 * found.jsd_se
