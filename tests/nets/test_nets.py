"""Laws over every net, and what the MLP promises."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from onehalf import Latent, Refusal
from onehalf._registry import catalogue
from onehalf.nets.mlp import ACTIVATIONS, MLP, waves

NETS = catalogue("nets")
SHAPES = [((2,), ()), ((3,), (8, 8)), ((8, 8), ()), ((9, 8, 3), ()), ((1,), (1,))]
"""In and out."""


def accepted(kind, in_shape, out_shape):
    """Whether the net can have these shapes; those that it can't, it refuses."""
    try:
        kind(jr.key(0), in_shape, out_shape)
    except Refusal:
        return False
    return True


EACH = [
    (kind, *shapes) for kind in NETS.values() for shapes in SHAPES if accepted(kind, *shapes)
]
every_net = pytest.mark.parametrize(
    ("kind", "in_shape", "out_shape"),
    EACH,
    ids=[f"{kind.__name__} {in_shape} {out_shape}" for kind, in_shape, out_shape in EACH],
)


def size_of(out):
    return jnp.sum(out**2)


def test_the_laws_try_every_net():
    tried = {kind.__name__: (in_shape, out_shape) for kind, in_shape, out_shape in EACH}
    assert set(tried) == set(NETS) == {"MLP", "ConvolutionalD", "ConvolutionalG"}
    assert tried["ConvolutionalD"] == ((9, 8, 3), ())
    assert tried["ConvolutionalG"] == ((3,), (8, 8))


@every_net
@pytest.mark.parametrize("width", [0, 2])
def test_one_example_in_one_out_and_finite_gradients(kind, in_shape, out_shape, width):
    net = kind(jr.key(0), in_shape, out_shape, condition_size=width)
    x, c = jr.normal(jr.key(1), in_shape), jr.normal(jr.key(2), (width,))
    assert (net.in_shape, net.out_shape, net.condition_size) == (in_shape, out_shape, width)
    out, gradient = eqx.filter_jit(
        lambda net: (net(x, c), eqx.filter_grad(lambda net: size_of(net(x, c)))(net))
    )(net)
    assert out.shape == out_shape
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


@every_net
def test_a_batch_is_its_examples(kind, in_shape, out_shape):
    net = kind(jr.key(0), in_shape, out_shape, condition_size=2)
    x, c = jr.normal(jr.key(1), (3, *in_shape)), jr.normal(jr.key(2), (3, 2))
    each = [net(*one) for one in zip(x, c, strict=True)]
    assert np.allclose(jax.vmap(net)(x, c), each, rtol=1e-4, atol=1e-5)


@every_net
def test_the_condition_matters(kind, in_shape, out_shape):
    net = kind(jr.key(0), in_shape, out_shape, condition_size=2)
    x = jr.normal(jr.key(1), in_shape)
    assert not np.allclose(net(x, jnp.array([1.0, 0.0])), net(x, jnp.array([0.0, 1.0])))


@every_net
def test_without_conditions_a_net_is_a_function_of_one_argument(kind, in_shape, out_shape):
    net = kind(jr.key(0), in_shape, out_shape)
    x = jr.normal(jr.key(1), in_shape)
    assert np.array_equal(net(x), net(x, jnp.zeros(0)))


@every_net
@pytest.mark.parametrize(("size", "c"), [(2, None), (2, 3), (0, 1)])
def test_a_condition_of_another_width_is_refused(kind, in_shape, out_shape, size, c):
    net = kind(jr.key(0), in_shape, out_shape, condition_size=size)
    c = c and jnp.ones(c)
    with pytest.raises(Refusal, match=f"c: expected a condition of {size} numbers"):
        net(jnp.ones(in_shape), c)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    net = MLP(jr.key(0), (2,), (), width=8, activation=activation)
    assert np.isfinite(net(jnp.ones(2)))


def test_maxout_is_the_greatest_of_its_pieces():
    net = MLP(jr.key(0), (2,), (), width=3, depth=1, activation="maxout", pieces=4)
    x = jnp.array([0.3, -1.0])
    pieces = (x @ net.weights[0] + net.biases[0]).reshape(3, 4)
    assert np.allclose(net(x), pieces.max(1) @ net.weights[1] + net.biases[1], rtol=1e-5)


def test_the_papers_players_have_as_many_parameters_as_the_code_of_2014():
    size = lambda net: sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(net, eqx.is_array)))  # noqa: E731
    G = MLP(
        jr.key(0),
        (100,),
        (784,),
        width=1200,
        activation="relu",
        out_activation="sigmoid",
        init=0.05,
    )
    D = MLP(
        jr.key(0), (784,), (), width=240, activation="maxout", dropout=(0.2, 0.5), init=0.005
    )
    assert (size(G), size(D)) == (2_503_984, 1_231_441)


def test_dropout_keeps_the_mean_and_needs_a_key():
    net = MLP(jr.key(0), (50,), (), width=50, depth=1, activation="linear", dropout=(0.2, 0.5))
    x = jnp.ones(50)
    dropped = np.asarray(jax.vmap(lambda key: net(x, key=key))(jr.split(jr.key(1), 20_000)))
    assert np.std(dropped) > 0.1
    assert np.mean(dropped) == pytest.approx(
        float(net(x)), abs=float(4 * np.std(dropped) / np.sqrt(20_000))
    )
    assert net(x) == net(x)


def test_weights_start_as_said():
    net = MLP(jr.key(0), (400,), (), width=300)
    assert np.std(net.weights[0]) == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert np.abs(MLP(jr.key(0), (400,), (), init=0.005).weights[0]).max() <= 0.005
    p_z = Latent(normal=2, choices=100)
    first = MLP(jr.key(0), p_z.shape, (2,), width=2000, first_std=p_z.first_std).weights[0]
    assert np.std(first[:2]) == pytest.approx(np.sqrt(1 / 2), rel=0.05)
    assert np.std(first[2:]) == pytest.approx(1 / 3, rel=0.02)


def test_waves_are_of_all_lengths_and_are_not_trained():
    vectors = np.asarray(waves(32, 2))
    assert np.allclose(np.linalg.norm(vectors, axis=1)[[0, -1]], [1, 64])
    assert ((vectors != 0).sum(axis=0) == 16).all()
    net = MLP(jr.key(0), (2,), (), features=32)
    gradient = eqx.filter_grad(lambda net: net(jnp.ones(2)))(net)
    assert not gradient.waves.any()
    assert gradient.weights[0].any()


def test_no_entry_of_a_condition_is_dropped():
    net = MLP(jr.key(0), (2,), (), width=50, depth=1, dropout=(0.9, 0.0), condition_size=1)
    net = eqx.tree_at(lambda net: net.weights[0], net, jnp.zeros((3, 50)).at[2].set(1.0))
    outs = [float(net(jnp.ones(2), jnp.ones(1), key=key)) for key in jr.split(jr.key(1), 9)]
    assert outs == [float(net(jnp.ones(2), jnp.ones(1)))] * 9


@pytest.mark.parametrize(
    "bad", [{"width": 0}, {"depth": 0}, {"dropout": (0.0, 1.0)}, {"activation": "rely"}]
)
def test_bad_shapes_are_refused(bad):
    with pytest.raises(Refusal, match="expected"):
        MLP(jr.key(0), (2,), (), **bad)
