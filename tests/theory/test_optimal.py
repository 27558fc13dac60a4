"""C = max_D V, D_star reaches it, and C = -log 4 + 2 JSD; reference: game.md, sections 2 and 4."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf._errors import Refusal
from onehalf.distributions import Mixture, Normal, Uniform
from onehalf.theory import C, D_star, V, d_star, jsd

LINE = np.linspace(-20, 24, 441)
TWO_BUMPS = Mixture(((1.0, 0.0), (0.0, -1.0)), (0.5, 1.0), (0.25, 0.75))
PAIRS = {
    "normals": (Normal(), Normal(1.0, 2.0), LINE),
    "a mixture": (Mixture(), Normal(0.0, 2.0), LINE),
    "overlapping uniforms": (Uniform(), Uniform(0.25, 1.25), [0, 0.25, 1, 1.25]),
    "disjoint uniforms": (Uniform(), Uniform(2.0, 3.0), [0, 1, 2, 3]),
    "in the plane": (Normal(0.0, 1.0, (2,)), TWO_BUMPS, [np.arange(-8, 9)] * 2),
}

share = st.floats(1e-300, 1) | st.just(0.0)  # XLA takes subnormal numbers for 0
vectors = (
    st.lists(share, min_size=5, max_size=5)
    .filter(lambda p: sum(p) > 0.01)
    .map(lambda p: np.array(p) / sum(p))
)
logits = st.lists(st.floats(allow_nan=False), min_size=5, max_size=5).map(np.array)


@pytest.fixture(autouse=True, scope="module")
def _float64():
    with jax.enable_x64():
        yield


@pytest.mark.parametrize("pair", PAIRS)
def test_the_identity(pair):
    p_data, p_g, over = PAIRS[pair]
    best = C(p_data, p_g, over)
    assert best == pytest.approx(-math.log(4) + 2 * float(jsd(p_data, p_g, over)), abs=1e-9)
    assert V(d_star(p_data, p_g), p_data, p_g, over) == pytest.approx(float(best), abs=1e-12)


@settings(max_examples=50)
@given(vectors, vectors, logits)
def test_no_D_beats_D_star(p_data, p_g, d):
    best = float(C(p_data, p_g))
    assert best == pytest.approx(-math.log(4) + 2 * float(jsd(p_data, p_g)), abs=1e-14)
    assert V(d_star(p_data, p_g), p_data, p_g) == pytest.approx(best, abs=1e-14)
    assert V(jnp.asarray(d), p_data, p_g) <= best + 1e-14
    assert V(jnp.zeros(5), p_data, p_g) == pytest.approx(-math.log(4), abs=1e-14)


@pytest.mark.parametrize(
    ("a", "expected"),
    [(0.0, -math.log(4)), (0.25, -1.0397207708399179), (1.0, 0.0), (2.0, 0.0), (5.0, 0.0)],
)
def test_shifted_uniforms(a, expected):
    over = sorted({0.0, 1.0, a, 1 + a})
    assert C(Uniform(), Uniform(a, 1 + a), over) == pytest.approx(expected, abs=1e-12)


def test_shifted_normals():
    assert C(Normal(), Normal(1.0), LINE) == pytest.approx(-1.163451396750418, abs=1e-9)


def test_the_pull_on_the_generator():
    # dC/dmean at mean 1, game.md 4.6; by Danskin's theorem it is also the gradient of V with D_star held fixed.
    def p_g(mean):
        return Mixture(jnp.reshape(mean, (1, 1)), jnp.ones(1), jnp.ones(1))

    frozen = d_star(Normal(), Normal(1.0))
    for value in (
        lambda mean: C(Normal(), p_g(mean), LINE),
        lambda mean: V(frozen, Normal(), p_g(mean), LINE),
    ):
        assert jax.grad(value)(1.0) == pytest.approx(0.39797286718325, abs=1e-9)


def test_no_pull_where_nothing_overlaps():
    p_data, moved = jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 0.3, 0.7])
    pull = jax.grad(C, argnums=1)(p_data, moved)
    np.testing.assert_allclose(pull, 0, atol=1e-15)


def test_the_logit_between_normals_is_a_line():
    x = jnp.linspace(-50.0, 50.0, 11)[:, None]
    np.testing.assert_allclose(
        jax.vmap(d_star(Normal(), Normal(2.0)))(x), -2 * x[:, 0] + 2, atol=1e-12
    )


def test_D_star_is_the_share_of_the_data():
    x = jnp.array([[0.1], [0.9], [1.4], [7.0]])
    D = D_star(Uniform(), Uniform(0.5, 1.5))
    assert jax.vmap(D)(x).tolist() == [1.0, 0.5, 0.0, 0.5]
    assert jax.jit(jax.vmap(D))(x).tolist() == [1.0, 0.5, 0.0, 0.5]
    D = D_star(Normal(), Normal(1.0, 2.0))
    p_data, p_g = scipy.stats.norm.pdf(x, 0, 1), scipy.stats.norm.pdf(x, 1, 2)
    np.testing.assert_allclose(jax.vmap(D)(x), (p_data / (p_data + p_g))[:, 0], rtol=1e-12)


def test_on_a_finite_set():
    p_data, p_g = np.array([0.6, 0.4, 0.0, 0.0]), np.array([0.2, 0.0, 0.8, 0.0])
    assert D_star(p_data, p_g).tolist() == pytest.approx([0.75, 1, 0, 0.5])
    assert d_star(p_data, p_g).tolist() == pytest.approx([math.log(3), math.inf, -math.inf, 0])


def test_a_D_that_is_sure():
    p_data, p_g = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert V(jnp.array([jnp.inf, -jnp.inf]), p_data, p_g) == 0
    assert V(jnp.array([-jnp.inf, -jnp.inf]), p_data, p_g) == -math.inf


def test_V_of_any_D_by_scipys_quadrature():
    def integrand(x):
        log_D, log_not_D = -np.logaddexp(0, -np.sin(x)), -np.logaddexp(0, np.sin(x))
        return scipy.stats.norm.pdf(x) * log_D + scipy.stats.norm.pdf(x, 1, 2) * log_not_D

    expected, _ = scipy.integrate.quad(integrand, -20, 24, limit=200, epsabs=1e-12)
    assert V(lambda x: jnp.sin(x[0]), Normal(), Normal(1.0, 2.0), LINE) == pytest.approx(
        expected, abs=1e-9
    )


def test_a_network_for_D_in_the_callers_precision():
    with jax.enable_x64(False):
        d = eqx.nn.MLP(1, "scalar", 8, 1, key=jax.random.key(0))
        value = V(d, Normal(), Normal(1.0), range(-9, 11))
        assert value.dtype == jnp.float32
        assert value < C(Normal(), Normal(1.0), range(-9, 11)) < 0


@pytest.mark.parametrize("argnum", [0, 1])
def test_gradients_at_zeros_are_finite(argnum):
    p, q = jnp.array([0.5, 0.5, 0.0, 0.0]), jnp.array([0.0, 0.3, 0.7, 0.0])
    assert jnp.isfinite(jax.grad(C, argnums=argnum)(p, q)).all()
    d = d_star(p, q)
    assert jnp.isfinite(jax.grad(V)(d, p, q)).all()
    np.testing.assert_allclose(jax.grad(V)(d, p, q), 0, atol=1e-15)  # the maximum
    assert jnp.isfinite(jax.jit(jax.grad(V, argnums=1 + argnum))(d, p, q)).all()


HALVES = np.full(2, 1 / 2)


@pytest.mark.parametrize(
    ("d", "p", "over"),
    [
        (lambda x: x[0], HALVES, None),
        (jnp.zeros(3), HALVES, None),
        (jnp.zeros(2), Normal(), range(-9, 10)),
        (lambda x: x, Normal(), range(-9, 10)),
    ],
)
def test_refusals(d, p, over):
    with pytest.raises(Refusal, match="d: expected"):
        V(d, p, p, over)
