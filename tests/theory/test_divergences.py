"""Known answers, the axioms of each divergence, and scipy as an oracle; reference: game.md, sections 2 and 4."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf._errors import Refusal
from onehalf.distributions import Mixture, Normal, Uniform
from onehalf.experiments.known_answers import KNOWN_JSD
from onehalf.theory import entropy, jsd, kl, tv
from onehalf.theory.divergences import nodes

LINE = np.linspace(-20, 24, 441)
DIVERGENCES = [kl, jsd, tv]
ROUNDING = 1e-14

share = st.floats(1e-300, 1) | st.just(0.0)  # XLA takes subnormal numbers for 0
vectors = (
    st.lists(share, min_size=5, max_size=5)
    .filter(lambda p: sum(p) > 0.01)
    .map(lambda p: np.array(p) / sum(p))
)


@pytest.fixture(autouse=True, scope="module")
def _float64():
    with jax.enable_x64():
        yield


class Slab:
    """U[0, 1] to whoever asks: a density that is no pytree."""

    def log_p(self, x):
        return jnp.where((x[0] >= 0) & (x[0] <= 1), 0.0, -jnp.inf)


def shifted(a):
    """U[0, 1], U[a, 1 + a] and a quadrature that knows the jumps."""
    return Uniform(), Uniform(a, 1 + a), sorted({0.0, 1.0, a, 1 + a})


@pytest.mark.parametrize(("mean", "std"), KNOWN_JSD)
def test_jsd_of_normals(mean, std):
    expected = KNOWN_JSD[mean, std]
    assert jsd(Normal(), Normal(mean, std), LINE) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("a", [0.0, 0.25, 0.5, 1.0, 2.0, 5.0])
def test_shifted_uniforms(a):
    p, q, over = shifted(a)
    assert jsd(p, q, over) == pytest.approx(min(a, 1) * math.log(2), abs=1e-12)
    assert tv(p, q, over) == pytest.approx(min(a, 1), abs=1e-12)
    assert kl(p, q, over) == (0 if a == 0 else math.inf)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (Normal(0.0, 1.0), Normal(1.0, 2.0), math.log(2) + 1 / 4 - 1 / 2),
        (Normal(1.0, 2.0), Normal(0.0, 1.0), -math.log(2) + 5 / 2 - 1 / 2),
        (Normal(0.0, 1.0), Normal(10.0, 1.0), 50.0),
    ],
)
def test_kl_of_normals(p, q, expected):
    assert kl(p, q, LINE) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("mean", [1.0, 2.0, 4.0])
def test_tv_of_normals_with_a_breakpoint_at_the_tie(mean):
    # The best classifier of the two, a threshold at mean/2, is right with probability 1/2 + TV/2.
    over = mean / 2 + np.arange(-12, 13)
    right = scipy.stats.norm.cdf(mean / 2)
    assert 0.5 + tv(Normal(), Normal(mean, 1.0), over) / 2 == pytest.approx(right, abs=1e-12)


@pytest.mark.parametrize("std", [0.1, 1.0, 2.0])
def test_entropy_of_normals(std):
    expected = math.log(2 * math.pi * math.e * std**2) / 2
    assert entropy(Normal(0.0, std), np.linspace(-20, 20, 401)) == pytest.approx(
        expected, abs=1e-9
    )


def test_in_the_plane_only_the_distance_matters():
    p, q = Normal(0.0, 1.0, (2,)), Normal(1 / math.sqrt(2), 1.0, (2,))
    over = [range(-9, 11), np.arange(-9, 11)]
    assert jsd(p, q, over) == pytest.approx(KNOWN_JSD[1.0, 1.0], abs=1e-9)
    assert kl(p, q, over) == pytest.approx(0.5, abs=1e-9)


def test_an_atom_beside_a_density():
    # p is half an atom, half U[0, 1]; q is U[0, 1]. Densities under (p + q)/2 exist, and the atom is one more node.
    weights = np.exp(nodes([0, 1])[1])
    p, q = np.append(weights / 2, 0.5), np.append(weights, 0.0)
    expected = (math.log(2) / 2 + math.log(2 / 3) / 2 + math.log(4 / 3)) / 2
    assert jsd(p, q) == pytest.approx(expected, abs=1e-12)
    assert kl(p, q) == math.inf
    assert kl(q, p) == pytest.approx(math.log(2), abs=1e-12)


def test_nothing_in_common():
    p, q = np.array([0.3, 0.7, 0.0, 0.0]), np.array([0.0, 0.0, 0.6, 0.4])
    assert jsd(p, q) == pytest.approx(math.log(2), abs=1e-15)
    assert tv(p, q) == 1
    assert kl(p, q) == kl(q, p) == math.inf


@pytest.mark.parametrize("reach", [40.0, 50.0])
def test_a_density_that_underflows_where_the_other_ends(reach):
    # exp(-1250) is 0 in float64: nothing times infinity, at nodes that hold no mass.
    expected = math.log(2 * reach) - math.log(2 * math.pi * math.e) / 2
    assert kl(Normal(), Uniform(-reach, reach), range(-50, 51)) == pytest.approx(
        expected, abs=1e-9
    )


@settings(max_examples=50)
@given(vectors, vectors, vectors)
def test_axioms(p, q, r):
    def metric(p, q):
        return math.sqrt(max(float(jsd(p, q)), 0))

    J, KL, TV, H = (float(number) for number in (jsd(p, q), kl(p, q), tv(p, q), entropy(p)))
    assert -ROUNDING < J < TV * math.log(2) + ROUNDING
    assert -ROUNDING < 2 * TV**2 < KL + ROUNDING  # Pinsker
    assert -ROUNDING < H < math.log(5) + ROUNDING
    assert pytest.approx(float(jsd(q, p)), abs=ROUNDING) == J
    assert pytest.approx(float(tv(q, p)), abs=ROUNDING) == TV <= 1 + ROUNDING
    assert metric(p, r) <= metric(p, q) + metric(q, r) + 1e-7
    assert kl(p, p) == tv(p, p) == 0
    assert jsd(p, p) == pytest.approx(0, abs=ROUNDING)


@settings(max_examples=50)
@given(vectors, vectors)
def test_scipy_agrees(p, q):
    assert entropy(p) == pytest.approx(scipy.stats.entropy(p), abs=1e-12)
    assert kl(p, q) == pytest.approx(scipy.stats.entropy(p, q), abs=1e-9)
    assert jsd(p, q) == pytest.approx(
        scipy.spatial.distance.jensenshannon(p, q) ** 2, abs=1e-12
    )


def test_gradients_along_the_simplex_are_the_calculus():
    p, q, step = (
        jnp.array([0.2, 0.3, 0.5]),
        jnp.array([0.5, 0.1, 0.4]),
        jnp.array([0.1, 0.2, -0.3]),
    )
    for f, expected in [
        (lambda p: kl(p, q), jnp.log(p / q)),
        (lambda p: kl(q, p), -q / p),
        (lambda p: jsd(p, q), jnp.log(2 * p / (p + q)) / 2),
        (lambda p: tv(p, q), jnp.sign(p - q) / 2),
        (entropy, -jnp.log(p)),
    ]:
        assert jax.grad(f)(p) @ step == pytest.approx(float(expected @ step), abs=1e-12)


@pytest.mark.parametrize("argnum", [0, 1])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gradients_at_zeros_are_finite(divergence, argnum):
    p, q = jnp.array([0.5, 0.5, 0.0, 0.0]), jnp.array([0.2, 0.3, 0.5, 0.0])
    assert jnp.isfinite(jax.grad(divergence, argnums=argnum)(p, q)).all()
    assert jnp.isfinite(jax.grad(entropy)(p)).all()


def test_gradient_through_the_quadrature():
    def shifted_normal(mean):
        return Mixture(jnp.reshape(mean, (1, 1)), jnp.ones(1), jnp.ones(1))

    assert jax.grad(lambda mean: kl(Normal(), shifted_normal(mean), LINE))(
        1.5
    ) == pytest.approx(1.5, abs=1e-9)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_compiled_and_mapped(divergence):
    p = jnp.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    each = [divergence(p[i], p[1]) for i in range(3)]
    np.testing.assert_allclose(
        jax.jit(jax.vmap(divergence, in_axes=(0, None)))(p, p[1]), jnp.stack(each), rtol=1e-14
    )


def test_the_callers_precision():
    with jax.enable_x64(False):
        p, q = (
            jax.nn.softmax(jnp.sin(jnp.arange(2e4))),
            jax.nn.softmax(jnp.cos(jnp.arange(2e4))),
        )
        J = jsd(p, q)
        assert J.dtype == jnp.float32
        assert 0 < J * jnp.ones(()) < math.log(2)
        assert jnp.isfinite(jax.jit(jax.grad(jsd))(p, q)).all()
        assert jsd(Normal(), Normal(1.0), range(-9, 11)) == pytest.approx(
            0.11142148218, rel=1e-7
        )


def test_rounded_parameters_are_no_excuse():
    with jax.enable_x64(False):
        p = Mixture()  # its weights add up to 1 + 1.5e-8
    assert kl(p, p, LINE) == 0
    assert abs(kl(p, Mixture(), LINE)) < 1e-14


def test_what_cannot_be_refused_is_nan():
    assert jnp.isnan(jax.jit(jsd)(jnp.array([0.5, 0.5]), jnp.array([0.5, 0.6])))
    assert jnp.isnan(jax.jit(kl)(jnp.array([1.2, -0.2]), jnp.array([0.5, 0.5])))
    assert jnp.isnan(eqx.filter_jit(tv)(Mixture(), Mixture(), over=range(3)))


def test_a_density_need_not_be_a_pytree():
    assert jsd(Slab(), Uniform(0.5, 1.5), [0, 0.5, 1, 1.5]) == pytest.approx(
        math.log(2) / 2, abs=1e-12
    )


def test_exact_for_polynomials_to_degree_31():
    x, log_w = nodes([-1.0, 0.5, 2.0])
    assert np.sum(np.exp(log_w) * x[:, 0] ** 31) == pytest.approx((2.0**32 - 1) / 32, rel=1e-13)


HALVES = np.full(2, 1 / 2)
THIRDS = np.full(3, 1 / 3)


@pytest.mark.parametrize(
    ("p", "q", "over", "sentence"),
    [
        (HALVES, np.array([0.5, 0.6]), None, "probabilities: .* got a sum of 1.1"),
        (
            HALVES,
            np.array([1.2, -0.2]),
            None,
            "probabilities: .* got a sum of 1, the least being -0.2",
        ),
        (HALVES, np.array([0.5, np.nan]), None, "probabilities: .* got a sum of nan"),
        (np.ones(0), np.ones(0), None, "probabilities: .* got a sum of 0"),
        (HALVES, THIRDS, None, r"probabilities: .* got shapes \[\(2,\), \(3,\)\]"),
        (np.eye(2), np.eye(2), None, "probabilities: expected vectors"),
        (HALVES, HALVES, range(3), "over: expected None"),
        (HALVES, Normal(), range(3), "distributions: .* got both"),
        (Normal(), Normal(), None, "over: expected breakpoints"),
        (Normal(), Normal(), [0.0], r"over: .* got \[0.0\]"),
        (Normal(), Normal(), [], r"over: .* got \[\]"),
        (Normal(), Normal(), [0, 1, 1], "over: expected two or more increasing"),
        (Normal(), Normal(), [0, math.inf], "over: expected two or more increasing"),
        (Normal(), Normal(1.0), range(-2, 3), "over: .* whole mass, 1; got 0.9545.* Widen"),
        (Normal(), Normal(0.0, 1e-3), range(-9, 10), "over: .* whole mass, 1; got 8.6.*closer"),
    ],
)
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_refusals(divergence, p, q, over, sentence):
    with pytest.raises(Refusal, match=sentence):
        divergence(p, q, over=over)
