"""Convolutional players: two ways to compute one convolution, sizes from the image, classes by projection."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.signal import correlate

from onehalf import Refusal
from onehalf.nets._conv2d import by_lax, by_parts
from onehalf.nets.convolutional import (
    Convolution,
    ConvolutionalD,
    ConvolutionalG,
    Down,
    Residual,
    Up,
    padded_to,
)

SHAPES = [(8, 8), (30, 45, 3), (5, 17)]


def leaves(net):
    return jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array))


CONVOLUTIONS = [(1, 0, 3, 2), (2, 1, 4, 5), (3, 1, 1, 6), (3, 0, 7, 3)]
"""Size, border, channels in and out."""


@pytest.mark.parametrize(
    ("convolution", "games"),
    [
        *((convolution, 0) for convolution in CONVOLUTIONS),
        *(pytest.param(each, 2, marks=pytest.mark.slow) for each in CONVOLUTIONS[:3]),
        (CONVOLUTIONS[3], 2),
    ],
)
def test_both_ways_agree_gradients_too(convolution, games):
    """Also where weights differ, as those of games side by side do."""
    size, border, channels_in, channels_out = convolution
    many, grown = (games,) if games else (), 2 * border + 1 - size
    key_x, key_w, key_c = jr.split(jr.key(size), 3)
    x = jr.normal(key_x, (*many, 6, 9, 11, channels_in))
    weight = jr.normal(key_w, (*many, size, size, channels_in, channels_out))
    seen = jr.normal(key_c, (*many, 6, 9 + grown, 11 + grown, channels_out))

    def both(convolve):
        out = jax.vmap(lambda x, weight: convolve(x, weight, border), in_axes=(0, None))
        out = jax.vmap(out) if games else out
        gradients = jax.grad(lambda x, w: jnp.sum(seen * out(x, w)), argnums=(0, 1))
        return jax.jit(lambda *at: (out(*at), *gradients(*at)))(x, weight)

    for parts, lax in zip(both(by_parts), both(by_lax), strict=True):
        assert np.allclose(parts, lax, rtol=1e-5, atol=1e-5 * float(jnp.abs(lax).max()))


def test_a_second_derivative_agrees_too():
    """R1 needs the gradient of a gradient."""
    x, weight = jr.normal(jr.key(0), (6, 6, 2)), jr.normal(jr.key(1), (3, 3, 2, 4))

    def paid(convolve):
        d = lambda x, weight: jnp.sum(jnp.tanh(convolve(x, weight)))  # noqa: E731
        return jax.jit(jax.grad(lambda weight: jnp.sum(jax.grad(d)(x, weight) ** 2)))(weight)

    assert np.allclose(paid(by_parts), paid(by_lax), rtol=1e-4, atol=1e-5)


def test_the_convolution_is_what_scipy_says():
    x, weight = jr.normal(jr.key(0), (7, 8, 3)), jr.normal(jr.key(1), (3, 3, 3, 1))
    expected = correlate(
        np.asarray(x), np.asarray(weight[..., 0]), mode="valid", method="direct"
    )
    assert np.allclose(by_parts(x, weight), expected, atol=1e-5)


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_the_platform_chooses(platform, monkeypatch):
    layer, x = Convolution(jr.key(0), 3, 1, 2), jnp.ones((5, 5, 1))
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert ("conv_general_dilated" in str(jax.make_jaxpr(layer)(x))) == (platform == "gpu")


def test_half_precision_is_near():
    layer = Convolution(jr.key(0), 3, 8, 8)
    half = Convolution(jr.key(0), 3, 8, 8, half=True)
    x = jr.normal(jr.key(1), (9, 9, 8))
    assert half(x).dtype == jnp.float32
    assert 0 < float(jnp.abs(half(x) - layer(x)).max()) < 0.05


def test_up_is_the_transpose_of_down():
    """<Down x, y> = <x, Up y>, for the same 4 x 4 weights."""
    down, up = Down(jr.key(0), 2, 3), Up(jr.key(1), 3, 2)
    weight = down.convolution.weight[::-1, ::-1].reshape(2, 2, 2, 2, 2, 3)
    up = eqx.tree_at(
        lambda up: up.convolution.weight, up, jnp.moveaxis(weight, -1, 2).reshape(2, 2, 3, 8)
    )
    x, y = jr.normal(jr.key(2), (8, 6, 2)), jr.normal(jr.key(3), (4, 3, 3))
    products = jax.jit(lambda x, y: (jnp.sum(down(x) * y), jnp.sum(x * up(y))))
    one, other = map(float, products(x, y))
    assert one == pytest.approx(other, rel=1e-4)


def test_a_block_begins_as_the_identity():
    x = jr.normal(jr.key(0), (6, 6, 4))
    assert np.array_equal(Residual(jr.key(1), 4)(x), x)


@pytest.mark.parametrize("shape", SHAPES)
def test_sizes_follow_from_the_image_and_the_width(shape):
    @eqx.filter_jit
    def play(key):
        key_D, key_G = jr.split(key)
        D = ConvolutionalD(key_D, shape, width=4)
        G = ConvolutionalG(key_G, (6,), shape, width=4)
        x = G(jr.normal(jr.key(1), (6,)))
        gradients = [eqx.filter_grad(lambda D: D(x))(D)]
        gradients += [eqx.filter_grad(lambda G: D(G(jnp.ones(6))))(G)]
        return x, D(x), [leaves(each) for each in gradients]

    x, d, gradients = play(jr.key(0))
    assert x.shape == shape
    assert d.shape == ()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


def test_every_pixel_matters_and_every_pixel_moves():
    """Also at the edges of sides that can't be halved."""
    D, G = (
        ConvolutionalD(jr.key(0), (30, 45), width=4),
        ConvolutionalG(jr.key(1), (6,), (30, 45), width=4),
    )
    assert (np.abs(jax.grad(lambda x: D(x))(jr.normal(jr.key(2), (30, 45)))) > 0).all()
    assert (np.std(jax.vmap(G)(jr.normal(jr.key(3), (8, 6))), axis=0) > 0).all()


def test_sides_are_padded_to_what_can_be_halved():
    assert padded_to((28, 28)) == (28, 28)
    assert padded_to((30, 30, 3)) == (32, 32)
    assert padded_to((8, 9)) == (8, 10)


def test_projection_is_linear_in_the_condition():
    D = ConvolutionalD(jr.key(0), (8, 8), width=4, condition_size=3)
    x = jr.normal(jr.key(1), (8, 8))
    d = lambda c: float(D(x, c))  # noqa: E731
    zero, one, two = jnp.zeros(3), jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 1.0, 0.0])
    assert d(one) != pytest.approx(d(two))
    assert d(one + two) - d(zero) == pytest.approx(
        d(one) + d(two) - 2 * d(zero), rel=1e-3, abs=1e-5
    )


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            (3, 8),
            r"image: expected \(h, w\) or \(h, w, c\), of 4 pixels a side or more; got shape \(3, 8\)",
        ),
        ((8,), "got"),
    ],
)
def test_what_is_no_image_is_refused(shape, sentence):
    with pytest.raises(Refusal, match=sentence):
        ConvolutionalD(jr.key(0), shape)


def test_the_width_is_at_least_one_channel():
    with pytest.raises(Refusal, match="width: expected at least 1 channel; got 0"):
        ConvolutionalG(jr.key(0), (3,), (8, 8), width=0)


def test_D_gives_a_number_or_a_vector():
    assert ConvolutionalD(jr.key(0), (8, 8), (3,), width=4)(jnp.ones((8, 8))).shape == (3,)
    with pytest.raises(Refusal, match=r"out_shape: expected \(\) or \(n,\); got \(8, 8\)"):
        ConvolutionalD(jr.key(0), (8, 8), (8, 8), width=4)
